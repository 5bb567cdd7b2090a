// The stand-in for PostgREST does what PostgREST's source says. Nothing of this extension is in here.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { startStandIn } from '../postgrest/stand-in.mjs';
import { cleanup, directory, ident, server } from './lib.mjs';
import { JSON_TYPE, OCTETS, each, type } from './stand_in.mjs';

const ECHO = () => `
  CREATE DOMAIN "*/*" AS bytea;
  CREATE FUNCTION echo(bytea) RETURNS "*/*" LANGUAGE sql AS 'SELECT $1';
  CREATE FUNCTION say(text) RETURNS text LANGUAGE sql AS $$ SELECT 'said ' || $1 $$;
  CREATE FUNCTION keys(jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_agg(k ORDER BY k) FROM jsonb_object_keys($1) k $$;
  CREATE FUNCTION either(jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'body' $$;
  CREATE FUNCTION either(a int) RETURNS text LANGUAGE sql AS $$ SELECT 'argument' $$`;

each('the body of a POST goes to a function with one unnamed parameter of its type', async (t, serving, version) => {
  const { send } = await serving(t, ECHO);
  const bytes = Buffer.from([0, 1, 127, 128, 255, 10]);
  const echoed = await send('POST', '/rpc/echo', [OCTETS], bytes);
  assert.deepEqual(
    [echoed.status, echoed.bytes, echoed.headers['content-type']],
    [200, bytes, 'application/octet-stream'],
  );
  for (const body of [undefined, '']) {
    const empty = await send('POST', '/rpc/echo', [OCTETS], body);
    assert.deepEqual([empty.status, empty.bytes.length, empty.headers['content-range']], [200, 0, '0-0/*']);
  }
  assert.equal((await send('POST', '/rpc/say', [type('text/plain;charset=UTF-8')], 'héllo')).json(), 'said héllo');
  assert.deepEqual((await send('POST', '/rpc/keys', [JSON_TYPE], '{"b": 1, "a": 2}')).json(), ['a', 'b']);
  assert.equal((await send('POST', '/rpc/either', [JSON_TYPE], '{"a": 2}')).json(), 'argument', 'names come first');
  assert.equal((await send('POST', '/rpc/either', [JSON_TYPE], '{"b": 2}')).json(), 'body');
  for (const [method, path, headers, body] of [
    ['POST', '/rpc/echo', [JSON_TYPE], '{}'],
    ['POST', '/rpc/echo', [type('text/plain')], 'x'],
    ['POST', '/rpc/say', [OCTETS], 'x'],
    ['GET', '/rpc/echo', []],
  ]) {
    const { status, json } = await send(method, path, headers, body);
    assert.deepEqual([path, status, json().code], [path, 404, 'PGRST202']);
  }
  assert.equal((await send('POST', '/rpc/say', [type('text/plain')], Buffer.from([255]))).json().code, '22021');
  const other = await send('POST', '/rpc/echo', [type('image/png')], 'x');
  assert.deepEqual([other.status, other.json().message], [400, 'Content-Type not acceptable: image/png']);
});

