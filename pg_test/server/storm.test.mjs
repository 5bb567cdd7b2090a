// What others do to roles, functions and types of their own, however fast, is nothing to this extension's functions.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { freshEmail, ident, server, signIn, signUp, until } from './lib.mjs';

/** What anybody may do who can log in, or who has a schema of its own: each again and again. */
const STORMS = {
  'changes its own password': `EXECUTE format('ALTER ROLE CURRENT_USER PASSWORD %L', 'md5' || md5(random()::text))`,
  'replaces a function': `CREATE OR REPLACE FUNCTION storm.f() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
  'alters a domain': `ALTER DOMAIN storm.d SET DEFAULT 'x'`,
  'alters a table': `ALTER TABLE storm.t ALTER x SET DEFAULT 1; ALTER TABLE storm.t ALTER x DROP DEFAULT`,
  'makes operators': `CREATE OPERATOR storm.!! (RIGHTARG = int, FUNCTION = storm.g); DROP OPERATOR storm.!! (NONE, int)`,
  'makes temporary tables': `CREATE TEMP TABLE t (x int); ANALYZE t; DROP TABLE t`,
};

describe('a role without rights that', () => {
  for (const [name, statement] of Object.entries(STORMS)) {
    test(`${name} in a loop stops nobody`, async (t) => {
      const role = await server.role(t, 'storm');
      const { database, client } = await server.database(t);
      const { token, user } = await signUp(client);
      await client.query(`CREATE SCHEMA storm AUTHORIZATION ${ident(role)}`);
      const storming = await database.connect({ user: role });
      await storming.query(`
        CREATE FUNCTION storm.g(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE DOMAIN storm.d AS text; CREATE TABLE storm.t (x int); CREATE SEQUENCE storm.done`);
      const storm = storming.query(`DO $$ BEGIN LOOP ${statement}; PERFORM nextval('storm.done'); COMMIT; END LOOP; END $$`).catch((error) => error);
      const done = () => client.value('SELECT last_value::int FROM storm.done');
      await until(async () => (await done()) > 20, 'for the storm');
      // Far more than all of it takes; without an end it would be none.
      await client.query(`SET statement_timeout = '60s'`);
      const before = await done();
      for (let round = 0; round < 20; round += 1) {
        assert.equal((await client.call('get_session', { session_token: token })).user.id, user.id);
      }
      await signUp(client, { email: freshEmail() });
      await signIn(client, user.email);
      await until(async () => (await done()) > before, 'for the storm to go on');
      await client.query('SELECT pg_cancel_backend($1)', [storming.processID]);
      assert.equal((await storm).code, '57014');
      await storming.query('DROP OWNED BY CURRENT_USER');
    });
  }

  test('makes a cast from text to a type of its own stops nobody', async (t) => {
    const role = await server.role(t, 'storm');
    const { database, client } = await server.database(t);
    await client.query(`CREATE SCHEMA storm AUTHORIZATION ${ident(role)}`);
    const other = await database.connect({ user: role });
    await other.query(`
      CREATE TYPE storm.t AS (x text);
      CREATE FUNCTION storm.cast(text) RETURNS storm.t LANGUAGE sql AS 'SELECT ROW($1)::storm.t';
      CREATE CAST (text AS storm.t) WITH FUNCTION storm.cast(text) AS IMPLICIT`);
    await signUp(await database.connect());
    await client.query(`DROP OWNED BY ${ident(role)} CASCADE`);
  });
});
