// How sign-ins end: who comes back, with what, and what providers say meanwhile.

import { ID } from '../../http.mjs';
import { agrees, has, keptState, tells } from '../../social.mjs';
import { differs, each, named } from '../common.mjs';
import { PROVIDERS, SITES, anotherBrowser, back, people, posted, rest, signIn, start } from './common.mjs';

const begin = (provider, body) => [start(provider, body), agrees()];
const VERIFICATION = (change) => `UPDATE verification SET ${change} WHERE identifier LIKE 'auth-state:%'`;

/** What a token endpoint may answer that is no tokens. */
const TOKENS = {
  'refuses': { status: 400, body: { error: 'invalid_grant', error_description: 'x' } },
  'refuses the client': { status: 401, body: { error: 'invalid_client' } },
  'refuses with success': { status: 200, body: { error: 'bad_verification_code' } },
  'fails': { status: 500, body: 'oops' },
  'no tokens': { status: 200, body: {} },
  'an array': { status: 200, body: [] },
  'a text': { status: 200, body: '"x"', headers: { 'content-type': 'application/json' } },
  'null': { status: 200, body: 'null', headers: { 'content-type': 'application/json' } },
  'no JSON': { status: 200, body: '{', headers: { 'content-type': 'application/json' } },
  'tokens as text/plain': (right) => ({ ...right, headers: { 'content-type': 'text/plain' } }),
  'tokens with 201': (right) => ({ ...right, status: 201 }),
  'tokens with 400': (right) => ({ ...right, status: 400 }),
  'HTML': 'html',
  'nothing': 'empty',
  'a redirect': 'redirect',
  'unreachable': 'unreachable',
  'cut off': 'cut off',
};
/** What an endpoint with a profile may answer that is none. */
const PROFILES = {
  'refuses': { status: 401, body: { error: 'invalid_token' } },
  'fails': { status: 500, body: 'oops' },
  'empty object': { status: 200, body: {} },
  'a redirect': 'redirect',
};
/** Members of the answer of a token endpoint. */
const EXTRA = {
  'no refresh token': { refresh_token: undefined },
  'no lifetime': { expires_in: undefined, refresh_token_expires_in: undefined },
  'a lifetime of 0': { expires_in: 0 },
  'a lifetime that is a text': { expires_in: '3600' },
  'no scope': { scope: undefined },
  'an empty scope': { scope: '' },
  'scopes as an array': { scope: ['a', ' b ', '', 5] },
  'scopes with commas': { scope: 'a,b c' },
  'no access token': { access_token: undefined },
  'no type': { token_type: undefined },
};

const BROKEN = [302, '/oops?error=unable_to_get_user_info'];
/** Better Auth fails at a profile that is an empty object. */
const without = (name, steps) => (name === 'empty object' ? differs('oddProfile', steps, [500, ''], BROKEN) : steps);

const queries = (provider) =>
  each(
    {
      'no state': 'code={{code}}',
      'an empty state': 'code={{code}}&state=',
      'another state': `code={{code}}&state=${'x'.repeat(32)}`,
      'no code': 'state={{state}}',
      'an empty code': 'code=&state={{state}}',
      'an error': 'error=access_denied&state={{state}}',
      'an error and a code': 'error=access_denied&code={{code}}&state={{state}}',
      'an error with its description': 'error=access_denied&error_description=No%20%26%20no+é&state={{state}}',
      'an odd error': 'error=a%20b%26c%3Cd&state={{state}}',
      'an error, no state': 'error=access_denied',
      'another code': 'code=x&state={{state}}',
      'an issuer': 'code={{code}}&state={{state}}&iss=https%3A%2F%2Felsewhere.example',
      'the issuer': 'code={{code}}&state={{state}}&iss=https%3A%2F%2Fid.example',
      'an empty issuer': 'code={{code}}&state={{state}}&iss=',
      'more': 'code={{code}}&state={{state}}&scope=x&authuser=0&prompt=none&device_id=d&user=%7B%22name%22%3A%7B%22firstName%22%3A%22Eve%22%7D%7D',
      'the state twice': 'code={{code}}&state={{state}}&state=x',
    },
    (query) => [begin(provider), back(provider, query)],
  );

