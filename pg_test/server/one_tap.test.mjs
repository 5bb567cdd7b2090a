// The plugin one-tap where nobody fetches: Google's keys are set, and PostgREST is enough.

import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { begin, http, httpFetching, set } from './http.mjs';
import { patiently } from './lib.mjs';
import { withPlugins, withRpc } from './plugins.mjs';

const ISSUER = 'https://accounts.google.com';
const CLIENT = '1234.apps.googleusercontent.com';
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const KEYS = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' }] });
const BAD = { message: 'invalid id token' };

function idToken(claims = {}, key = privateKey) {
  const now = Math.floor(Date.now() / 1000);
  const person = { iss: ISSUER, aud: CLIENT, sub: '1001', email: 'nora@example.org', email_verified: true, name: 'Nora', iat: now, exp: now + 3600 };
  const signed = [{ alg: 'RS256', kid: 'k' }, { ...person, ...claims }].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${signed}.${createSign('sha256').update(signed).sign(key, 'base64url')}`;
}
const tap = (client, token) => http(client, 'POST', '/one-tap/callback', { body: { idToken: token } });
const count = (client, table) => client.value(`SELECT count(*)::int FROM better_auth."${table}"`);

async function world(t, settings = { one_tap_client_id: CLIENT }) {
  const both = await withPlugins(t, 'one-tap', settings);
  await both.client.call('set_provider_keys', { issuer: ISSUER, jwks: KEYS });
  return both;
}

test('signs in and up through PostgREST, with no provider set up, and no fetch', async (t) => {
  const { database, client } = await world(t);
  const rpc = await withRpc(t, database, client);
  const first = await rpc('one_tap_callback', { id_token: idToken() });
  assert.deepEqual([first.status, first.json.user.email, first.json.user.emailVerified], [200, 'nora@example.org', true]);
  assert.match(first.cookie, /^better-auth\.session_token=/);
  const again = await rpc('one_tap_callback', { id_token: idToken({ email: 'else@example.org' }) });
  assert.deepEqual([again.json.user.id, again.json.user.email], [first.json.user.id, 'nora@example.org']);
  assert.deepEqual((await rpc('one_tap_callback', { id_token: idToken({ aud: 'x' }) })).json, BAD);
  assert.deepEqual(await client.column('SELECT scope FROM better_auth.account'), ['openid,profile,email']);
});

test('of ten taps at once each signs in, and there is one user', async (t) => {
  const { database, client } = await world(t);
  const token = idToken();
  const connections = await database.connectMany(10);
  const answers = await Promise.all(connections.map((one) => patiently(() => tap(one, token))));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  assert.deepEqual([await count(client, 'user'), await count(client, 'account'), await count(client, 'session')], [1, 1, 10]);
});

test('without keys nobody is let in, nor asked for them in vain', async (t) => {
  const { client } = await withPlugins(t, 'one-tap', { one_tap_client_id: CLIENT });
  assert.deepEqual((await tap(client, idToken())).json, BAD);
  const { fetch } = await begin(client, 'POST', '/one-tap/callback', { body: { idToken: idToken() } });
  assert.equal(fetch.url, 'https://www.googleapis.com/oauth2/v3/certs');
  await client.query('DELETE FROM better_auth.provider_key');
  const { status, asked } = await httpFetching(client, () => ({ status: 200, body: KEYS }), 'POST', '/one-tap/callback', { body: { idToken: idToken() } });
  assert.deepEqual([status, asked.length], [200, 1]);
  // From here on they are known to who fetches nothing.
  assert.equal((await tap(client, idToken())).status, 200);
  // What can't be a token sends nobody.
  for (const bad of ['', 'x', 'a.b.c', idToken().slice(0, -9).replace(/^[^.]*/, Buffer.from('{"alg":"none"}').toString('base64url'))]) {
    assert.deepEqual([(await begin(client, 'POST', '/one-tap/callback', { body: { idToken: bad } })).status], [400]);
  }
});

test('says whose client id is missing, and is there only while it is on', async (t) => {
  const { client } = await world(t, {});
  const answer = await tap(client, idToken());
  assert.deepEqual([answer.status, answer.json.message.slice(0, 41)], [400, 'Google client ID is required for One Tap.']);
  await set(client, { plugins: '' });
  assert.equal((await tap(client, idToken())).status, 404);
  assert.equal(await count(client, 'user'), 0);
});
