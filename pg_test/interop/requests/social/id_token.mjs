// Id tokens alone: the provider's own button has them, and nobody is sent anywhere.

import { createHash } from 'node:crypto';
import { CLIENT, CONSUMERS, TENANT } from '../../provider.mjs';
import { GET, ID, POST } from '../../http.mjs';
import { has, mints, tells } from '../../social.mjs';
import { differs, each, named } from '../common.mjs';
import { PROVIDERS, VERA, WITH_ID_TOKENS, people } from './common.mjs';

const signIn = (provider, idToken, body, options) => POST('/sign-in/social', { provider, idToken: { token: '{{idToken}}', ...idToken }, ...body }, options);
const link = (provider, idToken, options) => POST('/link-social', { provider, idToken: { token: '{{idToken}}', ...idToken } }, { by: 'vera', ...options });
const ago = (seconds) => Math.floor(Date.now() / 1000) - seconds;
const hashed = (nonce) => createHash('sha256').update(nonce).digest('hex');

export const FORGED = {
  'signed by a stranger': { by: 'stranger' },
  'of a key that nobody has': { kid: 'unknown' },
  'without a key’s name': { kid: null },
  'alg none': { alg: 'none' },
  'HS256 with the public key': { alg: 'HS256' },
  'ES256': { alg: 'ES256' },
  'PS256': { alg: 'PS256' },
  'EdDSA': { alg: 'EdDSA' },
  'for another client': { claims: { aud: 'somebody-else' } },
  'for several': { claims: { aud: ['somebody-else', CLIENT.id] } },
  'for nobody': { claims: { aud: undefined } },
  'of another issuer': { claims: { iss: 'https://elsewhere.example' } },
  'of no issuer': { claims: { iss: undefined } },
  'for no subject': { claims: { sub: undefined } },
  'expired within the skew': { claims: { exp: ago(10) } },
  'expired': { claims: { exp: ago(60) } },
  'without exp': { claims: { exp: undefined } },
  'exp as a text': { claims: { exp: 'x' } },
  'without iat': { claims: { iat: undefined } },
  'issued in the future': { claims: { iat: ago(-120), exp: ago(-3600) } },
  'issued in the future within the skew': { claims: { iat: ago(-15), exp: ago(-3600) } },
  'two hours old': { claims: { iat: ago(7200), exp: ago(-3600) } },
  'not yet valid': { claims: { nbf: ago(-120) } },
};
const NONCES = {
  'right': [{ nonce: 'n' }, { nonce: 'n' }],
  'wrong': [{ nonce: 'n' }, { nonce: 'x' }],
  'missing in the token': [{}, { nonce: 'n' }],
  'not asked for': [{ nonce: 'n' }, {}],
  'hashed': [{ nonce: hashed('n') }, { nonce: 'n' }],
  'hashed, in capitals': [{ nonce: hashed('n').toUpperCase() }, { nonce: 'n' }],
  'empty': [{ nonce: 'n' }, { nonce: '' }],
};
export const SHAPES = ['', 'x', 'a.b', 'a.b.c', 'a.b.c.d.e', 'eyJhbGciOiJSUzI1NiJ9.e30.', '..'];

const REFUSED = [401, 'INVALID_TOKEN'];
const TAKEN = [200, undefined];
/** What differs of these: what Better Auth answers, and ours. */
const differences = (site, name) => {
  if (name === 'without a key’s name' && site !== 'example') return ['keyName', REFUSED, TAKEN];
  if (name === 'issued in the future' && site === 'example') return ['futureToken', TAKEN, REFUSED];
  return null;
};
const forged = (site, make) =>
  named(
    site,
    each(FORGED, (options, name) => {
      const [steps, known] = [[mints(site, options), make(site)], differences(site, name)];
      return known ? differs(known[0], steps, known[1], known[2]) : steps;
    }),
  );
/** Claims of other types. */
const odd = (site) => ({
  [`${site}: an odd name`]: differs('oddProfile', [mints(site, { claims: { name: 5 } }), signIn(site)], '5', '', ({ answers }) => JSON.parse(answers.at(-1).body).user.name),
  [`${site}: an odd email`]: differs('oddProfile', [mints(site, { claims: { email: 5 } }), signIn(site)], [302, 'http://127.0.0.1:3999/api/auth/error?error=internal_server_error'], [401, 'USER_EMAIL_NOT_FOUND']),
});

