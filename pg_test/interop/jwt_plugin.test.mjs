// The jwt plugin beside the real one: auth.api's signJWT and verifyJWT with the same keys, and both on one database.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLocalJWKSet, jwtVerify, SignJWT, importJWK } from 'jose';
import { jwt } from 'better-auth/plugins';
import { AGAINST_ITSELF, Client, GET, POST, ourDatabase, ourSide, realDatabase, realSide } from './http.mjs';
import { BASE_URL, PASSWORD } from './lib.mjs';
import { KEYS, key, kid } from './requests/plugins/jwt.mjs';

const columns = { plugins: 'jwt', options: () => ({ plugins: [jwt()] }) };
const bodyOf = (answer) => JSON.parse(answer.body);
const part = (token, n) => JSON.parse(Buffer.from(token.split('.')[n], 'base64url'));

/** With members in the order that jsonb keeps them in: by length, then by their bytes. */
function asJsonb(value) {
  if (Array.isArray(value)) return value.map(asJsonb);
  if (value === null || typeof value !== 'object') return value;
  const order = ([a], [b]) => Buffer.byteLength(a) - Buffer.byteLength(b) || Buffer.compare(Buffer.from(a), Buffer.from(b));
  return Object.fromEntries(Object.entries(value).sort(order).map(([name, item]) => [name, asJsonb(item)]));
}

/** Both sides under these options, on databases of their own with the same keys. */
const [theirs, mine] = [await realDatabase(columns.options), await ourDatabase(columns)];
async function sides({ options = {}, settings = {}, rows = [key('EdDSA')], base = { baseURL: BASE_URL } }) {
  for (const database of [theirs, mine]) await database.sql(['DELETE FROM jwks', ...rows].join(';'));
  await mine.configure({ ...(base.baseURL ? { base_url: BASE_URL } : {}), rate_limit: 'off', plugins: 'jwt', ...settings });
  const { auth } = realSide(theirs, () => ({ ...base, plugins: [jwt(options)] }));
  const real = async (endpoint, body) => {
    try {
      return await auth.api[endpoint]({ body: asJsonb(body) });
    } catch (error) {
      return { refused: true };
    }
  };
  const ours = async (endpoint, body) => {
    try {
      return await mine.value('SELECT better_auth.api($1, $2)', [endpoint, JSON.stringify({ body })]);
    } catch (error) {
      assert.match(error.code, /^(22023|55000)$/, error.stack);
      return { refused: true };
    }
  };
  return AGAINST_ITSELF ? [real, real] : [real, ours];
}

const NOW = Math.floor(Date.now() / 1000);
const TIMES = { iat: NOW, exp: NOW + 600 };
/** A token with times that are a few seconds of each other. */
function seen(answer) {
  if (!answer.token) return answer;
  const payload = part(answer.token, 1);
  for (const name of ['iat', 'exp', 'nbf']) {
    if (typeof payload[name] === 'number' && Math.abs(payload[name] - NOW) < 100_000_000) payload[name] = Math.round((payload[name] - NOW) / 30);
  }
  return { header: part(answer.token, 0), payload: JSON.stringify(payload) };
}

