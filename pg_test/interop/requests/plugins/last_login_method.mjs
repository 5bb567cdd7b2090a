// last-login-method: how the user signed in last, in a cookie and in a column.

import { GET, POST, signJwt } from '../../http.mjs';
import { PASSWORD, VERIFY_ADA, aged, oddFields, withoutData } from '../common.mjs';
import { lastLoginMethod } from 'better-auth/plugins';

const signIn = (fields, options) => POST('/sign-in/email', { email: 'ada@example.com', password: PASSWORD, ...fields }, options);
const signUp = (fields, options) =>
  POST('/sign-up/email', { name: 'Eve', email: 'eve@example.com', password: PASSWORD, ...fields }, options);
const JAR = { jar: true };
const verify = () => GET(`/verify-email?token=${signJwt({ email: 'ada@example.com' })}`);
const METHOD = (value) => `UPDATE "user" SET "lastLoginMethod" = ${value}`;

const CASES = {
  'sign-in': signIn(),
  'sign-in, not remembered': signIn({ rememberMe: false }),
  'sign-in, wrong': signIn({ password: 'wrong password' }),
  'sign-in, unknown': signIn({ email: 'nobody@example.com' }),
  'sign-in with a callbackURL': signIn({ callbackURL: '/app' }),
  'sign-in twice': [signIn(), signIn({}, JAR)],
  'sign-in of another user': [signIn(), signIn({ email: 'vera@example.com' }, JAR)],
  'sign-up': signUp(),
  'sign-up, not remembered': signUp({ rememberMe: false }),
  'sign-up, taken': signUp({ email: 'ada@example.com' }),
  'sign-up, wrong': signUp({ email: 'no address' }),
  'sign-up, then sign-in': [signUp(), signIn({ email: 'eve@example.com' }, JAR), GET('/get-session', JAR)],
  'get-session': GET('/get-session', { by: 'ada' }),
  'get-session, due': [aged('5 days', '-2 days'), GET('/get-session', { by: 'ada' })],
  'get-session of a dead session': [`DELETE FROM session`, GET('/get-session', { by: 'ada' })],
  'sign-out': [signIn(), POST('/sign-out', {}, JAR)],
  'update-user': POST('/update-user', { name: 'Augusta' }, { by: 'ada' }),
  'change-password': POST(
    '/change-password',
    { currentPassword: PASSWORD, newPassword: 'a new password', revokeOtherSessions: true },
    { by: 'ada' },
  ),
  'verify-email': verify(),
  'sign-in/social': POST('/sign-in/social', { provider: 'github' }),
  'callback': GET('/callback/github?code=x&state=y'),
  'callback with an error': GET('/callback/github?error=x'),
  'reset-password': [
    POST('/request-password-reset', { email: 'ada@example.com' }),
    POST('/reset-password', { token: '{{mail.token}}', newPassword: 'a new password' }),
    signIn({ password: 'a new password' }),
  ],
  ...oddFields('/sign-in/email', { email: 'ada@example.com', password: PASSWORD }),
};

const PLAIN = { plugins: 'last-login-method', options: () => ({ plugins: [lastLoginMethod()] }) };
const group = (name, plugin, rest = {}) => ({
  name: `last-login-method${name}`,
  columns: PLAIN,
  ...rest,
  options: () => ({ plugins: [lastLoginMethod(plugin)], ...rest.options?.() }),
});

const STORE = { storeInDatabase: true };
const STORED = { last_login_method_store_in_database: 'on' };
const COLUMNS = { ...PLAIN, options: () => ({ plugins: [lastLoginMethod(STORE)] }), settings: STORED };

export default [
  group(', storeInDatabase', STORE, {
    columns: COLUMNS,
    cases: {
      ...CASES,
      'sign-in, stored before': [METHOD(`'google'`), signIn(), GET('/get-session', JAR)],
      'get-session shows it': [METHOD(`'google'`), GET('/get-session', { by: 'ada' })],
      'update-user: not by the user': POST('/update-user', { lastLoginMethod: 'x' }, { by: 'ada' }),
      'update-user: nor null': POST('/update-user', { lastLoginMethod: null }, { by: 'ada' }),
      'update-user: beside a name': POST('/update-user', { name: 'X', lastLoginMethod: 'x' }, { by: 'ada' }),
      'sign-up: not by the user': signUp({ lastLoginMethod: 'x' }),
      'sign-up: nor null': signUp({ lastLoginMethod: null }),
    },
  }),
  group('', {}, { cases: CASES }),
  group(', cookieName and maxAge', { cookieName: 'how', maxAge: 60 }, {
    settings: { last_login_method_cookie_name: 'how', last_login_method_max_age: 60 },
    cases: { 'sign-in': signIn(), 'sign-up': signUp(), 'sign-in, not remembered': signIn({ rememberMe: false }) },
  }),
  group(', secure cookies', {}, {
    prefix: '__Secure-better-auth',
    options: () => ({ advanced: { useSecureCookies: true } }),
    settings: { use_secure_cookies: 'on' },
    cases: { 'sign-in': signIn() },
  }),
  group(', cookies of the domain', {}, {
    options: () => ({ advanced: { crossSubDomainCookies: { enabled: true, domain: '.example.com' } } }),
    settings: { cross_sub_domain_cookies: 'on', cookie_domain: '.example.com' },
    cases: { 'sign-in': signIn() },
  }),
  group(', requireEmailVerification', {}, {
    options: () => ({
      emailAndPassword: { enabled: true, requireEmailVerification: true },
      emailVerification: { autoSignInAfterVerification: true },
    }),
    settings: { require_email_verification: 'on', auto_sign_in_after_verification: 'on' },
    cases: {
      'sign-up': signUp(),
      'sign-in': signIn(),
      'sign-in, verified': [VERIFY_ADA, signIn()],
      'verify-email': verify(),
    },
  }),
  group(', storeInDatabase and requireEmailVerification', STORE, {
    columns: COLUMNS,
    options: () => ({
      emailAndPassword: { enabled: true, requireEmailVerification: true },
      emailVerification: { autoSignInAfterVerification: true },
    }),
    settings: { require_email_verification: 'on', auto_sign_in_after_verification: 'on' },
    cases: {
      'sign-up': signUp(),
      'sign-in': signIn(),
      'sign-in, verified': [VERIFY_ADA, signIn()],
      'verify-email': verify(),
    },
  }),
  group(', storeInDatabase and the cookie cache', STORE, {
    columns: COLUMNS,
    options: () => ({ session: { cookieCache: { enabled: true } } }),
    settings: { cookie_cache: 'on' },
    cases: {
      'sign-up': [signUp(), GET('/get-session', JAR)],
      'sign-in': [signIn(), GET('/get-session', JAR), GET('/get-session', { jar: withoutData })],
    },
  }),
];
