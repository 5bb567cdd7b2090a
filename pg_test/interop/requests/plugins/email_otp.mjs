// The plugin email-otp: codes by mail that sign in, verify an email, reset a password and change an email.

import { emailOTP } from 'better-auth/plugins';
import { GET, ID, POST } from '../../http.mjs';
import { PASSWORD, VERIFY_ADA, aged, answersAs, differs, each, named, oddBodies, oddFields, withoutData } from '../common.mjs';

const EMAIL = 'ada@example.com';
const NOBODY = 'nobody@example.com';
const BY = { by: 'ada' };
const ELSEWHERE = 'https://elsewhere.example';
const TYPES = ['sign-in', 'email-verification', 'forget-password'];
const CODE = '{{mail.token}}';

const send = (type = 'sign-in', fields, options) => POST('/email-otp/send-verification-otp', { email: EMAIL, type, ...fields }, options);
const check = (type = 'sign-in', fields, options) => POST('/email-otp/check-verification-otp', { email: EMAIL, type, otp: CODE, ...fields }, options);
const signIn = (fields, options) => POST('/sign-in/email-otp', { email: EMAIL, otp: CODE, ...fields }, options);
const verify = (fields, options) => POST('/email-otp/verify-email', { email: EMAIL, otp: CODE, ...fields }, options);
const ask = (fields, options) => POST('/email-otp/request-password-reset', { email: EMAIL, ...fields }, options);
const askOld = (fields, options) => POST('/forget-password/email-otp', { email: EMAIL, ...fields }, options);
const resetAsIs = (fields, options) => POST('/email-otp/reset-password', { email: EMAIL, otp: CODE, password: 'a new password', ...fields }, options);
/** Of a verified user: what becomes of others differs. */
const reset = (fields, options) => [VERIFY_ADA, resetAsIs(fields, options)];
const askChange = (fields, options) => POST('/email-otp/request-email-change', { newEmail: 'new@example.com', ...fields }, { ...BY, ...options });
const change = (fields, options) => POST('/email-otp/change-email', { newEmail: 'new@example.com', otp: CODE, ...fields }, { ...BY, ...options });
const byPassword = (password = PASSWORD, options) => POST('/sign-in/email', { email: EMAIL, password }, options);
const up = (fields) => POST('/sign-up/email', { name: 'Eve', email: 'eve@example.com', password: PASSWORD, ...fields });

const WRONG = { otp: 'wrong!' };
const times = (count, step) => Array.from({ length: count }, () => step);
const EXPIRED = `UPDATE verification SET "expiresAt" = now() - interval '1 second'`;
/** A row as Better Auth makes it: of a code that was asked for so long ago. */
const row = (identifier, value, ago = '0', expires = '5 minutes') =>
  `INSERT INTO verification (id, identifier, value, "expiresAt", "createdAt", "updatedAt")
   VALUES (md5('${identifier}${value}'), '${identifier}', '${value}', now() + interval '${expires}', now() - interval '${ago}', now())`;
/** A known difference: the row of a code that nobody gets stays here. */
const decoy = (identifier, before, ...after) => answersAs('decoy', [before, ...after].flat(), [before, row(identifier, '123456:0'), ...after].flat());
const identifiers = ({ rows }) => rows.verification.map(({ identifier }) => identifier);

const plugin = (options) => (send) => ({
  plugins: [
    emailOTP({
      sendVerificationOTP: ({ email, otp, type }) => send.message({ kind: 'verification-otp', recipient: email, token: otp, type }),
      ...options,
    }),
  ],
});
const columns = { plugins: 'email-otp', options: plugin({}) };
const group = (name, options, settings, cases, { more = () => ({}), ...rest } = {}) => ({
  name: `email-otp${name}`,
  columns,
  options: (send) => ({ ...plugin(options)(send), ...more(send) }),
  settings,
  cases,
  ...rest,
});

