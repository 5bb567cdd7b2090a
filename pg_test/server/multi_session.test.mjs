// The plugin multi-session: what a request may cost.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ORIGIN, configured, http } from './http.mjs';
import { PASSWORD, freshEmail } from './lib.mjs';

test('of the cookies of a device’s sessions a hundred are looked at', async (t) => {
  const { client } = await configured(t, { plugins: 'multi-session', rate_limit: 'off', base_url: ORIGIN });
  const signedUp = await http(client, 'POST', '/sign-up/email', { body: { name: 'Ada', email: freshEmail(), password: PASSWORD } });
  const [session, held] = signedUp.cookies;
  assert.match(held, /_multi-/);
  const listed = async (before) => {
    const cookie = [...Array.from({ length: before }, (_, index) => `x_multi-${index}=y`), held].join('; ');
    return (await http(client, 'GET', '/multi-session/list-device-sessions', { cookie })).json.length;
  };
  assert.deepEqual([await listed(0), await listed(99), await listed(100), await listed(4000)], [1, 1, 0, 0]);
  // Nor is a session remembered beside so many.
  const cookie = Array.from({ length: 4000 }, (_, index) => `x_multi-${index}=y`).join('; ');
  const again = await http(client, 'POST', '/sign-up/email', { body: { name: 'Eve', email: freshEmail(), password: PASSWORD }, cookie });
  assert.deepEqual([again.status, again.cookies.length], [200, 1]);
  assert.equal((await http(client, 'GET', '/get-session', { cookie: session })).json.user.name, 'Ada');
});
