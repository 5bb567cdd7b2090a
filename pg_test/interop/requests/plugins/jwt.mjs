// The plugin jwt: tokens of a session, and the keys that verify them.

import { generateKeyPairSync } from 'node:crypto';
import pg from 'pg';
import { bearer, jwt } from 'better-auth/plugins';
import { GET, POST, PUBLIC_KEYS, TOKEN, seal } from '../../http.mjs';
import { PASSWORD, aged, each, named } from '../common.mjs';

const BY = { by: 'ada' };
const ELSEWHERE = 'https://elsewhere.example';

// ── Keys that both sides have ────────────────────────────────────────────────────────────────────

export const KEYS = {
  EdDSA: generateKeyPairSync('ed25519'),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES512: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  PS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
};
export const kid = (alg, more = '') => `${alg}key${more}`.padEnd(32, 'Z9');
const jwk = (key) => key.export({ format: 'jwk' });

/** A row of a key, `age` old. `expires` is from now. */
export function key(alg, { more = '', age = '1 hour', expires = null, plain = false, column = alg, crv = jwk(KEYS[alg].publicKey).crv ?? null, text = {} } = {}) {
  const { publicKey, privateKey } = KEYS[alg];
  PUBLIC_KEYS.set(kid(alg, more), jwk(publicKey));
  const secret = JSON.stringify(jwk(privateKey));
  const stored = text.privateKey ?? (plain ? secret : JSON.stringify(seal(secret)));
  const literal = (value) => (value === null ? 'NULL' : pg.escapeLiteral(value));
  return `INSERT INTO jwks (id, "publicKey", "privateKey", "createdAt", "expiresAt", alg, crv) VALUES
    (${literal(kid(alg, more))}, ${literal(text.publicKey ?? JSON.stringify(jwk(publicKey)))}, ${literal(stored)}, now() - interval '${age}',
     ${expires ? `now() + interval '${expires}'` : 'NULL'}, ${literal(column)}, ${literal(crv)})`;
}

// ── Requests ─────────────────────────────────────────────────────────────────────────────────────

const token = (options) => GET('/token', { ...BY, ...options });
const jwks = (options) => GET('/jwks', options);
const session = (options) => GET('/get-session', { ...BY, ...options });
const ALL = [jwks(), token(), session(), jwks()];

const columns = { plugins: 'jwt', options: () => ({ plugins: [jwt()] }), tables: { jwks: '"createdAt", id' } };
const group = (name, options, settings, cases, { more = () => ({}), ...rest } = {}) => ({
  name: `jwt${name}`,
  columns,
  options: (send) => ({ ...more(send), plugins: [...(more(send).plugins ?? []), jwt(options)] }),
  settings,
  cases,
  ...rest,
});
const AGES = {
  'one that never expires': [key('EdDSA')],
  'one that expires later': [key('EdDSA', { expires: '1 hour' })],
  'one that has expired': [key('EdDSA', { expires: '-1 minute' })],
  'one that expired a month ago': [key('EdDSA', { expires: '-30 days 1 minute' })],
  'one that expired longer ago': [key('EdDSA', { expires: '-31 days' })],
  'two, the newer one signs': [key('EdDSA', { more: 'Old', age: '2 hours' }), key('EdDSA')],
  'two, the newer one has expired': [key('EdDSA', { more: 'Old', age: '2 hours' }), key('EdDSA', { expires: '-1 minute' })],
  'two, one of another algorithm is newer': [key('EdDSA', { age: '2 hours' }), key('ES256')],
  'one of another algorithm': [key('ES256')],
  'one of another algorithm, and one that has expired': [key('ES256', { age: '2 hours' }), key('EdDSA', { expires: '-1 minute' })],
};

