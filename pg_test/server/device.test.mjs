// The device flow under attack: two at once, transactions that are rolled back, guesses, what is never said.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configured, cookieOf, http, ORIGIN, set } from './http.mjs';
import { PASSWORD, refused, signUp, untilBlocked } from './lib.mjs';
import { withRpc } from './plugins.mjs';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const SETTINGS = { base_url: ORIGIN, rate_limit: 'off', plugins: 'device-authorization' };

/** A database with the plugin on, and somebody who is signed in. */
async function withDevices(t, settings = {}) {
  const { database, client } = await configured(t, { ...SETTINGS, ...settings });
  await client.query('SELECT better_auth.migrate()');
  const { token, user } = await signUp(client);
  return { database, client, user, token, cookie: await cookieOf(client, token) };
}

const issue = async (client, body = { client_id: 'cli' }) => (await http(client, 'POST', '/device/code', { body })).json;
const poll = (client, { device_code }, more = {}) =>
  http(client, 'POST', '/device/token', { body: { grant_type: GRANT, device_code, client_id: 'cli' }, ...more });
const look = (client, { user_code }, more = {}) => http(client, 'GET', `/device?user_code=${user_code}`, more);
const decide = (client, verdict, { user_code }, cookie) => http(client, 'POST', `/device/${verdict}`, { body: { userCode: user_code }, cookie });
const approve = (client, code, cookie) => decide(client, 'approve', code, cookie);
const count = (client, table) => client.value(`SELECT count(*)::int FROM better_auth."${table}"`);
/** As if the last poll had been long ago, to the row and to memory. */
const later = (client) => client.query(`UPDATE better_auth."deviceCode" SET "lastPolledAt" = now() - interval '1 hour'; SELECT better_auth.forget_rate_limits()`);

/** A code that its user has said yes to. */
async function approved(client, cookie) {
  const code = await issue(client);
  assert.equal((await look(client, code, { cookie })).json.client_id, 'cli');
  assert.deepEqual((await approve(client, code, cookie)).json, { success: true });
  return code;
}

test('a code’s client, user and scope are short, and what has long expired goes', async (t) => {
  const { client } = await withDevices(t);
  for (const [name, most] of [['client_id', 255], ['user_id', 255], ['scope', 2_048]]) {
    const body = (length) => ({ client_id: 'cli', [name]: 'x'.repeat(length) });
    assert.deepEqual(await issue(client, body(most + 1)), { error: 'invalid_request', error_description: `${name} must have at most ${most} bytes` });
    assert.ok((await issue(client, body(most))).device_code);
  }
  await client.query(`UPDATE better_auth."deviceCode" SET "expiresAt" = now() - interval '59 minutes' WHERE scope IS NOT NULL`);
  await client.query(`UPDATE better_auth."deviceCode" SET "expiresAt" = now() - interval '61 minutes' WHERE scope IS NULL`);
  await issue(client);
  assert.equal(await count(client, 'deviceCode'), 2);
});

/** The answer, while `work` is done in a transaction that is rolled back. */
async function undone(client, work) {
  await client.query('BEGIN');
  try {
    return await work();
  } finally {
    await client.query('ROLLBACK');
  }
}

