// Two at once: one wins, the other gets a proper answer, nothing is half done.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configured, cookieOf, http, ORIGIN, set } from './http.mjs';
import { freshEmail, INVALID_EMAIL_OR_PASSWORD, INVALID_TOKEN, PASSWORD, patiently, refused, signIn, signUp, untilBlocked, USER_ALREADY_EXISTS } from './lib.mjs';

const SETTINGS = {
  base_url: ORIGIN,
  rate_limit: 'off',
  change_email_enabled: 'on',
  delete_user_enabled: 'on',
  send_delete_account_verification: 'on',
};

const count = (client, table) => client.value(`SELECT count(*)::int FROM better_auth."${table}"`);
const mailed = (client) => client.value('SELECT token FROM better_auth.mail_outbox ORDER BY created_at DESC LIMIT 1');

/** Runs `work` in so many connections at once; the values, and the errors, of all. */
async function race(database, number, work) {
  const connections = await database.connectMany(number);
  const ends = await Promise.allSettled(connections.map((one, index) => patiently(() => work(one, index))));
  return {
    won: ends.filter(({ status }) => status === 'fulfilled').map(({ value }) => value),
    lost: ends.filter(({ status }) => status === 'rejected').map(({ reason }) => reason),
  };
}

/** Asserts that one of them all won, and that the others lost with this error. */
async function oneWins({ won, lost }, expected) {
  assert.equal(won.length, 1, lost.map(({ message }) => message).join('; '));
  for (const reason of lost) {
    await refused(Promise.reject(reason), expected);
  }
}

test('a sign-in that notes its method and a reset don’t wait for each other', async (t) => {
  const { database, client } = await configured(t, { ...SETTINGS, plugins: 'last-login-method', last_login_method_store_in_database: 'on' });
  await client.query('SELECT * FROM better_auth.migrate()');
  const { user } = await signUp(client);
  await client.call('request_password_reset', { email: user.email });
  const token = await mailed(client);
  // The sign-in stands still where its session is inserted.
  await client.query(`
    CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END $$;
    CREATE TRIGGER wait BEFORE INSERT ON better_auth.session FOR EACH ROW EXECUTE FUNCTION public.wait();
    SELECT pg_advisory_lock(7)`);
  const [signing, resetting] = await database.connectMany(2);
  const signed = http(signing, 'POST', '/sign-in/email', { body: { email: user.email, password: PASSWORD } });
  await untilBlocked(client, signing);
  const reset = resetting.call('reset_password', { token, new_password: 'another password' });
  reset.catch(() => {});
  await untilBlocked(client, resetting);
  await client.query('SELECT pg_advisory_unlock(7)');
  assert.equal((await signed).status, 200);
  assert.deepEqual(await reset, { status: true });
});

