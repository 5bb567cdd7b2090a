// The stand-in for PostgREST: what a request's URL and headers do to the result of a function, in the statement that
// calls it; and what differs between the versions.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { startStandIn } from '../postgrest/stand-in.mjs';
import { JSON_TYPE, OCTETS, each } from './stand_in.mjs';

/** Functions that leave a row behind, each with another kind of result. */
const COUNTING = (role) => `
  CREATE DOMAIN "*/*" AS bytea;
  CREATE TABLE counted (id int);
  CREATE FUNCTION done(code text DEFAULT 'no') RETURNS jsonb LANGUAGE sql SECURITY DEFINER SET search_path = api AS $$
    INSERT INTO counted VALUES (1); SELECT set_config('response.status', '418', true);
    SELECT jsonb_build_object('code', code, 'list', jsonb_build_array(1, NULL)) $$;
  CREATE FUNCTION bytes(bytea) RETURNS "*/*" LANGUAGE sql SECURITY DEFINER SET search_path = api AS $$
    INSERT INTO counted VALUES (1); SELECT set_config('response.status', '418', true); SELECT 'bytes'::bytea $$;
  CREATE FUNCTION many() RETURNS TABLE (x int, y text) LANGUAGE sql SECURITY DEFINER SET search_path = api AS $$
    INSERT INTO counted VALUES (1); SELECT i, 'y' || i FROM generate_series(1, 3) i $$;
  GRANT SELECT ON counted TO ${role}`;

each('the result of a function is shaped by the URL after the function has run', async (t, serving) => {
  const { client, send } = await serving(t, COUNTING);
  /** Status, body, and whether what the function did is still there. */
  const call = async (path, headers = [], type = JSON_TYPE) => {
    const { status, bytes } = await send('POST', `/rpc/${path}`, [type, ...headers], type === OCTETS ? 'x' : '{}');
    const kept = await client.value('WITH gone AS (DELETE FROM counted RETURNING 1) SELECT count(*)::int FROM gone');
    const said = bytes.toString();
    return [status, said.startsWith('{"code":"') && JSON.parse(said).details !== undefined ? JSON.parse(said).code : said, kept];
  };
  const whole = '{"code": "no", "list": [1, null]}';
  for (const [path, expected] of [
    ['done', [418, whole, 1]],
    ['done?select=pgrst_scalar', [418, whole, 1]],
    ['done?select=pgrst_scalar:pgrst_scalar-%3E%3Ecode', [418, '"no"', 1]],
    ['done?select=pgrst_scalar:pgrst_scalar-%3Elist-%3E0', [418, '1', 1]],
    // What fails only once there is a row undoes what the function has done.
    ['done?select=pgrst_scalar:pgrst_scalar-%3E%3Ecode::int', [400, '22P02', 0]],
    ['done?pgrst_scalar-%3E%3Ecode=like.*n%5C', [400, '22025', 0]],
    ['done?pgrst_scalar-%3E%3Ecode=match.(', [400, '2201B', 0]],
    ['bytes?pgrst_scalar=like.*by%5C%5C', [400, '22025', 0]],
    // And this before anything runs.
    ['done?select=other:pgrst_scalar', [400, '42703', 0]],
    ['done?select=missing', [400, '42703', 0]],
    ['done?select=other(*)', [400, 'PGRST200', 0]],
    ['done?select=count()', [400, 'PGRST123', 0]],
    ['done?select=', [418, whole, 1]],
    ['done?order=missing', [400, '42703', 0]],
    ['done?code=no', [400, 'PGRST100', 0]],
    ['done?other.x=eq.1', [400, 'PGRST108', 0]],
    ['done?columns=missing', [404, 'PGRST202', 0]],
    ['done?columns=code', [418, whole.replace('"no"', 'null'), 1]],
    ['done?order=pgrst_scalar-%3E%3Ecode.desc.nullslast', [418, whole, 1]],
    ['done?limit=-1', [416, 'PGRST103', 0]],
    ['done?limit=0', [200, 'null', 0]],
    ['done?offset=1', [418, 'null', 1]],
    ['done?pgrst_scalar=is.null', [418, 'null', 1]],
    ['done?pgrst_scalar=not.is.null&or=(pgrst_scalar-%3E%3Ecode.eq.no,pgrst_scalar.is.null)', [418, whole, 1]],
    ['bytes?pgrst_scalar=is.null', [200, '', 1]],
    ['many?select=x&x=gt.1&order=x.desc&limit=1', [200, '[{"x":3}]', 1]],
    ['many?x=eq.9', [200, '[]', 1]],
  ]) {
    assert.deepEqual([path, ...(await call(path, [], path.startsWith('bytes') ? OCTETS : JSON_TYPE))], [path, ...expected]);
  }
  for (const [headers, path, expected] of [
    [['Accept', 'application/vnd.pgrst.object+json'], 'done', [418, whole, 1]],
    [['Accept', 'application/vnd.pgrst.object+json'], 'many', [406, 'PGRST116', 0]],
    [['Accept', 'application/vnd.pgrst.array+json;nulls=stripped'], 'many?select=x,z:y-%3Eq&limit=1', [200, '[{"x":1}]', 1]],
    [['Accept', 'text/csv'], 'many?x=lt.3', [200, 'x,y\n1,y1\n2,y2', 1]],
    [['Accept', 'application/vnd.pgrst.plan+json; for="application/json"'], 'done', [406, 'PGRST107', 0]],
    [['Accept', 'application/geo+json'], 'many', [404, '42883', 0]],
    [['Accept', 'image/png'], 'done', [406, 'PGRST107', 0]],
    [['Prefer', 'count=exact'], 'many?limit=1&offset=9', [416, 'PGRST103', 1]],
    [['Prefer', 'handling=strict, nonsense=1'], 'done', [400, 'PGRST122', 0]],
    [['Prefer', 'handling=strict, max-affected=2'], 'many', [400, 'PGRST124', 0]],
    [['Prefer', 'max-affected=2'], 'many?select=x&limit=1', [200, '[{"x":1}]', 1]],
    [['Prefer', 'timezone=Nowhere/Land, handling=strict'], 'done', [400, 'PGRST122', 0]],
    [['Prefer', 'timezone=Asia/Tokyo'], 'done', [418, whole, 1]],
    [['Prefer', 'return=minimal, missing=default'], 'done', [418, whole, 1]],
    [['Range', '5-9'], 'done', [418, whole, 1]],
  ]) {
    assert.deepEqual([path, ...(await call(path, [headers]))], [path, ...expected]);
  }
  const counted = await send('POST', '/rpc/many?limit=2', [JSON_TYPE, ['Prefer', 'count=exact, timezone=UTC']], '{}');
  assert.deepEqual(
    [counted.status, counted.headers['content-range'], counted.headers['preference-applied']],
    [206, '0-1/3', 'count=exact, timezone=UTC'],
  );
});

