// The username plugin: sign-in/username, is-username-available, and what it adds to sign-up and update-user.

import { username } from 'better-auth/plugins';
import { GET, POST } from '../../http.mjs';
import { PASSWORD, VERIFY_ADA, differs, each, named, oddBodies, oddFields } from '../common.mjs';

const PATH = '/sign-in/username';
const NAMED = `UPDATE "user" SET username = 'ada_l', "displayUsername" = 'Ada_L' WHERE id = '{{ada.id}}';
  UPDATE "user" SET username = 'vera.1', "displayUsername" = 'vera.1' WHERE id = '{{vera.id}}';
  UPDATE "user" SET username = 'gina' WHERE id = '{{gina.id}}'`;
const ada = { username: 'ada_l', password: PASSWORD };
const eve = { name: 'Eve', email: 'eve@example.com', password: PASSWORD };
const BY = { by: 'ada' };

const signIn = (fields, options) => POST(PATH, { ...ada, ...fields }, options);
const into = (fields, options) => [NAMED, signIn(fields, options)];
const up = (fields, options) => POST('/sign-up/email', { ...eve, ...fields }, options);
const update = (fields, options = BY) => POST('/update-user', fields, options);
const isFree = (name) => POST('/is-username-available', { username: name });
const me = (options = BY) => GET('/get-session', options);
/** The cases of a step, each with the names there. */
const withNames = (cases) => Object.fromEntries(Object.entries(cases).map(([name, step]) => [name, [NAMED, step].flat()]));

const ODD_NAMES = [
  'ab', 'abc', 'a'.repeat(30), 'a'.repeat(31), 'Ada_L', 'ADA_L', 'eve', 'Eve', 'EVE.x_1', '...', '___', '123', 'a b', ' eve', 'eve ', 'eve\n', '\teve', 'e-v-e',
  'eve!', 'ève', 'e\u0301ve', 'ｅｖｅ', 'ev\u200be', 'eve\u00ad', '\u202eeve', 'İst', 'ſss', 'ßss', '😀😀', 'eve@example.com', "eve'--", 'eve\0', '', ' ',
];

const plugin = (options) => () => ({ plugins: [username(options)] });
const columns = { plugins: 'username', options: plugin() };

