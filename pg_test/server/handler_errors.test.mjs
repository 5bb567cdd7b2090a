// handler() and the transaction around it: what it undoes, what comes out of it, and what it leaves behind in the backend.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { answer, configure, configured, contents, cookieOf, http, ORIGIN, request, set, unchanged } from './http.mjs';
import { freshEmail, ident, MAJOR, ownServer, PASSWORD, refused, server, signIn, signUp, standbyOf, until, untilBlocked } from './lib.mjs';

const SETTINGS = { base_url: ORIGIN, rate_limit: 'off' };

/** A user with a session, and its cookie. */
async function withUser(t, settings = {}) {
  const { database, client } = await configured(t, { ...SETTINGS, ...settings });
  const ada = await signUp(client);
  return { database, client, ...ada, cookie: await cookieOf(client, ada.token) };
}

const rename = (client, cookie, name = 'Renamed') => http(client, 'POST', '/update-user', { body: { name }, cookie });
const nameOf = (client) => client.value('SELECT name FROM better_auth."user"');
const newUser = () => ({ email: freshEmail(), password: PASSWORD, name: 'New' });

describe('what goes wrong in the middle is undone', () => {
  const faults = {
    'a hook after sign-up that is missing': (client) => set(client, { after_sign_up_function: 'public.nowhere' }),
    'a mail function that is missing': (client) => set(client, { send_verification_on_sign_up: 'on', send_mail_function: 'public.nowhere' }),
    'a mail function with a malformed name': (client) => set(client, { send_verification_on_sign_up: 'on', send_mail_function: 'a..b' }),
    'an outbox that is missing': async (client) => {
      await set(client, { send_verification_on_sign_up: 'on' });
      await client.query('ALTER TABLE better_auth.mail_outbox RENAME TO elsewhere');
      return () => client.query('ALTER TABLE better_auth.elsewhere RENAME TO mail_outbox');
    },
    'an account table that lacks a column': (client) => client.query('ALTER TABLE better_auth.account DROP password'),
    'a session table that can’t be filled': (client) => client.query('ALTER TABLE better_auth.session ADD kind uuid NOT NULL DEFAULT gen_random_uuid(); ALTER TABLE better_auth.session ALTER kind DROP DEFAULT'),
    'a session table that takes no row': (client) => client.query('CREATE RULE no AS ON INSERT TO better_auth.session DO INSTEAD NOTHING'),
    'a trigger that raises': (client) =>
      client.query(`CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
        CREATE TRIGGER no BEFORE INSERT ON better_auth.session FOR EACH ROW EXECUTE FUNCTION public.no()`),
  };
  for (const [name, cause] of Object.entries(faults)) {
    test(`at sign-up: ${name}`, async (t) => {
      const { client } = await configured(t, SETTINGS);
      const restore = await cause(client);
      const { status, text, cookies } = await http(client, 'POST', '/sign-up/email', { body: newUser() });
      assert.deepEqual({ status, text, cookies }, { status: 500, text: '', cookies: [] });
      if (typeof restore === 'function') {
        await restore();
      }
      assert.deepEqual(await contents(client), { user: null, session: null, account: null, verification: null, mail_outbox: null });
    });
  }

  test('at delete-user: a mail function that is missing', async (t) => {
    const { client, cookie } = await withUser(t, { delete_user_enabled: 'on', send_delete_account_verification: 'on', send_mail_function: 'public.nowhere' });
    const { status } = await unchanged(client, () => http(client, 'POST', '/delete-user', { body: {}, cookie }));
    assert.equal(status, 500);
  });

  test('at change-password with other sessions ended: a session table that takes no row', async (t) => {
    const { client, cookie } = await withUser(t);
    await client.query('CREATE RULE no AS ON INSERT TO better_auth.session DO INSTEAD NOTHING');
    const body = { currentPassword: PASSWORD, newPassword: 'a new password', revokeOtherSessions: true };
    const { status } = await unchanged(client, () => http(client, 'POST', '/change-password', { body, cookie }));
    assert.equal(status, 500);
  });

  test('but the mail that a refused sign-in sends is kept', async (t) => {
    const { client, user } = await withUser(t);
    await set(client, { require_email_verification: 'on', send_verification_on_sign_in: 'on' });
    const { status, json } = await http(client, 'POST', '/sign-in/email', { body: { email: user.email, password: PASSWORD } });
    assert.deepEqual([status, json.code], [403, 'EMAIL_NOT_VERIFIED']);
    assert.deepEqual(await client.column('SELECT recipient FROM better_auth.mail_outbox'), [user.email]);
  });
});