each('a function that is read: arguments and filters are told apart by their values', async (t, serving, version) => {
  const { send } = await serving(
    t,
    () => `CREATE FUNCTION list(n int, eq text DEFAULT 'x') RETURNS TABLE (i int, e text) LANGUAGE sql STABLE AS
      'SELECT g, eq FROM generate_series(1, n) g'`,
  );
  const get = async (query, ...headers) => (await send('GET', `/rpc/list?${query}`, headers)).json();
  assert.deepEqual(await get('n=3&i=gt.1&select=i&order=i.desc'), [{ i: 3 }, { i: 2 }]);
  assert.deepEqual(await get('n=3&eq=word&limit=1'), [{ i: 1, e: 'word' }]);
  assert.deepEqual(await get('n=3&select=i', ['Range', '1-1']), [{ i: 2 }]);
  assert.equal((await get('n=3&i=eq')).code, 'PGRST100');
  assert.equal((await get('n=3&i=is.not_null')).code, version === 12 ? 'PGRST100' : undefined);
});

each('headers of the version', async (t, serving, version) => {
  const { send } = await serving(t, COUNTING);
  const good = await send('POST', '/rpc/many', [JSON_TYPE], '{}');
  const bad = await send('POST', '/rpc/none', [JSON_TYPE], '{}');
  assert.equal(good.headers.vary, version === 16 ? 'Accept, Prefer, Range' : undefined);
  assert.equal(good.headers['content-length'], version === 12 ? undefined : String(good.bytes.length));
  assert.equal(bad.headers['proxy-status'], version === 12 ? undefined : 'PostgREST; error=PGRST202');
  assert.match(good.headers.server, new RegExp(`^postgrest/${version}\\.`));
  const strict = [JSON_TYPE, ['Prefer', 'handling=strict, max-affected=5']];
  const single = await send('POST', '/rpc/done', strict, '{}');
  assert.equal(single.status, version === 16 ? 400 : 418);
});