describe('a token is good for one', () => {
  test('of ten resets', async (t) => {
    const { database, client } = await configured(t, SETTINGS);
    const { user } = await signUp(client);
    await client.call('request_password_reset', { email: user.email });
    const token = await mailed(client);
    const passwords = Array.from({ length: 10 }, (_, index) => `password number ${index}`);
    const ends = await race(database, 10, async (one, index) => {
      await one.call('reset_password', { token, new_password: passwords[index] });
      return passwords[index];
    });
    await oneWins(ends, INVALID_TOKEN);
    await signIn(client, user.email, ends.won[0]);
    await refused(signIn(client, user.email, PASSWORD), INVALID_EMAIL_OR_PASSWORD);
    assert.equal(await count(client, 'verification'), 0);
  });

  test('of two resets with two tokens: the first one makes the other void', async (t) => {
    const { database, client } = await configured(t, SETTINGS);
    const { user } = await signUp(client);
    const tokens = [];
    for (let round = 0; round < 2; round += 1) {
      await client.query('DELETE FROM better_auth.mail_outbox');
      await client.call('request_password_reset', { email: user.email });
      tokens.push(await mailed(client));
    }
    const ends = await race(database, 2, (one, index) => one.call('reset_password', { token: tokens[index], new_password: `password number ${index}` }));
    await oneWins(ends, INVALID_TOKEN);
    assert.equal(await count(client, 'verification'), 0);
  });

  test('of five deletions', async (t) => {
    const { database, client } = await configured(t, SETTINGS);
    const { token: session_token } = await signUp(client);
    await client.call('delete_user', { session_token });
    const token = await mailed(client);
    const { won, lost } = await race(database, 5, (one) => one.call('delete_user', { session_token, token }));
    assert.deepEqual(won, [{ success: true, message: 'User deleted' }]);
    for (const { code, detail } of lost) {
      assert.match(`${code} ${detail}`, /^28000 (INVALID_TOKEN|UNAUTHORIZED)$/);
    }
    assert.deepEqual([await count(client, 'user'), await count(client, 'account'), await count(client, 'session')], [0, 0, 0]);
  });

  test('of ten changes of email', async (t) => {
    const { database, client } = await configured(t, SETTINGS);
    const { token: session_token } = await signUp(client);
    await client.call('change_email', { session_token, new_email: 'new@example.com' });
    const token = await mailed(client);
    await oneWins(await race(database, 10, (one) => one.call('verify_email', { token })), INVALID_TOKEN);
  });

  test('of ten verifications, where each may say that it is verified, but one signs in', async (t) => {
    const { database, client } = await configured(t, { ...SETTINGS, auto_sign_in_after_verification: 'on' });
    const { user } = await signUp(client);
    await client.query('DELETE FROM better_auth.session');
    await client.call('send_verification_email', { email: user.email });
    const token = await mailed(client);
    const { won, lost } = await race(database, 10, (one) => one.call('verify_email', { token }));
    assert.deepEqual(lost, []);
    assert.equal(won.filter((answer) => answer.token).length, 1);
    assert.equal(await count(client, 'session'), 1);
  });
});

test('of ten who change a password at once one wins', async (t) => {
  const { database, client } = await configured(t, SETTINGS);
  const { token: session_token, user } = await signUp(client);
  const ends = await race(database, 10, async (one, index) => {
    const new_password = `password number ${index}`;
    await one.call('change_password', { session_token, current_password: PASSWORD, new_password, revoke_other_sessions: false });
    return new_password;
  });
  await oneWins(ends, { code: '28P01', detail: 'INVALID_PASSWORD' });
  await signIn(client, user.email, ends.won[0]);
});

test('of two who change a password and end the other’s session one wins, and has the one session that is left', async (t) => {
  const { database, client } = await configured(t, SETTINGS);
  const { token, user } = await signUp(client);
  const tokens = [token, (await signIn(client, user.email)).token];
  const { won, lost } = await race(database, 2, (one, index) =>
    one.call('change_password', { session_token: tokens[index], current_password: PASSWORD, new_password: `password number ${index}`, revoke_other_sessions: true }),
  );
  await oneWins({ won, lost }, { detail: /INVALID_PASSWORD|UNAUTHORIZED/ });
  assert.deepEqual(await client.column('SELECT token FROM better_auth.session'), [won[0].token]);
});

test('of ten who set a first password one wins', async (t) => {
  const { database, client } = await configured(t, SETTINGS);
  const { token: session_token, user } = await client.call('link_account', { provider_id: 'github', account_id: '1', email: freshEmail(), name: 'Ada' });
  const ends = await race(database, 10, async (one, index) => {
    const new_password = `password number ${index}`;
    await one.call('set_password', { session_token, new_password });
    return new_password;
  });
  await oneWins(ends, { code: '23505', detail: 'PASSWORD_ALREADY_SET' });
  await signIn(client, user.email, ends.won[0]);
  assert.equal(await count(client, 'account'), 2);
});

