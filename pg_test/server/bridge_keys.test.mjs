// Bridge tokens by private keys: better_auth.jwt_algorithm.

import assert from 'node:assert/strict';
import { createHmac, createPrivateKey, createPublicKey, createSign, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { test } from 'node:test';
import { calculateJwkThumbprint, createLocalJWKSet, jwtVerify } from 'jose';
import { startStandIn } from '../postgrest/stand-in.mjs';
import { configured } from './http.mjs';
import { INVALID_TOKEN, patiently, refused, server, signUp } from './lib.mjs';

const ALGORITHMS = { eddsa: 'EdDSA', es256: 'ES256', rs256: 'RS256' };
const encode = (json) => Buffer.from(typeof json === 'string' ? json : JSON.stringify(json)).toString('base64url');
const headerOf = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url'));
const jwks = (client, args = {}) => client.call('jwks_json', args);
const sign = (client, claims = { sub: 'u1' }) => client.call('sign_jwt', { claims: JSON.stringify(claims) });
const check = (client, token) => client.call('verify_jwt', { token });
const names = (client) => client.column(`SELECT name FROM better_auth.signing_secret WHERE name LIKE 'jwt\\_%' ORDER BY 1`);

for (const [setting, alg] of Object.entries(ALGORITHMS)) {
  test(`${setting}: every token is signed by a key, which jwks_json() shows`, async (t) => {
    const { client } = await configured(t, { jwt_algorithm: setting });
    const set = await jwks(client);
    assert.equal(set.keys.length, 1);
    const [key] = set.keys;
    assert.deepEqual([key.alg, key.use, key.kid], [alg, 'sig', await calculateJwkThumbprint(key)]);
    assert.deepEqual(['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].filter((name) => name in key), []);
    const { token: session, user } = await signUp(client);
    for (const [token, sub] of [
      [await client.call('bridge_token', { session_token: session }), user.id],
      [await sign(client), 'u1'],
      [await client.call('service_token'), 'better-auth-service'],
    ]) {
      assert.deepEqual(headerOf(token), { alg, typ: 'JWT', kid: key.kid });
      const { payload } = await jwtVerify(token, createLocalJWKSet(set), { audience: 'insforge-api' });
      assert.equal(payload.sub, sub);
      assert.deepEqual(await check(client, token), payload);
    }
    assert.deepEqual(await names(client), [`jwt_${setting}`]);
  });
}

test('of ten at once that miss a key one makes it', async (t) => {
  const { database, client } = await configured(t, { jwt_algorithm: 'es256' });
  const connections = await database.connectMany(10);
  const tokens = await Promise.all(connections.map((one) => patiently(() => sign(one))));
  assert.equal(new Set(tokens.map((token) => headerOf(token).kid)).size, 1);
  assert.equal((await jwks(client)).keys.length, 1);
});

test('a change of the algorithm signs nobody out, and what ends a key or a secret ends its tokens at once', async (t) => {
  const { database, client } = await configured(t, {});
  const other = await database.connect();
  const bySecret = await sign(client);
  assert.deepEqual(headerOf(bySecret), { alg: 'HS256', typ: 'JWT' });
  assert.deepEqual(await jwks(client), { keys: [] });
  await client.query(`SET better_auth.jwt_algorithm = 'eddsa'`);
  const byKey = await sign(client);
  for (const one of [client, other]) assert.deepEqual([(await check(one, bySecret)).sub, (await check(one, byKey)).sub], ['u1', 'u1']);
  // Rotated, the one before verifies while it is kept.
  await client.query(`SELECT better_auth.rotate_secret('jwt_eddsa', '1 hour')`);
  const byNext = await sign(client);
  assert.notEqual(headerOf(byNext).kid, headerOf(byKey).kid);
  assert.equal((await check(other, byKey)).sub, 'u1');
  assert.deepEqual((await jwks(client)).keys.map(({ kid }) => kid), [headerOf(byNext).kid, headerOf(byKey).kid]);
  await client.query(`SELECT better_auth.rotate_secret('jwt_eddsa', '0')`);
  await refused(check(other, byNext), INVALID_TOKEN);
  assert.equal((await check(other, byKey)).sub, 'u1', 'it was promised an hour');
  await client.query(`DELETE FROM better_auth.signing_secret WHERE name = 'jwt_eddsa'`);
  await refused(check(other, byKey), INVALID_TOKEN);
  await client.query(`SELECT better_auth.rotate_secret('jwt', '0')`);
  await refused(check(other, bySecret), INVALID_TOKEN);
});

test('the secrets are shown to who asks for them', async (t) => {
  const { client } = await configured(t, { jwt_algorithm: 'es256' });
  await client.query(`SELECT better_auth.set_secret('jwt', $1)`, ['a secret of thirty-two bytes, at least']);
  const all = await jwks(client, { with_secrets: true });
  assert.deepEqual(all.keys.map(({ kty }) => kty), ['EC', 'oct']);
  assert.deepEqual(all.keys[1], { kty: 'oct', k: encode('a secret of thirty-two bytes, at least'), alg: 'HS256', use: 'sig' });
  assert.deepEqual((await jwks(client)).keys.map(({ kty }) => kty), ['EC']);
});

test('a key of one’s own, with its kid', async (t) => {
  const { client } = await configured(t, { jwt_algorithm: 'rs256' });
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 3072 });
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid: 'mine', use: 'sig', alg: 'RS256' };
  await client.call('set_secret', { name: 'jwt_rs256', value: JSON.stringify(jwk) });
  const token = await sign(client);
  assert.equal(headerOf(token).kid, 'mine');
  await jwtVerify(token, publicKey);
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'jwk' });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' });
  for (const [name, value] of [
    ['jwt_rs256', JSON.stringify(publicKey.export({ format: 'jwk' }))],
    ['jwt_rs256', JSON.stringify(weak)],
    ['jwt_rs256', JSON.stringify(ec)],
    ['jwt_rs256', JSON.stringify({ ...jwk, alg: 'PS256' })],
    ['jwt_rs256', JSON.stringify({ ...jwk, d: ec.d })],
    ['jwt_rs256', JSON.stringify({ ...jwk, kid: 5 })],
    ['jwt_es256', JSON.stringify(ec)],
    ['jwt_eddsa', JSON.stringify(jwk)],
    ['jwt_eddsa', ''],
    ['jwt_eddsa', 'x'.repeat(5000)],
    ['jwt_eddsa', '{"kty":"OKP","crv":"Ed448","x":"AA","d":"AA"}'],
    ['jwt_es384', JSON.stringify(ec)],
  ]) {
    const error = await refused(client.call('set_secret', { name, value }), { code: '22023' });
    assert.ok(!value || value.length > 4000 || !error?.message?.includes(jwk.d.slice(0, 20)));
  }
  assert.equal(headerOf(await sign(client)).kid, 'mine');
});

