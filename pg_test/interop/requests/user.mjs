// The user about themselves: update-user, passwords, change-email, delete-user.

import { GET, ID, POST, signJwt } from '../http.mjs';
import { PASSWORD, VERIFY_ADA, aged, answersAs, differs, each, lastAnswer, named, withoutData, oddBodies, oddFields } from './common.mjs';

const BY = { by: 'ada' };
const update = (body, options) => POST('/update-user', body, { ...BY, ...options });
const change = (fields, options) =>
  POST('/change-password', { currentPassword: PASSWORD, newPassword: 'a new password', ...fields }, { ...BY, ...options });
const signIn = (password, fields, options) => POST('/sign-in/email', { email: 'ada@example.com', password, ...fields }, options);
const email = (fields, options) => POST('/change-email', { newEmail: 'new@example.com', ...fields }, { ...BY, ...options });
const remove = (fields, options) => POST('/delete-user', { ...fields }, { ...BY, ...options });
const removed = (query, options) => GET(`/delete-user/callback?${query}`, { ...BY, ...options });
const NOT_FRESH = aged('6 days 12 hours', '-25 hours');
const NO_CREDENTIAL = `DELETE FROM account`;
const NO_PASSWORD = `UPDATE account SET password = NULL`;
const ELSEWHERE = 'https://elsewhere.example';

// The whole of change-email under one configuration.
const changeEmail = {
  'unverified': email(),
  'verified': [VERIFY_ADA, email()],
  'with a callbackURL': [VERIFY_ADA, email({ callbackURL: '/settings?a=b&c' })],
  'with an empty callbackURL': email({ callbackURL: '' }),
  'in capitals': email({ newEmail: 'New@Example.COM' }),
  'the same': email({ newEmail: 'ADA@example.com' }),
  'a taken one': email({ newEmail: 'Vera@example.com' }),
  'a taken one, verified': [VERIFY_ADA, email({ newEmail: 'vera@example.com' })],
  'a session that is not fresh': [NOT_FRESH, email()],
  'the link, signed in': [VERIFY_ADA, email(), GET('{{mail.url}}', BY), GET('/get-session', BY)],
  'the link, signed out': [VERIFY_ADA, email(), GET('{{mail.url}}')],
  'the link, signed in as another': [VERIFY_ADA, email(), GET('{{mail.url}}', { by: 'vera' })],
  'the link, not remembered': [
    signIn(PASSWORD, { rememberMe: false }),
    email({}, { jar: true, by: undefined }),
    GET('{{mail.url}}', { jar: true }),
  ],
  'the link twice': [VERIFY_ADA, email(), GET('{{mail.url}}'), GET('{{mail.url}}'), GET('{{mail.url}}')],
  'all links': [
    VERIFY_ADA,
    email({ callbackURL: '/done' }),
    GET('{{mail.url}}', BY),
    GET('{{mail.url}}', BY),
    GET('{{mail.url}}', BY),
    GET('/get-session', BY),
  ],
  'all links, unverified': [email({ callbackURL: '/done' }), GET('{{mail.url}}', BY), GET('{{mail.url}}', BY)],
  'the link without its callbackURL': [VERIFY_ADA, email(), GET('/verify-email?token={{mail.token}}', BY)],
  'the link after the email was changed': [
    VERIFY_ADA,
    email(),
    `UPDATE "user" SET email = 'other@example.com' WHERE id = '{{ada.id}}'`,
    GET('/verify-email?token={{mail.token}}'),
  ],
  'the link after the user is gone': [
    VERIFY_ADA,
    email(),
    `DELETE FROM "user" WHERE id = '{{ada.id}}'`,
    GET('/verify-email?token={{mail.token}}'),
  ],
};
const CHANGE = { changeEmail: { enabled: true } };