each('a domain named */* answers bytes, whatever is accepted, and casts as the role of the request', async (t, serving, version) => {
  const { client, anon, send } = await serving(
    t,
    (role) => `
    CREATE SCHEMA hidden;
    CREATE DOMAIN hidden."*/*" AS text;
    CREATE DOMAIN "text/html" AS text;
    CREATE FUNCTION any_type() RETURNS hidden."*/*" LANGUAGE sql STABLE AS $$ SELECT 'plain' $$;
    CREATE FUNCTION nothing() RETURNS hidden."*/*" LANGUAGE sql STABLE AS $$ SELECT NULL $$;
    CREATE FUNCTION page() RETURNS "text/html" LANGUAGE sql STABLE AS $$ SELECT '<p>' $$;
    GRANT USAGE ON SCHEMA hidden TO ${role}`,
  );
  for (const accept of [
    [],
    ['Accept', '*/*'],
    ['Accept', 'text/bango'],
    ['Accept', 'application/json'],
    ['Accept', 'text/html, */*;q=0.1'],
  ]) {
    for (const method of ['GET', 'POST']) {
      const { status, bytes, headers } = await send(method, '/rpc/any_type', accept);
      assert.deepEqual([status, bytes.toString(), headers['content-type']], [200, 'plain', 'application/octet-stream']);
    }
  }
  const single = await send('GET', '/rpc/any_type', ['Accept', 'application/vnd.pgrst.object+json']);
  assert.deepEqual(
    [single.json(), single.headers['content-type']],
    ['plain', 'application/vnd.pgrst.object+json; charset=utf-8'],
  );
  const nothing = await send('GET', '/rpc/nothing');
  assert.deepEqual([nothing.status, nothing.bytes.length, (await send('HEAD', '/rpc/any_type')).bytes.length], [200, 0, 0]);
  const html = await send('GET', '/rpc/page', ['Accept', 'text/html']);
  assert.deepEqual([html.bytes.toString(), html.headers['content-type']], ['<p>', 'text/html']);
  assert.equal((await send('GET', '/rpc/page', ['Accept', '*/*'])).json(), '<p>');
  const none = await send('GET', '/rpc/page', ['Accept', 'image/png']);
  assert.deepEqual([none.status, none.json().message], [406, 'None of these media types are available: image/png']);
  await client.query(`REVOKE USAGE ON SCHEMA hidden FROM ${ident(anon)}`);
  const refusal = await send('GET', '/rpc/any_type');
  assert.deepEqual([refusal.status, refusal.json().message], [401, 'permission denied for schema hidden']);
});

each('a function sets the status and the headers, and replaces those of PostgREST', async (t, serving, version) => {
  const { client, send } = await serving(
    t,
    () => `
    CREATE DOMAIN "*/*" AS bytea;
    CREATE FUNCTION shape(status text, headers text) RETURNS "*/*" LANGUAGE sql AS $$
      SELECT set_config('response.status', status, true), set_config('response.headers', headers, true);
      SELECT 'x'::bytea
    $$;
    CREATE TABLE kept (id int);
    CREATE FUNCTION spoil() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = api AS $$
      INSERT INTO kept VALUES (1);
      SELECT set_config('response.headers', '{}', true)
    $$`,
  );
  const shape = (status, headers) =>
    send('POST', '/rpc/shape', [JSON_TYPE], JSON.stringify({ status, headers: JSON.stringify(headers) }));
  const shaped = await shape('302', [
    { 'content-type': 'text/html' },
    { 'Set-Cookie': 'a=1' },
    { 'Set-Cookie': 'b=2' },
    { Location: '/x' },
  ]);
  assert.deepEqual([shaped.status, shaped.headers['set-cookie'], shaped.headers.location], [302, ['a=1', 'b=2'], '/x']);
  assert.deepEqual(shaped.raw.filter((one) => one.toLowerCase() === 'content-type').length, 1);
  assert.equal(shaped.headers['content-type'], 'text/html');
  for (const [status, headers, code] of [
    ['abc', [], 'PGRST112'],
    ['200', {}, 'PGRST111'],
    ['200', [{ a: 1 }], 'PGRST111'],
    ['200', [{ a: '1', b: '2' }], 'PGRST111'],
    ['200', [{}], 'PGRST111'],
  ]) {
    const bad = await shape(status, headers);
    assert.deepEqual([bad.status, bad.json().code], [500, code]);
  }
  assert.equal((await send('POST', '/rpc/spoil')).status, 500);
  assert.equal(await client.value('SELECT count(*)::int FROM kept'), 1, 'it had committed by then');
});

