// better_auth.identity = verified: a role with a connection of its own is who a token says, and nobody else, whatever it
// sets, prepares or opens.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { INVALID_TOKEN, UNAUTHORIZED, refused, server, signUp } from './lib.mjs';

const DENIED = { code: '42501' };
const REFUSED = { code: '22023', message: /better_auth\.verified_claims/ };

/** Two users' tokens, a table of both's rows under row level security, and a role that has to prove who it is. */
async function stage(t, { rows = 3 } = {}) {
  const [role, other] = [await server.role(t), await server.role(t, 'other')];
  const { database, client: dba } = await server.database(t);
  const users = [];
  for (const _ of 'ab') {
    const { token, user } = await signUp(dba);
    users.push({ id: user.id, session: token, token: await dba.call('bridge_token', { session_token: token }) });
  }
  const [ada, bob] = users;
  await dba.query(`
    CREATE TABLE posts (user_id text NOT NULL DEFAULT requesting_user_id(), n int);
    INSERT INTO posts SELECT u, n FROM unnest(ARRAY['${ada.id}', '${bob.id}']) u, generate_series(1, ${rows}) n;
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON posts USING (user_id = requesting_user_id());
    GRANT SELECT, INSERT ON posts TO ${role};
    GRANT USAGE ON SCHEMA better_auth TO ${role};
    GRANT EXECUTE ON FUNCTION better_auth.authenticate, better_auth.claims TO ${role};
    ALTER ROLE ${role} IN DATABASE ${database.name} SET better_auth.identity = 'verified';
    GRANT ${other} TO ${role};
    ANALYZE posts`);
  const connect = (options) => database.connect({ user: role, ...options });
  return { dba, role, other, ada, bob, connect, client: await connect() };
}

const authenticate = (client, { token }) => client.call('authenticate', { token });
const me = (client) => client.value('SELECT requesting_user_id()');
const owners = (client) => client.column('SELECT DISTINCT user_id FROM posts ORDER BY 1');

test('who has authenticated is that user, for the transaction', async (t) => {
  const { client, ada, bob } = await stage(t);
  assert.equal(await me(client), null);
  await client.query('BEGIN');
  const claims = await authenticate(client, ada);
  assert.equal(claims.sub, ada.id);
  assert.deepEqual(await client.value('SELECT better_auth.claims()'), claims);
  assert.equal(await me(client), ada.id);
  assert.deepEqual(await owners(client), [ada.id]);
  assert.equal(await client.value('INSERT INTO posts (n) VALUES (9) RETURNING user_id'), ada.id);
  await refused(client.query({ text: 'SAVEPOINT s' }).then(() => client.query('INSERT INTO posts VALUES ($1, 1)', [bob.id])), DENIED);
  await client.query('ROLLBACK TO s');
  await authenticate(client, bob);
  assert.deepEqual([await me(client), await owners(client)], [bob.id, [bob.id]]);
  await client.query('ROLLBACK TO s');
  assert.deepEqual([await me(client), await owners(client)], [ada.id, [ada.id]], 'a savepoint brings back who it was');
  await client.query('COMMIT');
  assert.deepEqual([await me(client), await owners(client)], [null, []]);
  for (const end of ['ROLLBACK', 'COMMIT AND CHAIN', 'ROLLBACK AND CHAIN']) {
    await client.query('BEGIN');
    await authenticate(client, ada);
    await client.query(end);
    assert.equal(await me(client), null, end);
    await client.query('ROLLBACK');
  }
  await authenticate(client, ada);
  assert.equal(await me(client), null, 'a statement alone is a transaction');
});

