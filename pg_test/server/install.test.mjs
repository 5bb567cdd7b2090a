// What CREATE EXTENSION makes, what it grants to whom, what DROP EXTENSION leaves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { betterAuthDdl, ident, MAJOR, refused, server, signUp, wholeFlow } from './lib.mjs';

/** The tables that Better Auth knows, as pg_dump tells them. */
async function dumpTables(database) {
  const tables = ['"user"', 'session', 'account', 'verification'].flatMap((table) => ['--table', `better_auth.${table}`]);
  const { stdout } = await database.run('pg_dump', '--schema-only', ...tables);
  // Newer releases of pg_dump frame the dump in a random key.
  return stdout.split('\n').filter((line) => !/^(--|SET |SELECT |\\(un)?restrict |$)/.test(line)).join('\n');
}

/** Members of the extension, by pg_describe_object. */
const MEMBERS = `
  SELECT pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid
  WHERE d.refclassid = 'pg_extension'::regclass AND e.extname = 'better_auth' AND d.deptype = 'e' ORDER BY 1`;

const FUNCTIONS = `
  SELECT p.oid::regprocedure::text FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid JOIN pg_proc p ON p.oid = d.objid
  WHERE d.refclassid = 'pg_extension'::regclass AND e.extname = 'better_auth' AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'`;

/** Privileges on the schema and its tables that anyone but the owner has. */
const GRANTS = `
  SELECT format('%s on %s to %s', a.privilege_type, o.name, coalesce(r.rolname, 'PUBLIC'))
  FROM (SELECT nspname, nspowner, nspacl FROM pg_namespace WHERE nspname = 'better_auth'
        UNION ALL
        SELECT relname, relowner, relacl FROM pg_class WHERE relnamespace = 'better_auth'::regnamespace) o (name, owner, acl)
  CROSS JOIN aclexplode(o.acl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
  WHERE a.grantee <> o.owner ORDER BY 1`;

const ROWS = `
  SELECT jsonb_build_object(
    'user', (SELECT jsonb_agg(u ORDER BY u.id) FROM better_auth."user" u),
    'session', (SELECT jsonb_agg(s ORDER BY s.id) FROM better_auth.session s),
    'account', (SELECT jsonb_agg(a ORDER BY a.id) FROM better_auth.account a),
    'secret', (SELECT jsonb_agg(s ORDER BY s.id) FROM better_auth.signing_secret s))`;

const TRIGGER = `SELECT tgenabled FROM pg_trigger WHERE tgrelid = 'better_auth.signing_secret'::regclass AND NOT tgisinternal`;

