// Many connections at once: one of them wins, the others get a proper answer, nothing is half done.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  betterAuthDdl, foreign, freshEmail, INVALID_EMAIL_OR_PASSWORD, PASSWORD, patiently, refused, server, signIn, signUp, untilBlocked, USER_ALREADY_EXISTS,
} from './lib.mjs';

const COUNTS = `
  SELECT ARRAY[(SELECT count(*) FROM better_auth."user"), (SELECT count(*) FROM better_auth.account), (SELECT count(*) FROM better_auth.session)]::int[]`;

const SCHEMA = `
  SELECT 'column ' || attrelid::regclass || ' ' || attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
  WHERE relnamespace = 'better_auth'::regnamespace AND attnum > 0
  UNION ALL SELECT 'constraint ' || conname FROM pg_constraint WHERE connamespace = 'better_auth'::regnamespace
  UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'better_auth'
  UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1`;

const FAILED_TO_GET_SESSION = { code: '28000', detail: 'FAILED_TO_GET_SESSION' };
const SERIALIZATION_FAILURE = { code: '40001' };

describe('migrate()', () => {
  const states = {
    'an empty installation': async () => {},
    'half of the tables': async (client) => {
      await client.query(betterAuthDdl.replace('CREATE SCHEMA better_auth;', ''));
      await client.query('DROP TABLE better_auth.session, better_auth.verification');
    },
  };
  for (const [state, prepare] of Object.entries(states)) {
    test(`twenty at once on ${state} make what one makes`, async (t) => {
      const { database, client } = await server.database(t);
      const expected = await client.column(SCHEMA);
      await client.query(`DROP TABLE better_auth.session, better_auth.account, better_auth."user", better_auth.verification, better_auth.signing_secret, better_auth."rateLimit", better_auth.mail_outbox,
        better_auth.fetch_outbox, better_auth.oauth_provider, better_auth.provider_key`);
      assert.deepEqual(await client.column(SCHEMA), []);
      await prepare(client);
      const connections = await database.connectMany(20);
      const done = await Promise.all(connections.map((one) => one.query('SELECT * FROM better_auth.migrate()')));
      assert.equal(done.filter(({ rows }) => rows.length > 0).length, 1);
      assert.deepEqual(await client.column(SCHEMA), expected);
      assert.deepEqual(await client.column('SELECT name FROM better_auth.signing_secret ORDER BY 1'), ['cookie', 'jwt']);
      await signUp(client);
    });
  }

  test('goes on while users sign up', async (t) => {
    const { database, client } = await server.database(t);
    const [migrating, ...signing] = await database.connectMany(5);
    const work = signing.map(async (one) => {
      for (let round = 0; round < 10; round += 1) {
        await signUp(one);
      }
    });
    for (let round = 0; round < 20; round += 1) {
      assert.deepEqual((await migrating.query('SELECT * FROM better_auth.migrate()')).rows, []);
    }
    await Promise.all(work);
    assert.deepEqual(await client.value(COUNTS), [40, 40, 40]);
  });
});

test('CREATE EXTENSION IF NOT EXISTS by ten at once leaves one whole installation', async (t) => {
  const { client: reference } = await server.database(t);
  const database = await server.emptyDatabase(t);
  const connections = await database.connectMany(10);
  const ends = await Promise.allSettled(connections.map((one) => one.query('CREATE EXTENSION IF NOT EXISTS better_auth')));
  assert.ok(ends.some(({ status }) => status === 'fulfilled'));
  // PostgreSQL itself tells who lost the race of this, for any extension.
  for (const { reason } of ends.filter(({ status }) => status === 'rejected')) {
    assert.match(reason.message, /pg_namespace_nspname_index|pg_extension_name_index|already exists/);
  }
  assert.deepEqual(await connections[0].column(SCHEMA), await reference.column(SCHEMA));
  await signUp(connections[0]);
});

