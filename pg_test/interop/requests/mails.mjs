// What mails lead to: send-verification-email and verify-email, request-password-reset and reset-password.

import { createHmac } from 'node:crypto';
import { GET, ID, POST, signJwt } from '../http.mjs';
import { BASE_URL, SECRET } from '../lib.mjs';
import { PASSWORD, VERIFY_ADA, aged, answersAs, differs, each, named, oddBodies, oddFields, withoutData } from './common.mjs';

const BY = { by: 'ada' };
const ELSEWHERE = 'https://elsewhere.example';
const EMAIL = 'ada@example.com';
const signIn = (password, options) => POST('/sign-in/email', { email: EMAIL, password }, options);

const send = (fields, options) => POST('/send-verification-email', { email: EMAIL, ...fields }, { ...BY, ...options });
const verify = (token, options, rest = '') => GET(`/verify-email?token=${token}${rest}`, options);
const claims = { email: EMAIL, userId: ID.ada };
const changing = { email: EMAIL, updateTo: 'new@example.com', requestType: 'change-email-verification', userId: ID.ada };
const OTHER_SECRET = 'another secret of the same length, nearly';

const b64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const handmade = (header, payload, secret = SECRET, algorithm = 'sha256') => {
  const signed = `${b64(header)}.${b64(payload)}`;
  return `${signed}.${createHmac(algorithm, secret).update(signed).digest('base64url')}`;
};
const HEADER = { alg: 'HS256' };
const now = () => Math.floor(Date.now() / 1000);
const later = () => now() + 3600;
const right = signJwt(claims);

