// The pages that list things list all of them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { VERSIONS } from '../postgrest/versions.mjs';
import { server } from './lib.mjs';

const page = (name) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const listed = (text, pattern) => [...new Set([...text.matchAll(pattern)].map(([, name]) => name))].sort();

test('docs/settings.md has every setting, and docs/plugins.md those of plugins', async (t) => {
  const { client } = await server.database(t);
  await client.query(`LOAD 'better_auth'`);
  const settings = await client.column(`SELECT substr(name, 13) FROM pg_settings WHERE name LIKE 'better\\_auth.%'`);
  assert.ok(settings.length > 60);
  assert.deepEqual(listed(page('docs/settings.md') + page('docs/plugins.md'), /^\| `(\w+)`/gm), settings.sort());
});

test('README.md has every function', async (t) => {
  const { client } = await server.database(t);
  const functions = await client.column(`
    SELECT DISTINCT proname FROM pg_proc
    WHERE pronamespace = 'better_auth'::regnamespace AND prorettype NOT IN ('trigger'::regtype, 'internal'::regtype) ORDER BY 1`);
  const readme = page('README.md');
  assert.deepEqual(functions.filter((name) => !readme.includes(`\`${name}(`)), []);
});

test('docs/postgrest.md has what each version says of a bad token, and listens where nobody else does', () => {
  const text = page('docs/postgrest.md');
  for (const { jwt } of Object.values(VERSIONS)) {
    for (const why of ['key', 'audience', 'expired']) {
      const [code, message] = jwt.refusals[why]();
      assert.ok(text.includes(`\`${code}\``) && text.includes(`\`${message}\``), `${code} ${message}`);
    }
  }
  const [, configuration] = /^`postgrest.conf`:\n\n```\n([^`]+)```/m.exec(text);
  assert.match(configuration, /^server-host +=/m);
  assert.match(page('examples/nginx-postgrest/compose.yaml'), /PGRST_SERVER_HOST: 127\.0\.0\.1/);
});
