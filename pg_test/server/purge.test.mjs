// purge_expired(): what it deletes, and that nobody waits for it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, server, signIn, signUp } from './lib.mjs';

const tokens = (client) => client.column('SELECT token FROM better_auth.session ORDER BY "createdAt"');
const expire = (client, ...which) => client.query(`UPDATE better_auth.session SET "expiresAt" = now() - interval '1 second' WHERE token = ANY ($1)`, [which]);

test('deletes what has expired, a batch at a time, and nothing else', async (t) => {
  const { client } = await server.database(t);
  const { user, token: first } = await signUp(client);
  const sessions = [first];
  for (let n = 0; n < 4; n += 1) sessions.push((await signIn(client, user.email)).token);
  await client.query(`INSERT INTO better_auth.verification (id, identifier, value, "expiresAt")
    SELECT i::text, 'reset-password:' || i, 'x', now() + i * interval '1 hour' FROM generate_series(-2, 1) i WHERE i <> 0`);
  assert.equal(await client.call('purge_expired'), '2', 'the tokens of mails');
  assert.equal(await client.call('purge_expired'), '0');
  await expire(client, ...sessions.slice(1, 4));
  assert.equal(await client.call('purge_expired', { batch: 2 }), '2');
  assert.equal(await client.call('purge_expired', { batch: 2 }), '1');
  assert.deepEqual(await tokens(client), [sessions[0], sessions[4]]);
  assert.equal(await client.value('SELECT count(*)::int FROM better_auth.verification'), 1);
  for (const batch of [0, -1, 1_000_001, null]) {
    await refused(client.call('purge_expired', { batch }), { code: '22023', message: /batch/ });
  }
});

test('leaves rows that somebody is using, and keeps one that is prolonged meanwhile', async (t) => {
  const { database, client } = await server.database(t);
  const [using, purging] = await database.connectMany(2);
  const { user, token: first } = await signUp(client);
  const { token: second } = await signIn(client, user.email);
  await expire(client, first, second);
  await using.query('BEGIN');
  await using.query(`UPDATE better_auth.session SET "expiresAt" = now() + interval '1 day' WHERE token = $1`, [first]);
  assert.equal(await purging.call('purge_expired'), '1', 'at once, without waiting');
  await using.query('COMMIT');
  assert.equal(await purging.call('purge_expired'), '0');
  assert.deepEqual(await tokens(client), [first]);
  // Two at once share the work.
  await client.query(`INSERT INTO better_auth.session (id, token, "userId", "expiresAt", "createdAt", "updatedAt")
    SELECT i::text, 'token ' || i, $1, now() - interval '1 day', now(), now() FROM generate_series(1, 2000) i`, [user.id]);
  const counts = await Promise.all([using, purging].map((one) => one.call('purge_expired')));
  assert.equal(counts.reduce((sum, count) => sum + Number(count), 0), 2000);
});

test('a role that may call nothing else can do it', async (t) => {
  const role = await server.role(t);
  const { database, client } = await server.database(t);
  const { token } = await signUp(client);
  await expire(client, token);
  await client.query(`GRANT USAGE ON SCHEMA better_auth TO ${role}`);
  const app = await database.connect({ user: role });
  await refused(app.call('purge_expired'), { code: '42501' });
  await client.query(`GRANT EXECUTE ON FUNCTION better_auth.purge_expired TO ${role}`);
  assert.equal(await app.call('purge_expired'), '1');
});