describe('two at once', () => {
  test('of ten polls of an approved code one gets a session', async (t) => {
    const { database, client, cookie } = await withDevices(t, { device_authorization_interval: 0 });
    const code = await approved(client, cookie);
    const sessions = await count(client, 'session');
    const answers = await Promise.all((await database.connectMany(10)).map((one) => poll(one, code)));
    const won = answers.filter(({ status }) => status === 200);
    assert.equal(won.length, 1, JSON.stringify(answers.map(({ json }) => json)));
    for (const { status, json } of answers.filter((one) => !won.includes(one))) {
      assert.deepEqual([status, json], [400, { error: 'invalid_grant', error_description: 'Invalid device code' }]);
    }
    assert.deepEqual([await count(client, 'session'), await count(client, 'deviceCode')], [sessions + 1, 0]);
  });

  test('of ten polls within the interval one is in time', async (t) => {
    const { database, client } = await withDevices(t);
    const code = await issue(client);
    const answers = await Promise.all((await database.connectMany(10)).map((one) => poll(one, code)));
    const errors = answers.map(({ json }) => json.error).sort();
    assert.deepEqual(errors, ['authorization_pending', ...Array(9).fill('slow_down')]);
  });

  test('a poll that waits for another one’s gets nothing once that has committed', async (t) => {
    const { database, client, cookie } = await withDevices(t, { device_authorization_interval: 0 });
    const code = await approved(client, cookie);
    const [first, second] = await database.connectMany(2);
    await first.query('BEGIN');
    assert.equal((await poll(first, code)).status, 200);
    const waiting = poll(second, code);
    await untilBlocked(client, second);
    await first.query('COMMIT');
    assert.equal((await waiting).json.error, 'invalid_grant');
  });

  test('and the session once that was rolled back', async (t) => {
    const { database, client, cookie } = await withDevices(t, { device_authorization_interval: 0 });
    const code = await approved(client, cookie);
    const [first, second] = await database.connectMany(2);
    await first.query('BEGIN');
    const { json } = await poll(first, code);
    const waiting = poll(second, code);
    await untilBlocked(client, second);
    await first.query('ROLLBACK');
    const { json: won } = await waiting;
    assert.equal(await client.value('SELECT count(*)::int FROM better_auth.session WHERE token = $1', [won.access_token]), 1);
    assert.equal(await client.value('SELECT count(*)::int FROM better_auth.session WHERE token = $1', [json.access_token]), 0);
  });

  test('of two verdicts the first one counts', async (t) => {
    const { database, client, cookie } = await withDevices(t);
    const code = await issue(client);
    await look(client, code, { cookie });
    const [first, second] = await database.connectMany(2);
    await first.query('BEGIN');
    assert.equal((await decide(first, 'deny', code, cookie)).status, 200);
    const waiting = approve(second, code, cookie);
    await untilBlocked(client, second);
    await first.query('COMMIT');
    assert.equal((await waiting).json.error_description, 'Device code already processed');
    assert.equal(await client.value('SELECT status FROM better_auth."deviceCode"'), 'denied');
  });

  test('of two who look at a code it is the first one’s', async (t) => {
    const { database, client, cookie, user } = await withDevices(t);
    const other = await cookieOf(client, (await signUp(client)).token);
    const code = await issue(client);
    const [first, second] = await database.connectMany(2);
    await first.query('BEGIN');
    assert.equal((await look(first, code, { cookie })).json.client_id, 'cli');
    const waiting = look(second, code, { cookie: other });
    await untilBlocked(client, second);
    await first.query('COMMIT');
    assert.deepEqual((await waiting).json, { user_code: code.user_code, status: 'pending' });
    assert.equal(await client.value('SELECT "userId" FROM better_auth."deviceCode"'), user.id);
    assert.equal((await approve(client, code, other)).status, 403);
  });
});

describe('what is rolled back', () => {
  test('polls count all the same', async (t) => {
    const { client } = await withDevices(t);
    const code = await issue(client);
    const errors = [];
    for (let round = 0; round < 3; round += 1) {
      errors.push((await undone(client, () => poll(client, code))).json.error);
    }
    assert.deepEqual(errors, ['authorization_pending', 'slow_down', 'slow_down']);
    assert.equal(await client.value('SELECT "lastPolledAt" FROM better_auth."deviceCode"'), null);
  });

  test('wrong user codes count all the same, and the right one is refused then too', async (t) => {
    const { client, cookie } = await withDevices(t);
    const code = await issue(client);
    await look(client, code, { cookie });
    for (let round = 0; round < 5; round += 1) {
      const { json } = await undone(client, () => approve(client, { user_code: `WRONG${round}` }, cookie));
      assert.equal(json.error_description, 'Invalid user code');
    }
    const { status, json } = await approve(client, code, cookie);
    assert.deepEqual([status, json], [429, { message: 'Too many requests. Please try again later.' }]);
    assert.equal(await client.value('SELECT status FROM better_auth."deviceCode"'), 'pending');
    // Another user is not kept out.
    const other = await cookieOf(client, (await signUp(client)).token);
    assert.equal((await approve(client, code, other)).status, 403);
  });
});

