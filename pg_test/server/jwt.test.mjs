// The plugin jwt: keys that several connections share, make at once, rotate and lose.

import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { test } from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { ORIGIN, cookieOf, http } from './http.mjs';
import { patiently, refused, signUp } from './lib.mjs';
import { withPlugins, withRpc } from './plugins.mjs';

const read = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());
const kidOf = (token) => read(token.split('.')[0]).kid;
const payloadOf = (token) => read(token.split('.')[1]);
const keys = (client) => client.value('SELECT count(*)::int FROM better_auth.jwks');
const jwks = async (client) => (await http(client, 'GET', '/jwks')).json;
const sign = async (client, payload = { sub: 'x' }, overrideOptions) =>
  (await client.call('api', { endpoint: 'signJWT', input: { body: { payload, ...(overrideOptions && { overrideOptions }) } } })).token;
const check = async (client, token) => (await client.call('api', { endpoint: 'verifyJWT', input: { body: { token } } })).payload;

test('of ten requests at once that miss a key one makes it', async (t) => {
  const { database, client } = await withPlugins(t, 'jwt');
  const { token } = await signUp(client);
  const cookie = await cookieOf(client, token);
  const connections = await database.connectMany(10);
  const paths = ['/token', '/jwks', '/get-session'];
  const answers = await Promise.all(connections.map((one, n) => patiently(() => http(one, 'GET', paths[n % 3], { cookie }))));
  assert.deepEqual(answers.map(({ status }) => status), Array(10).fill(200));
  assert.equal(await keys(client), 1);
  const kid = await client.value('SELECT id FROM better_auth.jwks');
  const used = answers.map(({ json, headers }) => json.keys?.[0].kid ?? kidOf(json.token ?? headers['set-auth-jwt']));
  assert.deepEqual(used, Array(10).fill(kid));
});

for (const alg of ['EdDSA', 'ES256', 'ES512', 'PS256', 'RS256']) {
  test(`${alg}: jose verifies with the keys that are listed`, async (t) => {
    const { client } = await withPlugins(t, 'jwt', { jwt_jwks_key_pair_config_alg: alg });
    const { token: session, user } = await signUp(client);
    const { json } = await http(client, 'GET', '/token', { cookie: await cookieOf(client, session) });
    const set = await jwks(client);
    assert.deepEqual(set.keys.map((key) => Object.keys(key).some((name) => ['d', 'p', 'q', 'dp', 'dq', 'qi'].includes(name))), [false]);
    const { payload, protectedHeader } = await jwtVerify(json.token, createLocalJWKSet(set), { issuer: ORIGIN, audience: ORIGIN, subject: user.id });
    assert.deepEqual([protectedHeader, payload.email, payload.exp - payload.iat], [{ alg, kid: set.keys[0].kid }, user.email, 900]);
    assert.deepEqual(await check(client, json.token), payload);
    const changed = json.token.split('.');
    changed[1] = Buffer.from(JSON.stringify({ ...payload, sub: 'somebody' })).toString('base64url');
    assert.equal(await check(client, changed.join('.')), null);
  });
}

test('a key that is rotated or removed elsewhere is noticed at once', async (t) => {
  const { database, client } = await withPlugins(t, 'jwt');
  const [one, other] = await database.connectMany(2);
  const first = await sign(one);
  assert.equal(kidOf(await sign(other)), kidOf(first));
  // It ceases to sign: the next one is another's, and both verify.
  await client.query(`UPDATE better_auth.jwks SET "expiresAt" = now() - interval '1 second'`);
  const second = await sign(one);
  assert.notEqual(kidOf(second), kidOf(first));
  assert.equal(kidOf(await sign(other)), kidOf(second));
  assert.deepEqual([(await check(other, first)).sub, (await check(other, second)).sub], ['x', 'x']);
  assert.equal((await jwks(other)).keys.length, 2);
  // Removed, it verifies nothing more.
  await client.query('DELETE FROM better_auth.jwks WHERE id = $1', [kidOf(second)]);
  assert.deepEqual([await check(one, second), await check(other, second)], [null, null]);
  await client.query('TRUNCATE better_auth.jwks');
  assert.equal(await check(one, first), null);
  assert.equal(await keys(client), 0);
  const third = await sign(other);
  assert.ok(![first, second].some((token) => kidOf(token) === kidOf(third)));
  assert.equal((await check(one, third)).sub, 'x');
});

test('a key that was rolled back signs nothing more', async (t) => {
  const { client } = await withPlugins(t, 'jwt');
  await client.query('BEGIN');
  const gone = await sign(client);
  assert.equal((await check(client, gone)).sub, 'x');
  await client.query('ROLLBACK');
  assert.equal(await check(client, gone), null);
  const kept = await sign(client);
  assert.notEqual(kidOf(kept), kidOf(gone));
  await client.query('BEGIN; SAVEPOINT s');
  await client.query('DELETE FROM better_auth.jwks');
  assert.equal(await check(client, kept), null);
  await client.query('ROLLBACK TO s; COMMIT');
  assert.equal((await check(client, kept)).sub, 'x');
});

