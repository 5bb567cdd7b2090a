// A database that has 0.1.0 becomes by ALTER EXTENSION … UPDATE what CREATE EXTENSION makes today, and keeps what is in it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { server, signIn, signUp, wholeFlow, PASSWORD } from './lib.mjs';

const OLD = '0.1.0';

/** Everything that is installed, one line each. */
const INSTALLED = `
  WITH functions AS (
    SELECT p.* FROM pg_proc p WHERE p.pronamespace = 'better_auth'::regnamespace OR p.pronamespace = 'public'::regnamespace AND starts_with(p.proname, 'requesting_'))
  SELECT format('function %s: %s; acl %s; owner %s; cost %s; rows %s; leakproof %s; config %s; support %s; comment %s', oid::regprocedure,
      regexp_replace(pg_get_functiondef(oid), '\\s+', ' ', 'g'),
      (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(proacl) a), proowner::regrole, procost, prorows, proleakproof, proconfig, prosupport,
      obj_description(oid, 'pg_proc')) FROM functions
  UNION ALL SELECT format('dependency: %s %s %s', pg_describe_object(classid, objid, objsubid), deptype, pg_describe_object(refclassid, refobjid, refobjsubid))
    FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'better_auth')
      OR classid = 'pg_proc'::regclass AND objid IN (SELECT oid FROM functions)
  UNION ALL SELECT format('column %s.%I %s %s null %s default %s', c.oid::regclass, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod),
      NOT a.attnotnull, (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d WHERE d.adrelid = c.oid AND d.adnum = a.attnum))
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'better_auth'::regnamespace AND c.relkind IN ('r', 'p')
  UNION ALL SELECT format('relation %s %s acl %s owner %s options %s comment %s', oid::regclass, relkind, relacl, relowner::regrole, reloptions, obj_description(oid, 'pg_class'))
    FROM pg_class WHERE relnamespace = 'better_auth'::regnamespace
  UNION ALL SELECT format('index %s', indexdef) FROM pg_indexes WHERE schemaname = 'better_auth'
  UNION ALL SELECT format('constraint %s on %s: %s', conname, conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'better_auth'::regnamespace
  UNION ALL SELECT format('trigger %s %s', tgenabled, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT format('type %s', oid::regtype) FROM pg_type WHERE typnamespace = 'better_auth'::regnamespace AND typrelid = 0 AND typelem = 0
  UNION ALL SELECT format('schema acl %s owner %s comment %s', nspacl, nspowner::regrole, obj_description(oid, 'pg_namespace')) FROM pg_namespace WHERE nspname = 'better_auth'
  UNION ALL SELECT format('extension %s in %s', extversion, extnamespace::regnamespace) FROM pg_extension WHERE extname = 'better_auth'
  ORDER BY 1`;

const SECRETS = 'SELECT jsonb_agg(s ORDER BY s.id) FROM better_auth.signing_secret s';

/** A database with the old release's SQL and this release's library: as between `make install` and the update. */
async function oldDatabase(t) {
  const database = await server.emptyDatabase(t);
  const client = await database.connect();
  await client.query(`CREATE EXTENSION better_auth VERSION '${OLD}'`);
  return { database, client };
}

test('an updated database has what a fresh one has', async (t) => {
  const { client } = await oldDatabase(t);
  await client.query('ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC');
  const before = await client.column(INSTALLED);
  await client.query('ALTER EXTENSION better_auth UPDATE');
  const updated = await client.column(INSTALLED);
  const fresh = await (await server.database(t)).client.column(INSTALLED);
  assert.ok(fresh.length > 150, 'the query sees what is installed');
  const without = (some, others) => some.filter((one) => !others.includes(one));
  assert.deepEqual({ missing: without(fresh, updated), tooMuch: without(updated, fresh) }, { missing: [], tooMuch: [] });
  assert.notDeepEqual(before, fresh, 'the old release is another one');
});