test('algorithms are the key’s, whatever a header says', async (t) => {
  const { client } = await configured(t, { jwt_algorithm: 'rs256' });
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await client.call('set_secret', { name: 'jwt_rs256', value: JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid: 'mine' }) });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await client.call('set_secret', { name: 'jwt_es256', value: JSON.stringify({ ...ec.privateKey.export({ format: 'jwk' }), kid: 'curve' }) });
  const good = await sign(client);
  const [, payload] = good.split('.');
  const [key] = (await jwks(client)).keys;
  const stored = await client.value(`SELECT value FROM better_auth.signing_secret WHERE name = 'jwt_rs256'`);
  const pem = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  const own = (header) => {
    const signed = `${encode(header)}.${payload}`;
    return `${signed}.${createSign('sha256').update(signed).sign(privateKey, 'base64url')}`;
  };
  const hmac = (header, secret) => {
    const signed = `${encode(header)}.${payload}`;
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
  };
  assert.equal((await check(client, own({ kid: 'mine', alg: 'RS256' }))).sub, 'u1');
  const forged = [
    ...[pem, JSON.stringify(key), key.n, Buffer.from(key.n, 'base64url'), stored, ''].flatMap((secret) => [
      hmac({ alg: 'HS256' }, secret),
      hmac({ alg: 'HS256', typ: 'JWT' }, secret),
      hmac({ alg: 'HS256', kid: 'mine' }, secret),
      hmac({ alg: 'RS256', kid: 'mine' }, secret),
    ]),
    `${encode({ alg: 'none' })}.${payload}.`,
    `${encode({ alg: 'none', kid: 'mine' })}.${payload}.`,
    own({ alg: 'RS256' }),
    own({ alg: 'RS256', kid: '' }),
    own({ alg: 'RS256', kid: null }),
    own({ alg: 'RS256', kid: ['mine'] }),
    own({ alg: 'RS256', kid: 'MINE' }),
    own({ alg: 'RS256', kid: 'curve' }),
    own({ alg: 'ES256', kid: 'mine' }),
    own({ alg: 'PS256', kid: 'mine' }),
    own({ alg: 'HS256', kid: 'mine' }),
    own({ alg: 'none', kid: 'mine' }),
    own({ kid: 'mine' }),
    own({ alg: 'RS256', kid: 'mine', crit: ['b64'], b64: true }),
    own({ alg: 'RS256', kid: 'mine', crit: [] }),
    own('{"alg":"RS256","kid":"mine","kid":"curve"}'),
    own('{"alg":"RS256","alg":"RS256","kid":"mine"}'),
    own('{"alg":"RS256","kid":"mine"} '.repeat(2)),
    good.slice(0, -1),
    `${good}A`,
    good.replace(/\.[^.]*$/, '.'),
  ];
  // The other key's signature, in ECDSA's other form.
  const curve = `${encode({ alg: 'ES256', kid: 'curve' })}.${payload}`;
  const signature = (dsaEncoding) => signBytes('sha256', Buffer.from(curve), { key: createPrivateKey(ec.privateKey.export({ type: 'pkcs8', format: 'pem' })), dsaEncoding }).toString('base64url');
  assert.equal((await check(client, `${curve}.${signature('ieee-p1363')}`)).sub, 'u1');
  forged.push(`${curve}.${signature('der')}`, `${curve}.${Buffer.alloc(64).toString('base64url')}`);
  for (const token of forged) await refused(check(client, token), { code: '28000', detail: 'INVALID_TOKEN' }, token);
});

