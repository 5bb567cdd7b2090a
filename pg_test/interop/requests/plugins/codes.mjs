// email-otp, magic-link and one-time-token together with the plugins that have something to say to a sign-in.

import { admin, anonymous, bearer, emailOTP, lastLoginMethod, magicLink, multiSession, oneTimeToken, username } from 'better-auth/plugins';
import { GET, POST } from '../../http.mjs';
import { VERIFY_ADA } from '../common.mjs';

const EMAIL = 'ada@example.com';
const NOBODY = 'nobody@example.com';
const AS = { by: 'anon' };
const CODE = '{{mail.token}}';

const anon = POST('/sign-in/anonymous', undefined, { as: 'anon' });
const send = (email = EMAIL, type = 'sign-in') => POST('/email-otp/send-verification-otp', { email, type });
const enter = (fields, options) => POST('/sign-in/email-otp', { email: EMAIL, otp: CODE, ...fields }, options);
const verify = (fields, options) => POST('/email-otp/verify-email', { email: EMAIL, otp: CODE, ...fields }, options);
const ask = (email = EMAIL) => POST('/sign-in/magic-link', { email, name: 'New' });
const open = (options) => GET('/magic-link/verify?token={{mail.token}}', options);
const me = (options = { jar: true }) => GET('/get-session', options);
const BANNED = `${VERIFY_ADA}; UPDATE "user" SET banned = true WHERE id = '{{ada.id}}'`;

const ours = 'email-otp, magic-link, one-time-token, anonymous, bearer, last-login-method, multi-session, admin, username';
const theirs = (send, more = {}) => [
  emailOTP({ sendVerificationOTP: ({ email, otp, type }) => send.message({ kind: 'verification-otp', recipient: email, token: otp, type }) }),
  magicLink({ sendMagicLink: ({ email, url, token, metadata }) => send.message({ kind: 'magic-link', recipient: email, url, token, metadata }) }),
  oneTimeToken(more.ott),
  anonymous(),
  bearer(),
  lastLoginMethod(),
  multiSession(),
  admin(),
  username(),
];

const cases = {
  'a code': [send(), enter({}, { as: 'in' }), me({ by: 'in' })],
  'a code of a new user': [send(NOBODY), enter({ email: NOBODY, name: 'New' }), me()],
  'a code of a new user with a name': [send(NOBODY), enter({ email: NOBODY, username: 'Newcomer' }), me()],
  'a code of a new user with a bad name': [send(NOBODY), enter({ email: NOBODY, username: 'a' })],
  'a code of a new user with a role': [send(NOBODY), enter({ email: NOBODY, role: 'admin' })],
  'a code of a new user with a ban': [send(NOBODY), enter({ email: NOBODY, banned: false, banReason: '' })],
  'a link': [ask(), open(), me()],
  'a link of a new user': [ask(NOBODY), open(), me()],
  'two codes of two users, one device': [
    send(), enter(), send('vera@example.com'), enter({ email: 'vera@example.com' }, { jar: true }), GET('/multi-session/list-device-sessions', { jar: true }),
  ],
  'a code, wrong': [send(), enter({ otp: 'wrong!' })],
  'an anonymous user’s code': [anon, send(), enter({}, AS), me()],
  'an anonymous user’s code of a new user': [anon, send(NOBODY), enter({ email: NOBODY }, AS), me()],
  'an anonymous user’s link': [anon, ask(), open(AS), me()],
  'an anonymous user’s link of a new user': [anon, ask(NOBODY), open(AS), me()],
  'an anonymous user verifies an email': [anon, send(EMAIL, 'email-verification'), verify({}, AS), me(AS)],
  'an anonymous user’s one-time token': [
    anon, GET('/one-time-token/generate', { ...AS, gives: 'ott' }), POST('/one-time-token/verify', { token: '{{ott.token}}' }),
  ],
  'a banned user’s code': [BANNED, send(), enter()],
  'a banned user’s link': [BANNED, ask(), open()],
  'a banned user’s code of a password': [
    BANNED, POST('/email-otp/request-password-reset', { email: EMAIL }), POST('/email-otp/reset-password', { email: EMAIL, otp: CODE, password: 'a new password' }),
  ],
  'a one-time token by bearer': [
    GET('/one-time-token/generate', { headers: { authorization: 'Bearer {{ada.token}}' }, gives: 'ott' }),
    POST('/one-time-token/verify', { token: '{{ott.token}}' }),
    me(),
  ],
};

const columns = { plugins: ours, options: (send) => ({ plugins: theirs(send) }) };

export default [
  { name: 'codes and links with others', columns, cases },
  {
    name: 'codes and links with others, setOttHeaderOnNewSession',
    columns,
    options: (send) => ({ plugins: theirs(send, { ott: { setOttHeaderOnNewSession: true } }) }),
    settings: { one_time_token_set_ott_header_on_new_session: 'on' },
    cases: { 'a code': cases['a code'], 'a link of a new user': cases['a link of a new user'], 'an anonymous user': [anon] },
  },
];