test('the tables are exactly those of better-auth migrate', async (t) => {
  const { database } = await server.database(t);
  const theirs = await server.emptyDatabase(t);
  await (await theirs.connect()).query(betterAuthDdl);
  const dump = await dumpTables(database);
  assert.match(dump, /CREATE TABLE better_auth\."user" \(/);
  // Besides, there are the indexes that only this extension's searches need.
  const lines = dump.split('\n');
  const own = lines.filter((line) => /^CREATE INDEX \S+_(search|folded)_idx"? /.test(line));
  assert.equal(own.length, 4, own.join('\n'));
  assert.equal(lines.filter((line) => !own.includes(line)).join('\n'), await dumpTables(theirs));
});

test('signing_secret holds two random secrets of 32 bytes, different in each database', async (t) => {
  const [one, other] = [await server.database(t), await server.database(t)];
  const read = ({ client }) => client.query('SELECT name, value FROM better_auth.signing_secret WHERE valid_until IS NULL ORDER BY name');
  const secrets = [...(await read(one)).rows, ...(await read(other)).rows];
  assert.deepEqual(secrets.map(({ name }) => name), ['cookie', 'jwt', 'cookie', 'jwt']);
  assert.equal(new Set(secrets.map(({ value }) => value)).size, 4);
  for (const { value } of secrets) {
    assert.equal(Buffer.from(value, 'base64url').length, 32);
  }
});

test('only functions are members, so that DROP EXTENSION can take no table along', async (t) => {
  const { client } = await server.database(t);
  const members = await client.column(MEMBERS);
  assert.ok(members.length > 15, members.join('\n'));
  assert.deepEqual(members.filter((member) => !member.startsWith('function ')), []);
  const depends = await client.column(
    `SELECT c.relname FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
     WHERE d.refclassid = 'pg_extension'::regclass`,
  );
  assert.deepEqual(depends, []);
});

test('DROP EXTENSION keeps every row; CREATE EXTENSION adopts them with the same secrets', async (t) => {
  const { database, client } = await server.database(t);
  const { token, user } = await signUp(client);
  const bridge = await client.call('bridge_token', { session_token: token });
  const rows = await client.value(ROWS);
  assert.equal(rows.user.length, 1);
  assert.equal(rows.secret.length, 2);

  await client.query('DROP EXTENSION better_auth');
  assert.deepEqual(await client.column(FUNCTIONS), []);
  assert.deepEqual(await client.value(ROWS), rows);
  assert.deepEqual(await client.column(TRIGGER), []);

  await client.query('CREATE EXTENSION better_auth');
  assert.deepEqual(await client.value(ROWS), rows);
  assert.deepEqual(await client.column(TRIGGER), ['A', 'A', 'A']);
  for (const connection of [client, await database.connect()]) {
    assert.equal((await connection.call('get_session', { session_token: token })).user.id, user.id);
    assert.equal((await connection.call('verify_jwt', { token: bridge })).sub, user.id);
  }
});

test('migrate() after CREATE EXTENSION finds nothing to do', async (t) => {
  const { client } = await server.database(t);
  assert.deepEqual((await client.query('SELECT * FROM better_auth.migrate()')).rows, []);
});

test('migrate() gives back what CREATE OR REPLACE takes: that DROP EXTENSION has these along', async (t) => {
  const { client } = await server.database(t);
  const migrate = async () => (await client.query('SELECT action, object FROM better_auth.migrate()')).rows.map(({ action, object }) => `${action} ${object}`);
  // As a migration of the project's may have it, and a dump's SQL that was edited by hand.
  await client.query(`CREATE OR REPLACE FUNCTION public.requesting_user_id() RETURNS text LANGUAGE c STABLE LEAKPROOF PARALLEL SAFE
    AS '$libdir/better_auth', 'requesting_user_id_wrapper'`);
  const steps = ['mark function public.requesting_user_id()'];
  if (MAJOR >= 14) {
    await client.query(`CREATE OR REPLACE TRIGGER signing_secret_changed AFTER INSERT OR UPDATE OR DELETE ON better_auth.signing_secret
      FOR EACH ROW EXECUTE FUNCTION better_auth.signing_secret_changed()`);
    steps.unshift('enable trigger signing_secret_changed on better_auth.signing_secret', 'mark trigger signing_secret_changed on better_auth.signing_secret');
  }
  assert.deepEqual(await migrate(), steps);
  assert.deepEqual(await migrate(), []);
  await client.query('DROP EXTENSION better_auth');
  assert.equal(await client.value(`SELECT to_regproc('public.requesting_user_id')`), null);
  assert.deepEqual(await client.column(TRIGGER), []);

  // What is the project's own stays the project's.
  await client.query('CREATE EXTENSION better_auth');
  await client.query(`CREATE OR REPLACE FUNCTION public.requesting_user_id() RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'own' $$`);
  assert.deepEqual(await migrate(), []);
  await client.query('DROP EXTENSION better_auth');
  assert.equal(await client.value('SELECT public.requesting_user_id()'), 'own');
});

test('nobody but the owner may do anything, except requesting_user_id()', async (t) => {
  const role = await server.role(t);
  const { client } = await server.database(t);
  await assertClosed(client, role);
});

test('ALTER DEFAULT PRIVILEGES opens nothing', async (t) => {
  const role = await server.role(t);
  const database = await server.emptyDatabase(t);
  const client = await database.connect();
  for (const grantee of ['PUBLIC', ident(role)]) {
    for (const objects of ['EXECUTE ON FUNCTIONS', 'ALL ON TABLES', 'ALL ON SEQUENCES', 'ALL ON SCHEMAS']) {
      await client.query(`ALTER DEFAULT PRIVILEGES GRANT ${objects} TO ${grantee}`);
    }
  }
  await client.query('CREATE EXTENSION better_auth');
  await assertClosed(client, role);
});

test('ALTER DEFAULT PRIVILEGES in a schema that was there before opens nothing', async (t) => {
  const role = await server.role(t);
  const database = await server.emptyDatabase(t);
  const client = await database.connect();
  await client.query('CREATE SCHEMA better_auth');
  for (const grantee of ['PUBLIC', ident(role)]) {
    for (const objects of ['EXECUTE ON FUNCTIONS', 'ALL ON TABLES']) {
      await client.query(`ALTER DEFAULT PRIVILEGES IN SCHEMA better_auth GRANT ${objects} TO ${grantee}`);
    }
  }
  await client.query('CREATE EXTENSION better_auth');
  await assertClosed(client, role);
});

async function assertClosed(client, role) {
  assert.deepEqual(
    await client.column(`${FUNCTIONS} AND has_function_privilege($1::name, p.oid, 'EXECUTE') ORDER BY 1`, [role]),
    [],
  );
  assert.equal(await client.value(`SELECT has_function_privilege($1::name, 'public.requesting_user_id()', 'EXECUTE')`, [role]), true);
  assert.deepEqual(await client.column(GRANTS), []);
}

test('every function has a comment', async (t) => {
  const { client } = await server.database(t);
  assert.ok((await client.column(FUNCTIONS)).length > 15);
  assert.deepEqual(await client.column(`${FUNCTIONS} AND obj_description(p.oid, 'pg_proc') IS NULL`), []);
});

test('every SECURITY DEFINER function pins its search_path', async (t) => {
  const { client } = await server.database(t);
  assert.deepEqual(await client.column(`${FUNCTIONS} AND p.prosecdef AND p.proconfig IS NULL`), []);
});

for (const encoding of ['LATIN1', 'SQL_ASCII']) {
  test(`a ${encoding} database is refused, and left as it was`, async (t) => {
    const database = await server.emptyDatabase(t, `ENCODING '${encoding}' LC_COLLATE 'C' LC_CTYPE 'C'`);
    const client = await database.connect();
    await refused(client.query('CREATE EXTENSION better_auth'), {
      code: '0A000',
      message: `better_auth needs a database with encoding UTF8; this one has ${encoding}`,
      hint: /CREATE DATABASE .* ENCODING 'UTF8'/,
    });
    assert.deepEqual(await client.column(`SELECT nspname FROM pg_namespace WHERE nspname = 'better_auth'`), []);
    assert.deepEqual(await client.column(`SELECT extname FROM pg_extension WHERE extname = 'better_auth'`), []);
    assert.equal(await client.value(`SELECT to_regproc('public.requesting_user_id')`), null);
  });
}

test('a role without superuser rights cannot install it', async (t) => {
  const role = await server.role(t);
  const database = await server.emptyDatabase(t);
  await (await database.connect()).query(`GRANT ALL ON DATABASE ${ident(database.name)} TO ${ident(role)}`);
  const client = await database.connect({ user: role });
  await refused(client.query('CREATE EXTENSION better_auth'), { code: '42501', message: /permission denied to create extension/ });
});

test('the whole flow works in a fresh database', async (t) => {
  const { client } = await server.database(t);
  await wholeFlow(client);
});