describe('a trigger of the tables’ owner that raises is no exception of handler()', () => {
  const RAISE = `CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$`;
  const MAKE_DUE = `UPDATE better_auth.session SET "expiresAt" = "expiresAt" - interval '2 days'`;
  const EXPIRE = `UPDATE better_auth.session SET "expiresAt" = now() - interval '1 minute'`;
  for (const owner of ['a superuser', 'another role']) {
    for (const [name, { on, before = 'SELECT', ask }] of Object.entries({
      'a session is prolonged': { on: 'UPDATE ON better_auth.session', before: MAKE_DUE, ask: (client, cookie) => http(client, 'GET', '/get-session', { cookie }) },
      'an expired session is deleted': { on: 'DELETE ON better_auth.session', before: EXPIRE, ask: (client, cookie) => http(client, 'GET', '/list-sessions', { cookie }) },
      'the bridge prolongs a session': { on: 'UPDATE ON better_auth.session', before: MAKE_DUE, ask: (client, cookie) => http(client, 'GET', '/api/insforge-token', { cookie, base: '' }) },
      'a request is counted': { on: 'INSERT OR UPDATE ON better_auth."rateLimit"', ask: async (client) => (await set(client, { rate_limit: 'on', rate_limit_storage: 'database' }), http(client, 'GET', '/ok')) },
      'a user is changed': { on: 'UPDATE ON better_auth."user"', ask: rename },
    })) {
      test(`when ${name}; the owner is ${owner}`, async (t) => {
        const role = await server.role(t, 'owner');
        const { client, cookie } = await withUser(t);
        await client.query(`${before}; ${RAISE}; CREATE TRIGGER no BEFORE ${on} FOR EACH ROW EXECUTE FUNCTION public.no()`);
        if (owner === 'another role') {
          await client.query(`GRANT USAGE, CREATE ON SCHEMA better_auth TO ${ident(role)}`);
          for (const table of ['"user"', 'session', 'account', 'verification', '"rateLimit"']) {
            await client.query(`ALTER TABLE better_auth.${table} OWNER TO ${ident(role)}`);
          }
        }
        const { status, text } = await unchanged(client, () => ask(client, cookie));
        assert.deepEqual({ status, text }, { status: 500, text: '' });
        assert.equal(await client.value(`SELECT current_user = 'postgres' AND current_setting('search_path') NOT LIKE 'pg_catalog%'`), true);
      });
    }
  }
});