const main = {
  // A key is made.
  'the whole': ALL,
  'token': token(),
  'token twice': [token(), token(), jwks()],
  'jwks': jwks(),
  'jwks twice': [jwks(), jwks()],
  'get-session': session(),
  'get-session, then jwks': [session(), jwks()],
  'get-session, signed out': [GET('/get-session'), jwks()],
  // With one that both have, to the byte.
  'the whole, a key': [key('EdDSA'), ...ALL],
  ...named('token', {
    'signed out': [key('EdDSA'), GET('/token')],
    'a dead session': [`DELETE FROM session`, token()],
    'a session that has expired': [key('EdDSA'), aged('-1 hour', '-8 days'), token()],
    'a session that is due': [key('EdDSA'), aged('1 hour', '-6 days'), token()],
    'a badly signed cookie': GET('/token', { cookie: `better-auth.session_token=${TOKEN.ada}.x` }),
    'POST': POST('/token', {}, BY),
    'with a query': [key('EdDSA'), GET('/token?x=1', BY)],
    'from elsewhere': [key('EdDSA'), token({ headers: { origin: ELSEWHERE } })],
    'without an origin': [key('EdDSA'), token({ headers: { origin: null } })],
    'of another': [key('EdDSA'), token({ by: 'vera' }), token({ by: 'gina' })],
    'of a user with odd names': [key('EdDSA'), `UPDATE "user" SET name = 'Ä "\\ ☃ 😀' WHERE id = '{{ada.id}}'`, token()],
    'of a user whose mail is verified': [key('EdDSA'), `UPDATE "user" SET "emailVerified" = true WHERE id = '{{ada.id}}'`, token()],
  }),
  ...named('jwks', {
    'POST': POST('/jwks', {}),
    'HEAD': { ...jwks(), method: 'HEAD' },
    'signed in': [key('EdDSA'), jwks(BY)],
    'from elsewhere': [key('EdDSA'), jwks({ headers: { origin: ELSEWHERE } })],
    'with a query': [key('EdDSA'), GET('/jwks?kid=x')],
    'with a slash': [key('EdDSA'), GET('/jwks/')],
    'at another path': [key('EdDSA'), GET('/.well-known/jwks.json')],
    'without an alg': [key('EdDSA', { column: null })],
    'of each algorithm': [...Object.keys(KEYS).map((alg, index) => key(alg, { age: `${9 - index} hours` })), jwks()],
    'without alg and crv': [...Object.keys(KEYS).map((alg, index) => key(alg, { age: `${9 - index} hours`, column: null, crv: null })), jwks()],
    'a JWK with members of its own': [key('EdDSA', { text: { publicKey: '{"kid":"mine","use":"sig","crv":"Ed25519","alg":"X","x":"AA","kty":"OKP"}' } }), jwks()],
    'no JSON': [key('EdDSA', { text: { publicKey: 'nothing' } }), jwks()],
  }),
  ...named('get-session', {
    'a key': [key('EdDSA'), session()],
    'a session that is prolonged': [key('EdDSA'), aged('1 hour', '-6 days'), session()],
    'POST': [key('EdDSA'), POST('/get-session', {}, BY)],
    'disableRefresh': [key('EdDSA'), GET('/get-session?disableRefresh=1', BY)],
    'of a banned cookie': [key('EdDSA'), GET('/get-session', { cookie: `better-auth.session_token=${TOKEN.ada}.x` })],
    'others have no header': [key('EdDSA'), GET('/list-sessions', BY), POST('/sign-in/email', { email: 'ada@example.com', password: PASSWORD }), GET('/ok')],
  }),
  ...named('keys', each(AGES, (rows) => [...rows, ...ALL])),
  ...named('an unusable key', {
    'not sealed': [key('EdDSA', { text: { privateKey: '"abcdef"' } }), token()],
    'a text': [key('EdDSA', { text: { privateKey: 'nothing' } }), token()],
    'sealed, no key': [key('EdDSA', { text: { privateKey: JSON.stringify(seal('{}')) } }), token()],
    'of another algorithm': [key('ES256', { column: 'EdDSA' }), token()],
    'an algorithm that is none': [key('EdDSA', { column: 'HS256' }), token()],
  }),
};

const algorithms = Object.keys(KEYS).map((alg) =>
  group(`, ${alg}`, { jwks: { keyPairConfig: { alg } } }, { jwt_jwks_key_pair_config_alg: alg }, {
    'a new key': ALL,
    'a key': [key(alg), ...ALL],
    'a key without its algorithm': [key(alg, { column: null }), ...ALL],
    'beside a newer one of another': [key(alg, { age: '2 hours' }), key(alg === 'EdDSA' ? 'ES256' : 'EdDSA'), ...ALL],
    'a key that is not encrypted, where none is to be': [key(alg)],
  }),
);