// The whole of delete-user under one configuration.
const deleteUser = {
  'fresh': [remove(), GET('/get-session', BY)],
  'not fresh': [NOT_FRESH, remove()],
  'with the password': remove({ password: PASSWORD }),
  'with the password, not fresh': [NOT_FRESH, remove({ password: PASSWORD })],
  'with a wrong password': remove({ password: 'wrong password' }),
  'with an empty password': [NOT_FRESH, remove({ password: '' })],
  'with a long password': remove({ password: 'p'.repeat(129) }),
  'with a password that isn’t there': [NO_CREDENTIAL, remove({ password: PASSWORD })],
  'with a password that is null': [NO_PASSWORD, remove({ password: PASSWORD })],
  'of a user without one': remove({}, { by: 'gina' }),
  'of a user without one, with a password': remove({ password: PASSWORD }, { by: 'gina' }),
  'with an unknown token': remove({ token: 'x' }),
  'with an empty token': remove({ token: '' }),
  'with an unknown token and a wrong password': remove({ token: 'x', password: 'wrong password' }),
  'with a callbackURL': remove({ callbackURL: '/bye?a=b' }),
  'with a callbackURL elsewhere': remove({ callbackURL: ELSEWHERE }),
  'the callback without a token': removed(''),
  'the callback with an unknown token': removed('token=x'),
  'the callback with an empty token': removed('token='),
  'the callback with two tokens': removed('token=x&token=y'),
  'the callback without a session': removed('token=x', { by: undefined }),
  'the callback from elsewhere to elsewhere': removed(`token=x&callbackURL=${ELSEWHERE}`),
  'the callback to an empty one': removed('token=x&callbackURL='),
  'twice': [remove(), remove()],
};
const DELETE = { deleteUser: { enabled: true } };
const orphan = (token, user, expires = '1 hour') =>
  `INSERT INTO verification (id, identifier, value, "expiresAt", "createdAt", "updatedAt")
   VALUES ('${token}', 'delete-account-${token}', '${user}', now() + interval '${expires}', now(), now())`;

