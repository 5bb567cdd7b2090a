// The plugin bearer: where a session token counts, besides what the differential test asks of handler().

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ORIGIN, configured, http } from './http.mjs';
import { PASSWORD, freshEmail } from './lib.mjs';

const BEARER = { plugins: 'bearer', rate_limit: 'off', base_url: ORIGIN };

async function signedUp(t, settings = BEARER) {
  const { client } = await configured(t, settings);
  const email = freshEmail();
  const { json, headers } = await http(client, 'POST', '/sign-up/email', { body: { name: 'Ada', email, password: PASSWORD } });
  return { client, email, token: json.token, signed: headers['set-auth-token'] };
}
const ask = async (client, token) => (await http(client, 'GET', '/get-session', { headers: { authorization: `Bearer ${token}` } })).json;

test('api() takes headers, as auth.api does', async (t) => {
  const { client, email, token, signed } = await signedUp(t);
  const api = (headers, more = {}) => client.call('api', { endpoint: 'getSession', input: JSON.stringify({ headers }), ...more });
  for (const one of [token, signed]) assert.equal((await api({ authorization: `Bearer ${one}` })).user.email, email);
  assert.equal(await api({ authorization: `Bearer ${token}x` }), null);
  assert.equal((await api({ authorization: 'Bearer x' }, { session_token: token })).user.email, email, 'session_token comes first');
});

test('after the secret was rotated, what it has signed is good for as long as it says', async (t) => {
  const { client, email, signed } = await signedUp(t, { ...BEARER, bearer_require_signature: 'on' });
  await client.query(`SELECT better_auth.rotate_secret('cookie', '1 hour')`);
  assert.equal((await ask(client, signed)).user.email, email);
  await client.query(`SELECT better_auth.rotate_secret('cookie', '0')`);
  await client.query(`DELETE FROM better_auth.signing_secret WHERE name = 'cookie' AND created_at < (SELECT max(created_at) FROM better_auth.signing_secret WHERE name = 'cookie')`);
  assert.equal(await ask(client, signed), null);
});

test('a token of a mail, a bridge token and a cached session are no session tokens', async (t) => {
  const { client, email, token } = await signedUp(t);
  await http(client, 'POST', '/send-verification-email', { body: { email } });
  const mailed = await client.value('SELECT token FROM better_auth.mail_outbox');
  const bridge = await client.call('bridge_token', { session_token: token });
  for (const other of [mailed, bridge, mailed.split('.').slice(0, 2).join('.'), `${token}.${mailed.split('.')[2]}`]) {
    assert.equal(await ask(client, other), null, other);
  }
});
