// Accounts, and the OAuth routes without a provider.

import { GET, POST, accountId } from '../http.mjs';
import { PASSWORD, aged, answersAs, each, named, oddBodies, oddFields } from './common.mjs';

const BY = { by: 'ada' };
const VERA = { by: 'vera' };
const GITHUB = accountId('Vera', 'github');
const CREDENTIAL = accountId('Vera', 'credential');
const unlink = (account, options) => POST('/unlink-account', { accountId: account }, { ...VERA, ...options });
const ELSEWHERE = 'https://elsewhere.example';
const social = {
  provider: 'github',
  callbackURL: '/x',
  newUserCallbackURL: '/new',
  errorCallbackURL: '/error',
  disableRedirect: true,
  requestSignUp: true,
  loginHint: 'x',
  scopes: ['a'],
  idToken: { token: 'x' },
  additionalData: { a: 1 },
  additionalParams: { a: 'b' },
};

const TOKENS = {
  'another’s account': { accountId: accountId('Gina', 'google') },
  'a credential account': { accountId: accountId('Ada', 'credential') },
  'an unknown one': { accountId: 'x' },
  'the cookie': { useAccountCookie: true },
  'no cookie': { useAccountCookie: false },
  'both': { accountId: 'x', useAccountCookie: true },
  'a userId': { accountId: 'x', userId: 'y' },
  'a userId of a number': { accountId: 'x', userId: 5 },
  'the cookie and a userId': { useAccountCookie: true, userId: 'y' },
  'a field too much': { accountId: 'x', more: 1 },
  'two fields too much': { accountId: 'x', more: 1, andMore: 2 },
  'only a providerId': { providerId: 'github' },
  'a number': { accountId: 5 },
  'nothing': {},
};

