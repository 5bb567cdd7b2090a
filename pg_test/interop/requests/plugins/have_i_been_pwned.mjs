// The plugin have-i-been-pwned: passwords that are known from breaches.

import { createHash } from 'node:crypto';
import { admin, emailOTP, haveIBeenPwned, phoneNumber } from 'better-auth/plugins';
import { POST } from '../../http.mjs';
import { PASSWORD, VERIFY_ADA, each, named } from '../common.mjs';

const NEW = 'nobody@example.com';
const EMAIL = 'ada@example.com';
const BY = { by: 'ada' };
const PWNED = 'known to everybody';

/** What the service answers about each password: of its digits behind the fifth, in capitals. */
const LINES = {
  [PWNED]: (suffix) => `0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n${suffix}:42\r\nFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF:3`,
  'in small letters': (suffix) => `${suffix.toLowerCase()}:1`,
  'last line, with its end': (suffix) => `00:1\n${suffix}:1\n`,
  'seen, in two lines': (suffix) => `${suffix}:0\n${suffix}:1`,
  'that is padding': (suffix) => `${suffix}:0`,
  'without a count': (suffix) => `${suffix}:`,
  'without a colon': (suffix) => suffix,
  'a count that is none': (suffix) => `${suffix}:x`,
  'a count with a sign': (suffix) => `${suffix}:+1`,
  'a count with a zero': (suffix) => `${suffix}:01`,
  'a count with a space': (suffix) => `${suffix}: 1`,
  'a negative count': (suffix) => `${suffix}:-1`,
  'a broken count': (suffix) => `${suffix}:1.5`,
  'a count in another form': (suffix) => `${suffix}:1e3`,
  'the largest count': (suffix) => `${suffix}:9007199254740991`,
  'too large a count': (suffix) => `${suffix}:9007199254740992`,
  'a space before the line': (suffix) => ` ${suffix}:1`,
  'a page': () => '<html></html>',
  'nothing at all': () => '',
  'some object': () => '{"error":"later"}',
  'a null in it': () => 'null',
  'a JSON text': (suffix) => JSON.stringify(`${suffix}:1`),
  'a number alone': () => '5',
};
const STATUSES = { 'status 404': 404, 'status 429': 429, 'status 500': 500, 'status 302': 302, 'status 304': 304, 'status 204': 204 };

