// What is kept of a provider's tokens, and what comes of it later: renewed, shown, encrypted, in a cookie.

import { GET, POST } from '../../http.mjs';
import { signCookie } from '../../lib.mjs';
import { account, has, mints, tells } from '../../social.mjs';
import { differs, each, named } from '../common.mjs';
import { PROVIDERS, SITES, VERA, anotherBrowser, signIn } from './common.mjs';

const SIGNED_IN = { jar: true };
const access = (body = { accountId: '{{account}}' }, options = SIGNED_IN) => POST('/get-access-token', body, options);
const refresh = (body = { accountId: '{{account}}' }, options = SIGNED_IN) => POST('/refresh-token', body, options);
const info = (query = 'accountId={{account}}', options = SIGNED_IN) => GET(`/account-info?${query}`, options);
const EXPIRED = `UPDATE account SET "accessTokenExpiresAt" = now() - interval '1 minute' WHERE "accessToken" IS NOT NULL`;
const set = (change) => `UPDATE account SET ${change} WHERE "providerId" <> 'credential'`;
const signedIn = (site) => [signIn(site), account(site)];

const REFRESHED = {
  'refuses': { status: 400, body: { error: 'invalid_grant' } },
  'fails': { status: 500, body: 'oops' },
  'no access token': { status: 200, body: { token_type: 'Bearer' } },
  'an access token that is a number': { status: 200, body: { access_token: 5 } },
  'only an access token': { status: 200, body: { access_token: 'fresh' } },
  'more': { status: 200, body: { access_token: 'fresh', refresh_token: 'again', expires_in: 60, refresh_token_expires_in: 120, id_token: 'x', scope: 'narrow' } },
  'HTML': 'html',
  'a redirect': 'redirect',
  'unreachable': 'unreachable',
};

const flows = {
  ...Object.assign(
    {},
    ...SITES.map((site) => ({
      [`${site}: all three`]: [signedIn(site), access(), refresh(), info()],
      [`${site}: expired`]: [signedIn(site), EXPIRED, access(), access()],
      [`${site}: expired, account-info`]: [signedIn(site), EXPIRED, info()],
    })),
  ),
};

const GOOGLE = {
  'expires in 4 seconds': [signedIn('google'), set(`"accessTokenExpiresAt" = now() + interval '4 seconds'`), access()],
  'expires in a minute': [signedIn('google'), set(`"accessTokenExpiresAt" = now() + interval '1 minute'`), access()],
  'no expiry': [signedIn('google'), set(`"accessTokenExpiresAt" = NULL`), access()],
  'no refresh token': [signedIn('google'), EXPIRED, set(`"refreshToken" = NULL`), access(), refresh(), info()],
  'no access token': [signedIn('google'), set(`"accessToken" = NULL`), access(), info()],
  'no id token': [signedIn('google'), set(`"idToken" = NULL`), access(), info()],
  'empty scope': [signedIn('google'), set(`scope = ''`), access(), refresh()],
  'no scope': [signedIn('google'), set(`scope = NULL`), access(), refresh()],
  'a refresh token that the provider doesn’t know': [signedIn('google'), set(`"refreshToken" = 'x'`), refresh(), EXPIRED, access()],
  'of somebody else': [signedIn('google'), access(undefined, { by: 'ada' }), refresh(undefined, { by: 'ada' }), info(undefined, { by: 'ada' })],
  'without a session': [signedIn('google'), access(undefined, {}), refresh(undefined, {}), info(undefined, {})],
  'with the user’s id': [signedIn('google'), access({ accountId: '{{account}}', userId: '{{ada.id}}' }), access({ accountId: '{{account}}', userId: 'x' }, {})],
  'by the provider’s name': [signedIn('google'), access({ accountId: '1001' }), refresh({ accountId: '1001' }), info('accountId=1001')],
  'of a provider that isn’t there any more': [signedIn('google'), set(`"providerId" = 'gitlab'`), access(), refresh(), info()],
  'by the cookie, which there is none of': [signedIn('google'), access({ useAccountCookie: true }), refresh({ useAccountCookie: true }), info('useAccountCookie=true')],
  'signed out': [signedIn('google'), POST('/sign-out', undefined, SIGNED_IN), access()],
  ...named('renewal', each(REFRESHED, (answer) => [signedIn('google'), tells('token', answer), refresh()])),
  ...named('renewal of an expired one', each(REFRESHED, (answer) => [signedIn('google'), EXPIRED, tells('token', answer), access()])),
};
const INFO = {
  'github: refuses': [signedIn('github'), tells('user', { status: 401, body: {} }), info()],
  'github: no emails': [signedIn('github'), tells('emails', { status: 403, body: {} }), info()],
  'github: somebody else by now': [signedIn('github'), has({ name: 'Other' }), info()],
  'discord: refuses': [signedIn('discord'), tells('user', { status: 401, body: {} }), info()],
  'example: from its id token': [signedIn('example'), info()],
  'example: without an id token': [signedIn('example'), set(`"idToken" = NULL`), info()],
  'microsoft: a photo': differs('photo', [has({ photo: 'x' }), signedIn('microsoft'), info()], 'data:image/jpeg;base64, Ingi', undefined, ({ answers }) => /"image":"([^"]*)"/.exec(answers.at(-1).body)?.[1]),
};