const JWTS = {
  'right': right,
  'of another secret': signJwt(claims, { secret: OTHER_SECRET }),
  'expired': signJwt(claims, { expires: -10 }),
  'expired, of another secret': signJwt(claims, { expires: -10, secret: OTHER_SECRET }),
  'expiring in a minute': signJwt(claims, { expires: 60 }),
  'without userId': signJwt({ email: EMAIL }),
  'of another userId': signJwt({ email: EMAIL, userId: ID.vera }),
  'of an unknown userId': signJwt({ email: EMAIL, userId: 'x' }),
  'of a userId that is empty': signJwt({ email: EMAIL, userId: '' }),
  'of an unknown email': signJwt({ email: 'nobody@example.com' }),
  'of an email in capitals': signJwt({ email: 'ADA@EXAMPLE.COM' }),
  'of a verified email': signJwt({ email: 'vera@example.com' }),
  'of an unknown requestType': signJwt({ ...claims, requestType: 'x' }),
  'with alg none': `${b64({ alg: 'none' })}.${b64({ ...claims, exp: later() })}.`,
  'with alg none, signed': handmade({ alg: 'none' }, { ...claims, exp: later() }),
  'with alg HS512': handmade({ alg: 'HS512' }, { ...claims, exp: later() }, SECRET, 'sha512'),
  'with alg hs256': handmade({ alg: 'hs256' }, { ...claims, exp: later() }),
  'without alg': handmade({}, { ...claims, exp: later() }),
  'with crit': handmade({ alg: 'HS256', crit: ['x'], x: 1 }, { ...claims, exp: later() }),
  'with b64 false': handmade({ alg: 'HS256', crit: ['b64'], b64: false }, { ...claims, exp: later() }),
  'with an exp that is no number': handmade(HEADER, { ...claims, exp: 'tomorrow' }),
  'with an exp that is null': handmade(HEADER, { ...claims, exp: null }),
  'with an exp of now': handmade(HEADER, { ...claims, exp: now() }),
  'with nbf in the future': handmade(HEADER, { ...claims, exp: later(), nbf: later() }),
  'with nbf in the past': handmade(HEADER, { ...claims, exp: later(), nbf: now() - 5 }),
  'with nbf that is no number': handmade(HEADER, { ...claims, exp: later(), nbf: 'x' }),
  'with iat that is no number': handmade(HEADER, { ...claims, exp: later(), iat: 'x' }),
  'with a payload that is no object': handmade(HEADER, '"text"'),
  'with a payload that is an array': handmade(HEADER, '[]'),
  'with a payload that is no JSON': handmade(HEADER, '{'),
  'with a header that is no JSON': handmade('{', { ...claims, exp: later() }),
  'with more claims': signJwt({ ...claims, aud: 'x', iss: 'y', sub: 'z', jti: '1' }),
  'tampered': right.replace(/\.[^.]*\./, `.${b64({ ...claims, email: 'vera@example.com', exp: later() })}.`),
  'with something after it': `${right}x`,
  'with a dot after it': `${right}.`,
  'of two parts': right.split('.').slice(0, 2).join('.'),
  'of five parts': 'a.b.c.d.e',
  'empty': '',
  'garbage': 'garbage',
  'not ASCII': '%C3%A9',
  'with NUL': '%00',
  'to another email': signJwt(changing),
  'to another email, in capitals': signJwt({ ...changing, updateTo: 'New@Example.com' }),
  'to another email, confirmed': signJwt({ ...changing, requestType: 'change-email-confirmation' }),
  'to another email, of no requestType': signJwt({ ...changing, requestType: undefined }),
  'to another email, of an unknown requestType': signJwt({ ...changing, requestType: 'x' }),
  'to another email, without userId': signJwt({ ...changing, userId: undefined }),
  'to another email, of an empty userId': signJwt({ ...changing, userId: '' }),
  'to another email, of an unknown userId': signJwt({ ...changing, userId: 'x' }),
  'to another email, from one that it isn’t': signJwt({ ...changing, email: 'old@example.com' }),
  'to another email, from one in capitals': signJwt({ ...changing, email: 'ADA@example.com' }),
  'to another email, expired': signJwt(changing, { expires: -10 }),
  'to the same email': signJwt({ ...changing, updateTo: EMAIL }),
  'to an empty email': signJwt({ ...changing, updateTo: '' }),
};
// What Better Auth believes, or breaks at.
const MALFORMED = {
  'with typ': handmade({ alg: 'HS256', typ: 'JWT', kid: 'x' }, { ...claims, exp: later() }),
  'without times': handmade(HEADER, claims),
  'with a broken exp': handmade(HEADER, { ...claims, exp: later() + 0.5 }),
  'with iat in the future': handmade(HEADER, { ...claims, exp: later(), iat: later() }),
  'with a payload of whitespace': handmade(HEADER, ` { "email" : "${EMAIL}" } `),
  'padded': `${right}=`,
  'of a userId that is no text': signJwt({ email: EMAIL, userId: 5 }),
  'without an email': signJwt({ userId: ID.ada }),
  'of an email that is none': signJwt({ email: 'ada' }),
  'of an email that is null': signJwt({ email: null }),
  'of a requestType that is no text': signJwt({ ...claims, requestType: 5 }),
  'to an email that is no text': signJwt({ ...changing, updateTo: 5 }),
  'to an email that is null': signJwt({ ...changing, updateTo: null }),
};
// These, unless another user brings them.
const UNPROVABLE = {
  'to an email that is none': signJwt({ ...changing, updateTo: 'none' }),
};
const TAKEN = {
  'to a taken email': signJwt({ ...changing, updateTo: 'vera@example.com' }),
  'to a taken email, of no requestType': signJwt({ ...changing, updateTo: 'vera@example.com', requestType: undefined }),
};
const WAYS = {
  'JWT': [],
  'JWT by its user': [BY],
  'JWT with a callbackURL': [{}, '&callbackURL=/done?x=y%23z'],
};

const CALLBACKS = [
  '/', '/x?y=z', '/x?', '/x?y&', '/x#y', '/x?a=b#c', '/é x', `${BASE_URL}/x`, BASE_URL, `${BASE_URL}?x=y&error=z#f`, ELSEWHERE, '',
];
const to = (callbackURL) => `&callbackURL=${encodeURIComponent(callbackURL)}`;

const ask = (fields) => POST('/request-password-reset', { email: EMAIL, ...fields });
const reset = (fields, options) => POST('/reset-password', { token: '{{mail.token}}', newPassword: 'a new password', ...fields }, options);
const linked = (path) => GET(`/reset-password/${path}`);
const row = (identifier, expires = '1 hour', value = ID.ada, created = '0') =>
  `INSERT INTO verification (id, identifier, value, "expiresAt", "createdAt", "updatedAt")
   VALUES (md5('${identifier}${created}'), '${identifier}', '${value}', now() + interval '${expires}', now() + interval '${created}', now())`;
