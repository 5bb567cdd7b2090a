// The phone-number plugin: codes by SMS, and what they are good for.

import { phoneNumber } from 'better-auth/plugins';
import { GET, POST } from '../../http.mjs';
import { PASSWORD, differs, each, named, oddBodies, oddFields } from '../common.mjs';

const PHONE = '+15551234567';
const OTHER = '+15557654321';
const PHONED = `UPDATE "user" SET "phoneNumber" = '${PHONE}', "phoneNumberVerified" = true WHERE id = '{{ada.id}}';
  UPDATE "user" SET "phoneNumber" = '+44', "phoneNumberVerified" = true WHERE id = '{{gina.id}}'`;
const UNVERIFIED = `UPDATE "user" SET "phoneNumber" = '${PHONE}', "phoneNumberVerified" = false WHERE id = '{{ada.id}}'`;
const BY = { by: 'ada' };
const CODE = '{{mail.token}}';
const WRONG = '0000000'; // of no length that a code has

const send = (fields, options) => POST('/phone-number/send-otp', { phoneNumber: PHONE, ...fields }, options);
const verify = (fields, options) => POST('/phone-number/verify', { phoneNumber: PHONE, code: CODE, ...fields }, options);
const signIn = (fields, options) => POST('/sign-in/phone-number', { phoneNumber: PHONE, password: PASSWORD, ...fields }, options);
const forget = (fields, options) => POST('/phone-number/request-password-reset', { phoneNumber: PHONE, ...fields }, options);
const reset = (fields, options) =>
  POST('/phone-number/reset-password', { phoneNumber: PHONE, otp: CODE, newPassword: 'a new password', ...fields }, options);
const me = (options = BY) => GET('/get-session', options);
const up = (fields) => POST('/sign-up/email', { name: 'Eve', email: 'eve@example.com', password: PASSWORD, ...fields });
const update = (fields, options = BY) => POST('/update-user', fields, options);
const signInByEmail = (password = PASSWORD) => POST('/sign-in/email', { email: 'ada@example.com', password });
const times = (count, step) => Array.from({ length: count }, () => step);
const expire = `UPDATE verification SET "expiresAt" = now() - interval '1 second'`;
const phoned = (steps) => [PHONED, steps].flat();
const HUGE = '1'.repeat(20_000);
const INVALID = [400, 'INVALID_PHONE_NUMBER'];
const all = (before, cases) => Object.fromEntries(Object.entries(cases).map(([name, step]) => [name, [before, step].flat()]));

// What goes out is UTF-8.
const sms = (send, kind) => ({ phoneNumber, code }) => {
  const recipient = phoneNumber.toWellFormed();
  return send.message({ kind, recipient, token: code, phoneNumber: recipient });
};
const plugin = (options) => (send) => ({
  plugins: [
    phoneNumber({ sendOTP: sms(send, 'phone-number-otp'), sendPasswordResetOTP: sms(send, 'phone-number-password-reset'), ...options }),
  ],
});
const columns = { plugins: 'phone-number', options: plugin() };
const signUp = {
  signUpOnVerification: {
    getTempEmail: (number) => `Temp-${number.replace(/\D/g, '')}@Example.com`,
    getTempName: (number) => `User ${number}`,
  },
};
const SIGN_UP = {
  phone_number_sign_up_on_verification: 'on',
  phone_number_temp_email: 'Temp-{digits}@Example.com',
  phone_number_temp_name: 'User {phoneNumber}',
};

