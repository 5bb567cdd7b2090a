// Rows that come into a database that has the extension already, and has made secrets of its own: those give way, unless
// somebody has set them.

import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cleanup, directory, initialise, ownServer, server, signIn, signUp, until } from './lib.mjs';

const EMPTY = 'TRUNCATE better_auth.signing_secret';
const SECRETS = 'SELECT jsonb_agg(s ORDER BY s.id) FROM better_auth.signing_secret s';
const TRIGGERS = `SELECT tgenabled FROM pg_trigger WHERE tgrelid = 'better_auth.signing_secret'::regclass AND NOT tgisinternal`;

/** Asserts that what was signed where the rows come from is good here, and the other way round. */
async function assertSame(source, target, { token, user }) {
  const before = await source.call('bridge_token', { session_token: token });
  assert.equal((await target.call('verify_jwt', { token: before })).sub, user.id);
  const after = await target.call('bridge_token', { session_token: token });
  assert.equal((await source.call('verify_jwt', { token: after })).sub, user.id);
}

/** A database with somebody who is signed in, and one with secrets that are still those that it began with. */
async function pair(t) {
  const from = await server.database(t);
  const signed = await signUp(from.client);
  await from.client.call('rotate_secret', { name: 'jwt' });
  const to = await server.database(t);
  // A backend that has its keys in memory.
  await to.client.call('sign_jwt', { claims: '{"sub":"x"}' });
  return { from, to, signed, path: join(directory(t), 'dump') };
}

for (const [form, options] of Object.entries({ 'as COPY': [], 'as INSERT': ['--inserts'], 'as INSERT of many rows, passing over conflicts': ['--rows-per-insert', '10', '--on-conflict-do-nothing'] })) {
  test(`a dump of data alone, ${form}`, async (t) => {
    const { from, to, signed, path } = await pair(t);
    await from.database.run('pg_dump', '--data-only', ...options, '--schema', 'better_auth', '--file', path);
    await to.database.run('psql', '-X', '-1', '-v', 'ON_ERROR_STOP=1', '--file', path);
    assert.deepEqual(await to.client.value(SECRETS), await from.client.value(SECRETS));
    await assertSame(from.client, to.client, signed);
    assert.deepEqual((await to.client.query('SELECT * FROM better_auth.migrate()')).rows, []);
    await assertSame(from.client, await to.database.connect(), signed);
  });
}

test('a dump of data alone, without triggers: after the table of secrets was emptied', async (t) => {
  const { from, to, signed, path } = await pair(t);
  await from.database.run('pg_dump', '--data-only', '--inserts', '--disable-triggers', '--schema', 'better_auth', '--file', path);
  await assert.rejects(to.database.run('psql', '-X', '-1', '-v', 'ON_ERROR_STOP=1', '--file', path), /signing_secret_current/);
  await to.client.query(EMPTY);
  await to.database.run('psql', '-X', '-1', '-v', 'ON_ERROR_STOP=1', '--file', path);
  await assertSame(from.client, to.client, signed);
  await to.client.query('SELECT * FROM better_auth.migrate()');
  assert.deepEqual(await to.client.column(TRIGGERS), ['A', 'A', 'A']);
  await assertSame(from.client, await to.database.connect(), signed);
});

for (const set of ['set_secret', 'rotate_secret']) {
  test(`secrets of ${set}() stay, and what would replace them is refused until the table was emptied`, async (t) => {
    const { from, to, signed, path } = await pair(t);
    await to.client.call(set, set === 'set_secret' ? { name: 'jwt', value: 'somebody has set this one themselves' } : { name: 'jwt', keep: '0' });
    const own = await to.client.value(SECRETS);
    await from.database.run('pg_dump', '--data-only', '--schema', 'better_auth', '--file', path);
    await assert.rejects(to.database.run('psql', '-X', '-1', '-v', 'ON_ERROR_STOP=1', '--file', path), /signing_secret_current/);
    assert.deepEqual(await to.client.value(SECRETS), own);
    await to.client.query(EMPTY);
    await to.database.run('psql', '-X', '-1', '-v', 'ON_ERROR_STOP=1', '--file', path);
    await assertSame(from.client, to.client, signed);
  });
}

const WAYS = {
  'in place of what is there': async ({ to, path }) => to.database.run('pg_restore', '-1', '--clean', '--if-exists', path),
  'its rows alone': async ({ to, path }) => {
    await to.client.query(EMPTY);
    await to.database.run('pg_restore', '-1', '--data-only', '--disable-triggers', path);
    await to.client.query('SELECT * FROM better_auth.migrate()');
  },
};
for (const [way, restore] of Object.entries(WAYS)) {
  test(`a whole dump, restored over the extension: ${way}`, async (t) => {
    const made = await pair(t);
    const { from, to, signed, path } = made;
    await from.database.run('pg_dump', '--format', 'custom', '--file', path);
    await restore(made);
    assert.deepEqual(await to.client.value(SECRETS), await from.client.value(SECRETS));
    await assertSame(from.client, to.client, signed);
    assert.equal((await signIn(to.client, signed.user.email)).user.id, signed.user.id);
    assert.deepEqual(await to.client.column(TRIGGERS), ['A', 'A', 'A']);
    assert.deepEqual((await to.client.query('SELECT * FROM better_auth.migrate()')).rows, []);
  });
}

// Foreign keys are there before the users are: PostgreSQL's own, with any tables.
test('a whole dump, restored over the extension as it is: what did not come is reported, the secrets did', async (t) => {
  const { from, to, path } = await pair(t);
  await from.database.run('pg_dump', '--format', 'custom', '--file', path);
  await assert.rejects(to.database.run('pg_restore', path), ({ message }) => {
    assert.deepEqual(message.match(/COPY failed for table "\w+"/g), ['COPY failed for table "account"', 'COPY failed for table "session"']);
    return true;
  });
  assert.deepEqual(await to.client.value(SECRETS), await from.client.value(SECRETS));
  assert.deepEqual((await to.client.query('SELECT * FROM better_auth.migrate()')).rows, []);
});

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
  await to.client.query(`CREATE SUBSCRIPTION copies CONNECTION 'host=${own.home} port=5432 user=postgres dbname=${from.database.name}'
    PUBLICATION everything WITH (create_slot = false, slot_name = 'copies')`);
  cleanup(t, () => to.client.query('DROP SUBSCRIPTION copies'));
  const arrived = (email) => until(
    () => to.client.value('SELECT count(*) = 1 FROM better_auth."user" WHERE email = $1', [email]), `${email} to arrive`);
  await arrived(signed.user.email);
  const secrets = JSON.stringify(await from.client.value(SECRETS));
  await until(async () => JSON.stringify(await to.client.value(SECRETS)) === secrets, 'the secrets to arrive');
  await assertSame(from.client, to.client, signed);

  // It goes on, through a rotation, which a backend that has the keys in memory notices.
  await from.client.call('rotate_secret', { name: 'jwt' });
  const later = await signUp(from.client);
  await arrived(later.user.email);
  await assertSame(from.client, to.client, later);
  assert.equal((await signIn(to.client, later.user.email)).user.id, later.user.id);
});