const PAYLOADS = {
  'empty': {},
  'a subject': { sub: 'u1' },
  'a subject that is empty': { sub: '' },
  'a subject that is null': { sub: null },
  'a subject that is a number': { sub: 5 },
  'a subject that is 0': { sub: 0 },
  'iss and aud': { sub: 'x', iss: 'me', aud: 'you' },
  'iss null': { iss: null },
  'iss empty': { iss: '' },
  'iss a number': { iss: 5 },
  'aud a list': { aud: ['a', 'b'] },
  'aud an empty list': { aud: [] },
  'aud of numbers': { aud: [1] },
  'aud null': { aud: null },
  'aud an object': { aud: {} },
  'exp': { exp: NOW + 5 },
  'exp past': { exp: 5 },
  'exp a fraction': { exp: 1.5 },
  'exp 0': { exp: 0 },
  'exp null': { exp: null },
  'exp a span': { exp: '2h' },
  'exp a span that is past': { exp: '2 hours ago' },
  'exp months': { exp: '1mo' },
  'exp a word': { exp: 'soon' },
  'exp true': { exp: true },
  'iat': { iat: NOW - 100 },
  'iat 0': { iat: 0 },
  'iat null': { iat: null },
  'iat a fraction': { iat: 5.5 },
  'iat a span': { iat: '1h' },
  'iat a span, with an exp': { iat: '1h', exp: NOW },
  'nbf': { nbf: NOW + 100 },
  'nbf a span': { nbf: '1 minute' },
  'nbf 0': { nbf: 0 },
  'nbf a word': { nbf: 'x' },
  'jti': { jti: 'j' },
  'jti a number': { jti: 5 },
  'numbers': { a: 1e21, b: 1.50, c: -0, d: 1e-7, e: 12345678901234567890 },
  'names that are numbers': { b: 1, 2: 'two', 1: 'one', sub: 'x' },
  'deep': { a: { b: [{ c: null }, [[]]] }, 'é"\\': '☃\u2028😀' },
  'in another order': { exp: NOW + 5, sub: 'x', aud: 'a', iss: 'i', iat: NOW },
};
const OPTIONS = {
  'none': undefined,
  'empty': {},
  'issuer': { jwt: { issuer: 'i' } },
  'audience': { jwt: { audience: ['a', 'b'] } },
  'issuer a number': { jwt: { issuer: 5 } },
  'issuer null': { jwt: { issuer: null } },
  'a span': { jwt: { expirationTime: '2 days' } },
  'months': { jwt: { expirationTime: '1mo' } },
  'a span that is past': { jwt: { expirationTime: '-1h' } },
  'a time': { jwt: { expirationTime: NOW + 5 } },
  'a time that is null': { jwt: { expirationTime: null } },
  'no span': { jwt: { expirationTime: 'x' } },
  'jwt null': { jwt: null },
  'jwt a text': { jwt: 'x' },
  'jwks null': { jwks: null },
  'another algorithm, with no key of it': { jwks: { keyPairConfig: { alg: 'ES256' } } },
  'something else': { nothing: 1 },
};

describe('signJWT', async () => {
  for (const [name, payload] of Object.entries(PAYLOADS)) {
    test(`payload: ${name}`, async () => {
      const [real, ours] = await sides({});
      const body = { payload };
      assert.deepEqual(seen(await ours('signJWT', body)), seen(await real('signJWT', body)));
    });
  }
  for (const [name, overrideOptions] of Object.entries(OPTIONS)) {
    test(`overrideOptions: ${name}`, async () => {
      const [real, ours] = await sides({ options: { jwt: { issuer: 'configured' } }, settings: { jwt_jwt_issuer: 'configured' } });
      const body = { payload: { sub: 'x' }, overrideOptions };
      assert.deepEqual(seen(await ours('signJWT', body)), seen(await real('signJWT', body)));
    });
  }
  for (const alg of ['EdDSA', 'RS256']) {
    test(`${alg}: the very same token`, async () => {
      const [real, ours] = await sides({ options: { jwks: { keyPairConfig: { alg } } }, settings: { jwt_jwks_key_pair_config_alg: alg }, rows: [key(alg)] });
      const body = { payload: { sub: 'x', ...TIMES, name: 'Ä☃', n: [1, null, { a: 1.5 }] } };
      assert.deepEqual(await ours('signJWT', body), await real('signJWT', body));
    });
  }
  for (const body of [{}, { payload: null }, { payload: 'x' }, { payload: [] }, { payload: {}, overrideOptions: 'x' }, { payload: {}, overrideOptions: null }]) {
    test(`a body ${JSON.stringify(body)}`, async () => {
      const [real, ours] = await sides({});
      assert.deepEqual(await ours('signJWT', body), await real('signJWT', body));
    });
  }
});

