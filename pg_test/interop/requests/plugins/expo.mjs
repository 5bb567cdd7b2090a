// expo: requests of an app, which has an origin of its own, and redirects into it.

import { GET, POST, TOKEN, cookieOf, signJwt } from '../../http.mjs';
import { BASE_URL } from '../../lib.mjs';
import { PASSWORD, differs, each, named } from '../common.mjs';
import { expo } from '@better-auth/expo';

const signIn = (headers, fields) =>
  POST('/sign-in/email', { email: 'ada@example.com', password: PASSWORD, ...fields }, { headers: { origin: null, ...headers } });
const update = (headers, cookie = cookieOf(TOKEN.ada)) =>
  POST('/update-user', { name: 'Augusta' }, { cookie, headers: { origin: null, ...headers } });
const app = (origin) => ({ 'expo-origin': origin });

const ORIGINS = {
  'none': {},
  'of the app': app('myapp://'),
  'of the app, with a host': app('myapp://home'),
  'of the app, with a path': app('myapp://home/x?y'),
  'of the app, in capitals': app('MyApp://'),
  'of another app': app('other://'),
  'of Expo Go': app('exp://192.168.1.5:8081'),
  'of the site': app(BASE_URL),
  'of another site': app('https://elsewhere.example'),
  'null': app('null'),
  'empty': app(''),
  'a path': app('/x'),
  'no URL': app('myapp'),
  'javascript': app('javascript:alert(1)'),
  'beside a trusted Origin': { origin: BASE_URL, ...app('other://') },
  'beside a foreign Origin': { origin: 'https://elsewhere.example', ...app('myapp://') },
  'beside Origin null': { origin: 'null', ...app('myapp://') },
  'beside an empty Origin': { origin: '', ...app('myapp://') },
  'beside a foreign Referer': { referer: 'https://elsewhere.example/x', ...app('myapp://') },
  'with Sec-Fetch-Site': { 'sec-fetch-site': 'cross-site', ...app('myapp://') },
  'by navigation': { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', ...app('myapp://') },
};

const STATE = 'abcDEF-_0123456789abcDEF01234567';
const GOOGLE = `https://accounts.example.com/o/oauth2/auth?client_id=x&state=${STATE}&scope=a%20b`;
const proxy = (query, options) => GET(`/expo-authorization-proxy${query ? `?${new URLSearchParams(query)}` : ''}`, options);
const authorize = (authorizationURL, rest) => proxy({ authorizationURL, ...rest });

const URLS = {
  'right': GOOGLE,
  'with a port': `https://accounts.example.com:8443/auth?state=${STATE}`,
  'with a user': `https://user:pw@accounts.example.com/auth?state=${STATE}`,
  'two states': `https://accounts.example.com/auth?state=${STATE}&state=x`,
  'a state with escapes': `https://accounts.example.com/auth?x=%20&state=${STATE.replace('_', '%5F')}`,
  'no state': 'https://accounts.example.com/auth',
  'an empty state': 'https://accounts.example.com/auth?state=',
  'a fragment': `${GOOGLE}#x`,
  'an empty fragment': `${GOOGLE}#`,
  'the state in a fragment': `https://accounts.example.com/auth#state=${STATE}`,
  'http': `http://accounts.example.com/auth?state=${STATE}`,
  'an app': `myapp://auth?state=${STATE}`,
  'javascript': `javascript:alert(1)?state=${STATE}`,
  'a path': `/auth?state=${STATE}`,
  'no host': `//accounts.example.com/auth?state=${STATE}`,
  'none': '',
  'a word': 'x',
  'HTTPS in capitals': `HTTPS://accounts.example.com/auth?state=${STATE}`,
  'blob': `blob:https://accounts.example.com/auth?state=${STATE}`,
};

const verify = (callbackURL, options) =>
  GET(`/verify-email?token=${signJwt({ email: 'ada@example.com' })}${callbackURL === undefined ? '' : `&callbackURL=${encodeURIComponent(callbackURL)}`}`, options);

const CALLBACKS = [
  'myapp://', 'myapp://home', 'myapp://home/x', 'myapp://home?x=y', 'myapp://home?cookie=z', 'myapp://home?a=b%20c+d&e=%C3%A9&é=ü', 'myapp://home#x',
  'myapp://home?x=y#z', 'myapp:home', 'myapp:/home', 'myapp:///home', 'MyApp://Home', 'myapp://home/é', 'myapp://home/a b',
  'other://home', 'exp://192.168.1.5:8081', '/x', `${BASE_URL}/x`, 'https://trusted.example/x', 'https://elsewhere.example/x', '',
];

const ADVANCED = {
  trusted: { trustedOrigins: ['myapp://', 'https://trusted.example'] },
  settings: { trusted_origins: 'myapp://, https://trusted.example' },
};
const EXPO = { plugins: 'expo', options: () => ({ plugins: [expo()] }) };
const group = (name, plugin, { options = {}, settings = {}, ...rest }) => ({
  name: `expo${name}`,
  columns: EXPO,
  options: () => ({ plugins: [expo(plugin)], ...ADVANCED.trusted, ...options }),
  settings: { ...ADVANCED.settings, ...settings },
  ...rest,
});
const AUTO = { emailVerification: { autoSignInAfterVerification: true } };

/** A state that nobody's OAuth has made isn't signed here: whatever is signed is a cookie or a token of ours elsewhere. */
const unsigned = (state) =>
  differs(
    'expoState',
    [authorize(`https://accounts.example.com/auth?${new URLSearchParams({ state })}`)],
    [302, 1],
    [400, 0],
    ({ answers }) => [answers[0].status, answers[0].cookies.length],
  );

export default [
  group('', undefined, {
    cases: {
      ...named('update-user, expo-origin', each(ORIGINS, (headers) => update(headers))),
      ...named('update-user without a cookie, expo-origin', each(ORIGINS, (headers) => update(headers, ''))),
      ...named('sign-in, expo-origin', each(ORIGINS, (headers) => signIn(headers))),
      'sign-in with a callbackURL into the app': signIn(app('myapp://'), { callbackURL: 'myapp://home' }),
      'sign-in with a callbackURL into another app': signIn(app('myapp://'), { callbackURL: 'other://home' }),
      'get-session': GET('/get-session', { by: 'ada', headers: { origin: null, ...app('other://') } }),
      ...named('proxy', each(URLS, (url) => authorize(url))),
      'proxy: to the site itself': authorize(`${BASE_URL}/auth?state=${STATE}`),
      'proxy: without a query': proxy(),
      'proxy: authorizationURL twice': GET(`/expo-authorization-proxy?authorizationURL=${encodeURIComponent(GOOGLE)}&authorizationURL=x`),
      'proxy: oauthState': authorize(GOOGLE, { oauthState: 'a value; with=odd é characters' }),
      'proxy: oauthState, and no state': authorize('https://accounts.example.com/auth', { oauthState: 'x' }),
      'proxy: oauthState empty': authorize(GOOGLE, { oauthState: '' }),
      'proxy: oauthState twice': GET(`/expo-authorization-proxy?authorizationURL=${encodeURIComponent(GOOGLE)}&oauthState=a&oauthState=b`),
      'proxy: oauthState, a bad URL': authorize('http://accounts.example.com', { oauthState: 'x' }),
      'proxy: by POST': POST('/expo-authorization-proxy', { authorizationURL: GOOGLE }),
      'proxy: by POST with a query': POST(`/expo-authorization-proxy?authorizationURL=${encodeURIComponent(GOOGLE)}`),
      ...named('verify-email', each(CALLBACKS, (url) => verify(url))),
      'verify-email, a bad token': GET(`/verify-email?token=x&callbackURL=${encodeURIComponent('myapp://home')}`),
      'callback': GET('/callback/github?code=x&state=y'),
    },
  }),
  group(', autoSignInAfterVerification', undefined, {
    options: AUTO,
    settings: { auto_sign_in_after_verification: 'on' },
    cases: {
      ...named('verify-email', each(CALLBACKS, (url) => verify(url))),
      'verify-email, not remembered': verify('myapp://home', { cookie: `better-auth.dont_remember=${encodeURIComponent('x')}` }),
    },
  }),
  group(', autoSignInAfterVerification and the cookie cache', undefined, {
    options: { ...AUTO, session: { cookieCache: { enabled: true } } },
    settings: { auto_sign_in_after_verification: 'on', cookie_cache: 'on' },
    cases: { 'verify-email': verify('myapp://home') },
  }),
  group(', disableOriginOverride', { disableOriginOverride: true }, {
    settings: { expo_disable_origin_override: 'on' },
    cases: {
      ...named('update-user, expo-origin', each(ORIGINS, (headers) => update(headers))),
      ...named('sign-in, expo-origin', each(ORIGINS, (headers) => signIn(headers))),
      'proxy': authorize(GOOGLE),
    },
  }),
  group(', secure cookies', undefined, {
    prefix: '__Secure-better-auth',
    options: { ...AUTO, advanced: { useSecureCookies: true } },
    settings: { auto_sign_in_after_verification: 'on', use_secure_cookies: 'on' },
    cases: {
      'proxy': authorize(GOOGLE),
      'proxy: oauthState': authorize(GOOGLE, { oauthState: 'x' }),
      'verify-email': verify('myapp://home'),
    },
  }),
  group(', patterns of origins', undefined, {
    options: { ...AUTO, trustedOrigins: ['exp://**', 'myapp://home'] },
    settings: { auto_sign_in_after_verification: 'on', trusted_origins: 'exp://**, myapp://home' },
    cases: {
      ...named('update-user, expo-origin', each(ORIGINS, (headers) => update(headers))),
      ...named('verify-email', each(CALLBACKS, (url) => verify(url))),
    },
  }),
  group('', undefined, {
    name: 'expo: what isn’t signed',
    cases: each(
      {
        'a session token': TOKEN.ada,
        'a JWT without its signature': signJwt({ email: 'ada@example.com' }).split('.').slice(0, 2).join('.'),
        'data of a session': JSON.stringify({ session: {}, expiresAt: 1 }),
        'a word': 'true',
        'one letter too few': STATE.slice(1),
        'one letter too many': `${STATE}x`,
        'another letter': STATE.replace('-', '!'),
      },
      unsigned,
    ),
  }),
  {
    name: 'without expo',
    options: () => ADVANCED.trusted,
    settings: ADVANCED.settings,
    cases: {
      'expo-origin is nothing': update(app('myapp://')),
      'no proxy': authorize(GOOGLE),
      'no cookie in the URL': verify('myapp://home'),
    },
  },
];