export default [
  {
    name: 'phone number',
    columns,
    cases: {
      'send a code': send(),
      'send another': [send(), send()],
      ...oddFields('/phone-number/send-otp', { phoneNumber: PHONE }),
      '/phone-number/send-otp, phoneNumber: huge': differs('longNumber', [send({ phoneNumber: HUGE })], [200, undefined], INVALID),
      ...oddBodies('/phone-number/send-otp'),
      ...named('send a code to', each(['+1 (555) 123-4567', 'ada@example.com', '１２３', 'x:1', '+1555\u200b1234567'], (number) => send({ phoneNumber: number }))),
      'send a code to a number that is known': phoned(send()),

      'verify a number that nobody has': [send(), verify()],
      'verify a user’s number': phoned([send(), verify()]),
      'verify, and the session works': phoned([send(), verify({}, { as: 'new' }), me({ by: 'new' })]),
      'verify twice': phoned([send(), verify(), verify()]),
      'verify with no code asked for': phoned(verify({ code: '123456' })),
      'verify with a wrong code': phoned([send(), verify({ code: WRONG })]),
      'verify with a wrong code, then the right one': phoned([send(), verify({ code: WRONG }), verify()]),
      'verify with two wrong codes, then the right one': phoned([send(), ...times(2, verify({ code: WRONG })), verify()]),
      'verify with three wrong codes, then the right one': phoned([send(), ...times(3, verify({ code: WRONG })), verify(), verify()]),
      'three wrong codes, then another code': phoned([send(), ...times(3, verify({ code: WRONG })), send(), verify()]),
      'verify with the code and more': phoned([send(), verify({ code: `${CODE}:0` }), verify({ code: ` ${CODE}` }), verify({ code: '' })]),
      'verify with an expired code': phoned([send(), expire, verify()]),
      'verify with an expired, wrong code': phoned([send(), expire, verify({ code: WRONG }), verify()]),
      'verify with another number’s code': phoned([send({ phoneNumber: OTHER }), verify()]),
      'verify while signed in as another': phoned([send(), verify({}, { by: 'vera' })]),
      'verify, disableSession': phoned([send(), verify({ disableSession: true })]),
      'verify, disableSession, while signed in': phoned([send(), verify({ disableSession: true }, { by: 'vera' })]),
      ...all([PHONED, send()], oddFields('/phone-number/verify', { phoneNumber: PHONE, code: '{{mail.token}}', disableSession: false, updatePhoneNumber: false })),
      ...all(PHONED, oddBodies('/phone-number/verify')),
      'verify with attempts that are no number': phoned([`INSERT INTO verification (id, identifier, value, "expiresAt", "createdAt", "updatedAt")
        VALUES ('v', 'phone-number-otp-${PHONE}', '123456:x', now() + interval '1 minute', now(), now())`, verify({ code: WRONG }), verify({ code: '123456' })]),
      'verify with a value without attempts': phoned([`INSERT INTO verification (id, identifier, value, "expiresAt", "createdAt", "updatedAt")
        VALUES ('v', 'phone-number-otp-${PHONE}', '123456', now() + interval '1 minute', now(), now())`, verify({ code: WRONG }), verify({ code: '123456' })]),
      'verify with a value of three parts': phoned([`INSERT INTO verification (id, identifier, value, "expiresAt", "createdAt", "updatedAt")
        VALUES ('v', 'phone-number-otp-${PHONE}', '123456:1:2', now() + interval '1 minute', now(), now())`, verify({ code: WRONG }), verify({ code: '123456' })]),

      'updatePhoneNumber': [send(), verify({ updatePhoneNumber: true }, BY), me()],
      'updatePhoneNumber, and with it sign in': [send(), verify({ updatePhoneNumber: true }, BY), signIn(), send(), verify()],
      'updatePhoneNumber, from another one': phoned([send({ phoneNumber: OTHER }), verify({ phoneNumber: OTHER, updatePhoneNumber: true }, BY), me()]),
      'updatePhoneNumber without a session': [send(), verify({ updatePhoneNumber: true })],
      'updatePhoneNumber to a taken one': phoned([send(), verify({ updatePhoneNumber: true }, { by: 'vera' })]),
      'updatePhoneNumber to one’s own': phoned([send(), verify({ updatePhoneNumber: true }, BY)]),
      'updatePhoneNumber with a wrong code': [send(), verify({ updatePhoneNumber: true, code: WRONG }, BY), me()],
      'updatePhoneNumber and disableSession': [send(), verify({ updatePhoneNumber: true, disableSession: true }, BY), me()],

      'sign-in': phoned(signIn()),
      'sign-in, and the session works': phoned([signIn({}, { as: 'new' }), me({ by: 'new' })]),
      'sign-in, not remembered': phoned(signIn({ rememberMe: false })),
      ...all(PHONED, oddFields('/sign-in/phone-number', { phoneNumber: PHONE, password: PASSWORD, rememberMe: true })),
      '/sign-in/phone-number, phoneNumber: huge': differs('longNumber', [signIn({ phoneNumber: HUGE })], [401, 'INVALID_PHONE_NUMBER_OR_PASSWORD'], INVALID),
      ...all(PHONED, oddBodies('/sign-in/phone-number')),
      'sign-in, unknown': phoned(signIn({ phoneNumber: OTHER })),
      'sign-in, unknown, with a password that is too long': phoned(signIn({ phoneNumber: OTHER, password: 'p'.repeat(129) })),
      'sign-in with a wrong password': phoned(signIn({ password: 'wrong password' })),
      'sign-in of a user without password': phoned(signIn({ phoneNumber: '+44' })),
      'sign-in of a user whose account has no password': phoned(['UPDATE account SET password = NULL', signIn()]),
      'sign-in with an unverified number': [UNVERIFIED, signIn()],
      'sign-in with a callbackURL': phoned(signIn({ callbackURL: '/x' })),
      'sign-in with a callbackURL elsewhere': phoned(signIn({ callbackURL: 'https://elsewhere.example' })),

      'ask for a reset': phoned(forget()),
      'ask for a reset, unknown': forget(),
      'ask for a reset of an unverified number': [UNVERIFIED, forget()],
      ...oddFields('/phone-number/request-password-reset', { phoneNumber: PHONE }),
      '/phone-number/request-password-reset, phoneNumber: huge': differs('longNumber', [forget({ phoneNumber: HUGE })], [200, undefined], INVALID),
      'reset': phoned([forget(), reset(), signIn(), signIn({ password: 'a new password' })]),
      'reset, and sessions stay': phoned([forget(), reset(), me()]),
      'reset twice': phoned([forget(), reset(), reset({ newPassword: 'another password' })]),
      'reset with a wrong code': phoned([forget(), reset({ otp: WRONG }), reset()]),
      'reset with three wrong codes': phoned([forget(), ...times(3, reset({ otp: WRONG })), reset(), reset()]),
      'reset with an expired code': phoned([forget(), expire, reset()]),
      'reset with no code asked for': phoned(reset({ otp: '123456' })),
      'reset with a short password': phoned([forget(), reset({ newPassword: 'short' }), reset()]),
      'reset with a long password': phoned([forget(), reset({ newPassword: 'p'.repeat(129) }), reset()]),
      'reset with the code of a sign-in': phoned([send(), reset()]),
      'verify with the code of a reset': phoned([forget(), verify()]),
      'reset of who has no password': phoned([forget({ phoneNumber: '+44' }), reset({ phoneNumber: '+44' }), signIn({ phoneNumber: '+44', password: 'a new password' })]),
      'reset of a number that was given up': phoned([forget(), `UPDATE "user" SET "phoneNumber" = NULL`, reset(), reset(), reset(), reset(), reset()]),
      'reset of an unverified number': [UNVERIFIED, forget(), reset(), signIn({ password: 'a new password' })],
      ...all([PHONED, forget()], oddFields('/phone-number/reset-password', { phoneNumber: PHONE, otp: '{{mail.token}}', newPassword: 'a new password' })),
      ...all(PHONED, oddBodies('/phone-number/reset-password')),

      'sign-up with a number': up({ phoneNumber: PHONE }),
      'sign-up with a number that is taken': phoned(up({ phoneNumber: PHONE })),
      'sign-up with an empty number': up({ phoneNumber: '' }),
      'sign-up with a number that is null': up({ phoneNumber: null }),
      'sign-up with phoneNumberVerified': up({ phoneNumberVerified: true }),
      'sign-up with phoneNumberVerified false': up({ phoneNumberVerified: false }),
      'sign-up with both': up({ phoneNumber: PHONE, phoneNumberVerified: true }),
      ...named(
        'update-user with',
        each(
          [
            { phoneNumber: OTHER }, { phoneNumber: '' }, { phoneNumber: null }, { phoneNumber: null, name: 'Augusta' }, { phoneNumberVerified: true },
            { phoneNumberVerified: false }, { phoneNumberVerified: false, name: 'Augusta' }, { phoneNumber: null, phoneNumberVerified: true }, { phoneNumber: PHONE },
            { phoneNumber: 5 }, { phoneNumber: {} },
          ],
          (fields) => phoned([update(fields), me()]),
        ),
      ),
      'update-user with a number, without a session': update({ phoneNumber: OTHER }, {}),
      'the columns are shown': phoned([me(), me({ by: 'vera' })]),
      'no route: consume': phoned([send(), POST('/phone-number/consume-otp', { phoneNumber: PHONE, code: CODE }), POST('/consume-phone-number-otp', {})]),
    },
  },
  {
    name: 'phone number, signUpOnVerification',
    columns,
    options: plugin(signUp),
    settings: SIGN_UP,
    cases: {
      'verify': [send(), verify()],
      'verify, and the session works': [send(), verify({}, { as: 'new' }), me({ by: 'new' })],
      'verify a user’s number': phoned([send(), verify()]),
      'verify, disableSession': [send(), verify({ disableSession: true })],
      'verify with other fields': [send(), verify({ name: 'Mallory', email: 'mallory@example.com', emailVerified: true, image: 'i', id: 'x' })],
      'verify with phoneNumberVerified': [send(), verify({ phoneNumberVerified: true })],
      'verify with phoneNumberVerified false': [send(), verify({ phoneNumberVerified: false })],
      'verify with rememberMe': [send(), verify({ rememberMe: false })],
      'verify with a wrong code': [send(), verify({ code: WRONG })],
      'verify twice': [send(), verify(), send(), verify()],
      'verify while signed in': [send(), verify({}, BY)],
      'updatePhoneNumber without a session': [send(), verify({ updatePhoneNumber: true })],
      'another number': [send({ phoneNumber: '+44 20' }), verify({ phoneNumber: '+44 20' })],
    },
  },
  {
    name: 'phone number, requireVerification',
    columns,
    options: plugin({ requireVerification: true }),
    settings: { phone_number_require_verification: 'on' },
    cases: {
      'sign-in': phoned(signIn()),
      'sign-in, unverified': [UNVERIFIED, signIn()],
      'sign-in, unverified, with a wrong password': [UNVERIFIED, signIn({ password: 'wrong password' })],
      'sign-in, unverified, with a password that is too long': [UNVERIFIED, signIn({ password: 'p'.repeat(129) })],
      'sign-in, unverified, three wrong codes': [UNVERIFIED, signIn(), ...times(3, verify({ code: WRONG })), verify()],
      'sign-in, unknown': signIn(),
      'ask for a reset': phoned(forget()),
      'ask for a reset, unverified': [UNVERIFIED, forget()],
      'reset': phoned([forget(), reset(), signIn({ password: 'a new password' })]),
      'reset, unverified meanwhile': phoned([forget(), UNVERIFIED, reset(), reset()]),
    },
  },
  {
    name: 'phone number, other numbers',
    columns,
    options: plugin({ otpLength: 8, expiresIn: 60, allowedAttempts: 1, phoneNumberValidator: (number) => /^\+[0-9]{5,15}$/.test(number) }),
    settings: {
      phone_number_otp_length: 8,
      phone_number_expires_in: 60,
      phone_number_allowed_attempts: 1,
      phone_number_phone_number_validator: '^\\+[0-9]{5,15}$',
    },
    cases: {
      'send a code': send(),
      ...named('send a code to', each(['+1234', '15551234567', '+1555123456\n', ' +15551234567', '', 'x'], (number) => send({ phoneNumber: number }))),
      'verify': phoned([send(), verify()]),
      'one wrong code': phoned([send(), verify({ code: WRONG }), verify(), verify()]),
      'sign-in with an invalid number': phoned(signIn({ phoneNumber: '+44' })),
      'ask for a reset of an invalid number': phoned(forget({ phoneNumber: '+44' })),
      'reset of an invalid number': phoned([forget({ phoneNumber: '+44' }), reset({ phoneNumber: '+44' })]),
    },
  },
  {
    name: 'phone number, no senders',
    columns,
    options: plugin({ sendOTP: undefined, sendPasswordResetOTP: undefined, requireVerification: true }),
    settings: { phone_number_send_otp: 'off', phone_number_send_password_reset_otp: 'off', phone_number_require_verification: 'on' },
    cases: {
      'send a code': send(),
      'send a code to nothing': send({ phoneNumber: '' }),
      'ask for a reset': phoned(forget()),
      'sign-in, unverified': [UNVERIFIED, signIn()],
    },
  },
  {
    name: 'phone number, revokeSessionsOnPasswordReset',
    columns,
    options: (send) => ({ ...plugin()(send), emailAndPassword: { revokeSessionsOnPasswordReset: true } }),
    settings: { revoke_sessions_on_password_reset: 'on' },
    cases: {
      'reset': phoned([forget(), reset(), me()]),
      'reset with a wrong code': phoned([forget(), reset({ otp: WRONG }), me()]),
    },
  },
  {
    name: 'phone number, a cookie cache',
    columns,
    options: (send) => ({ ...plugin()(send), session: { cookieCache: { enabled: true } } }),
    settings: { cookie_cache: 'on' },
    cases: {
      'updatePhoneNumber': [signInByEmail(), send(), verify({ updatePhoneNumber: true }, { jar: true }), me({ jar: true })],
      'updatePhoneNumber with a session that was revoked': [signInByEmail(), send(), 'DELETE FROM session', verify({ updatePhoneNumber: true }, { jar: true })],
      'verify': phoned([send(), verify(), me({ jar: true })]),
    },
  },
  {
    name: 'phone number, rate limit',
    columns,
    options: (send) => ({ ...plugin()(send), rateLimit: { enabled: true } }),
    settings: { rate_limit: 'on', rate_limit_storage: 'database' },
    cases: {
      'ten of a kind a minute': times(11, send()),
      'and each kind by itself': [...times(10, send()), verify({ code: WRONG }), forget()],
      'sign-in has its own': times(4, signIn()),
    },
  },
];