describe('verifyJWT', async () => {
  const craft = async (payload, { alg = 'EdDSA', header = { alg, kid: kid(alg) } } = {}) =>
    new SignJWT(payload).setProtectedHeader(header).sign(await importJWK(KEYS[alg].privateKey.export({ format: 'jwk' }), alg));
  const good = { sub: 'x', iss: BASE_URL, aud: BASE_URL, ...TIMES };
  const without = (name) => Object.fromEntries(Object.entries(good).filter(([other]) => other !== name));
  const CLAIMS = {
    'good': good,
    'no exp': without('exp'),
    'no iat': without('iat'),
    'no sub': without('sub'),
    'an empty sub': { ...good, sub: '' },
    'no iss': without('iss'),
    'no aud': without('aud'),
    'another iss': { ...good, iss: 'x' },
    'another aud': { ...good, aud: 'x' },
    'aud a list': { ...good, aud: ['x', BASE_URL] },
    'aud an empty list': { ...good, aud: [] },
    'aud a list of others': { ...good, aud: ['x'] },
    'past': { ...good, exp: NOW - 5 },
    'exp a fraction': { ...good, exp: NOW + 100.5 },
    'early': { ...good, nbf: NOW + 1000 },
    'nbf past': { ...good, nbf: NOW - 1000 },
    'issued later': { ...good, iat: NOW + 10_000 },
    'more': { ...good, more: { a: [1, 2] }, '1': 'one' },
  };
  for (const [name, claims] of Object.entries(CLAIMS)) {
    test(name, async () => {
      const [real, ours] = await sides({});
      const body = { token: await craft(claims) };
      assert.deepEqual(await ours('verifyJWT', body), await real('verifyJWT', body));
    });
  }
  for (const [name, claim, value] of [['exp', 'exp', '5'], ['iat', 'iat', 'x'], ['nbf', 'nbf', null]]) {
    test(`${name} of another type`, async () => {
      const [real, ours] = await sides({});
      const signed = `${Buffer.from(JSON.stringify({ alg: 'EdDSA', kid: kid('EdDSA') })).toString('base64url')}.${Buffer.from(JSON.stringify({ ...good, [claim]: value })).toString('base64url')}`;
      const { sign } = await import('node:crypto');
      const body = { token: `${signed}.${sign(null, Buffer.from(signed), KEYS.EdDSA.privateKey).toString('base64url')}` };
      assert.deepEqual(await ours('verifyJWT', body), await real('verifyJWT', body));
    });
  }
  const HEADERS = {
    'no kid': { alg: 'EdDSA' },
    'an empty kid': { alg: 'EdDSA', kid: '' },
    'an unknown kid': { alg: 'EdDSA', kid: 'nobody' },
    'typ': { alg: 'EdDSA', kid: kid('EdDSA'), typ: 'anything' },
    'of another key': { alg: 'EdDSA', kid: kid('ES256') },
  };
  for (const [name, header] of Object.entries(HEADERS)) {
    test(`header: ${name}`, async () => {
      const [real, ours] = await sides({ rows: [key('EdDSA'), key('ES256')] });
      const body = { token: await craft(good, { header }) };
      assert.deepEqual(await ours('verifyJWT', body), await real('verifyJWT', body));
    });
  }
  for (const alg of Object.keys(KEYS)) {
    test(`${alg}, whatever new keys are`, async () => {
      const [real, ours] = await sides({ rows: [key(alg)] });
      const body = { token: await craft(good, { alg }) };
      assert.deepEqual(await ours('verifyJWT', body), await real('verifyJWT', body));
      assert.ok((await ours('verifyJWT', body)).payload);
    });
  }
  test('a key that has expired, or long ago', async () => {
    for (const expires of ['-1 hour', '-40 days']) {
      const [real, ours] = await sides({ rows: [key('EdDSA', { expires })] });
      const body = { token: await craft(good) };
      assert.deepEqual(await ours('verifyJWT', body), await real('verifyJWT', body));
    }
  });
  for (const token of ['', 'x', 'a.b.c', '..', 'e30.e30.e30', 'a.b.c.d']) {
    test(`no token: ${token}`, async () => {
      const [real, ours] = await sides({});
      assert.deepEqual(await ours('verifyJWT', { token }), await real('verifyJWT', { token }));
    });
  }
  test('an issuer of the call', async () => {
    const [real, ours] = await sides({});
    for (const issuer of ['i', '', BASE_URL]) {
      const body = { token: await craft({ ...good, iss: 'i' }), issuer };
      assert.deepEqual(await ours('verifyJWT', body), await real('verifyJWT', body));
    }
  });
  for (const body of [{}, { token: 5 }, { token: null }, { token: 'x', issuer: 5 }]) {
    test(`a body ${JSON.stringify(body)}`, async () => {
      const [real, ours] = await sides({});
      assert.deepEqual(await ours('verifyJWT', body), await real('verifyJWT', body));
    });
  }
});

