// The same calls to the real Better Auth and to this extension: same answers, same rows.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  DIFFERENCES,
  PASSWORD,
  clear,
  createExtensionDatabase,
  createRealDatabase,
  ourAuth,
  realAuth,
  same,
  untilBlocked,
} from './lib.mjs';

const theirs = await createRealDatabase();
const mine = await createExtensionDatabase();
const ours = ourAuth(mine);
const real = realAuth(theirs);

const ada = { name: 'Ada', email: 'ada@example.com', password: PASSWORD };
const bob = { name: 'Bob', email: 'bob@example.com', password: PASSWORD };
const signIn = { email: ada.email, password: PASSWORD };
const without = (body, ...fields) => Object.fromEntries(Object.entries(body).filter(([field]) => !fields.includes(field)));
/** Every combination of one value per field; undefined leaves the field out. */
const product = (fields) =>
  Object.entries(fields).reduce(
    (bodies, [field, values]) =>
      bodies.flatMap((body) => values.map((value) => (value === undefined ? body : { ...body, [field]: value }))),
    [{}],
  );
/** Deterministic text that does not compress. */
const noise = (length) => {
  let state = 1;
  return Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return 'abcdefghijklmnopqrstuvwxyz0123456789'[state % 36];
  }).join('');
};

// A scenario is a name and steps; see `same` in lib.mjs. Adding one is a line.
const UP = ['signUp', ada, { as: 'first' }];
const IN = (as, options) => ['signIn', signIn, { as, ...options }];
const BOB = ['signUp', bob, { as: 'bob' }];

const SIGN_UP = {
  'a new user': [UP],
  'a mixed-case email is stored in lower case': [['signUp', { ...ada, email: 'Ada.Lovelace@EXAMPLE.Com' }]],
  'with an image': [['signUp', { ...ada, image: 'https://example.com/ada.png' }]],
  'with an empty image': [['signUp', { ...ada, image: '' }]],
  'with an empty name': [['signUp', { ...ada, name: '' }]],
  'with an odd name': [['signUp', { ...ada, name: ' Ada \u{1F469}\u200D\u{1F4BB} "\\ \' \t\n<b>$1' }]],
  'with a very long name': [['signUp', { ...ada, name: 'n'.repeat(5000) }]],
  'rememberMe true': [['signUp', { ...ada, rememberMe: true }]],
  'rememberMe false': [['signUp', { ...ada, rememberMe: false }]],
  'with a callbackURL': [['signUp', { ...ada, callbackURL: '/welcome' }]],
  'from a known client': [['signUp', ada, { ip: '203.0.113.7', agent: 'curl/8.5.0' }]],
  'a taken email': [UP, ['signUp', ada]],
  'a taken email in another case': [UP, ['signUp', { ...ada, email: 'ADA@example.com' }]],
  'a taken email with a short password': [UP, ['signUp', { ...ada, password: 'short' }]],
  'a taken email with a long password': [UP, ['signUp', { ...ada, password: 'p'.repeat(129) }]],
  '7 characters are too short': [['signUp', { ...ada, password: 'p'.repeat(7) }]],
  '8 characters are enough': [['signUp', { ...ada, password: 'p'.repeat(8) }]],
  '128 characters are not too long': [['signUp', { ...ada, password: 'p'.repeat(128) }]],
  '129 characters are too long': [['signUp', { ...ada, password: 'p'.repeat(129) }]],
  'a password of spaces': [['signUp', { ...ada, password: ' '.repeat(8) }]],
  'four emoji are 8 UTF-16 units': [['signUp', { ...ada, password: '😀😀😀😀' }], ['signIn', { ...signIn, password: '😀😀😀😀' }]],
  'three emoji are 6 UTF-16 units': [['signUp', { ...ada, password: '😀😀😀' }]],
  '65 emoji are 130 UTF-16 units': [['signUp', { ...ada, password: '😀'.repeat(65) }]],
  'length is counted before normalisation: ﬁ is one unit': [['signUp', { ...ada, password: 'ﬁﬁﬁﬁﬁﬁﬁ' }]],
  'an NFD password signs in as NFC': [
    ['signUp', { ...ada, password: 'pässwörd'.normalize('NFD') }],
    ['signIn', { ...signIn, password: 'pässwörd'.normalize('NFC') }],
  ],
  'an NFC password signs in as NFD': [
    ['signUp', { ...ada, password: 'pässwörd'.normalize('NFC') }],
    ['signIn', { ...signIn, password: 'pässwörd'.normalize('NFD') }],
  ],
  'a compatibility form signs in as the plain one': [
    ['signUp', { ...ada, password: 'ﬁle-①-Ａ-ok' }],
    ['signIn', { ...signIn, password: 'file-1-A-ok' }],
  ],
  'passwords differ by case': [UP, ['signIn', { ...signIn, password: PASSWORD.toUpperCase() }]],
  'an email of 300 characters': [['signUp', { ...ada, email: `${'e'.repeat(288)}@example.com` }]],
  'an email that no index takes': [['signUp', { ...ada, email: `${noise(6000)}@example.com` }]],
  'two users': [UP, BOB],
};

