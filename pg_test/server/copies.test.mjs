// Rows alone, into a database that has the extension already and has made secrets of its own.

import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cleanup, directory, initialise, ownServer, server, signIn, signUp, until } from './lib.mjs';

const EMPTY = 'TRUNCATE better_auth.signing_secret';

/** Asserts that what was signed where the rows come from is good here, and the other way round. */
async function assertSame(source, target, { token, user }) {
  const before = await source.call('bridge_token', { session_token: token });
  assert.equal((await target.call('verify_jwt', { token: before })).sub, user.id);
  const after = await target.call('bridge_token', { session_token: token });
  assert.equal((await source.call('verify_jwt', { token: after })).sub, user.id);
}

for (const [form, options] of Object.entries({ 'as COPY': [], 'as INSERT, without triggers': ['--inserts', '--disable-triggers'] })) {
  test(`a dump of data alone, ${form}`, async (t) => {
    const from = await server.database(t);
    const signed = await signUp(from.client);
    await from.client.call('rotate_secret', { name: 'jwt' });
    const to = await server.database(t);
    const path = join(directory(t), 'dump');
    await from.database.run('pg_dump', '--data-only', ...options, '--schema', 'better_auth', '--file', path);
    await assert.rejects(to.database.run('psql', '-X', '-1', '-v', 'ON_ERROR_STOP=1', '--file', path), /signing_secret_current/);
    await to.client.query(EMPTY);
    await to.database.run('psql', '-X', '-1', '-v', 'ON_ERROR_STOP=1', '--file', path);
    await assertSame(from.client, to.client, signed);
    await to.client.query('SELECT * FROM better_auth.migrate()');
    assert.deepEqual(await to.client.column(`SELECT tgenabled FROM pg_trigger WHERE tgrelid = 'better_auth.signing_secret'::regclass AND NOT tgisinternal`), ['A', 'A']);
    await assertSame(from.client, await to.database.connect(), signed);
  });
}

test('a subscription to all tables', async (t) => {
  const own = await ownServer(t, async (data, as) => {
    await initialise(data, as);
    appendFileSync(join(data, 'postgresql.conf'), 'wal_level = logical\n');
  });
  const from = await own.database(t);
  const to = await own.database(t);
  const signed = await signUp(from.client);
  await from.client.query('CREATE PUBLICATION everything FOR ALL TABLES');
  // In one server, a subscription that made its slot itself would wait for its own transaction.
  await from.client.query(`SELECT pg_create_logical_replication_slot('copies', 'pgoutput')`);
  await to.client.query(EMPTY);
  await to.client.query(`CREATE SUBSCRIPTION copies CONNECTION 'host=${own.home} port=5432 user=postgres dbname=${from.database.name}'
    PUBLICATION everything WITH (create_slot = false, slot_name = 'copies')`);
  cleanup(t, () => to.client.query('DROP SUBSCRIPTION copies'));
  const arrived = (email) => until(
    () => to.client.value('SELECT count(*) = 1 FROM better_auth."user" WHERE email = $1', [email]), `${email} to arrive`);
  await arrived(signed.user.email);
  await until(() => to.client.value('SELECT count(*) = 2 FROM better_auth.signing_secret'), 'the secrets to arrive');
  await assertSame(from.client, to.client, signed);

  // It goes on, through a rotation, which a backend that has the keys in memory notices.
  await from.client.call('rotate_secret', { name: 'jwt' });
  const later = await signUp(from.client);
  await arrived(later.user.email);
  await assertSame(from.client, to.client, later);
  assert.equal((await signIn(to.client, later.user.email)).user.id, later.user.id);
});
