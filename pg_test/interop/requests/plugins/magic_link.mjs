// The plugin magic-link: a link by mail that signs in.

import { magicLink } from 'better-auth/plugins';
import { GET, POST } from '../../http.mjs';
import { BASE_URL } from '../../lib.mjs';
import { PASSWORD, VERIFY_ADA, answersAs, differs, each, named, oddBodies, oddFields } from '../common.mjs';

const EMAIL = 'ada@example.com';
const NOBODY = 'nobody@example.com';
const BY = { by: 'ada' };
const ELSEWHERE = 'https://elsewhere.example';

const ask = (fields, options) => POST('/sign-in/magic-link', { email: EMAIL, ...fields }, options);
const open = (options) => ({ method: 'GET', url: '{{mail.url}}', ...options });
const verify = (query = '', options) => GET(`/magic-link/verify?token={{mail.token}}${query}`, options);
const byPassword = POST('/sign-in/email', { email: EMAIL, password: PASSWORD });

const EXPIRED = `UPDATE verification SET "expiresAt" = now() - interval '1 second'`;
const row = (token, value, expires = '5 minutes', ago = '0') =>
  `INSERT INTO verification (id, identifier, value, "expiresAt", "createdAt", "updatedAt")
   VALUES (md5('${token}${ago}'), 'magic-link:${token}', '${value}', now() + interval '${expires}', now() - interval '${ago}', now())`;
const record = (fields) => JSON.stringify({ type: 'magic-link', email: EMAIL, ...fields });
const encoded = (callbackURL) => encodeURIComponent(callbackURL);

const URLS = [
  '/', '/x', '/x?y=z', '/x?error=z#f', '/x#y', '/é x', `${BASE_URL}/x`, BASE_URL, `${BASE_URL}?x=y`, '', ELSEWHERE, 'x', '?x',
  'https://127.0.0.1:3999/x', '/x y+z%20', '/%zz',
];

const plugin = (options) => (send) => ({
  plugins: [
    magicLink({
      sendMagicLink: ({ email, url, token, metadata }) => send.message({ kind: 'magic-link', recipient: email, url, token, metadata }),
      ...options,
    }),
  ],
});
const columns = { plugins: 'magic-link', options: plugin({}) };
const group = (name, options, settings, cases, { more = () => ({}), ...rest } = {}) => ({
  name: `magic-link${name}`,
  columns,
  options: (send) => ({ ...plugin(options)(send), ...more(send) }),
  settings,
  cases,
  ...rest,
});

const flows = {
  'the link': [ask(), open(), GET('/get-session', { jar: true })],
  'the link of a new user': [ask({ email: NOBODY, name: 'New' }), open(), GET('/get-session', { jar: true })],
  'without a callbackURL': [ask(), verify(), GET('/get-session', { jar: true })],
  'twice': [ask(), open(), open(), GET('/get-session', { jar: true })],
  'expired': [ask(), EXPIRED, open(), open()],
  'two links': [ask(), ask(), open(), GET('/get-session', { jar: true })],
};

