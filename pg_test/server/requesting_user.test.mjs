// Where requesting_user_id() is, what it takes the place of, and what goes when schema public goes.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ident, refused, server, signUp, wholeFlow } from './lib.mjs';

const LANGUAGE = `SELECT l.lanname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
  WHERE p.oid = to_regprocedure('public.requesting_user_id()')`;

const sql = (body) => `CREATE FUNCTION public.requesting_user_id() RETURNS text LANGUAGE sql STABLE AS $f$${body}$f$`;

describe('a requesting_user_id() that is there already', () => {
  const SAME = [
    `select nullif(current_setting('request.jwt.claims', true)::json->>'sub', '')::text`,
    `\n  SELECT NULLIF(\n    current_setting('request.jwt.claims', true)::json->>'sub',\n    ''\n  )::text;\n`,
    `SELECT nullif(nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub', '')`,
    `select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::text -- who asks`,
    `/* who asks */ SELECT pg_catalog.current_setting('request.jwt.claims', true)::jsonb->>'sub'`,
  ];
  for (const body of SAME) {
    test(`is replaced when it does the same: ${body.replace(/\s+/g, ' ')}`, async (t) => {
      const client = await (await server.emptyDatabase(t)).connect();
      await client.query(sql(body));
      await client.query('CREATE EXTENSION better_auth');
      assert.equal(await client.value(LANGUAGE), 'c');
    });
  }

  const OTHERS = {
    'one that maps ids': [sql(`SELECT coalesce((SELECT 'mapped'), nullif(current_setting('request.jwt.claims', true)::json->>'sub', ''))`), /does something else/],
    'one that adds to the id': [sql(`select nullif(current_setting('request.jwt.claims', true)::json->>'sub', '') || 'x'`), /does something else/],
    'one of another claim': [sql(`select nullif(current_setting('request.jwt.claims', true)::json->>'SUB', '')`), /does something else/],
    'one of a claim with a blank': [sql(`select nullif(current_setting('request.jwt.claims', true)::json->>'sub ', '')`), /does something else/],
    'one where a blank is nobody': [sql(`select nullif(current_setting('request.jwt.claims', true)::json->>'sub', ' ')`), /does something else/],
    'one with a second statement': [sql(`select current_setting('request.jwt.claims', true)::json->>'sub'; select 'x'`), /does something else/],
    'one in PL/pgSQL': [`CREATE FUNCTION public.requesting_user_id() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'x'; END $$`, /does something else/],
    'one that returns uuid': [`CREATE FUNCTION public.requesting_user_id() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'`, /does not return text/],
    'one that returns a set': [`CREATE FUNCTION public.requesting_user_id() RETURNS SETOF text LANGUAGE sql AS 'SELECT NULL'`, /does not return text/],
    'a procedure': [`CREATE PROCEDURE public.requesting_user_id() LANGUAGE sql AS 'SELECT 1'`, /is not a plain function/],
    'an overload with a default': [`CREATE FUNCTION public.requesting_user_id(x text DEFAULT NULL) RETURNS text LANGUAGE sql AS 'SELECT x'`, /requesting_user_id\(text\) can be called without an argument/],
  };
  for (const [what, [create, reason]] of Object.entries(OTHERS)) {
    test(`is refused, and left as it is: ${what}`, async (t) => {
      const client = await (await server.emptyDatabase(t)).connect();
      await client.query(create);
      const source = `SELECT prosrc FROM pg_proc WHERE proname = 'requesting_user_id'`;
      const before = await client.column(source);
      const error = await refused(client.query('CREATE EXTENSION better_auth'), { code: '42723', message: reason, hint: /RENAME TO/ });
      assert.ok(error.detail.includes(before[0].trim()), error.detail);
      assert.deepEqual(await client.column(source), before);
      assert.equal(await client.value(`SELECT to_regnamespace('better_auth')`), null);
    });
  }

  test('is refused with all reasons at once; renamed, policies go on using it', async (t) => {
    const client = await (await server.emptyDatabase(t)).connect();
    await client.query(`
      ${sql(`SELECT 'mine'`)};
      CREATE FUNCTION public.requesting_user_id(a text DEFAULT 'a') RETURNS text LANGUAGE sql AS 'SELECT a';
      CREATE TABLE public.posts (user_id text);`);
    const error = await refused(client.query('CREATE EXTENSION better_auth'), { code: '42723' });
    assert.match(error.message, /does something else.*; .*ambiguous/);
    await client.query(`
      DROP FUNCTION public.requesting_user_id(text);
      CREATE POLICY own ON public.posts USING (user_id = public.requesting_user_id());
      ALTER FUNCTION public.requesting_user_id() RENAME TO my_user_id;
      CREATE EXTENSION better_auth`);
    assert.match(await client.value('SELECT pg_get_expr(polqual, polrelid) FROM pg_policy'), /my_user_id\(\)/);
    assert.equal(await client.value(LANGUAGE), 'c');
  });

  test('an overload that needs its argument does no harm', async (t) => {
    const client = await (await server.emptyDatabase(t)).connect();
    await client.query(`CREATE FUNCTION public.requesting_user_id(x text) RETURNS text LANGUAGE sql AS 'SELECT x'`);
    await client.query('CREATE EXTENSION better_auth');
    assert.equal(await client.value('SELECT requesting_user_id()'), null);
  });
});

