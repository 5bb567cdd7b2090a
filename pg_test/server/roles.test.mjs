// What roles can and can't do: callers with few rights, hostile ones, and owners of the tables.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { freshEmail, ident, MAJOR, ownServer, PASSWORD, refused, server, signIn, signUp, untilBlocked, wholeFlow } from './lib.mjs';

const FLOW = [
  'sign_up_email', 'sign_in_email', 'sign_out', 'get_session', 'list_sessions', 'revoke_session', 'revoke_sessions', 'revoke_other_sessions',
  'bridge_token', 'verify_jwt',
];

const grantFlow = (client, role, functions = FLOW) =>
  client.query([`GRANT USAGE ON SCHEMA better_auth TO ${ident(role)}`, ...functions.map((name) => `GRANT EXECUTE ON FUNCTION better_auth.${name} TO ${ident(role)}`)].join(';'));

/** A database, a superuser's connection, and one of a role that may call the flow's functions and nothing else. */
async function withApp(t, { at = server, ...connection } = {}) {
  const role = await at.role(t);
  const { database, client } = await at.database(t);
  await grantFlow(client, role);
  return { role, database, client, app: await database.connect({ user: role, ...connection }) };
}

const MAKE_DUE = `UPDATE better_auth.session SET "expiresAt" = "expiresAt" - interval '2 days'`;
const MAKE_EXPIRED = `UPDATE better_auth.session SET "expiresAt" = now() - interval '1 minute'`;
const SESSIONS = `SELECT jsonb_agg(s ORDER BY id) FROM better_auth.session s`;

describe('a role with EXECUTE and no right on any table', () => {
  test('runs the whole flow', async (t) => {
    const { app } = await withApp(t);
    await wholeFlow(app);
    for (const table of ['"user"', 'session', 'account', 'verification', 'signing_secret']) {
      await refused(app.query(`SELECT FROM better_auth.${table}`), { code: '42501' });
    }
  });

  test('runs it through SET ROLE, as PostgREST does', async (t) => {
    const { client, role } = await withApp(t);
    await client.query(`SET ROLE ${ident(role)}`);
    await wholeFlow(client);
    assert.equal(await client.value('SELECT current_user::text'), role);
    await refused(client.query('SELECT FROM better_auth.account'), { code: '42501' });
  });

  test('is who it was after an error', async (t) => {
    const { app, role } = await withApp(t);
    await app.query('BEGIN; SAVEPOINT s');
    await refused(app.call('bridge_token', { session_token: 'x' }), { code: '28000' });
    await app.query('ROLLBACK TO s');
    assert.equal(await app.value('SELECT current_user::text'), role);
    assert.notEqual(await app.value('SHOW search_path'), 'pg_catalog, pg_temp');
    await app.query('COMMIT');
    await refused(app.query('SELECT FROM better_auth.account'), { code: '42501' });
  });

  test('is who it was where PL/pgSQL catches the error of a table', async (t) => {
    const { app, client, role } = await withApp(t);
    await client.query(`ALTER TABLE better_auth.session ADD CHECK ("ipAddress" <> 'bad')`);
    await app.query(`SET search_path = pg_catalog`);
    await app.query(`DO $$ BEGIN
        BEGIN PERFORM better_auth.sign_up_email('a@example.com', '${PASSWORD}', 'A', ip_address => 'bad');
        EXCEPTION WHEN check_violation THEN NULL; END;
        IF current_user <> '${role}' OR current_setting('search_path') <> 'pg_catalog' THEN RAISE 'now % with %', current_user, current_setting('search_path'); END IF;
        PERFORM better_auth.sign_up_email('a@example.com', '${PASSWORD}', 'A');
      END $$`);
    assert.equal(await client.value(`SELECT count(*)::int FROM better_auth."user"`), 1);
  });
});

test('a role without EXECUTE gets 42501 from every function', async (t) => {
  const role = await server.role(t);
  const { database, client } = await server.database(t);
  await client.query(`GRANT USAGE ON SCHEMA better_auth TO ${ident(role)}`);
  const app = await database.connect({ user: role });
  const calls = await client.column(`
    SELECT format('SELECT better_auth.%I(%s)', proname, (
      SELECT string_agg(CASE type WHEN 'jsonb'::regtype THEN '''{}''' WHEN 'interval'::regtype THEN '''1 day''' WHEN 'boolean'::regtype THEN 'true' WHEN 'integer'::regtype THEN '1' WHEN 'timestamptz'::regtype THEN 'now()' ELSE '''x''' END, ', ')
      FROM unnest(proargtypes::oid[]) type))
    FROM pg_proc WHERE pronamespace = 'better_auth'::regnamespace AND prorettype NOT IN ('trigger'::regtype, 'internal'::regtype)`);
  assert.ok(calls.length > 15);
  for (const call of calls) {
    await refused(app.query(call), { code: '42501', message: /permission denied for function/ });
  }
  assert.equal(await app.value('SELECT public.requesting_user_id()'), null);
});