describe('sign-up', () => {
  test('of one email by fifty at once makes one user', async (t) => {
    const { database, client } = await server.database(t);
    const email = freshEmail();
    const connections = await database.connectMany(50);
    const ends = await Promise.allSettled(connections.map((one, index) => patiently(() => signUp(one, { email: index % 2 ? email : email.toUpperCase() }))));
    const won = ends.filter(({ status }) => status === 'fulfilled');
    assert.equal(won.length, 1);
    for (const { reason } of ends.filter(({ status }) => status === 'rejected')) {
      await refused(Promise.reject(reason), USER_ALREADY_EXISTS);
    }
    assert.deepEqual(await client.value(COUNTS), [1, 1, 1]);
    assert.equal((await signIn(client, email)).user.id, won[0].value.user.id);
  });

  test('waits for another one of that email, and succeeds when that is rolled back', async (t) => {
    const { database, client } = await server.database(t);
    const [first, second] = await database.connectMany(2);
    const email = freshEmail();
    await first.query('BEGIN');
    await signUp(first, { email });
    const waiting = signUp(second, { email });
    await untilBlocked(client, second);
    await first.query('ROLLBACK');
    const { user } = await waiting;
    assert.deepEqual(await client.column(`SELECT id FROM better_auth."user"`), [user.id]);
  });

  test('that loses the race in REPEATABLE READ ends with 40001', async (t) => {
    const { database, client } = await server.database(t);
    const [first, second] = await database.connectMany(2);
    const email = freshEmail();
    await first.query('BEGIN');
    await signUp(first, { email });
    await second.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    const waiting = refused(signUp(second, { email }), SERIALIZATION_FAILURE);
    await untilBlocked(client, second);
    await first.query('COMMIT');
    await waiting;
    await second.query('ROLLBACK');
    assert.deepEqual(await client.value(COUNTS), [1, 1, 1]);
    await refused(signUp(second, { email }), USER_ALREADY_EXISTS);
  });
});