describe('guesses', () => {
  test('by one address, whoever is signed in', async (t) => {
    const { client, cookie } = await withDevices(t);
    const code = await issue(client);
    const by = { address: '203.0.113.7' };
    for (let round = 0; round < 5; round += 1) {
      assert.equal((await look(client, { user_code: `WRONG${round}` }, round % 2 ? { ...by, cookie } : by)).status, 400);
    }
    assert.equal((await look(client, code, by)).status, 429);
    assert.equal((await look(client, code, { address: '203.0.113.8' })).status, 200);
  });

  test('right ones cost nothing', async (t) => {
    const { client, cookie } = await withDevices(t);
    const code = await issue(client);
    for (let round = 0; round < 12; round += 1) {
      assert.equal((await look(client, code, { address: '203.0.113.7', cookie })).status, 200);
    }
  });

  test('are limited by address as in Better Auth where rate limits are on', async (t) => {
    const { client } = await withDevices(t, { rate_limit: 'on' });
    const code = await issue(client);
    const statuses = [];
    for (let round = 0; round < 7; round += 1) {
      statuses.push((await undone(client, () => look(client, code, { address: '203.0.113.7' }))).status);
    }
    assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429, 429]);
  });

  test('codes are random, and as long as they are set to be', async (t) => {
    const { client } = await withDevices(t);
    const codes = [];
    for (let round = 0; round < 50; round += 1) {
      const { device_code, user_code } = await issue(client);
      assert.match(device_code, /^[A-Za-z0-9]{40}$/);
      assert.match(user_code, /^[A-HJ-NP-Z2-9]{8}$/);
      codes.push(device_code, user_code);
    }
    assert.equal(new Set(codes).size, codes.length);
    await set(client, { device_authorization_user_code_length: 191, device_authorization_device_code_length: 1 });
    const { device_code, user_code } = await issue(client);
    assert.deepEqual([device_code.length, user_code.length], [1, 191]);
    for (const length of [0, 192]) {
      await refused(set(client, { device_authorization_user_code_length: length }), { code: '22023' });
    }
  });
});

describe('a session', () => {
  test('is nobody’s who is banned by then', async (t) => {
    const { client, cookie, user } = await withDevices(t, { plugins: 'device-authorization, admin' });
    const code = await approved(client, cookie);
    await client.query('UPDATE better_auth."user" SET banned = true WHERE id = $1', [user.id]);
    const sessions = await count(client, 'session');
    const { status, json } = await poll(client, code);
    assert.deepEqual([status, json.code], [403, 'BANNED_USER']);
    assert.deepEqual([await count(client, 'session'), await count(client, 'deviceCode')], [sessions, 0]);
  });

  test('that was revoked says yes to nothing', async (t) => {
    const { client, cookie, token } = await withDevices(t, { cookie_cache: 'on' });
    const code = await issue(client);
    const { cookies } = await http(client, 'GET', '/get-session', { cookie });
    const cached = [cookie, ...cookies].join('; ');
    await look(client, code, { cookie: cached });
    await client.call('sign_out', { session_token: token });
    assert.equal((await approve(client, code, cached)).status, 401);
  });

  test('sets no cookie for whoever polls', async (t) => {
    const { client, cookie } = await withDevices(t);
    const answer = await poll(client, await approved(client, cookie));
    assert.deepEqual([answer.status, answer.cookies], [200, []]);
    assert.equal(answer.headers['cache-control'], 'no-store');
  });
});