export default [
  {
    name: 'social, id tokens',
    providers: PROVIDERS,
    cases: {
      ...Object.assign(
        {},
        ...WITH_ID_TOKENS.map((site) => ({
          ...named(site, people([mints(site), signIn(site)])),
          ...forged(site, signIn),
          ...named(`${site}, nonce`, each(NONCES, ([claims, asked]) => [mints(site, { claims }), signIn(site, asked)])),
          ...named(`${site}, shape`, each(SHAPES, (token) => signIn(site, { token }))),
          [`${site}: with tokens`]: [mints(site), signIn(site, { accessToken: 'a', refreshToken: 'r', expiresAt: 1_700_000_000_000 })],
          [`${site}: twice, and who it is`]: [mints(site), signIn(site), signIn(site, { accessToken: 'later' }), GET('/get-session', { jar: true })],
          // That of discovery keeps the keys for ten minutes.
          ...(site !== 'example' && { [`${site}: keys are gone`]: [mints(site), has((provider) => provider.rotate()), signIn(site)] }),
          ...odd(site),
          [`${site}: of another site`]: [mints(site === 'google' ? 'apple' : 'google'), signIn(site)],
          [`${site}: with a callbackURL elsewhere`]: [mints(site), signIn(site, {}, { callbackURL: 'https://elsewhere.example' })],
        })),
      ),
      ...named('google, keys', each({ 'unreachable': 'unreachable', 'fail': { status: 500 }, 'are HTML': 'html', 'redirect': 'redirect', 'are none': { body: { keys: [] } }, 'are nothing': { body: {} } }, (answer) => [tells('jwks', answer), mints('google'), signIn('google')])),
      'google: the old issuer’s name': [mints('google', { claims: { iss: 'accounts.google.com' } }), signIn('google')],
      'google: keys overlap': [has((provider) => provider.rotate({ overlap: true })), mints('google'), signIn('google')],
      'google: a user of one’s own words': [mints('google'), signIn('google', { user: { name: { firstName: 'Eve' }, email: 'eve@example.org' } })],
      'apple: a user’s name': [mints('apple'), signIn('apple', { user: { name: { firstName: 'Nora', lastName: 'New' } } })],
      'apple: a user’s first name': [mints('apple'), signIn('apple', { user: { name: { firstName: 'Nora' } } })],
      'apple: a user without a name': [mints('apple'), signIn('apple', { user: { email: 'eve@example.org' } })],
      'microsoft: another tenant': [has({ tid: CONSUMERS }), mints('microsoft'), signIn('microsoft')],
      'microsoft: a tenant that isn’t the issuer’s': [mints('microsoft', { claims: { tid: CONSUMERS } }), signIn('microsoft')],
      'microsoft: no tenant': [mints('microsoft', { claims: { tid: undefined } }), signIn('microsoft')],
      'microsoft: no oid': [mints('microsoft', { claims: { oid: undefined } }), signIn('microsoft')],
      'github': [mints('google'), signIn('github')],
      'discord': [mints('google'), signIn('discord')],
      'while signed in as Ada': [mints('google'), signIn('google', {}, {}, { by: 'ada' })],
      'a sign-up that is asked for': [mints('google'), signIn('google', {}, { requestSignUp: true })],
    },
  },
  {
    name: 'social, linking by id tokens',
    providers: PROVIDERS,
    cases: {
      ...Object.assign(
        {},
        ...WITH_ID_TOKENS.map((site) => ({
          ...named(site, people([mints(site), link(site)], { 'herself': VERA, 'herself, unverified': { ...VERA, email_verified: false }, 'with another email': {}, 'without an email': { email: undefined } })),
          [`${site}: twice`]: [has(VERA), mints(site), link(site), link(site, { accessToken: 'a', refreshToken: 'r' }), GET('/list-accounts', { by: 'vera' })],
          [`${site}: forged`]: [has(VERA), mints(site, { by: 'stranger' }), link(site)],
          [`${site}: wrong nonce`]: [has(VERA), mints(site, { claims: { nonce: 'n' } }), link(site, { nonce: 'x' })],
          [`${site}: without a session`]: [has(VERA), mints(site), link(site, {}, { by: undefined })],
        })),
      ),
      'google: somebody else’s': [
        `INSERT INTO account (id, "accountId", "providerId", "userId", "createdAt", "updatedAt") VALUES ('k', '1001', 'google', '${ID.ada}', now(), now())`,
        has(VERA), mints('google'), link('google'),
      ],
      'github': [mints('google'), link('github')],
    },
  },
  {
    name: 'social, id tokens off',
    providers: { google: { disableIdTokenSignIn: true } },
    cases: { 'google': [mints('google'), signIn('google')], 'link': [has(VERA), mints('google'), link('google')] },
  },
  {
    name: 'social, id tokens of several clients',
    providers: { google: { clientId: [CLIENT.id, 'of-the-app'] }, apple: { appBundleIdentifier: 'com.example.app' }, microsoft: { tenantId: TENANT } },
    cases: {
      'google: the first': [mints('google'), signIn('google')],
      'google: the second': [mints('google', { client: 'of-the-app' }), signIn('google')],
      'google: none of them': [mints('google', { client: 'x' }), signIn('google')],
      'apple: the app': [mints('apple', { client: 'com.example.app' }), signIn('apple')],
      'apple: the site': [mints('apple'), signIn('apple')],
      'microsoft: its tenant': [mints('microsoft'), signIn('microsoft')],
      'microsoft: another tenant': [has({ tid: CONSUMERS }), mints('microsoft'), signIn('microsoft')],
    },
  },
  ...['organizations', 'consumers'].map((tenantId) => ({
    name: `social, Microsoft’s ${tenantId}`,
    providers: { microsoft: { tenantId } },
    cases: { 'an organization': [mints('microsoft'), signIn('microsoft')], 'a personal account': [has({ tid: CONSUMERS }), mints('microsoft'), signIn('microsoft')] },
  })),
  {
    name: 'social, id tokens, sign-up',
    providers: { google: { disableSignUp: true }, apple: { disableImplicitSignUp: true }, microsoft: { requireEmailVerification: true }, example: { ...PROVIDERS.example, disableSignUp: true } },
    cases: {
      'no sign-up': [mints('google'), signIn('google')],
      'no sign-up, Vera': [has(VERA), mints('google'), signIn('google')],
      'generic, no sign-up': [mints('example'), signIn('example')],
      'no implicit sign-up': [mints('apple'), signIn('apple')],
      'no implicit sign-up, asked for': [mints('apple'), signIn('apple', {}, { requestSignUp: true })],
      'only verified emails': [has({ email_verified: false }), mints('microsoft'), signIn('microsoft')],
      'only verified emails, verified': [mints('microsoft'), signIn('microsoft')],
    },
  },
];
