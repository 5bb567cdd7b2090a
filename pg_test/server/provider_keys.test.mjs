// Keys of providers, as many connections come by them at once: by fetches that this test makes in a layer's place, or by
// set_provider_keys().

import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { ORIGIN, answer, configured, request } from './http.mjs';
import { refused } from './lib.mjs';

const ISSUER = 'https://accounts.google.com';
const CLIENT = 'client.apps.googleusercontent.com';
const KEYS_URL = 'https://www.googleapis.com/oauth2/v3/certs';
const INVALID = [401, 'INVALID_TOKEN'];

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A key of the provider's: its JWK, and tokens by it. */
function key(kid) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const token = (claims = {}, header = {}) => {
    const now = Math.floor(Date.now() / 1000);
    const signed = `${encode({ alg: 'RS256', kid, ...header })}.${encode({ iss: ISSUER, aud: CLIENT, sub: '1', email: 'ada@gmail.com', email_verified: true, name: 'Ada', iat: now, exp: now + 3600, ...claims })}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
  };
  return { jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' }, token };
}
const jwks = (...keys) => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });

async function withGoogle(t, settings) {
  const { database, client } = await configured(t, { rate_limit: 'off', ...settings });
  await client.query(`SELECT better_auth.set_oauth_provider('google', $1, 'secret')`, [CLIENT]);
  return { database, client, connect: (count) => Promise.all(Array.from({ length: count }, () => database.connect())) };
}

/** Begins a sign-in, for a layer that fetches or one that doesn't: what handler() answers. */
const begin = (client, token, fetches = true) =>
  client.value('SELECT better_auth.handler($1::jsonb)', [JSON.stringify({ ...JSON.parse(request('POST', '/sign-in/social', { body: { provider: 'google', idToken: { token } } })), fetch: fetches })]);
const resume = (client, { resume: kept }, response) => client.value('SELECT better_auth.resume($1, $2)', [kept, JSON.stringify(response)]);
const result = (said) => {
  const { status, json } = answer(said);
  return [status, status === 200 ? json.user.email : json.code];
};
const isSent = (said) => said.fetch !== undefined;
/** Signs in where nobody is to be sent. */
async function signIn(client, token, fetches) {
  const said = await begin(client, token, fetches);
  assert.ok(!isSent(said), 'nobody is sent for keys');
  return result(said);
}
const served = (body, status = 200) => ({ status, headers: {}, body });
const waits = (client) => client.query(`UPDATE better_auth.provider_key SET tried_at = tried_at - interval '31 seconds' WHERE tried_at <> 'infinity'`);

test('of many who miss the keys one is sent for them', async (t) => {
  const { client, connect } = await withGoogle(t);
  const clients = await connect(10);
  const google = key('a');
  const said = await Promise.all(clients.map((one) => begin(one, google.token())));
  const sent = said.filter(isSent);
  assert.equal(sent.length, 1);
  assert.deepEqual([sent[0].fetch.method, sent[0].fetch.url], ['GET', KEYS_URL]);
  for (const other of said.filter((one) => !isSent(one))) assert.deepEqual(result(other), INVALID);
  // Another connection goes on with it; then all have them.
  assert.deepEqual(result(await resume(client, sent[0], served(jwks(google)))), [200, 'ada@gmail.com']);
  for (const one of clients) assert.deepEqual(await signIn(one, google.token()), [200, 'ada@gmail.com']);
  assert.deepEqual(await signIn(client, google.token(), false), [200, 'ada@gmail.com'], 'whoever asks');
  assert.equal(await client.value(`SELECT count(*) FROM better_auth."user"`), '1');
});

test('keys that nobody knows: one fetch, not a flood', async (t) => {
  const { client, connect } = await withGoogle(t);
  const clients = await connect(8);
  const google = key('a');
  assert.deepEqual(result(await resume(client, await begin(client, google.token()), served(jwks(google)))), [200, 'ada@gmail.com']);
  const forged = key('forged');
  const five = async (one) => {
    const said = [];
    for (let n = 0; n < 5; n++) said.push(await begin(one, forged.token({}, { kid: `forged-${n}` })));
    return said;
  };
  const flood = async () => (await Promise.all(clients.map(five))).flat().filter(isSent);
  assert.deepEqual(await flood(), [], 'they came just now');
  await waits(client);
  const sent = await flood();
  assert.equal(sent.length, 1);
  assert.deepEqual(await flood(), [], 'somebody is sent');
  assert.deepEqual(await signIn(clients[0], google.token()), [200, 'ada@gmail.com'], 'meanwhile the others sign in');
  assert.deepEqual(result(await resume(client, sent[0], served(jwks(google)))), INVALID);
  assert.deepEqual(await flood(), [], 'somebody was sent');
  // A true one that is new.
  const next = key('b');
  await waits(client);
  const said = await begin(clients[1], next.token());
  assert.deepEqual(result(await resume(clients[2], said, served(jwks(google, next)))), [200, 'ada@gmail.com']);
  for (const one of clients) assert.deepEqual([await signIn(one, next.token()), await signIn(one, google.token())], Array(2).fill([200, 'ada@gmail.com']));
  // One that was withdrawn.
  await waits(client);
  assert.deepEqual(result(await resume(client, await begin(client, forged.token()), served(jwks(next)))), INVALID);
  for (const one of clients) assert.deepEqual(await signIn(one, google.token()), INVALID);
});

test('who was sent and comes back with nothing changes nothing', async (t) => {
  const { client, connect } = await withGoogle(t);
  const [one, other] = await connect(2);
  const google = key('a');
  await resume(client, await begin(client, google.token()), served(jwks(google)));
  const forged = key('b');
  for (const response of [{ error: 'timed out' }, served('<html>'), served('{}'), served(jwks(forged), 404), served(jwks(forged).slice(0, -1)), served(JSON.stringify({ keys: [forged.jwk], pad: 'x'.repeat(65536) }))]) {
    await waits(client);
    assert.deepEqual(result(await resume(one, await begin(one, forged.token()), response)), INVALID);
    assert.deepEqual(await signIn(other, google.token()), [200, 'ada@gmail.com']);
  }
  // Who never comes back keeps nobody for longer.
  await waits(client);
  assert.ok(isSent(await begin(one, forged.token())));
  assert.deepEqual(await signIn(other, forged.token()), INVALID);
  await waits(client);
  assert.deepEqual(result(await resume(other, await begin(other, forged.token()), served(jwks(forged)))), [200, 'ada@gmail.com']);
});

test('keys that are set are everybody’s at once, and nobody is sent for others', async (t) => {
  const { client, connect } = await withGoogle(t);
  const clients = await connect(4);
  const [google, next] = [key('a'), key('b')];
  for (const one of clients) assert.deepEqual(await signIn(one, google.token(), false), INVALID);
  await client.query('SELECT better_auth.set_provider_keys($1, $2)', [ISSUER, jwks(google)]);
  for (const one of clients) {
    assert.deepEqual(await signIn(one, google.token(), false), [200, 'ada@gmail.com']);
    assert.deepEqual(await signIn(one, next.token()), INVALID, 'not even by who fetches');
  }
  await client.query('BEGIN');
  await client.query('SELECT better_auth.set_provider_keys($1, $2)', [ISSUER, jwks(next)]);
  assert.deepEqual(await signIn(client, next.token()), [200, 'ada@gmail.com']);
  await client.query('ROLLBACK');
  for (const one of [client, ...clients]) assert.deepEqual([await signIn(one, next.token()), await signIn(one, google.token())], [INVALID, [200, 'ada@gmail.com']]);
  await client.query('SELECT better_auth.set_provider_keys($1, $2)', [ISSUER, jwks(next)]);
  for (const one of clients) assert.deepEqual([await signIn(one, next.token()), await signIn(one, google.token())], [[200, 'ada@gmail.com'], INVALID]);
  // While somebody is sent: what comes back is too late.
  await client.query('SELECT better_auth.set_provider_keys($1, NULL)', [ISSUER]);
  const said = await begin(client, google.token());
  assert.ok(isSent(said));
  await client.query('SELECT better_auth.set_provider_keys($1, $2)', [ISSUER, jwks(next)]);
  assert.deepEqual(result(await resume(clients[0], said, served(jwks(google)))), INVALID);
  assert.deepEqual(await signIn(clients[1], next.token()), [200, 'ada@gmail.com']);
});

test('attacks by token', async (t) => {
  const { client } = await withGoogle(t);
  const google = key('a');
  const stranger = key('a');
  await client.query('SELECT better_auth.set_provider_keys($1, $2)', [ISSUER, jwks(google)]);
  const now = Math.floor(Date.now() / 1000);
  const [, payload, signature] = google.token().split('.');
  for (const [name, token] of Object.entries({
    'of another client': google.token({ aud: 'other' }),
    'of no client': google.token({ aud: [] }),
    'of another issuer': google.token({ iss: 'https://accounts.google.com.attacker.example' }),
    'that has expired': google.token({ exp: now - 31 }),
    'that is too old': google.token({ iat: now - 3700 }),
    'of tomorrow': google.token({ iat: now + 86400, exp: now + 90000 }),
    'that is not good yet': google.token({ nbf: now + 3600 }),
    'without sub': google.token({ sub: undefined }),
    'by another key': stranger.token(),
    'by alg none': `${encode({ alg: 'none' })}.${payload}.`,
    'by alg none, with kid': `${encode({ alg: 'none', kid: 'a' })}.${payload}.${signature}`,
    'by another algorithm': google.token({}, { alg: 'PS256' }),
    'with crit': google.token({}, { crit: ['exp'], exp: 1 }),
    'with its own key': stranger.token({}, { jwk: stranger.jwk }),
    'with its own address of keys': stranger.token({}, { jku: 'https://attacker.example/keys' }),
    'of 70 KB': google.token({ pad: 'x'.repeat(70_000) }),
    'that is none': 'a.b.c',
  })) {
    assert.deepEqual(await signIn(client, token), INVALID, name);
  }
  assert.equal(await client.value(`SELECT count(*) FROM better_auth."user"`), '0');
  assert.deepEqual(await signIn(client, google.token({ aud: ['other', CLIENT] })), [200, 'ada@gmail.com']);
});

test('the origin of a sign-in counts before anybody is sent', async (t) => {
  const { client } = await withGoogle(t);
  const foreign = JSON.parse(request('POST', '/sign-in/social', { headers: { origin: 'https://attacker.example', cookie: 'a=b' }, body: { provider: 'google', idToken: { token: key('a').token() } } }));
  const said = await client.value('SELECT better_auth.handler($1::jsonb)', [JSON.stringify({ ...foreign, fetch: true })]);
  assert.equal(answer(said).status, 403, ORIGIN);
  assert.equal(await client.value('SELECT count(*) FROM better_auth.provider_key'), '0');
  await refused(client.query('SELECT better_auth.set_provider_keys($1, $2)', [ISSUER, '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}']), { code: '22023' });
});
