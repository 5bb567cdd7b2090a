// The plugin one-tap: Google's id token, of the dialogue that it shows in the page.

import { oneTap } from 'better-auth/plugins';
import { CLIENT } from '../../provider.mjs';
import { GET, POST } from '../../http.mjs';
import { has, mints, tells } from '../../social.mjs';
import { oddBodies, oddFields, each, named } from '../common.mjs';
import { FORGED, SHAPES } from '../social/id_token.mjs';
import { VERA, people } from '../social/common.mjs';

const PATH = '/one-tap/callback';
const tap = (fields, options) => POST(PATH, { idToken: '{{idToken}}', ...fields }, options);
const accounts = GET('/list-accounts', { jar: true });

/** Better Auth takes one without a key's name if all keys can be of RSA, as Google's are, and the tests' provider's aren't. */
const { 'without a key’s name': _, ...HERE } = FORGED;

const columns = { plugins: 'one-tap', options: () => ({}), sql: '' };
const group = (name, options, settings, providers, cases, more = () => ({})) => ({
  name: `one-tap${name}`,
  columns,
  providers,
  options: (send) => ({ plugins: [oneTap(options)], ...more(send) }),
  settings,
  cases,
});
const few = {
  'new': [mints('google'), tap(), accounts],
  'Vera': [has(VERA), mints('google'), tap(), accounts],
  'twice': [mints('google'), tap(), tap(), accounts],
  'for another client': [mints('google', { client: 'of-the-page' }), tap()],
};

export default [
  group('', {}, {}, { google: {} }, {
    ...few,
    ...named('who', people([mints('google'), tap(), accounts])),
    ...named('forged', each(HERE, (options) => [mints('google', options), tap()])),
    ...named('shape', each(SHAPES, (idToken) => tap({ idToken }))),
    ...named('keys', each({ 'unreachable': 'unreachable', 'fail': { status: 500 }, 'are HTML': 'html', 'redirect': 'redirect', 'are none': { body: { keys: [] } }, 'are nothing': { body: {} } }, (answer) => [tells('jwks', answer), mints('google'), tap()])),
    'keys are gone': [mints('google'), has((provider) => provider.rotate()), tap()],
    'the old issuer’s name': [mints('google', { claims: { iss: 'accounts.google.com' } }), tap()],
    'a nonce': [mints('google', { claims: { nonce: 'n' } }), tap()],
    'signed in as Ada': [mints('google'), tap({}, { by: 'ada' })],
    'a callbackURL': [mints('google'), tap({ callbackURL: '/welcome' })],
    'a callbackURL elsewhere': [mints('google'), tap({ callbackURL: 'https://elsewhere.example' })],
    'from elsewhere': [mints('google'), tap({}, { headers: { origin: 'https://elsewhere.example' } })],
    'from elsewhere, with a cookie': [mints('google'), tap({}, { by: 'ada', headers: { origin: 'https://elsewhere.example' } })],
    'no picture': [mints('google', { claims: { picture: undefined } }), tap()],
    'a picture that is a number': [mints('google', { claims: { picture: 5 } }), tap()],
    'no name': [mints('google', { claims: { name: undefined } }), tap()],
    'an empty email': [mints('google', { claims: { email: '' } }), tap()],
    'verified as a text': [mints('google', { claims: { email_verified: 'true' } }), tap()],
    'verified as something else': [mints('google', { claims: { email_verified: 1 } }), tap()],
    'an email in capitals': [has(VERA), mints('google', { claims: { email: 'VERA@Example.com' } }), tap()],
    'another method': GET(PATH),
    ...oddFields(PATH, { idToken: 'x', callbackURL: '/x' }),
    ...oddBodies(PATH),
  }),
  group(', disableSignup', { disableSignup: true }, { one_tap_disable_signup: 'on' }, { google: {} }, few),
  group(', a client of its own', { clientId: 'of-the-page' }, { one_tap_client_id: 'of-the-page' }, { google: {} }, few),
  group(', several clients', { clientId: ['of-the-page', CLIENT.id] }, { one_tap_client_id: `of-the-page, ${CLIENT.id}` }, { google: {} }, few),
  group(', several clients of Google’s', {}, {}, { google: { clientId: [CLIENT.id, 'of-the-page'] } }, few),
  group(', without Google', {}, {}, {}, few),
  group(', without Google, a client of its own', { clientId: CLIENT.id }, { one_tap_client_id: CLIENT.id }, {}, { ...few, ...named('who', people([mints('google'), tap(), accounts])) }),
  group(', Google’s options', {}, {}, { google: { disableSignUp: true } }, few),
  group(', Google’s options, implicitly', {}, {}, { google: { disableImplicitSignUp: true, disableIdTokenSignIn: true } }, few),
  group(', Google’s options, over', {}, {}, { google: { overrideUserInfoOnSignIn: true } }, { ...few, 'changed': [mints('google'), tap(), has({ name: 'Another', picture: undefined }), mints('google'), tap()] }),
  group(', Google’s options, verified alone', {}, {}, { google: { requireEmailVerification: true } }, { ...few, 'unverified': [has({ email_verified: false }), mints('google'), tap(), tap()] }),
  group(', Google’s options, a domain', {}, {}, { google: { hd: 'example.org' } }, {
    ...few,
    ...named('hd', each(['example.org', 'example.com', '', 5], (hd) => [mints('google', { claims: { hd } }), tap()])),
  }),
];