export default [
  {
    name: 'update-user',
    cases: {
      'a name': [update({ name: 'Augusta' }), GET('/get-session', BY)],
      'an image': update({ image: 'https://example.com/ada.png' }),
      'both': update({ name: 'Augusta', image: 'i' }),
      'no image': update({ image: null }, { by: 'vera' }),
      'what it was': update({ name: 'Ada' }),
      ...named(
        'name',
        each(['', ' ', 'n'.repeat(10_000), 'x\ud800y', 'Ève \u{1F469}'], (name) => update({ name })),
      ),
      ...named(
        'image',
        each(['', 'x\ud800y', 'i'.repeat(10_000)], (image) => update({ image })),
      ),
      ...oddBodies('/update-user', BY),
      ...named(
        'fields',
        each(
          [
            { email: 'new@example.com' }, { email: '' }, { email: null }, { email: 0, name: 'Augusta' }, { email: [], name: 'Augusta' },
            { emailVerified: true }, { emailVerified: true, name: 'Augusta' }, { id: 'x' }, { id: 'x', createdAt: 'x', name: 'Augusta' },
            { role: 'admin' }, { password: 'x' }, { name: undefined, image: undefined }, { '': 1 },
          ],
          (fields) => update(fields),
        ),
      ),
      'not remembered': [signIn(PASSWORD, { rememberMe: false }), update({ name: 'Augusta' }, { jar: true, by: undefined })],
      'of __proto__': { ...update(), raw: '{"__proto__":{"name":"Mallory"}}' },
      'of __proto__ and a name': { ...update(), raw: '{"__proto__":{"image":"x"},"name":"Mallory","constructor":1}' },
      'with a callbackURL elsewhere': update({ name: 'Augusta', callbackURL: ELSEWHERE }),
      'name null': differs('nameNull', [update({ name: null })], [500, ''], [400, 'VALIDATION_ERROR']),
      ...named(
        'name of another type',
        each([5, true, ['x'], { a: 1 }], (name) => differs('nameType', [update({ name })], [200, undefined], [400, 'VALIDATION_ERROR'])),
      ),
      ...named(
        'image of another type',
        each([5, true, ['x'], { a: 1 }], (image) => differs('nameType', [update({ image })], [200, undefined], [400, 'VALIDATION_ERROR'])),
      ),
      'name with NUL': differs('nul', [update({ name: 'a\0b' })], [500, ''], [400, 'VALIDATION_ERROR']),
    },
  },
  {
    name: 'update-session',
    cases: {
      ...oddBodies('/update-session', BY),
      'of core fields': POST('/update-session', { token: 'x', userId: 'y', expiresAt: 0, ipAddress: 'z' }, BY),
      'without a session': POST('/update-session', { x: 1 }),
    },
  },
  {
    name: 'change-password',
    cases: {
      'right': [change(), signIn('a new password'), signIn(PASSWORD), GET('/get-session', { by: 'ada2' })],
      'and the others out': [
        change({ revokeOtherSessions: true }, { as: 'new' }),
        GET('/get-session', BY),
        GET('/get-session', { by: 'ada2' }),
        GET('/get-session', { by: 'new' }),
      ],
      'and the others out, not remembered': [
        signIn(PASSWORD, { rememberMe: false }),
        change({ revokeOtherSessions: true }, { jar: true, by: undefined }),
      ],
      'with a client': change({ revokeOtherSessions: true }, { headers: { 'x-forwarded-for': '203.0.113.9', 'user-agent': 'curl' } }),
      ...oddFields('/change-password', { currentPassword: PASSWORD, newPassword: 'a new password', revokeOtherSessions: true }, BY),
      ...oddBodies('/change-password', BY),
      'a wrong one': change({ currentPassword: 'wrong password' }),
      'to a short one': change({ newPassword: 'short' }),
      'to a long one': change({ newPassword: 'p'.repeat(129) }),
      'to a long one, from a wrong one': change({ currentPassword: 'wrong', newPassword: 'p'.repeat(129) }),
      'from a long one': change({ currentPassword: 'p'.repeat(129) }),
      'from one that isn’t there': change({}, { by: 'gina' }),
      'from one that is null': [NO_PASSWORD, change()],
      'to the same': change({ newPassword: PASSWORD }),
      'to one with NUL': [change({ newPassword: 'with\0a NUL' }), signIn('with\0a NUL')],
      'to one with a lone surrogate': [change({ newPassword: 'password\ud800' }), signIn('password\ufffd')],
      'by a session that is not fresh': [NOT_FRESH, change()],
    },
  },
  {
    name: 'verify-password',
    cases: {
      ...oddFields('/verify-password', { password: PASSWORD }, BY),
      ...oddBodies('/verify-password', BY),
      'right': POST('/verify-password', { password: PASSWORD }, BY),
      'wrong': POST('/verify-password', { password: 'wrong password' }, BY),
      'long': POST('/verify-password', { password: 'p'.repeat(129) }, BY),
      'with NUL': POST('/verify-password', { password: 'a\0' }, BY),
      'of none': POST('/verify-password', { password: PASSWORD }, { by: 'gina' }),
      'of null': [NO_PASSWORD, POST('/verify-password', { password: PASSWORD }, BY)],
    },
  },
  {
    name: 'change-email, disabled',
    cases: {
      'refused': email(),
      'the same': email({ newEmail: 'ada@example.com' }),
      'no email': email({ newEmail: 'x' }),
      ...oddBodies('/change-email', BY),
    },
  },
  {
    name: 'change-email',
    options: () => ({ user: CHANGE }),
    settings: { change_email_enabled: 'on' },
    cases: {
      ...changeEmail,
      ...oddFields('/change-email', { newEmail: 'new@example.com', callbackURL: '/x' }, BY),
      ...oddBodies('/change-email', BY),
      'with NUL': email({ newEmail: 'a\0@example.com' }),
    },
  },
  {
    name: 'change-email, updateEmailWithoutVerification',
    options: () => ({ user: { changeEmail: { enabled: true, updateEmailWithoutVerification: true } } }),
    settings: { change_email_enabled: 'on', update_email_without_verification: 'on' },
    cases: changeEmail,
  },
  {
    name: 'change-email, sendChangeEmailConfirmation',
    options: (send) => ({
      user: { changeEmail: { enabled: true, sendChangeEmailConfirmation: send.change } },
      emailVerification: { expiresIn: 600 },
    }),
    settings: { change_email_enabled: 'on', send_change_email_confirmation: 'on', email_verification_expires_in: 600 },
    cases: changeEmail,
  },
  {
    name: 'change-email, everything',
    options: (send) => ({
      user: { changeEmail: { enabled: true, updateEmailWithoutVerification: true, sendChangeEmailConfirmation: send.change } },
    }),
    settings: { change_email_enabled: 'on', update_email_without_verification: 'on', send_change_email_confirmation: 'on' },
    cases: changeEmail,
  },
  {
    name: 'change-email without a sender',
    options: (send) => ({
      user: { changeEmail: { enabled: true, sendChangeEmailConfirmation: send.change } },
      emailVerification: { sendVerificationEmail: undefined },
    }),
    settings: { change_email_enabled: 'on', send_change_email_confirmation: 'on', send_verification_email: 'off' },
    cases: {
      'unverified': email(),
      'verified': [VERIFY_ADA, email()],
      'the same': email({ newEmail: 'ada@example.com' }),
      'a taken one': email({ newEmail: 'vera@example.com' }),
    },
  },
  {
    name: 'change-email without a sender, updateEmailWithoutVerification',
    options: () => ({
      user: { changeEmail: { enabled: true, updateEmailWithoutVerification: true } },
      emailVerification: { sendVerificationEmail: undefined },
    }),
    settings: { change_email_enabled: 'on', update_email_without_verification: 'on', send_verification_email: 'off' },
    cases: { 'unverified': email(), 'verified': [VERIFY_ADA, email()] },
  },
  {
    name: 'change-email with a cookie cache',
    options: () => ({
      user: { changeEmail: { enabled: true, updateEmailWithoutVerification: true } },
      session: { cookieCache: { enabled: true } },
    }),
    settings: { change_email_enabled: 'on', update_email_without_verification: 'on', cookie_cache: 'on' },
    cases: {
      'unverified': [signIn(PASSWORD), email({}, { jar: true, by: undefined }), GET('/get-session', { jar: true })],
      'verified, and its link': answersAs(
        'cachedWrites',
        ...[true, withoutData].map((jar) => [
          VERIFY_ADA,
          signIn(PASSWORD),
          email({}, { jar: true, by: undefined }),
          GET('{{mail.url}}', { jar }),
          GET('/get-session', { jar: true }),
        ]),
      ),
    },
  },
  { name: 'delete-user, disabled', cases: { ...deleteUser, ...oddBodies('/delete-user', BY) } },
  {
    name: 'delete-user',
    options: () => ({ user: DELETE }),
    settings: { delete_user_enabled: 'on' },
    cases: {
      ...deleteUser,
      ...oddFields('/delete-user', { password: PASSWORD, token: 'x', callbackURL: '/x' }, BY),
      ...oddBodies('/delete-user', BY),
      'with a token': [orphan('mine', ID.ada), remove({ token: 'mine' })],
      'with a token, and a callbackURL': [orphan('mine', ID.ada), remove({ token: 'mine', callbackURL: '/bye' })],
      'with another’s token': differs(
        'foreignDeleteToken',
        [orphan('hers', ID.vera), remove({ token: 'hers' })],
        [404, 'INVALID_TOKEN', 0],
        [404, 'INVALID_TOKEN', 1],
        (run) => [...lastAnswer(run), run.rows.verification.length],
      ),
      'with an expired token': [orphan('mine', ID.ada, '-1 minute'), remove({ token: 'mine' })],
      'with session_data': remove(
        {},
        { cookie: 'better-auth.session_token={{sign:ada.token}}; better-auth.session_data.0=x; better-auth.session_data=y' },
      ),
      'with a token of NUL': differs('nul', [remove({ token: 'a\0b' })], [500, ''], [400, 'VALIDATION_ERROR']),
    },
  },
  {
    name: 'delete-user, sendDeleteAccountVerification',
    options: (send) => ({ user: { deleteUser: { enabled: true, sendDeleteAccountVerification: send.remove, deleteTokenExpiresIn: 600 } } }),
    settings: { delete_user_enabled: 'on', send_delete_account_verification: 'on', delete_token_expires_in: 600 },
    cases: {
      ...deleteUser,
      'the link': [remove({ callbackURL: '/bye?a=b#c' }), GET('{{mail.url}}', BY), GET('{{mail.url}}', BY)],
      'the link without a callbackURL': [remove(), GET('/delete-user/callback?token={{mail.token}}', BY)],
      'the link, signed out': [remove(), GET('{{mail.url}}')],
      'the link, signed in as another, then right': differs(
        'foreignDeleteToken',
        [remove(), GET('{{mail.url}}', { by: 'vera' }), GET('{{mail.url}}', BY)],
        [200, 404, 404],
        [200, 404, 302],
        ({ answers }) => answers.map(({ status }) => status),
      ),
      'the link by another session': [remove(), GET('{{mail.url}}', { by: 'ada2' })],
      'the link, expired': [remove(), `UPDATE verification SET "expiresAt" = now() - interval '1 second'`, GET('{{mail.url}}', BY)],
      'the token by POST': [remove(), remove({ token: '{{mail.token}}' })],
      'the token by POST, not fresh': [remove(), NOT_FRESH, remove({ token: '{{mail.token}}' })],
      'the token and a wrong password': [remove(), remove({ token: '{{mail.token}}', password: 'wrong password' })],
      'two links': [remove(), remove(), GET('{{mail.url}}', BY)],
      'a reset token is none': [POST('/request-password-reset', { email: 'ada@example.com' }), remove({ token: '{{mail.token}}' })],
    },
  },
  {
    name: 'delete-user with a cookie cache',
    options: () => ({ user: DELETE, session: { cookieCache: { enabled: true } } }),
    settings: { delete_user_enabled: 'on', cookie_cache: 'on' },
    cases: {
      'right': [signIn(PASSWORD), remove({}, { jar: true, by: undefined })],
      'the callback by a revoked session': [
        signIn(PASSWORD),
        `DELETE FROM session`,
        orphan('mine', ID.ada),
        removed('token=mine', { jar: true, by: undefined }),
      ],
    },
  },
  {
    name: 'a mail’s JWT is no session',
    cases: { 'as a cookie': GET('/get-session', { cookie: `better-auth.session_token=${signJwt({ email: 'ada@example.com' })}` }) },
  },
];