test('users, sessions, secrets, policies and grants are kept', async (t) => {
  const role = await server.role(t);
  const { database, client } = await oldDatabase(t);
  const { token, user } = await signUp(client);
  const bridge = await client.call('bridge_token', { session_token: token });
  await client.query(`
    CREATE TABLE public.posts (user_id text DEFAULT public.requesting_user_id(), title text);
    ALTER TABLE public.posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON public.posts USING (user_id = public.requesting_user_id());
    INSERT INTO public.posts VALUES ('${user.id}', 'mine'), ('other', 'not mine');
    GRANT SELECT ON public.posts TO ${role};
    GRANT USAGE ON SCHEMA better_auth TO ${role};
    GRANT EXECUTE ON FUNCTION better_auth.get_session TO ${role};
    GRANT EXECUTE ON FUNCTION better_auth.handler TO ${role} WITH GRANT OPTION`);
  const secrets = await client.value(SECRETS);

  await client.query('ALTER EXTENSION better_auth UPDATE');

  assert.deepEqual(await client.value(SECRETS), secrets);
  for (const connection of [client, await database.connect()]) {
    assert.equal((await connection.call('verify_jwt', { token: bridge })).sub, user.id);
    assert.equal((await signIn(connection, user.email, PASSWORD)).user.id, user.id);
  }
  const app = await database.connect({ user: role });
  assert.equal((await app.call('get_session', { session_token: token })).user.id, user.id);
  // handler() is another function now, of the same name.
  assert.equal((await app.value(`SELECT better_auth.handler('{"method": "GET", "url": "/api/auth/ok"}'::text)`)).status, 200);
  await app.query('GRANT EXECUTE ON FUNCTION better_auth.handler TO CURRENT_USER');
  await app.query(`SELECT set_config('request.jwt.claims', $1, false)`, [JSON.stringify({ sub: user.id })]);
  assert.deepEqual(await app.column('SELECT title FROM public.posts'), ['mine']);
  await wholeFlow(client);
});

test('before the update, the old SQL works with the new library', async (t) => {
  const role = await server.role(t);
  const { database, client } = await oldDatabase(t);
  await wholeFlow(client);
  await client.query(`
    CREATE TABLE public.posts (user_id text, title text);
    ALTER TABLE public.posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON public.posts USING (user_id = public.requesting_user_id());
    INSERT INTO public.posts VALUES ('u1', 'mine'), ('u2', 'not mine');
    GRANT SELECT ON public.posts TO ${role}`);
  const app = await database.connect({ user: role });
  await app.query(`SELECT set_config('request.jwt.claims', '{"sub": "u1"}', false)`);
  for (let times = 0; times < 2; times += 1) {
    assert.deepEqual(await app.column('SELECT title FROM public.posts'), ['mine']);
  }
  // A function whose symbol the library has lost can't be made again, which is what a dump does.
  await client.query('DROP TABLE public.posts; DROP EXTENSION better_auth');
  await client.query(`CREATE EXTENSION better_auth VERSION '${OLD}'`);
});

test('what others have put into the schema runs in no update', async (t) => {
  const { client } = await oldDatabase(t);
  await client.query(`
    CREATE TABLE public.ran (what text);
    CREATE FUNCTION better_auth.trap(text, text) RETURNS boolean LANGUAGE sql AS $$ INSERT INTO public.ran VALUES ('operator'); SELECT true $$;
    CREATE OPERATOR better_auth.= (LEFTARG = text, RIGHTARG = text, FUNCTION = better_auth.trap);
    CREATE FUNCTION better_auth.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS $$ INSERT INTO public.ran VALUES ('function'); SELECT '' $$;
    CREATE FUNCTION better_auth.format(text, regclass) RETURNS text LANGUAGE sql AS $$ INSERT INTO public.ran VALUES ('function'); SELECT '' $$`);
  await client.query('ALTER EXTENSION better_auth UPDATE');
  assert.deepEqual(await client.column('SELECT what FROM public.ran'), []);
});
