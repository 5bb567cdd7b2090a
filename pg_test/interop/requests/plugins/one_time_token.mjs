// The plugin one-time-token: a token that hands a session on.

import { oneTimeToken } from 'better-auth/plugins';
import { GET, POST, TOKEN } from '../../http.mjs';
import { PASSWORD, aged, differs, oddBodies, oddFields } from '../common.mjs';

const EMAIL = 'ada@example.com';
const BY = { by: 'ada' };
const ELSEWHERE = 'https://elsewhere.example';

const make = (options) => GET('/one-time-token/generate', { ...BY, gives: 'ott', ...options });
const verify = (fields, options) => POST('/one-time-token/verify', { token: '{{ott.token}}', ...fields }, options);
const byPassword = (options) => POST('/sign-in/email', { email: EMAIL, password: PASSWORD }, options);
const EXPIRED = `UPDATE verification SET "expiresAt" = now() - interval '1 second'`;
const row = (token, value = TOKEN.ada, expires = '5 minutes', ago = '0') =>
  `INSERT INTO verification (id, identifier, value, "expiresAt", "createdAt", "updatedAt")
   VALUES (md5('${token}${ago}'), 'one-time-token:${token}', '${value}', now() + interval '${expires}', now() - interval '${ago}', now())`;

const columns = { plugins: 'one-time-token', options: () => ({ plugins: [oneTimeToken()] }) };
const group = (name, options, settings, cases, { more = () => ({}), ...rest } = {}) => ({
  name: `one-time-token${name}`,
  columns,
  options: (send) => ({ plugins: [oneTimeToken(options)], ...more(send) }),
  settings,
  cases,
  ...rest,
});

const flows = {
  'the whole': [make(), verify(), GET('/get-session', { jar: true })],
  'twice': [make(), verify(), verify()],
  'expired': [make(), EXPIRED, verify(), verify()],
  'two': [make(), make(), verify()],
};