/** What is the same however codes are stored. */
const flows = {
  'sign-in': [send(), signIn({}, { as: 'in' }), GET('/get-session', { by: 'in' })],
  'sign-in of a new user': [send('sign-in', { email: NOBODY }), signIn({ email: NOBODY })],
  'sign-in, wrong, then right': [send(), signIn(WRONG), signIn(WRONG), signIn()],
  'sign-in, too often wrong': [send(), ...times(3, signIn(WRONG)), signIn(), signIn()],
  'sign-in, twice': [send(), signIn(), signIn()],
  'check, then sign-in': [send(), check(), check(), signIn(), check()],
  'check, wrong, then right': [send(), check('sign-in', WRONG), check(), signIn()],
  'verify-email': [send('email-verification'), verify()],
  'reset-password': [ask(), reset(), byPassword('a new password'), byPassword()],
  'an expired code': [send(), EXPIRED, signIn(), signIn()],
  'two codes, the newer': [send(), send(), signIn(), signIn()],
};

export default [
  group('', {}, {}, {
    ...flows,
    // send-verification-otp
    ...named('send', each(TYPES, (type) => send(type))),
    ...named('send, verified', each(TYPES, (type) => send(type, { email: 'vera@example.com' }))),
    ...named('send, in capitals', each(TYPES, (type) => send(type, { email: 'ADA@Example.COM' }))),
    'send, sign-in of nobody': send('sign-in', { email: NOBODY }),
    'send, sign-in of nobody, in capitals': send('sign-in', { email: 'Nobody@EXAMPLE.com' }),
    'send, email-verification of nobody': decoy(`email-verification-otp-${NOBODY}`, send('email-verification', { email: NOBODY })),
    'send, forget-password of nobody': decoy(`forget-password-otp-${NOBODY}`, send('forget-password', { email: NOBODY })),
    'send, forget-password of nobody, and guesses': differs(
      'decoy',
      [send('forget-password', { email: NOBODY }), ...times(4, check('forget-password', { email: NOBODY, ...WRONG }))],
      [400, 'INVALID_OTP'],
      [403, 'TOO_MANY_ATTEMPTS'],
    ),
    'send, change-email': send('change-email'),
    ...named('send, type', each(['', 'sign-up', 'Sign-In', ' sign-in', null, 5, ['sign-in'], {}], (type) => send(type))),
    'send, no type': send('sign-in', { type: undefined }),
    ...named('send, email', each(['x', 'a@b', 'ada@example.com ', 'ada@@example.com', 'é@example.com', `${'x'.repeat(300)}@example.com`], (email) => send('sign-in', { email }))),
    ...oddFields('/email-otp/send-verification-otp', { email: EMAIL, type: 'sign-in' }),
    ...oddBodies('/email-otp/send-verification-otp'),
    'send, signed in': send('sign-in', {}, BY),
    'send, from elsewhere': send('sign-in', {}, { headers: { origin: ELSEWHERE } }),
    'send, from elsewhere, signed in': send('sign-in', {}, { ...BY, headers: { origin: ELSEWHERE } }),
    'send, cross-site navigation': send('sign-in', {}, { headers: { origin: null, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } }),
    'send, a browser without an origin': send('sign-in', {}, { headers: { origin: null, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' } }),
    'send, without an origin': send('sign-in', {}, { headers: { origin: null } }),
    'send, a callbackURL elsewhere': send('sign-in', { callbackURL: ELSEWHERE }),
    'send, GET': GET('/email-otp/send-verification-otp'),
    'send, twice of two types': [send('sign-in'), send('forget-password'), check('sign-in'), check('forget-password')],
    // check-verification-otp
    ...named('check, right', each(TYPES, (type) => [send(type), check(type)])),
    ...named('check, of another type', each(TYPES.slice(1), (type) => [send('sign-in'), check(type), check('sign-in')])),
    'check, in capitals': [send(), check('sign-in', { email: 'ADA@EXAMPLE.com' })],
    'check, of another’s email': [send(), check('sign-in', { email: 'vera@example.com' })],
    'check, of nobody': [send('sign-in', { email: NOBODY }), check('sign-in', { email: NOBODY }), check('sign-in', { email: NOBODY })],
    'check, of a user who is gone': [send(), `DELETE FROM "user" WHERE id = '{{ada.id}}'`, check()],
    'check, without a code': check('sign-in', { otp: '123456' }),
    'check, no email': check('sign-in', { email: 'x', otp: '1' }),
    'check, too often wrong': [send(), ...times(4, check('sign-in', WRONG)), check(), check()],
    'check, expired': [send(), EXPIRED, check(), check()],
    'check, change-email': [row(`change-email-otp-${EMAIL}`, '123456:0'), check('change-email', { otp: '123456' })],
    'check, GET': GET('/email-otp/check-verification-otp'),
    ...oddFields('/email-otp/check-verification-otp', { email: EMAIL, type: 'sign-in', otp: '1' }),
    ...oddBodies('/email-otp/check-verification-otp'),
    // Rows as somebody else may have left them.
    ...named(
      'a row of value',
      each(['123456', '123456:', '123456:x', '123456:2', '123456:3', '123456:99', '123456:-1', '12:34:1', ':0', '', '123456:1x', '123456: 2', '123456:2.9', '123456:1e1'], (value) => [
        row(`sign-in-otp-${EMAIL}`, value),
        check('sign-in', { otp: '123456' }),
        check('sign-in', { otp: '' }),
        check('sign-in', { otp: '12:34' }),
        check('sign-in', { otp: '123456' }),
      ]),
    ),
    'two rows, the newer expired': [row(`sign-in-otp-${EMAIL}`, '111111:0', '1 minute'), row(`sign-in-otp-${EMAIL}`, '222222:0', '0', '-1 second'), check('sign-in', { otp: '111111' })],
    'two rows, the older': [row(`sign-in-otp-${EMAIL}`, '111111:0', '1 minute'), row(`sign-in-otp-${EMAIL}`, '222222:0'), check('sign-in', { otp: '111111' }), check('sign-in', { otp: '222222' })],
    'two rows, the older one out of attempts': [row(`sign-in-otp-${EMAIL}`, '111111:3', '1 minute'), row(`sign-in-otp-${EMAIL}`, '222222:0'), check('sign-in', { otp: '222222' })],
    // sign-in/email-otp
    'sign-in, unverified: what was there before is gone': [send(), signIn(), GET('/get-session', BY), byPassword()],
    'sign-in, unverified: as one who is signed in': [send(), signIn({}, BY), GET('/get-session', { jar: true })],
    'sign-in, verified: what was there before stays': [
      VERIFY_ADA, send(), signIn(), GET('/get-session', BY), byPassword(),
    ],
    'sign-in, verified, of a user with providers': [send('sign-in', { email: 'vera@example.com' }), signIn({ email: 'vera@example.com' })],
    'sign-in, unverified, of a user with providers': [
      `UPDATE "user" SET "emailVerified" = false WHERE id = '{{vera.id}}'`,
      send('sign-in', { email: 'vera@example.com' }),
      signIn({ email: 'vera@example.com' }),
      GET('/list-accounts', { jar: true }),
    ],
    'sign-in, in capitals': [send('sign-in', { email: 'Ada@Example.com' }), signIn({ email: 'ADA@example.COM' })],
    'sign-in, a name and an image of one who is known': [send(), signIn({ name: 'Other', image: 'https://example.com/x.png' })],
    ...named(
      'sign-in of a new user',
      each(
        [
          { name: 'New' }, { name: '' }, { name: 'New', image: 'https://example.com/new.png' }, { image: '' }, { name: 'é <b>' }, { unknown: 1, role: 'admin' },
          { emailVerified: false, id: 'mine', createdAt: '2000-01-01T00:00:00.000Z' }, { rememberMe: false },
        ],
        (fields) => [send('sign-in', { email: NOBODY }), signIn({ email: NOBODY, ...fields }), GET('/get-session', { jar: true })],
      ),
    ),
    ...named('sign-in, not found valid', each([{ name: 5 }, { name: null }, { image: 5 }, { image: null }, { otp: 5 }, { email: null }], (fields) => [send('sign-in', { email: NOBODY }), signIn({ email: NOBODY, ...fields })])),
    'sign-in of a new user, in capitals': [send('sign-in', { email: 'Nobody@Example.com' }), signIn({ email: 'NOBODY@example.com' })],
    'sign-in of a new user, signed in as another': [send('sign-in', { email: NOBODY }), signIn({ email: NOBODY }, { by: 'vera' }), GET('/get-session', { by: 'vera' })],
    'sign-in of a new user, then again': [send('sign-in', { email: NOBODY }), signIn({ email: NOBODY }), send('sign-in', { email: NOBODY }), signIn({ email: NOBODY })],
    'sign-in of a new user, from a browser': [send('sign-in', { email: NOBODY }), signIn({ email: NOBODY }, { headers: { 'user-agent': 'Mozilla/5.0', 'x-forwarded-for': '203.0.113.9' } })],
    'sign-in, with the code of another type': [send('email-verification'), signIn(), verify()],
    'sign-in, with another’s code': [send(), signIn({ email: 'vera@example.com' })],
    'sign-in, from elsewhere': [send(), signIn({}, { headers: { origin: ELSEWHERE } })],
    'sign-in, from elsewhere, signed in': [send(), signIn({}, { ...BY, headers: { origin: ELSEWHERE } })],
    'sign-in, no email at all': signIn({ email: 'x', otp: '1' }),
    'sign-in, a callbackURL elsewhere': [send(), signIn({ callbackURL: ELSEWHERE })],
    'sign-in, a form': { ...POST('/sign-in/email-otp'), raw: 'email=ada%40example.com&otp=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    'sign-in, spaces around the code': [send(), signIn({ otp: ` ${CODE} ` }), signIn()],
    'sign-in, other digits': [row(`sign-in-otp-${EMAIL}`, '123456:0'), signIn({ otp: '１２３４５６' }), signIn({ otp: '123456' })],
    ...oddFields('/sign-in/email-otp', { email: EMAIL, otp: '1', name: 'x', image: 'x' }),
    ...oddBodies('/sign-in/email-otp'),
    // verify-email
    'verify-email, signed in': [send('email-verification'), verify({}, BY), GET('/get-session', BY)],
    'verify-email, signed in as another': [send('email-verification'), verify({}, { by: 'vera' }), GET('/get-session', { by: 'vera' })],
    'verify-email, verified': [send('email-verification', { email: 'vera@example.com' }), verify({ email: 'vera@example.com' })],
    'verify-email, in capitals': [send('email-verification'), verify({ email: 'ADA@Example.com' })],
    'verify-email, wrong': [send('email-verification'), verify(WRONG), verify()],
    'verify-email, too often wrong': [send('email-verification'), ...times(4, verify(WRONG)), verify()],
    'verify-email, twice': [send('email-verification'), verify(), verify()],
    'verify-email, expired': [send('email-verification'), EXPIRED, verify()],
    'verify-email, no email': verify({ email: 'x', otp: '1' }),
    'verify-email, of nobody': [row(`email-verification-otp-${NOBODY}`, '123456:0'), verify({ email: NOBODY, otp: '123456' })],
    'verify-email, by a session that is due': [aged('1 hour', '-1 hour'), send('email-verification'), verify({}, BY)],
    ...oddFields('/email-otp/verify-email', { email: EMAIL, otp: '1' }),
    ...oddBodies('/email-otp/verify-email'),
    // request-password-reset and its older name
    ...Object.assign(
      {},
      ...Object.entries({ 'request-password-reset': ask, 'forget-password': askOld }).map(([name, how]) =>
        named(name, {
          'known': how(),
          'nobody': decoy(`forget-password-otp-${NOBODY}`, how({ email: NOBODY })),
          'in capitals': how({ email: 'ADA@EXAMPLE.COM' }),
          'without a password': how({ email: 'gina@example.com' }),
          'no email': how({ email: 'x' }),
          'and reset': [how(), reset({}, BY), byPassword('a new password'), GET('/get-session', BY)],
          ...oddFields(how === ask ? '/email-otp/request-password-reset' : '/forget-password/email-otp', { email: EMAIL }),
          ...oddBodies(how === ask ? '/email-otp/request-password-reset' : '/forget-password/email-otp'),
        }),
      ),
    ),
    // reset-password
    'reset-password, unverified': differs(
      'unprovenReset',
      [ask(), resetAsIs(), GET('/get-session', BY)],
      [200, true, 1],
      [200, true, 0],
      ({ answers, rows }) => [
        answers[1].status,
        rows.user.find(({ email }) => email === EMAIL).emailVerified,
        rows.session.filter(({ token }) => token === '<ada.token>').length,
      ],
    ),
    'reset-password, verified': [ask({ email: 'vera@example.com' }), reset({ email: 'vera@example.com' })],
    'reset-password, of a user without a password': [
      ask({ email: 'gina@example.com' }),
      reset({ email: 'gina@example.com' }),
      POST('/sign-in/email', { email: 'gina@example.com', password: 'a new password' }),
    ],
    'reset-password, of a user without an account': [`DELETE FROM account`, ask(), reset(), byPassword('a new password')],
    'reset-password, too short, then right': [ask(), reset({ password: 'short' }), reset({ password: 'p'.repeat(129) }), reset()],
    'reset-password, wrong, then right': [ask(), reset(WRONG), reset()],
    'reset-password, wrong and too short': [ask(), reset({ ...WRONG, password: 'short' })],
    'reset-password, too often wrong': [ask(), ...times(4, reset(WRONG)), reset(), byPassword()],
    'reset-password, twice': [ask(), reset(), reset({ password: 'another password' }), byPassword('a new password')],
    'reset-password, checked first': [ask(), check('forget-password'), reset(), byPassword('a new password')],
    'reset-password, with a code of another type': [send('sign-in'), reset()],
    'reset-password, expired': [ask(), EXPIRED, reset()],
    'reset-password, no email': reset({ email: 'x', otp: '1' }),
    'reset-password, of a user who is gone': [ask(), `DELETE FROM "user" WHERE id = '{{ada.id}}'`, reset(), reset()],
    'reset-password, with NUL': [ask(), reset({ password: 'with\0a NUL' }), byPassword('with\0a NUL')],
    ...oddFields('/email-otp/reset-password', { email: EMAIL, otp: '1', password: 'a new password' }),
    ...oddBodies('/email-otp/reset-password'),
    // What isn't on.
    'request-email-change': askChange(),
    'request-email-change, signed out': askChange({}, { by: undefined }),
    'change-email': change({ otp: '1' }),
    'change-email, signed out': change({ otp: '1' }, { by: undefined }),
    // What has no route.
    'createVerificationOTP': POST('/email-otp/create-verification-otp', { email: EMAIL, type: 'sign-in' }),
    'getVerificationOTP': GET(`/email-otp/get-verification-otp?email=${EMAIL}&type=sign-in`),
    // What the plugin must not change.
    'sign-up': up(),
    'send-verification-email': POST('/send-verification-email', { email: EMAIL }),
    // Differences
    'a code of an email with capitals, of an import': differs(
      'storedCapitals',
      [`UPDATE "user" SET email = 'Ada@example.com' WHERE id = '{{ada.id}}'`, send('sign-in'), signIn(), `SELECT 1`],
      4,
      3,
      ({ rows }) => rows.user.length,
    ),
    'a code with NUL': differs('nul', [signIn({ email: 'a\0b', otp: 'x' })], [500, ''], [400, 'VALIDATION_ERROR']),
    'a long email': differs('longEmail', [send('sign-in', { email: `${'x'.repeat(2100)}@example.com` })], [200, undefined], [400, 'INVALID_EMAIL']),
    'an older token of a link': differs(
      'orphanedTokens',
      [row('reset-password:older', ID.ada, '1 minute', '1 hour'), ask(), reset()],
      ['reset-password:older'],
      [],
      identifiers,
    ),
  }),
  group(', hashed', { storeOTP: 'hashed' }, { email_otp_store_otp: 'hashed' }, { ...flows, 'send': send(), 'a row in plain': [row(`sign-in-otp-${EMAIL}`, '123456:0'), signIn({ otp: '123456' })] }),
  group(', encrypted', { storeOTP: 'encrypted' }, { email_otp_store_otp: 'encrypted' }, {
    ...flows,
    'send': send(),
    'a row in plain': differs('brokenCode', [row(`sign-in-otp-${EMAIL}`, '123456:0'), signIn({ otp: '123456' })], [500, ''], [400, 'INVALID_OTP']),
  }),
  group(
    ', otpLength, expiresIn, allowedAttempts',
    { otpLength: 9, expiresIn: 60, allowedAttempts: 1 },
    { email_otp_otp_length: 9, email_otp_expires_in: 60, email_otp_allowed_attempts: 1 },
    { 'send': send(), 'wrong, then right': [send(), signIn(WRONG), signIn()], 'right': [send(), signIn()], 'reset': [ask(), reset(WRONG), reset()] },
  ),
  group(', allowedAttempts 5', { allowedAttempts: 5 }, { email_otp_allowed_attempts: 5 }, {
    'five wrong': [send(), ...times(5, signIn(WRONG)), signIn()],
    'four wrong': [send(), ...times(4, signIn(WRONG)), signIn()],
  }),
  group(', disableSignUp', { disableSignUp: true }, { email_otp_disable_sign_up: 'on' }, {
    'known': [send(), signIn()],
    'nobody': decoy(`sign-in-otp-${NOBODY}`, send('sign-in', { email: NOBODY })),
    'nobody, with a code': [row(`sign-in-otp-${NOBODY}`, '123456:0'), signIn({ email: NOBODY, otp: '123456' })],
  }),
  group(', resendStrategy reuse', { resendStrategy: 'reuse' }, { email_otp_resend_strategy: 'reuse' }, {
    ...flows,
    'twice': [send(), send()],
    'twice, of three types': TYPES.flatMap((type) => [send(type), send(type)]),
    'attempts stay': [send(), signIn(WRONG), signIn(WRONG), send(), signIn(WRONG), send(), signIn()],
    'expired': [send(), EXPIRED, send(), signIn()],
    'prolonged': [send(), `UPDATE verification SET "expiresAt" = now() + interval '30 seconds'`, send()],
    'of two rows both': [row(`sign-in-otp-${EMAIL}`, '111111:0', '1 minute', '10 seconds'), row(`sign-in-otp-${EMAIL}`, '222222:0', '0', '10 seconds'), send(), signIn()],
    'a row without a code': [row(`sign-in-otp-${EMAIL}`, ':0'), send(), signIn()],
    'reset': [ask(), ask(), reset()],
    'nobody, twice': decoy(`forget-password-otp-${NOBODY}`, ask({ email: NOBODY })),
  }),
  group(', resendStrategy reuse, encrypted', { resendStrategy: 'reuse', storeOTP: 'encrypted' }, { email_otp_resend_strategy: 'reuse', email_otp_store_otp: 'encrypted' }, {
    'twice': [send(), send(), signIn()],
  }),
  group(', resendStrategy reuse, hashed', { resendStrategy: 'reuse', storeOTP: 'hashed' }, { email_otp_resend_strategy: 'reuse', email_otp_store_otp: 'hashed' }, {
    'twice': [send(), send(), signIn()],
  }),
  group(', sendVerificationOnSignUp', { sendVerificationOnSignUp: true }, { email_otp_send_verification_on_sign_up: 'on' }, {
    'a new user': [up(), verify({ email: 'eve@example.com' })],
    'a taken email': up({ email: EMAIL }),
    'what is refused': up({ password: 'short' }),
    'sign-in of a new user': [send('sign-in', { email: NOBODY }), signIn({ email: NOBODY })],
    'sign-in by password': byPassword(),
  }),
  group(
    ', sendVerificationOnSignUp, requireEmailVerification',
    { sendVerificationOnSignUp: true },
    { email_otp_send_verification_on_sign_up: 'on', require_email_verification: 'on', send_verification_email: 'off' },
    { 'a new user': up(), 'a taken email': up({ email: EMAIL }), 'sign-in': byPassword() },
    { more: () => ({ emailAndPassword: { requireEmailVerification: true }, emailVerification: { sendVerificationEmail: undefined } }) },
  ),
  group(
    ', overrideDefaultEmailVerification',
    { overrideDefaultEmailVerification: true },
    { email_otp_override_default_email_verification: 'on' },
    {
      'send-verification-email': POST('/send-verification-email', { email: EMAIL }),
      'send-verification-email, signed in': POST('/send-verification-email', { email: EMAIL }, BY),
      'send-verification-email, verified': decoy('email-verification-otp-vera@example.com', POST('/send-verification-email', { email: 'vera@example.com' })),
      'send-verification-email, verified, who has a code': differs(
        'decoy',
        [
          send('email-verification', { email: 'vera@example.com' }),
          POST('/send-verification-email', { email: 'vera@example.com' }),
          verify({ email: 'vera@example.com' }),
        ],
        [200, undefined],
        [400, 'INVALID_OTP'],
      ),
      'send-verification-email, nobody': decoy(`email-verification-otp-${NOBODY}`, POST('/send-verification-email', { email: NOBODY })),
      'and verify': [POST('/send-verification-email', { email: EMAIL }), verify()],
      'sign-up': up(),
    },
    { more: () => ({ emailVerification: { sendVerificationEmail: undefined } }) },
  ),
  group(
    ', overrideDefaultEmailVerification, sendOnSignUp',
    { overrideDefaultEmailVerification: true, sendVerificationOnSignUp: true },
    { email_otp_override_default_email_verification: 'on', email_otp_send_verification_on_sign_up: 'on', send_verification_on_sign_up: 'on' },
    { 'sign-up': [up(), verify({ email: 'eve@example.com' })], 'a taken email': up({ email: EMAIL }) },
    { more: () => ({ emailVerification: { sendVerificationEmail: undefined, sendOnSignUp: true } }) },
  ),
  group(
    ', overrideDefaultEmailVerification, requireEmailVerification',
    { overrideDefaultEmailVerification: true },
    { email_otp_override_default_email_verification: 'on', require_email_verification: 'on', send_verification_on_sign_in: 'on' },
    { 'sign-up': up(), 'a taken email': decoy(`email-verification-otp-${EMAIL}`, up({ email: EMAIL })), 'sign-in': byPassword() },
    { more: () => ({ emailAndPassword: { requireEmailVerification: true }, emailVerification: { sendVerificationEmail: undefined, sendOnSignIn: true } }) },
  ),
  group(', changeEmail', { changeEmail: { enabled: true } }, { email_otp_change_email_enabled: 'on' }, {
    'the whole': [askChange(), change({}, { jar: (jar, known) => jar }), GET('/get-session', BY)],
    'the whole, verified': [VERIFY_ADA, askChange(), change(), GET('/get-session', BY)],
    'signed out': [askChange({}, { by: undefined }), change({ otp: '1' }, { by: undefined })],
    'a session that is dead': [`DELETE FROM session`, askChange()],
    'a taken one': answersAs('decoy', [askChange({ newEmail: 'vera@example.com' })], [askChange({ newEmail: 'vera@example.com' }), row(`change-email-otp-${ID.ada}:vera@example.com`, '123456:0')]),
    'a taken one, in capitals': answersAs('decoy', [askChange({ newEmail: 'VERA@example.com' })], [askChange({ newEmail: 'VERA@example.com' }), row(`change-email-otp-${ID.ada}:vera@example.com`, '123456:0')]),
    'one that was taken meanwhile': [askChange(), `UPDATE "user" SET email = 'new@example.com' WHERE id = '{{vera.id}}'`, change()],
    'mine': [askChange({ newEmail: EMAIL }), change({ newEmail: EMAIL, otp: '1' })],
    'mine, in capitals': [askChange({ newEmail: 'ADA@Example.com' }), change({ newEmail: 'ADA@Example.com', otp: '1' })],
    'no email': [askChange({ newEmail: 'x' }), change({ newEmail: 'x', otp: '1' })],
    'in capitals': [askChange({ newEmail: 'New@Example.com' }), change({ newEmail: 'NEW@example.com' })],
    'an otp that nobody wants': askChange({ otp: '1' }),
    'wrong, then right': [askChange(), change(WRONG), change()],
    'too often wrong': [askChange(), ...times(4, change(WRONG)), change()],
    'twice': [askChange(), change(), change()],
    'another’s code': [askChange(), change({}, { by: 'vera' }), change()],
    'expired': [askChange(), EXPIRED, change()],
    'two addresses': [askChange({ newEmail: 'other@example.com' }), askChange(), change({ newEmail: 'other@example.com' }), change()],
    'from elsewhere': askChange({}, { headers: { origin: ELSEWHERE } }),
    'without a request': change({ otp: '123456' }),
    'reuse is not for it': [askChange(), askChange()],
    ...oddFields('/email-otp/request-email-change', { newEmail: 'new@example.com', otp: '1' }, BY),
    ...oddBodies('/email-otp/request-email-change', BY),
    ...oddFields('/email-otp/change-email', { newEmail: 'new@example.com', otp: '1' }, BY),
    ...oddBodies('/email-otp/change-email', BY),
  }),
  group(
    ', changeEmail, verifyCurrentEmail',
    { changeEmail: { enabled: true, verifyCurrentEmail: true } },
    { email_otp_change_email_enabled: 'on', email_otp_change_email_verify_current_email: 'on' },
    {
      'the whole': [send('email-verification'), askChange({ otp: CODE }), change(), GET('/get-session', BY)],
      'without a code': [askChange(), askChange({ otp: '' })],
      'a wrong code': [send('email-verification'), askChange({ otp: 'wrong!' }), askChange({ otp: CODE })],
      'a code of another type': [send('sign-in'), askChange({ otp: CODE })],
      'too often wrong': [send('email-verification'), ...times(4, askChange({ otp: 'wrong!' })), askChange({ otp: CODE })],
      'mine': askChange({ newEmail: EMAIL, otp: '1' }),
    },
  ),
  group(
    ', autoSignInAfterVerification',
    {},
    { auto_sign_in_after_verification: 'on' },
    {
      'signed out': [send('email-verification'), verify(), GET('/get-session', { jar: true })],
      'signed in': [send('email-verification'), verify({}, BY)],
      'verified': [send('email-verification', { email: 'vera@example.com' }), verify({ email: 'vera@example.com' })],
    },
    { more: () => ({ emailVerification: { autoSignInAfterVerification: true } }) },
  ),
  group(
    ', a cookie cache',
    {},
    { cookie_cache: 'on' },
    {
      'sign-in': [send(), signIn()],
      'verify-email, signed in': [byPassword(), send('email-verification'), verify({}, { jar: withoutData }), GET('/get-session', { jar: true })],
      'verify-email, signed out': [send('email-verification'), verify()],
    },
    { more: () => ({ session: { cookieCache: { enabled: true } } }) },
  ),
  group(', revokeSessionsOnPasswordReset', {}, { revoke_sessions_on_password_reset: 'on' }, { 'reset': [ask(), reset({}, BY), GET('/get-session', BY), GET('/get-session', { by: 'vera' })] }, {
    more: () => ({ emailAndPassword: { revokeSessionsOnPasswordReset: true } }),
  }),
  group(
    ', rate limits',
    {},
    { rate_limit: 'on', rate_limit_storage: 'database' },
    named(
      'four times',
      {
        'send': times(4, send()),
        'check': times(4, check('sign-in', { otp: '1' })),
        'verify-email': times(4, verify({ otp: '1' })),
        'sign-in': times(4, signIn({ otp: '1' })),
        'request-password-reset': times(4, ask()),
        'reset-password': times(4, reset({ otp: '1' })),
        'forget-password': times(4, askOld()),
        'request-email-change': times(4, askChange()),
        'change-email': times(4, change({ otp: '1' })),
      },
    ),
    { more: () => ({ rateLimit: { enabled: true } }) },
  ),
  group(', rateLimit', { rateLimit: { window: 30, max: 1 } }, { rate_limit: 'on', rate_limit_storage: 'database', email_otp_rate_limit_window: 30, email_otp_rate_limit_max: 1 }, { 'send': times(2, send()), 'sign-in': times(2, signIn({ otp: '1' })) }, {
    more: () => ({ rateLimit: { enabled: true } }),
  }),
];