const SIGN_IN = {
  'the right password': [UP, ['signIn', signIn]],
  'in another case of the email': [UP, ['signIn', { ...signIn, email: 'ADA@Example.COM' }]],
  'an unknown email': [['signIn', signIn]],
  'a wrong password': [UP, ['signIn', { ...signIn, password: 'wrong password' }]],
  'a password with a space after it': [UP, ['signIn', { ...signIn, password: `${PASSWORD} ` }]],
  'rememberMe true': [UP, ['signIn', { ...signIn, rememberMe: true }]],
  'rememberMe false': [UP, ['signIn', { ...signIn, rememberMe: false }]],
  'callbackURL': [UP, ['signIn', { ...signIn, callbackURL: '/dashboard' }]],
  'an empty callbackURL': [UP, ['signIn', { ...signIn, callbackURL: '' }]],
  'from a known client': [UP, ['signIn', signIn, { ip: '198.51.100.9', agent: 'Mozilla/5.0 (X11; Linux x86_64)' }]],
  'the account of another provider': [UP, `UPDATE account SET "providerId" = 'google'`, ['signIn', signIn]],
  'an account whose accountId is not the user': [UP, `UPDATE account SET "accountId" = 'other'`, ['signIn', signIn]],
  'an account without password': [UP, `UPDATE account SET password = NULL`, ['signIn', signIn]],
  'no account': [UP, 'DELETE FROM account', ['signIn', signIn]],
  'a second account of another provider': [
    UP,
    `INSERT INTO account SELECT 'other', 'sub', 'google', "userId", NULL, NULL, NULL, NULL, NULL, NULL, NULL, "createdAt" + interval '1 second', "updatedAt" FROM account`,
    ['signIn', signIn],
  ],
  'the password of another user': [UP, ['signUp', { ...bob, password: "bob's password" }], ['signIn', { ...signIn, password: "bob's password" }]],
};

const EMAIL_VERIFICATION_OFF = { 'an unverified email signs in': [UP, ['signIn', signIn]] };