const STATES = {
  'twice': [signIn('google'), back('google')],
  'twice, with the first cookies': [begin('google'), back('google'), back('google', undefined, { jar: (jar, { state }) => ({ ...jar, 'better-auth.state': state }) })],
  'of another browser': [begin('google'), anotherBrowser, back('google')],
  'of another browser, which has one of its own': [begin('google'), ({ client }) => { client.known.first = client.known.state; }, begin('google'), back('google', 'code={{code}}&state={{first}}')],
  'with a cookie that isn’t signed': [begin('google'), back('google', undefined, { jar: (jar, { state }) => ({ 'better-auth.state': state }) })],
  'with a cookie of somebody else’s secret': [
    begin('google'),
    back('google', undefined, { jar: (jar, { state }) => ({ 'better-auth.state': `${state}.${'A'.repeat(43)}%3D` }) }),
  ],
  'expired row': [begin('google'), VERIFICATION(`"expiresAt" = now() - interval '1 second'`), back('google')],
  'expired by its value': [begin('google'), keptState({ expiresAt: 1_700_000_000_000 }), back('google')],
  'of another state by its value': [begin('google'), keptState({ oauthState: 'x' }), back('google')],
  'without a state in its value': [begin('google'), keptState({ oauthState: undefined }), back('google')],
  'without errorURL in its value': [begin('google', { errorCallbackURL: undefined }), back('google', 'error=x&state={{state}}')],
  'without a way for new users': [begin('google', { newUserCallbackURL: undefined }), back('google')],
  'errorURL with a query and a fragment': [begin('google', { errorCallbackURL: '/oops?a=b#c' }), back('google', 'error=x&error_description=y&state={{state}}')],
  'absolute URLs': [begin('google', { callbackURL: 'http://127.0.0.1:3999/a?b=c#d', newUserCallbackURL: undefined }), back('google')],
  'only the provider': [start('google', { callbackURL: undefined, newUserCallbackURL: undefined, errorCallbackURL: undefined }), rest('google')],
  'deleted': [begin('google'), `DELETE FROM verification`, back('google')],
  'while signed in as somebody else': [begin('google'), back('google', undefined, { jar: (jar) => jar, headers: {} })],
  'code used twice': [begin('google'), ({ client }) => { client.known.first = client.known.code; }, back('google'), start('google'), agrees(), back('google', 'code={{first}}&state={{state}}')],
  'code of another provider': [begin('github'), ({ client }) => { client.known.first = client.known.code; }, begin('google'), back('google', 'code={{first}}&state={{state}}')],
  'of another provider': [begin('github'), back('google')],
  'of another provider, which wants a nonce': [begin('google'), back('example')],
  'of another provider, which has a nonce': [begin('example'), back('google')],
  'POST that leads to GET': [begin('google'), { ...posted('google', () => ({ code: 'x', state: 'y', error: 'a b' })) }],
};

const known = (site, sub) => `INSERT INTO account (id, "accountId", "providerId", "userId", "createdAt", "updatedAt")
  VALUES ('k', '${sub}', '${site}', '${ID.ada}', now() - interval '1 hour', now() - interval '1 hour')`;
const SUBJECT = { google: '1001', github: '1001', apple: '1001', microsoft: 'oid-1001', discord: '803511102246781001', example: '1001' };

/** What only ours sees: an id token that comes with a code is decoded there, and verified here. */
const FORGED = {
  'signed by a stranger': { by: 'stranger' },
  'of a key that nobody has': { by: 'stranger', kid: 'unknown' },
  'alg none': { alg: 'none' },
  'HS256 with the public key': { alg: 'HS256' },
  'for another client': { claims: { aud: 'somebody-else' } },
  'of another issuer': { claims: { iss: 'https://elsewhere.example' } },
  'expired': { claims: { exp: Math.floor(Date.now() / 1000) - 3600 } },
  'without exp': { claims: { exp: undefined } },
  'issued in the future': { claims: { iat: Math.floor(Date.now() / 1000) + 3600 } },
};
const forges = (forged) => has((provider) => { provider.forged = forged; });

