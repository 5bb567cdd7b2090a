// One database, two servers: what the real Better Auth writes, this extension reads, and the reverse.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  DIFFERENCES,
  PASSWORD,
  clear,
  createExtensionDatabase,
  ourAuth,
  realAuth,
  signCookie,
} from './lib.mjs';

const database = await createExtensionDatabase();
await database.configure({ password_hash: 'scrypt' });
const real = realAuth(database);
const ours = ourAuth(database);
const BOTH = [
  ['ours to Better Auth', ours, real],
  ['Better Auth to ours', real, ours],
];

let count = 0;
const newUser = (fields) => ({ name: 'Ada', email: `user${++count}@example.com`, password: PASSWORD, ...fields });
async function signUp(auth, fields) {
  const body = newUser(fields);
  const answer = await auth.call('signUp', body);
  assert.ok(answer.ok?.token, JSON.stringify(answer));
  const { email, password } = body;
  return { ...answer.ok, body, signIn: { email, password } };
}
const sessionOf = async (auth, token, by = {}) => (await auth.call('getSession', {}, { token, ...by })).ok;

for (const [direction, writer, reader] of BOTH) {
  describe(direction, () => {
    test('a user signs in', async () => {
      for (const password of [PASSWORD, 'pässwörd'.normalize('NFD'), '😀😀😀😀', 'ﬁle-①-Ａ-ok', 'p'.repeat(128), ' spaces  ']) {
        const { user, signIn } = await signUp(writer, { password });
        const right = await reader.call('signIn', { ...signIn, password: password.normalize('NFKC') });
        assert.deepEqual(right.ok?.user, user, password);
        const wrong = await reader.call('signIn', { ...signIn, password: `${password.slice(0, -2)}?` });
        assert.equal(wrong.error?.code, 'INVALID_EMAIL_OR_PASSWORD', password);
      }
    });

    test('a taken email is taken', async () => {
      const { body } = await signUp(writer);
      const { error } = await reader.call('signUp', { ...body, email: body.email.toUpperCase() });
      assert.equal(error.code, 'USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL');
    });

    test('a session is accepted, and both show it alike', async () => {
      const { token, user } = await signUp(writer, { image: 'https://example.com/ada.png' });
      const [their, our] = [await sessionOf(real, token), await sessionOf(ours, token)];
      assert.deepEqual(our, their);
      assert.equal(our.session.token, token);
      assert.deepEqual(our.user, user);
    });

    test('both list the same sessions in the same order', async () => {
      const { token, signIn } = await signUp(writer);
      await reader.call('signIn', signIn, { ip: '203.0.113.7', agent: 'curl' });
      await writer.call('signIn', { ...signIn, rememberMe: false });
      const lists = await Promise.all([real, ours].map((auth) => auth.call('listSessions', {}, { token })));
      assert.equal(lists[1].ok.length, 3);
      assert.deepEqual(lists[1].ok, lists[0].ok);
    });

    test('what one revokes, the other refuses', async () => {
      const { token, signIn } = await signUp(writer);
      const open = async (auth) => (await auth.call('signIn', signIn)).ok.token;
      for (const [operation, victim] of [
        ['revokeSession', await open(reader)],
        ['revokeOtherSessions', await open(reader)],
        ['signOut', token],
      ]) {
        assert.ok(await sessionOf(reader, victim), `${operation}: alive`);
        const fields = operation === 'revokeSession' ? { token: victim } : {};
        assert.ok((await writer.call(operation, fields, { token })).ok, operation);
        assert.equal(await sessionOf(reader, victim), null, `${operation}: refused`);
        assert.equal((await reader.call('revokeSessions', {}, { token: victim })).error.code, 'UNAUTHORIZED', operation);
      }
      const [first, second] = [await open(writer), await open(reader)];
      await writer.call('revokeSessions', {}, { token: first });
      assert.equal(await sessionOf(reader, second), null);
    });

    test('what one prolongs, the other sees', async () => {
      const { token } = await signUp(writer);
      await database.sql(`UPDATE session SET "expiresAt" = now() + interval '1 hour' WHERE token = $1`, [token]);
      const prolonged = await sessionOf(writer, token);
      assert.ok(new Date(prolonged.session.expiresAt) - Date.now() > 6.9 * 86_400_000);
      assert.deepEqual(await sessionOf(reader, token), prolonged);
    });

    test('a user whom one deletes is gone for the other', async () => {
      const { token, user, signIn } = await signUp(writer);
      assert.ok(await sessionOf(reader, token));
      await database.sql('DELETE FROM "user" WHERE id = $1', [user.id]);
      assert.equal(await sessionOf(reader, token), null);
      assert.equal((await reader.call('signIn', signIn)).error.code, 'INVALID_EMAIL_OR_PASSWORD');
    });
  });
}