/** A jar whose account is in two cookies. */
const inChunks = ({ 'better-auth.account_data': data, ...jar }) => ({ ...jar, 'better-auth.account_data.0': data.slice(0, 100), 'better-auth.account_data.1': data.slice(100) });
/** The same jar, but with another user's session. */
const ofAda = (jar, known) => ({ ...jar, 'better-auth.session_token': signCookie(known['ada.token']) });
const COOKIE = {
  'sign-in': signIn('google'),
  'twice': [signIn('google'), signIn('google')],
  'by the cookie': [signIn('google'), access({ useAccountCookie: true }), refresh({ useAccountCookie: true })],
  'account-info by the cookie': [signIn('google'), info('useAccountCookie=true')],
  'expired': [signIn('google'), account('google'), EXPIRED, access()],
  'expired, account-info': [signIn('google'), account('google'), EXPIRED, info()],
  'unlinked meanwhile': [signIn('google'), `DELETE FROM account WHERE "providerId" = 'google'`, access({ useAccountCookie: true }), refresh({ useAccountCookie: true })],
  'in chunks': [signIn('google'), access({ useAccountCookie: true }, { jar: inChunks }), GET('/get-session', { jar: inChunks }), POST('/sign-out', undefined, { jar: inChunks })],
  'in chunks, renewed': [signIn('google'), refresh({ useAccountCookie: true }, { jar: inChunks })],
  'beside another user’s session': [signIn('google'), access({ useAccountCookie: true }, { jar: ofAda }), refresh({ useAccountCookie: true }, { jar: ofAda }), GET('/get-session?disableCookieCache=true', { jar: ofAda })],
  'by id beside another user’s cookie': [signIn('google'), account('google'), EXPIRED, access(undefined, { jar: ofAda })],
  'an id token alone': [mints('google'), POST('/sign-in/social', { provider: 'google', idToken: { token: '{{idToken}}' } }), access({ useAccountCookie: true })],
  'linked by an id token': [mints('google', VERA), POST('/link-social', { provider: 'google', idToken: { token: '{{idToken}}' } }, { by: 'vera' })],
  'without the cookie': [signIn('google'), access({ useAccountCookie: true }, { jar: ({ 'better-auth.account_data': _, ...jar }) => jar })],
  'a cookie that is none': [signIn('google'), access({ useAccountCookie: true }, { jar: (jar) => ({ ...jar, 'better-auth.account_data': 'x' }) })],
  'get-session goes on with it': [signIn('google'), GET('/get-session', SIGNED_IN)],
  'sign-out takes it back': [signIn('google'), POST('/sign-out', undefined, SIGNED_IN)],
  'of another browser': [signIn('google'), anotherBrowser, access({ useAccountCookie: true })],
};

export default [
  { name: 'social, tokens', providers: PROVIDERS, cases: { ...flows, ...named('google', GOOGLE), ...INFO } },
  {
    name: 'social, encrypted tokens',
    providers: PROVIDERS,
    options: () => ({ account: { encryptOAuthTokens: true } }),
    settings: { encrypt_oauth_tokens: 'on' },
    cases: {
      ...flows,
      'one that was stored before': [signedIn('google'), set(`"accessToken" = 'plain', "refreshToken" = 'google-refresh-3'`), access(), refresh()],
      'one that looks encrypted': [signedIn('google'), set(`"accessToken" = 'abcd'`), access()],
    },
  },
  {
    name: 'social, the account’s cookie',
    providers: PROVIDERS,
    options: () => ({ account: { storeAccountCookie: true } }),
    settings: { store_account_cookie: 'on' },
    cases: COOKIE,
  },
  {
    name: 'social, the account’s cookie beside the cache',
    providers: PROVIDERS,
    options: () => ({ account: { storeAccountCookie: true }, session: { cookieCache: { enabled: true, maxAge: 120 } } }),
    settings: { store_account_cookie: 'on', cookie_cache: 'on', cookie_cache_max_age: 120 },
    cases: COOKIE,
  },
];