describe('an approved code ends with the sessions of who has said yes', () => {
  const settings = {
    plugins: 'device-authorization, admin, magic-link',
    device_authorization_interval: 0,
    revoke_sessions_on_password_reset: 'on',
    delete_user_enabled: 'on',
  };
  const mailed = (client) => client.value('DELETE FROM better_auth.mail_outbox RETURNING token');
  const asAdmin = async ({ client }, path, body) => {
    const admin = await signUp(client);
    await client.query(`UPDATE better_auth."user" SET role = 'admin' WHERE id = $1`, [admin.user.id]);
    return http(client, 'POST', `/admin/${path}`, { body, cookie: await cookieOf(client, admin.token) });
  };
  const ways = {
    'by revoke-sessions': ({ client, cookie }) => http(client, 'POST', '/revoke-sessions', { cookie, body: {} }),
    'by revoke-other-sessions': ({ client, cookie }) => http(client, 'POST', '/revoke-other-sessions', { cookie, body: {} }),
    'by change-password': ({ client, cookie }) =>
      http(client, 'POST', '/change-password', { cookie, body: { currentPassword: PASSWORD, newPassword: 'a new password', revokeOtherSessions: true } }),
    'by a reset': async ({ client, user }) => {
      await client.call('request_password_reset', { email: user.email });
      return http(client, 'POST', '/reset-password', { body: { token: await mailed(client), newPassword: 'a new password' } });
    },
    'by who proves the email': async ({ client, user }) => {
      await http(client, 'POST', '/sign-in/magic-link', { body: { email: user.email } });
      return http(client, 'GET', `/magic-link/verify?token=${await mailed(client)}`);
    },
    'by delete-user': ({ client, cookie }) => http(client, 'POST', '/delete-user', { cookie, body: { password: PASSWORD } }),
    'by an administrator': (all) => asAdmin(all, 'revoke-user-sessions', { userId: all.user.id }),
    'by a ban': (all) => asAdmin(all, 'ban-user', { userId: all.user.id }),
    'by a ban of update-user': (all) => asAdmin(all, 'update-user', { userId: all.user.id, data: { banned: true } }),
  };
  for (const [name, end] of Object.entries(ways)) {
    test(name, async (t) => {
      const all = await withDevices(t, settings);
      const { client, cookie } = all;
      const other = await signUp(client);
      const kept = await approved(client, await cookieOf(client, other.token));
      const [yes, claimed] = [await approved(client, cookie), await issue(client)];
      await look(client, claimed, { cookie });
      assert.equal((await end(all)).status, 200);
      for (const code of [yes, claimed]) assert.equal((await poll(client, code)).json.error, 'invalid_grant');
      assert.equal((await poll(client, kept)).status, 200);
    });
  }

  test('and so does the session of a poll that is under way', async (t) => {
    const { database, client, cookie } = await withDevices(t, settings);
    const code = await approved(client, cookie);
    const [device, mine] = await database.connectMany(2);
    await device.query('BEGIN');
    assert.equal((await poll(device, code)).status, 200);
    const ending = http(mine, 'POST', '/revoke-sessions', { cookie, body: {} });
    await untilBlocked(client, mine);
    await device.query('COMMIT');
    assert.equal((await ending).status, 200);
    assert.equal(await count(client, 'session'), 0);
  });

  test('and nobody says yes whose session ends just then', async (t) => {
    const { database, client, cookie } = await withDevices(t, settings);
    const code = await issue(client);
    const [theirs, mine] = await database.connectMany(2);
    await mine.query('BEGIN');
    assert.equal((await http(mine, 'POST', '/revoke-sessions', { cookie, body: {} })).status, 200);
    await look(theirs, code, { cookie });
    const deciding = approve(theirs, code, cookie);
    await untilBlocked(client, theirs);
    await mine.query('COMMIT');
    assert.equal((await deciding).status, 401);
    assert.equal((await poll(client, code)).json.error, 'authorization_pending');
  });

  test('without the table there is none to end', async (t) => {
    const { client, cookie } = await withDevices(t, settings);
    await client.query('DROP TABLE better_auth."deviceCode"');
    assert.equal((await http(client, 'POST', '/revoke-sessions', { cookie, body: {} })).status, 200);
  });
});

