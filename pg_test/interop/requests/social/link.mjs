// Accounts of a provider for users who are signed in.

import { GET, ID, TOKEN, accountId } from '../../http.mjs';
import { account, agrees, has, keptState } from '../../social.mjs';
import { POST } from '../../http.mjs';
import { named } from '../common.mjs';
import { PROVIDERS, SITES, VERA, anotherBrowser, back, link, linked, people, rest, signIn } from './common.mjs';

const PEOPLE = {
  'herself': VERA,
  'herself, in capitals': { email: 'Vera@Example.com' },
  'herself, unverified': { ...VERA, email_verified: false },
  'with another email': {},
  'without an email': { email: undefined },
};
const others = (site, sub) => `INSERT INTO account (id, "accountId", "providerId", "userId", scope, "createdAt", "updatedAt")
  VALUES ('k', '${sub}', '${site}', '${ID.ada}', NULL, now() - interval '1 hour', now() - interval '1 hour')`;
const SUBJECT = { google: '1001', github: '1001', apple: '1001', microsoft: 'oid-1001', discord: '803511102246781001', example: '1001' };
const group = (name, accountLinking, settings, some = ['google', 'github']) => ({
  name: `social, linking, ${name}`,
  providers: PROVIDERS,
  options: () => ({ account: { accountLinking } }),
  settings,
  cases: Object.assign({}, ...some.map((site) => named(site, people(linked(site), PEOPLE)))),
});

export default [
  {
    name: 'social, linking',
    providers: PROVIDERS,
    cases: {
      ...Object.assign(
        {},
        ...SITES.map((site) => ({
          ...named(site, people([linked(site), GET('/list-accounts', { by: 'vera' })], PEOPLE)),
          [`${site}: twice, with more scopes`]: [has(VERA), linked(site), linked(site, { scopes: ['more'] })],
          [`${site}: somebody else’s`]: [others(site, SUBJECT[site]), has(VERA), linked(site)],
          [`${site}: and signs in with it`]: [has(VERA), linked(site), anotherBrowser, signIn(site)],
        })),
      ),
      'denied': [link('google'), agrees({ error: 'access_denied' }), back('google', 'error=access_denied&state={{state}}')],
      'signed out meanwhile': [has(VERA), link('google'), `DELETE FROM session WHERE token = '${TOKEN.vera}'`, rest('google')],
      'the session has run out meanwhile': [has(VERA), link('google'), `UPDATE session SET "expiresAt" = now() - interval '1 second' WHERE token = '${TOKEN.vera}'`, rest('google')],
      'the session is somebody else’s': [has(VERA), link('google'), `UPDATE session SET "userId" = '${ID.ada}' WHERE token = '${TOKEN.vera}'`, rest('google')],
      'the session isn’t said': [has(VERA), link('google'), keptState(({ link: { encryptedSessionToken, ...rest }, ...kept }) => ({ ...kept, link: rest })), rest('google')],
      'the session is garbage': [has(VERA), link('google'), keptState(({ link: kept, ...more }) => ({ ...more, link: { ...kept, encryptedSessionToken: '00' } })), rest('google')],
      'her email has changed meanwhile': [has(VERA), link('google'), `UPDATE "user" SET email = 'changed@example.com' WHERE id = '${ID.vera}'`, rest('google')],
      'in another browser': [has(VERA), link('google'), agrees(), anotherBrowser, back('google')],
      'a state of a sign-in isn’t one of a link': [has(VERA), link('google'), keptState({ link: undefined }), rest('google')],
      'without a callbackURL': [has(VERA), link('google', { callbackURL: undefined }), rest('google')],
      'and unlinks it': [has(VERA), linked('google'), account('google'), POST('/unlink-account', { accountId: '{{account}}' }, { by: 'vera' }), GET('/list-accounts', { by: 'vera' })],
      'unlinks by the provider’s name for it': [has(VERA), linked('google'), POST('/unlink-account', { accountId: '1001' }, { by: 'vera' })],
      'somebody else unlinks it': [has(VERA), linked('google'), account('google'), POST('/unlink-account', { accountId: '{{account}}' }, { by: 'ada' })],
      'unlinks what isn’t hers': POST('/unlink-account', { accountId: accountId('Gina', 'google') }, { by: 'vera' }),
    },
  },
  group('other emails', { allowDifferentEmails: true }, { allow_different_emails: 'on' }, SITES),
  group('off', { enabled: false }, { account_linking_enabled: 'off' }),
  group('trusted', { trustedProviders: ['google'] }, { trusted_providers: 'google' }),
  group('no implicit linking', { disableImplicitLinking: true }, { disable_implicit_linking: 'on' }),
  group('updateUserInfoOnLink', { updateUserInfoOnLink: true, allowDifferentEmails: true }, { update_user_info_on_link: 'on', allow_different_emails: 'on' }),
];