describe('in a transaction', () => {
  test('of the caller’s it is undone with that', async (t) => {
    const { client, cookie } = await withUser(t);
    await unchanged(client, async () => {
      await client.query('BEGIN');
      assert.equal((await rename(client, cookie)).status, 200);
      assert.equal(await nameOf(client), 'Renamed');
      await client.query('ROLLBACK');
    });
    await unchanged(client, async () => {
      await client.query('BEGIN; SAVEPOINT s');
      assert.equal((await rename(client, cookie)).status, 200);
      await client.query('ROLLBACK TO s');
      assert.equal((await http(client, 'POST', '/update-user', { body: {}, cookie })).status, 400);
      assert.equal((await http(client, 'POST', '/sign-in/email', { body: { email: 'nobody@example.com', password: PASSWORD } })).status, 401);
      await client.query('COMMIT');
    });
    await client.query('BEGIN; SAVEPOINT s');
    assert.equal((await rename(client, cookie)).status, 200);
    await client.query('RELEASE s; COMMIT');
    assert.equal(await nameOf(client), 'Renamed');
  });

  test('a failure takes nothing else of the caller’s with it', async (t) => {
    const { client, cookie } = await withUser(t);
    await client.query(`ALTER TABLE better_auth."user" ADD CHECK (name <> 'bad'); CREATE TABLE public.mine (n int)`);
    await client.query('BEGIN');
    await client.query('INSERT INTO public.mine VALUES (1); DECLARE c CURSOR FOR SELECT generate_series(1, 3)');
    assert.equal(await client.value('FETCH c'), 1);
    assert.equal((await rename(client, cookie, 'bad')).status, 400);
    assert.equal(await client.value('FETCH c'), 2);
    await client.query(`SET LOCAL work_mem = '2MB'`);
    assert.equal((await rename(client, cookie, 'bad')).status, 400);
    assert.equal(await client.value('SHOW work_mem'), '2MB');
    assert.equal((await rename(client, cookie, 'good')).status, 200);
    await client.query('COMMIT');
    assert.equal(await client.value('SELECT count(*)::int FROM public.mine'), 1);
    assert.equal(await nameOf(client), 'good');
  });

  test('PL/pgSQL can catch what comes out of it, and go on', async (t) => {
    const { client, cookie } = await withUser(t);
    await client.query(`ALTER TABLE better_auth."user" ADD CHECK (name <> 'bad')`);
    const call = (name) => `better_auth.handler($r$${request('POST', '/update-user', { body: { name }, cookie })}$r$) ->> 'status'`;
    await client.query(`CREATE FUNCTION public.run() RETURNS text[] LANGUAGE plpgsql AS $f$
      DECLARE said text[];
      BEGIN
        BEGIN
          said := said || (${call('first')});
          RAISE EXCEPTION 'undo';
        EXCEPTION WHEN OTHERS THEN said := said || (SELECT name FROM better_auth."user");
        END;
        BEGIN
          said := said || (${call('bad')});
          said := said || (${call('second')});
        END;
        BEGIN
          PERFORM better_auth.handler('[]');
        EXCEPTION WHEN invalid_parameter_value THEN said := said || 'shape'::text;
        END;
        said := said || (${call('bad')});
        RETURN said || (SELECT name FROM better_auth."user");
      END $f$`);
    assert.deepEqual(await client.value('SELECT public.run()'), ['200', 'Ada', '400', '200', 'shape', '400', 'second']);
  });

  test('that is read-only it reads, and refuses to write', async (t) => {
    const { client, cookie, user } = await withUser(t, { rate_limit: 'on', rate_limit_storage: 'database' });
    await unchanged(client, async () => {
      await client.query('BEGIN READ ONLY');
      assert.equal((await http(client, 'GET', '/get-session', { cookie })).json.user.id, user.id);
      assert.equal((await http(client, 'GET', '/api/insforge-token', { base: '', cookie })).status, 200);
      assert.equal((await rename(client, cookie)).status, 503);
      // Right or wrong: whoever asks where no session can be opened is told nothing.
      for (const password of [PASSWORD, 'wrong password']) {
        assert.equal((await http(client, 'POST', '/sign-in/email', { body: { email: user.email, password } })).status, 503);
      }
      await client.query('COMMIT');
    });
    assert.equal(await client.value('SELECT count(*)::int FROM better_auth."rateLimit"'), 0);
  });

  for (const level of ['REPEATABLE READ', 'SERIALIZABLE']) {
    test(`a conflict in ${level} comes out as 40001`, async (t) => {
      const { database, client, cookie, user } = await withUser(t);
      const other = await database.connect();
      for (const [path, body] of [
        ['/update-user', { name: 'Late' }],
        ['/change-password', { currentPassword: PASSWORD, newPassword: PASSWORD }],
        ['/sign-in/email', { email: user.email, password: PASSWORD }],
      ]) {
        await client.query(`BEGIN ISOLATION LEVEL ${level}`);
        await client.query('SELECT count(*) FROM better_auth."user"');
        await rename(other, cookie, 'Early');
        await other.query('UPDATE better_auth.account SET "updatedAt" = now()');
        await refused(http(client, 'POST', path, { body, cookie }), { code: '40001' });
        await client.query('ROLLBACK');
      }
      assert.equal(await nameOf(client), 'Early');
      assert.equal((await rename(client, cookie, 'Late')).status, 200);
    });
  }

  test('in SERIALIZABLE one of two that would both be right alone comes out as 40001', async (t) => {
    const { database, client, token, cookie } = await withUser(t);
    await client.call('link_account', { provider_id: 'github', account_id: '1', email: 'x@example.com', name: 'X', email_verified: true });
    await client.query(`UPDATE better_auth.account SET "userId" = (SELECT "userId" FROM better_auth.session WHERE token = $1)`, [token]);
    const ids = await client.column('SELECT id FROM better_auth.account');
    const pair = await database.connectMany(2);
    const unlink = async (one, accountId) => {
      await one.query('BEGIN ISOLATION LEVEL SERIALIZABLE');
      const { status } = await http(one, 'POST', '/unlink-account', { body: { accountId }, cookie });
      await one.query('COMMIT');
      return status;
    };
    const ends = await Promise.all(pair.map((one, index) => unlink(one, ids[index]).catch((error) => error.code)));
    assert.deepEqual(ends.sort(), [200, '40001'].sort());
    assert.equal(await client.value('SELECT count(*)::int FROM better_auth.account'), 1);
  });

  test('a constraint that is checked at its end fails then, and nothing stays', async (t) => {
    const { client, cookie } = await withUser(t);
    await client.query(`CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'too late' USING ERRCODE = 'check_violation'; END $$;
      CREATE CONSTRAINT TRIGGER no AFTER UPDATE ON better_auth."user" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.no()`);
    await unchanged(client, () => refused(rename(client, cookie), { code: '23514', message: 'too late' }));
    await unchanged(client, async () => {
      await client.query('BEGIN');
      assert.equal((await rename(client, cookie)).status, 200);
      await refused(client.query('COMMIT'), { code: '23514' });
    });
    await client.query('BEGIN; SET CONSTRAINTS ALL IMMEDIATE');
    assert.equal((await rename(client, cookie)).status, 400);
    await client.query('COMMIT');
    assert.equal(await nameOf(client), 'Ada');
  });
});

