// The stand-in for PostgREST does what PostgREST's source says. Nothing of this extension is in here.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { startStandIn } from '../postgrest/stand-in.mjs';
import { cleanup, ident, server } from './lib.mjs';

/** A schema `api` in a database of its own, filled by `sql(anon)`, and a stand-in in front of it. */
async function serving(t, sql, config = {}) {
  const anon = await server.role(t, 'anon');
  const database = await server.emptyDatabase(t);
  const client = await database.connect();
  await client.query(`CREATE SCHEMA api; GRANT USAGE ON SCHEMA api TO ${ident(anon)}; SET search_path = api`);
  await client.query(sql(ident(anon)));
  const postgrest = await startStandIn({ connection: { database: database.name }, schemas: ['api'], anonRole: anon, ...config });
  cleanup(t, () => postgrest.stop());
  /** One request with these headers, as pairs, and no others. */
  const send = async (method, path, headers = [], body = undefined) => {
    const length = body === undefined ? [] : ['Content-Length', Buffer.byteLength(body)];
    const sending = request(`${postgrest.url}${path}`, { method, headers: ['Host', 'stand-in', ...headers.flat(), ...length], setDefaultHeaders: false });
    sending.end(body);
    const [response] = await once(sending, 'response');
    const bytes = await buffer(response);
    const json = () => JSON.parse(bytes.toString());
    return { status: response.statusCode, headers: response.headers, raw: response.rawHeaders, bytes, json };
  };
  return { client, anon, send };
}

const type = (name) => ['Content-Type', name];
const OCTETS = type('application/octet-stream');
const JSON_TYPE = type('application/json');

const ECHO = () => `
  CREATE DOMAIN "*/*" AS bytea;
  CREATE FUNCTION echo(bytea) RETURNS "*/*" LANGUAGE sql AS 'SELECT $1';
  CREATE FUNCTION say(text) RETURNS text LANGUAGE sql AS $$ SELECT 'said ' || $1 $$;
  CREATE FUNCTION keys(jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_agg(k ORDER BY k) FROM jsonb_object_keys($1) k $$;
  CREATE FUNCTION either(jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'body' $$;
  CREATE FUNCTION either(a int) RETURNS text LANGUAGE sql AS $$ SELECT 'argument' $$`;

