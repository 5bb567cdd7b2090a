// bearer: the session in Authorization, and in set-auth-token.

import { GET, POST, TOKEN, cookieOf, signJwt } from '../../http.mjs';
import { BASE_URL, signCookie } from '../../lib.mjs';
import { PASSWORD, aged, each, named, oddBodies, withoutData } from '../common.mjs';
import { bearer } from 'better-auth/plugins';

const signed = (token, secret) => decodeURIComponent(signCookie(token, secret));
const withAuthorization = (authorization, more = {}) => ({ ...more, headers: { authorization, ...more.headers } });
const by = (token, more) => withAuthorization(`Bearer ${token}`, more);
const ask = (token, more) => GET('/get-session', by(token, more));
const signIn = (fields, options) => POST('/sign-in/email', { email: 'ada@example.com', password: PASSWORD, ...fields }, options);

const ADA = signed(TOKEN.ada);
const [, SIGNATURE] = ADA.split('.');
const VERA = cookieOf(TOKEN.vera);
const UNREMEMBERED = `better-auth.dont_remember=${signCookie('true')}`;
const FOREIGN = 'another secret of the same length, nearly';
const row = (token) => `INSERT INTO session (id, token, "userId", "expiresAt", "createdAt", "updatedAt")
  VALUES ('odd', '${token}', '{{ada.id}}', now() + interval '1 day', now(), now())`;

/** Each token by itself, and beside another user's cookie: what is no token leaves the cookie alone. */
const tokens = (values) => ({
  ...named('token', each(values, (token) => ask(token))),
  ...named('beside a cookie', each(values, (token) => ask(token, { cookie: VERA }))),
});

const TOKENS = {
  'raw': TOKEN.ada,
  'signed': ADA,
  'signed and encoded': signCookie(TOKEN.ada),
  'of no session': 'A'.repeat(32),
  'signed, of no session': signed('A'.repeat(32)),
  'with another’s signature': `${TOKEN.vera}.${SIGNATURE}`,
  'signed by another secret': signed(TOKEN.ada, FOREIGN),
  'with an empty signature': `${TOKEN.ada}.`,
  'with half a signature': `${TOKEN.ada}.${SIGNATURE.slice(0, 20)}`,
  'with a signature that is no base64': `${TOKEN.ada}.!`,
  'signed without padding': ADA.slice(0, -1),
  'signed and padded twice': `${ADA}=`,
  'signed in the URL’s alphabet': `${TOKEN.ada}.${SIGNATURE.replaceAll('+', '-').replaceAll('/', '_')}`,
  'signed, and more behind it': `${ADA}.more`,
  'signed, and a dot behind it': `${ADA}.`,
  'without a token': `.${SIGNATURE}`,
  'empty and signed': signed(''),
  'a dot': '.',
  'two dots': '..',
  'percent signs': 'a%41b',
  'broken escapes': `${TOKEN.ada}.%zz`,
  'a JWT of PostgREST': signJwt({ sub: 'x', role: 'authenticated' }, { secret: 'the jwt secret of PostgREST, or so' }),
  'a JWT by the cookie’s secret': signJwt({ sub: 'x' }),
  'a JWT whose first two parts are signed': `${signed('eyJhbGciOiJIUzI1NiJ9')}.x`,
  'two words': `${TOKEN.ada} x`,
  'a comma': `${TOKEN.ada}, Bearer ${TOKEN.vera}`,
  'not ASCII': 'é',
  'quoted': `"${TOKEN.ada}"`,
  'in capitals': TOKEN.ada.toUpperCase(),
  'long': 'x'.repeat(5000),
};

const SCHEMES = {
  'Bearer': `Bearer ${TOKEN.ada}`,
  'bearer': `bearer ${TOKEN.ada}`,
  'BEARER': `BEARER ${TOKEN.ada}`,
  'spaces around the token': `Bearer    ${TOKEN.ada}  `,
  'a tab behind the scheme': `Bearer\t${TOKEN.ada}`,
  'a tab before the token': `Bearer \t${TOKEN.ada}`,
  'nothing behind it': 'Bearer',
  'a space behind it': 'Bearer ',
  'no scheme': TOKEN.ada,
  'Basic': `Basic ${Buffer.from('a:b').toString('base64')}`,
  'Token': `Token ${TOKEN.ada}`,
  'empty': '',
};