test('two who unlink an account each leave one', async (t) => {
  const { database, client } = await configured(t, SETTINGS);
  const { token: session_token, user } = await signUp(client);
  await client.call('link_account', { provider_id: 'github', account_id: '1', email: user.email, name: 'Ada', email_verified: true, session_token });
  const ids = await client.column('SELECT id FROM better_auth.account');
  const ends = await race(database, 2, (one, index) => one.call('unlink_account', { session_token, account_id: ids[index] }));
  await oneWins(ends, { code: '22023', detail: 'FAILED_TO_UNLINK_LAST_ACCOUNT' });
  assert.equal(await count(client, 'account'), 1);
});

describe('first sign-ins with a provider', () => {
  const link = (one, more) => one.call('link_account', { provider_id: 'github', account_id: '1', name: 'Ada', email: 'ada@example.com', email_verified: true, ...more });

  test('of one account by ten make one user and one account', async (t) => {
    const { database, client } = await configured(t, SETTINGS);
    const { won, lost } = await race(database, 10, (one) => link(one));
    assert.deepEqual(lost, []);
    assert.equal(new Set(won.map(({ user }) => user.id)).size, 1);
    assert.equal(won.filter(({ isRegister }) => isRegister).length, 1);
    assert.deepEqual([await count(client, 'user'), await count(client, 'account'), await count(client, 'session')], [1, 1, 10]);
  });

  test('of one account whose email changes meanwhile make one account', async (t) => {
    const { database, client } = await configured(t, SETTINGS);
    const pair = await database.connectMany(2);
    await pair[0].query('BEGIN');
    const first = await link(pair[0]);
    const second = link(pair[1], { email: 'other@example.com' });
    // It waits for the first one, or it does not: then it is done by now.
    await Promise.race([second, untilBlocked(client, pair[1])]);
    await pair[0].query('COMMIT');
    assert.equal((await second).user.id, first.user.id);
    assert.equal(await client.value(`SELECT count(*)::int FROM better_auth.account WHERE "providerId" = 'github'`), 1);
  });

  test('of one email with two providers make one user and two accounts', async (t) => {
    const { database, client } = await configured(t, SETTINGS);
    const { won, lost } = await race(database, 2, (one, index) => link(one, { provider_id: ['github', 'google'][index] }));
    assert.deepEqual(lost, []);
    assert.equal(won[0].user.id, won[1].user.id);
    assert.deepEqual([await count(client, 'user'), await count(client, 'account')], [1, 2]);
  });

  test('and a sign-up of that email make one user', async (t) => {
    const { database, client } = await configured(t, SETTINGS);
    const { won } = await race(database, 8, (one, index) => (index % 2 ? link(one) : signUp(one, { email: 'ada@example.com' })));
    assert.equal(await count(client, 'user'), 1);
    assert.ok(won.length >= 1);
    assert.equal(new Set(won.map(({ user }) => user.id)).size, 1);
  });

  test('of one account by two signed-in users belong to one', async (t) => {
    const { database, client } = await configured(t, { ...SETTINGS, allow_different_emails: 'on' });
    const users = [await signUp(client), await signUp(client)];
    const ends = await race(database, 2, (one, index) => link(one, { session_token: users[index].token }));
    await oneWins(ends, { code: '23505', detail: 'SOCIAL_ACCOUNT_ALREADY_LINKED' });
    assert.equal(await client.value(`SELECT count(*)::int FROM better_auth.account WHERE "providerId" = 'github'`), 1);
  });

  test('while the user is deleted leave no session of nobody', async (t) => {
    const { database, client } = await configured(t, SETTINGS);
    const { user } = await link(client);
    const [deleting, signing] = await database.connectMany(2);
    await deleting.query('BEGIN');
    await deleting.query('DELETE FROM better_auth."user" WHERE id = $1', [user.id]);
    const end = link(signing).then(() => 'signed in', ({ code }) => code);
    await untilBlocked(client, signing);
    await deleting.query('COMMIT');
    assert.equal(await end, '42501');
    assert.equal(await count(client, 'session'), 0);
  });
});

