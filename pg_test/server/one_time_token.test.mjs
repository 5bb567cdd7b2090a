// The plugin one-time-token under attack.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ORIGIN, configured, cookieOf, http, set } from './http.mjs';
import { patiently, refused, server, signUp } from './lib.mjs';

const SETTINGS = { base_url: ORIGIN, rate_limit: 'off', plugins: 'one-time-token' };

const verify = (client, token) => http(client, 'POST', '/one-time-token/verify', { body: { token } });

/** A session's cookie, and a token for it. */
async function generated(client) {
  const { token: session } = await signUp(client);
  const cookie = await cookieOf(client, session);
  const { json } = await http(client, 'GET', '/one-time-token/generate', { cookie });
  assert.match(json.token, /^[A-Za-z0-9_-]{32}$/);
  return { session, cookie, token: json.token };
}

test('of ten who bring a token at once one has the session', async (t) => {
  const { database, client } = await configured(t, SETTINGS);
  const { session, token } = await generated(client);
  const connections = await database.connectMany(10);
  const answers = await Promise.all(connections.map((one) => patiently(() => verify(one, token))));
  const texts = answers.map(({ status, json }) => (status === 200 ? json.session.token : json.message)).sort();
  assert.deepEqual(texts, [...Array(9).fill('Invalid token'), session].sort());
  assert.equal(answers.filter(({ cookies }) => cookies.length > 0).length, 1);
});

test('a token of a session that was revoked gives nothing', async (t) => {
  const { client } = await configured(t, SETTINGS);
  const { session, token } = await generated(client);
  await client.call('sign_out', { session_token: session });
  const answer = await verify(client, token);
  assert.deepEqual([answer.status, answer.text, answer.cookies], [400, '{"message":"Session not found"}', []]);
});

test('neither a session’s token nor what is stored is one', async (t) => {
  const { client } = await configured(t, { ...SETTINGS, one_time_token_store_token: 'hashed' });
  const { session, token } = await generated(client);
  const identifier = await client.value('SELECT identifier FROM better_auth.verification');
  assert.ok(!identifier.includes(token));
  for (const wrong of [session, identifier, identifier.slice('one-time-token:'.length), '', token.toLowerCase(), token.slice(1)]) {
    assert.equal((await verify(client, wrong)).status, 400, wrong);
  }
  assert.equal((await verify(client, token)).status, 200);
});

test('made for callers of SQL alone, if so set', async (t) => {
  const { client } = await configured(t, { ...SETTINGS, one_time_token_disable_client_request: 'on' });
  const { token: session_token } = await signUp(client);
  const cookie = await cookieOf(client, session_token);
  const refusal = await http(client, 'GET', '/one-time-token/generate', { cookie });
  assert.deepEqual([refusal.status, refusal.text], [400, '{"message":"Client requests are disabled"}']);
  const { token } = await client.call('api', { endpoint: 'generateOneTimeToken', session_token });
  assert.equal((await verify(client, token)).json.session.token, session_token);
  await refused(client.call('api', { endpoint: 'generateOneTimeToken' }), { code: '28000', detail: 'UNAUTHORIZED' });
});

test('the header set-ott has one for each new session, and no other answer has', async (t) => {
  const { client } = await configured(t, { ...SETTINGS, one_time_token_set_ott_header_on_new_session: 'on' });
  const body = { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' };
  const { headers, json, cookie } = await http(client, 'POST', '/sign-up/email', { body });
  assert.match(headers['access-control-expose-headers'], /(^|, )set-ott($|, )/);
  assert.equal((await verify(client, headers['set-ott'])).json.session.token, json.token);
  for (const [method, path] of [['GET', '/get-session'], ['GET', '/ok'], ['POST', '/sign-out']]) {
    const answer = await http(client, method, path, { cookie });
    assert.equal(answer.headers['set-ott'], undefined, path);
  }
});

test('its functions for PostgREST', async (t) => {
  const roles = [await server.role(t, 'anon'), await server.role(t, 'user')];
  const { client } = await configured(t, SETTINGS);
  await client.query('SELECT better_auth.enable_rpc($1, $2, $3)', ['public', ...roles]);
  const { token: session } = await signUp(client);
  const { token } = await client.value('SELECT public.generate_one_time_token($1)', [session]);
  assert.equal((await client.value('SELECT public.verify_one_time_token($1)', [token])).session.token, session);
  assert.deepEqual(await client.value('SELECT public.verify_one_time_token($1)', [token]), { message: 'Invalid token' });
  await set(client, { one_time_token_disable_client_request: 'on' });
  assert.deepEqual(await client.value('SELECT public.generate_one_time_token($1)', [session]), { message: 'Client requests are disabled' });
});