const SESSIONS = {
  'get-session': [UP, ['getSession', {}, { by: 'first' }]],
  'get-session without one': [['getSession']],
  'get-session of an unknown token': [['getSession', {}, { by: 'unknown' }]],
  'get-session of an empty token': [['getSession', {}, { by: 'empty' }]],
  'get-session of a client': [['signUp', ada, { as: 'first', ip: '203.0.113.7', agent: 'curl' }], ['getSession', {}, { by: 'first' }]],
  'get-session of a session that is not remembered': [
    ['signUp', { ...ada, rememberMe: false }, { as: 'first' }],
    ['getSession', {}, { by: 'first', unremembered: true }],
  ],
  'get-session where ipAddress and userAgent are NULL': [
    UP,
    'UPDATE session SET "ipAddress" = NULL, "userAgent" = NULL',
    ['getSession', {}, { by: 'first' }],
  ],
  'get-session after the user changed': [
    UP,
    `UPDATE "user" SET name = 'Augusta', image = 'i', "emailVerified" = true, "updatedAt" = "updatedAt" + interval '1 hour'`,
    ['getSession', {}, { by: 'first' }],
  ],
  'get-session after the user is gone': [UP, 'DELETE FROM "user"', ['getSession', {}, { by: 'first' }]],
  'list-sessions': [UP, IN('second'), IN('third'), BOB, ['listSessions', {}, { by: 'second' }]],
  'list-sessions leaves out what has expired': [
    UP,
    IN('second'),
    `UPDATE session SET "expiresAt" = now() - interval '1 hour' WHERE token = :first`,
    ['listSessions', {}, { by: 'second' }],
  ],
  'list-sessions of sessions that are not remembered': [
    UP,
    ['signIn', { ...signIn, rememberMe: false }, { as: 'second' }],
    ['listSessions', {}, { by: 'first' }],
  ],
  'list-sessions without a session': [['listSessions']],
  'list-sessions of an unknown token': [['listSessions', {}, { by: 'unknown' }]],
  'revoke-session: another of mine': [UP, IN('second'), ['revokeSession', { token: '@second' }, { by: 'first' }]],
  'revoke-session: my own': [UP, IN('second'), ['revokeSession', { token: '@first' }, { by: 'first' }], ['getSession', {}, { by: 'first' }]],
  'revoke-session: foreign': [UP, BOB, ['revokeSession', { token: '@bob' }, { by: 'first' }], ['getSession', {}, { by: 'bob' }]],
  'revoke-session: unknown': [UP, ['revokeSession', { token: 'nonexistent' }, { by: 'first' }]],
  'revoke-session: empty': [UP, ['revokeSession', { token: '' }, { by: 'first' }]],
  'revoke-session: missing': [UP, ['revokeSession', {}, { by: 'first' }]],
  'revoke-session: missing, without a session': [['revokeSession']],
  'revoke-session: without a session': [UP, ['revokeSession', { token: '@first' }]],
  'revoke-session: by a revoked session': [UP, IN('second'), ['signOut', {}, { by: 'second' }], ['revokeSession', { token: '@first' }, { by: 'second' }]],
  'revoke-other-sessions': [UP, IN('second'), IN('third'), BOB, ['revokeOtherSessions', {}, { by: 'second' }]],
  'revoke-other-sessions when there is one': [UP, ['revokeOtherSessions', {}, { by: 'first' }]],
  'revoke-other-sessions without a session': [UP, ['revokeOtherSessions']],
  'revoke-other-sessions of an unknown token': [UP, ['revokeOtherSessions', {}, { by: 'unknown' }]],
  'revoke-sessions': [UP, IN('second'), BOB, ['revokeSessions', {}, { by: 'second' }], ['getSession', {}, { by: 'first' }]],
  'revoke-sessions without a session': [UP, ['revokeSessions']],
  'revoke-sessions of an unknown token': [UP, ['revokeSessions', {}, { by: 'unknown' }]],
  'sign-out': [UP, IN('second'), ['signOut', {}, { by: 'first' }], ['getSession', {}, { by: 'first' }], ['getSession', {}, { by: 'second' }]],
  'sign-out twice': [UP, ['signOut', {}, { by: 'first' }], ['signOut', {}, { by: 'first' }]],
  'sign-out without a session': [UP, ['signOut']],
  'sign-out of an unknown token': [UP, ['signOut', {}, { by: 'unknown' }]],
};

// What a session of the default settings was like some time ago. `expires` and `created` are from now.
const aged = (expires, created) =>
  `UPDATE session SET "expiresAt" = now() + interval '${expires}', "createdAt" = now() + interval '${created}', "updatedAt" = now() + interval '${created}' WHERE token = :first`;
const GET = ['getSession', {}, { by: 'first' }];
const GET_UNREMEMBERED = ['getSession', {}, { by: 'first', unremembered: true }];
const LIST = ['listSessions', {}, { by: 'first' }];