const EXPIRED = `UPDATE verification SET "expiresAt" = now() - interval '1 second'`;

export default [
  {
    name: 'send-verification-email',
    cases: {
      'mine': send(),
      'mine, with a callbackURL': send({ callbackURL: '/wel come?a=b&c' }),
      'mine, with an empty callbackURL': send({ callbackURL: '' }),
      'mine in capitals': send({ email: 'ADA@Example.com' }),
      'mine, verified': [VERIFY_ADA, send()],
      'another’s': send({ email: 'vera@example.com' }),
      'mine, by a session that is due': [aged('1 hour', '-1 hour'), send()],
      'signed out': send({}, { by: undefined }),
      'signed out, with a callbackURL': send({ callbackURL: `${BASE_URL}/x` }, { by: undefined }),
      'signed out, in capitals': send({ email: 'ADA@Example.com' }, { by: undefined }),
      'signed out, of a verified one': send({ email: 'vera@example.com' }, { by: undefined }),
      'signed out, of nobody': send({ email: 'nobody@example.com' }, { by: undefined }),
      'with a dead session': [`DELETE FROM session`, send()],
      'with a callbackURL elsewhere': send({ callbackURL: ELSEWHERE }),
      ...oddFields('/send-verification-email', { email: EMAIL, callbackURL: '/x' }, BY),
      ...oddBodies('/send-verification-email', BY),
      'and its link': [send(), GET('{{mail.url}}', BY), GET('{{mail.url}}', BY), GET('/get-session', BY)],
    },
  },
  {
    name: 'send-verification-email without a sender',
    options: () => ({ emailVerification: { sendVerificationEmail: undefined } }),
    settings: { send_verification_email: 'off' },
    cases: { 'mine': send(), 'signed out': send({}, { by: undefined }), 'no email': send({ email: 'x' }) },
  },
  {
    name: 'verify-email',
    cases: {
      ...Object.assign(
        {},
        ...Object.entries(WAYS).map(([way, how]) =>
          named(way, {
            ...each(JWTS, (token) => verify(token, ...how)),
            ...each({ ...MALFORMED, ...UNPROVABLE }, (token) => answersAs('emailTokens', verify(token, ...how), verify('x', ...how))),
            ...each(TAKEN, (token) =>
              differs(
                'emailTokens',
                [verify(token, ...how)],
                [500, ''],
                way === 'JWT with a callbackURL'
                  ? [302, '/done?x=y&error=USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL#z']
                  : [422, 'USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL'],
              ),
            ),
          }),
        ),
      ),
      ...named('JWT by another user', {
        ...each({ ...JWTS, ...UNPROVABLE, ...TAKEN }, (token) => verify(token, { by: 'vera' })),
        ...each(MALFORMED, (token) => answersAs('emailTokens', verify(token, { by: 'vera' }), verify('x', { by: 'vera' }))),
      }),
      ...named(
        'right, to',
        each(CALLBACKS, (callbackURL) => verify(right, {}, to(callbackURL))),
      ),
      ...named(
        'wrong, to',
        each(CALLBACKS, (callbackURL) => verify('x', {}, to(callbackURL))),
      ),
      ...named(
        'query',
        each(['', '?token', '?Token=x', '?token=a&token=b', '?token[]=a', '?callbackURL=/x', `?callbackURL=${ELSEWHERE}`], (query) =>
          GET(`/verify-email${query}`),
        ),
      ),
      'twice': [verify(right), verify(right)],
      'by a session that is due': [aged('1 hour', '-1 hour'), verify(signJwt(changing), BY)],
      'by a session that is dead': [`DELETE FROM session`, verify(signJwt(changing), BY)],
      'of a user that is stored in capitals': [
        `UPDATE "user" SET email = 'Ada@example.com' WHERE id = '{{ada.id}}'`,
        verify(signJwt({ ...changing, email: 'ada@example.com' })),
      ],
    },
  },
  {
    name: 'verify-email, autoSignInAfterVerification',
    options: () => ({ emailVerification: { autoSignInAfterVerification: true } }),
    settings: { auto_sign_in_after_verification: 'on' },
    cases: {
      'signed out': verify(right, { headers: { 'user-agent': 'curl', 'x-forwarded-for': '203.0.113.9' } }),
      'signed out, with a callbackURL': verify(right, {}, to('/done')),
      'signed in': verify(right, BY),
      'signed in as another': verify(right, { by: 'vera' }),
      'verified': verify(signJwt({ email: 'vera@example.com' })),
      'not remembered': [POST('/sign-in/email', { email: EMAIL, password: PASSWORD, rememberMe: false }), verify(right, { jar: true })],
      'not remembered, as another': [
        POST('/sign-in/email', { email: 'vera@example.com', password: PASSWORD, rememberMe: false }),
        verify(right, { jar: true }),
      ],
      'by a session that is due': [aged('1 hour', '-1 hour'), verify(right, BY)],
      'by a session that is dead': [`DELETE FROM session`, verify(right, BY)],
      'to another email': verify(signJwt(changing)),
      'to another email, of no requestType': verify(signJwt({ ...changing, requestType: undefined })),
      'wrong': verify('x'),
    },
  },
  {
    name: 'verify-email with a cookie cache',
    options: () => ({ emailVerification: { autoSignInAfterVerification: true }, session: { cookieCache: { enabled: true } } }),
    settings: { auto_sign_in_after_verification: 'on', cookie_cache: 'on' },
    cases: {
      'signed out': verify(right),
      'signed in': answersAs(
        'cachedWrites',
        ...[true, withoutData].map((jar) => [signIn(PASSWORD), verify(right, { jar }), GET('/get-session', { jar: true })]),
      ),
      'signed in, without session_data': verify(right, BY),
    },
  },
  {
    name: 'request-password-reset',
    cases: {
      'known': ask(),
      'unknown': ask({ email: 'nobody@example.com' }),
      'in capitals': ask({ email: 'ADA@EXAMPLE.COM' }),
      'of a user without a password': ask({ email: 'gina@example.com' }),
      ...oddFields('/request-password-reset', { email: EMAIL, redirectTo: '/reset' }),
      ...oddBodies('/request-password-reset'),
      ...named(
        'redirectTo',
        each(['/reset', '/a b?c=d&e#f', `${BASE_URL}/reset`, ELSEWHERE, '//x', 'x', '/é'], (redirectTo) => ask({ redirectTo })),
      ),
      'a callbackURL elsewhere': ask({ callbackURL: ELSEWHERE }),
      'twice': [ask(), ask()],
      'signed in': POST('/request-password-reset', { email: 'vera@example.com' }, BY),
    },
  },
  {
    name: 'request-password-reset without a sender',
    options: () => ({ emailAndPassword: { sendResetPassword: undefined } }),
    settings: { send_reset_password: 'off' },
    cases: {
      'known': ask(),
      'no email': ask({ email: 'x' }),
      'elsewhere': ask({ redirectTo: ELSEWHERE }),
      'reset': [row('reset-password:mine'), reset({ token: 'mine' })],
    },
  },
  {
    name: 'reset-password',
    cases: {
      'the whole': [
        ask({ redirectTo: '/reset' }),
        GET('{{mail.url}}'),
        reset(),
        signIn('a new password'),
        signIn(PASSWORD),
        GET('/get-session', BY),
      ],
      'twice': [ask(), reset(), reset({ newPassword: 'another password' }), signIn('a new password')],
      'of a user without a password': [
        ask({ email: 'gina@example.com' }),
        reset(),
        POST('/sign-in/email', { email: 'gina@example.com', password: 'a new password' }),
      ],
      'of a user whose password is null': [`UPDATE account SET password = NULL`, ask(), reset(), signIn('a new password')],
      'of a user without an account': [`DELETE FROM account`, ask(), reset(), signIn('a new password')],
      'of a user whose accountId is another': [
        `UPDATE account SET "accountId" = 'other' WHERE "providerId" = 'credential'`,
        ask(),
        reset(),
      ],
      'of a user who is gone': [ask(), `DELETE FROM "user" WHERE id = '{{ada.id}}'`, reset()],
      'an unverified email': [ask(), reset(), GET('/get-session', BY)],
      'too short, then right': [ask(), reset({ newPassword: 'short' }), reset({ newPassword: 'p'.repeat(129) }), reset()],
      'with NUL': [ask(), reset({ newPassword: 'with\0a NUL' }), signIn('with\0a NUL')],
      'with a lone surrogate': [ask(), reset({ newPassword: 'password\ud800' }), signIn('password\ufffd')],
      'expired': [ask(), EXPIRED, reset()],
      'unknown': reset({ token: 'x' }),
      'unknown and too short': reset({ token: 'x', newPassword: 'short' }),
      'empty': reset({ token: '' }),
      'missing': reset({ token: undefined }),
      'in the query': [ask(), POST('/reset-password?token={{mail.token}}', { newPassword: 'a new password' })],
      'in both': [ask(), POST('/reset-password?token=x', { newPassword: 'a new password', token: '{{mail.token}}' })],
      'empty in the body': [ask(), POST('/reset-password?token={{mail.token}}', { newPassword: 'a new password', token: '' })],
      'twice in the query': POST('/reset-password?token=a&token=b', { newPassword: 'a new password' }),
      'a delete token is none': [row('delete-account-mine'), reset({ token: 'mine' })],
      'an identifier is no token': [row('reset-password:mine'), reset({ token: 'reset-password:mine' })],
      'of a value that is no user': [row('reset-password:mine', '1 hour', 'nobody'), reset({ token: 'mine' })],
      'two rows of one token, the newer expired': [
        row('reset-password:mine', '1 hour', ID.ada, '-1 minute'),
        row('reset-password:mine', '-1 minute'),
        reset({ token: 'mine' }),
      ],
      'signed in as another': [ask(), reset({}, { by: 'vera' })],
      ...oddFields('/reset-password', { newPassword: 'a new password', token: 'x' }),
      ...oddBodies('/reset-password'),
      ...named(
        'link',
        each(
          [
            'x', 'x?callbackURL', 'x?callbackURL=', 'x?callbackURL=/a', 'x?callbackURL=/a?b=c%23d', 'x?callbackURL=/a&callbackURL=/b',
            `x?callbackURL=${ELSEWHERE}`, `x?callbackURL=${BASE_URL}/a?error=b`, 'x?callbackURL=/a/../b', 'x?callbackURL=/%20é',
            '%20?callbackURL=/a', 'x%2Fy?callbackURL=/a', '?callbackURL=/a', 'x/?callbackURL=/a', 'a/b?callbackURL=/a',
            'x?token=y&callbackURL=/a',
          ],
          linked,
        ),
      ),
      ...named(
        'known link',
        each(
          [
            '', '?callbackURL=', '?callbackURL=/a', '?callbackURL=/a?token=x', `?callbackURL=${BASE_URL}/a?b=c%23d`, '?callbackURL=/a%20b',
            `?callbackURL=${ELSEWHERE}`,
          ],
          (query) => [ask(), linked(`{{mail.token}}${query}`), linked(`{{mail.token}}${query}`)],
        ),
      ),
      'a link that is expired': [ask(), EXPIRED, linked('{{mail.token}}?callbackURL=/a')],
      'a link with an escape': [row('reset-password:a b'), linked('a%20b?callbackURL=/a'), linked('a+b?callbackURL=/a')],
      'an older token': differs(
        'orphanedTokens',
        [row('reset-password:older', '1 hour', ID.ada, '-1 minute'), ask(), reset()],
        ['reset-password:older'],
        [],
        ({ rows }) => rows.verification.map(({ identifier }) => identifier),
      ),
      'a token with NUL': differs('nul', [reset({ token: 'a\0b' })], [500, ''], [400, 'VALIDATION_ERROR']),
    },
  },
  {
    name: 'reset-password, resetPasswordTokenExpiresIn and revokeSessionsOnPasswordReset',
    options: () => ({ emailAndPassword: { resetPasswordTokenExpiresIn: 120, revokeSessionsOnPasswordReset: true } }),
    settings: { reset_password_token_expires_in: 120, revoke_sessions_on_password_reset: 'on' },
    cases: { 'asked': ask(), 'the whole': [ask(), reset({}, BY), GET('/get-session', BY), GET('/get-session', { by: 'vera' })] },
  },
];
