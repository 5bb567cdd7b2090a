// What was counted stays counted, whatever becomes of the transaction: the rate limit can't be rolled back.

import assert from 'node:assert/strict';
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { configured, cookieOf, http, ORIGIN, request, set } from './http.mjs';
import { ident, initialise, ownServer, PASSWORD, refused, server, signUp, standbyOf, until, writeForServer } from './lib.mjs';

// A window that no busy machine outlasts.
const SETTINGS = { base_url: ORIGIN, rate_limit_rules: '/sign-in/email=3600/3' };
/** Better Auth's own windows. */
const USUAL = { base_url: ORIGIN, rate_limit_storage: 'database' };
const signIn = (address, more = {}) => ['POST', '/sign-in/email', { body: { email: 'nobody@example.com', password: PASSWORD }, address, ...more }];
const status = async (client, ...ask) => (await http(client, ...ask)).status;
/** The statuses of so many requests, one after the other. */
async function statuses(client, count, ...ask) {
  const all = [];
  for (let round = 0; round < count; round += 1) all.push(await status(client, ...ask));
  return all;
}
const REFUSED = [401, 401, 401, 429, 429];
const rows = (client) => client.value('SELECT count(*)::int FROM better_auth."rateLimit"');

/** The RPC functions, and a connection that asks as PostgREST does. */
async function withRpc(t, settings = {}) {
  const role = await server.role(t, 'anon');
  const { database, client } = await configured(t, { ...SETTINGS, jwt_role: role, ...settings });
  await client.query(`GRANT USAGE ON SCHEMA public TO ${role}; SELECT better_auth.enable_rpc('public', '${role}', '${role}')`);
  const asks = await database.connect();
  let address = 0;
  /**
   * One request: PostgREST's transaction, its settings, and the statement in which it calls the function and applies
   * what the URL asks for. The status that the function chose, and the SQLSTATE of what came after.
   */
  const rpc = async (sql, { end = 'COMMIT', mode = '', headers = {}, from = address } = {}) => {
    const sent = { 'x-forwarded-for': `203.0.113.${from}`, ...headers };
    await asks.query(`BEGIN ISOLATION LEVEL READ COMMITTED ${mode}`);
    await asks.query(
      `SELECT set_config('role', $1, true), set_config('request.headers', $2, true), set_config('request.method', 'POST', true)`,
      [role, JSON.stringify(sent)],
    );
    let code;
    await asks.query(sql).catch((error) => ({ code } = error));
    const said = code ? undefined : Number(await asks.value(`SELECT current_setting('response.status', true)`));
    await asks.query(code ? 'ROLLBACK' : end).catch((error) => ({ code } = error));
    return code ?? said;
  };
  return { database, client, role, rpc, nextAddress: () => (address += 1) };
}

const CALL = `public.sign_in_email(email => 'nobody@example.com', password => 'wrong password')`;
const RAW = `public.better_auth_handler('{"email": "nobody@example.com", "password": "wrong password"}'::bytea)`;
const RAW_HEADERS = {
  'x-better-auth-method': 'POST', 'x-better-auth-url': '/api/auth/sign-in/email', 'x-better-auth-content-type': 'application/json',
};
/** What PostgREST makes of a request's query, headers and settings. */
const WRAP = (call, { select = '_.pgrst_scalar', rest = '' } = {}) =>
  `WITH pgrst_source AS (SELECT pgrst_call.pgrst_scalar FROM (SELECT ${call} pgrst_scalar) pgrst_call)
   SELECT count(_), coalesce(json_agg(x), '[]') FROM pgrst_source _, LATERAL (SELECT ${select} ${rest}) x`;
const APPENDED = {
  'select=pgrst_scalar->>code::int': { sql: (call, value) => WRAP(call, { select: `(${value}->>'code')::int` }), code: '22P02' },
  'a filter': { sql: (call, value) => WRAP(call, { rest: `WHERE (${value}->>'message') LIKE '\\'` }), code: '22025' },
  'order': { sql: (call, value) => WRAP(call, { rest: `ORDER BY (${value}->>'code')::int` }), code: '22P02' },
  'Accept: application/vnd.pgrst.object, of no row': {
    sql: (call) => `${WRAP(call)}; DO $$ BEGIN RAISE 'JSON object requested, multiple (or no) rows returned' USING ERRCODE = 'PT406'; END $$`, code: 'PT406',
  },
  'Prefer: tx=rollback': { sql: (call) => WRAP(call), end: 'ROLLBACK' },
  'a constraint that is checked at the end': {
    sql: (call) => `${WRAP(call)}; INSERT INTO public.child VALUES (1)`, code: '23503',
  },
  'a time-out': { sql: (call) => `SET LOCAL statement_timeout = 300; ${WRAP(call)}; SELECT pg_sleep(60)`, code: '57014' },
  'a GET, which is read-only': { sql: (call) => WRAP(call), mode: 'READ ONLY', said: 405 },
};

