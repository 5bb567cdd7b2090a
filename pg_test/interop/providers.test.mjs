// What the unit tests hold the presets against is what the Better Auth that is installed says.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { socialProviderList } from '@better-auth/core/social-providers';
import { FILE, vectors } from '../tools/providers_vectors.mjs';

const recorded = readFileSync(FILE, 'utf8');

test('the vectors of the presets are those of this Better Auth', async () => {
  // Not by assert.equal, which would show all of it.
  const now = await vectors();
  const at = [...now].findIndex((letter, place) => letter !== recorded[place]);
  assert.ok(now === recorded, `run pg_test/tools/providers_vectors.mjs: ${now.slice(at - 200, at + 200)}`);
});

test('every provider of this Better Auth is recorded', () => {
  const known = new Set(JSON.parse(recorded).providers.map(({ preset }) => preset));
  assert.deepEqual(socialProviderList.filter((id) => !known.has(id)), []);
});
