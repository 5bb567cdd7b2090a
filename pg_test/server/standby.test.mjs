// A hot standby: what only reads works there, and a rotation on the primary reaches it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanup, INVALID_TOKEN, ownServer, refused, signIn, signUp, standbyOf, until } from './lib.mjs';

test('a hot standby answers, writes nothing, and follows the primary', async (t) => {
  const primary = await ownServer(t);
  const { database, client } = await primary.database(t);
  const [live, due, expired] = [await signUp(client), await signUp(client), await signUp(client)];
  const shift = (token, by) =>
    client.query(`UPDATE better_auth.session SET "expiresAt" = "expiresAt" - $2::interval WHERE token = $1`, [token, by]);
  await shift(due.token, '2 days');
  await shift(expired.token, '8 days');

  const standby = await ownServer(t, standbyOf(primary));
  const reader = await standby.connect({ database: database.name });
  cleanup(t, () => reader.end());
  assert.equal(await reader.value('SELECT pg_is_in_recovery()'), true);
  const caughtUp = async () => {
    const lsn = await client.value('SELECT pg_current_wal_insert_lsn()::text');
    await until(() => reader.value('SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn', [lsn]), 'the standby to catch up');
  };
  const SESSIONS = 'SELECT jsonb_agg(s ORDER BY id) FROM better_auth.session s';
  const before = await client.value(SESSIONS);

  for (const { token, user } of [live, due]) {
    const answer = await reader.call('get_session', { session_token: token });
    assert.equal(answer.user.id, user.id);
    const { expiresAt } = before.find((session) => session.token === token);
    assert.equal(Date.parse(answer.session.expiresAt), Date.parse(expiresAt));
  }
  assert.equal(await reader.call('get_session', { session_token: expired.token }), null);
  assert.equal((await reader.call('list_sessions', { session_token: live.token })).length, 1);
  const token = await reader.call('bridge_token', { session_token: live.token });
  assert.equal((await reader.call('verify_jwt', { token })).sub, live.user.id);
  assert.equal((await client.call('verify_jwt', { token })).sub, live.user.id);
  assert.deepEqual(await client.value(SESSIONS), before);

  await refused(signUp(reader), { code: '25006' });
  await refused(signIn(reader, live.user.email), { code: '25006' });
  await refused(reader.call('rotate_secret', { name: 'jwt' }), { code: '25006' });

  await client.call('rotate_secret', { name: 'jwt', keep: '0' });
  await caughtUp();
  await refused(reader.call('verify_jwt', { token }), INVALID_TOKEN);
  const fresh = await reader.call('bridge_token', { session_token: live.token });
  await client.call('verify_jwt', { token: fresh });

  await client.call('sign_out', { session_token: live.token });
  await caughtUp();
  assert.equal(await reader.call('get_session', { session_token: live.token }), null);
});
