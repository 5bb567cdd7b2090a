// How sign-ins begin: where the browser is sent, and what is kept until it comes back.

import { CLIENT } from '../../provider.mjs';
import { POST } from '../../http.mjs';
import { each, named } from '../common.mjs';
import { PROVIDERS, SITES, link, start } from './common.mjs';

const ELSEWHERE = 'https://elsewhere.example';
const BODIES = {
  'as it is': {},
  'no redirect': { disableRedirect: true },
  'redirect said': { disableRedirect: false },
  'scopes': { scopes: ['a', 'b c', ''] },
  'no scopes': { scopes: [] },
  'a scope that is there': { scopes: ['email', 'openid'] },
  'a login hint': { loginHint: 'nora+x@example.org' },
  'an empty login hint': { loginHint: '' },
  'more parameters': { additionalParams: { prompt: 'login', hd: 'example.org', 'a b': 'c&d=é', response_mode: 'query', include_granted_scopes: 'no' } },
  'more data': { additionalData: { plan: 'pro', nested: { a: [1, null, 'é'] } } },
  'all of it': { scopes: ['x'], loginHint: 'y', additionalParams: { z: '1' }, additionalData: { plan: 'pro' }, requestSignUp: true },
};
const OTHER = {
  'only the provider': { callbackURL: undefined, newUserCallbackURL: undefined, errorCallbackURL: undefined },
  'an empty callbackURL': { callbackURL: '' },
  'absolute URLs': { callbackURL: 'http://127.0.0.1:3999/a?b=c#d', errorCallbackURL: 'http://127.0.0.1:3999/e?f=g#h' },
  'a sign-up that is asked for': { requestSignUp: true },
  'a sign-up that isn’t': { requestSignUp: false },
  'data by the names of what is kept': {
    additionalData: {
      callbackURL: '/x', codeVerifier: 'x', errorURL: '/x', newUserURL: '/x', link: { email: 'x', userId: 'y' }, serverContext: { a: 1 },
      expiresAt: 1, requestSignUp: true, idTokenNonce: 'x', oauthState: 'x',
    },
  },
  'data by JavaScript’s names': { additionalData: { constructor: 1, toString: 2 } },
  'empty data': { additionalData: {} },
  'elsewhere': { callbackURL: ELSEWHERE },
  'new users elsewhere': { newUserCallbackURL: ELSEWHERE },
  'errors elsewhere': { errorCallbackURL: ELSEWHERE },
};

/** Configurations of one provider, each with its start. */
const configured = (provider, table) =>
  Object.entries(table).map(([name, options]) => ({
    name: `social, ${provider}: ${name}`,
    providers: { [provider]: { ...PROVIDERS[provider], ...options } },
    cases: { 'sign-in': start(provider), 'with scopes and a hint': start(provider, { scopes: ['x'], loginHint: 'y', additionalParams: { z: '1' } }) },
  }));

export default [
  {
    name: 'social, the beginning',
    providers: PROVIDERS,
    cases: {
      ...Object.assign({}, ...SITES.map((site) => named(site, each(BODIES, (body) => start(site, body))))),
      ...named('google', each(OTHER, (body) => start('google', body))),
      'while signed in': start('google', {}, { by: 'ada' }),
      'without Origin': start('google', {}, { headers: { origin: null } }),
      'two at a time': [start('google'), start('github')],
      'unknown': start('gitlab'),
      ...named('link', each(SITES, (site) => link(site))),
      ...named('link', each(BODIES, (body) => link('google', body))),
      'link without a session': POST('/link-social', { provider: 'google' }),
      'link to an unknown one': link('gitlab'),
    },
  },
  ...configured('google', {
    'accessType and prompt': { accessType: 'offline', prompt: 'select_account consent' },
    'hd and display': { hd: 'example.org', display: 'popup' },
    'scope': { scope: ['calendar', 'email'] },
    'disableDefaultScope': { disableDefaultScope: true },
    'disableDefaultScope and scope': { disableDefaultScope: true, scope: ['calendar'] },
    'includeGrantedScopes off': { includeGrantedScopes: false },
    'redirectURI': { redirectURI: 'https://proxy.example/cb' },
    'several clients': { clientId: [CLIENT.id, 'of-the-app'] },
  }),
  ...configured('github', { 'prompt': { prompt: 'select_account' }, 'scope': { scope: ['repo'] } }),
  ...configured('discord', {
    'permissions, without the bot': { permissions: 8 },
    'permissions': { permissions: 8, scope: ['bot'] },
    'prompt': { prompt: 'consent' },
  }),
  ...configured('microsoft', { 'a tenant': { tenantId: 'contoso' }, 'prompt': { prompt: 'login' }, 'an authority': { authority: 'https://login.microsoftonline.com//' } }),
  ...configured('apple', { 'scope': { scope: ['x'] }, 'disableDefaultScope': { disableDefaultScope: true } }),
  ...configured('example', {
    'no PKCE': { pkce: false },
    'no nonce': { disableIdTokenNonceBinding: true },
    'parameters': { authorizationUrlParams: { z: '0', audience: 'api' } }, // in the order that jsonb has them in
    'prompt, accessType, responseMode': { prompt: 'login', accessType: 'offline', responseMode: 'query' },
    'responseType': { responseType: 'code token' },
    'an address of its own': { authorizationUrl: 'https://id.example/authorize?tenant=a%20b&state=x' },
    'openid among the scopes': { scopes: ['openid', 'email'] },
    'no scopes': { scopes: [] },
  }),
  ...configured('plain', {
    'addresses': { authorizationUrl: 'https://id.example/authorize', tokenUrl: 'https://id.example/token', userInfoUrl: 'https://id.example/userinfo', scopes: ['email'] },
  }),
];