describe('one email for two users', () => {
  for (const [name, more] of Object.entries({
    'by mail': {},
    'at once': { update_email_without_verification: 'on' },
  })) {
    test(`goes to one who changes to it ${name}`, async (t) => {
      const { database, client } = await configured(t, { ...SETTINGS, ...more });
      const users = [await signUp(client), await signUp(client)];
      const change = (one, index) => one.call('change_email', { session_token: users[index].token, new_email: 'new@example.com' });
      const ends = [];
      if (name === 'by mail') {
        for (const index of [0, 1]) {
          await change(client, index);
        }
        const tokens = await client.column('SELECT token FROM better_auth.mail_outbox');
        ends.push(await race(database, 2, (one, index) => one.call('verify_email', { token: tokens[index] })));
        await oneWins(ends[0], USER_ALREADY_EXISTS);
      } else {
        // The answer never tells that it is taken.
        const { lost } = await race(database, 2, change);
        assert.deepEqual(lost, []);
      }
      assert.equal(await client.value(`SELECT count(*)::int FROM better_auth."user" WHERE email = 'new@example.com'`), 1);
    });

    test(`goes to one who changes to it ${name} through handler(), and the other is answered`, async (t) => {
      const { database, client } = await configured(t, { ...SETTINGS, ...more });
      const users = [await signUp(client), await signUp(client)];
      const cookies = [await cookieOf(client, users[0].token), await cookieOf(client, users[1].token)];
      const change = (one, index) => http(one, 'POST', '/change-email', { body: { newEmail: 'new@example.com' }, cookie: cookies[index] });
      let statuses;
      if (name === 'by mail') {
        for (const index of [0, 1]) {
          await change(client, index);
        }
        const tokens = await client.column('SELECT token FROM better_auth.mail_outbox');
        const { won } = await race(database, 2, (one, index) => http(one, 'GET', `/verify-email?token=${tokens[index]}`));
        statuses = won.map(({ status }) => status).sort();
        assert.deepEqual(statuses, [200, 422]);
      } else {
        const { won } = await race(database, 2, change);
        statuses = won.map(({ status }) => status).sort();
        assert.deepEqual(statuses, [200, 200]);
      }
      assert.equal(await client.value(`SELECT count(*)::int FROM better_auth."user" WHERE email = 'new@example.com'`), 1);
    });
  }

  /** While A has an open transaction that takes the email, B tries to; then A commits. */
  async function behind(t, settings, prepare, take) {
    const { database, client } = await configured(t, { ...SETTINGS, ...settings });
    const users = [await signUp(client), await signUp(client)];
    const cookies = [await cookieOf(client, users[0].token), await cookieOf(client, users[1].token)];
    const prepared = await prepare(client, users);
    const pair = await database.connectMany(2);
    await pair[0].query('BEGIN');
    await take(pair[0], users[0], cookies[0], prepared[0]);
    const waiting = take(pair[1], users[1], cookies[1], prepared[1]).catch((error) => error);
    await untilBlocked(client, pair[1]);
    await pair[0].query('COMMIT');
    const late = await waiting;
    assert.deepEqual(await client.column(`SELECT id FROM better_auth."user" WHERE email = 'new@example.com'`), [users[0].user.id]);
    return late;
  }
  const AT_ONCE = { update_email_without_verification: 'on' };
  const none = async () => [];
  const mails = async (client, users) => {
    for (const { token } of users) {
      await client.call('change_email', { session_token: token, new_email: 'new@example.com' });
    }
    return client.column(`SELECT token FROM better_auth.mail_outbox ORDER BY data #>> '{user,id}' = $1 DESC`, [users[0].user.id]);
  };

  test('is told to who waited for it with a token', async (t) => {
    const late = await behind(t, {}, mails, (one, _, __, token) => one.call('verify_email', { token }));
    await refused(Promise.reject(late), USER_ALREADY_EXISTS);
  });

  test('is told to who waited for it with a token through handler()', async (t) => {
    const { status, json } = await behind(t, {}, mails, (one, _, __, token) => http(one, 'GET', `/verify-email?token=${token}`));
    assert.deepEqual([status, json.code], [422, USER_ALREADY_EXISTS.detail]);
  });

  test('is not told to who waited for it to be theirs at once', async (t) => {
    const late = await behind(t, AT_ONCE, none, (one, { token }) => one.call('change_email', { session_token: token, new_email: 'new@example.com' }));
    assert.deepEqual(late, { status: true });
  });

  test('is not told to who waited for it to be theirs at once through handler()', async (t) => {
    const late = await behind(t, AT_ONCE, none, (one, _, cookie) => http(one, 'POST', '/change-email', { body: { newEmail: 'new@example.com' }, cookie }));
    assert.deepEqual([late.status, late.json], [200, { status: true }]);
  });

  test('goes to a sign-up or to who changes to it', async (t) => {
    const { database, client } = await configured(t, { ...SETTINGS, update_email_without_verification: 'on' });
    const { token: session_token } = await signUp(client);
    await race(database, 6, (one, index) =>
      index % 2 ? signUp(one, { email: 'new@example.com' }) : one.call('change_email', { session_token, new_email: 'new@example.com' }),
    );
    assert.equal(await client.value(`SELECT count(*)::int FROM better_auth."user" WHERE email = 'new@example.com'`), 1);
  });
});