each('what the transaction is told about the request', async (t, serving, version) => {
  const { send } = await serving(
    t,
    () => `
    CREATE FUNCTION asked() RETURNS json LANGUAGE sql STABLE AS $$
      SELECT json_build_object('headers', current_setting('request.headers')::json, 'cookies', current_setting('request.cookies')::json,
          'claims', current_setting('request.jwt.claims')::json, 'method', current_setting('request.method'),
          'path', current_setting('request.path'), 'search_path', current_setting('search_path'), 'role', current_user)
    $$;
    CREATE FUNCTION is_read_only() RETURNS text LANGUAGE sql AS $$ SELECT current_setting('transaction_read_only') $$;
    CREATE FUNCTION is_read_only_when_stable() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('transaction_read_only') $$`,
  );
  const { json, status } = await send('GET', '/rpc/asked', [
    ['X-Twice', '1'],
    ['x-twice', '2'],
    ['Cookie', 'a=1; b="2"; b=3=4;c'],
    ['Authorization', 'Basic x'],
  ]);
  const asked = json();
  assert.equal(status, 200);
  assert.deepEqual(asked.headers, {
    host: 'stand-in',
    'x-twice': '2',
    authorization: 'Basic x',
    connection: asked.headers.connection,
  });
  assert.deepEqual(asked.cookies, { a: '1', b: '3=4', c: '' });
  assert.deepEqual(
    [asked.claims, asked.method, asked.path, asked.search_path],
    [{ role: asked.role }, 'GET', '/rpc/asked', '"api", "public"'],
  );
  assert.equal((await send('GET', '/rpc/is_read_only')).json(), 'on');
  assert.equal((await send('POST', '/rpc/is_read_only')).json(), 'off');
  assert.equal((await send('POST', '/rpc/is_read_only_when_stable')).json(), 'on');
  assert.equal((await send('PUT', '/rpc/is_read_only')).json().code, 'PGRST101');
});

const COUNTER = (role) => `
  CREATE TABLE counted (id int);
  CREATE FUNCTION count_me() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = api AS 'INSERT INTO counted VALUES (1)';
  GRANT SELECT ON counted TO ${role}`;

each('what is committed, and what Prefer: tx=rollback undoes', async (t, serving, version) => {
  for (const [txEnd, prefer, kept] of [
    ['commit', 'tx=rollback', 1],
    ['commit-allow-override', 'tx=rollback', 0],
    ['commit-allow-override', 'tx=commit', 1],
    ['rollback', 'tx=commit', 0],
    ['rollback-allow-override', 'tx=commit', 1],
  ]) {
    const { client, send } = await serving(t, COUNTER, { txEnd });
    const { status, headers } = await send('POST', '/rpc/count_me', [['Prefer', prefer]]);
    assert.equal(status, 204);
    assert.equal(headers['preference-applied'], txEnd.endsWith('override') ? prefer : undefined);
    assert.equal(await client.value('SELECT count(*)::int FROM counted'), kept, `${txEnd}, ${prefer}`);
  }
});

each('the client chooses among the exposed schemas, and no other', async (t, serving, version) => {
  const { send } = await serving(
    t,
    (role) => `
    CREATE SCHEMA other; CREATE SCHEMA closed; GRANT USAGE ON SCHEMA other, closed TO ${role};
    CREATE FUNCTION here() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('search_path') $$;
    CREATE FUNCTION other.here() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('search_path') $$;
    CREATE FUNCTION closed.here() RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'closed' $$`,
    { schemas: ['api', 'other'] },
  );
  for (const [method, header, schema] of [
    ['POST', 'Content-Profile', 'other'],
    ['GET', 'Accept-Profile', 'other'],
    ['POST', 'Accept-Profile', 'api'],
    ['GET', 'Content-Profile', 'api'],
  ]) {
    const { headers, json } = await send(method, '/rpc/here', [[header, 'other']]);
    assert.deepEqual([json(), headers['content-profile']], [`"${schema}", "public"`, schema]);
  }
  const closed = await send('POST', '/rpc/here', [['Content-Profile', 'closed']]);
  const [message, hint] =
    version === 12
      ? ['The schema must be one of the following: api, other', null]
      : ['Invalid schema: closed', 'Only the following schemas are exposed: api, other'];
  assert.deepEqual([closed.status, closed.json()], [406, { code: 'PGRST106', message, details: null, hint }]);
});