export default [
  {
    name: 'username',
    columns,
    cases: {
      'sign-in': into(),
      'sign-in, and the session works': [NAMED, signIn({}, { as: 'new' }), me({ by: 'new' })],
      ...withNames(oddFields(PATH, { ...ada, callbackURL: '/dashboard', rememberMe: true })),
      ...withNames(oddBodies(PATH)),
      'sign-in, not remembered': into({ rememberMe: false }),
      'sign-in, not remembered, then remembered': [NAMED, signIn({ rememberMe: false }), signIn({}, { jar: true })],
      'sign-in, while signed in as another': into({}, { by: 'vera' }),
      ...named('sign-in', each(ODD_NAMES, (name) => into({ username: name }))),
      ...named(
        'sign-in with the password',
        each(['wrong password', PASSWORD.toUpperCase(), 'x', 'p'.repeat(128), 'p'.repeat(129)], (password) => into({ password })),
      ),
      'sign-in, unknown, with a password that is too long': into({ username: 'nobody', password: 'p'.repeat(129) }),
      'sign-in, invalid, with a password that is too long': into({ username: 'a!', password: 'p'.repeat(129) }),
      'sign-in, unknown': into({ username: 'nobody' }),
      'sign-in by an email': into({ username: 'ada@example.com' }),
      'sign-in of a user without password': into({ username: 'gina' }),
      'sign-in of a user whose account has no password': [NAMED, 'UPDATE account SET password = NULL', signIn()],
      'sign-in of a user whose account is of another accountId': [NAMED, `UPDATE account SET "accountId" = 'other'`, signIn()],
      'sign-in, the name stored in capitals': [`UPDATE "user" SET username = 'Ada_L' WHERE id = '{{ada.id}}'`, signIn(), signIn({ username: 'Ada_L' })],
      ...named(
        'sign-in with the callbackURL',
        each(['/dashboard', '/', '/a b?c=d&e=f#g', 'http://127.0.0.1:3999/x', 'https://elsewhere.example', '//elsewhere.example', ''], (callbackURL) =>
          into({ callbackURL }),
        ),
      ),
      'sign-in, a form': [
        NAMED,
        { ...POST(PATH), raw: 'username=ada_l&password=correct+horse+battery', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      ],
      'sign-in without an origin': into({}, { headers: { origin: null } }),
      'sign-in from a foreign origin': into({}, { headers: { origin: 'https://elsewhere.example' } }),
      'sign-in from a foreign origin, with a cookie': into({}, { by: 'vera', headers: { origin: 'https://elsewhere.example' } }),
      'sign-in across sites': into({}, { headers: { origin: null, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } }),
      'sign-in by GET': [NAMED, GET(PATH)],

      ...withNames(oddFields('/is-username-available', { username: 'eve' })),
      ...withNames(oddBodies('/is-username-available')),
      ...named('is it free', each(ODD_NAMES, (name) => [NAMED, isFree(name)])),
      'is it free, while signed in as the one who has it': [NAMED, POST('/is-username-available', { username: 'ada_l' }, BY)],

      'sign-up': [up({ username: 'Eve_1' }), signIn({ username: 'EVE_1' }), isFree('eve_1')],
      'sign-up without one': up(),
      ...named('sign-up', each(ODD_NAMES.filter((name) => name !== 'eve\0'), (name) => [NAMED, up({ username: name })])),
      ...named(
        'sign-up with both',
        each(
          [
            { username: 'Eve', displayUsername: 'The Eve' },
            { username: 'Eve', displayUsername: '' },
            { username: 'Eve', displayUsername: null },
            { username: '', displayUsername: 'Eve' },
            { username: null, displayUsername: 'Eve' },
            { displayUsername: 'Eve' },
            { displayUsername: 'The Eve' },
            { displayUsername: 'ab' },
            { displayUsername: '' },
            { displayUsername: null },
            { username: null },
            { username: null, displayUsername: null },
            { displayUsername: 'ADA_L' },
            { displayUsername: 'vera.1', username: 'eve' },
          ],
          (fields) => [NAMED, up(fields)],
        ),
      ),
      'sign-up with a name that is taken, and nothing else that is right': [NAMED, POST('/sign-up/email', { username: 'ADA_l' })],
      'sign-up with a short name, and nothing else that is right': POST('/sign-up/email', { username: 'a' }),
      'sign-up with an email that is taken': [NAMED, up({ username: 'eve', email: 'ada@example.com' })],
      'sign-up with both taken': [NAMED, up({ username: 'ada_l', email: 'ada@example.com' })],
      'sign-up twice': [up({ username: 'eve' }), up({ username: 'EVE', email: 'eva@example.com' })],
      'sign-up of a null body': { ...POST('/sign-up/email'), raw: '[]' },
      ...named(
        'sign-up with a name of another type',
        each({ 'a number': 5, 'a boolean': true, 'an array': ['eve'], 'an object': { a: 1 } }, (name) =>
          differs('fieldType', [up({ username: name })], [422, 'FAILED_TO_CREATE_USER'], [400, 'VALIDATION_ERROR']),
        ),
      ),

      'update-user': [NAMED, update({ username: 'Augusta' }), me(), signIn({ username: 'augusta' }), signIn()],
      'update-user, to the same': [NAMED, update({ username: 'ADA_L' }), me()],
      ...named('update-user', each(ODD_NAMES.filter((name) => name !== 'eve\0'), (name) => [NAMED, update({ username: name }), me()])),
      ...named(
        'update-user with',
        each(
          [
            { username: 'vera.1' }, { username: 'VERA.1' }, { username: null }, { displayUsername: 'The Countess' }, { displayUsername: '' },
            { displayUsername: null }, { username: 'augusta', displayUsername: 'Augusta Ada' }, { username: 'augusta', name: 'Augusta' },
            { username: 'augusta', email: 'x@example.com' }, { username: null, displayUsername: 'x' },
          ],
          (fields) => [NAMED, update(fields), me()],
        ),
      ),
      'update-user without a session, to a free one': [NAMED, update({ username: 'augusta' }, {})],
      'update-user without a session, to a taken one': [NAMED, update({ username: 'vera.1' }, {})],
      'update-user without a session, to an invalid one': [NAMED, update({ username: 'a' }, {})],
      'update-user of a name that a user gave up': [NAMED, update({ username: 'augusta' }), update({ username: 'ada_l' }, { by: 'vera' }), isFree('vera.1')],

      'the columns are shown': [NAMED, me(), me({ by: 'gina' })],
      'a mail shows them': [NAMED, POST('/request-password-reset', { email: 'ada@example.com' })],
    },
  },
  {
    name: 'username, requireEmailVerification',
    columns,
    options: () => ({ ...plugin()(), emailAndPassword: { requireEmailVerification: true } }),
    settings: { require_email_verification: 'on' },
    cases: {
      'unverified': into(),
      'unverified, with a wrong password': into({ password: 'wrong password' }),
      'verified': [NAMED, VERIFY_ADA, signIn()],
      'unknown': into({ username: 'nobody' }),
      'sign-up': up({ username: 'Eve' }),
      'sign-up with a taken email': up({ username: 'Eve', email: 'ada@example.com' }),
      'sign-up with a taken email, without a name': up({ email: 'ada@example.com' }),
      'sign-up with a taken name': [NAMED, up({ username: 'ada_l' })],
    },
  },
  {
    name: 'username, sendOnSignIn',
    columns,
    options: () => ({
      ...plugin()(),
      emailAndPassword: { requireEmailVerification: true },
      emailVerification: { sendOnSignIn: true, expiresIn: 120 },
    }),
    settings: { require_email_verification: 'on', send_verification_on_sign_in: 'on', email_verification_expires_in: 120 },
    cases: {
      'unverified': into(),
      'unverified, with a callbackURL': into({ callbackURL: '/a b?c=d&e' }),
      'unverified, with an empty callbackURL': into({ callbackURL: '' }),
      'unverified, with a wrong password': into({ password: 'wrong password' }),
      'and the link works': [NAMED, signIn(), GET('{{mail.url}}'), signIn()],
    },
  },
  {
    name: 'username, requireEmailVerification without a sender',
    columns,
    options: () => ({
      ...plugin()(),
      emailAndPassword: { requireEmailVerification: true },
      emailVerification: { sendOnSignIn: true, sendVerificationEmail: undefined },
    }),
    settings: { require_email_verification: 'on', send_verification_on_sign_in: 'on', send_verification_email: 'off' },
    cases: { 'unverified': into() },
  },
  {
    name: 'username, without sign-in by email',
    columns,
    options: () => ({ ...plugin()(), emailAndPassword: { enabled: false } }),
    settings: { email_and_password_enabled: 'off' },
    cases: {
      'sign-in': into(),
      'sign-up': up({ username: 'eve' }),
      'sign-up with a taken name': [NAMED, up({ username: 'ada_l' })],
    },
  },
  {
    name: 'username, other lengths',
    columns,
    options: plugin({ minUsernameLength: 5, maxUsernameLength: 8 }),
    settings: { username_min_username_length: 5, username_max_username_length: 8 },
    cases: {
      ...named(
        'sign-up',
        each(['abcd', 'abcde', 'abcdefgh', 'abcdefghi'], (name) => up({ username: name })),
      ),
      ...named('is it free', each(['abcd', 'abcde', 'abcdefgh', 'abcdefghi', '😀😀', '😀😀😀'], isFree)),
      ...named('sign-in', each(['abcd', 'abcde', 'abcdefghi'], (name) => signIn({ username: name }))),
    },
  },
  {
    name: 'username, a validator and no normalization',
    columns,
    options: plugin({
      usernameValidator: (name) => /^[\p{L}!-]+$/u.test(name),
      displayUsernameValidator: (name) => /^[A-Za-z ]*$/.test(name),
      usernameNormalization: false,
    }),
    settings: {
      username_username_validator: '^[[:alpha:]!-]+$',
      username_display_username_validator: '^[A-Za-z ]*$',
      username_username_normalization: 'none',
    },
    cases: {
      'names differ by case': [up({ username: 'Eve' }), up({ username: 'eve', email: 'eva@example.com', displayUsername: 'Eve' }), signIn({ username: 'EVE' })],
      ...named('sign-up', each(['e-v-e!', 'eve_1', 'ève', 'Ève', 'ab', '', 'eve\n'], (name) => up({ username: name, displayUsername: 'Eve' }))),
      ...named('is it free', each(['e-v-e!', 'eve_1', 'ève', 'Ada_L', 'a!!'], (name) => [NAMED, isFree(name)])),
      ...named(
        'displayUsername at sign-up',
        each(['The Eve', 'The Eve!', 'ève', ''], (name) => up({ username: 'eve', displayUsername: name })),
      ),
      'displayUsername at sign-up: a number': differs('fieldType', [up({ username: 'eve', displayUsername: 5 })], [200, undefined], [400, 'VALIDATION_ERROR']),
      'sign-up with a displayUsername that is a username but no displayUsername': up({ displayUsername: 'eve!' }),
      ...named('displayUsername at update-user', each(['The Ada', 'ada!', ''], (name) => [NAMED, update({ displayUsername: name }), me()])),
      'update-user with both wrong': [NAMED, update({ username: 'a_b', displayUsername: '!' })],
    },
  },
  {
    name: 'username, displayUsername in lower case, validated after that',
    columns,
    options: plugin({
      usernameValidator: (name) => /^[a-z]+$/.test(name),
      displayUsernameValidator: (name) => /^[a-z ]*$/.test(name),
      displayUsernameNormalization: (name) => name.toLowerCase(),
      validationOrder: { username: 'post-normalization', displayUsername: 'post-normalization' },
    }),
    settings: {
      username_username_validator: '^[a-z]+$',
      username_display_username_validator: '^[a-z ]*$',
      username_display_username_normalization: 'lowercase',
      username_validation_order_username: 'post-normalization',
      username_validation_order_display_username: 'post-normalization',
    },
    cases: {
      ...named(
        'sign-up',
        each([{ username: 'Eve' }, { username: 'Eve', displayUsername: 'The Eve' }, { displayUsername: 'EVE' }, { username: 'Eve1' }, { username: 'eve', displayUsername: 'Eve!' }], (fields) =>
          up(fields),
        ),
      ),
      'sign-in': [up({ username: 'EVE' }), signIn({ username: 'eVe' })],
      'update-user': [update({ username: 'Augusta', displayUsername: 'The Countess' }), me()],
      'update-user, displayUsername alone': [NAMED, update({ displayUsername: 'The Countess' }), me()],
    },
  },
  {
    name: 'username, validated before normalization',
    columns,
    options: plugin({
      usernameValidator: (name) => /^[a-z]+$/.test(name),
      displayUsernameValidator: (name) => /^[a-z ]*$/.test(name),
      displayUsernameNormalization: (name) => name.toLowerCase(),
    }),
    settings: {
      username_username_validator: '^[a-z]+$',
      username_display_username_validator: '^[a-z ]*$',
      username_display_username_normalization: 'lowercase',
    },
    cases: {
      ...named(
        'sign-up',
        each([{ username: 'Eve' }, { username: 'eve', displayUsername: 'The Eve' }, { username: 'eve', displayUsername: 'the eve' }, { username: 'eve' }], (fields) => up(fields)),
      ),
    },
  },
  {
    name: 'username, immutable',
    columns,
    options: plugin({ immutableUsername: true }),
    settings: { username_immutable_username: 'on' },
    cases: {
      'who has none gets one': [update({ username: 'Augusta' }), me(), update({ username: 'other' })],
      ...named('who has one', each(['augusta', 'Ada_L', 'vera.1', 'a', ''], (name) => [NAMED, update({ username: name }), me()])),
      'displayUsername': [NAMED, update({ displayUsername: 'The Countess' }), me()],
      'without a session': [NAMED, update({ username: 'augusta' }, {})],
      'null': differs('immutableNull', [NAMED, update({ username: null })], [200, undefined], [400, 'USERNAME_IS_IMMUTABLE']),
    },
  },
  {
    name: 'username, without displayUsername',
    columns: { plugins: 'username', options: plugin({ displayUsername: false }), settings: { username_display_username: 'off' } },
    cases: {
      ...named(
        'sign-up',
        each([{ username: 'Eve' }, { username: 'eve', displayUsername: 'The Eve' }, { displayUsername: 'Eve' }, { displayUsername: 'The Eve' }, {}], (fields) => up(fields)),
      ),
      'sign-in': [`UPDATE "user" SET username = 'ada_l' WHERE id = '{{ada.id}}'`, signIn(), me()],
      ...named('update-user', each([{ username: 'Augusta' }, { displayUsername: 'x' }], (fields) => [update(fields), me()])),
    },
  },
];