const NEEDY = {
  'list-sessions': GET('/list-sessions', by(TOKEN.ada)),
  'list-accounts': GET('/list-accounts', by(TOKEN.ada)),
  'update-user': POST('/update-user', { name: 'Augusta' }, by(TOKEN.ada)),
  'update-user, unremembered': POST('/update-user', { name: 'Augusta' }, by(TOKEN.ada, { cookie: UNREMEMBERED })),
  'change-password': POST('/change-password', { currentPassword: PASSWORD, newPassword: 'a new password' }, by(TOKEN.ada)),
  'change-password with a new session': POST(
    '/change-password',
    { currentPassword: PASSWORD, newPassword: 'a new password', revokeOtherSessions: true },
    by(TOKEN.ada),
  ),
  'change-password, wrong': POST('/change-password', { currentPassword: 'wrong password', newPassword: 'a new password' }, by(TOKEN.ada)),
  'verify-password': POST('/verify-password', { password: PASSWORD }, by(TOKEN.ada)),
  'revoke-session, its own': POST('/revoke-session', { token: TOKEN.ada }, by(TOKEN.ada)),
  'revoke-session, another': POST('/revoke-session', { token: TOKEN.ada2 }, by(TOKEN.ada)),
  'revoke-sessions': POST('/revoke-sessions', {}, by(TOKEN.ada)),
  'revoke-other-sessions': POST('/revoke-other-sessions', {}, by(TOKEN.ada)),
  'sign-out': POST('/sign-out', {}, by(TOKEN.ada)),
  'sign-out of no session': POST('/sign-out', {}, by('A'.repeat(32))),
  'ok': GET('/ok', by(TOKEN.ada)),
  'no route': GET('/nowhere', by(TOKEN.ada)),
};

// The origin, which counts where there is a cookie, whatever stands in Authorization.
const foreign = { origin: 'https://elsewhere.example' };
const ORIGINS = {
  'none, without a cookie': POST('/update-user', { name: 'Augusta' }, by(TOKEN.ada, { headers: { origin: null } })),
  'foreign, without a cookie': POST('/update-user', { name: 'Augusta' }, by(TOKEN.ada, { headers: foreign })),
  'none, with a cookie': POST('/update-user', { name: 'Augusta' }, by(TOKEN.ada, { headers: { origin: null }, cookie: VERA })),
  'foreign, with a cookie': POST('/update-user', { name: 'Augusta' }, by(TOKEN.ada, { headers: foreign, cookie: VERA })),
  'none, with an empty cookie': POST('/update-user', { name: 'Augusta' }, by(TOKEN.ada, { headers: { origin: null, cookie: '' } })),
  'of the request, with a cookie': POST('/update-user', { name: 'Augusta' }, by(TOKEN.ada, { cookie: VERA })),
  'a sign-in from elsewhere': signIn({}, by(TOKEN.ada, { headers: foreign })),
  'a sign-in by navigation': signIn({}, by(TOKEN.ada, { headers: { ...foreign, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } })),
  'a foreign callbackURL': signIn({ callbackURL: 'https://elsewhere.example/x' }, by(TOKEN.ada)),
};

const SET = {
  'sign-in': signIn(),
  'sign-in, not remembered': signIn({ rememberMe: false }),
  'sign-in, wrong': signIn({ password: 'wrong password' }),
  'sign-in with a callbackURL': signIn({ callbackURL: '/app' }),
  'sign-in while another is signed in': signIn({}, by(TOKEN.vera)),
  'sign-up': POST('/sign-up/email', { name: 'Eve', email: 'eve@example.com', password: PASSWORD }),
  'sign-up, taken': POST('/sign-up/email', { name: 'Eve', email: 'ada@example.com', password: PASSWORD }),
  'what sign-in gave signs in': [signIn({}, { as: 'new' }), ask('{{new.token}}'), ask('{{sign:new.token}}')],
  'and is gone after sign-out': [
    signIn({}, { as: 'new' }),
    POST('/sign-out', {}, by('{{new.token}}')),
    ask('{{new.token}}'),
    ask('{{sign:new.token}}'),
  ],
  'a session that is due': [aged('5 days', '-2 days'), ask(TOKEN.ada)],
  'a session that is due, signed': [aged('5 days', '-2 days'), ask(ADA)],
  'a session that is due, not remembered': [aged('5 days', '-2 days'), ask(TOKEN.ada, { cookie: UNREMEMBERED })],
  'a session that is due, disableRefresh': [aged('5 days', '-2 days'), GET('/get-session?disableRefresh=1', by(TOKEN.ada))],
  'due, on another route': [aged('5 days', '-2 days'), GET('/list-accounts', by(TOKEN.ada))],
  'an expired session': [aged('-1 minute', '-7 days'), ask(TOKEN.ada), ask(TOKEN.ada)],
  'an expired session of another, with a cookie': [aged('-1 minute', '-7 days'), ask(TOKEN.ada, { cookie: VERA })],
  'a deleted user': [`DELETE FROM "user" WHERE id = '{{ada.id}}'`, ask(TOKEN.ada)],
};