describe('a hostile caller', () => {
  const HOSTILE = `
    CREATE FUNCTION SCHEMA.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE 'mine: now'; END $$;
    CREATE FUNCTION SCHEMA.yes(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE FUNCTION SCHEMA.yes(timestamptz, timestamptz) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE OPERATOR SCHEMA.= (LEFTARG = text, RIGHTARG = text, FUNCTION = SCHEMA.yes);
    CREATE OPERATOR SCHEMA.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = SCHEMA.yes);
    CREATE OPERATOR SCHEMA.> (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = SCHEMA.yes);
    CREATE OPERATOR SCHEMA.< (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = SCHEMA.yes);`;
  const TABLES = `
    CREATE TEMP TABLE "user" (id text, name text, email text, "emailVerified" boolean, image text, "createdAt" timestamptz, "updatedAt" timestamptz);
    CREATE TEMP TABLE session (id text); CREATE TEMP TABLE account (id text); CREATE TEMP TABLE signing_secret (id text);
    CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (false); CREATE DOMAIN pg_temp.uuid AS pg_catalog.uuid CHECK (false);`;

  for (const [how, path] of [['first in the search_path', 'pg_temp, evil, pg_catalog'], ['before pg_catalog', 'evil, pg_temp, pg_catalog']]) {
    test(`changes nothing with objects of its own ${how}`, async (t) => {
      const { client, app, role } = await withApp(t);
      await client.query(`CREATE SCHEMA evil AUTHORIZATION ${ident(role)}; ALTER DATABASE ${ident(await client.value('SELECT current_database()'))} SET search_path = evil`);
      await app.query(HOSTILE.replaceAll('SCHEMA', 'evil'));
      await app.query(HOSTILE.replaceAll('SCHEMA', 'pg_temp'));
      await app.query(TABLES);
      await app.query(`SET search_path = ${path}`);
      // They do take effect on the caller's own statements.
      await refused(app.query('SELECT now()'), { code: 'P0001', message: 'mine: now' });
      assert.equal(await app.value(`SELECT 'a'::pg_catalog.text = 'b'::pg_catalog.text`), true);
      await wholeFlow(app);
    });
  }

  test('changes nothing by settings of its session', async (t) => {
    const { app } = await withApp(t);
    await app.query(`
      SET standard_conforming_strings = off; SET bytea_output = escape; SET DateStyle = 'German'; SET IntervalStyle = 'iso_8601'; SET TimeZone = 'Asia/Kathmandu';
      SET array_nulls = off; SET transform_null_equals = on; SET xmlbinary = hex; SET plan_cache_mode = force_generic_plan;
      SET enable_seqscan = off; SET enable_indexscan = off; SET row_security = off; SET check_function_bodies = off; SET quote_all_identifiers = on`);
    await wholeFlow(app);
  });
});

