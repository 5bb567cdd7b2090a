// The limit on hashes that run at the same time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ident, PASSWORD, refused, server, signIn, signUp, until, untilBlocked } from './lib.mjs';

/** Verifies a hash that takes some seconds, or less by a lower cost. */
const slowly = (client, cost = 15) =>
  client.call('verify_password_hash', { password: PASSWORD, hash: `$2b$${cost}$${'a'.repeat(21)}.${'a'.repeat(30)}.` });

async function limited(t, limit) {
  const { database, client } = await server.database(t);
  await client.query(`LOAD 'better_auth'; ALTER DATABASE ${ident(database.name)} SET better_auth.max_concurrent_hashes = ${limit}`);
  return { database, client };
}

test('who finds no slot waits until there is one, and can be cancelled', async (t) => {
  const { database, client } = await limited(t, 1);
  const [first, second, third] = await database.connectMany(3);
  const { user } = await signUp(first);
  const running = slowly(first);
  await until(() => client.value(`SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND database = 0 AND pid = $1`, [first.processID]), 'for the first to hash');
  const waiting = signIn(second, user.email);
  await untilBlocked(client, second);
  assert.deepEqual(await client.column('SELECT unnest(pg_blocking_pids($1))', [second.processID]), [first.processID]);
  await client.query('SELECT pg_cancel_backend($1)', [second.processID]);
  await refused(waiting, { code: '57014' });
  // What does not hash does not wait.
  assert.equal(await third.value('SELECT 1'), 1);
  assert.equal(await running, false);
  assert.equal((await signIn(second, user.email)).user.email, user.email);
  assert.equal(await client.value(`SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory'`), 0);
});

test('so many run at once as there are slots, whichever they come to', async (t) => {
  const { database, client } = await limited(t, 2);
  const clients = await database.connectMany(4);
  const running = clients.map((one) => slowly(one, 13));
  const granted = `SELECT count(*) FILTER (WHERE granted)::int AS granted, count(*) FILTER (WHERE NOT granted)::int AS waiting
                   FROM pg_locks WHERE locktype = 'advisory' AND database = 0`;
  await until(async () => (await client.query(granted)).rows[0].waiting === 2, 'for two to wait');
  assert.deepEqual((await client.query(granted)).rows, [{ granted: 2, waiting: 2 }]);
  assert.deepEqual(await Promise.all(running), [false, false, false, false]);
});

test('a role below superuser can’t lift the limit, nor take the slots', async (t) => {
  const role = await server.role(t);
  const { database, client } = await limited(t, 1);
  await client.query(`GRANT USAGE ON SCHEMA better_auth TO ${role}; GRANT EXECUTE ON FUNCTION better_auth.hash_password TO ${role}`);
  const app = await database.connect({ user: role });
  await app.call('hash_password', { password: PASSWORD });
  await refused(app.query('SET better_auth.max_concurrent_hashes = 100'), { code: '42501' });
  await app.query('SELECT pg_advisory_lock(k) FROM generate_series(0, 9) k; SELECT pg_advisory_lock(1635087464, k) FROM generate_series(0, 9) k');
  assert.match(await client.call('hash_password', { password: PASSWORD }), /^\$argon2id/);
});

test('lock_timeout does not count for the wait', async (t) => {
  const { database, client } = await limited(t, 1);
  const [first, second] = await database.connectMany(2);
  const running = slowly(first, 13);
  await until(() => client.value(`SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND database = 0 AND pid = $1`, [first.processID]), 'for the first to hash');
  await second.query(`SET lock_timeout = '1ms'`);
  assert.equal(await slowly(second, 4), false);
  assert.equal(await second.value('SHOW lock_timeout'), '1ms');
  await running;
});