const EXPIRY = {
  'expired: null, and the row is deleted': [UP, aged('-1 minute', '-7 days'), GET],
  'expired for a year': [UP, aged('-1 year', '-2 years'), GET],
  'expired: the other sessions stay': [UP, IN('second'), aged('-1 minute', '-7 days'), GET],
  'expired, not remembered': [UP, aged('-1 minute', '-1 day'), GET_UNREMEMBERED],
  'not due: nothing changes': [UP, aged('6 days 1 hour', '-23 hours'), GET],
  'due: extended to 7 days': [UP, aged('5 days 23 hours', '-25 hours'), GET],
  'due, an hour before the end': [UP, aged('1 hour', '-167 hours'), GET],
  'due, but not remembered: nothing changes': [UP, aged('1 hour', '-23 hours'), GET_UNREMEMBERED],
  'a shortened expiresAt is extended, whatever its age': [UP, aged('1 hour', '-1 minute'), GET],
  'a prolonged expiresAt stays': [UP, aged('30 days', '-20 days'), GET],
  'of rememberMe false, without the cookie: extended to 7 days': [['signUp', { ...ada, rememberMe: false }, { as: 'first' }], GET],
  'list-sessions extends too': [UP, aged('1 hour', '-1 hour'), LIST],
  'revoke-session extends too': [UP, aged('1 hour', '-1 hour'), ['revokeSession', { token: 'x' }, { by: 'first' }]],
  'revoke-other-sessions extends too': [UP, aged('1 hour', '-1 hour'), ['revokeOtherSessions', {}, { by: 'first' }]],
  'fresh for a day': [UP, aged('6 days 1 hour', '-23 hours'), LIST],
  'not fresh after a day': [UP, aged('7 days', '-25 hours'), LIST],
  'not fresh, though extended since': [UP, aged('7 days', '-30 days'), LIST],
  'revoke-session: missing, by a session that is due: nothing changes': [UP, aged('1 hour', '-1 hour'), ['revokeSession', {}, { by: 'first' }]],
  'a session from the future is fresh': [UP, aged('7 days', '1 day'), LIST],
  'freshness is not asked by revoke-session': [UP, IN('second'), aged('7 days', '-30 days'), ['revokeSession', { token: '@second' }, { by: 'first' }]],
  'freshness is not asked by revoke-sessions': [UP, aged('7 days', '-30 days'), ['revokeSessions', {}, { by: 'first' }]],
};

const VERIFIED = `UPDATE "user" SET "emailVerified" = true`;
const SIGN_UP_QUIETLY = ['signUp', ada];