each('CORS: all origins, no credentials', async (t, serving, version) => {
  const { send } = await serving(t, ECHO);
  const origin = ['Origin', 'https://elsewhere.example'];
  const plain = await send('POST', '/rpc/say', [type('text/plain'), origin], 'x');
  assert.equal(plain.headers['access-control-allow-origin'], '*');
  assert.match(plain.headers['access-control-expose-headers'], /Content-Range/);
  assert.equal(plain.headers['access-control-allow-credentials'], undefined);
  assert.equal(
    (await send('POST', '/rpc/missing', [origin], '{}')).headers['access-control-allow-origin'],
    '*',
    'on errors too',
  );
  assert.equal(
    (await send('POST', '/rpc/say', [type('text/plain')], 'x')).headers['access-control-allow-origin'],
    undefined,
  );
  const asked = await send('OPTIONS', '/rpc/say', [
    origin,
    ['Access-Control-Request-Method', 'POST'],
    ['Access-Control-Request-Headers', 'Foo,Bar'],
  ]);
  assert.deepEqual(
    [asked.status, asked.headers['access-control-allow-headers']],
    [200, 'Authorization, Foo, Bar, Accept, Accept-Language, Content-Language'],
  );
  assert.equal((await send('OPTIONS', '/rpc/say', [origin])).status, 501);
});

each('errors: the status of an SQLSTATE, and those that shape the answer', async (t, serving, version) => {
  const { send } = await serving(
    t,
    () => `
    CREATE FUNCTION fail(state text, message text, detail text) RETURNS void LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, DETAIL = detail; END $$;
    CREATE FUNCTION write() RETURNS void LANGUAGE sql AS 'CREATE TABLE api.never ()'`,
  );
  const fail = (state, message = 'm', detail = 'd') =>
    send('POST', '/rpc/fail', [JSON_TYPE], JSON.stringify({ state, message, detail }));
  for (const [state, status] of Object.entries({
    PT418: 418,
    PT999: 999,
    PTABC: 500,
    28000: 403,
    '28P01': 403,
    42501: 401,
    23505: 409,
    53400: 500,
    53200: 503,
    22000: 400,
    P0001: 400,
    P0002: 500,
    '0A000': 400,
  })) {
    const failed = await fail(state);
    assert.deepEqual(
      [state, failed.status, failed.json()],
      [state, status, { code: state, message: 'm', details: 'd', hint: null }],
    );
  }
  const shaped = await fail('PGRST', '{"code": "x", "message": "y"}', '{"status": 402, "headers": {"X-Why": "z"}}');
  assert.deepEqual([shaped.status, shaped.headers['x-why'], shaped.json().message], [402, 'z', 'y']);
  assert.equal((await fail('PGRST', 'no json')).json().code, 'PGRST121');
  assert.equal((await send('GET', '/rpc/write')).status, 405);
  assert.equal((await send('POST', '/rpc/fail', [JSON_TYPE], '{')).json().code, 'PGRST102');
  const nowhere = await startStandIn({ connection: { host: '127.0.0.1', port: 1 }, version });
  cleanup(t, () => nowhere.stop());
  const lost = await fetch(`${nowhere.url}/posts`);
  assert.deepEqual(
    [lost.status, (await lost.json()).code, lost.headers.get('retry-after')],
    [503, 'PGRST002', '0'],
  );
  const missing = version === 12 ? '42P01' : 'PGRST205';
  for (const [path, code] of Object.entries({
    '/a/b': version === 12 ? undefined : 'PGRST125',
    '/rpc/a/b': version === 12 ? undefined : 'PGRST125',
    '/%ff': missing,
    '/%zz': missing,
  })) {
    const { status, json } = await send('GET', path);
    assert.deepEqual([path, status, json().code], [path, 404, code]);
  }
});