for (const storage of ['memory', 'database']) {
  describe(`counted in ${storage}`, () => {
    const settings = { rate_limit_storage: storage };

    test('nothing that is appended to a call takes it back', async (t) => {
      const { client, rpc, role, nextAddress } = await withRpc(t, settings);
      await client.query(`CREATE TABLE public.parent (id int PRIMARY KEY);
        CREATE TABLE public.child (id int REFERENCES public.parent DEFERRABLE INITIALLY DEFERRED); GRANT INSERT ON public.child TO ${role}`);
      for (const [call, value, headers] of [
        [CALL, '_.pgrst_scalar', {}],
        [RAW, `(convert_from(_.pgrst_scalar, 'UTF8')::jsonb)`, RAW_HEADERS],
      ]) {
        for (const [name, { sql, code, end, mode, said = 401 }] of Object.entries(APPENDED)) {
          const from = nextAddress();
          const what = `${name}: ${call}`;
          const expected = mode && call === RAW ? 503 : said;
          for (let round = 0; round < 3; round += 1) {
            assert.equal(await rpc(sql(call, value), { end, mode, headers, from }), code ?? expected, what);
          }
          for (let round = 0; round < 2; round += 1) {
            assert.equal(await rpc(WRAP(call), { headers, from }), 429, what);
          }
        }
      }
    });

    test('of many calls in one transaction that is rolled back', async (t) => {
      const { client } = await configured(t, { ...SETTINGS, ...settings });
      await client.query('BEGIN');
      const { rows } = await client.query(
        `SELECT better_auth.handler($1)->>'status' AS status FROM generate_series(1, 5)`, [request(...signIn('10.0.0.1'))]);
      assert.deepEqual(rows.map((row) => Number(row.status)), REFUSED);
      await client.query('ROLLBACK');
      assert.equal(await status(client, ...signIn('10.0.0.1')), 429);
    });

    test('of a block of PL/pgSQL whose exception is caught', async (t) => {
      const { client } = await configured(t, { ...SETTINGS, ...settings });
      await client.query(`CREATE FUNCTION public.lost(request jsonb) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN PERFORM better_auth.handler(request); RAISE 'undo'; EXCEPTION WHEN raise_exception THEN END $$`);
      for (let round = 0; round < 3; round += 1) {
        await client.query('SELECT public.lost($1)', [request(...signIn('10.0.0.1'))]);
      }
      assert.equal(await status(client, ...signIn('10.0.0.1')), 429);
    });

    test('of a client that is cancelled', async (t) => {
      const { database, client } = await configured(t, { ...SETTINGS, ...settings });
      const one = await database.connect();
      for (let round = 0; round < 3; round += 1) {
        const work = refused(one.query('SELECT better_auth.handler($1), pg_sleep(60)', [request(...signIn('10.0.0.1'))]), { code: '57014' });
        await until(() => client.value(`SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = $1`, [one.processID]), 'asleep');
        await client.query('SELECT pg_cancel_backend($1)', [one.processID]);
        await work;
      }
      assert.equal(await status(client, ...signIn('10.0.0.1')), 429);
    });

    test('of a read-only transaction', async (t) => {
      const { client } = await configured(t, { ...SETTINGS, ...settings, rate_limit_rules: '/get-session=3600/2, /sign-in/email=3600/3' });
      const cookie = await cookieOf(client, (await signUp(client)).token);
      await client.query('BEGIN READ ONLY');
      assert.deepEqual(await statuses(client, 3, 'GET', '/get-session', { cookie, address: '10.0.0.1' }), [200, 200, 429]);
      assert.deepEqual(await statuses(client, 5, ...signIn('10.0.0.1')), [503, 503, 503, 429, 429]);
      await client.query('ROLLBACK');
    });
  });
}

test('counts are of one database', async (t) => {
  const [one, other] = [await configured(t, SETTINGS), await configured(t, SETTINGS)];
  assert.deepEqual(await statuses(one.client, 5, ...signIn('10.0.0.1')), REFUSED);
  assert.deepEqual(await statuses(other.client, 5, ...signIn('10.0.0.1')), REFUSED);
  await one.client.query('DROP EXTENSION better_auth; CREATE EXTENSION better_auth');
  const again = await one.database.connect();
  assert.equal(await status(again, ...signIn('10.0.0.1')), 429);
});