describe('sign-in', () => {
  /** While A has an open transaction that changed something, B signs in; then A commits. */
  async function against(t, change, expected, { isolation, password = PASSWORD } = {}) {
    const { database, client } = await server.database(t);
    const { user } = await signUp(client);
    await client.call('sign_out', { session_token: (await signIn(client, user.email)).token });
    await client.query('DELETE FROM better_auth.session');
    const [a, b] = await database.connectMany(2);
    await a.query('BEGIN');
    await change.first(a, user);
    if (isolation) {
      await b.query(`BEGIN ISOLATION LEVEL ${isolation}`);
    }
    const signing = signIn(b, user.email, password);
    const end = expected ? refused(signing, expected) : signing;
    await untilBlocked(client, b);
    await change.then?.(a, user);
    await a.query('COMMIT');
    const answer = await end;
    await b.query('ROLLBACK');
    return { answer, client, user };
  }

  const deleteUser = { first: (a, user) => a.query('DELETE FROM better_auth."user" WHERE id = $1', [user.id]) };
  /** In the order in which Better Auth deletes. */
  const deleteAll = {
    async first(a, user) {
      await a.query('DELETE FROM better_auth.session WHERE "userId" = $1', [user.id]);
      await a.query('DELETE FROM better_auth.account WHERE "userId" = $1', [user.id]);
    },
    then: deleteUser.first,
  };
  const lockThenDelete = {
    first: (a, user) => a.query('SELECT FROM better_auth."user" WHERE id = $1 FOR UPDATE', [user.id]),
    then: deleteUser.first,
  };
  const changePassword = {
    async first(a, user) {
      const hash = await a.call('hash_password', { password: 'a new password' });
      await a.query('UPDATE better_auth.account SET password = $2 WHERE "userId" = $1', [user.id, hash]);
    },
  };

  for (const [name, change] of Object.entries({
    'a user who is deleted meanwhile': deleteUser,
    'a user who is locked and then deleted meanwhile': lockThenDelete,
  })) {
    test(`of ${name} is refused, and leaves no session`, async (t) => {
      const { client } = await against(t, change, INVALID_EMAIL_OR_PASSWORD);
      assert.deepEqual(await client.value(COUNTS), [0, 0, 0]);
    });
  }

  // Account first, then user, in one transaction: the other way round than a cascade and than a session's
  // foreign key, so PostgreSQL has to choose one of the two. (Better Auth does it statement by statement.)
  test('of a user whose rows are deleted one by one in a transaction leaves no session, or is the one to stay', async (t) => {
    const failed = (error) => ({ failed: error.code });
    const { database, client } = await server.database(t);
    const { user } = await signUp(client);
    await client.query('DELETE FROM better_auth.session');
    const [a, b] = await database.connectMany(2);
    await a.query('BEGIN');
    await deleteAll.first(a, user);
    const signing = signIn(b, user.email, PASSWORD).catch(failed);
    await untilBlocked(client, b);
    const deletion = await deleteAll.then(a, user).then(() => a.query('COMMIT')).catch(failed);
    await a.query('ROLLBACK');
    const answer = await signing;
    const counts = await client.value(COUNTS);
    if (deletion.failed) {
      assert.equal(deletion.failed, '40P01');
      assert.ok(answer.token);
      assert.deepEqual(counts, [1, 1, 1]);
    } else {
      assert.match(answer.failed, /28P01|40P01/);
      assert.deepEqual(counts, [0, 0, 0]);
    }
  });

  test('of a user who is deleted meanwhile ends with 40001 in REPEATABLE READ', async (t) => {
    const { client } = await against(t, deleteUser, SERIALIZATION_FAILURE, { isolation: 'REPEATABLE READ' });
    assert.deepEqual(await client.value(COUNTS), [0, 0, 0]);
  });

  test('with the old password is refused when it is changed meanwhile, and leaves no session', async (t) => {
    const { client, user } = await against(t, changePassword, INVALID_EMAIL_OR_PASSWORD);
    assert.deepEqual(await client.value(COUNTS), [1, 1, 0]);
    await signIn(client, user.email, 'a new password');
  });

  test('with the old password ends with 40001 in REPEATABLE READ when it is changed meanwhile', async (t) => {
    const { client } = await against(t, changePassword, SERIALIZATION_FAILURE, { isolation: 'REPEATABLE READ' });
    assert.deepEqual(await client.value(COUNTS), [1, 1, 0]);
  });

  test('works when the same password was only hashed anew meanwhile', async (t) => {
    const rehash = {
      async first(a, user) {
        const hash = await a.call('hash_password', { password: PASSWORD });
        await a.query('UPDATE better_auth.account SET password = $2 WHERE "userId" = $1', [user.id, hash]);
      },
    };
    const { answer, user, client } = await against(t, rehash, null);
    assert.equal(answer.user.id, user.id);
    assert.deepEqual(await client.value(COUNTS), [1, 1, 1]);
  });

  test('of one user by twenty at once works, also when the hash is an outdated one', async (t) => {
    const { database, client } = await server.database(t);
    const { user } = await signUp(client);
    const connections = await database.connectMany(20);
    for (let round = 0; round < 3; round += 1) {
      await client.query('UPDATE better_auth.account SET password = $1', [foreign.hash]);
      await Promise.all(connections.map((one) => patiently(() => signIn(one, user.email, foreign.password))));
      assert.match(await client.value('SELECT password FROM better_auth.account'), /^\$argon2id\$/);
    }
    assert.deepEqual(await client.value(COUNTS), [1, 1, 61]);
  });

  test('that hashes the password anew, by five at once, does not deadlock where a trigger takes its time', async (t) => {
    const { database, client } = await server.database(t);
    const { user } = await signUp(client);
    await client.query('UPDATE better_auth.account SET password = $1', [foreign.hash]);
    await client.query(`
      CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END';
      CREATE TRIGGER slow BEFORE UPDATE ON better_auth.account FOR EACH STATEMENT EXECUTE FUNCTION public.slow()`);
    const connections = await database.connectMany(5);
    const ends = await Promise.allSettled(connections.map((one) => patiently(() => signIn(one, user.email, foreign.password))));
    assert.deepEqual(ends.map(({ reason }) => reason?.message), Array(5).fill(undefined));
    assert.match(await client.value('SELECT password FROM better_auth.account'), /^\$argon2id\$/);
  });

  test('works where a trigger on session writes to the user, by twenty at once', async (t) => {
    const { database, client } = await server.database(t);
    const { user } = await signUp(client);
    await client.query(`
      ALTER TABLE better_auth."user" ADD "signIns" int NOT NULL DEFAULT 0;
      CREATE FUNCTION public.seen() RETURNS trigger LANGUAGE plpgsql
      AS 'BEGIN UPDATE better_auth."user" SET "signIns" = "signIns" + 1 WHERE id = NEW."userId"; RETURN NULL; END';
      CREATE TRIGGER seen AFTER INSERT ON better_auth.session FOR EACH ROW EXECUTE FUNCTION public.seen()`);
    const connections = await database.connectMany(20);
    await Promise.all(connections.map((one) => patiently(() => signIn(one, user.email))));
    assert.equal(await client.value('SELECT "signIns" FROM better_auth."user"'), 20);
  });

  test('many times, while the users are deleted: a session or a refusal, never a deadlock', async (t) => {
    const { database, client } = await server.database(t);
    const [deleting, ...signing] = await database.connectMany(7);
    for (let round = 0; round < 12; round += 1) {
      const { user } = await signUp(client);
      const ends = Promise.allSettled(signing.map((one) => signIn(one, user.email)));
      await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 150));
      await deleting.query('DELETE FROM better_auth."user" WHERE id = $1', [user.id]);
      for (const { reason } of (await ends).filter(({ status }) => status === 'rejected')) {
        await refused(Promise.reject(reason), INVALID_EMAIL_OR_PASSWORD);
      }
      assert.deepEqual(await client.value(COUNTS), [0, 0, 0]);
    }
  });
});