test('the cookie that Better Auth sets is the session token, signed as the tests sign it', async () => {
  const { ok, cookie } = await real.call('signUp', newUser());
  assert.equal(cookie[0].split(';')[0], `better-auth.session_token=${signCookie(ok.token)}`);
  assert.ok(await sessionOf(ours, ok.token));
});

test('a cookie that another secret signed opens nothing', async () => {
  const { token } = await signUp(ours);
  const headers = { cookie: `better-auth.session_token=${signCookie(token, 'another secret of the same length, nearly')}` };
  assert.equal(await real.auth.api.getSession({ headers }), null);
  headers.cookie = `better-auth.session_token=${signCookie(token)}`;
  assert.equal((await real.auth.api.getSession({ headers })).session.token, token);
});

test('an expired session is gone for both', async () => {
  for (const [, first, second] of BOTH) {
    const { token } = await signUp(first);
    await database.sql(`UPDATE session SET "expiresAt" = now() - interval '1 second' WHERE token = $1`, [token]);
    assert.equal(await sessionOf(second, token), null);
    assert.equal(await database.value('SELECT count(*)::int FROM session WHERE token = $1', [token]), 0);
  }
});

test('dates are shown alike', async () => {
  const { token } = await signUp(ours);
  for (const date of [
    '2026-11-23 08:55:25.333999+00',
    '2026-11-23 08:55:25.999999+00',
    '1999-12-31 23:59:59.9999+00',
    '1969-12-31 23:59:59.9985+00',
    '1969-12-31 23:59:59+00',
    '0099-01-01 00:00:00+00',
    '9999-12-31 23:59:59.999+00',
    '2024-02-29 12:00:00.001+14',
    '0001-06-01 00:00:00+00 BC',
    'infinity',
    '-infinity',
  ]) {
    await database.sql(`UPDATE "user" SET "createdAt" = $1, "updatedAt" = $1`, [date]);
    const [their, our] = [await sessionOf(real, token), await sessionOf(ours, token)];
    assert.deepEqual(our.user, their.user, date);
  }
});

test(DIFFERENCES.farDates, async () => {
  const { token } = await signUp(ours);
  await database.sql(`UPDATE "user" SET "createdAt" = '10000-01-01 00:00:00+00'`);
  assert.equal((await sessionOf(real, token)).user.createdAt, '+010000-01-01T00:00:00.000Z');
  assert.equal((await sessionOf(ours, token)).user.createdAt, null);
});

test('a session that never expires', async () => {
  const { token } = await signUp(ours);
  await database.sql(`UPDATE session SET "expiresAt" = 'infinity' WHERE token = $1`, [token]);
  const [their, our] = [await sessionOf(real, token), await sessionOf(ours, token)];
  assert.equal(our.session.expiresAt, null);
  assert.deepEqual(our, their);
  assert.equal(await database.value('SELECT "expiresAt" FROM session WHERE token = $1', [token]), Infinity);
});

test('odd texts are shown alike', async () => {
  const { token } = await signUp(ours);
  for (const text of ['', ' ', '\u2028 \u{1F469}\u200D\u{1F4BB} \uFEFF', '"\\/\b\f\n\r\t\x01\x7f', "'; DROP TABLE user; --", '\u0130İıſK', 'x'.repeat(100_000)]) {
    await database.sql(`UPDATE "user" SET name = $1, image = $1`, [text]);
    await database.sql(`UPDATE session SET "ipAddress" = $1, "userAgent" = $1`, [text]);
    const [their, our] = [await sessionOf(real, token), await sessionOf(ours, token)];
    assert.equal(our.user.name, text);
    assert.deepEqual(our, their);
  }
});

test('sign-in at both at once opens sessions for all', async () => {
  const { signIn } = await signUp(ours);
  const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => (index % 2 ? real : ours).call('signIn', signIn)));
  const tokens = answers.map((answer) => answer.ok?.token);
  assert.equal(new Set(tokens).size, 8);
  for (const token of tokens) assert.deepEqual(await sessionOf(ours, token), await sessionOf(real, token));
});

