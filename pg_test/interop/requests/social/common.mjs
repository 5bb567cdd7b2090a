// What the groups of social sign-in share: the ways of a browser, and people.

import { GET, POST } from '../../http.mjs';
import { DISCOVERY, agrees, has, sentOn } from '../../social.mjs';

/** The six that the provider plays. */
export const PROVIDERS = {
  google: {},
  github: {},
  apple: {},
  microsoft: {},
  discord: {},
  example: { discoveryUrl: DISCOVERY, scopes: ['email', 'profile'] },
};
export const SITES = Object.keys(PROVIDERS);
/** Those whose id tokens say who somebody is. */
export const WITH_ID_TOKENS = ['google', 'apple', 'microsoft', 'example'];

const URLS = { callbackURL: '/welcome', newUserCallbackURL: '/hello', errorCallbackURL: '/oops' };
/** A sign-in begins. */
export const start = (provider, body, options) => POST('/sign-in/social', { provider, ...URLS, ...body }, options);
export const link = (provider, body, options) => POST('/link-social', { provider, callbackURL: '/linked', errorCallbackURL: '/oops', ...body }, { by: 'vera', ...options });

/** The browser comes back, with what it was sent with. */
export const back = (provider, query = 'code={{code}}&state={{state}}', options) => GET(`/callback/${provider}?${query}`, { jar: true, ...options });

/** The same from Apple, which has the browser post a form: from elsewhere, so without cookies. */
const FORM = { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://appleid.apple.com' };
export const posted = (provider, change = (fields) => fields) => ({
  ...POST(`/callback/${provider}`),
  raw: ({ fields }) => String(new URLSearchParams(change({ ...fields }))),
  headers: FORM,
});
const viaForm = [posted('apple'), sentOn, { method: 'GET', url: '{{location}}', jar: true }];

/** From the authorization on. */
export const rest = (provider) => [agrees(), provider === 'apple' ? viaForm : back(provider)];
/** A whole sign-in. */
export const signIn = (provider, body, options) => [start(provider, body, options), rest(provider)];
export const linked = (provider, body, options) => [link(provider, body, options), rest(provider)];

/** Somebody else's browser: what was kept is gone. */
export const anotherBrowser = ({ client }) => { client.jar = {}; };

export const VERA = { email: 'vera@example.com' };
/** Whoever a provider may say that it is. */
export const PEOPLE = {
  'somebody new': {},
  'without a name': { name: undefined, given_name: undefined, family_name: undefined },
  'without a picture': { picture: undefined },
  'without an email': { email: undefined },
  'with an empty email': { email: '' },
  'with an unverified email': { email_verified: false },
  'with an email in capitals': { email: 'Nora@Example.ORG' },
  'Vera': VERA,
  'Vera, in capitals': { email: 'VERA@example.com' },
  'Vera, unverified': { ...VERA, email_verified: false },
  'Ada, who isn’t verified here': { email: 'ada@example.com' },
};

/** As each of them. */
export const people = (steps, some = PEOPLE) => Object.fromEntries(Object.entries(some).map(([name, person]) => [name, [has(person), steps]]));