describe('a session', () => {
  async function due(t) {
    const { database, client } = await server.database(t);
    const { token } = await signUp(client);
    await client.query(`UPDATE better_auth.session SET "expiresAt" = "expiresAt" - interval '2 days'`);
    const [a, b] = await database.connectMany(2);
    return { client, token, a, b };
  }

  const LEVELS = { 'READ COMMITTED': FAILED_TO_GET_SESSION, 'REPEATABLE READ': SERIALIZATION_FAILURE };
  for (const [level, expected] of Object.entries(LEVELS)) {
    test(`deleted while it is prolonged, in ${level}`, async (t) => {
      const { client, token, a, b } = await due(t);
      await a.query('BEGIN');
      await a.call('sign_out', { session_token: token });
      await b.query(`BEGIN ISOLATION LEVEL ${level}`);
      const end = refused(b.call('get_session', { session_token: token }), expected);
      await untilBlocked(client, b);
      await a.query('COMMIT');
      await end;
      await b.query('ROLLBACK');
      assert.equal(await b.call('get_session', { session_token: token }), null);
    });
  }

  test('prolonged by two at once', async (t) => {
    const { client, token, a, b } = await due(t);
    await a.query('BEGIN');
    const first = await a.call('get_session', { session_token: token });
    const waiting = b.call('get_session', { session_token: token });
    await untilBlocked(client, b);
    await a.query('COMMIT');
    const second = await waiting;
    assert.ok(second.session.expiresAt >= first.session.expiresAt);
    assert.deepEqual(await client.value(COUNTS), [1, 1, 1]);
  });

  test('that has expired is deleted by one of many', async (t) => {
    const { database, client } = await server.database(t);
    const { token } = await signUp(client);
    await client.query(`UPDATE better_auth.session SET "expiresAt" = now() - interval '1 second'`);
    const connections = await database.connectMany(10);
    const answers = await Promise.all(connections.map((one) => one.call('get_session', { session_token: token })));
    assert.deepEqual(answers, Array(10).fill(null));
    assert.deepEqual(await client.value(COUNTS), [1, 1, 0]);
  });

  test('that is prolonged while another one finds it expired is not deleted', async (t) => {
    const { database, client } = await server.database(t);
    const { token } = await signUp(client);
    await client.query(`UPDATE better_auth.session SET "expiresAt" = now() - interval '1 second'`);
    const [a, b] = await database.connectMany(2);
    await a.query('BEGIN');
    await a.query(`UPDATE better_auth.session SET "expiresAt" = now() + interval '7 days'`);
    const waiting = b.call('get_session', { session_token: token });
    await untilBlocked(client, b);
    await a.query('COMMIT');
    await waiting;
    assert.deepEqual(await client.value(COUNTS), [1, 1, 1]);
  });
});

test('rotations by twenty at once leave one current secret, and every token between them verifies', async (t) => {
  const { database, client } = await server.database(t);
  const { token } = await signUp(client);
  const connections = await database.connectMany(20);
  const tokens = await Promise.all(
    connections.map(async (one) => {
      await one.call('rotate_secret', { name: 'jwt', keep: '1 hour' });
      return one.call('bridge_token', { session_token: token });
    }),
  );
  const rows = (await client.query(`SELECT count(*) FILTER (WHERE valid_until IS NULL)::int AS current, count(*)::int AS all FROM better_auth.signing_secret WHERE name = 'jwt'`)).rows[0];
  assert.deepEqual(rows, { current: 1, all: 21 });
  for (const bridge of tokens) {
    await client.call('verify_jwt', { token: bridge });
  }
});
