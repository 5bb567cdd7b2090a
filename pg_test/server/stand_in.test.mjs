// The stand-in for PostgREST does what PostgREST's source says. Nothing of this extension is in here.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { startStandIn } from '../postgrest/stand-in.mjs';
import { cleanup, directory, ident, server } from './lib.mjs';

/** A schema `api` in a database of its own, filled by `sql(anon)`, and a stand-in in front of it. */
async function serving(t, sql, config = {}) {
  const anon = await server.role(t, 'anon');
  const database = await server.emptyDatabase(t);
  const client = await database.connect();
  await client.query(`CREATE SCHEMA api; GRANT USAGE ON SCHEMA api TO ${ident(anon)}; SET search_path = api`);
  await client.query(sql(ident(anon)));
  const postgrest = await startStandIn({
    connection: { database: database.name },
    schemas: ['api'],
    anonRole: anon,
    ...config,
  });
  cleanup(t, () => postgrest.stop());
  /** One request with these headers, as pairs, and no others. */
  const send = async (method, path, headers = [], body = undefined) => {
    const length = body === undefined ? [] : ['Content-Length', Buffer.byteLength(body)];
    const sending = request(`${postgrest.url}${path}`, {
      method,
      headers: ['Host', 'stand-in', ...headers.flat(), ...length],
      setDefaultHeaders: false,
    });
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

test('a domain named */* answers bytes, whatever is accepted, and casts as the role of the request', async (t) => {
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
  assert.deepEqual(
    [(await send('GET', '/rpc/nothing')).status, (await send('HEAD', '/rpc/any_type')).bytes.length],
    [500, 0],
  );
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

test('what the transaction is told about the request', async (t) => {
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
  assert.deepEqual(
    [closed.status, closed.json().code, closed.json().message],
    [406, 'PGRST106', 'The schema must be one of the following: api, other'],
  );
});

test('CORS: all origins, no credentials', async (t) => {
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

test('errors: the status of an SQLSTATE, and those that shape the answer', async (t) => {
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
  const nowhere = await startStandIn({ connection: { host: '127.0.0.1', port: 1 }, jwtSecret: 'x'.repeat(32) });
  cleanup(t, () => nowhere.stop());
  const lost = await fetch(`${nowhere.url}/posts`);
  assert.deepEqual([lost.status, (await lost.json()).code], [503, 'PGRST000']);
  for (const path of ['/a/b', '/rpc/a/b', '/%ff', '/%zz'])
    assert.equal((await send('GET', path)).json().code, 'PGRST125');
});

test('arguments by name: of JSON, of a form, of the query', async (t) => {
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
  for (const path of ['/rpc/pairs?n=2&select=x', '/rpc/pairs?n=2&x=eq.1', '/rpc/pairs?n=2&limit=1', '/rpc/many?a=1']) {
    const { status, json } = await send('GET', path);
    assert.deepEqual([path, status, /the stand-in doesn't know/.test(json().message)], [path, 501, true]);
  }
});

const POSTS = (role) => `
  CREATE TABLE posts (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, title text, "a ""name" text, tags text[], more jsonb, views int DEFAULT 7);
  CREATE TABLE pairs (a int, b text, c int, PRIMARY KEY (b, a));
  CREATE TABLE hidden (id int);
  CREATE TABLE dropbox (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, title text);
  GRANT SELECT, INSERT, UPDATE, DELETE ON posts, pairs TO ${role};
  GRANT INSERT ON dropbox TO ${role};
  INSERT INTO posts (title, tags, more, views) VALUES ('one', '{x,y}', '{"k": 1}', 1), ('two, (2)', '{}', NULL, NULL), ('three "3" \\', NULL, '[]', 3);
  INSERT INTO pairs VALUES (1, 'x', 1)`;

test('reads: select, filters, order', async (t) => {
  const { send } = await serving(t, POSTS);
  const rows = async (query, headers) => {
    const { status, json } = await send('GET', `/posts?${query}`, headers);
    return status === 200 ? json() : { status, ...json() };
  };
  const ids = async (filter) => (await rows(`select=id&order=id&${filter}`)).map(({ id }) => id);
  assert.deepEqual(await rows('id=eq.1'), [
    { id: 1, title: 'one', 'a "name': null, tags: ['x', 'y'], more: { k: 1 }, views: 1 },
  ]);
  assert.deepEqual(await rows('id=eq.2&select=name:title,views::text,"a \\"name"'), [
    { name: 'two, (2)', views: null, 'a "name': null },
  ]);
  for (const [filter, expected] of [
    ['', [1, 2, 3]],
    ['id=gt.1&id=lt.3', [2]],
    ['id=gte.2', [2, 3]],
    ['id=lte.2', [1, 2]],
    ['id=neq.2', [1, 3]],
    ['id=not.eq.2', [1, 3]],
    ['title=like.t*', [2, 3]],
    ['title=ilike.*TWO*', [2]],
    ['title=eq.two, (2)', [2]],
    ['title=eq.two,+(2)', [2]],
    ['title=not.like.t%25', [1]],
    ['views=is.null', [2]],
    ['views=not.is.null', [1, 3]],
    ['id=in.(1,3)', [1, 3]],
    ['id=in.()', []],
    ['id=not.in.(1,3)', [2]],
    ['title=in.("two, (2)",one)', [1, 2]],
    ['title=in.("three \\"3\\" \\\\")', [3]],
    ['tags=cs.{x}', [1]],
    ['or=(id.eq.1,and(id.eq.2,views.is.null))', [1, 2]],
    ['or=(title.eq."two, (2)",id.in.(3))', [2, 3]],
    ['not.or=(id.eq.1,id.eq.2)', [3]],
    ['and=(id.gt.1,not.or(id.eq.2,id.eq.9))', [3]],
    ['id=gt.1&or=(id.eq.1,id.eq.2)', [2]],
  ]) {
    assert.deepEqual([filter, await ids(filter)], [filter, expected]);
  }
  const order = async (text) => (await rows(`select=id&order=${text}`)).map(({ id }) => id);
  assert.deepEqual(await order('id.desc'), [3, 2, 1]);
  assert.deepEqual(await order('views.asc.nullsfirst,id'), [2, 1, 3]);
  assert.deepEqual(await order('views.desc.nullslast'), [3, 1, 2]);
  assert.deepEqual(await order('views.desc'), [2, 3, 1]);
});

test('reads: ranges, counts, single objects, HEAD', async (t) => {
  const { send } = await serving(t, POSTS);
  const get = async (query, ...headers) => {
    const { status, json, headers: answered } = await send('GET', `/posts?select=id&order=id&${query}`, headers);
    return [status, status < 300 ? json().map(({ id }) => id) : json().code, answered['content-range']];
  };
  const COUNT = ['Prefer', 'count=exact'];
  assert.deepEqual(await get(''), [200, [1, 2, 3], '0-2/*']);
  assert.deepEqual(await get('limit=2'), [200, [1, 2], '0-1/*']);
  assert.deepEqual(await get('limit=2&offset=2', COUNT), [206, [3], '2-2/3']);
  assert.deepEqual(await get('', COUNT), [200, [1, 2, 3], '0-2/3']);
  assert.deepEqual(await get('id=eq.9', COUNT), [200, [], '*/0']);
  assert.deepEqual(await get('limit=0', COUNT), [206, [], '*/3']);
  assert.deepEqual(await get('', ['Range', '1-1']), [200, [2], '1-1/*']);
  assert.deepEqual(await get('limit=1', ['Range', '1-']), [416, 'PGRST103', undefined]);
  assert.deepEqual(await get('', ['Range', '2-1']), [416, 'PGRST103', undefined]);
  assert.deepEqual(await get('offset=9', COUNT), [416, 'PGRST103', undefined]);
  assert.deepEqual(await get('limit=-1'), [416, 'PGRST103', undefined]);
  const OBJECT = ['Accept', 'application/vnd.pgrst.object+json'];
  assert.deepEqual((await send('GET', '/posts?select=id&id=eq.2', [OBJECT])).json(), { id: 2 });
  for (const filter of ['id=eq.9', 'id=gt.1']) {
    const { status, json } = await send('GET', `/posts?${filter}`, [OBJECT]);
    assert.deepEqual(
      [status, json().code, json().details],
      [406, 'PGRST116', `The result contains ${filter === 'id=eq.9' ? 0 : 2} rows`],
    );
  }
  const head = await send('HEAD', '/posts', [COUNT]);
  assert.deepEqual([head.status, head.bytes.length, head.headers['content-range']], [200, 0, '0-2/3']);
});

test('writes: what is stored, and what is answered', async (t) => {
  const { client, send } = await serving(t, POSTS);
  const write = async (method, path, body, prefer, ...more) => {
    const { status, bytes, json, headers } = await send(
      method,
      path,
      [JSON_TYPE, ...(prefer ? [['Prefer', prefer]] : []), ...more],
      body === undefined ? body : JSON.stringify(body),
    );
    return {
      status,
      json: bytes.length > 0 ? json() : undefined,
      range: headers['content-range'],
      location: headers.location,
      applied: headers['preference-applied'],
      type: headers['content-type'],
    };
  };
  const posts = (where = 'true') =>
    client.value(`SELECT jsonb_agg(jsonb_build_array(id, title, views) ORDER BY id) FROM posts WHERE ${where}`);
  assert.deepEqual(await write('POST', '/posts', { title: 'four' }), {
    status: 201,
    json: undefined,
    range: '*/*',
    location: undefined,
    applied: undefined,
    type: undefined,
  });
  assert.deepEqual(await posts('id > 3'), [[4, 'four', 7]]);
  const full = await write(
    'POST',
    '/posts?select=id,t:title',
    [{ title: 'five' }, { title: 'six' }],
    'return=representation,count=exact',
  );
  assert.deepEqual(
    [full.json, full.range, full.applied],
    [
      [
        { id: 5, t: 'five' },
        { id: 6, t: 'six' },
      ],
      '*/2',
      'return=representation, count=exact',
    ],
  );
  assert.equal((await write('POST', '/posts', { title: 'seven' }, 'return=headers-only')).location, '/posts?id=eq.7');
  assert.deepEqual(
    (await write('POST', '/posts?columns=title', [{ title: 'eight', views: 1 }, {}], 'return=representation')).json.map(
      ({ title, views }) => [title, views],
    ),
    [
      ['eight', 7],
      [null, 7],
    ],
  );
  assert.deepEqual((await write('POST', '/posts', {}, 'return=representation')).json.length, 1);
  assert.deepEqual((await write('POST', '/posts', [], 'return=representation')).json, []);
  assert.equal(
    (await write('POST', '/posts', [{ title: 'x' }, { views: 1 }])).json.message,
    'All object keys must match',
  );
  const more = { title: null, more: { a: [1, 'b'] }, tags: ['p', 'q r'], 'a "name': 'quoted' };
  assert.deepEqual(
    (
      await write('POST', '/posts?select=title,more,tags,"a \\"name"', more, 'return=representation', [
        'Accept',
        'application/vnd.pgrst.object+json',
      ])
    ).json,
    more,
  );
  await client.query('DELETE FROM posts WHERE id > 3');

  assert.equal((await write('PATCH', '/posts?id=eq.1', { title: 'ONE' })).status, 204);
  const patched = await write(
    'PATCH',
    '/posts?id=in.(1,2)&select=id,views',
    { views: 5 },
    'return=representation,count=exact',
  );
  assert.deepEqual(
    [patched.status, patched.json, patched.range],
    [
      200,
      [
        { id: 1, views: 5 },
        { id: 2, views: 5 },
      ],
      '0-1/2',
    ],
  );
  assert.deepEqual((await write('PATCH', '/posts?id=eq.99', { views: 5 }, 'return=representation')).json, []);
  assert.deepEqual((await write('PATCH', '/posts?id=eq.1', {}, 'return=representation')).json, []);
  const tooMany = await write('PATCH', '/posts', { views: 6 }, 'return=representation', [
    'Accept',
    'application/vnd.pgrst.object+json',
  ]);
  assert.deepEqual([tooMany.status, tooMany.json.code], [406, 'PGRST116']);
  assert.deepEqual(
    await posts(),
    [
      [1, 'ONE', 5],
      [2, 'two, (2)', 5],
      [3, 'three "3" \\', 3],
    ],
    'it was undone',
  );

  const removed = await write('DELETE', '/posts?id=eq.2&select=id', undefined, 'return=representation,count=exact');
  assert.deepEqual([removed.status, removed.json, removed.range], [200, [{ id: 2 }], '*/1']);
  assert.equal((await write('DELETE', '/posts?id=eq.3')).status, 204);
  assert.deepEqual(
    (await posts()).map(([id]) => id),
    [1],
  );
});

test('writes: upserts, PUT', async (t) => {
  const { client, send } = await serving(t, POSTS);
  const write = async (method, path, body, prefer) => {
    const { status, bytes, json } = await send(method, path, [JSON_TYPE, ['Prefer', prefer]], JSON.stringify(body));
    return [status, bytes.length > 0 ? json() : undefined];
  };
  const pairs = () => client.value(`SELECT jsonb_agg(jsonb_build_array(a, b, c) ORDER BY a, b) FROM pairs`);
  assert.equal((await write('POST', '/pairs', { a: 1, b: 'x', c: 2 }, 'return=minimal'))[1].code, '23505');
  assert.deepEqual(
    await write('POST', '/pairs', { a: 1, b: 'x', c: 2 }, 'resolution=ignore-duplicates,return=representation'),
    [201, []],
  );
  assert.deepEqual(
    await write('POST', '/pairs', { a: 1, b: 'x', c: 3 }, 'resolution=merge-duplicates,return=representation'),
    [200, [{ a: 1, b: 'x', c: 3 }]],
  );
  assert.deepEqual(
    await write(
      'POST',
      '/pairs?on_conflict=b,a',
      [
        { a: 1, b: 'x', c: 4 },
        { a: 2, b: 'x', c: 4 },
      ],
      'resolution=merge-duplicates',
    ),
    [201, undefined],
  );
  assert.deepEqual(await pairs(), [
    [1, 'x', 4],
    [2, 'x', 4],
  ]);
  assert.deepEqual(await write('PUT', '/pairs?a=eq.1&b=eq.x', { a: 1, b: 'x', c: 5 }, 'return=representation'), [
    200,
    [{ a: 1, b: 'x', c: 5 }],
  ]);
  assert.deepEqual(await write('PUT', '/pairs?a=eq.3&b=eq.x', { a: 3, b: 'x', c: 5 }, 'return=representation'), [
    201,
    [{ a: 3, b: 'x', c: 5 }],
  ]);
  assert.deepEqual(await write('PUT', '/pairs?a=eq.3&b=eq.x', { a: 3, b: 'x', c: 6 }, 'return=minimal'), [
    204,
    undefined,
  ]);
  for (const [path, code] of [
    ['/pairs?a=eq.3&b=eq.x', 'PGRST115'],
    ['/pairs?a=eq.9', 'PGRST105'],
    ['/pairs?a=eq.9&b=gt.x', 'PGRST105'],
    ['/pairs?a=eq.9&b=eq.x&limit=1', 'PGRST114'],
  ]) {
    assert.deepEqual(
      [path, (await write('PUT', path, { a: 9, b: 'x', c: 9 }, 'return=minimal'))[1].code],
      [path, code],
    );
  }
  assert.deepEqual(await pairs(), [
    [1, 'x', 5],
    [2, 'x', 4],
    [3, 'x', 6],
  ]);
});

test('tables: privileges, errors, what it does not know', async (t) => {
  const { send } = await serving(t, POSTS);
  const code = async (method, path, body, headers = []) => {
    const { status, json } = await send(method, path, [JSON_TYPE, ...headers], body);
    return [status, json().code];
  };
  assert.deepEqual(await code('GET', '/hidden'), [401, '42501']);
  assert.equal(
    (await send('POST', '/dropbox', [JSON_TYPE], '{"title": "x"}')).status,
    201,
    'no row is read where none is wanted',
  );
  assert.deepEqual(await code('POST', '/dropbox', '{"title": "x"}', [['Prefer', 'return=representation']]), [
    401,
    '42501',
  ]);
  assert.deepEqual(await code('GET', '/missing'), [404, 'PGRST205']);
  assert.deepEqual(await code('GET', '/posts?missing=eq.1'), [400, '42703']);
  assert.deepEqual(await code('GET', '/posts?select=missing'), [400, '42703']);
  assert.deepEqual(await code('POST', '/posts', '{"missing": 1}'), [400, 'PGRST204']);
  assert.deepEqual(await code('POST', '/posts?columns=missing', '{}'), [400, 'PGRST204']);
  assert.deepEqual(await code('POST', '/posts', ''), [400, 'PGRST102']);
  assert.deepEqual(await code('POST', '/posts', '{"views": "x"}'), [400, '22P02']);
  assert.deepEqual(await code('GET', '/posts?id=1'), [400, 'PGRST100']);
  assert.deepEqual(await code('GET', '/posts?id=noop.1'), [400, 'PGRST100']);
  assert.deepEqual(await code('GET', '/posts?id=constructor.1'), [400, 'PGRST100']);
  assert.deepEqual(await code('GET', '/posts?id=is.1'), [400, 'PGRST100']);
  assert.deepEqual(await code('GET', '/posts?or=(id.eq.1'), [400, 'PGRST100']);
  assert.deepEqual(await code('GET', '/posts?order=id.up'), [400, 'PGRST100']);
  assert.deepEqual(await code('GET', `/posts?${encodeURIComponent(`id"; DROP TABLE api.posts; --`)}=eq.1`), [
    501,
    'STAND_IN',
  ]);
  assert.deepEqual(await code('MKCOL', '/posts'), [405, 'PGRST117']);
  for (const [method, path, headers] of [
    ['GET', '/'],
    ['GET', '/posts?select=id,other(*)'],
    ['GET', '/posts?select=count()'],
    ['GET', '/posts?select=more->k'],
    ['GET', '/posts?more->>k=eq.1'],
    ['GET', '/posts?other.id=eq.1'],
    ['GET', '/posts?title=fts.one'],
    ['GET', '/posts?id=eq(any).{1,2}'],
    ['GET', '/posts?limit=many'],
    ['GET', '/posts?or=(more->>k.eq.1,id.eq.1)'],
    ['GET', '/posts?order=other(id)'],
    ['DELETE', '/posts?limit=1'],
    ['DELETE', '/posts?order=id'],
    ['GET', '/posts', [['Accept', 'text/csv']]],
    ['GET', '/posts', [['Prefer', 'count=planned']]],
    ['GET', '/posts', [['Prefer', 'timezone=UTC']]],
    ['POST', '/posts', [['Prefer', 'missing=default']]],
  ]) {
    const { status, json } = await send(
      method,
      path,
      [JSON_TYPE, ...(headers ?? [])],
      method === 'POST' ? '{}' : undefined,
    );
    assert.deepEqual([path, status, /^the stand-in doesn't know /.test(json().message)], [path, 501, true]);
  }
});

test('as a program, with PostgREST’s own variables', async (t) => {
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
    },
  });
  const ended = once(program, 'exit');
  cleanup(t, () => program.kill('SIGKILL'));
  const [said] = await once(program.stdout.setEncoding('utf8'), 'data');
  const response = await fetch(`${/http:\S+/.exec(said)[0]}/rpc/whoami`, { method: 'POST' });
  assert.deepEqual([await response.json(), response.headers.get('x-checked')], [anon, 'yes']);
  program.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});