test('forget_rate_limits() lets everybody begin anew, in its database', async (t) => {
  const role = await server.role(t);
  const [one, other] = [await configured(t, SETTINGS), await configured(t, SETTINGS)];
  for (const { client } of [one, other]) {
    for (const address of ['10.0.0.1', '10.0.0.2']) assert.deepEqual(await statuses(client, 5, ...signIn(address)), REFUSED);
  }
  await one.client.call('forget_rate_limits');
  for (const address of ['10.0.0.1', '10.0.0.2']) {
    assert.deepEqual(await statuses(one.client, 5, ...signIn(address)), REFUSED);
    assert.equal(await status(other.client, ...signIn(address)), 429);
  }
  const app = await one.database.connect({ user: role });
  await one.client.query(`GRANT USAGE ON SCHEMA better_auth TO ${role}`);
  await refused(app.call('forget_rate_limits'), { code: '42501' });
});

test('in memory nothing is written, and no transaction id is used', async (t) => {
  const { client } = await configured(t, SETTINGS);
  await client.query('BEGIN');
  await status(client, 'GET', '/ok', { address: '10.0.0.1' });
  assert.equal(await client.value('SELECT pg_current_xact_id_if_assigned() IS NULL'), true);
  await client.query('COMMIT');
  assert.equal(await rows(client), 0);
});

test('a window that has passed begins anew', async (t) => {
  const { client } = await configured(t, { ...SETTINGS, rate_limit_rules: '/ok=1/2' });
  const ok = ['GET', '/ok', { address: '10.0.0.1' }];
  assert.deepEqual(await statuses(client, 2, ...ok), [200, 200]);
  const answer = await http(client, ...ok);
  // On a busy machine the second may have passed already.
  if (answer.status === 429) assert.equal(answer.headers['x-retry-after'], '1');
  await until(async () => (await status(client, ...ok)) === 200, 'the window’s end');
});

test('one database is shared with a Better Auth server: its count is heeded, and an old row goes', async (t) => {
  const { client } = await configured(t, USUAL);
  const put = (address, count, age) =>
    client.query(`INSERT INTO better_auth."rateLimit" VALUES ($1, $1 || '|/sign-in/email', $2, extract(epoch FROM clock_timestamp()) * 1000 - $3::int)`, [address, count, age]);
  await put('10.0.0.1', 3, 1_000);
  await put('10.0.0.2', 2, 1_000);
  await put('10.0.0.3', 3, 11_000);
  await put('10.0.0.4', 3, 86_400_000);
  assert.deepEqual(await statuses(client, 4, ...signIn('10.0.0.1')), [429, 429, 429, 429]);
  // Refused by the table, it has not been counted in memory.
  await client.query(`DELETE FROM better_auth."rateLimit" WHERE id = '10.0.0.1'`);
  assert.deepEqual(await statuses(client, 5, ...signIn('10.0.0.1')), REFUSED);
  assert.deepEqual(await statuses(client, 2, ...signIn('10.0.0.2')), [401, 429]);
  assert.equal(await rows(client), 4);
  assert.deepEqual(await statuses(client, 5, ...signIn('10.0.0.3')), REFUSED);
  assert.equal(await rows(client), 3, 'the old row is gone');
});

test('purge_expired() deletes the rows whose window has passed, a batch at a time', async (t) => {
  const { client } = await configured(t, { ...SETTINGS, rate_limit_rules: '/x=120/1' });
  await client.query(`INSERT INTO better_auth."rateLimit"
    SELECT n, n || '|/ok', 1, extract(epoch FROM clock_timestamp()) * 1000 - CASE WHEN n <= 3 THEN 60000 ELSE 180000 END FROM generate_series(1, 8) n`);
  assert.deepEqual([await client.call('purge_expired', { batch: 3 }), await client.call('purge_expired'), await client.call('purge_expired')], ['3', '2', '0']);
  assert.equal(await rows(client), 3);
});

test('what is old is found by an index, in a large table too', async (t) => {
  const { client } = await configured(t, USUAL);
  await client.query(`INSERT INTO better_auth."rateLimit" SELECT n, n || '|/ok', 1, extract(epoch FROM clock_timestamp()) * 1000 FROM generate_series(1, 20000) n`);
  await client.query(`INSERT INTO better_auth."rateLimit" VALUES ('x', '10.0.0.1|/sign-in/email', 3, extract(epoch FROM clock_timestamp()) * 1000 - 11000)`);
  await client.query('ANALYZE better_auth."rateLimit"');
  const scans = () => client.value(`SELECT pg_stat_clear_snapshot(), pg_stat_get_numscans('better_auth."rateLimit"'::regclass)::int AS n`).then(() =>
    client.value(`SELECT pg_stat_get_numscans('better_auth."rateLimit"'::regclass)::int + pg_stat_get_xact_numscans('better_auth."rateLimit"'::regclass)::int`));
  const before = await scans();
  assert.equal(await status(client, ...signIn('10.0.0.1')), 401);
  assert.equal(await scans(), before, 'no scan of the whole table');
});