test('times and audience count as with HS256', async (t) => {
  const { client } = await configured(t, { jwt_algorithm: 'eddsa' });
  await refused(check(client, await sign(client, { exp: 1 })), { code: '28000', detail: 'TOKEN_EXPIRED' });
  await refused(check(client, await sign(client, { aud: 'another' })), { code: '28000', detail: 'INVALID_TOKEN' });
  await refused(check(client, await sign(client, { nbf: 4102444800 })), { code: '28000', detail: 'INVALID_TOKEN' });
});

test('a transaction that only reads makes no key', async (t) => {
  const { client } = await configured(t, { jwt_algorithm: 'eddsa' });
  await client.query('BEGIN READ ONLY');
  await refused(sign(client), { code: '55000', message: /rotate_secret\('jwt_eddsa'\)/ });
  await client.query('ROLLBACK');
  await sign(client);
  await client.query('BEGIN READ ONLY');
  assert.equal((await check(client, await sign(client))).sub, 'u1');
  await client.query('COMMIT');
});

test('nobody but the owner may ask for the keys', async (t) => {
  const { database } = await configured(t, { jwt_algorithm: 'eddsa' });
  const role = await server.role(t, 'user');
  const client = await database.connect({ user: role });
  await refused(client.value('SELECT better_auth.jwks_json()'), { code: '42501' });
});

test('authenticate() takes a token of a key', async (t) => {
  const { client } = await configured(t, { jwt_algorithm: 'eddsa', identity: 'verified' });
  const { token: session, user } = await signUp(client);
  const token = await client.call('bridge_token', { session_token: session });
  await client.query('BEGIN');
  await client.query('SELECT better_auth.authenticate($1)', [token]);
  assert.equal(await client.value('SELECT public.requesting_user_id()'), user.id);
  await client.query('COMMIT');
});

for (const [setting, version] of [['es256', 12], ['eddsa', 16], ['rs256', 16]]) {
  test(`PostgREST ${version} takes ${setting} by what jwks_json() prints`, async (t) => {
    const [anon, user] = [await server.role(t, 'anon'), await server.role(t, 'user')];
    const { database, client } = await configured(t, { jwt_algorithm: setting, jwt_role: user });
    await client.query('SELECT better_auth.enable_rpc($1, $2, $3)', ['public', anon, user]);
    const jwtSecret = JSON.stringify(await jwks(client));
    const postgrest = await startStandIn({ connection: { database: database.name }, anonRole: anon, jwtSecret, version });
    t.after(() => postgrest.stop());
    const ask = async (token) => {
      const response = await fetch(`${postgrest.url}/rpc/requesting_user_id`, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
      return [response.status, response.ok ? await response.json() : (await response.json()).code];
    };
    const { token: session, user: who } = await signUp(client);
    assert.deepEqual(await ask(await client.call('bridge_token', { session_token: session })), [200, who.id]);
    // One by the secret isn't for this PostgREST, nor one of a key that it doesn't know.
    await client.query(`SET better_auth.jwt_algorithm = 'hs256'`);
    assert.equal((await ask(await sign(client, { sub: who.id, role: user })))[0], 401);
    await client.query(`SET better_auth.jwt_algorithm = '${setting}'`);
    await client.query(`SELECT better_auth.rotate_secret('jwt_${setting}')`);
    assert.equal((await ask(await sign(client, { sub: who.id, role: user })))[0], 401);
  });
}
