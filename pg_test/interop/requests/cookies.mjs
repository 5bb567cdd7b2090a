// Names and attributes of the cookies, and session_data.

import { GET, POST, changeCompact, changeJwt } from '../http.mjs';
import { signCookie } from '../lib.mjs';
import { PASSWORD, aged, answersAs, differs, each, named, uncached, withoutData } from './common.mjs';
import { NEEDY } from './sessions.mjs';

const signIn = (fields, options) => POST('/sign-in/email', { email: 'ada@example.com', password: PASSWORD, ...fields }, options);
const signUp = (fields, options) =>
  POST('/sign-up/email', { name: 'Eve', email: 'eve@example.com', password: PASSWORD, ...fields }, options);
const UNREMEMBERED = { rememberMe: false };
const DUE = aged('5 days', '-2 days');

// The life of cookies under each configuration of them.
const life = (secure = '') => ({
  'sign-in': signIn(),
  'sign-in, not remembered': signIn(UNREMEMBERED),
  'get-session': [signIn(), GET('/get-session', { jar: true })],
  'get-session, not remembered': [signIn(UNREMEMBERED), GET('/get-session', { jar: true })],
  'refresh': [DUE, GET('/get-session', { by: 'ada' })],
  'sign-out': [signIn(), POST('/sign-out', {}, { jar: true })],
  'a dead session': [`DELETE FROM session`, GET('/get-session', { by: 'ada' })],
  'update-user': [signIn(UNREMEMBERED), POST('/update-user', { name: 'Augusta' }, { jar: true })],
  'the plain name': GET('/get-session', { cookie: 'better-auth.session_token={{sign:ada.token}}' }),
  'the secure name': GET('/get-session', { cookie: '__Secure-better-auth.session_token={{sign:ada.token}}' }),
  'another secret’s': GET('/get-session', { cookie: `${secure}better-auth.session_token={{ada.token}}.${'A'.repeat(43)}%3D` }),
});

/** The cookie of the host alone is taken back with the domain's, if the browser sent one of the name. */
const withBothForms = ({ 'sign-out': signOut, 'a dead session': dead, ...rest }) => ({
  ...rest,
  ...each({ 'sign-out': signOut, 'a dead session': dead }, (steps) =>
    differs(
      'bothForms',
      steps,
      [['session_token', 'session_data', 'dont_remember'], true],
      [['session_token', 'session_token', 'session_data', 'dont_remember'], true],
      ({ answers }) => {
        const { cookies } = answers.at(-1);
        const ofHost = cookies.filter((cookie) => !/; Domain=/i.test(cookie));
        return [cookies.map((cookie) => /\.(\w+)=/.exec(cookie)[1]), ofHost.every((cookie) => /\.session_token=; Max-Age=0;/.test(cookie))];
      },
    ),
  ),
});

const CACHE = { cookieCache: { enabled: true } };
const GET_SESSION = GET('/get-session', { jar: true });
const RENAMED = `UPDATE "user" SET name = 'Augusta'`;
const DATA = 'better-auth.session_data';
const withCached = (change) => [signIn(), RENAMED, GET('/get-session', { jar: (jar) => ({ ...jar, [DATA]: change(jar[DATA]) }) })];
const withSession = (changed, change) => withCached((value) => changed(value, (data) => ({ ...data, session: change(data.session) })));
// What Better Auth does by a cached session, and ours doesn't.
const CACHED = ['GET /list-sessions', 'POST /unlink-account', 'POST /update-session', 'POST /update-user'];
const HOUR = 3_600_000;
const CHUNKS = ['session_data.0', 'session_data.1', 'session_data.2'];