const ODD_ROWS = {
  'a token with a dot, raw': [row('odd.token'), ask('odd.token')],
  'a token with a dot, signed': [row('odd.token'), ask(signed('odd.token'))],
  'a token with a percent sign': [row('odd%41token'), ask('odd%41token')],
  'a token with an equals sign': [row('odd=token'), ask('odd=token')],
  'a token with a space': [row('odd token'), ask('odd token')],
  'a token that is not ASCII': [row('ödd'), ask('ödd')],
};

const CACHE = { session: { cookieCache: { enabled: true } } };
const RENAMED = `UPDATE "user" SET name = 'Augusta'`;

/** The plugin in the databases that its groups share. */
const BEARER = { plugins: 'bearer', options: () => ({ plugins: [bearer()] }) };

export default [
  {
    name: 'bearer',
    columns: BEARER,
    cases: {
      ...named('scheme', each(SCHEMES, (authorization) => GET('/get-session', withAuthorization(authorization)))),
      ...tokens(TOKENS),
      ...named('by token', NEEDY),
      ...named('origin', ORIGINS),
      ...named('set-auth-token', SET),
      'two headers': GET('/get-session', { headers: { authorization: [`Bearer ${TOKEN.ada}`, `Bearer ${TOKEN.vera}`] } }),
      'the other cookies stay': [signIn({ rememberMe: false }), POST('/update-user', { name: 'X' }, by(TOKEN.vera, { jar: true }))],
      'the cookie as well': ask(TOKEN.ada, { by: 'ada' }),
      'another’s cookie: the token counts': POST('/update-user', { name: 'Augusta' }, by(TOKEN.ada, { cookie: VERA })),
      ...oddBodies('/update-user', by(TOKEN.ada)),
      ...oddBodies('/sign-out', by(TOKEN.ada)),
    },
  },
  {
    name: 'bearer, odd tokens in the table',
    columns: BEARER,
    cases: ODD_ROWS,
  },
  {
    name: 'bearer, requireSignature',
    columns: BEARER,
    options: () => ({ plugins: [bearer({ requireSignature: true })] }),
    settings: { bearer_require_signature: 'on' },
    cases: {
      ...tokens(TOKENS),
      'sign-in': signIn(),
      'sign-out, raw': POST('/sign-out', {}, by(TOKEN.ada)),
      'sign-out, signed': POST('/sign-out', {}, by(ADA)),
      'update-user, raw': POST('/update-user', { name: 'Augusta' }, by(TOKEN.ada)),
      'update-user, signed': POST('/update-user', { name: 'Augusta' }, by(ADA)),
    },
  },
  {
    name: 'bearer, with the cookie cache',
    columns: BEARER,
    options: () => CACHE,
    settings: { cookie_cache: 'on' },
    cases: {
      'sign-in': signIn(),
      'get-session': ask(TOKEN.ada),
      'get-session, not cached': GET('/get-session?disableCookieCache=1', by(TOKEN.ada)),
      'a hit': [signIn({}, { as: 'new' }), RENAMED, ask('{{new.token}}', { jar: true })],
      'a hit of another session': [signIn(), RENAMED, ask(TOKEN.vera, { jar: true })],
      'no session_data': [signIn({}, { as: 'new' }), RENAMED, ask('{{new.token}}', { jar: withoutData })],
      'due': [aged('5 days', '-2 days'), ask(TOKEN.ada)],
      'sign-out': [signIn({}, { as: 'new' }), POST('/sign-out', {}, by('{{new.token}}', { jar: true }))],
    },
  },
  {
    name: 'bearer, secure cookies under another name',
    columns: BEARER,
    prefix: '__Secure-myapp',
    options: () => ({ advanced: { useSecureCookies: true, cookiePrefix: 'myapp' } }),
    settings: { use_secure_cookies: 'on', cookie_prefix: 'myapp' },
    cases: {
      'sign-in': signIn(),
      'get-session': ask(TOKEN.ada),
      'get-session, signed': ask(ADA),
      'sign-out': POST('/sign-out', {}, by(TOKEN.ada)),
    },
  },
  {
    name: 'without bearer',
    options: () => ({}),
    cases: {
      'a raw token is nothing': ask(TOKEN.ada),
      'a signed one neither': ask(ADA),
      'nor beside a cookie': ask(TOKEN.ada, { cookie: VERA }),
      'sign-in has no set-auth-token': signIn({}, by(TOKEN.ada)),
    },
  },
];