export default [
  {
    name: 'accounts',
    cases: {
      'list': GET('/list-accounts', BY),
      'list of two': GET('/list-accounts', VERA),
      'list with scopes': [
        `UPDATE account SET scope = ' openid , ,email,' WHERE "providerId" = 'google'`,
        GET('/list-accounts', { by: 'gina' }),
      ],
      'list with empty scopes': [`UPDATE account SET scope = ''`, GET('/list-accounts', { by: 'gina' })],
      'list of none': [`DELETE FROM account`, GET('/list-accounts', BY)],
      'list without a session': GET('/list-accounts'),
      'unlink': [unlink(GITHUB), GET('/list-accounts', VERA)],
      'unlink the credential': [unlink(CREDENTIAL), GET('/list-accounts', VERA)],
      'unlink the last one': [unlink(GITHUB), unlink(CREDENTIAL)],
      'unlink by the provider’s id': unlink('github-subject'),
      'unlink an unknown one': unlink('x'),
      'unlink an unknown one of one': unlink('x', BY),
      'unlink the only one': unlink(accountId('Ada', 'credential'), BY),
      'unlink another’s': unlink(accountId('Gina', 'google')),
      'unlink of none': [`DELETE FROM account`, unlink('x')],
      'unlink by a session that is not fresh': [aged('6 days 12 hours', '-25 hours', 'vera'), unlink(GITHUB)],
      ...oddFields('/unlink-account', { accountId: GITHUB }, VERA),
      ...oddBodies('/unlink-account', VERA),
      'unlink with NUL': unlink('a\0b'),
    },
  },
  {
    name: 'accounts, allowUnlinkingAll',
    options: () => ({ account: { accountLinking: { allowUnlinkingAll: true } } }),
    settings: { allow_unlinking_all: 'on' },
    cases: {
      'the only one': unlink(accountId('Ada', 'credential'), BY),
      'an unknown one': unlink('x', BY),
      'all': [
        unlink(GITHUB),
        unlink(CREDENTIAL),
        GET('/list-accounts', VERA),
        POST('/sign-in/email', { email: 'vera@example.com', password: PASSWORD }),
      ],
    },
  },
  {
    name: 'OAuth without a provider',
    cases: {
      'sign-in': POST('/sign-in/social', { provider: 'github' }),
      'sign-in, signed in': POST('/sign-in/social', { provider: 'github' }, BY),
      'sign-in to elsewhere': POST('/sign-in/social', { provider: 'github', callbackURL: ELSEWHERE }),
      'sign-in, new users to elsewhere': POST('/sign-in/social', { provider: 'github', newUserCallbackURL: ELSEWHERE }),
      'sign-in with an id token': POST('/sign-in/social', { provider: 'google', idToken: { token: 'x' } }),
      ...oddFields('/sign-in/social', social),
      ...oddBodies('/sign-in/social'),
      'sign-in with everything wrong': POST('/sign-in/social', Object.fromEntries(Object.keys(social).map((field) => [field, 5]))),
      ...named(
        'sign-in, idToken',
        each(
          [
            {},
            { token: 5 },
            { token: 'x', nonce: 1, accessToken: 2, refreshToken: 3, expiresAt: 'x' },
            { token: 'x', user: { name: { firstName: 1, lastName: 2 }, email: 3 } },
            { token: 'x', user: 5 },
            { token: 'x', user: { name: 5 } },
          ],
          (idToken) => POST('/sign-in/social', { provider: 'google', idToken }),
        ),
      ),
      ...named(
        'sign-in, scopes',
        each([[], [5], ['a', 5, null], {}, ''], (scopes) => POST('/sign-in/social', { provider: 'google', scopes })),
      ),
      ...named(
        'sign-in, additionalParams',
        each(
          [{}, { a: 5 }, { state: 'x' }, { client_id: 'x', nonce: 'y' }, { STATE: 'x' }, [], 5, { a: null, b: {} }],
          (additionalParams) => POST('/sign-in/social', { provider: 'google', additionalParams }),
        ),
      ),
      ...named(
        'sign-in, additionalData',
        each([{}, [], 5, { a: { b: [] } }, null], (additionalData) => POST('/sign-in/social', { provider: 'google', additionalData })),
      ),
      ...named(
        'provider',
        each(['github', 'Github', 'google', 'apple', 'unknown', 'my-own', 'a/b', '__proto__'], (provider) =>
          POST('/sign-in/social', { provider }),
        ),
      ),
      'link': POST('/link-social', { provider: 'github' }, BY),
      'link without a session': POST('/link-social', { provider: 'github' }),
      'link to elsewhere': POST('/link-social', { provider: 'github', callbackURL: ELSEWHERE }, BY),
      ...oddFields('/link-social', social, BY),
      ...oddBodies('/link-social', BY),
      'link with everything wrong': POST('/link-social', Object.fromEntries(Object.keys(social).map((field) => [field, 5])), BY),
      ...Object.assign(
        {},
        ...['/get-access-token', '/refresh-token'].map((path) => ({
          ...named(
            path,
            each(TOKENS, (body) => POST(path, body, BY)),
          ),
          [`${path}: without a session`]: POST(path, { accountId: 'x' }),
          [`${path}: without a session, a userId`]: POST(path, { accountId: 'x', userId: 'y' }),
          [`${path}: one’s own`]: POST(path, { accountId: GITHUB }, VERA),
          ...oddFields(path, { accountId: GITHUB, userId: 'x' }, VERA),
          ...oddBodies(path, BY),
        })),
      ),
      ...named(
        'account-info',
        each(
          [
            '', '?accountId=', '?accountId=x', `?accountId=${GITHUB}`, `?accountId=${CREDENTIAL}`, '?useAccountCookie=true',
            '?accountId=x&userId=y', '?accountId=x&more=1', '?accountId=x&accountId=y', '?userId=x', '?accountId=x&useAccountCookie=true',
          ],
          (query) => GET(`/account-info${query}`, VERA),
        ),
      ),
      'account-info without a session': GET('/account-info?accountId=x'),
      'account-info without a session, without a query': GET('/account-info'),
      ...named(
        'callback',
        each(
          [
            '', '?code=x', '?state=x', '?code=x&state=y', '?error=access_denied', '?error=access_denied&state=x',
            '?error=x&error_description=y%20z&state=s', '?code=x&state=', '?code=a&code=b', '?code=x&state=y&iss=z&user=%7B%7D&device_id=d',
            '?state=é', '?unknown=1',
          ],
          (query) => GET(`/callback/github${query}`),
        ),
      ),
      ...named(
        'callback by POST',
        each(
          [{}, { code: 'x', state: 'y' }, { error: 'a b&c' }, { code: 5 }, { code: null }, { unknown: 1 }, { code: '' }, { state: 'é' }],
          (body) => POST('/callback/github', body),
        ),
      ),
      'callback by POST with a query': POST('/callback/github?code=x&state=q', { state: 'y', code: 'z', error: 'e' }),
      'callback by POST with a query twice': POST('/callback/github?code=x&code=y', {}),
      'callback by POST of a form': {
        ...POST('/callback/apple'),
        raw: 'code=a+b&state=c%26d&user=%7B%22name%22%3A1%7D',
        headers: { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://appleid.apple.com' },
      },
      'callback by POST from elsewhere with a cookie': POST(
        '/callback/github',
        { code: 'x' },
        { cookie: 'x=y', headers: { origin: ELSEWHERE } },
      ),
      'callback of an odd provider': GET('/callback/a%20b?code=x&state=y'),
      'callback by POST of an odd provider': POST('/callback/a%20b', { code: 'x' }),
      ...oddBodies('/callback/github'),
      'callback of a state that is known': [
        `INSERT INTO verification (id, identifier, value, "expiresAt", "createdAt", "updatedAt") VALUES ('v', 'known', 'x', now() + interval '1 hour', now(), now())`,
        GET('/callback/github?code=x&state=known'),
      ],
      'callback with state NUL': answersAs('nul', GET('/callback/github?code=x&state=a%00b'), GET('/callback/github?code=x&state=ab')),
    },
  },
];