const ANSWERS = new Map();
for (const password of [...Object.keys(LINES), ...Object.keys(STATUSES), 'out of reach', 'pässword \u{1f600}']) {
  const digits = createHash('sha1').update(password).digest('hex').toUpperCase();
  const status = STATUSES[password];
  const answer = status ? { status, body: [204, 304].includes(status) ? null : 'x' } : { body: (LINES[password] ?? LINES[PWNED])(digits.slice(5)) };
  ANSWERS.set(digits.slice(0, 5), password === 'out of reach' ? undefined : { type: 'text/plain', ...answer });
}
const outside = ({ url }) => {
  const prefix = url.replace(/^https:\/\/api\.pwnedpasswords\.com\/range\//, '');
  return ANSWERS.has(prefix) ? ANSWERS.get(prefix) : { body: '0018A45C4D1DEF81644B54AB7F969B88D65:1', type: 'text/plain' };
};

const signUp = (password, fields) => POST('/sign-up/email', { email: NEW, name: 'New', password, ...fields });
const change = (newPassword, fields) => POST('/change-password', { currentPassword: PASSWORD, newPassword, ...fields }, BY);
const signIn = (password, email = EMAIL) => POST('/sign-in/email', { email, password });
const forgot = POST('/request-password-reset', { email: EMAIL });
const reset = (newPassword, token = '{{mail.token}}') => POST('/reset-password', { newPassword, token });

const columns = { plugins: 'have-i-been-pwned', options: () => ({ plugins: [haveIBeenPwned()] }) };
const group = (name, options, settings, cases, { plugins = () => [], more = {}, ...rest } = {}) => ({
  name: `have-i-been-pwned${name}`,
  columns,
  options: (send) => ({ plugins: [haveIBeenPwned(options), ...plugins(send)], ...more }),
  settings,
  outside,
  cases,
  ...rest,
});

const few = { 'sign-up': signUp(PWNED), 'sign-up, good': signUp('a good one'), 'change': change(PWNED), 'change, good': [change('a good one'), signIn('a good one')] };

const withOtp = {
  plugins: 'have-i-been-pwned, email-otp, phone-number, admin',
  options: (send) => ({ plugins: [haveIBeenPwned(), ...others(send)] }),
};
const others = (send) => [
  emailOTP({ sendVerificationOTP: ({ email, otp, type }) => send.message({ kind: 'verification-otp', recipient: email, token: otp, type }) }),
  phoneNumber({ sendOTP: ({ phoneNumber: number, code }) => send.message({ kind: 'phone-number-otp', recipient: number, token: code, phoneNumber: number }), sendPasswordResetOTP: ({ phoneNumber: number, code }) => send.message({ kind: 'phone-number-password-reset', recipient: number, token: code, phoneNumber: number }) }),
  admin(),
];
const byOtp = (password, otp = '{{mail.token}}') => POST('/email-otp/reset-password', { email: EMAIL, otp, password });
const askOtp = POST('/email-otp/request-password-reset', { email: EMAIL });
const ADMIN = `UPDATE "user" SET role = 'admin' WHERE id = '{{ada.id}}'`;
const create = (fields) => POST('/admin/create-user', { email: NEW, name: 'New', ...fields }, BY);
const setFor = (newPassword, userId = '{{vera.id}}') => POST('/admin/set-user-password', { newPassword, userId }, BY);

export default [
  group('', {}, {}, {
    ...named('sign-up', each([...Object.keys(LINES), ...Object.keys(STATUSES), 'out of reach', 'pässword \u{1f600}', 'nobody has this one'], (password) => [signUp(password), signIn(password, NEW)])),
    'sign-up, known to be taken': signUp(PWNED, { email: EMAIL }),
    'sign-up, too short': signUp('x'),
    'sign-up, too long': signUp('x'.repeat(129)),
    'sign-up, a wrong field': signUp(PWNED, { email: 'x' }),
    'change': [change(PWNED), signIn(PASSWORD)],
    'change, good': [change('a good one'), signIn('a good one'), signIn(PASSWORD)],
    'change, good, all others out': change('a good one', { revokeOtherSessions: true }),
    'change, the current one is wrong': change(PWNED, { currentPassword: 'wrong password' }),
    'change, good, the current one is wrong': change('a good one', { currentPassword: 'wrong password' }),
    'change, without a password': POST('/change-password', { currentPassword: PASSWORD, newPassword: PWNED }, { by: 'gina' }),
    'change, out of reach': [change('out of reach'), signIn(PASSWORD)],
    'change, without a session': POST('/change-password', { currentPassword: PASSWORD, newPassword: PWNED }),
    'reset, and then with a good one': [forgot, reset(PWNED), reset('out of reach'), reset('a good one'), reset('a good one'), signIn('a good one')],
    'reset, a wrong token': [forgot, reset(PWNED, 'x'), reset(PWNED)],
    'reset, too short': [forgot, reset('x')],
    'sign-in with a known one': [`UPDATE account SET password = password`, signIn(PWNED)],
    'verify': POST('/verify-password', { password: PWNED }, BY),
  }),
  group(', a message of one’s own', { customPasswordCompromisedMessage: 'Too well known.' }, { have_i_been_pwned_custom_password_compromised_message: 'Too well known.' }, few),
  group(', off', { enabled: false }, { have_i_been_pwned_enabled: 'off' }, few),
  group(', paths', { paths: ['/change-password'] }, { have_i_been_pwned_paths: '/change-password' }, few),
  group(', discreet', {}, { auto_sign_in: 'off' }, {
    ...few,
    'sign-up, taken': signUp(PWNED, { email: EMAIL }),
    'sign-up, taken, good': signUp('a good one', { email: EMAIL }),
    'sign-up, taken, out of reach': signUp('out of reach', { email: EMAIL }),
  }, { more: { emailAndPassword: { autoSignIn: false } } }),
  group(', other plugins', {}, {}, {
    'email-otp': [VERIFY_ADA, askOtp, byOtp(PWNED), byOtp('a good one'), signIn('a good one')],
    'email-otp, a wrong code': [VERIFY_ADA, askOtp, byOtp(PWNED, '000000'), byOtp(PWNED), byOtp('a good one')],
    'email-otp, four wrong codes': [VERIFY_ADA, askOtp, ...Array.from({ length: 4 }, () => byOtp(PWNED, '000000')), byOtp(PWNED), byOtp('a good one')],
    'email-otp, nobody asked': byOtp(PWNED, '123456'),
    'email-otp, too short': [askOtp, byOtp('x')],
    'email-otp, out of reach': [VERIFY_ADA, askOtp, byOtp('out of reach'), byOtp('a good one')],
    'phone-number': [
      `UPDATE "user" SET "phoneNumber" = '+4911', "phoneNumberVerified" = true WHERE id = '{{ada.id}}'`,
      POST('/phone-number/request-password-reset', { phoneNumber: '+4911' }),
      POST('/phone-number/reset-password', { phoneNumber: '+4911', otp: '000000', newPassword: PWNED }),
      POST('/phone-number/reset-password', { phoneNumber: '+4911', otp: '{{mail.token}}', newPassword: PWNED }),
      POST('/phone-number/reset-password', { phoneNumber: '+4911', otp: '{{mail.token}}', newPassword: 'a good one' }),
      signIn('a good one'),
    ],
    'admin, create': [ADMIN, create({ password: PWNED }), create({ password: 'a good one' }), signIn('a good one', NEW)],
    'admin, create, out of reach': [ADMIN, create({ password: 'out of reach' }), create({})],
    'admin, create, taken': [ADMIN, create({ email: 'vera@example.com', password: PWNED })],
    'admin, create, who may not': create({ password: PWNED }),
    'admin, set': [ADMIN, setFor(PWNED), setFor('a good one'), signIn('a good one', 'vera@example.com')],
    'admin, set, nobody': [ADMIN, setFor(PWNED, 'x')],
    'admin, set, who may not': setFor(PWNED),
  }, { columns: withOtp, plugins: others }),
];