describe('what the database gives up comes out', () => {
  test('a cancelled statement, and one that took too long', async (t) => {
    const { database, client, cookie } = await withUser(t);
    const holder = await database.connect();
    await holder.query('BEGIN; SELECT FROM better_auth."user" FOR UPDATE');
    await client.query(`SET statement_timeout = '200ms'`);
    await refused(rename(client, cookie), { code: '57014' });
    await client.query('RESET statement_timeout');
    const waiting = refused(rename(client, cookie), { code: '57014', message: /user request/ });
    await untilBlocked(holder, client);
    await holder.query('SELECT pg_cancel_backend($1)', [client.processID]);
    await waiting;
    await holder.query('ROLLBACK');
    assert.equal((await rename(client, cookie)).status, 200);
  });

  test('a deadlock', async (t) => {
    const { database, client, cookie, user } = await withUser(t);
    const other = await database.connect();
    await client.query(`SET deadlock_timeout = '50ms'; CREATE TABLE public.t (n int)`);
    await other.query(`SET deadlock_timeout = '10s'; BEGIN; SELECT FROM better_auth."user" FOR UPDATE`);
    await client.query('BEGIN; LOCK TABLE public.t');
    const blocked = other.query('LOCK TABLE public.t');
    await untilBlocked(await database.connect(), other);
    await refused(rename(client, cookie), { code: '40P01' });
    await client.query('ROLLBACK');
    await blocked;
    await other.query('ROLLBACK');
    assert.equal((await signIn(client, user.email)).user.id, user.id);
  });

  test('but a lock that is not to be had in time is answered with 503', async (t) => {
    const { database, client, cookie } = await withUser(t);
    const holder = await database.connect();
    await holder.query('BEGIN; SELECT FROM better_auth."user" FOR UPDATE');
    await client.query(`SET lock_timeout = '100ms'`);
    const { status, headers } = await unchanged(holder, () => rename(client, cookie));
    assert.deepEqual([status, headers], [503, { 'retry-after': '1' }]);
    await holder.query('ROLLBACK');
    assert.equal((await rename(client, cookie)).status, 200);
  });

  test('a terminated backend ends, and what it was at is undone', async (t) => {
    const { database, client, cookie } = await withUser(t);
    const [holder, doomed] = await database.connectMany(2);
    await holder.query('BEGIN; SELECT FROM better_auth."user" FOR UPDATE');
    const waiting = refused(rename(doomed, cookie), { code: '57P01' });
    await untilBlocked(holder, doomed);
    await client.query('SELECT pg_terminate_backend($1)', [doomed.processID]);
    await waiting;
    await holder.query('ROLLBACK');
    assert.equal(await nameOf(client), 'Ada');
  });
});

test('a hot standby answers what it can, and never raises', async (t) => {
  const primary = await ownServer(t);
  const { database, client } = await configured(t, { base_url: ORIGIN }, primary);
  const { token, user } = await signUp(client);
  const cookie = await cookieOf(client, token);
  const standby = await ownServer(t, standbyOf(primary));
  const reader = await standby.connect({ database: database.name });
  t.after(() => reader.end());
  await until(async () => (await reader.value('SELECT count(*)::int FROM better_auth.session')) === 1, 'the standby');
  assert.equal((await http(reader, 'GET', '/ok')).status, 200);
  assert.equal((await http(reader, 'GET', '/get-session', { cookie })).json.user.id, user.id);
  assert.equal((await http(reader, 'GET', '/list-accounts', { cookie })).json.length, 1);
  assert.equal((await http(reader, 'GET', '/api/insforge-token', { base: '', cookie })).status, 200);
  for (const [path, body] of [
    ['/sign-in/email', { email: user.email, password: PASSWORD }],
    ['/sign-in/email', { email: user.email, password: 'wrong password' }],
    ['/sign-up/email', newUser()],
    ['/update-user', { name: 'Renamed' }],
    ['/sign-out', {}],
    ['/request-password-reset', { email: user.email }],
  ]) {
    const { status } = await http(reader, 'POST', path, { body, cookie });
    assert.equal(status, 503, path);
  }
  assert.doesNotMatch(standby.log(), /PANIC|terminated by signal/);
});