test('of a DBA’s function: what it raises refuses, what it says decides, and no code is told', async (t) => {
  const { client, cookie } = await withDevices(t, { device_authorization_validate_client_function: 'public.is_client', device_authorization_on_device_auth_request_function: 'public.on_request' });
  await client.query(`
    CREATE TABLE public.asked (request jsonb);
    CREATE FUNCTION public.is_client(request jsonb) RETURNS boolean LANGUAGE sql AS $$ SELECT CASE request->>'client_id' WHEN 'cli' THEN true WHEN 'old' THEN NULL ELSE false END $$;
    CREATE FUNCTION public.on_request(request jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO public.asked VALUES (request);
      IF request->>'scope' = 'all' THEN RAISE EXCEPTION 'Too much' USING ERRCODE = 'PT403', DETAIL = 'INVALID_SCOPE'; END IF;
    END $$`);
  const code = await issue(client);
  assert.ok(code.device_code);
  for (const client_id of ['old', 'other']) {
    assert.equal((await issue(client, { client_id })).error, 'invalid_client');
  }
  const tooMuch = await http(client, 'POST', '/device/code', { body: { client_id: 'cli', scope: 'all' } });
  assert.deepEqual([tooMuch.status, tooMuch.json], [403, { message: 'Too much', code: 'INVALID_SCOPE' }]);
  assert.deepEqual(await client.column('SELECT request FROM public.asked'), [{ client_id: 'cli', scope: null }]);
  await look(client, code, { cookie });
  await approve(client, code, cookie);
  await client.query(`CREATE OR REPLACE FUNCTION public.is_client(request jsonb) RETURNS boolean LANGUAGE sql AS $$ SELECT false $$`);
  assert.equal((await poll(client, code)).json.error, 'invalid_client');
  await client.query(`DROP FUNCTION public.is_client; CREATE FUNCTION public.is_client(jsonb) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$`);
  const fault = await poll(client, code);
  assert.deepEqual([fault.status, fault.text], [500, '']);
  assert.ok(!client.notices.some(({ message }) => message.includes(code.device_code)), 'no code in a warning');
});

test('by SQL alone: api()', async (t) => {
  const { client, token: session_token } = await withDevices(t);
  const api = (endpoint, input, more = {}) => client.call('api', { endpoint, input, ...more });
  const code = await api('deviceCode', { body: { client_id: 'cli', scope: 'a' } });
  const exchange = () => api('deviceToken', { body: { grant_type: GRANT, device_code: code.device_code, client_id: 'cli' } }, { user_agent: 'cli/1.0' });
  await refused(exchange(), { code: '22023', detail: 'authorization_pending', message: 'Authorization pending' });
  await refused(exchange(), { code: '53400', detail: 'slow_down' });
  await refused(api('deviceApprove', { body: { userCode: code.user_code } }), { code: '28000', detail: 'unauthorized' });
  const seen = await api('deviceVerify', { query: { user_code: code.user_code.toLowerCase() } }, { session_token });
  assert.deepEqual(seen, { user_code: code.user_code.toLowerCase(), status: 'pending', client_id: 'cli', scope: 'a' });
  assert.deepEqual(await api('deviceApprove', { body: { userCode: code.user_code } }, { session_token }), { success: true });
  await later(client);
  const { access_token, token_type, scope } = await exchange();
  assert.deepEqual([token_type, scope], ['Bearer', 'a']);
  assert.equal((await client.call('get_session', { session_token: access_token })).session.userAgent, 'cli/1.0');
});

test('off, it answers nothing', async (t) => {
  const { client } = await configured(t, { base_url: ORIGIN, rate_limit: 'off' });
  for (const [method, path] of [['POST', '/device/code'], ['POST', '/device/token'], ['GET', '/device?user_code=x'], ['POST', '/device/approve'], ['POST', '/device/deny']]) {
    const { status, text } = await http(client, method, path, { body: method === 'POST' ? {} : undefined });
    assert.deepEqual([status, text], [404, ''], path);
  }
  await refused(client.call('api', { endpoint: 'deviceCode', input: {} }), { code: '22023', message: /no endpoint "deviceCode"/ });
});

test('what has expired is purged', async (t) => {
  const { client } = await withDevices(t);
  await issue(client);
  const { user_code } = await issue(client);
  await client.query(`UPDATE better_auth."deviceCode" SET "expiresAt" = now() - interval '1 second' WHERE "userCode" <> $1`, [user_code]);
  assert.equal(Number(await client.value('SELECT better_auth.purge_expired()')), 1);
  assert.deepEqual(await client.column('SELECT "userCode" FROM better_auth."deviceCode"'), [user_code]);
});

