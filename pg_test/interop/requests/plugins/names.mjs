// anonymous, phone-number and username together, and with admin: what each does to the others' users.

import { admin, anonymous, phoneNumber, username } from 'better-auth/plugins';
import { GET, POST } from '../../http.mjs';
import { PASSWORD, differs, each, named } from '../common.mjs';

const PHONE = '+15551234567';
const NAMED = `UPDATE "user" SET username = 'ada_l', "displayUsername" = 'Ada_L', "phoneNumber" = '${PHONE}', "phoneNumberVerified" = true WHERE id = '{{ada.id}}'`;
const anon = POST('/sign-in/anonymous', undefined, { as: 'anon' });
const AS = { by: 'anon' };
const me = (options = AS) => GET('/get-session', options);
const send = (number = '+44') => POST('/phone-number/send-otp', { phoneNumber: number });
const verify = (fields, options) => POST('/phone-number/verify', { phoneNumber: '+44', code: '{{mail.token}}', ...fields }, options);
const up = (fields, options) => POST('/sign-up/email', { name: 'Eve', email: 'eve@example.com', password: PASSWORD, ...fields }, options);
const update = (fields, options = AS) => POST('/update-user', fields, options);

const columns = {
  plugins: 'anonymous, phone-number, username',
  options: (send) => ({
    plugins: [
      anonymous(),
      phoneNumber({
        sendOTP: ({ phoneNumber, code }) => send.message({ kind: 'phone-number-otp', recipient: phoneNumber, token: code, phoneNumber }),
        signUpOnVerification: { getTempEmail: (number) => `${number.slice(1)}@phone.example` },
      }),
      username(),
    ],
  }),
};
const settings = { phone_number_sign_up_on_verification: 'on', phone_number_temp_email: '{digits}@phone.example' };

const cases = {
  'an anonymous user signs in by name': [NAMED, anon, POST('/sign-in/username', { username: 'ada_l', password: PASSWORD }, AS), me()],
  'an anonymous user signs in by a wrong name': [NAMED, anon, POST('/sign-in/username', { username: 'ada', password: PASSWORD }, AS), me()],
  'an anonymous user signs in by number and password': [NAMED, anon, POST('/sign-in/phone-number', { phoneNumber: PHONE, password: PASSWORD }, AS), me()],
  'an anonymous user signs up by number': [anon, send(), verify({}, AS), me()],
  'an anonymous user proves a user’s number': [NAMED, anon, send(PHONE), verify({ phoneNumber: PHONE }, AS), me()],
  'an anonymous user proves a number without a session': [anon, send(), verify({ disableSession: true }, AS), me()],
  'an anonymous user adds a number': [anon, send(), verify({ updatePhoneNumber: true }, AS), me()],
  'an anonymous user has a name, and signs up with it': [anon, update({ username: 'Anon' }), up({ username: 'anon' }, AS), me()],
  'an anonymous user has a name, and signs up with another': [anon, update({ username: 'Anon' }), up({ username: 'eve' }, AS), me()],
  'an anonymous user with a number signs in by it': [anon, send(), verify({ updatePhoneNumber: true }, AS), send(), verify({}, AS), me()],
  ...named(
    'sign-up by number with',
    each(
      [{ username: 'Eve' }, { username: 'Eve', displayUsername: 'The Eve' }, { displayUsername: 'The Eve' }, { displayUsername: 'Eve' }, { username: 'a' }, { username: 'a b' }, { username: 'ADA_L' }, { username: '' }, { username: null }, { isAnonymous: true }, { isAnonymous: false }],
      (fields) => [NAMED, send(), verify(fields), POST('/is-username-available', { username: 'eve' })],
    ),
  ),
  'sign-up with a name and a number': up({ username: 'eve', phoneNumber: '+44' }),
  'sign-up with a taken name and a number': [NAMED, up({ username: 'ada_l', phoneNumber: '+44' })],
  'sign-up with all': up({ username: 'Eve', phoneNumber: null, isAnonymous: true }),
  'update-user with a name and a number': [NAMED, update({ username: 'augusta', phoneNumber: '+44' }, { by: 'ada' }), me({ by: 'ada' })],
  'update-user with a name, and the number given up': [NAMED, update({ username: 'augusta', phoneNumber: null }, { by: 'ada' }), me({ by: 'ada' })],
  'update-user with a taken name and a number': [NAMED, update({ username: 'ada_l', phoneNumber: '+44' }, { by: 'vera' })],
};

const ADMIN = `UPDATE "user" SET role = 'admin', username = 'root' WHERE id = '{{vera.id}}'`;
const make = (data) => POST('/admin/create-user', { name: 'Eve', email: 'eve@example.com', password: PASSWORD, data }, { by: 'vera' });
const change = (data, userId = '{{ada.id}}') => POST('/admin/update-user', { userId, data }, { by: 'vera' });
const administered = {
  ...named(
    'create-user with',
    each(
      [
        { username: 'Eve' }, { username: 'Eve', displayUsername: 'The Eve' }, { displayUsername: 'The Eve' }, { username: 'a' }, { username: 'a b' }, { username: 'ADA_L' },
        { username: '' }, { username: null }, { phoneNumber: '+44' }, { phoneNumber: '+44', phoneNumberVerified: true }, { phoneNumber: PHONE }, { phoneNumber: null },
        { username: 'Eve', phoneNumber: '+44', phoneNumberVerified: false },
      ],
      (data) => [NAMED, ADMIN, make(data)],
    ),
  ),
  ...named(
    'update-user with',
    each(
      [
        { username: 'Augusta' }, { username: 'Augusta', displayUsername: 'The Countess' }, { displayUsername: 'The Countess' }, { username: 'a' }, { username: 'a b' },
        { username: '' }, { username: null }, { phoneNumber: '+44' }, { phoneNumber: '+44', phoneNumberVerified: true }, { phoneNumberVerified: false }, { phoneNumber: null },
        { username: 'augusta', phoneNumber: '+44' },
      ],
      (data) => [NAMED, ADMIN, change(data), me({ by: 'ada' })],
    ),
  ),
  'update-user with no number that is verified': differs(
    'givenUpNumber',
    [NAMED, ADMIN, change({ phoneNumber: null, phoneNumberVerified: true })],
    true,
    false,
    ({ answers }) => JSON.parse(answers[0].body).phoneNumberVerified,
  ),
  'update-user with a name that somebody else has': [NAMED, ADMIN, change({ username: 'ADA_L' }, '{{gina.id}}')],
  'update-user with the administrator’s own name': [NAMED, ADMIN, change({ username: 'root' }, '{{vera.id}}')],
  'update-user with the name that the user has': differs('sameName', [NAMED, ADMIN, change({ username: 'Ada_L' })], [400, 'USERNAME_IS_ALREADY_TAKEN'], [200, undefined]),
};

export default [
  {
    name: 'admin, phone number and username',
    columns: { ...columns, plugins: 'admin, phone-number, username', options: (send) => ({ plugins: [admin(), ...columns.options(send).plugins.slice(1)] }) },
    settings,
    cases: administered,
  },
  { name: 'anonymous, phone number and username', columns, settings, cases },
  {
    name: 'username, phone number and anonymous',
    columns: { ...columns, plugins: 'username, phone-number, anonymous', options: (send) => ({ plugins: columns.options(send).plugins.toReversed() }) },
    settings,
    cases,
  },
];
