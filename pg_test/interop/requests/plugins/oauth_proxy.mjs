// The plugin oauth-proxy: a server that no provider knows signs in by way of one that they know. Both are one here, at two
// addresses: what they tell one another goes through the browser, and is shown decrypted.

import { oAuthProxy } from 'better-auth/plugins';
import { BASE_URL } from '../../lib.mjs';
import { GET, POST, SHARED_SECRET, purposeSecret, seal } from '../../http.mjs';
import { DISCOVERY, agrees, has, keptState, sentOn, tells } from '../../social.mjs';
import { each, named } from '../common.mjs';
import { PROVIDERS, SITES, VERA, anotherBrowser, back, people, posted } from '../social/common.mjs';

const PREVIEW = 'http://preview.example';
const columns = { plugins: 'oauth-proxy', options: () => ({}), sql: '' };
const set = (options) => ({
  ...(options.currentURL && { oauth_proxy_current_url: options.currentURL }),
  ...(options.productionURL && { oauth_proxy_production_url: options.productionURL }),
  ...(options.maxAge !== undefined && { oauth_proxy_max_age: options.maxAge }),
});
const group = (name, options, cases, { providers = PROVIDERS, more = {}, settings = {}, secret, ...rest } = {}) => ({
  name: `oauth-proxy${name}`,
  columns,
  providers,
  options: () => ({ ...more, plugins: [oAuthProxy({ ...options, ...(secret && { secret }) })] }),
  settings: { ...set(options), ...settings },
  sql: secret ? `SELECT better_auth.set_secret('oauth_proxy', '${secret}')` : `DELETE FROM better_auth.signing_secret WHERE name = 'oauth_proxy'`,
  cases,
  ...rest,
});

// The page goes where the body says: a Location has the state without what it takes along, in Better Auth too.
const URLS = { callbackURL: '/welcome', newUserCallbackURL: '/hello', errorCallbackURL: '/oops', disableRedirect: true };
const start = (provider, body, options) => POST('/sign-in/social', { provider, ...URLS, ...body }, options);
const link = (provider, body, options) => POST('/link-social', { provider, callbackURL: '/linked', errorCallbackURL: '/oops', disableRedirect: true, ...body }, { by: 'vera', ...options });
const there = (provider, query, options) => (provider === 'apple' && !query ? posted('apple') : back(provider, query, options));
const home = (options) => [sentOn, { method: 'GET', url: '{{location}}', ...options }];
const begin = (provider, body, options) => [start(provider, body, options), agrees()];
const signIn = (provider, body, options) => [begin(provider, body, options), there(provider), home()];
const linked = (provider, body, options) => [link(provider, body, options), agrees(), there(provider), home()];

const QUERIES = {
  'no code': 'state={{state}}',
  'an empty code': 'code=&state={{state}}',
  'another code': 'code=x&state={{state}}',
  'an error': 'error=access_denied&state={{state}}',
  'an error with its description': 'error=a%20b&error_description=No&code={{code}}&state={{state}}',
  'the code twice': 'code={{code}}&code=x&state={{state}}',
  'another issuer': 'code={{code}}&state={{state}}&iss=https%3A%2F%2Felsewhere.example',
  'another state': `code={{code}}&state=${'0a'.repeat(200)}`,
  'another state of 32': `code={{code}}&state=${'x'.repeat(32)}`,
  'no state': 'code={{code}}',
};

/** The package that a provider brings becomes another one, `{{state}}`, of what is kept of the sign-in. */
const packed = (change, more = {}) => async ({ side: { database }, client }) => {
  const [{ value }] = await database.sql(`SELECT value FROM verification WHERE identifier LIKE 'auth-state:%'`);
  const kept = JSON.parse(value);
  const stateCookie = seal(JSON.stringify(change(kept)), purposeSecret('oauth-proxy-state'));
  const whole = { state: kept.oauthState, stateCookie, isOAuthProxy: true, ...more };
  client.known.state = seal(JSON.stringify(whole), purposeSecret('oauth-proxy-package'));
};

