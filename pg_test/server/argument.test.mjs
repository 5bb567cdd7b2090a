// handler()'s argument, of whatever type a driver declares it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { request } from './http.mjs';
import { ident, refused, server } from './lib.mjs';

const OK = { status: 200, headers: [['content-type', 'application/json']], body: '{"ok":true}' };
const SENT = request('GET', '/ok');
const literal = `'${SENT.replaceAll("'", "''")}'`;

test('of every type that is JSON or text', async (t) => {
  const { client } = await server.database(t);
  await client.query('CREATE DOMAIN public.sent AS jsonb; CREATE DOMAIN public.short AS varchar(4000)');
  // As JDBC's setString, setObject of a PGobject, Npgsql's text and jsonb, and node-pg, which says nothing.
  for (const type of ['jsonb', 'json', 'text', 'varchar', 'varchar(4000)', 'bpchar', 'public.sent', 'public.short']) {
    assert.deepEqual(await client.value(`SELECT better_auth.handler($1::${type})`, [SENT]), OK, type);
    assert.deepEqual(await client.value(`SELECT better_auth.handler(request => ${literal}::${type})`), OK, type);
    const [name] = type.split('.').slice(-1);
    const prepared = `of_${name.replace(/\W/g, '_')}`;
    await client.query(`PREPARE ${prepared} (${type}) AS SELECT better_auth.handler($1)`);
    assert.deepEqual(await client.value(`EXECUTE ${prepared}(${literal})`), OK, type);
  }
  assert.deepEqual(await client.value(`SELECT better_auth.handler(${literal})`), OK);
  assert.deepEqual(await client.value('SELECT better_auth.handler($1)', [SENT]), OK);
  assert.deepEqual(await client.value('SELECT better_auth.handler($1)', [JSON.parse(SENT)]), OK);
  assert.deepEqual(await client.value(`SELECT better_auth.handler(jsonb_build_object('method', 'GET', 'url', '/api/auth/ok'))`), OK);
  assert.deepEqual(await client.column(`SELECT better_auth.handler(sent) FROM (VALUES (${literal}::text)) AS v(sent)`), [OK]);
  await client.query(`DO $do$ DECLARE sent text := ${literal}; BEGIN
    FOR i IN 1..10 LOOP IF better_auth.handler(sent) ->> 'status' <> '200' THEN RAISE 'no'; END IF; END LOOP; END $do$`);
});

test('what is none is said so', async (t) => {
  const { client } = await server.database(t);
  const shape = { code: '22023', message: 'request must be an object {method, url, headers, body}' };
  for (const value of ["'5'", "'[]'::text", "'null'::jsonb", "'\"x\"'::json"]) {
    await refused(client.query(`SELECT better_auth.handler(${value})`), shape);
  }
  for (const value of ["'{'", "''::text", "'x'::varchar"]) {
    await refused(client.query(`SELECT better_auth.handler(${value})`), { code: '22P02', message: 'invalid input syntax for type json' });
  }
  for (const value of ['5', 'true', "'{}'::bytea", "ARRAY['{}']", 'now()', 'ROW(1)']) {
    await refused(client.query(`SELECT better_auth.handler(${value})`), { code: '42883', message: 'the argument must be of type jsonb, json or text' });
  }
  for (const value of ['NULL', 'NULL::jsonb', 'NULL::text', 'NULL::int']) {
    await refused(client.query(`SELECT better_auth.handler(${value})`), { code: '22023', message: 'request must not be null' });
  }
});

test('is one function: to be granted by its name', async (t) => {
  const role = await server.role(t);
  const { database, client } = await server.database(t);
  await client.query(`GRANT USAGE ON SCHEMA better_auth TO ${ident(role)}; GRANT EXECUTE ON FUNCTION better_auth.handler TO ${ident(role)}`);
  const app = await database.connect({ user: role });
  for (const type of ['jsonb', 'json', 'text']) {
    assert.deepEqual(await app.value(`SELECT better_auth.handler($1::${type})`, [SENT]), OK, type);
  }
  assert.deepEqual(await app.value('SELECT better_auth.handler($1)', [SENT]), OK);
});