// What becomes of session_data under each strategy; `changed` signs another content.
const cache = (changed, tamper) => ({
  'sign-up': signUp(),
  'sign-in': signIn(),
  'sign-in, not remembered': signIn(UNREMEMBERED),
  'sign-in of a user with an image': signIn({ email: 'vera@example.com' }),
  'get-session without session_data': GET('/get-session', { by: 'ada' }),
  'get-session without a cookie': GET('/get-session'),
  'get-session with session_data only': [signIn(), GET('/get-session', { jar: (jar) => ({ [DATA]: jar[DATA] }) })],
  'a hit': [signIn(), RENAMED, GET_SESSION],
  'a hit, not remembered': [signIn(UNREMEMBERED), RENAMED, GET_SESSION],
  'a hit of a revoked session': [signIn(), `DELETE FROM session`, GET_SESSION],
  'a hit of a deleted user': [signIn(), `DELETE FROM "user"`, GET_SESSION],
  'a hit of a session that is due': [signIn(), `UPDATE session SET "expiresAt" = now() + interval '1 hour'`, GET_SESSION],
  'a hit of a session that is expired by now': [signIn(), `UPDATE session SET "expiresAt" = now() - interval '1 hour'`, GET_SESSION],
  'disableCookieCache': [signIn(), RENAMED, GET('/get-session?disableCookieCache=true', { jar: true })],
  'disableCookieCache=false is true': [signIn(), RENAMED, GET('/get-session?disableCookieCache=false', { jar: true })],
  'disableCookieCache empty': [signIn(), RENAMED, GET('/get-session?disableCookieCache=', { jar: true })],
  'disableCookieCache of a revoked session': [signIn(), `DELETE FROM session`, GET('/get-session?disableCookieCache=1', { jar: true })],
  'disableRefresh with a hit': [signIn(), RENAMED, GET('/get-session?disableRefresh=1', { jar: true })],
  'disableRefresh without session_data': GET('/get-session?disableRefresh=1', { by: 'ada' }),
  'due without session_data': [DUE, GET('/get-session', { by: 'ada' })],
  'due, not remembered, without session_data': [
    signIn(UNREMEMBERED),
    `UPDATE session SET "expiresAt" = now() + interval '1 hour'`,
    GET('/get-session', { jar: withoutData }),
  ],
  'not remembered, without session_data': [signIn(UNREMEMBERED), GET('/get-session', { jar: withoutData })],
  ...named(
    'session_data',
    each(
      {
        'garbage': () => 'garbage',
        'empty': () => '',
        'tampered': tamper,
        'half of it': (value) => value.slice(0, value.length / 2),
        'quoted': (value) => `"${value}"`,
        'padded': (value) => `${value}==`,
        'of another secret': (value) => changed(value, (data) => data, 'another secret of the same length, nearly'),
        'signed again as it was': (value) => changed(value, (data) => data),
      },
      withCached,
    ),
  ),
  ...named(
    'session_data',
    each(
      {
        'of another version': (session) => ({ ...session, version: '2' }),
        'without a version': ({ version, ...session }) => session,
        'with a version that is no text': (session) => ({ ...session, version: 1 }),
        'with an empty version': (session) => ({ ...session, version: '' }),
        'without a user': ({ user, ...session }) => session,
        'without a session': ({ session, ...rest }) => rest,
        'without updatedAt': ({ updatedAt, ...session }) => session,
        'with an updatedAt of long ago': (session) => ({ ...session, updatedAt: 1 }),
        'with a user without an email': (session) => ({ ...session, user: { ...session.user, email: undefined } }),
        'with a user whose email is none': (session) => ({ ...session, user: { ...session.user, email: 'none' } }),
        'with a user whose name is null': (session) => ({ ...session, user: { ...session.user, name: null } }),
        'with a user whose date is none': (session) => ({ ...session, user: { ...session.user, createdAt: 'yesterday' } }),
        'with another user': (session) => ({ ...session, user: { ...session.user, name: 'Mallory', role: 'admin' } }),
        'with more in the session': (session) => ({ ...session, session: { ...session.session, extra: 1 }, more: 2 }),
        'with another session’s token': (session) => ({ ...session, session: { ...session.session, token: 'other' } }),
        'with an expired session': (session) => ({
          ...session,
          session: { ...session.session, expiresAt: new Date(Date.now() - HOUR).toISOString() },
        }),
        'with a session whose end is none': (session) => ({ ...session, session: { ...session.session, expiresAt: 'never' } }),
        'with dates as numbers': (session) => ({ ...session, session: { ...session.session, createdAt: 0, updatedAt: 1 } }),
        'with other dates': (session) => ({
          ...session,
          user: { ...session.user, createdAt: '2020-01-02', updatedAt: '2020-01-02T03:04:05+01:00' },
        }),
      },
      (change) => withSession(changed, change),
    ),
  ),
  'session_data: with a user whose image is missing': answersAs(
    'cacheForm',
    ...[undefined, null].map((image) => withSession(changed, (session) => ({ ...session, user: { ...session.user, image } }))),
  ),
  'another user’s session_data': [
    signIn(),
    GET('/get-session', { jar: (jar, known) => ({ ...jar, 'better-auth.session_token': signedOf(known, 'vera.token') }) }),
  ],
  'in two chunks': [signIn(), RENAMED, GET('/get-session', { jar: chunked })],
  'in two chunks, the last one first': [signIn(), RENAMED, GET('/get-session', { jar: (jar) => reversed(chunked(jar)) })],
  'in two chunks, one missing': [signIn(), RENAMED, GET('/get-session', { jar: (jar) => dropped(chunked(jar), `${DATA}.0`) })],
  'whole, and chunks beside it': [signIn(), RENAMED, GET('/get-session', { jar: (jar) => ({ ...chunked(jar), [DATA]: jar[DATA] }) })],
  'an image so long that it comes in chunks': [
    signUp({ image: `https://example.com/${'i'.repeat(6000)}` }),
    RENAMED,
    GET_SESSION,
    GET('/get-session?disableCookieCache=1', { jar: true }),
  ],
  ...named(
    'an image of',
    each([2000, 2300, 2500, 2520, 2540, 2560, 2580, 2600, 3000], (length) => signUp({ image: 'i'.repeat(length) })),
  ),
  'a name that is not ASCII': [signUp({ name: 'Ève \u{1F469} \u2028"' }), RENAMED, GET_SESSION],
  'chunks that are not needed any more': uncached([signUp({ image: 'i'.repeat(6000) })], POST('/update-user', { image: null }, { jar: true })),
  'more than a hundred chunks': differs('bounds', [signUp({ image: 'i'.repeat(400_000) })], [200, undefined], [400, 'VALIDATION_ERROR']),
  ...named(
    'by a revoked session',
    Object.fromEntries(
      Object.entries(NEEDY).map(([name, route]) => {
        const [before, step] = [[signIn(), `DELETE FROM session`], { ...route, jar: true }];
        return [name, CACHED.includes(name) ? uncached(before, step) : [...before, step]];
      }),
    ),
  ),
  'update-user': uncached([signIn()], POST('/update-user', { name: 'Augusta' }, { jar: true }), GET_SESSION),
  'update-user, not remembered': uncached([signIn(UNREMEMBERED)], POST('/update-user', { name: 'Augusta' }, { jar: true })),
  'update-session': uncached([signIn()], POST('/update-session', { x: 1 }, { jar: true })),
  'change-password': [
    signIn(),
    POST('/change-password', { currentPassword: PASSWORD, newPassword: 'a new password', revokeOtherSessions: true }, { jar: true }),
    GET_SESSION,
  ],
  'verify-password': [signIn(), POST('/verify-password', { password: PASSWORD }, { jar: true })],
  'send-verification-email': [signIn(), POST('/send-verification-email', { email: 'ada@example.com' }, { jar: true })],
  'sign-out': [signIn(), POST('/sign-out', {}, { jar: true })],
  'sign-out with chunks': [signUp({ image: 'i'.repeat(6000) }), POST('/sign-out', {}, { jar: true })],
  'revoke-session of one’s own': [signIn({}, { as: 'new' }), POST('/revoke-session', { token: '{{new.token}}' }, { jar: true })],
});