/** What the other server has told becomes something else, `{{profile}}`, of the state that was begun last. */
const told = (change = {}, secret = undefined) => async ({ side: { database }, client }) => {
  const [row] = await database.sql(`SELECT identifier FROM verification WHERE identifier LIKE 'auth-state:%'`);
  const whole = {
    userInfo: { id: '77', email: 'Nora@Example.org', name: 'Nora', emailVerified: true },
    profile: {},
    scopes: ['a', 'b'],
    account: { providerId: 'google', accountId: '77', accessToken: 'access', scope: 'a,b' },
    state: row?.identifier.slice('auth-state:'.length) ?? 'x',
    callbackURL: '/welcome',
    newUserURL: '/hello',
    errorURL: '/oops',
    timestamp: Date.now(),
  };
  const text = typeof change === 'function' ? change(whole) : { ...whole, ...change };
  client.known.profile = seal(typeof text === 'string' ? text : JSON.stringify(text), purposeSecret('oauth-proxy-profile', secret));
};
const brought = (provider = 'google', options) => GET(`/callback/${provider}/oauth-proxy?callbackURL=%2Fwelcome&profile={{profile}}`, options);
const deprecated = GET('/oauth-proxy-callback?callbackURL=%2Fwelcome&profile={{profile}}');

const CHANGES = {
  'nothing': {},
  'no errorURL': { errorURL: undefined },
  'an empty errorURL': { errorURL: '', timestamp: 5 },
  'no newUserURL': { newUserURL: undefined },
  'an empty newUserURL': { newUserURL: '' },
  'no scopes': { scopes: undefined },
  'no profile': { profile: undefined },
  'a profile that is none': { profile: 'x' },
  'scopes that are none': { scopes: 'a' },
  'no user': { userInfo: undefined },
  'a user without an email': { userInfo: { id: '1', name: 'x', emailVerified: true } },
  'a user without a name': { userInfo: { id: '1', email: 'x@example.org' } },
  'a user who isn’t verified': { userInfo: { id: '1', email: 'x@example.org', name: 'x' } },
  'a user verified as a text': { userInfo: { id: '1', email: 'x@example.org', name: 'x', emailVerified: 'true' } },
  'a picture that is none': { userInfo: { id: '1', email: 'x@example.org', name: 'x', image: 5 } },
  'an account without an id': { account: { providerId: 'google' } },
  'an account of another provider': { account: { providerId: 'github', accountId: '1' } },
  'an account of an unknown provider': { account: { providerId: 'unknown', accountId: '1' } },
  'tokens that end': { account: { providerId: 'google', accountId: '1', accessTokenExpiresAt: new Date(Date.now() + 3_600_000), refreshTokenExpiresAt: null } },
  'tokens that end as a text': { account: { providerId: 'google', accountId: '1', accessTokenExpiresAt: 'tomorrow' } },
  'a token that is a number': { account: { providerId: 'google', accountId: '1', accessToken: 5 } },
  'another state': { state: 'x'.repeat(32) },
  'an empty state': { state: '' },
  'no callbackURL': { callbackURL: undefined },
  'a callbackURL elsewhere': { callbackURL: 'https://elsewhere.example/x' },
  'no timestamp': { timestamp: undefined },
  'a timestamp that is a text': { timestamp: '5' },
  'disableSignUp': { disableSignUp: true },
  'disableSignUp as a text': { disableSignUp: 'true' },
};
const AGES = { 'of a minute ago': -61_000, 'of half a minute ago': -30_000, 'of soon': 5_000, 'of a quarter of a minute ahead': 15_000 };