describe('settings that a superuser sets', () => {
  const SETTINGS = ['min_password_length', 'disable_sign_up', 'require_email_verification', 'session_expires_in', 'password_hash', 'jwt_role', 'jwt_audience'];

  test('are refused to others', async (t) => {
    const { app, role } = await withApp(t);
    await app.call('get_session', { session_token: 'x' });
    for (const name of SETTINGS) {
      await refused(app.query(`SET better_auth.${name} = DEFAULT`), { code: '42501' });
      await refused(app.query(`SELECT set_config('better_auth.${name}', '1', true)`), { code: /42501|22023/ });
      await refused(app.query(`ALTER ROLE ${ident(role)} SET better_auth.${name} = 'scrypt'`), { code: /42501|22023/ });
    }
  });

  test('stay as they are where the name was set before the library was loaded', async (t) => {
    const { database, role } = await withApp(t);
    const app = await database.connect({ user: role });
    await app.query(`SET better_auth.min_password_length = 1; SET better_auth.jwt_role = 'postgres'`);
    await refused(signUp(app, { password: 'short' }), { code: '22023', detail: 'PASSWORD_TOO_SHORT' });
    assert.equal(await app.value('SHOW better_auth.min_password_length'), '8');
    assert.equal(await app.value('SHOW better_auth.jwt_role'), 'authenticated');
    assert.ok(app.notices.some(({ message }) => /permission denied to set parameter "better_auth.min_password_length"/.test(message)));
  });

  test('stay as they are where a transaction set the name before the library was loaded', async (t) => {
    const { database, role } = await withApp(t);
    const app = await database.connect({ user: role });
    await app.query(`BEGIN; SET LOCAL better_auth.min_password_length = 1; SAVEPOINT s; SET LOCAL better_auth.min_password_length = 2`);
    await refused(signUp(app, { password: 'short' }), { detail: 'PASSWORD_TOO_SHORT' });
    await app.query('ROLLBACK TO s');
    await refused(signUp(app, { password: 'short' }), { detail: 'PASSWORD_TOO_SHORT' });
    await app.query('ROLLBACK');
    await refused(signUp(app, { password: 'short' }), { detail: 'PASSWORD_TOO_SHORT' });
  });

  test('stay as they are where the connection brings the name along', async (t) => {
    const { database, client, role } = await withApp(t);
    await client.query(`ALTER ROLE ${ident(role)} SET better_auth.disable_sign_up = on`);
    await client.query(`ALTER ROLE ${ident(role)} SET better_auth.min_password_length = 20`);
    const plain = await database.connect({ user: role });
    await refused(signUp(plain), { detail: 'EMAIL_PASSWORD_SIGN_UP_DISABLED' });
    // To refuse the connection, or the call, is as good as to ignore what it brought along.
    // Also with the built-in default, which PostgreSQL falls back to when it refuses a value.
    for (const set of [{ disable_sign_up: 'off' }, { disable_sign_up: 'off', min_password_length: 1 }, { min_password_length: 8 }, { jwt_audience: '' }]) {
      const named = Object.fromEntries(Object.entries(set).map(([name, value]) => [`better_auth.${name}`, value]));
      const app = await database.connect({ user: role, set: named }).catch(() => null);
      if (app) {
        await assert.rejects(signUp(app), 'the caller turned sign-up on');
        await assert.rejects(signUp(app), 'the caller turned sign-up on at the second call');
      }
    }
    assert.equal(await client.value(`SELECT count(*)::int FROM better_auth."user"`), 0);
  });

  test('apply from the server\'s configuration to every backend', async (t) => {
    const own = await ownServer(t);
    const { client, app, database, role } = await withApp(t, { at: own });
    await client.query(`LOAD 'better_auth'`);
    await client.query(`ALTER SYSTEM SET better_auth.min_password_length = 30`);
    await client.query('SELECT pg_reload_conf()');
    const fresh = await database.connect({ user: role, set: {} });
    for (const caller of [app, fresh]) {
      await caller.query('SELECT pg_sleep(0.5)');
      await refused(signUp(caller), { detail: 'PASSWORD_TOO_SHORT' });
    }
    const bringing = await database.connect({ user: role, set: { 'better_auth.min_password_length': 1 } }).catch(() => null);
    if (bringing) {
      await assert.rejects(signUp(bringing), 'the caller made passwords short');
    }
  });

  test('may be granted to a role', { skip: MAJOR < 15 && 'PostgreSQL 15 brought GRANT SET' }, async (t) => {
    const { app, client, role } = await withApp(t);
    await app.call('get_session', { session_token: 'x' });
    await client.query(`LOAD 'better_auth'; GRANT SET ON PARAMETER better_auth.min_password_length TO ${ident(role)}`);
    await app.query('SET better_auth.min_password_length = 4');
    await signUp(app, { password: 'abcd' });
    await client.query(`REVOKE SET ON PARAMETER better_auth.min_password_length FROM ${ident(role)}`);
  });
});