// Groups of scenarios: this extension's settings, Better Auth's matching options, scenarios.
const GROUPS = [
  ['sign-up', {}, {}, SIGN_UP],
  ['sign-in', {}, {}, { ...SIGN_IN, ...EMAIL_VERIFICATION_OFF }],
  ['sessions', {}, {}, SESSIONS],
  ['expiry and refresh', {}, {}, EXPIRY],
  [
    'require_email_verification',
    { require_email_verification: 'on', send_verification_email: 'off' }, // the real one has no sender either
    { emailAndPassword: { requireEmailVerification: true } },
    {
      'sign-up opens no session': [SIGN_UP_QUIETLY],
      'a taken email gets an answer like a new one': [SIGN_UP_QUIETLY, ['signUp', { ...ada, email: 'ADA@example.com', name: 'Eve', image: 'i' }]],
      'a taken email with a short password': [SIGN_UP_QUIETLY, ['signUp', { ...ada, password: 'short' }]],
      'a right password is told so': [SIGN_UP_QUIETLY, ['signIn', signIn]],
      'a wrong password is not': [SIGN_UP_QUIETLY, ['signIn', { ...signIn, password: 'wrong password' }]],
      'a verified user signs in': [SIGN_UP_QUIETLY, VERIFIED, ['signIn', signIn]],
      'a verified user with a wrong password': [SIGN_UP_QUIETLY, VERIFIED, ['signIn', { ...signIn, password: 'wrong password' }]],
      'an unknown email': [['signIn', signIn]],
    },
  ],
  [
    'auto_sign_in off',
    { auto_sign_in: 'off' },
    { emailAndPassword: { autoSignIn: false } },
    {
      'sign-up opens no session': [SIGN_UP_QUIETLY],
      'a taken email gets an answer like a new one': [SIGN_UP_QUIETLY, ['signUp', { ...ada, name: 'Eve' }]],
      'sign-in works': [SIGN_UP_QUIETLY, ['signIn', signIn]],
    },
  ],
  [
    'disable_sign_up',
    { disable_sign_up: 'on' },
    { emailAndPassword: { disableSignUp: true } },
    {
      'sign-up is refused': [['signUp', ada]],
      'missing fields come first': [['signUp', {}]],
      'a short password does not': [['signUp', { ...ada, password: 'short' }]],
      'sign-in is not refused': [['signIn', signIn]],
    },
  ],
  [
    'email_and_password_enabled off',
    { email_and_password_enabled: 'off' },
    { emailAndPassword: { enabled: false } },
    {
      'sign-up is refused': [['signUp', ada]],
      'sign-up with missing fields': [['signUp', {}]],
      'sign-in is refused': [['signIn', signIn]],
      'sign-in with an invalid email': [['signIn', { ...signIn, email: 'nope' }]],
      'sign-in with missing fields': [['signIn', {}]],
    },
  ],
  [
    'min and max password length',
    { min_password_length: 4, max_password_length: 6 },
    { emailAndPassword: { minPasswordLength: 4, maxPasswordLength: 6 } },
    {
      '3 characters': [['signUp', { ...ada, password: '123' }]],
      '4 characters': [['signUp', { ...ada, password: '1234' }]],
      '6 characters': [['signUp', { ...ada, password: '123456' }]],
      '7 characters': [['signUp', { ...ada, password: '1234567' }]],
      'sign-in with 7 characters': [['signIn', { ...signIn, password: '1234567' }]],
      'sign-in with 1 character': [['signIn', { ...signIn, password: '1' }]],
    },
  ],
  [
    'session_update_age 0',
    { session_update_age: 0 },
    { session: { updateAge: 0 } },
    {
      'every use extends': [UP, aged('6 days 23 hours', '-1 hour'), GET],
      'but not one that is not remembered': [UP, aged('6 days 23 hours', '-1 hour'), GET_UNREMEMBERED],
    },
  ],
  [
    'session_expires_in and session_update_age',
    { session_expires_in: 7200, session_update_age: 3600 },
    { session: { expiresIn: 7200, updateAge: 3600 } },
    {
      'sign-up': [UP],
      'sign-in, not remembered, is a day all the same': [UP, ['signIn', { ...signIn, rememberMe: false }]],
      'not due': [UP, aged('70 minutes', '-50 minutes'), GET],
      'due': [UP, aged('50 minutes', '-70 minutes'), GET],
    },
  ],
  [
    'disable_session_refresh',
    { disable_session_refresh: 'on' },
    { session: { disableSessionRefresh: true } },
    {
      'due, but never extended': [UP, aged('1 hour', '-1 hour'), GET],
      'expired': [UP, aged('-1 hour', '-8 days'), GET],
    },
  ],
  [
    'session_fresh_age 0',
    { session_fresh_age: 0 },
    { session: { freshAge: 0 } },
    { 'any session is fresh': [UP, aged('7 days', '-300 days'), LIST] },
  ],
  [
    'session_fresh_age of an hour',
    { session_fresh_age: 3600 },
    { session: { freshAge: 3600 } },
    {
      '50 minutes': [UP, aged('7 days', '-50 minutes'), LIST],
      '70 minutes': [UP, aged('7 days', '-70 minutes'), LIST],
    },
  ],
];

for (const [name, settings, options, scenarios] of GROUPS) {
  describe(name, () => {
    let configured;
    for (const [scenario, steps] of Object.entries(scenarios)) {
      test(scenario, async () => {
        configured ??= await mine.configure(settings).then(() => realAuth(theirs, options));
        await same(configured, ours, steps);
      });
    }
  });
}