each('arguments by name: of JSON, of a form, of the query', async (t, serving, version) => {
  const { send } = await serving(
    t,
    () => `
    CREATE TYPE mood AS ENUM ('sad', 'happy');
    CREATE FUNCTION given(a int, b text DEFAULT 'none', c mood DEFAULT 'sad', d jsonb DEFAULT NULL) RETURNS text LANGUAGE sql STABLE AS $$
      SELECT concat_ws(',', a, b, c, d) $$;
    CREATE FUNCTION list(n int) RETURNS SETOF int LANGUAGE sql STABLE AS 'SELECT generate_series(1, n)';
    CREATE FUNCTION pairs(n int) RETURNS TABLE (x int, y text) LANGUAGE sql STABLE AS $$ SELECT i, 'y' FROM generate_series(1, n) i $$;
    CREATE FUNCTION one(OUT x int, OUT y text) LANGUAGE sql STABLE AS $$ SELECT 1, 'y' $$;
    CREATE FUNCTION many(VARIADIC a int[]) RETURNS int LANGUAGE sql STABLE AS 'SELECT a[1]'`,
  );
  const post = async (name, args) => (await send('POST', `/rpc/${name}`, [JSON_TYPE], JSON.stringify(args))).json();
  assert.equal(await post('given', { a: 1, c: 'happy', d: { e: [1] } }), '1,none,happy,{"e": [1]}');
  assert.equal(await post('given', [{ a: 2 }, { a: 3 }]), '2,none,sad');
  assert.equal(
    (await send('POST', '/rpc/given', [type('application/x-www-form-urlencoded')], 'a=1&b=x+y%26')).json(),
    '1,x y&,sad',
  );
  assert.equal((await send('GET', '/rpc/given?a=1&b=x%20y')).json(), '1,x y,sad');
  assert.equal((await post('given', { b: 'x' })).code, 'PGRST202');
  assert.match((await post('given', { a: 1, z: 1 })).message, /api\.given\(a, z\) in the schema cache/);
  assert.equal((await post('given', { a: 'x' })).code, '22P02');
  assert.deepEqual(await post('list', { n: 2 }), [1, 2]);
  assert.deepEqual(await post('list', { n: 0 }), []);
  assert.deepEqual(await post('pairs', { n: 2 }), [
    { x: 1, y: 'y' },
    { x: 2, y: 'y' },
  ]);
  assert.deepEqual(await post('one', {}), { x: 1, y: 'y' });
  assert.equal((await send('GET', '/rpc/pairs?n=2', ['Accept', 'application/vnd.pgrst.object+json'])).status, 406);
  const variadic = await send('GET', '/rpc/many?a=1');
  assert.deepEqual([variadic.status, /the stand-in doesn't know/.test(variadic.json().message)], [501, true]);
});

each('as a program, with PostgREST’s own variables', async (t, serving, version) => {
  const { client, anon } = await serving(
    t,
    (role) => `
    CREATE FUNCTION check_it() RETURNS void LANGUAGE sql AS $$ SELECT set_config('response.headers', '[{"X-Checked": "yes"}]', true) $$;
    CREATE FUNCTION whoami() RETURNS text LANGUAGE sql STABLE AS 'SELECT current_user';
    GRANT EXECUTE ON FUNCTION check_it, whoami TO ${role}`,
  );
  const secret = `${directory(t)}/secret`;
  writeFileSync(secret, `${'s'.repeat(40)}\n`);
  const program = spawn(process.execPath, [new URL('../postgrest/main.mjs', import.meta.url).pathname], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      PGRST_DB_URI: `postgres://${server.user}@/${client.database}?host=${server.host}&port=${server.port}`,
      PGRST_DB_SCHEMAS: 'api, public',
      PGRST_DB_ANON_ROLE: anon,
      PGRST_DB_PRE_REQUEST: 'api.check_it',
      PGRST_JWT_SECRET: `@${secret}`,
      PGRST_SERVER_PORT: '0',
      POSTGREST_VERSION: version,
    },
  });
  const ended = once(program, 'exit');
  cleanup(t, () => program.kill('SIGKILL'));
  const [said] = await once(program.stdout.setEncoding('utf8'), 'data');
  const response = await fetch(`${/http:\S+/.exec(said)[0]}/rpc/whoami`, { method: 'POST' });
  assert.match(response.headers.get('server'), new RegExp(`^postgrest/${version}\\.`));
  assert.deepEqual([await response.json(), response.headers.get('x-checked')], [anon, 'yes']);
  program.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});