test('the role itself can’t say who it is', async (t) => {
  const { client, ada, bob, role, other } = await stage(t);
  const claim = JSON.stringify({ sub: bob.id, role });
  await client.query(`SELECT set_config('request.jwt.claims', $1, false)`, [claim]);
  assert.deepEqual([await me(client), await owners(client)], [null, []]);
  await client.query('BEGIN');
  await authenticate(client, ada);
  await client.query(`SELECT set_config('request.jwt.claims', $1, true)`, [claim]);
  assert.deepEqual([await me(client), await owners(client)], [ada.id, [ada.id]]);
  const value = `'99999999999999999:${claim}'`;
  for (const attempt of [
    `SET better_auth.identity = 'claims'`, `SET LOCAL better_auth.identity = 'claims'`,
    `SELECT set_config('better_auth.identity', 'claims', true)`, `SET better_auth.verified_claims = ${value}`,
    `SELECT set_config('better_auth.verified_claims', ${value}, true)`, `ALTER ROLE ${role} SET better_auth.verified_claims = ${value}`,
    `UPDATE pg_settings SET setting = ${value} WHERE name = 'better_auth.verified_claims'`,
    `SHOW better_auth.verified_claims`,
  ]) {
    await client.query('SAVEPOINT s');
    await client.query(attempt).then(
      ({ rows }) => assert.deepEqual(rows, [], attempt),
      (error) => assert.equal(error.code, '42501', `${attempt}: ${error.message}`),
    );
    await client.query('ROLLBACK TO s');
    assert.equal(await me(client), ada.id, attempt);
  }
  await client.query(`SET LOCAL ROLE ${other}`);
  assert.equal(await me(client), ada.id, 'another role is the same user');
  await client.query('RESET ROLE');
  for (const reset of ['RESET better_auth.identity', 'RESET ALL']) {
    await client.query('SAVEPOINT s');
    const refusal = await client.query(reset).then(() => undefined, (error) => error);
    if (refusal) {
      assert.equal(refusal.code, '42501', reset);
      await client.query('ROLLBACK TO s');
    }
    assert.ok([null, ada.id].includes(await me(client)), reset);
    await client.query('ROLLBACK TO s');
  }
  await client.query('COMMIT');
  await client.query('DISCARD ALL');
  await client.query(`SELECT set_config('request.jwt.claims', $1, false)`, [claim]);
  assert.equal(await me(client), null);
});

test('nor before the library is loaded, nor a superuser', async (t) => {
  const { connect, dba, bob } = await stage(t);
  const value = `99999999999999999:{"sub":"${bob.id}"}`;
  for (const set of [`SET better_auth.verified_claims = '${value}'`, `SET better_auth.identity = 'claims'`]) {
    const client = await connect();
    await client.query(set).catch((error) => assert.equal(error.code, '42501'));
    await client.query(`SELECT set_config('request.jwt.claims', $1, false)`, [JSON.stringify({ sub: bob.id })]);
    assert.equal(await me(client).catch((error) => assert.equal(error.code, 'F0000') ?? null), null, set);
  }
  for (const set of [{ 'better_auth.verified_claims': value }, { 'better_auth.identity': 'claims' }]) {
    const client = await connect({ set: { ...set, 'request.jwt.claims': JSON.stringify({ sub: bob.id }) } });
    assert.equal(await me(client).catch((error) => assert.equal(error.code, 'F0000') ?? null), null, JSON.stringify(set));
  }
  await me(dba);
  await refused(dba.query(`SET better_auth.verified_claims = '${value}'`), REFUSED);
  await refused(dba.query(`CREATE FUNCTION f() RETURNS text LANGUAGE sql SET better_auth.verified_claims = '${value}' AS 'SELECT 1'`), REFUSED);
});

describe('plans and cursors', () => {
  test('a prepared plan is for who asks', async (t) => {
    const { client, ada, bob } = await stage(t);
    for (const mode of ['force_generic_plan', 'force_custom_plan']) {
      await client.query(`SET plan_cache_mode = ${mode}`);
      await client.query('DEALLOCATE ALL; PREPARE mine AS SELECT DISTINCT user_id FROM posts ORDER BY 1');
      for (const user of [ada, bob, undefined, ada]) {
        await client.query('BEGIN');
        if (user) await authenticate(client, user);
        assert.deepEqual(await client.column('EXECUTE mine'), user ? [user.id] : []);
        await client.query('COMMIT');
      }
    }
  });

  test('a cursor that outlives its transaction has what its user saw', async (t) => {
    const { client, ada, bob } = await stage(t);
    await client.query('BEGIN');
    await authenticate(client, ada);
    await client.query('DECLARE kept CURSOR WITH HOLD FOR SELECT user_id, requesting_user_id() AS me FROM posts');
    await client.query('FETCH 1 FROM kept');
    await client.query('COMMIT');
    await client.query('BEGIN');
    await authenticate(client, bob);
    const { rows } = await client.query('FETCH ALL FROM kept');
    assert.deepEqual(rows, [{ user_id: ada.id, me: ada.id }, { user_id: ada.id, me: ada.id }]);
    assert.deepEqual(await owners(client), [bob.id]);
    await client.query('COMMIT');
  });

  test('a procedure that commits is nobody afterwards', async (t) => {
    const { client, ada, dba, role } = await stage(t);
    await dba.query(`
      CREATE TABLE seen (step int, me text, n bigint);
      GRANT ALL ON seen TO ${role};
      CREATE PROCEDURE walk(token text) LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM better_auth.authenticate(token);
        INSERT INTO seen SELECT 1, requesting_user_id(), count(*) FROM posts;
        COMMIT;
        INSERT INTO seen SELECT 2, requesting_user_id(), count(*) FROM posts;
      END $$`);
    await client.query('CALL walk($1)', [ada.token]);
    assert.deepEqual((await client.query('SELECT step, me, n::int FROM seen ORDER BY 1')).rows,
      [{ step: 1, me: ada.id, n: 3 }, { step: 2, me: null, n: 0 }]);
  });

  test('workers of a parallel query are the same user', async (t) => {
    const { client, ada, bob } = await stage(t, { rows: 20000 });
    await client.query(`SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
      SET max_parallel_workers_per_gather = 2; SET parallel_leader_participation = off`);
    for (const initplan of ['on', 'off']) {
      await client.query(`SET better_auth.enable_initplan = ${initplan}`);
      for (const user of [ada, bob]) {
        await client.query('BEGIN');
        await authenticate(client, user);
        await client.query(`SELECT set_config('request.jwt.claims', '{"sub": "x"}', true)`);
        const plan = (await client.column('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT count(*) FROM posts')).join('\n');
        assert.match(plan, /Workers Launched: [12]/);
        assert.equal(await client.value('SELECT count(*)::int FROM posts'), 20000);
        await client.query('COMMIT');
      }
    }
    assert.equal(await client.value('SELECT count(*)::int FROM posts'), 0);
  });
});