test('without the triggers, as where Better Auth has made the table since, the table is read each time', async (t) => {
  const { database, client } = await withPlugins(t, 'jwt');
  await client.query('DROP TRIGGER jwks_changed ON better_auth.jwks');
  const [one] = await database.connectMany(1);
  const first = await sign(one);
  await client.query('DELETE FROM better_auth.jwks');
  assert.equal(await check(one, first), null);
  const steps = await client.column('SELECT object FROM better_auth.migrate()');
  assert.deepEqual(steps, ['jwks_changed on better_auth.jwks']);
});

test('keys under a cookie secret that was rotated out sign while it is kept, and are encrypted anew', async (t) => {
  const { database, client } = await withPlugins(t, 'jwt');
  const kid = kidOf(await sign(client));
  const stored = () => client.value('SELECT "privateKey" FROM better_auth.jwks');
  const before = await stored();
  assert.match(before, /^"[0-9a-f]{200,}"$/);
  await client.query(`SELECT better_auth.rotate_secret('cookie', '1 hour')`);
  assert.equal(kidOf(await sign(await database.connect())), kid);
  assert.equal(Number(await client.value('SELECT better_auth.reencrypt_secrets()')), 1);
  assert.notEqual(await stored(), before);
  await client.query(`SELECT better_auth.rotate_secret('cookie', '0')`);
  await refused(sign(await database.connect()), { code: '55000', message: /can't be decrypted/ });
});

test('algorithms are the key’s, whatever a header says', async (t) => {
  const { client } = await withPlugins(t, 'jwt', { jwt_jwks_key_pair_config_alg: 'RS256' });
  const token = await sign(client, { sub: 'x' });
  const { keys: [key] } = await jwks(client);
  const [, payload] = token.split('.');
  const encode = (json) => Buffer.from(typeof json === 'string' ? json : JSON.stringify(json)).toString('base64url');
  const { createHmac, createSign } = await import('node:crypto');
  const hmac = (signed, secret) => createHmac('sha256', secret).update(signed).digest('base64url');
  const pem = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  const stored = await client.value('SELECT "publicKey" FROM better_auth.jwks');
  const forged = [];
  for (const secret of [pem, stored, JSON.stringify(key), key.n, Buffer.from(key.n, 'base64url'), '']) {
    for (const alg of ['HS256', 'RS256']) {
      const signed = `${encode({ alg, kid: key.kid })}.${payload}`;
      forged.push(`${signed}.${hmac(signed, secret)}`);
    }
  }
  const none = `${encode({ alg: 'none', kid: key.kid })}.${payload}`;
  forged.push(`${none}.`, none, `${none}.AA`);
  // A signature of the right key under a header that means something else.
  const privateKey = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const own = (header) => {
    const signed = `${encode(header)}.${payload}`;
    return `${signed}.${createSign('sha256').update(signed).sign(privateKey.privateKey, 'base64url')}`;
  };
  await client.query(
    `INSERT INTO better_auth.jwks (id, "publicKey", "privateKey", "createdAt", alg) VALUES ('mine', $1, '', now(), 'RS256')`,
    [JSON.stringify(privateKey.publicKey.export({ format: 'jwk' }))],
  );
  assert.equal((await check(client, own({ alg: 'RS256', kid: 'mine' }))).sub, 'x');
  forged.push(
    own({ alg: 'RS256', kid: key.kid }),
    own({ alg: 'RS256' }),
    own({ alg: 'RS256', kid: '' }),
    own({ alg: 'RS256', kid: 5 }),
    own({ alg: 'RS256', kid: 'nobody' }),
    own({ alg: 'PS256', kid: 'mine' }),
    own({ alg: 'rs256', kid: 'mine' }),
    own({ alg: ['RS256'], kid: 'mine' }),
    own({ kid: 'mine' }),
    own({ alg: 'RS256', kid: 'mine', crit: ['exp'] }),
    own({ alg: 'RS256', kid: 'mine', crit: [] }),
    own('{"alg":"RS256","kid":"mine","kid":"mine"}'),
    own('{"alg":"none","alg":"RS256","kid":"mine"}'),
    `${own({ alg: 'RS256', kid: 'mine' })}.`,
    `${own({ alg: 'RS256', kid: 'mine' })}=`,
    `${own({ alg: 'RS256', kid: 'mine' })}\u0000`.slice(0, -1) + ' ',
  );
  for (const token of forged) assert.equal(await check(client, token), null, token);
  assert.ok(verify('sha256', Buffer.from(token.slice(0, token.lastIndexOf('.'))), pem, Buffer.from(token.split('.')[2], 'base64url')));
});

test('rows that are no keys sign and verify nothing, and tell so', async (t) => {
  const { client } = await withPlugins(t, 'jwt');
  const set = (columns) => client.query(`UPDATE better_auth.jwks SET ${columns}`);
  const token = await sign(client);
  const [publicKey, privateKey] = Object.values((await client.query('SELECT "publicKey", "privateKey" FROM better_auth.jwks')).rows[0]);
  for (const alg of ['Ed448', 'ECDH-ES', 'HS256', 'none', 'ES256', 'RS256', 'eddsa', '']) {
    await set(`alg = '${alg}', "createdAt" = now()`);
    await refused(sign(client), { code: '55000', message: alg && /^(ES|RS)256$/.test(alg) ? /no key for its alg/ : /not supported/ });
    assert.equal(await check(client, token), null, alg);
  }
  await set(`alg = 'EdDSA'`);
  assert.equal((await check(client, token)).sub, 'x');
  for (const broken of ['', '{}', 'x', '[]', '{"kty":"OKP","crv":"Ed448","x":"AA"}', '{"kty":"OKP","crv":"Ed25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}']) {
    await client.query('UPDATE better_auth.jwks SET "publicKey" = $1, "privateKey" = $2', [broken, privateKey]);
    assert.equal(await check(client, token), null, broken);
    await client.query('UPDATE better_auth.jwks SET "publicKey" = $1, "privateKey" = $2', [publicKey, broken]);
    await refused(sign(client), { code: '55000' });
  }
});

test('functions of the DBA’s make payload and subject', async (t) => {
  const { client } = await withPlugins(t, 'jwt', { jwt_jwt_define_payload_function: 'public.payload', jwt_jwt_get_subject_function: 'public.subject' });
  await client.query(`
    CREATE FUNCTION public.payload(jsonb) RETURNS jsonb LANGUAGE sql AS
      $$ SELECT jsonb_build_object('mail', $1 #> '{user,email}', 'tokenless', NOT ($1 -> 'session') ? 'token', 'aud', 'mine') $$;
    CREATE FUNCTION public.subject(jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'user:' || ($1 #>> '{user,name}') $$`);
  const { token, user } = await signUp(client);
  const cookie = await cookieOf(client, token);
  const payload = async () => payloadOf((await http(client, 'GET', '/token', { cookie })).json.token);
  const { iat, exp, ...rest } = await payload();
  assert.deepEqual(rest, { mail: user.email, tokenless: true, aud: 'mine', sub: `user:${user.name}`, iss: ORIGIN });
  await client.query(`CREATE OR REPLACE FUNCTION public.subject(jsonb) RETURNS text LANGUAGE sql AS $$ SELECT NULL $$`);
  assert.equal((await payload()).sub, user.id);
  await client.query(`CREATE OR REPLACE FUNCTION public.payload(jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '[]'::jsonb $$`);
  assert.equal((await http(client, 'GET', '/token', { cookie })).status, 500);
});

test('what can’t be signed is refused', async (t) => {
  const { client } = await withPlugins(t, 'jwt');
  for (const [payload, options] of [
    [{ iss: 5 }],
    [{ aud: 5 }],
    [{ aud: ['a', 5] }],
    [{ sub: 5 }],
    [{ jti: {} }],
    [{ exp: 'tomorrow' }],
    [{ exp: true }],
    [{ nbf: 'x' }],
    [{ iat: [] }],
    [{}, { jwt: { expirationTime: 'soon' } }],
    [{}, { jwt: { expirationTime: true } }],
    [{}, { jwks: { keyPairConfig: { alg: 'HS256' } } }],
    [{}, { jwks: { keyPairConfig: { alg: 'EdDSA', crv: 'Ed448' } } }],
    [{}, { jwks: { keyPairConfig: { alg: 'ECDH-ES' } } }],
    [{}, { jwks: { keyPairConfig: { alg: 'RS256', modulusLength: 1024 } } }],
    [{}, { jwks: { keyPairConfig: { alg: 'RS256', modulusLength: 65536 } } }],
  ]) {
    await refused(sign(client, payload, options), { code: '22023' });
  }
  assert.equal(await keys(client), 0);
});

test('where nothing can be written there is no key, and get-session answers', async (t) => {
  const { client } = await withPlugins(t, 'jwt');
  const { token } = await signUp(client);
  const cookie = await cookieOf(client, token);
  const readOnly = async (path) => {
    await client.query('BEGIN READ ONLY');
    const answer = await http(client, 'GET', path, { cookie });
    await client.query('COMMIT');
    return [answer.status, answer.headers['set-auth-jwt'] !== undefined];
  };
  assert.deepEqual([await readOnly('/token'), await readOnly('/jwks'), await readOnly('/get-session')], [[503, false], [503, false], [200, false]]);
  await sign(client);
  assert.deepEqual([await readOnly('/token'), await readOnly('/jwks'), await readOnly('/get-session')], [[200, false], [200, false], [200, true]]);
});

test('its functions for PostgREST', async (t) => {
  const { database, client } = await withPlugins(t, 'jwt', { jwt_jwks_jwks_path: '/.well-known/jwks.json' });
  const rpc = await withRpc(t, database, client);
  const { token, user } = await signUp(client);
  assert.equal((await rpc('jwt_token')).status, 401);
  const { json } = await rpc('jwt_token', { session_token: token });
  const set = (await rpc('jwks')).json;
  assert.equal((await jwtVerify(json.token, createLocalJWKSet(set))).payload.sub, user.id);
});