describe('every combination of fields', () => {
  const LONG = 'p'.repeat(129);
  const combinations = {
    signUp: product({
      name: [undefined, '', 'Eve'],
      email: [undefined, '', 'nope', 'ada@example.com', 'ADA@EXAMPLE.COM'],
      password: [undefined, '', 'short', LONG, PASSWORD],
    }),
    signIn: product({
      email: [undefined, '', 'nope', ' ada@example.com', 'eve@example.com', 'ada@example.com'],
      password: [undefined, '', 'short', LONG, PASSWORD],
      rememberMe: [undefined, false],
    }),
  };
  for (const [operation, bodies] of Object.entries(combinations)) {
    test(`${operation}: ${bodies.length}`, async () => {
      await mine.configure({});
      const { answers } = await same(real, ours, [UP, ...bodies.map((body) => [operation, body])]);
      const codes = new Set(answers.map(([, answer]) => answer.code));
      assert.ok(codes.size >= 5, `the combinations reach many answers: ${[...codes]}`);
    });
  }
});

describe('known differences', () => {
  test(DIFFERENCES.race, async () => {
    await mine.configure({});
    const lose = async (auth) => {
      await clear(auth.database);
      return auth.database.connection(async (winner) => {
        await winner.query('BEGIN');
        await winner.query(`INSERT INTO "user" (id, name, email, "emailVerified") VALUES ('w', 'Winner', $1, false)`, [ada.email]);
        const loser = auth.call('signUp', ada);
        await untilBlocked(auth.database);
        await winner.query('COMMIT');
        return (await loser).error;
      });
    };
    const [their, our] = [await lose(real), await lose(ours)];
    assert.equal(their.code, 'FAILED_TO_CREATE_USER');
    assert.equal(our.code, 'USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL');
    for (const database of [theirs, mine]) {
      assert.equal(await database.value('SELECT count(*)::int FROM "user"'), 1);
      assert.equal(await database.value('SELECT count(*)::int FROM account'), 0);
    }
  });

  test(DIFFERENCES.uncapped, async () => {
    const many = async (auth) => {
      await clear(auth.database);
      const token = (await auth.call('signUp', ada)).ok.token;
      await auth.database.sql(
        `INSERT INTO session (id, token, "userId", "expiresAt", "createdAt", "updatedAt")
         SELECT 's' || n, 't' || n, "userId", "expiresAt", "createdAt" - n * interval '1 second', "updatedAt"
         FROM session, generate_series(1, 150) n`,
      );
      const listed = (await auth.call('listSessions', {}, { token })).ok.length;
      await auth.call('revokeOtherSessions', {}, { token });
      return { listed, left: await auth.database.value('SELECT count(*)::int FROM session') };
    };
    const [their, our] = [await many(real), await many(ours)];
    assert.equal(their.listed, 100);
    assert.ok(their.left > 1);
    assert.deepEqual(our, { listed: 151, left: 1 });
  });

  test(DIFFERENCES.keyOrder, async () => {
    const keys = async (auth) => {
      await clear(auth.database);
      const { token } = (await auth.call('signUp', ada)).ok;
      return Object.keys((await auth.call('getSession', {}, { token })).ok.session);
    };
    const [their, our] = [await keys(real), await keys(ours)];
    assert.deepEqual(their, ['expiresAt', 'token', 'createdAt', 'updatedAt', 'ipAddress', 'userAgent', 'userId', 'id']);
    assert.deepEqual(our, ['id', 'token', 'userId', 'createdAt', 'expiresAt', 'ipAddress', 'updatedAt', 'userAgent']);
  });

  test(DIFFERENCES.longEmail, async () => {
    const body = { ...ada, email: `${noise(2100)}@example.com` };
    await Promise.all([clear(theirs), clear(mine)]);
    assert.ok((await real.call('signUp', body)).ok, 'Better Auth takes it');
    assert.equal((await ours.call('signUp', body)).error.code, 'FAILED_TO_CREATE_USER');
  });

  test(DIFFERENCES.storedCapitals, async () => {
    const imported = async (auth) => {
      await clear(auth.database);
      await auth.call('signUp', ada);
      await auth.database.sql(`UPDATE "user" SET email = 'Ada@example.com'`);
      return auth.call('signIn', signIn);
    };
    assert.equal((await imported(real)).error.code, 'INVALID_EMAIL_OR_PASSWORD');
    assert.equal((await imported(ours)).ok.user.email, 'Ada@example.com');
  });

  test(DIFFERENCES.brokenHash, async (context) => {
    context.mock.method(console, 'error', () => {}); // Better Auth's stack trace
    const broken = async (auth) => {
      await clear(auth.database);
      await auth.call('signUp', ada);
      await auth.database.sql(`UPDATE account SET password = 'no hash'`);
      return (await auth.call('signIn', signIn)).error;
    };
    const [their, our] = [await broken(real), await broken(ours)];
    assert.equal(their.status, 500);
    assert.equal(our.code, 'INVALID_EMAIL_OR_PASSWORD');
  });

  test(DIFFERENCES.untrustedCallback, async () => {
    const callbackURL = 'https://elsewhere.example/';
    await Promise.all([real, ours].map((auth) => clear(auth.database).then(() => auth.call('signUp', ada))));
    assert.equal((await real.call('signIn', { ...signIn, callbackURL })).error.code, 'INVALID_CALLBACK_URL');
    const { ok } = await ours.call('signIn', { ...signIn, callbackURL });
    assert.deepEqual([ok.redirect, ok.url], [true, callbackURL]);
  });

  test(DIFFERENCES.rollback, async () => {
    const rows = (auth) => auth.database.sql(`SELECT round(extract(epoch FROM "expiresAt" - now()) / 3600)::int AS hours FROM session`);
    const play = async (auth) => {
      await clear(auth.database);
      const { token } = (await auth.call('signUp', ada)).ok;
      const refused = async (operation) => ({ code: (await auth.call(operation, {}, { token })).error.code, rows: await rows(auth) });
      const answered = async () => ({ is: (await auth.call('getSession', {}, { token })).ok !== null, rows: await rows(auth) });
      await auth.database.sql(`UPDATE session SET "createdAt" = now() - interval '2 days', "expiresAt" = now() + interval '5 hours'`);
      const due = [await refused('listSessions'), await answered()];
      await auth.database.sql(`UPDATE session SET "expiresAt" = now() - interval '1 hour'`);
      return { due, expired: [await refused('revokeOtherSessions'), await answered()] };
    };
    const [their, our] = [await play(real), await play(ours)];
    assert.deepEqual(their, {
      due: [{ code: 'SESSION_NOT_FRESH', rows: [{ hours: 168 }] }, { is: true, rows: [{ hours: 168 }] }],
      expired: [{ code: 'UNAUTHORIZED', rows: [] }, { is: false, rows: [] }],
    });
    assert.deepEqual(our, {
      due: [{ code: 'SESSION_NOT_FRESH', rows: [{ hours: 5 }] }, { is: true, rows: [{ hours: 168 }] }],
      expired: [{ code: 'UNAUTHORIZED', rows: [{ hours: -1 }] }, { is: false, rows: [] }],
    });
  });
});