if (!AGAINST_ITSELF)
  describe('on one database', async () => {
    const database = await ourDatabase();
    let count = 0;
    for (const alg of ['EdDSA', 'ES256', 'ES512', 'PS256', 'RS256']) {
      for (const plain of [false, true]) {
        for (const first of ['ours', 'Better Auth']) {
          test(`${alg}${plain ? ', not encrypted' : ''}: ${first} makes the key`, async () => {
            await database.configure({
              base_url: BASE_URL, password_hash: 'scrypt', rate_limit: 'off', plugins: 'jwt',
              jwt_jwks_key_pair_config_alg: alg, jwt_jwks_disable_private_key_encryption: plain ? 'on' : 'off',
            });
            await database.sql('SELECT better_auth.migrate(); DELETE FROM better_auth.jwks');
            const options = { jwks: { keyPairConfig: { alg }, disablePrivateKeyEncryption: plain } };
            const both = () => ({ plugins: [jwt(options)], emailAndPassword: { password: undefined } });
            const [real, ours] = [realSide(database, both), ourSide(database, both)];
            const [one, other] = first === 'ours' ? [ours, real] : [real, ours];
            const client = new Client();
            const email = `jwt${++count}@example.com`;
            await client.ask(one, POST('/sign-up/email', { name: 'Ada', email, password: PASSWORD }, { as: 'me' }));
            const token = async (side) => bodyOf(await client.ask(side, GET('/token', { jar: true }))).token;
            const jwks = async (side) => bodyOf(await client.ask(side, GET('/jwks')));
            const tokens = [await token(one), await token(other)];
            // One key, made by the first, that both sign with and list alike.
            assert.equal(Number(await database.value('SELECT count(*) FROM better_auth.jwks')), 1);
            assert.deepEqual(await jwks(one), await jwks(other));
            for (const side of [one, other]) {
              const set = createLocalJWKSet(await jwks(side));
              for (const made of tokens) assert.equal((await jwtVerify(made, set, { issuer: BASE_URL, audience: BASE_URL })).payload.email, email);
            }
            // Each verifies what the other has signed.
            for (const made of tokens) {
              const { payload } = await real.auth.api.verifyJWT({ body: { token: made } });
              assert.equal(payload.email, email);
              const seen = await database.value('SELECT better_auth.api($1, $2)', ['verifyJWT', JSON.stringify({ body: { token: made } })]);
              assert.deepEqual(seen.payload, payload);
            }
            // The other one's header too.
            for (const side of [one, other]) {
              const headers = new Map((await client.ask(side, GET('/get-session', { jar: true }))).headers);
              assert.equal(part(headers.get('set-auth-jwt'), 1).email, email);
            }
          });
        }
      }
    }
    test('a key that Better Auth adds is noticed at once', async () => {
      const both = () => ({ plugins: [jwt({ jwks: { rotationInterval: 3600 } })], emailAndPassword: { password: undefined } });
      await database.configure({ base_url: BASE_URL, password_hash: 'scrypt', rate_limit: 'off', plugins: 'jwt', jwt_jwks_rotation_interval: 3600 });
      await database.sql('DELETE FROM better_auth.jwks');
      const [real, ours] = [realSide(database, both), ourSide(database, both)];
      const kids = async (side) => bodyOf(await new Client().ask(side, GET('/jwks'))).keys.map((key) => key.kid);
      const [first] = await kids(ours);
      await database.sql(`UPDATE better_auth.jwks SET "expiresAt" = now() - interval '1 second'`);
      const { token } = await real.auth.api.signJWT({ body: { payload: { sub: 'x' } } });
      assert.notEqual(part(token, 0).kid, first);
      assert.deepEqual(await kids(ours), [first, part(token, 0).kid]);
      const mine = await database.value('SELECT better_auth.api($1, $2)', ['signJWT', JSON.stringify({ body: { payload: { sub: 'x' } } })]);
      assert.equal(part(mine.token, 0).kid, part(token, 0).kid);
    });
  });