const ISSUED = (jwtOptions, settings) => group(`, ${JSON.stringify(jwtOptions)}`, { jwt: jwtOptions }, settings, { 'a token': [key('EdDSA'), token(), session()] });

export default [
  group('', {}, {}, main),
  ...algorithms,
  group(', modulusLength', { jwks: { keyPairConfig: { alg: 'RS256', modulusLength: 3072 } } }, { jwt_jwks_key_pair_config_alg: 'RS256', jwt_jwks_key_pair_config_modulus_length: 3072 }, { 'a new key': jwks() }),
  group(', disablePrivateKeyEncryption', { jwks: { disablePrivateKeyEncryption: true } }, { jwt_jwks_disable_private_key_encryption: 'on' }, {
    'a new key': ALL,
    'a key': [key('EdDSA', { plain: true }), ...ALL],
  }),
  group(', rotationInterval', { jwks: { rotationInterval: 3600, gracePeriod: 600 } }, { jwt_jwks_rotation_interval: 3600, jwt_jwks_grace_period: 600 }, {
    'a new key': ALL,
    'one that has expired': [key('EdDSA', { expires: '-9 minutes' }), ...ALL],
    'one that expired before that': [key('EdDSA', { expires: '-11 minutes' }), ...ALL],
    'one that expires': [key('EdDSA', { expires: '1 minute' }), ...ALL, `UPDATE jwks SET "expiresAt" = now() - interval '1 minute'`, ...ALL],
  }),
  group(', jwksPath', { jwks: { jwksPath: '/.well-known/jwks.json' } }, { jwt_jwks_jwks_path: '/.well-known/jwks.json' }, {
    'there': [key('EdDSA'), GET('/.well-known/jwks.json'), jwks(), token()],
  }),
  group(', remoteUrl', { jwks: { remoteUrl: 'https://keys.example/jwks', keyPairConfig: { alg: 'EdDSA' } } }, { jwt_jwks_remote_url: 'https://keys.example/jwks' }, {
    'no jwks': [key('EdDSA'), jwks()],
    'tokens': [key('EdDSA'), token(), session()],
  }),
  group(', disableSettingJwtHeader', { disableSettingJwtHeader: true }, { jwt_disable_setting_jwt_header: 'on' }, { 'get-session': [session(), token()] }),
  ISSUED({ issuer: 'https://issuer.example' }, { jwt_jwt_issuer: 'https://issuer.example' }),
  ISSUED({ audience: 'api' }, { jwt_jwt_audience: 'api' }),
  ISSUED({ audience: ['api', 'other'] }, { jwt_jwt_audience: 'api, other' }),
  ISSUED({ issuer: 'i', audience: 'a', expirationTime: '1h' }, { jwt_jwt_issuer: 'i', jwt_jwt_audience: 'a', jwt_jwt_expiration_time: '1h' }),
  ...['2 days', '1.5 hours', '30s', '1 hour ago', '-5m', '1mo'].map((expirationTime) => ISSUED({ expirationTime }, { jwt_jwt_expiration_time: expirationTime })),
  group(', a cookie cache', {}, { cookie_cache: 'on' }, {
    'get-session': [
      key('EdDSA'),
      POST('/sign-in/email', { email: 'ada@example.com', password: PASSWORD }),
      GET('/get-session', { jar: true }),
      GET('/token', { jar: true }),
    ],
  }, { more: () => ({ session: { cookieCache: { enabled: true } } }) }),
  group(', deferSessionRefresh', {}, { defer_session_refresh: 'on' }, {
    'get-session': [key('EdDSA'), session(), POST('/get-session', {}, BY)],
    'due': [key('EdDSA'), aged('1 hour', '-6 days'), session(), POST('/get-session', {}, BY)],
  }, { more: () => ({ session: { deferSessionRefresh: true } }) }),
  {
    ...group(' and bearer', {}, {}, {
      'exposed headers': [key('EdDSA'), GET('/get-session', { headers: { authorization: `Bearer ${TOKEN.ada}` } }), aged('1 hour', '-6 days'), GET('/get-session', { headers: { authorization: `Bearer ${TOKEN.ada}` } })],
      'token': [key('EdDSA'), GET('/token', { headers: { authorization: `Bearer ${TOKEN.ada}` } })],
    }),
    columns: { ...columns, plugins: 'bearer, jwt' },
    options: () => ({ plugins: [bearer(), jwt()] }),
  },
];
