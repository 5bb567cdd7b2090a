// Who may sign up, and whose accounts are linked: the options that decide on it.

import { account, has, mints } from '../../social.mjs';
import { GET, POST } from '../../http.mjs';
import { PEOPLE, PROVIDERS, VERA, linked, people, signIn, start, rest } from './common.mjs';

const SOME = ['google', 'github', 'example'];
const of = (options) => Object.fromEntries(SOME.map((site) => [site, { ...PROVIDERS[site], ...options }]));
const group = (name, { provider = {}, account, options = {}, settings = {}, cases }) => ({
  name: `social, ${name}`,
  providers: of(provider),
  options: () => ({ ...(account && { account }), ...options }),
  settings,
  cases: cases ?? Object.assign({}, ...SOME.map((site) => Object.fromEntries(Object.entries(people(signIn(site))).map(([who, steps]) => [`${site}: ${who}`, steps])))),
});
const again = (site) => [signIn(site), has({ name: 'Other', picture: 'https://pictures.example/other.png', email: 'other@example.org' }), signIn(site)];
const linking = (accountLinking, settings, name) => group(name, { account: { accountLinking }, settings });
const few = Object.fromEntries(['somebody new', 'with an unverified email', 'Vera'].map((name) => [name, PEOPLE[name]]));
const asked = (site) => ({
  [`${site}: not asked for`]: signIn(site),
  [`${site}: asked for`]: signIn(site, { requestSignUp: true }),
  [`${site}: not asked for, said`]: signIn(site, { requestSignUp: false }),
  [`${site}: Vera`]: [has(VERA), signIn(site)],
});
const verification = (more, settings, name) => ({
  name: `social, ${name}`,
  providers: of({ requireEmailVerification: true }),
  options: () => ({ emailVerification: more }),
  settings,
  cases: Object.assign({}, ...SOME.map((site) => ({
    ...Object.fromEntries(Object.entries(people(signIn(site), few)).map(([who, steps]) => [`${site}: ${who}`, steps])),
    [`${site}: unverified, twice`]: [has({ email_verified: false }), signIn(site), signIn(site)],
  }))),
});

/** What a profile becomes, for the real one and in SQL. */
const mapped = (site) => (profile) =>
  site === 'google' ? { name: `${profile.name}!`, image: null } : { email: `${profile.login}@example.com`, emailVerified: profile.login === 'vera' };
const MAPPED = {
  options: () => ({}),
  sql: `CREATE FUNCTION public.user_of(argument jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT CASE argument ->> 'provider'
      WHEN 'google' THEN jsonb_build_object('name', (argument #>> '{profile,name}') || '!', 'image', NULL)
      WHEN 'github' THEN jsonb_build_object(
        'email', (argument #>> '{profile,login}') || '@example.com', 'emailVerified', argument #>> '{profile,login}' = 'vera')
    END $$`,
};