export default [
  group('', { currentURL: PREVIEW, productionURL: BASE_URL }, {
    ...Object.assign({}, ...SITES.map((site) => ({ [`${site}: sign-in`]: [signIn(site), GET('/list-accounts', { jar: true })], [`${site}: link`]: [has(VERA), linked(site)], [`${site}: link, of another email`]: linked(site) }))),
    ...named('google', people(signIn('google'))),
    ...named('example', people(signIn('example'))),
    'twice': [signIn('google'), signIn('google')],
    'with a redirect': [start('google', { disableRedirect: undefined })],
    'with a redirect, which the browser takes': [start('google', { disableRedirect: undefined }), agrees(), back('google')],
    'without URLs': [POST('/sign-in/social', { provider: 'google', disableRedirect: true }), agrees(), back('google'), home()],
    'an absolute callbackURL': [begin('google', { callbackURL: `${BASE_URL}/a?b=c&d=é#f` }), back('google'), home()],
    'a callbackURL elsewhere': start('google', { callbackURL: 'https://elsewhere.example' }),
    'an unknown provider': start('unknown'),
    'no provider': start(undefined),
    'a provider that is none': start(5),
    'no body': POST('/sign-in/social'),
    'an id token': start('google', { idToken: { token: 'x' } }),
    'link by nobody': link('google', {}, { by: undefined }),
    'a sign-up that isn’t wished': [begin('google', { requestSignUp: false }), back('google'), home()],
    'skipped': [start('google', {}, { headers: { 'x-skip-oauth-proxy': 'true' } }), agrees(), back('google')],
    'skipped by nothing': start('google', {}, { headers: { 'x-skip-oauth-proxy': '' } }),
    ...named('what comes back', each(QUERIES, (query) => [begin('google'), there('google', query)])),
    'an error of a form': [begin('apple'), posted('apple', ({ state }) => ({ state, error: 'user_cancelled_authorize' }))],
    'of another provider': [begin('google'), back('github')],
    'of an unknown provider': [begin('google'), back('gitlab')],
    'home twice': [begin('google'), back('google'), home(), { method: 'GET', url: '{{location}}' }],
    'home in another browser': [begin('google'), anotherBrowser, back('google'), home({ jar: true })],
    'there twice': [begin('google'), back('google'), back('google')],
    'the state is gone': [begin('google'), back('google'), 'DELETE FROM verification', home()],
    'the state is past': [begin('google'), back('google'), `UPDATE verification SET "expiresAt" = now() - interval '1 second'`, home()],
    'the state is past by its value': [begin('google'), back('google'), keptState({ expiresAt: 1_700_000_000_000 }), home()],
    'the state is of another by its value': [begin('google'), back('google'), keptState({ oauthState: 'x' }), home()],
    'the state is none': [begin('google'), back('google'), keptState(() => ({})), home()],
    'at a provider oddly written': [begin('google'), back('goo%67le')],
    'the package is of another state': [start('google'), packed((kept) => ({ ...kept, oauthState: 'x' })), back('google', 'code=x&state={{state}}')],
    'the package is of a state without a name': [start('google'), packed(({ oauthState, ...kept }) => kept), back('google', 'error=x&state={{state}}')],
    'the package has no errorURL': [start('google'), packed(({ errorURL, ...kept }) => kept), back('google', 'error=x&state={{state}}')],
    'the package has no state': [start('google'), packed((kept) => kept, { state: undefined }), back('google', 'error=x&state={{state}}')],
    'the package is of something else': [start('google'), packed((kept) => kept, { isOAuthProxy: false }), back('google', 'error=x&state={{state}}')],
    'the package has another content': [start('google'), packed((kept) => kept, { stateCookie: '00'.repeat(90) }), back('google', 'error=x&state={{state}}')],
    'the provider has no tokens': [begin('google'), tells('token', { status: 400, body: { error: 'x' } }), back('google')],
    'link, signed out meanwhile': [has(VERA), link('google'), agrees(), back('google'), sentOn, POST('/sign-out', {}, { by: 'vera' }), { method: 'GET', url: '{{location}}' }],
  }),
  group(', what is told', { currentURL: PREVIEW, productionURL: BASE_URL }, {
    ...named('is', each(CHANGES, (change) => [start('google'), told(change), brought()])),
    ...named('is, at the old address', each(CHANGES, (change) => [start('google'), told(change), deprecated])),
    ...named('is', each(AGES, (age) => [start('google'), told((whole) => ({ ...whole, timestamp: Date.now() + age })), brought()])),
    'is no JSON': [start('google'), told(() => '{'), brought()],
    'is no object': [start('google'), told(() => '[]'), brought()],
    'is under another secret': [start('google'), told({}, SHARED_SECRET), brought()],
    'is of another purpose': [start('google'), ({ client }) => { client.known.profile = seal('{}', purposeSecret('oauth-proxy-state')); }, brought()],
    'is nothing': GET('/callback/google/oauth-proxy?callbackURL=%2Fwelcome'),
    'is empty': GET('/callback/google/oauth-proxy?callbackURL=%2Fwelcome&profile='),
    'is twice': GET('/callback/google/oauth-proxy?callbackURL=%2Fwelcome&profile=a&profile=b'),
    'is no hex': GET('/callback/google/oauth-proxy?callbackURL=%2Fwelcome&profile=xyz'),
    'without a callbackURL': [GET('/callback/google/oauth-proxy?profile=x'), GET('/oauth-proxy-callback?profile=x'), GET('/oauth-proxy-callback')],
    'with a callbackURL elsewhere': [GET('/callback/google/oauth-proxy?callbackURL=https://elsewhere.example&profile=x'), GET('/oauth-proxy-callback?callbackURL=https://elsewhere.example&profile=x')],
    'with an empty callbackURL': [start('google'), told(), GET('/callback/google/oauth-proxy?callbackURL=&profile={{profile}}')],
    'at another provider': [start('google'), told(), brought('github')],
    'at another provider, to the error page': [start('google'), told({ errorURL: undefined }), brought('github')],
    'at a provider oddly written': [start('google'), told(), brought('goo%67le')],
    'twice': [start('google'), told(), brought(), brought()],
    'by POST': POST('/callback/google/oauth-proxy?callbackURL=%2Fwelcome&profile=x', {}),
    'deeper': GET('/callback/google/x/oauth-proxy?callbackURL=%2Fwelcome'),
    'for a link': [link('google'), told({ userInfo: { id: '77', email: 'vera@example.com', name: 'Vera', emailVerified: true } }), brought()],
    'for a link, without scopes': [link('google'), told({ scopes: undefined, userInfo: { id: '77', email: 'vera@example.com', name: 'Vera', emailVerified: true } }), brought()],
    'for a link, to Ada’s email': [link('google'), told(), brought()],
  }),
  group(', of a secret of their own', { currentURL: PREVIEW, productionURL: BASE_URL }, {
    'google': signIn('google'),
    'link': [has(VERA), linked('google')],
    'under the other one': [start('google'), told(), brought()],
    'under this one': [start('google'), told({}, SHARED_SECRET), brought()],
  }, { secret: SHARED_SECRET }),
  group(', maxAge', { currentURL: PREVIEW, productionURL: BASE_URL, maxAge: 3600 }, {
    ...named('', each({ 'of half an hour ago': -1_800_000, 'of two hours ago': -7_200_000 }, (age) => [start('google'), told((whole) => ({ ...whole, timestamp: Date.now() + age })), brought()])),
  }),
  group(', of options of the provider', { currentURL: PREVIEW, productionURL: BASE_URL }, {
    ...named('', each(['google', 'github', 'discord', 'example'], (site) => [signIn(site), signIn(site, { requestSignUp: true })])),
    'Vera': [has(VERA), signIn('google')],
    'unverified': [has({ email_verified: false }), signIn('example')],
  }, { providers: { google: { disableImplicitSignUp: true }, github: { disableSignUp: true }, discord: { disableImplicitSignUp: true, disableSignUp: false }, example: { discoveryUrl: DISCOVERY, scopes: ['email'], requireEmailVerification: true } } }),
  group(', by where a request is made', { productionURL: BASE_URL }, {
    'here': start('google'),
    'at an origin that is trusted': [{ ...start('google'), url: `${PREVIEW}/api/auth/sign-in/social` }, agrees(), back('google'), home()],
    'at one that isn’t': { ...start('google'), url: 'http://elsewhere.example/api/auth/sign-in/social' },
  }, { more: { trustedOrigins: [PREVIEW] }, settings: { trusted_origins: PREVIEW } }),
  group(', of a production elsewhere', { productionURL: 'https://production.example/' }, {
    'start': [start('google'), link('google', {}, {})],
    'start at an origin that is trusted': { ...start('google'), url: `${PREVIEW}/api/auth/sign-in/social` },
    'back here': [begin('google'), back('google')],
    'an id token': start('google', { idToken: { token: 'x' } }),
  }, { more: { trustedOrigins: [PREVIEW] }, settings: { trusted_origins: PREVIEW } }),
  group(', without options', {}, {
    'google': [start('google', { disableRedirect: undefined }), agrees(), back('google')],
    'at another origin': [{ ...start('google'), url: 'http://elsewhere.example/api/auth/sign-in/social' }, agrees(), back('google'), home()],
    'at another origin, and the browser takes the redirect': [{ ...start('google', { disableRedirect: undefined }), url: 'http://elsewhere.example/api/auth/sign-in/social' }, agrees(), back('google')],
  }),
];