describe('a requesting_user_is() that somebody has planted', () => {
  const PLANTED = {
    'before the install, of the very type': `CREATE FUNCTION public.requesting_user_is(role text) RETURNS boolean LANGUAGE sql AS 'SELECT true'`,
    'before the install, of a type that fits better': `CREATE FUNCTION public.requesting_user_is(role varchar) RETURNS boolean LANGUAGE sql AS 'SELECT true'`,
    'with a default': `CREATE FUNCTION public.requesting_user_is(role name, x int DEFAULT 1) RETURNS boolean LANGUAGE sql AS 'SELECT true'`,
    'variadic': `CREATE FUNCTION public.requesting_user_is(VARIADIC roles text[]) RETURNS boolean LANGUAGE sql AS 'SELECT true'`,
  };
  for (const [how, create] of Object.entries(PLANTED)) {
    test(`is refused, and told: ${how}`, async (t) => {
      const role = await server.role(t);
      const database = await server.emptyDatabase(t);
      const client = await database.connect();
      await client.query(`GRANT CREATE ON SCHEMA public TO ${ident(role)}`);
      const planter = await database.connect({ user: role });
      await planter.query(create);
      await refused(client.query('CREATE EXTENSION better_auth'),
        { code: '42723', message: /answers in place of requesting_user_is\(\).*public\.requesting_user_is\(/, detail: /SELECT true/, hint: /RENAME TO/ });
      await client.query('ALTER FUNCTION public.requesting_user_is RENAME TO old; CREATE EXTENSION better_auth');
      assert.deepEqual((await client.query('SELECT * FROM better_auth.doctor()')).rows, []);

      if (/role text/.test(create)) await client.query('DROP FUNCTION public.requesting_user_is(text)');
      await planter.query(create);
      await refused(client.query('SELECT * FROM better_auth.migrate()'), { code: '42723', detail: /SELECT true/ });
      const found = (await client.query('SELECT * FROM better_auth.doctor()')).rows.find(({ run }) => run !== null);
      assert.equal(found.severity, 'error');
      assert.match(found.message, /answers in place of requesting_user_is/);
      await client.query(found.run);
      await client.query('SELECT * FROM better_auth.migrate()');
      assert.deepEqual((await client.query('SELECT * FROM better_auth.doctor()')).rows, []);
    });
  }

  test('a superuser’s own stays, and doctor() warns', async (t) => {
    const { client } = await server.database(t);
    await client.query(`CREATE OR REPLACE FUNCTION public.requesting_user_is(role text) RETURNS boolean LANGUAGE sql AS 'SELECT false'`);
    assert.deepEqual((await client.query('SELECT * FROM better_auth.migrate()')).rows, []);
    assert.deepEqual((await client.query('SELECT severity, object FROM better_auth.doctor()')).rows,
      [{ severity: 'warning', object: 'public.requesting_user_is(role text)' }]);
  });
});

describe('schema public', () => {
  const RESET = 'DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC';

  /** A database with grants, RPC functions and a policy outside public. */
  async function project(t) {
    const role = await server.role(t);
    const { database, client } = await server.database(t);
    await client.query(`
      GRANT USAGE ON SCHEMA better_auth TO ${ident(role)};
      GRANT EXECUTE ON FUNCTION better_auth.get_session TO ${ident(role)};
      SELECT better_auth.enable_rpc('public', '${role}', '${role}')`);
    return { database, client, role, ...(await signUp(client)) };
  }

  test('DROP SCHEMA public CASCADE takes what is in public, and migrate() makes the function again', async (t) => {
    const { database, client, role, token, user } = await project(t);
    await client.query(RESET);
    assert.equal(await client.value(`SELECT count(*)::int FROM pg_extension WHERE extname = 'better_auth'`), 1);
    const app = await database.connect({ user: role });
    assert.equal((await app.call('get_session', { session_token: token })).user.id, user.id);
    await wholeFlow(client);

    assert.deepEqual((await client.query('SELECT * FROM better_auth.migrate()')).rows,
      [
        'requesting_user_id()', 'requesting_user_is(text)', 'requesting_organization_id()', 'requesting_organization_ids()', 'requesting_organization_role(text)',
        'requesting_user_has_permission(text, jsonb)', 'requesting_team_id()', 'requesting_team_ids()',
      ].map((name) => ({ action: 'create function', object: `public.${name}` })));
    await client.query(`SELECT better_auth.enable_rpc('public', $1, $1)`, [role]);
    await app.query(`SELECT set_config('request.jwt.claims', '{"sub": "u1"}', false)`);
    assert.equal(await app.value('SELECT public.requesting_user_id()'), 'u1');
    assert.deepEqual((await client.query('SELECT * FROM better_auth.migrate()')).rows, []);
    await client.query('DROP EXTENSION better_auth');
    assert.equal(await client.value(`SELECT count(*)::int FROM pg_proc WHERE proname = 'requesting_user_id'`), 0);
  });

  test('an updated database can lose public as well', async (t) => {
    const client = await (await server.emptyDatabase(t)).connect();
    await client.query(`CREATE EXTENSION better_auth VERSION '0.1.0'`);
    await client.query('ALTER EXTENSION better_auth UPDATE');
    await client.query(RESET);
    await wholeFlow(client);
  });

  test('where there is none, the function is in better_auth, for policies of all', async (t) => {
    const role = await server.role(t);
    const database = await server.emptyDatabase(t);
    const client = await database.connect();
    await client.query('DROP SCHEMA public');
    await client.query('CREATE EXTENSION better_auth');
    assert.match(client.notices.map(({ message }) => message).join('\n'), /no schema public: .* better_auth\.requesting_user_id\(\)/);
    await client.query(`
      CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO ${ident(role)};
      CREATE TABLE app.posts (user_id text);
      ALTER TABLE app.posts ENABLE ROW LEVEL SECURITY;
      CREATE POLICY own ON app.posts USING (user_id = better_auth.requesting_user_id());
      INSERT INTO app.posts VALUES ('u1'), ('u2');
      GRANT SELECT ON app.posts TO ${ident(role)}`);
    const app = await database.connect({ user: role });
    await app.query(`SELECT set_config('request.jwt.claims', '{"sub": "u1"}', false)`);
    for (let times = 0; times < 2; times += 1) assert.deepEqual(await app.column('SELECT user_id FROM app.posts'), ['u1']);
    await wholeFlow(client);
    assert.deepEqual((await client.query('SELECT * FROM better_auth.migrate()')).rows, []);
    await refused(client.query('DROP EXTENSION better_auth'), { code: '2BP01' });
  });
});