// The normaliser could hide a mistake: what `same` compares is looked at once in full.
test('a sign-up in full, as both give it', async () => {
  const { answers, rows } = await same(real, ours, [UP]);
  const user = { name: 'Ada', email: 'ada@example.com', emailVerified: false, image: null, createdAt: '<now + 0 min>', updatedAt: '<now + 0 min>' };
  assert.deepEqual(answers, [['signUp', { token: '<id 1>', user: { ...user, id: '<id 2>' } }]]);
  assert.deepEqual(rows.user, [{ ...user, id: '<id 2>', untouched: true }]);
  assert.deepEqual(without(rows.account[0], 'id'), {
    accountId: '<id 2>',
    providerId: 'credential',
    userId: '<id 2>',
    accessToken: null,
    refreshToken: null,
    idToken: null,
    accessTokenExpiresAt: null,
    refreshTokenExpiresAt: null,
    scope: null,
    password: '<hash>',
    createdAt: '<now + 0 min>',
    updatedAt: '<now + 0 min>',
    untouched: true,
  });
  assert.deepEqual(rows.session, [
    {
      id: rows.session[0].id,
      expiresAt: '<now + 10080 min>',
      token: '<id 1>',
      createdAt: '<now + 0 min>',
      updatedAt: '<now + 0 min>',
      ipAddress: '',
      userAgent: '',
      userId: '<id 2>',
      untouched: true,
    },
  ]);
});