test('a race of both for one email has one winner', async () => {
  for (let round = 0; round < 5; round++) {
    await clear(database);
    const body = newUser();
    const answers = await Promise.all([real, ours, real, ours].map((auth) => auth.call('signUp', body)));
    assert.equal(answers.filter((answer) => answer.ok).length, 1);
    for (const { error } of answers.filter((answer) => answer.error)) {
      assert.match(error.code, /^(FAILED_TO_CREATE_USER|USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL)$/);
    }
    const counts = await database.sql(
      'SELECT (SELECT count(*)::int FROM "user") AS users, (SELECT count(*)::int FROM account) AS accounts, (SELECT count(*)::int FROM session) AS sessions',
    );
    assert.deepEqual(counts, [{ users: 1, accounts: 1, sessions: 1 }]);
  }
});

// Made by python's bcrypt 5 and argon2-cffi 25, by jBCrypt's and argon2's own test suites, and by
// better-auth's hashPassword: none of the code under test.
const IMPORTED = [
  ['bcrypt $2b$', PASSWORD, '$2b$10$Fef0hkN26IAjNYOTxQovYOzu7lb7sfknufg2iDdbdANYNSLYwOy3u'],
  ['bcrypt $2y$', PASSWORD, '$2y$10$8eeh1sOF1YRl8Iaz6H8GLuuJ0RBV1Uny56VYqeRY9.XMiEIVNedZe'],
  ['bcrypt $2a$ of jBCrypt', 'abcdefghijklmnopqrstuvwxyz', '$2a$10$fVH8e28OQRj9tqiDXs1e1uxpsjN0c7II7YPKXua2NAKYvM6iQk7dq'],
  ['argon2id as argon2-cffi makes it', PASSWORD, '$argon2id$v=19$m=65536,t=3,p=4$Ru9t4riSzlbWy5DVEIn+4w$e3yAnQ7qlDtCslW1UuwLRfP3XYmoxqcdkJY/uJ+AV2M'],
  ['argon2id of less memory', PASSWORD, '$argon2id$v=19$m=8192,t=1,p=1$/hReJ8XdDo9hZSYKviSCGg$LNOGUPZ9gyCu0JLVE1Eg5Jja6L+4RZyUdWbe/3KAOUo'],
  ['argon2i', PASSWORD, '$argon2i$v=19$m=32768,t=3,p=2$uj9+doF+jGwdissfb/G+Lg$VP/rYQuvOla9NnPhrEbpNfeAR/V76dNJa6pnNvxwRZM'],
  ['argon2id of the reference implementation', 'password', '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'],
];

for (const [form, password, hash] of IMPORTED) {
  test(`imported ${form}: signs in here, and at Better Auth from then on`, async () => {
    const { body, user } = await signUp(real);
    const stored = () => database.value('SELECT password FROM account WHERE "userId" = $1', [user.id]);
    await database.sql('UPDATE account SET password = $1 WHERE "userId" = $2', [hash, user.id]);
    const signIn = { email: body.email, password };
    const wrong = await ours.call('signIn', { ...signIn, password: `${password}!` });
    assert.equal(wrong.error.code, 'INVALID_EMAIL_OR_PASSWORD');
    assert.equal(await stored(), hash, 'a wrong password changes nothing');
    assert.deepEqual((await ours.call('signIn', signIn)).ok?.user, user);
    assert.match(await stored(), /^[0-9a-f]{32}:[0-9a-f]{128}$/);
    assert.deepEqual((await real.call('signIn', signIn)).ok?.user, user);
    assert.deepEqual((await ours.call('signIn', signIn)).ok?.user, user);
  });
}

test('a session row that plain SQL made is accepted by both', async () => {
  const { user } = await signUp(ours);
  await database.sql(
    `INSERT INTO session (id, token, "userId", "expiresAt", "updatedAt") VALUES ('any id', 'any-token.of_text', $1, now() + interval '7 days', now())`,
    [user.id],
  );
  const our = await sessionOf(ours, 'any-token.of_text');
  assert.equal(our.session.id, 'any id');
  assert.deepEqual(our, await sessionOf(real, 'any-token.of_text'));
});
