// Settings that are auto, on or off take PostgreSQL's other words for a boolean too: disable_csrf_check was one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configured, http, ORIGIN, set } from './http.mjs';
import { refused } from './lib.mjs';

test('disable_csrf_check, in every word', async (t) => {
  const { client } = await configured(t, { base_url: ORIGIN, rate_limit: 'off' });
  const signOut = async () => (await http(client, 'POST', '/sign-out', { body: {}, cookie: 'x=y', headers: { origin: 'https://elsewhere.example' } })).status;
  const WORDS = { on: 200, true: 200, yes: 200, 1: 200, ON: 200, off: 403, false: 403, no: 403, 0: 403, auto: 403 };
  for (const [word, status] of Object.entries(WORDS)) {
    await set(client, { disable_csrf_check: word });
    assert.equal(await signOut(), status, word);
  }
  await set(client, { disable_origin_check: 'on' });
  assert.equal(await signOut(), 200);
  await refused(set(client, { disable_csrf_check: 'maybe' }), { code: '22023', hint: 'Available values: auto, on, off.' });
});