test('through PostgREST: the functions of enable_rpc()', async (t) => {
  const { database, client, token: session_token, cookie } = await withDevices(t);
  const rpc = await withRpc(t, database, client);
  const { status, json: code } = await rpc('device_code', { client_id: 'cli', scope: 'a' });
  assert.deepEqual([status, Object.keys(code).sort()], [200, ['device_code', 'expires_in', 'interval', 'user_code', 'verification_uri', 'verification_uri_complete']]);
  const exchange = async () => {
    const answer = await rpc('device_token', { device_code: code.device_code, client_id: 'cli' }, { 'user-agent': 'cli/1.0' });
    return [answer.status, answer.json.error ?? answer.json];
  };
  assert.deepEqual(await exchange(), [400, 'authorization_pending']);
  assert.deepEqual(await exchange(), [400, 'slow_down']);
  assert.deepEqual((await rpc('device_token', { device_code: 'x', client_id: 'cli', grant_type: 'x' })).json.code, 'VALIDATION_ERROR');
  const { user_code } = code;
  assert.deepEqual((await rpc('device_verify', { user_code })).json, { user_code, status: 'pending' });
  assert.equal((await rpc('device_approve', { user_code })).status, 401);
  assert.equal((await rpc('device_verify', { user_code }, { cookie })).json.scope, 'a');
  assert.deepEqual((await rpc('device_approve', { user_code, session_token })).json, { success: true });
  assert.equal((await rpc('device_deny', { user_code, session_token })).status, 400);
  await later(client);
  const [ok, { access_token }] = await exchange();
  assert.equal(ok, 200);
  assert.equal((await client.call('get_session', { session_token: access_token })).session.userAgent, 'cli/1.0');
  assert.deepEqual(await exchange(), [400, 'invalid_grant']);
  // Off, the functions go with the next enable_rpc().
  await set(client, { plugins: '' });
  await client.query(`SELECT better_auth.enable_rpc('public', 'pg_monitor', 'pg_monitor')`);
  assert.equal(await client.value(`SELECT to_regproc('public.device_code')`), null);
});

test('under other names', async (t) => {
  const names = { model_names: 'deviceCode=device_code', field_names: 'deviceCode.userCode=code, deviceCode.userId=user_id, deviceCode.expiresAt=expires_at, deviceCode.lastPolledAt=polled' };
  const { client, cookie } = await withDevices(t, { ...names, device_authorization_interval: 0 });
  const answer = await poll(client, await approved(client, cookie));
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(
    await client.column(`SELECT attname FROM pg_attribute WHERE attrelid = 'better_auth.device_code'::regclass AND attnum > 0 ORDER BY attnum`),
    ['id', 'deviceCode', 'code', 'user_id', 'expires_at', 'status', 'polled', 'pollingInterval', 'clientId', 'scope'],
  );
});

test('on ids that the database makes, and other types', async (t) => {
  const { client } = await configured(t, { ...SETTINGS, device_authorization_interval: 0 });
  await client.query(`CREATE EXTENSION citext;
    CREATE TABLE better_auth."deviceCode" (id serial PRIMARY KEY, "deviceCode" varchar(191) NOT NULL UNIQUE, "userCode" public.citext NOT NULL UNIQUE,
      "userId" text, "expiresAt" timestamp NOT NULL, status varchar(20) NOT NULL, "lastPolledAt" timestamp, "pollingInterval" bigint, "clientId" varchar(200), scope text)`);
  await client.query('SELECT better_auth.migrate()');
  const cookie = await cookieOf(client, (await signUp(client)).token);
  const answer = await poll(client, await approved(client, cookie));
  assert.equal(answer.status, 200, answer.text);
  const { user_code } = await issue(client);
  // To the letter, though the column compares otherwise: what was typed in counts as it was meant.
  assert.equal((await look(client, { user_code: `${user_code.toLowerCase()}x` })).status, 400);
  assert.equal((await look(client, { user_code: user_code.toLowerCase() })).status, 200);
});