test('the body of a POST goes to a function with one unnamed parameter of its type', async (t) => {
  const { send } = await serving(t, ECHO);
  const bytes = Buffer.from([0, 1, 127, 128, 255, 10]);
  const echoed = await send('POST', '/rpc/echo', [OCTETS], bytes);
  assert.deepEqual([echoed.status, echoed.bytes, echoed.headers['content-type']], [200, bytes, 'application/octet-stream']);
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

test('a domain named */* answers bytes, whatever is accepted, and casts as the role of the request', async (t) => {
  const { client, anon, send } = await serving(t, (role) => `
    CREATE SCHEMA hidden;
    CREATE DOMAIN hidden."*/*" AS text;
    CREATE DOMAIN "text/html" AS text;
    CREATE FUNCTION any_type() RETURNS hidden."*/*" LANGUAGE sql STABLE AS $$ SELECT 'plain' $$;
    CREATE FUNCTION nothing() RETURNS hidden."*/*" LANGUAGE sql STABLE AS $$ SELECT NULL $$;
    CREATE FUNCTION page() RETURNS "text/html" LANGUAGE sql STABLE AS $$ SELECT '<p>' $$;
    GRANT USAGE ON SCHEMA hidden TO ${role}`);
  for (const accept of [[], ['Accept', '*/*'], ['Accept', 'text/bango'], ['Accept', 'application/json'], ['Accept', 'text/html, */*;q=0.1']]) {
    for (const method of ['GET', 'POST']) {
      const { status, bytes, headers } = await send(method, '/rpc/any_type', accept);
      assert.deepEqual([status, bytes.toString(), headers['content-type']], [200, 'plain', 'application/octet-stream']);
    }
  }
  const single = await send('GET', '/rpc/any_type', ['Accept', 'application/vnd.pgrst.object+json']);
  assert.deepEqual([single.json(), single.headers['content-type']], ['plain', 'application/vnd.pgrst.object+json; charset=utf-8']);
  assert.deepEqual([(await send('GET', '/rpc/nothing')).status, (await send('HEAD', '/rpc/any_type')).bytes.length], [500, 0]);
  const html = await send('GET', '/rpc/page', ['Accept', 'text/html']);
  assert.deepEqual([html.bytes.toString(), html.headers['content-type']], ['<p>', 'text/html']);
  assert.equal((await send('GET', '/rpc/page', ['Accept', '*/*'])).json(), '<p>');
  const none = await send('GET', '/rpc/page', ['Accept', 'image/png']);
  assert.deepEqual([none.status, none.json().message], [406, 'None of these media types are available: image/png']);
  await client.query(`REVOKE USAGE ON SCHEMA hidden FROM ${ident(anon)}`);
  const refusal = await send('GET', '/rpc/any_type');
  assert.deepEqual([refusal.status, refusal.json().message], [401, 'permission denied for schema hidden']);
});

test('a function sets the status and the headers, and replaces those of PostgREST', async (t) => {
  const { client, send } = await serving(t, () => `
    CREATE DOMAIN "*/*" AS bytea;
    CREATE FUNCTION shape(status text, headers text) RETURNS "*/*" LANGUAGE sql AS $$
      SELECT set_config('response.status', status, true), set_config('response.headers', headers, true);
      SELECT 'x'::bytea
    $$;
    CREATE TABLE kept (id int);
    CREATE FUNCTION spoil() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = api AS $$
      INSERT INTO kept VALUES (1);
      SELECT set_config('response.headers', '{}', true)
    $$`);
  const shape = (status, headers) => send('POST', '/rpc/shape', [JSON_TYPE], JSON.stringify({ status, headers: JSON.stringify(headers) }));
  const shaped = await shape('302', [{ 'content-type': 'text/html' }, { 'Set-Cookie': 'a=1' }, { 'Set-Cookie': 'b=2' }, { Location: '/x' }]);
  assert.deepEqual([shaped.status, shaped.headers['set-cookie'], shaped.headers.location], [302, ['a=1', 'b=2'], '/x']);
  assert.deepEqual(shaped.raw.filter((one) => one.toLowerCase() === 'content-type').length, 1);
  assert.equal(shaped.headers['content-type'], 'text/html');
  for (const [status, headers, code] of [['abc', [], 'PGRST112'], ['200', {}, 'PGRST111'], ['200', [{ a: 1 }], 'PGRST111'], ['200', [{ a: '1', b: '2' }], 'PGRST111'], ['200', [{}], 'PGRST111']]) {
    const bad = await shape(status, headers);
    assert.deepEqual([bad.status, bad.json().code], [500, code]);
  }
  assert.equal((await send('POST', '/rpc/spoil')).status, 500);
  assert.equal(await client.value('SELECT count(*)::int FROM kept'), 1, 'it had committed by then');
});

test('what the transaction is told about the request', async (t) => {
  const { send } = await serving(t, () => `
    CREATE FUNCTION asked() RETURNS json LANGUAGE sql STABLE AS $$
      SELECT json_build_object('headers', current_setting('request.headers')::json, 'cookies', current_setting('request.cookies')::json,
          'claims', current_setting('request.jwt.claims')::json, 'method', current_setting('request.method'),
          'path', current_setting('request.path'), 'search_path', current_setting('search_path'), 'role', current_user)
    $$;
    CREATE FUNCTION is_read_only() RETURNS text LANGUAGE sql AS $$ SELECT current_setting('transaction_read_only') $$;
    CREATE FUNCTION is_read_only_when_stable() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('transaction_read_only') $$`);
  const { json, status } = await send('GET', '/rpc/asked', [['X-Twice', '1'], ['x-twice', '2'], ['Cookie', 'a=1; b="2"; b=3=4;c'], ['Authorization', 'Basic x']]);
  const asked = json();
  assert.equal(status, 200);
  assert.deepEqual(asked.headers, { host: 'stand-in', 'x-twice': '2', authorization: 'Basic x', connection: asked.headers.connection });
  assert.deepEqual(asked.cookies, { a: '1', b: '3=4', c: '' });
  assert.deepEqual([asked.claims, asked.method, asked.path, asked.search_path], [{ role: asked.role }, 'GET', '/rpc/asked', '"api", "public"']);
  assert.equal((await send('GET', '/rpc/is_read_only')).json(), 'on');
  assert.equal((await send('POST', '/rpc/is_read_only')).json(), 'off');
  assert.equal((await send('POST', '/rpc/is_read_only_when_stable')).json(), 'on');
  assert.equal((await send('PUT', '/rpc/is_read_only')).json().code, 'PGRST101');
});

const COUNTER = (role) => `
  CREATE TABLE counted (id int);
  CREATE FUNCTION count_me() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = api AS 'INSERT INTO counted VALUES (1)';
  GRANT SELECT ON counted TO ${role}`;

test('what is committed, and what Prefer: tx=rollback undoes', async (t) => {
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

test('the client chooses among the exposed schemas, and no other', async (t) => {
  const { send } = await serving(t, (role) => `
    CREATE SCHEMA other; CREATE SCHEMA closed; GRANT USAGE ON SCHEMA other, closed TO ${role};
    CREATE FUNCTION here() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('search_path') $$;
    CREATE FUNCTION other.here() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('search_path') $$;
    CREATE FUNCTION closed.here() RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'closed' $$`, { schemas: ['api', 'other'] });
  for (const [method, header, schema] of [['POST', 'Content-Profile', 'other'], ['GET', 'Accept-Profile', 'other'], ['POST', 'Accept-Profile', 'api'], ['GET', 'Content-Profile', 'api']]) {
    const { headers, json } = await send(method, '/rpc/here', [[header, 'other']]);
    assert.deepEqual([json(), headers['content-profile']], [`"${schema}", "public"`, schema]);
  }
  const closed = await send('POST', '/rpc/here', [['Content-Profile', 'closed']]);
  assert.deepEqual([closed.status, closed.json().code, closed.json().message], [406, 'PGRST106', 'The schema must be one of the following: api, other']);
});

test('CORS: all origins, no credentials', async (t) => {
  const { send } = await serving(t, ECHO);
  const origin = ['Origin', 'https://elsewhere.example'];
  const plain = await send('POST', '/rpc/say', [type('text/plain'), origin], 'x');
  assert.equal(plain.headers['access-control-allow-origin'], '*');
  assert.match(plain.headers['access-control-expose-headers'], /Content-Range/);
  assert.equal(plain.headers['access-control-allow-credentials'], undefined);
  assert.equal((await send('POST', '/rpc/missing', [origin], '{}')).headers['access-control-allow-origin'], '*', 'on errors too');
  assert.equal((await send('POST', '/rpc/say', [type('text/plain')], 'x')).headers['access-control-allow-origin'], undefined);
  const asked = await send('OPTIONS', '/rpc/say', [origin, ['Access-Control-Request-Method', 'POST'], ['Access-Control-Request-Headers', 'Foo,Bar']]);
  assert.deepEqual([asked.status, asked.headers['access-control-allow-headers']], [200, 'Authorization, Foo, Bar, Accept, Accept-Language, Content-Language']);
  assert.equal((await send('OPTIONS', '/rpc/say', [origin])).status, 501);
});

test('errors: the status of an SQLSTATE, and those that shape the answer', async (t) => {
  const { send } = await serving(t, () => `
    CREATE FUNCTION fail(state text, message text, detail text) RETURNS void LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, DETAIL = detail; END $$;
    CREATE FUNCTION write() RETURNS void LANGUAGE sql AS 'CREATE TABLE api.never ()'`);
  const fail = (state, message = 'm', detail = 'd') => send('POST', '/rpc/fail', [JSON_TYPE], JSON.stringify({ state, message, detail }));
  for (const [state, status] of Object.entries({ PT418: 418, 28000: 403, '28P01': 403, 42501: 401, 23505: 409, 53400: 500, 53200: 503, 22000: 400, P0001: 400, P0002: 500, '0A000': 400 })) {
    const failed = await fail(state);
    assert.deepEqual([state, failed.status, failed.json()], [state, status, { code: state, message: 'm', details: 'd', hint: null }]);
  }
  const shaped = await fail('PGRST', '{"code": "x", "message": "y"}', '{"status": 402, "headers": {"X-Why": "z"}}');
  assert.deepEqual([shaped.status, shaped.headers['x-why'], shaped.json().message], [402, 'z', 'y']);
  assert.equal((await fail('PGRST', 'no json')).json().code, 'PGRST121');
  assert.equal((await send('GET', '/rpc/write')).status, 405);
  assert.equal((await send('POST', '/rpc/fail', [JSON_TYPE], '{')).json().code, 'PGRST102');
  assert.equal((await send('GET', '/a/b')).status, 404);
});

test('arguments by name: of JSON, of a form, of the query', async (t) => {
  const { send } = await serving(t, () => `
    CREATE TYPE mood AS ENUM ('sad', 'happy');
    CREATE FUNCTION given(a int, b text DEFAULT 'none', c mood DEFAULT 'sad', d jsonb DEFAULT NULL) RETURNS text LANGUAGE sql STABLE AS $$
      SELECT concat_ws(',', a, b, c, d) $$;
    CREATE FUNCTION list(n int) RETURNS SETOF int LANGUAGE sql STABLE AS 'SELECT generate_series(1, n)';
    CREATE FUNCTION pairs(n int) RETURNS TABLE (x int, y text) LANGUAGE sql STABLE AS $$ SELECT i, 'y' FROM generate_series(1, n) i $$;
    CREATE FUNCTION one(OUT x int, OUT y text) LANGUAGE sql STABLE AS $$ SELECT 1, 'y' $$;
    CREATE FUNCTION many(VARIADIC a int[]) RETURNS int LANGUAGE sql STABLE AS 'SELECT a[1]'`);
  const post = async (name, args) => (await send('POST', `/rpc/${name}`, [JSON_TYPE], JSON.stringify(args))).json();
  assert.equal(await post('given', { a: 1, c: 'happy', d: { e: [1] } }), '1,none,happy,{"e": [1]}');
  assert.equal(await post('given', [{ a: 2 }, { a: 3 }]), '2,none,sad');
  assert.equal((await send('POST', '/rpc/given', [type('application/x-www-form-urlencoded')], 'a=1&b=x+y%26')).json(), '1,x y&,sad');
  assert.equal((await send('GET', '/rpc/given?a=1&b=x%20y')).json(), '1,x y,sad');
  assert.equal((await post('given', { b: 'x' })).code, 'PGRST202');
  assert.match((await post('given', { a: 1, z: 1 })).message, /api\.given\(a, z\) in the schema cache/);
  assert.equal((await post('given', { a: 'x' })).code, '22P02');
  assert.deepEqual(await post('list', { n: 2 }), [1, 2]);
  assert.deepEqual(await post('list', { n: 0 }), []);
  assert.deepEqual(await post('pairs', { n: 2 }), [{ x: 1, y: 'y' }, { x: 2, y: 'y' }]);
  assert.deepEqual(await post('one', {}), { x: 1, y: 'y' });
  assert.equal((await send('GET', '/rpc/pairs?n=2', ['Accept', 'application/vnd.pgrst.object+json'])).status, 406);
  for (const path of ['/rpc/pairs?n=2&select=x', '/rpc/pairs?n=2&x=eq.1', '/rpc/pairs?n=2&limit=1', '/rpc/many?a=1']) {
    const { status, json } = await send('GET', path);
    assert.deepEqual([path, status, /the stand-in doesn't know/.test(json().message)], [path, 501, true]);
  }
});
