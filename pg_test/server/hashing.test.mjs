// The limit on hashes that run at the same time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ident, INVALID_EMAIL_OR_PASSWORD, ownServer, PASSWORD, patiently, refused, server, signIn, signUp, until, untilBlocked } from './lib.mjs';

/** Verifies a hash that takes about a second, the most that one may, or less by a lower cost. */
const slowly = (client, cost = 14) =>
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
  const waiting = refused(signIn(second, user.email), { code: '57014' });
  await untilBlocked(client, second);
  assert.deepEqual(await client.column('SELECT unnest(pg_blocking_pids($1))', [second.processID]), [first.processID]);
  await client.query('SELECT pg_cancel_backend($1)', [second.processID]);
  await waiting;
  // What does not hash does not wait.
  assert.equal(await third.value('SELECT 1'), 1);
  assert.equal(await running, false);
  assert.equal((await signIn(second, user.email)).user.email, user.email);
  assert.equal(await client.value(`SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory'`), 0);
});

test('so many run at once as there are slots, whichever they come to', async (t) => {
  const { database, client } = await limited(t, 2);
  const clients = await database.connectMany(4);
  const running = clients.map((one) => patiently(() => slowly(one, 13)));
  const granted = `SELECT count(*) FILTER (WHERE granted)::int AS granted, count(*) FILTER (WHERE NOT granted)::int AS waiting
                   FROM pg_locks WHERE locktype = 'advisory' AND database = 0`;
  // At no moment more than two.
  await until(async () => {
    const [seen] = (await client.query(granted)).rows;
    assert.ok(seen.granted <= 2, JSON.stringify(seen));
    return seen.granted === 2 && seen.waiting === 2;
  }, 'for two to hash and two to wait');
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
  const running = slowly(first, 12);
  await until(() => client.value(`SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND database = 0 AND pid = $1`, [first.processID]), 'for the first to hash');
  await second.query(`SET lock_timeout = '1ms'`);
  assert.equal(await slowly(second, 4), false);
  assert.equal(await second.value('SHOW lock_timeout'), '1ms');
  await running;
});

const hashing = (client, { processID }) =>
  until(() => client.value(`SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND database = 0 AND pid = $1`, [processID]), 'for it to hash');

test('a cancel that comes while a password is hashed is obeyed, and the slot is free again', async (t) => {
  const { database, client } = await limited(t, 1);
  const first = await database.connect();
  await signUp(first);
  const running = refused(slowly(first), { code: '57014' });
  await hashing(client, first);
  await client.query('SELECT pg_cancel_backend($1)', [first.processID]);
  await running;
  await signUp(first);
});

test('a stored hash that asks for more than about a second is as good as a wrong password, and the log says so once', async (t) => {
  const own = await ownServer(t);
  const { client } = await own.database(t);
  const { user } = await signUp(client);
  const argon2 = (costs) => `$argon2id$v=19$${costs}$BwcHBwcHBwcHBwcHBwcHBw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA`;
  const greedy = [argon2('m=1048576,t=64,p=16'), argon2('m=8,t=4294967295,p=1'), argon2('m=4194304,t=1,p=4'), `$2b$31$${'a'.repeat(21)}.${'a'.repeat(30)}.`];
  await client.query(`SET statement_timeout = '45s'`);
  for (const hash of greedy) {
    await client.query('UPDATE better_auth.account SET password = $1', [hash]);
    // As text of the statement, where the log would show it.
    await refused(client.query(`SELECT better_auth.sign_in_email('${user.email}', 'typed secret')`), INVALID_EMAIL_OR_PASSWORD);
    assert.equal(await client.call('verify_password_hash', { password: 'typed secret', hash }), false);
  }
  const log = own.log();
  assert.equal(log.match(/a password hash was not verified/g).length, 1);
  assert.doesNotMatch(log.split('\n').filter((line) => !/ERROR|STATEMENT/.test(line)).join('\n'), /typed secret|BwcHB/);
  assert.ok(client.notices.every(({ message }) => !/hash/.test(message)), 'who asks is not told');
});

// Made of the bytes of what was typed: bcrypt by libxcrypt, argon2id by libargon2.
const FOREIGN = {
  'my pass…word': ['$2b$04$aaaaaaaaaaaaaaaaaaaaa.XNlF5OOgZYHH.o.EqUoBOBJLSfIvAjy'],
  'pass word™': ['$2b$04$aaaaaaaaaaaaaaaaaaaaa.FOu/vccDk6u4iRlAjOlkTXWHWUgToxS', '$argon2id$v=19$m=1024,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$pn6tOxWKhDtkm3W0hCKWEVa35smozgan3wTSXesqEao'],
  'ｐａｓｓｗｏｒｄ': ['$2b$04$aaaaaaaaaaaaaaaaaaaaa..vIsO2rJInqiz4u/u8cXyIDcy9PVEg.', '$argon2id$v=19$m=1024,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$hATaed8vctMpBCceOdlzzgNHwDdhrm9lEAN7Og8AkNM'],
  'pa\u0308sswo\u0308rd': ['$2b$04$aaaaaaaaaaaaaaaaaaaaa.ktXB81CxjF.SQnmLw4xTBirdZgsk5.K', '$argon2id$v=19$m=1024,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$GPrF+mLuX0K8eT4guOVcRLwQFWfDXDzQyrYZKX6w928'],
};

test('a hash of another system is of the password as it was typed; sign-in makes one of ours, of which every spelling is good', async (t) => {
  const { client } = await server.database(t);
  const { user } = await signUp(client);
  for (const [typed, hashes] of Object.entries(FOREIGN)) {
    for (const hash of hashes) {
      await client.query('UPDATE better_auth.account SET password = $1', [hash]);
      assert.equal(await client.call('verify_password_hash', { password: typed, hash }), true, typed);
      assert.equal(await client.call('verify_password_hash', { password: `${typed}x`, hash }), false, typed);
      await refused(signIn(client, user.email, `${typed}x`), INVALID_EMAIL_OR_PASSWORD);
      await signIn(client, user.email, typed);
      assert.match(await client.value('SELECT password FROM better_auth.account'), /m=19456/);
      await signIn(client, user.email, typed);
      await signIn(client, user.email, typed.normalize('NFKC'));
    }
  }
});