export default [
  group('', {}, {}, {
    ...flows,
    // sign-in/magic-link
    'ask': ask(),
    'ask, verified': ask({ email: 'vera@example.com' }),
    'ask, nobody': ask({ email: NOBODY }),
    'ask, in capitals': [ask({ email: 'ADA@Example.COM' }), open()],
    'ask, a new user in capitals': [ask({ email: 'Nobody@Example.COM', name: 'New' }), open()],
    ...named('ask, email', each(['', 'x', 'a@b', ' ada@example.com', 'é@example.com', `${'x'.repeat(300)}@example.com`], (email) => ask({ email }))),
    ...named('ask, metadata', each([{ a: 1, b: { c: [null, 'é'] } }, {}, null, 'x', 5, []], (metadata) => ask({ metadata }))),
    ...named('ask, name', each(['', 'é "quoted" \\ <b>', null, 5], (name) => ask({ name }))),
    ...Object.assign({}, ...['callbackURL', 'newUserCallbackURL', 'errorCallbackURL'].map((field) => named(`ask, ${field}`, { ...each(URLS, (url) => ask({ [field]: url })), 'with dots': answersAs('settledUrls', ask({ [field]: '/a/../b' }), ask({ [field]: '/b' })) }))),
    'ask, all URLs': ask({ callbackURL: '/a?b=c&d#e', newUserCallbackURL: '/new?x', errorCallbackURL: '/error?y' }),
    'ask, unknown type': ask({ type: 'x', rememberMe: false }),
    'ask, signed in': ask({}, BY),
    'ask, from elsewhere': ask({}, { headers: { origin: ELSEWHERE } }),
    'ask, from elsewhere, signed in': ask({}, { ...BY, headers: { origin: ELSEWHERE } }),
    'ask, cross-site navigation': ask({}, { headers: { origin: null, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } }),
    'ask, a browser without an origin': ask({}, { headers: { origin: null, 'sec-fetch-site': 'same-origin' } }),
    'ask, without an origin': ask({}, { headers: { origin: null } }),
    'ask, GET': GET('/sign-in/magic-link'),
    'ask, a form': { ...POST('/sign-in/magic-link'), raw: 'email=ada%40example.com', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    'ask, name, a lone surrogate': [ask({ email: NOBODY, name: 'x\ud800y' }), open(), GET('/get-session', { jar: true })],
    ...oddFields('/sign-in/magic-link', { email: EMAIL, callbackURL: '/x', newUserCallbackURL: '/x', errorCallbackURL: '/x' }),
    ...oddBodies('/sign-in/magic-link'),
    // magic-link/verify
    'verify, unverified: what was there before is gone': [ask(), open(), GET('/get-session', BY), byPassword],
    'verify, verified: what was there before stays': [VERIFY_ADA, ask(), open(), GET('/get-session', BY), byPassword],
    'verify, unverified, of a user with providers': [
      `UPDATE "user" SET "emailVerified" = false WHERE id = '{{vera.id}}'`,
      ask({ email: 'vera@example.com' }),
      open(),
      GET('/list-accounts', { jar: true }),
    ],
    'verify, of a user with providers': [ask({ email: 'vera@example.com' }), verify()],
    'verify, signed in as another': [ask(), open(BY), GET('/get-session', { jar: true })],
    'verify, a new user, by JSON': [ask({ email: NOBODY, name: 'New' }), verify()],
    'verify, a new user without a name': [ask({ email: NOBODY }), verify()],
    'verify, a new user, to the page for such': [ask({ email: NOBODY, callbackURL: '/home', newUserCallbackURL: '/welcome?x' }), open()],
    'verify, a known one, to the other page': [ask({ callbackURL: '/home', newUserCallbackURL: '/welcome?x' }), open()],
    'verify, a new user, from a browser': [ask({ email: NOBODY }), open({ headers: { 'user-agent': 'Mozilla/5.0', 'x-forwarded-for': '203.0.113.9', origin: null } })],
    'verify, of a user who was made meanwhile': [
      ask({ email: NOBODY, name: 'New' }),
      POST('/sign-up/email', { email: NOBODY, name: 'Other', password: PASSWORD }, { as: 'other' }),
      open(),
      GET('/get-session', { by: 'other' }),
      POST('/sign-in/email', { email: NOBODY, password: PASSWORD }),
    ],
    'verify, by HEAD, and then': [ask(), open({ method: 'HEAD' }), open()],
    'verify, by POST, and then': [ask(), open({ method: 'POST' }), open()],
    'verify, from elsewhere': [ask(), open({ headers: { origin: ELSEWHERE } })],
    'verify, from elsewhere, signed in': [ask(), open({ ...BY, headers: { origin: ELSEWHERE } })],
    'verify, cross-site navigation': [ask(), open({ headers: { origin: null, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } })],
    ...Object.assign(
      {},
      ...['callbackURL', 'newUserCallbackURL', 'errorCallbackURL'].flatMap((field) => [
        named(`verify, ${field}`, each(URLS, (url) => [ask({ email: NOBODY }), verify(`&callbackURL=/home&${field}=${encoded(url)}`.replace('&callbackURL=/home&callbackURL', '&callbackURL'))])),
        named(`verify, wrong, ${field}`, each(URLS, (url) => GET(`/magic-link/verify?token=x&${field}=${encoded(url)}`))),
      ]),
    ),
    ...named('verify, wrong, both', each(['&callbackURL=/a&errorCallbackURL=/b', '&callbackURL=/a?x=1&errorCallbackURL=/b?error=old', `&callbackURL=${ELSEWHERE}&errorCallbackURL=/b`, `&callbackURL=/a&newUserCallbackURL=${ELSEWHERE}`], (query) => GET(`/magic-link/verify?token=x${query}`))),
    ...named('verify, query', each(['', '?token', '?token=', '?token=a&token=b', '?token[]=a', '?Token=a', '?token=%00&callbackURL=x', '?callbackURL=/x', '?token=x&callbackURL', '?token=x&callbackURL=/a&callbackURL=/b', '?token=é', '?token=a%20b', '?error=y&token=x'], (query) => GET(`/magic-link/verify${query}`))),
    ...named(
      'verify, a record',
      each(
        [
          record({}), record({ name: 'N' }), record({ name: '' }), record({ name: null }), record({ name: 5 }), record({ type: 'x' }), record({ type: undefined }), record({ email: 'x' }),
          record({ email: undefined }), record({ email: 'ADA@example.com' }), record({ more: 1 }), record({ attempt: 0 }), '', '{}', '[]', 'null', '5', '"x"', 'x', '{"type":"magic-link"', ` ${record({})} `,
        ],
        (value) => [row('mine', value), GET('/magic-link/verify?token=mine&callbackURL=/x'), GET('/magic-link/verify?token=mine&callbackURL=/x')],
      ),
    ),
    'verify, two rows, the newer expired': [row('mine', record({}), '5 minutes', '1 minute'), row('mine', record({}), '-1 second'), GET('/magic-link/verify?token=mine&callbackURL=/x'), GET('/magic-link/verify?token=mine&callbackURL=/x')],
    'verify, two rows, the older is none': [row('mine', 'x', '5 minutes', '1 minute'), row('mine', record({})), GET('/magic-link/verify?token=mine&callbackURL=/x')],
    'verify, an identifier is no token': [row('mine', record({})), GET('/magic-link/verify?token=magic-link:mine&callbackURL=/x')],
    'verify, another kind of token': [POST('/request-password-reset', { email: EMAIL }), verify('&callbackURL=/x')],
    'verify, a user who is gone': [ask(), `DELETE FROM "user" WHERE id = '{{ada.id}}'`, open()],
    'sign-up': POST('/sign-up/email', { email: NOBODY, name: 'New', password: PASSWORD }),
    // Differences
    'verify, a token with NUL': differs('nul', [GET('/magic-link/verify?token=%00&callbackURL=/x')], [500, ''], [400, 'VALIDATION_ERROR']),
    'ask, a name with NUL': differs('nul', [ask({ name: 'a\0b' })], [200, undefined], [400, 'VALIDATION_ERROR']),
    'ask, metadata with NUL': differs('nul', [ask({ metadata: { a: ['\0'] } })], [200, undefined], [400, 'VALIDATION_ERROR']),
    'ask, metadata that is large': differs('bounds', [ask({ metadata: { a: 'x'.repeat(70_000) } })], [200, undefined], [400, 'VALIDATION_ERROR']),
    'ask, a long email': differs('longEmail', [ask({ email: `${'x'.repeat(2100)}@example.com` })], [200, undefined], [400, 'VALIDATION_ERROR']),
  }),
  group(', hashed', { storeToken: 'hashed' }, { magic_link_store_token: 'hashed' }, { ...flows, 'a token as it is stored': [row('mine', record({})), GET('/magic-link/verify?token=mine&callbackURL=/x')] }),
  group(', disableSignUp, expiresIn', { disableSignUp: true, expiresIn: 60 }, { magic_link_disable_sign_up: 'on', magic_link_expires_in: 60 }, {
    'known': [ask(), open()],
    'nobody': [ask({ email: NOBODY }), open(), open()],
    'nobody, to the page for errors': [ask({ email: NOBODY, callbackURL: '/home', errorCallbackURL: '/error?x=1' }), open()],
    'nobody, by JSON': [ask({ email: NOBODY }), verify()],
  }),
  group(', a path of its own', {}, { base_path: '/auth' }, { 'the link': [ask({ callbackURL: '/home' }), open()] }, { more: () => ({ basePath: '/auth' }), basePath: '/auth' }),
  group(', trusted origins', {}, { trusted_origins: 'https://app.example' }, {
    'the link': [ask({ callbackURL: 'https://app.example/home', newUserCallbackURL: 'https://app.example/new', errorCallbackURL: 'https://app.example/error' }), open(), open()],
  }, { more: () => ({ trustedOrigins: ['https://app.example'] }) }),
  group(', rate limits', {}, { rate_limit: 'on', rate_limit_storage: 'database' }, {
    'ask six times': Array.from({ length: 6 }, () => ask()),
    'verify six times': Array.from({ length: 6 }, () => GET('/magic-link/verify?token=x')),
  }, { more: () => ({ rateLimit: { enabled: true } }) }),
];