const signedOf = (known, name) => signCookie(known[name]);
const chunked = ({ [DATA]: value, ...jar }) => ({ ...jar, [`${DATA}.0`]: value.slice(0, 100), [`${DATA}.1`]: value.slice(100) });
const reversed = (jar) => Object.fromEntries(Object.entries(jar).reverse());
const dropped = ({ [DATA]: _, ...jar }, name) => Object.fromEntries(Object.entries(jar).filter(([one]) => one !== name));

export default [
  {
    name: 'useSecureCookies',
    options: () => ({ advanced: { useSecureCookies: true } }),
    settings: { use_secure_cookies: 'on' },
    prefix: '__Secure-better-auth',
    cases: life('__Secure-'),
  },
  {
    name: 'an https baseURL',
    options: () => ({ baseURL: 'https://auth.example.com', trustedOrigins: ['http://127.0.0.1:3999'] }),
    settings: { base_url: 'https://auth.example.com', trusted_origins: 'http://127.0.0.1:3999' },
    prefix: '__Secure-better-auth',
    cases: life('__Secure-'),
  },
  {
    name: 'an https baseURL without secure cookies',
    options: () => ({
      baseURL: 'https://auth.example.com',
      trustedOrigins: ['http://127.0.0.1:3999'],
      advanced: { useSecureCookies: false },
    }),
    settings: { base_url: 'https://auth.example.com', trusted_origins: 'http://127.0.0.1:3999', use_secure_cookies: 'off' },
    cases: { 'sign-in': signIn(), 'get-session': GET('/get-session', { by: 'ada' }) },
  },
  {
    name: 'cookiePrefix',
    options: () => ({ advanced: { cookiePrefix: 'my-app' } }),
    settings: { cookie_prefix: 'my-app' },
    prefix: 'my-app',
    cases: life(),
  },
  {
    name: 'crossSubDomainCookies',
    options: () => ({ advanced: { crossSubDomainCookies: { enabled: true } } }),
    settings: { cross_sub_domain_cookies: 'on' },
    cases: withBothForms(life()),
  },
  {
    name: 'crossSubDomainCookies of a domain',
    options: () => ({ advanced: { crossSubDomainCookies: { enabled: true, domain: '.example.com' } } }),
    settings: { cross_sub_domain_cookies: 'on', cookie_domain: '.example.com' },
    cases: withBothForms(life()),
  },
  {
    name: 'a domain without crossSubDomainCookies',
    options: () => ({ advanced: { crossSubDomainCookies: { enabled: false, domain: '.example.com' } } }),
    settings: { cookie_domain: '.example.com' },
    cases: { 'sign-in': signIn() },
  },
  ...['strict', 'lax', 'none'].map((sameSite) => ({
    name: `sameSite ${sameSite}`,
    options: () => ({ advanced: { defaultCookieAttributes: { sameSite } } }),
    settings: { cookie_same_site: sameSite },
    cases: { 'sign-in': signIn(UNREMEMBERED), 'sign-out': POST('/sign-out', {}, { by: 'ada' }) },
  })),
  {
    name: 'cookieCache, compact',
    options: () => ({ session: CACHE }),
    settings: { cookie_cache: 'on' },
    cases: {
      ...cache(changeCompact, (value) => changeCompact(value, (data) => data).replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))),
      'something after session_data': answersAs(
        'cacheForm',
        withCached((value) => `${value}x`),
        withCached(() => 'garbage'),
      ),
    },
  },
  {
    name: 'cookieCache, jwt',
    options: () => ({ session: { cookieCache: { enabled: true, strategy: 'jwt' } } }),
    settings: { cookie_cache: 'on', cookie_cache_strategy: 'jwt' },
    cases: {
      ...cache(
        (value, change, secret) => changeJwt(value, (claims) => asJwt(change, claims), secret),
        (value) => value.replace(/.$/, (last) => (last === 'A' ? 'E' : 'A')),
      ),
      'something after a JWT': withCached((value) => `${value}x`),
      'an expired JWT': withCached((value) => changeJwt(value, (claims) => ({ ...claims, exp: claims.iat - 1 }))),
      'a JWT without exp': answersAs(
        'cacheForm',
        withCached((value) => changeJwt(value, ({ exp, ...claims }) => claims)),
        withCached(() => 'garbage'),
      ),
      'a JWT of the future': withCached((value) => changeJwt(value, (claims) => ({ ...claims, nbf: claims.iat + 600 }))),
    },
  },
  {
    name: 'cookieCache of a minute and another version',
    options: () => ({ session: { cookieCache: { enabled: true, maxAge: 60, version: '2' } } }),
    settings: { cookie_cache: 'on', cookie_cache_max_age: 60, cookie_cache_version: '2' },
    cases: {
      'sign-in': signIn(),
      'a hit': [signIn(), RENAMED, GET_SESSION],
      'the version before': withSession(changeCompact, (session) => ({ ...session, version: '1' })),
      'no version': withSession(changeCompact, ({ version, ...session }) => session),
    },
  },
  {
    name: 'cookieCache that is over',
    options: () => ({ session: CACHE }),
    settings: { cookie_cache: 'on' },
    cases: {
      'expired': withCached((value) => changeCompact(value, (data) => ({ ...data, expiresAt: Date.now() - 1000 }))),
      'long from now': withCached((value) => changeCompact(value, (data) => ({ ...data, expiresAt: Date.now() + 1e12 }))),
      'no number': withCached((value) => changeCompact(value, (data) => ({ ...data, expiresAt: 'x' }))),
    },
  },
  {
    name: 'cookieCache with secure cookies',
    options: () => ({
      session: CACHE,
      advanced: { useSecureCookies: true, crossSubDomainCookies: { enabled: true, domain: 'example.com' } },
    }),
    settings: { cookie_cache: 'on', use_secure_cookies: 'on', cross_sub_domain_cookies: 'on', cookie_domain: 'example.com' },
    prefix: '__Secure-better-auth',
    cases: {
      'sign-in': signIn(),
      'in chunks': signUp({ image: 'i'.repeat(6000) }),
      'a hit': [signIn(), RENAMED, GET_SESSION],
    },
  },
  {
    name: 'cookieCache with deferSessionRefresh',
    options: () => ({ session: { ...CACHE, deferSessionRefresh: true } }),
    settings: { cookie_cache: 'on', defer_session_refresh: 'on' },
    cases: {
      'due': [DUE, GET('/get-session', { by: 'ada' })],
      'due, by POST': [DUE, POST('/get-session', undefined, { by: 'ada' })],
      'a hit, by POST': [signIn(), RENAMED, POST('/get-session', undefined, { jar: true })],
    },
  },
];

// A JWT's claims are what a compact cookie has as `session`, with its own times.
function asJwt(change, { iat, exp, ...session }) {
  return { ...change({ session, expiresAt: exp * 1000 }).session, iat, exp };
}