describe('tokens', () => {
  test('that expire end it within the transaction', async (t) => {
    const { client, dba, ada } = await stage(t);
    const token = await dba.value(`SELECT better_auth.sign_jwt(jsonb_build_object('sub', $1::text), '2 seconds')`, [ada.id]);
    await client.query('BEGIN');
    await authenticate(client, { token });
    assert.equal(await me(client), ada.id);
    await client.query('PREPARE mine AS SELECT DISTINCT user_id FROM posts');
    while ((await me(client)) !== null);
    assert.deepEqual([await owners(client), await client.column('EXECUTE mine')], [[], []]);
    assert.equal(await client.value('SELECT better_auth.claims()'), null);
    await refused(authenticate(client, { token }), { code: '28000', detail: 'TOKEN_EXPIRED' });
  });

  test('that are not good change nothing', async (t) => {
    const { client, dba, ada, bob } = await stage(t);
    await client.query('BEGIN');
    await authenticate(client, ada);
    const [header, , signature] = bob.token.split('.');
    const forged = `${header}.${Buffer.from(JSON.stringify({ sub: bob.id, exp: 99999999999 })).toString('base64url')}.${signature}`;
    for (const token of ['', 'x', '..', forged, `${bob.token}x`, bob.session]) {
      await client.query('SAVEPOINT s');
      await refused(authenticate(client, { token }), INVALID_TOKEN);
      await client.query('ROLLBACK TO s');
      assert.equal(await me(client), ada.id);
    }
    await dba.call('sign_out', { session_token: bob.session });
    await client.query('SAVEPOINT s');
    await refused(authenticate(client, bob), UNAUTHORIZED);
    await client.query('ROLLBACK TO s');
    await client.query('SAVEPOINT s');
    await refused(client.value('SELECT better_auth.authenticate(NULL)'), { code: '22023' });
    await client.query('ROLLBACK TO s');
    assert.equal(await me(client), ada.id);
  });

  test('whose subject is missing, or a number, are no or that user', async (t) => {
    const { client, dba } = await stage(t);
    for (const [claims, user] of [['{}', null], ['{"sub": ""}', null], ['{"sub": 7}', '7'], ['{"sub": "ü\\"\\\\:1"}', 'ü"\\:1']]) {
      const token = await dba.value('SELECT better_auth.sign_jwt($1)', [claims]);
      await client.query('BEGIN');
      await authenticate(client, { token });
      assert.equal(await me(client), user, claims);
      await client.query('COMMIT');
    }
  });
});

test('where claims are believed, authenticate() changes nothing', async (t) => {
  const { dba, ada } = await stage(t);
  await dba.query('BEGIN');
  await authenticate(dba, ada);
  assert.equal(await me(dba), null);
  await dba.query(`SELECT set_config('request.jwt.claims', '{"sub": "u1"}', true)`);
  assert.equal(await me(dba), 'u1');
  await dba.query(`SET LOCAL better_auth.identity = 'verified'`);
  assert.equal(await me(dba), ada.id);
  await dba.query('COMMIT');
});