describe('tables of a role that is no superuser', () => {
  /** Tables that belong to `owner`, and a caller: a superuser. */
  async function owned(t) {
    const owner = await server.role(t, 'owner');
    const { database, client } = await server.database(t);
    const tables = ['"user"', 'session', 'account', 'verification'];
    await client.query(tables.map((table) => `ALTER TABLE better_auth.${table} OWNER TO ${ident(owner)}`).join(';'));
    await client.query(`GRANT USAGE ON SCHEMA better_auth TO ${ident(owner)}; CREATE SCHEMA mine AUTHORIZATION ${ident(owner)}`);
    const theirs = await database.connect({ user: owner });
    return { owner, client, theirs, database };
  }

  test('work', async (t) => {
    const { client } = await owned(t);
    await wholeFlow(client);
  });

  for (const attempt of ['NULL', 'SET ROLE postgres', 'RESET ROLE', 'SET SESSION AUTHORIZATION DEFAULT', 'RESET SESSION AUTHORIZATION', `SELECT set_config('role', 'postgres', true)`]) {
    test(`their triggers run with the owner's rights under a superuser: ${attempt}`, async (t) => {
      const { owner, client, theirs } = await owned(t);
      await theirs.query(`
        CREATE TABLE mine.seen (who text, path text, after text, error text);
        CREATE FUNCTION mine.spy() RETURNS trigger LANGUAGE plpgsql AS $f$
        DECLARE before text := current_user; error text; path text := current_setting('search_path');
        BEGIN
          BEGIN ${attempt === 'NULL' ? 'NULL' : attempt.replace('SELECT', 'PERFORM')}; EXCEPTION WHEN OTHERS THEN error := SQLSTATE; END;
          INSERT INTO mine.seen VALUES (before, path, current_user, error);
          RETURN NEW;
        END $f$;
        CREATE TRIGGER spy BEFORE INSERT ON better_auth."user" FOR EACH ROW EXECUTE FUNCTION mine.spy();
        CREATE TRIGGER spy BEFORE INSERT ON better_auth.session FOR EACH ROW EXECUTE FUNCTION mine.spy();
        CREATE TRIGGER spy AFTER INSERT ON better_auth.account FOR EACH ROW EXECUTE FUNCTION mine.spy()`);
      await signUp(client);
      const seen = (await client.query('SELECT * FROM mine.seen')).rows;
      assert.equal(seen.length, 3);
      for (const row of seen) {
        assert.deepEqual(row, { who: owner, path: 'pg_catalog, pg_temp', after: owner, error: attempt === 'NULL' ? null : '42501' });
      }
      assert.equal(await client.value('SELECT current_user::text'), 'postgres');
    });
  }

  test('their deferred triggers run with the owner\'s rights too, or not at all', async (t) => {
    const { client, theirs } = await owned(t);
    await theirs.query(`
      CREATE TABLE mine.seen (who text);
      CREATE FUNCTION mine.spy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO mine.seen VALUES (current_user); RETURN NULL; END';
      CREATE CONSTRAINT TRIGGER spy AFTER INSERT ON better_auth."user" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION mine.spy()`);
    await refused(signUp(client), { message: /deferred trigger/ });
    assert.deepEqual(await client.column('SELECT who FROM mine.seen'), []);
    // Without it everything works as before.
    await theirs.query('ALTER TABLE better_auth."user" DISABLE TRIGGER spy');
    await signUp(client);
  });

  test('their defaults and generated columns run with the owner\'s rights', async (t) => {
    const { owner, client, theirs } = await owned(t);
    await theirs.query(`
      CREATE FUNCTION mine.me() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN current_user; END';
      ALTER TABLE better_auth."user" ADD who text DEFAULT mine.me()`);
    const { user } = await signUp(client);
    assert.equal(await client.value('SELECT who FROM better_auth."user" WHERE id = $1', [user.id]), owner);
  });

  test('with FORCE ROW LEVEL SECURITY work, for whoever calls', async (t) => {
    const { client, database } = await owned(t);
    for (const table of ['"user"', 'session', 'account', 'verification']) {
      await client.query(`ALTER TABLE better_auth.${table} ENABLE ROW LEVEL SECURITY; ALTER TABLE better_auth.${table} FORCE ROW LEVEL SECURITY`);
    }
    const role = await server.role(t);
    await grantFlow(client, role);
    const app = await database.connect({ user: role });
    await wholeFlow(client);
    await wholeFlow(app);
    await app.query('SET row_security = off');
    await wholeFlow(app);
    await client.query(`DROP OWNED BY ${ident(role)}`);
  });
});

test('a trigger may call back into the extension', async (t) => {
  const { client } = await server.database(t);
  await client.query(`
    CREATE FUNCTION public.second() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.email NOT LIKE 'twin%' THEN
        PERFORM better_auth.sign_up_email('twin-' || NEW.email, '${PASSWORD}', 'Twin');
      END IF;
      RETURN NULL; END $$;
    CREATE TRIGGER second AFTER INSERT ON better_auth."user" FOR EACH ROW EXECUTE FUNCTION public.second()`);
  const email = freshEmail();
  await signUp(client, { email });
  await signIn(client, email);
  assert.equal((await signIn(client, `twin-${email}`)).user.name, 'Twin');
});