export default [
  {
    name: 'social, people',
    providers: PROVIDERS,
    cases: Object.assign({}, ...SITES.map((site) => named(site, people(signIn(site))))),
  },
  {
    name: 'social, again',
    providers: PROVIDERS,
    cases: Object.assign(
      {},
      ...SITES.map((site) => ({
        [`${site}: the same`]: [signIn(site), signIn(site)],
        [`${site}: with another email, name and picture`]: [signIn(site), has({ email: 'other@example.org', name: 'Other', picture: 'https://pictures.example/other.png' }), signIn(site)],
        [`${site}: verified meanwhile`]: [has({ email_verified: false }), signIn(site), has({ email_verified: true }), signIn(site)],
        [`${site}: of Ada’s account, with another email`]: [known(site, SUBJECT[site]), signIn(site)],
        [`${site}: of Ada’s account, verified by it`]: [known(site, SUBJECT[site]), has({ email: 'ada@example.com' }), signIn(site)],
        [`${site}: with another person of the same email`]: [signIn(site), has({ sub: '2002' }), signIn(site)],
      })),
    ),
  },
  {
    name: 'social, what comes back',
    providers: PROVIDERS,
    cases: {
      ...named('google', queries('google')),
      ...named('example', queries('example')),
      ...named('state', STATES),
      'of an unknown provider': [begin('google'), back('gitlab')],
      'apple: a form without a user': [begin('apple'), posted('apple', ({ user, ...fields }) => fields)],
      'apple: a form with an odd user': [begin('apple'), posted('apple', (fields) => ({ ...fields, user: '{' }))],
      'apple: a form with an error': [begin('apple'), posted('apple', ({ state }) => ({ state, error: 'user_cancelled_authorize' }))],
      'apple: the GET without the user': [begin('apple'), back('apple')],
      'apple: the GET with another user': [begin('apple'), back('apple', 'code={{code}}&state={{state}}&user=%7B%22name%22%3A%7B%22firstName%22%3A%22Eve%22%2C%22lastName%22%3A%22%22%7D%7D')],
      'apple: the GET with a user that is no JSON': [begin('apple'), back('apple', 'code={{code}}&state={{state}}&user=x')],
    },
  },
  {
    name: 'social, what providers answer',
    providers: PROVIDERS,
    cases: {
      ...Object.assign({}, ...['google', 'github', 'example'].map((site) => named(`${site}, token`, each(TOKENS, (answer) => [tells('token', answer), signIn(site)])))),
      ...Object.assign({}, ...['google', 'github', 'discord', 'example'].map((site) => named(`${site}, tokens`, each(EXTRA, (extra) => [has((provider) => { provider.extra = extra; }), signIn(site)])))),
      ...named('github, user', each(PROFILES, (answer) => [tells('user', answer), signIn('github')])),
      ...named('github, emails', each({ ...PROFILES, 'none': { body: [] } }, (answer, name) => without(name, [tells('emails', answer), signIn('github')]))),
      'github: a public email': [has({ public_email: true }), signIn('github')],
      'github: a public email that is none of the emails': [has({ public_email: 'public@example.org' }), signIn('github')],
      'github: no primary email': [has({ emails: [{ email: 'a@example.org', primary: false, verified: false }, { email: 'b@example.org', primary: false, verified: true }] }), signIn('github')],
      'github: no name': [has({ name: undefined, login: 'nobody' }), signIn('github')],
      ...named('discord, user', each(PROFILES, (answer, name) => without(name, [tells('user', answer), signIn('discord')]))),
      'discord: an avatar': [has({ avatar: 'abc' }), signIn('discord')],
      'discord: an avatar that moves': [has({ avatar: 'a_abc' }), signIn('discord')],
      'discord: an old discriminator': [has({ discriminator: '1234' }), signIn('discord')],
      'discord: no global name': [has({ name: undefined, username: 'someone' }), signIn('discord')],
      'microsoft: no oid': [has({ oid: null }), signIn('microsoft')],
      'microsoft: email_verified isn’t said': [has({ email_verified: undefined }), signIn('microsoft')],
      'microsoft: a verified primary email': [has({ email_verified: undefined, verified_primary_email: ['nora@example.org'] }), signIn('microsoft')],
      'microsoft: a verified secondary email': [has({ email_verified: undefined, verified_secondary_email: ['x@example.org', 'nora@example.org'] }), signIn('microsoft')],
      ...named('no id token', each(['google', 'apple', 'microsoft', 'example'], (site) => {
        const steps = [has((provider) => { provider.extra = { id_token: undefined }; }), signIn(site)];
        return site === 'example' ? differs('noIdToken', steps, [302, '/hello'], BROKEN) : steps;
      })),
      ...named('an id token that is none', each(['google', 'apple', 'microsoft', 'example'], (site) => {
        const steps = [has((provider) => { provider.extra = { id_token: 'x' }; }), signIn(site)];
        return site === 'example' ? steps : differs('oddProfile', steps, [500, ''], BROKEN);
      })),
      ...named('example, id token', each(FORGED, (forged, name) => {
        const steps = [forges(forged), signIn('example')];
        return name === 'issued in the future' ? differs('futureToken', steps, [302, '/hello'], BROKEN) : steps;
      })),
      ...named('example, nonce', each([undefined, 'x', ''], (nonce) => [forges({ claims: { nonce } }), signIn('example')])),
      ...named('example, signed by', each(['RS256', 'ES256', 'EdDSA', 'PS256'], (alg) => [has((provider) => { provider.alg = alg; }), signIn('example')])),
      'example: the id token has no email': [forges({ claims: { email: undefined } }), signIn('example')],
      'example: no email, and no profile': [forges({ claims: { email: undefined } }), tells('userinfo', { status: 500 }), signIn('example')],
      'example: no email, and somebody else’s profile': [forges({ claims: { email: undefined } }), tells('userinfo', { body: { sub: '2002', email: 'eve@example.org', email_verified: true } }), signIn('example')],
      'example: email_verified as a text': [has({ email_verified: 'true' }), signIn('example')],
    },
  },
  {
    name: 'social, forged id tokens',
    providers: PROVIDERS,
    cases: Object.assign(
      {},
      ...['google', 'apple', 'microsoft'].map((site) =>
        named(
          site,
          each(FORGED, (forged) => differs('codeIdToken', [forges(forged), signIn(site)], [302, '/hello'], BROKEN)),
        ),
      ),
    ),
  },
];