const SECRET = 'the jwt secret of these tests, of 32 bytes';

each('tokens that are refused', async (t, serving, version) => {
  const { send, anon } = await serving(
    t,
    () => `CREATE FUNCTION whoami() RETURNS text LANGUAGE sql STABLE AS 'SELECT current_user'`,
    { jwtSecret: SECRET, jwtAud: 'here' },
  );
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const sign = (claims, header = { alg: 'HS256' }, secret = SECRET) => {
    const signed = `${part(header)}.${part(claims)}`;
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
  };
  const ask = async (authorization) => {
    const { status, headers, json } = await send('GET', '/rpc/whoami', ['Authorization', authorization]);
    return status === 200 ? json() : [status, json().code, json().message, headers['www-authenticate']];
  };
  const now = Math.floor(Date.now() / 1000);
  assert.equal(await ask('Basic x'), anon);
  assert.equal(await ask(`Bearer ${sign({})}`), anon, 'a token without a role, and without an audience');
  assert.equal(await ask(`bearer ${sign({ aud: ['here', 'there'], exp: now, nbf: 1.5 })}`), anon);
  const old = version === 12;
  for (const [token, code, message] of [
    [sign({}, { alg: 'HS256' }, 'another'), 'PGRST301', old ? 'JWSError JWSInvalidSignature' : 'No suitable key or wrong key type'],
    [sign({}, { alg: 'HS256', kid: 'x' }), 'PGRST301', old ? 'JWSError JWSInvalidSignature' : 'No suitable key or wrong key type'],
    [sign({}, { alg: 'none' }), 'PGRST301', old ? 'JWSError JWSNoSignatures' : 'Wrong or unsupported encoding algorithm'],
    ['a.b', 'PGRST301', old ? 'JWSError (CompactDecodeError Invalid number of parts: Expected 3 parts; got 2)' : 'Expected 3 parts in JWT; got 2'],
    [sign({ exp: now - 60 }), old ? 'PGRST301' : 'PGRST303', 'JWT expired'],
    [sign({ exp: now + 60.5 }), old ? 'PGRST301' : 'PGRST303', 'JWT expired'],
    [sign({ nbf: now + 60 }), old ? 'PGRST301' : 'PGRST303', old ? 'JWTNotYetValid' : 'JWT not yet valid'],
    [sign({ iat: now + 60 }), old ? 'PGRST301' : 'PGRST303', old ? 'JWTIssuedAtFuture' : 'JWT issued at future'],
    [sign({ aud: 'there' }), old ? 'PGRST301' : 'PGRST303', old ? 'JWTNotInAudience' : 'JWT not in audience'],
  ]) {
    const challenge = `Bearer error="invalid_token", error_description="${message}"`;
    assert.deepEqual(await ask(`Bearer ${token}`), [401, code, message, challenge]);
  }
  const empty = await ask('Bearer ');
  assert.deepEqual(old ? empty : empty.slice(0, 2), old ? anon : [401, 'PGRST301']);
  const claims = await ask(`Bearer ${sign({ exp: 'soon' })}`);
  assert.deepEqual(old ? claims : claims.slice(1, 3), old ? anon : ['PGRST303', `The JWT 'exp' claim must be a number`]);
});

each('bytes that are no UTF-8 are an error of the web server; a header goes out as UTF-8', async (t, serving) => {
  const { send } = await serving(
    t,
    () => `CREATE FUNCTION moved() RETURNS void LANGUAGE sql AS $$
      SELECT set_config('response.headers', '[{"Location": "/é/語"}]', true) $$`,
  );
  const { status, headers } = await send('POST', '/rpc/moved', [], '');
  assert.deepEqual([status, Buffer.from(headers.location, 'latin1').toString()], [204, '/é/語']);
  const crashed = await send('POST', '/rpc/moved?x=eq.%ff', [], '');
  assert.deepEqual([crashed.status, crashed.bytes.toString()], [500, 'Something went wrong']);
  assert.equal((await send('POST', '/rpc/moved', [['X-Name', Buffer.from([0x61, 0xff]).toString('latin1')]], '')).status, 500);
  assert.equal((await send('GET', '/rpc/moved?x=eq.%C3%A9')).status, 400, 'no such column');
});

test('a version that it cannot play is refused', async () => {
  await assert.rejects(startStandIn({ connection: {}, version: 11 }), /version is 11, not one of 12, 13, 16/);
});