describe('ten thousand failures', () => {
  /** What the backend has in memory: PostgreSQL's own count, and the operating system's, in kilobytes. */
  async function memory(client) {
    // PostgreSQL 13 doesn't tell.
    const contexts = MAJOR < 14 ? 0 : await client.value('SELECT sum(total_bytes)::int / 1024 FROM pg_backend_memory_contexts');
    const [, resident] = readFileSync(`/proc/${client.processID}/status`, 'utf8').match(/RssAnon:\s+(\d+) kB/);
    return { contexts, resident: Number(resident) };
  }

  for (const [name, { prepare, path, body, status }] of Object.entries({
    'of a constraint': {
      prepare: (client) => client.query(`ALTER TABLE better_auth."user" ADD CHECK (name <> 'bad')`),
      path: '/update-user',
      body: { name: 'bad' },
      status: 400,
    },
    'of a hook': {
      prepare: async (client) => {
        await client.query(`CREATE FUNCTION public.no(jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
          BEGIN RAISE EXCEPTION 'caught'; EXCEPTION WHEN OTHERS THEN NULL; END; RAISE EXCEPTION 'no' USING ERRCODE = 'PT418'; END $$`);
        await set(client, { send_mail_function: 'public.no', delete_user_enabled: 'on', send_delete_account_verification: 'on' });
      },
      path: '/delete-user',
      body: {},
      status: 418,
    },
  })) {
    test(`${name} in one backend leave no memory behind, and no warning of PostgreSQL’s in the log`, async (t) => {
      const own = await ownServer(t);
      const { database, client } = await own.database(t);
      await configure(client, database, SETTINGS);
      const worker = await database.connect();
      const { token } = await signUp(worker, { email: 'ada@example.com' });
      const cookie = await cookieOf(worker, token);
      await prepare(worker);
      // Not in the log, which would be ten thousand lines.
      await worker.query(`SET log_min_messages = 'panic'`);
      const run = async (count) => {
        await worker.query(`DO $do$ DECLARE said jsonb; BEGIN
          FOR n IN 1..${count} LOOP
            said := better_auth.handler($r$${request('POST', path, { body, cookie })}$r$);
            IF said ->> 'status' <> '${status}' THEN RAISE EXCEPTION 'said %', said; END IF;
          END LOOP; END $do$`);
        return memory(worker);
      };
      const first = await run(2_000);
      await run(4_000);
      const last = await run(4_000);
      assert.ok(last.contexts - first.contexts < 200, JSON.stringify({ first, last }));
      assert.ok(last.resident - first.resident < 4_000, JSON.stringify({ first, last }));
      await worker.query('RESET log_min_messages');
      const { status: ended } = answer(await worker.value('SELECT better_auth.handler($1)', [request('POST', path, { body, cookie })]));
      assert.equal(ended, status);
      const ours = /WARNING:  handler\(\) could not finish a request/;
      const others = own.log().split('\n').filter((line) => /WARNING|PANIC|FATAL|terminated by signal|leak/.test(line) && !ours.test(line));
      assert.deepEqual(others, []);
    });
  }
});

test('what handler() could not do is in the server’s log, without what the request held', async (t) => {
  const own = await ownServer(t);
  const { client } = await configured(t, SETTINGS, own);
  const { token } = await signUp(client);
  const cookie = await cookieOf(client, token);
  await client.query(`CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'XX000'; END $$;
    CREATE TRIGGER no BEFORE UPDATE ON better_auth."user" FOR EACH ROW EXECUTE FUNCTION public.no()`);
  await client.query(`SET log_min_error_statement = 'panic'`);
  assert.equal((await rename(client, cookie, 'secret-name')).status, 500);
  assert.match(own.log(), /handler\(\) could not finish a request: no \(XX000\)$/m);
  assert.doesNotMatch(own.log(), /secret-name/);
  assert.ok(!own.log().includes(token));
});