describe('with a server of its own', () => {
  const open = async (own, database, settings = SETTINGS) => {
    const client = await own.connect({ database });
    await set(client, settings);
    return client;
  };
  const began = async (t, fill) => {
    const own = await ownServer(t, fill);
    const { database, client } = await own.database(t);
    return { own, database, client: await open(own, database.name), admin: client };
  };

  test('a hot standby counts too, and so does a library that is preloaded', async (t) => {
    const { own, database, client } = await began(t, async (data, as) => {
      await initialise(data, as);
      writeForServer(join(data, 'postgresql.auto.conf'), `shared_preload_libraries = 'better_auth'\n`);
    });
    assert.deepEqual(await statuses(client, 5, ...signIn('10.0.0.1')), REFUSED);
    const standby = await ownServer(t, standbyOf(own));
    const reader = await standby.connect({ database: database.name });
    await until(() => reader.value(`SELECT count(*) = 1 FROM pg_extension WHERE extname = 'better_auth'`), 'the standby');
    for (const storage of ['memory', 'database']) {
      await set(reader, { rate_limit_storage: storage });
      const address = `10.0.1.${storage.length}`;
      assert.deepEqual(await statuses(reader, 5, ...signIn(address)), [503, 503, 503, 429, 429]);
    }
    await reader.end();
  });

  test('a backend that is killed takes the counts with it, and nothing else', async (t) => {
    const { own, database, client } = await began(t);
    assert.deepEqual(await statuses(client, 5, ...signIn('10.0.0.1')), REFUSED);
    const victim = await open(own, database.name);
    assert.equal(await status(victim, ...signIn('10.0.0.1')), 429);
    process.kill(victim.processID, 'SIGKILL');
    // The server ends them all, and starts anew.
    await until(() => client.query('SELECT 1').then(() => false, () => true), 'the other connection has ended');
    let again;
    await until(async () => {
      again = await open(own, database.name).catch(() => undefined);
      return again !== undefined;
    }, 'the server is back');
    assert.deepEqual(await statuses(again, 5, ...signIn('10.0.0.1')), REFUSED);
    const other = await open(own, database.name);
    assert.equal(await status(other, ...signIn('10.0.0.1')), 429);
    await Promise.all([again.end(), other.end()]);
    assert.doesNotMatch(own.log(), /PANIC/);
  });

  test('where there is no memory to be had, the table counts, and the log says so', async (t) => {
    const { own, database, admin } = await began(t, async (data, as) => {
      await initialise(data, as);
      writeForServer(join(data, 'postgresql.auto.conf'), `dynamic_shared_memory_type = mmap\n`);
    });
    const place = join(own.data, 'pg_dynshmem');
    assert.ok(existsSync(place));
    chmodSync(place, 0o500);
    const client = await open(own, database.name);
    assert.deepEqual(await statuses(client, 5, ...signIn('10.0.0.1')), REFUSED);
    assert.equal(await admin.value('SELECT count FROM better_auth."rateLimit"'), 3);
    assert.match(own.log(), /WARNING: {2}there is no shared memory for rate limits: /);
    await client.query('BEGIN READ ONLY');
    assert.equal(await status(client, 'GET', '/ok', { address: '10.0.0.1' }), 200);
    await client.query('ROLLBACK');
    chmodSync(place, 0o700);
    const later = await open(own, database.name);
    assert.deepEqual(await statuses(later, 5, ...signIn('10.0.0.2')), REFUSED);
    assert.equal(await admin.value('SELECT count(*)::int FROM better_auth."rateLimit"'), 1);
    await Promise.all([client.end(), later.end()]);
  });

  test('two hundred connections at once, each its first request: as many as the limit says', async (t) => {
    const { own, database, client } = await began(t, async (data, as) => {
      await initialise(data, as);
      writeForServer(join(data, 'postgresql.auto.conf'), `max_connections = 250\n`);
    });
    await client.query(`ALTER DATABASE ${ident(database.name)} SET better_auth.rate_limit_rules = '/ok=3600/777'`);
    const script = join(own.home, 'ask.sql');
    writeForServer(script, `SELECT better_auth.handler($$${request('GET', '/ok', { address: '10.0.0.1' })}$$)->>'status' AS status \\gset\nINSERT INTO public.said VALUES (:status);\n`);
    await client.query('CREATE TABLE public.said (status int)');
    await own.run('pgbench', '--no-vacuum', '--client', '200', '--jobs', '2', '--transactions', '6', '--file', script, database.name);
    const said = await client.query('SELECT status, count(*)::int FROM public.said GROUP BY 1 ORDER BY 1');
    assert.deepEqual(said.rows, [{ status: 200, count: 777 }, { status: 429, count: 423 }]);
  });
});