for (const storage of ['memory', 'database']) describe(`the rate limit lets through exactly as many as it says, counted in ${storage}`, () => {
  const LIMITED = { ...SETTINGS, rate_limit: 'on', rate_limit_storage: storage };
  const statuses = async (database, number, ask) => (await race(database, number, ask)).won.map(({ status }) => status).sort();
  const signInAs = (one, address) => http(one, 'POST', '/sign-in/email', { body: { email: 'nobody@example.com', password: PASSWORD }, address });

  test('of twenty sign-ins from one address at once', async (t) => {
    const { database, client } = await configured(t, LIMITED);
    const ends = await statuses(database, 20, (one) => signInAs(one, '10.0.0.1'));
    assert.deepEqual(ends, [...Array(3).fill(401), ...Array(17).fill(429)]);
    const { rows } = await client.query('SELECT key, count FROM better_auth."rateLimit"');
    assert.deepEqual(rows, storage === 'memory' ? [] : [{ key: '10.0.0.1|/sign-in/email', count: 3 }]);
  });

  test('of twenty when the window has just passed', { skip: storage === 'memory' }, async (t) => {
    const { database, client } = await configured(t, LIMITED);
    await client.query(`INSERT INTO better_auth."rateLimit" VALUES ('x', '10.0.0.1|/sign-in/email', 3, extract(epoch FROM now())::bigint * 1000 - 11000)`);
    const ends = await statuses(database, 20, (one) => signInAs(one, '10.0.0.1'));
    assert.deepEqual(ends, [...Array(3).fill(401), ...Array(17).fill(429)]);
  });

  test('of each address, and none waits for another’s', async (t) => {
    const { database, client } = await configured(t, LIMITED);
    const ends = await statuses(database, 20, (one, index) => signInAs(one, `10.0.0.${index % 5}`));
    assert.deepEqual(ends, [...Array(15).fill(401), ...Array(5).fill(429)]);
    const [slow, other] = await database.connectMany(2);
    await slow.query('BEGIN');
    await signInAs(slow, '10.0.1.1');
    await set(other, { rate_limit: 'on' });
    await other.query(`SET statement_timeout = '60s'`);
    assert.equal((await signInAs(other, '10.0.1.2')).status, 401);
    await slow.query('COMMIT');
    assert.equal(await count(client, 'rateLimit'), storage === 'memory' ? 0 : 7);
  });

  test('of a hundred and twenty requests for a route without a rule of its own', async (t) => {
    const { database } = await configured(t, LIMITED);
    const { won, lost } = await race(database, 8, async (one) => {
      const ends = [];
      for (let round = 0; round < 15; round += 1) {
        ends.push((await http(one, 'GET', '/ok', { address: '10.0.0.1' })).status);
      }
      return ends;
    });
    assert.deepEqual(lost, []);
    assert.deepEqual(won.flat().sort(), [...Array(100).fill(200), ...Array(20).fill(429)]);
  });
});