export default [
  linking({ trustedProviders: ['google', 'example'] }, { trusted_providers: 'google, example' }, 'trusted providers'),
  linking({ enabled: false }, { account_linking_enabled: 'off' }, 'no linking'),
  linking({ disableImplicitLinking: true }, { disable_implicit_linking: 'on' }, 'no implicit linking'),
  linking({ requireLocalEmailVerified: false }, { require_local_email_verified: 'off' }, 'unverified users'),
  linking({ updateUserInfoOnLink: true }, { update_user_info_on_link: 'on' }, 'updateUserInfoOnLink'),
  group('no sign-up', { provider: { disableSignUp: true } }),
  group('no implicit sign-up', { provider: { disableImplicitSignUp: true }, cases: Object.assign({}, ...SOME.map(asked)) }),
  {
    ...group('overrideUserInfoOnSignIn', { cases: Object.assign({}, ...SOME.map((site) => ({ [`${site}: again`]: again(site), [`${site}: Vera`]: [has(VERA), signIn(site), has({ name: 'Other' }), signIn(site)] }))) }),
    providers: Object.fromEntries(SOME.map((site) => [site, { ...PROVIDERS[site], ...(site === 'example' ? { overrideUserInfo: true } : { overrideUserInfoOnSignIn: true }) }])),
  },
  group('tokens stay', { account: { updateAccountOnSignIn: false }, settings: { update_account_on_sign_in: 'off' }, cases: Object.assign({}, ...SOME.map((site) => ({ [site]: [signIn(site), signIn(site)] }))) }),
  group('no state cookie', {
    account: { skipStateCookieCheck: true },
    settings: { skip_state_cookie_check: 'on' },
    cases: {
      'of another browser': [start('google'), ({ client }) => { client.jar = {}; }, rest('google')],
      'of this browser': signIn('google'),
      'twice': [signIn('google'), GET('/callback/google?code=x&state={{state}}', { jar: true })],
    },
  }),
  verification({}, {}, 'only verified emails'),
  verification({ sendOnSignUp: true }, { send_verification_on_sign_up: 'on' }, 'only verified emails, sendOnSignUp'),
  verification({ sendOnSignIn: true }, { send_verification_on_sign_in: 'on' }, 'only verified emails, sendOnSignIn'),
  {
    name: 'social, Google’s hosted domain',
    providers: { google: { hd: 'example.org' } },
    cases: { 'none': signIn('google'), 'right': [has({ hd: 'example.org' }), signIn('google')], 'another': [has({ hd: 'example.com' }), signIn('google')] },
  },
  {
    name: 'social, Google’s hosted domain, any',
    providers: { google: { hd: '*' } },
    cases: { 'none': signIn('google'), 'any': [has({ hd: 'example.com' }), signIn('google')] },
  },
  {
    name: 'social, clients of one’s own',
    providers: { example: { ...PROVIDERS.example, authentication: 'basic' }, plain: { ...PROVIDERS.example, authentication: 'post', pkce: false } },
    cases: { 'by Basic': signIn('example'), 'by POST, without PKCE': signIn('plain') },
  },
  {
    name: 'social, a wrong secret',
    providers: { google: { clientSecret: 'wrong' }, github: { clientSecret: 'wrong' }, apple: { clientSecret: 'wrong' }, example: { ...PROVIDERS.example, clientSecret: 'wrong', authentication: 'basic' } },
    cases: { 'google': signIn('google'), 'github': signIn('github'), 'apple': signIn('apple'), 'example': signIn('example') },
  },
  {
    name: 'social, begun by the provider',
    providers: { example: { ...PROVIDERS.example, allowIdpInitiated: true }, plain: PROVIDERS.example },
    cases: {
      'a code without a state': [GET('/callback/example?code=x'), rest('example')],
      'a code without a state, an issuer': GET('/callback/example?code=x&iss=https%3A%2F%2Felsewhere.example'),
      'a code without a state, by POST': POST('/callback/example', { code: 'x' }),
      'a code and an empty state': GET('/callback/example?code=x&state='),
      'no code': GET('/callback/example?error=x'),
      'where nobody allows it': GET('/callback/plain?code=x'),
    },
  },
  {
    name: 'social, profiles as one wants them',
    columns: MAPPED,
    providers: Object.fromEntries(['google', 'github', 'example'].map((site) => [site, PROVIDERS[site]])),
    // Ours has one function for all.
    options: () => ({ socialProviders: { google: { mapProfileToUser: mapped('google') }, github: { mapProfileToUser: mapped('github') } } }),
    settings: { map_profile_to_user_function: 'public.user_of' },
    cases: {
      'a name, and no picture': signIn('google'),
      'linking': [has(VERA), linked('google')],
      'an email, unverified': signIn('github'),
      'an email, of Vera': [has({ login: 'vera' }), signIn('github')],
      'nothing': signIn('example'),
      'an id token alone': [mints('google'), POST('/sign-in/social', { provider: 'google', idToken: { token: '{{idToken}}' } })],
      'account-info': [signIn('google'), account('google'), GET('/account-info?accountId={{account}}', { jar: true })],
    },
  },
  {
    name: 'social, another redirectURI',
    providers: { google: { redirectURI: 'http://127.0.0.1:3999/api/auth/callback/google?x=y' } },
    cases: { 'google': signIn('google'), 'link': linked('google') },
  },
];