describe('a trigger that comes while a superuser’s tables are in use', () => {
  const PREREQUISITE = { code: '55000', message: /belongs to a superuser, but/ };

  /** What makes the role a superuser, if it ever runs as one. */
  async function withAttacker(t) {
    const { role, database, client, app } = await withApp(t);
    await client.query(`CREATE SCHEMA attack AUTHORIZATION ${ident(role)}`);
    await app.query(`CREATE FUNCTION attack.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ALTER ROLE ${ident(role)} SUPERUSER; RETURN NEW; END $$`);
    const isSuperuser = () => client.value('SELECT rolsuper FROM pg_roles WHERE rolname = $1', [role]);
    return { role, database, client, app, isSuperuser };
  }
  const CREATE_TRIGGER = 'CREATE TRIGGER fires BEFORE INSERT ON better_auth."user" FOR EACH ROW EXECUTE FUNCTION attack.fires()';

  test('is seen in a transaction that began before', async (t) => {
    const { role, client, app, database, isSuperuser } = await withAttacker(t);
    await signUp(app);
    await app.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
    await client.query(`GRANT TRIGGER ON better_auth."user" TO ${ident(role)}`);
    await (await database.connect({ user: role })).query(CREATE_TRIGGER);
    await refused(signUp(app), PREREQUISITE);
    await app.query('ROLLBACK');
    assert.equal(await isSuperuser(), false);
  });

  test('is seen by a sign-up that had to wait for it', async (t) => {
    const { client, app, database, isSuperuser } = await withAttacker(t);
    await signUp(app);
    await client.query('BEGIN');
    await client.query(CREATE_TRIGGER);
    const waiting = refused(signUp(app), PREREQUISITE);
    await untilBlocked(await database.connect(), app);
    await client.query('COMMIT');
    await waiting;
    assert.equal(await isSuperuser(), false);
  });

  test('is refused where the catalogs are not everybody’s to read, and nothing else is', async (t) => {
    const { client, app, isSuperuser } = await withAttacker(t);
    await client.query('REVOKE SELECT ON pg_roles, pg_proc, pg_type FROM PUBLIC');
    await wholeFlow(app);
    await client.query(CREATE_TRIGGER);
    await refused(signUp(app), PREREQUISITE);
    assert.equal(await isSuperuser(), false);
  });
});

describe('a read-only transaction', () => {
  test('get_session answers, and writes nothing when a refresh is due', async (t) => {
    const { client, app } = await withApp(t);
    const { token, user } = await signUp(app);
    await client.query(MAKE_DUE);
    const before = await client.value(SESSIONS);
    await app.query('BEGIN READ ONLY');
    const live = await app.call('get_session', { session_token: token });
    assert.equal(live.user.id, user.id);
    assert.equal(Date.parse(live.session.expiresAt), Date.parse(before[0].expiresAt));
    await app.call('bridge_token', { session_token: token });
    assert.equal((await app.call('list_sessions', { session_token: token })).length, 1);
    await app.query('COMMIT');
    assert.deepEqual(await client.value(SESSIONS), before);
    await app.call('get_session', { session_token: token });
    assert.notDeepEqual(await client.value(SESSIONS), before);
  });

  test('get_session answers NULL for an expired session, and deletes nothing', async (t) => {
    const { client, app } = await withApp(t);
    const { token } = await signUp(app);
    await client.query(MAKE_EXPIRED);
    const before = await client.value(SESSIONS);
    await app.query('SET default_transaction_read_only = on');
    assert.equal(await app.call('get_session', { session_token: token }), null);
    await refused(app.call('bridge_token', { session_token: token }), { detail: 'UNAUTHORIZED' });
    assert.deepEqual(await client.value(SESSIONS), before);
    await app.query('SET default_transaction_read_only = off');
    assert.equal(await app.call('get_session', { session_token: token }), null);
    assert.equal(await client.value(SESSIONS), null);
  });

  for (const [name, call] of Object.entries({
    sign_up_email: (app) => signUp(app),
    sign_in_email: (app, email) => signIn(app, email),
    sign_out: (app, _, token) => app.call('sign_out', { session_token: token }),
    revoke_sessions: (app, _, token) => app.call('revoke_sessions', { session_token: token }),
  })) {
    test(`${name} is refused with 25006`, async (t) => {
      const { client, app } = await withApp(t);
      const { token, user } = await signUp(app);
      await app.query('BEGIN READ ONLY');
      await refused(call(app, user.email, token), { code: '25006' });
      await app.query('ROLLBACK');
      assert.equal(await client.value('SELECT count(*)::int FROM better_auth.session'), 1);
    });
  }
});