export default [
  group('', {}, {}, {
    ...flows,
    // generate
    'generate': make(),
    'generate, signed out': GET('/one-time-token/generate'),
    'generate, a dead session': [`DELETE FROM session`, GET('/one-time-token/generate', BY)],
    'generate, a session that is due': [aged('1 hour', '-1 hour'), make()],
    'generate, a session that has expired': [aged('-1 hour', '-8 days'), GET('/one-time-token/generate', BY)],
    'generate, from elsewhere': make({ headers: { origin: ELSEWHERE } }),
    'generate, POST': POST('/one-time-token/generate', {}, BY),
    'generate, a badly signed cookie': GET('/one-time-token/generate', { cookie: `better-auth.session_token=${TOKEN.ada}.x` }),
    // verify
    'verify, signed in as another': [make(), verify({}, { by: 'vera' }), GET('/get-session', { jar: true })],
    'verify, signed in as the same': [make(), verify({}, BY)],
    'verify, signed out meanwhile': [make(), POST('/sign-out', {}, BY), verify(), verify()],
    'verify, the session expired meanwhile': differs(
      'expiredSession',
      [make(), aged('-1 second', '-7 days'), verify()],
      [400, '{"message":"Session expired"}', 1],
      [400, '{"message":"Session expired"}', 0],
      ({ answers }) => [answers.at(-1).status, answers.at(-1).body, answers.at(-1).cookies.length],
    ),
    'verify, the user gone meanwhile': [make(), `DELETE FROM "user" WHERE id = '{{ada.id}}'`, verify()],
    'verify, a session that is due': [aged('1 hour', '-1 hour'), make(), verify()],
    'verify, not remembered': [
      POST('/sign-in/email', { email: EMAIL, password: PASSWORD, rememberMe: false }, { as: 'brief' }),
      make({ jar: true, by: undefined }),
      verify(),
      verify({}, { jar: true }),
    ],
    'verify, a cookie that is not remembered': [
      make(),
      POST('/sign-in/email', { email: 'vera@example.com', password: PASSWORD, rememberMe: false }),
      verify({}, { jar: true }),
    ],
    'verify, unknown': verify({ token: 'x' }),
    'verify, empty': verify({ token: '' }),
    'verify, a session’s token': verify({ token: TOKEN.ada }),
    'verify, an identifier is no token': [row('mine'), verify({ token: 'one-time-token:mine' }), verify({ token: 'mine' })],
    'verify, a row of no session': [row('mine', 'nothing'), verify({ token: 'mine' })],
    'verify, a row of an empty session': [row('mine', ''), verify({ token: 'mine' })],
    'verify, two rows, the newer expired': [row('mine', TOKEN.vera, '5 minutes', '1 minute'), row('mine', TOKEN.ada, '-1 second'), verify({ token: 'mine' }), verify({ token: 'mine' })],
    'verify, two rows of two sessions': [row('mine', TOKEN.vera, '5 minutes', '1 minute'), row('mine', TOKEN.ada), verify({ token: 'mine' })],
    'verify, another kind of token': [POST('/request-password-reset', { email: EMAIL }), verify({ token: '{{mail.token}}' })],
    'verify, from elsewhere': [make(), verify({}, { headers: { origin: ELSEWHERE } })],
    'verify, from elsewhere, signed in': [make(), verify({}, { by: 'vera', headers: { origin: ELSEWHERE } }), verify()],
    'verify, without an origin': [make(), verify({}, { headers: { origin: null } })],
    'verify, GET': GET('/one-time-token/verify?token=x'),
    'verify, a callbackURL elsewhere': verify({ token: 'x', callbackURL: ELSEWHERE }),
    'verify, in the query': POST('/one-time-token/verify?token=x', {}),
    ...oddFields('/one-time-token/verify', { token: 'x' }),
    ...oddBodies('/one-time-token/verify'),
    'verify, a token with NUL': differs('nul', [verify({ token: 'a\0b' })], [500, ''], [400, 'VALIDATION_ERROR']),
    'sign-in': byPassword(),
  }),
  group(', hashed', { storeToken: 'hashed' }, { one_time_token_store_token: 'hashed' }, { ...flows, 'a token as it is stored': [row('mine'), verify({ token: 'mine' })] }),
  group(', expiresIn', { expiresIn: 60 }, { one_time_token_expires_in: 3600 }, { 'the whole': flows['the whole'] }),
  group(', disableClientRequest', { disableClientRequest: true }, { one_time_token_disable_client_request: 'on' }, {
    'generate': GET('/one-time-token/generate', BY),
    'generate, signed out': GET('/one-time-token/generate'),
    'verify': [row('mine'), verify({ token: 'mine' })],
  }),
  group(', disableSetSessionCookie', { disableSetSessionCookie: true }, { one_time_token_disable_set_session_cookie: 'on' }, {
    ...flows,
    'signed in as another': [make(), verify({}, { by: 'vera' })],
    'the session expired meanwhile': [make(), aged('-1 second', '-7 days'), verify()],
  }),
  group(', setOttHeaderOnNewSession', { setOttHeaderOnNewSession: true }, { one_time_token_set_ott_header_on_new_session: 'on' }, {
    ...flows,
    'sign-in': byPassword(),
    'sign-in, wrong': POST('/sign-in/email', { email: EMAIL, password: 'a wrong password' }),
    'sign-up': POST('/sign-up/email', { email: 'eve@example.com', name: 'Eve', password: PASSWORD }),
    'get-session': GET('/get-session', BY),
    'get-session, prolonged': [aged('1 hour', '-1 hour'), GET('/get-session', BY)],
    'update-user': POST('/update-user', { name: 'Other' }, BY),
    'change-password': POST('/change-password', { currentPassword: PASSWORD, newPassword: 'a new password', revokeOtherSessions: true }, BY),
    'sign-out': POST('/sign-out', {}, BY),
    'nothing': GET('/nothing'),
  }),
  group(', setOttHeaderOnNewSession, hashed', { setOttHeaderOnNewSession: true, storeToken: 'hashed' }, { one_time_token_set_ott_header_on_new_session: 'on', one_time_token_store_token: 'hashed' }, {
    'sign-in': byPassword(),
  }),
  group(', a cookie cache', {}, { cookie_cache: 'on' }, {
    'the whole': [byPassword(), make({ jar: true, by: undefined }), verify(), GET('/get-session', { jar: true })],
  }, { more: () => ({ session: { cookieCache: { enabled: true } } }) }),
  group(', rate limits', {}, { rate_limit: 'on', rate_limit_storage: 'database' }, { 'verify four times': Array.from({ length: 4 }, () => verify({ token: 'x' })) }, { more: () => ({ rateLimit: { enabled: true } }) }),
];
