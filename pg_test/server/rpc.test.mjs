// The RPC functions as PostgREST serves them, by the stand-in.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { startStandIn } from '../postgrest/stand-in.mjs';
import { CLIENT, Provider } from '../interop/provider.mjs';
import { ENDS } from '../postgrest/versions.mjs';
import { PASSWORD, cleanup, freshEmail, ident, refused, server, unique } from './lib.mjs';

const JWT_SECRET = 'the jwt secret of PostgREST and of ours';

/** One request with these headers and no others; fetch() sends some of a browser's. */
async function exchange(method, url, headers, body) {
  const sending = request(url, { method, headers });
  sending.end(body);
  const [response] = await once(sending, 'response');
  return { status: response.statusCode, headers: response.headers, text: await text(response), cookies: response.headers['set-cookie'] ?? [] };
}

/** A database with the RPC functions, and a stand-in in front of it. */
async function withPostgrest(t, { preRequest, settings = {}, options, version, txEnd } = {}) {
  const [anon, user] = [await server.role(t, 'anon'), await server.role(t, 'user')];
  const { database, client } = await server.database(t);
  await client.query(`SELECT better_auth.set_secret('jwt', $1)`, [JWT_SECRET]);
  await client.query('SELECT better_auth.enable_rpc($1, $2, $3)', ['public', anon, user]);
  await client.query(`LOAD 'better_auth'`);
  for (const [name, value] of Object.entries({ jwt_role: user, rate_limit: 'off', ...settings })) {
    await client.query(`ALTER DATABASE ${ident(database.name)} SET better_auth.${name} = '${value}'`);
  }
  await client.query(`
    CREATE TABLE public.posts (id int GENERATED ALWAYS AS IDENTITY, user_id text NOT NULL DEFAULT public.requesting_user_id(), title text);
    ALTER TABLE public.posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON public.posts TO ${ident(user)} USING (user_id = public.requesting_user_id());
    GRANT ALL ON public.posts TO ${ident(user)}`);
  const connection = { database: database.name, options };
  const postgrest = await startStandIn({ connection, anonRole: anon, jwtSecret: JWT_SECRET, jwtAud: 'insforge-api', preRequest, version, ...(txEnd && { txEnd }) });
  cleanup(t, () => postgrest.stop());
  const send = async (method, path, { body, cookie, jwt, headers = {} } = {}) => {
    const sent = { 'content-type': 'application/json', ...headers };
    if (cookie) Object.assign(sent, { cookie, origin: headers.origin ?? postgrest.url });
    if (jwt) sent.authorization = `Bearer ${jwt}`;
    const { status, text: json, cookies } = await exchange(method, `${postgrest.url}${path}`, sent, body && JSON.stringify(body));
    return { status, json: json && JSON.parse(json), cookies, cookie: cookies.map((one) => one.split(';')[0]).join('; ') };
  };
  const rpc = (name, body = {}, more = {}) => send('POST', `/rpc/${name}`, { body, ...more });
  const exchangeForm = (name, args, headers) =>
    exchange('POST', `${postgrest.url}/rpc/${name}`, { 'content-type': 'application/x-www-form-urlencoded', ...headers }, new URLSearchParams(args).toString());
  return { client, send, rpc, exchangeForm, anon, user, url: postgrest.url };
}

/** A test behind each of the versions: `body(t, start)`, where `start` is withPostgrest(). */
function each(name, body) {
  for (const version of ENDS) {
    test(`${name} (PostgREST ${version})`, (t) => body(t, (options) => withPostgrest(t, { version, ...options })));
  }
}

const newUser = () => ({ email: freshEmail(), password: PASSWORD, name: 'Ada' });

each('sign-up, bridge token, a table, sign-out', async (t, start) => {
  const { send, rpc } = await start();
  const ada = newUser();
  const signedUp = await rpc('sign_up_email', ada);
  assert.equal(signedUp.status, 200);
  assert.equal(signedUp.json.user.email, ada.email);
  assert.match(signedUp.cookies[0], /^better-auth\.session_token=.*; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/);
  const { cookie } = await rpc('sign_in_email', { email: ada.email, password: PASSWORD });
  assert.equal((await rpc('get_session', {}, { cookie })).json.user.email, ada.email);
  const bridge = await rpc('bridge_token', {}, { cookie });
  assert.deepEqual([bridge.status, Object.keys(bridge.json)], [200, ['token']]);
  const jwt = bridge.json.token;
  assert.equal((await send('POST', '/posts', { jwt, body: { title: 'Mine' } })).status, 201);
  assert.deepEqual((await send('GET', '/posts', { jwt })).json.map(({ title }) => title), ['Mine']);
  const eve = await rpc('sign_up_email', newUser());
  const { token: hers } = (await rpc('bridge_token', { session_token: eve.json.token })).json;
  assert.deepEqual((await send('GET', '/posts', { jwt: hers })).json, []);
  assert.equal((await send('GET', '/posts')).status, 401);
  assert.equal((await send('GET', '/posts', { jwt: `${jwt.slice(0, -3)}AAA` })).status, 401);
  const out = await rpc('sign_out', {}, { cookie });
  assert.deepEqual([out.status, out.json], [200, { success: true }]);
  assert.match(out.cookies[0], /^better-auth\.session_token=; Max-Age=0;/);
  const gone = await rpc('bridge_token', {}, { cookie });
  assert.deepEqual([gone.status, gone.json], [401, { error: 'not signed in' }]);
});

each('Authorization is PostgREST’s, with the plugin bearer too: never a session', async (t, start) => {
  const { client, send, rpc } = await start({ settings: { plugins: 'bearer' } });
  const [ada, eve] = [await rpc('sign_up_email', newUser()), await rpc('sign_up_email', newUser())];
  const { token: jwt } = (await rpc('bridge_token', {}, { cookie: ada.cookie })).json;
  const emailOf = async (more) => (await rpc('get_session', {}, more)).json?.user.email;
  assert.equal(await emailOf({ jwt }), undefined, 'a bridge token is no session token');
  assert.equal(await emailOf({ jwt, cookie: eve.cookie }), eve.json.user.email);
  // PostgREST refuses session tokens. One that let them through would change nothing.
  assert.equal((await send('POST', '/rpc/get_session', { body: {}, jwt: ada.json.token })).status, 401);
  for (const token of [ada.json.token, decodeURIComponent(ada.cookie.split('=')[1])]) {
    await client.query(`BEGIN; SELECT set_config('request.headers', '${JSON.stringify({ authorization: `Bearer ${token}` })}', true)`);
    assert.equal(await client.value('SELECT public.get_session()'), null);
    await client.query('ROLLBACK');
  }
  assert.equal((await rpc('get_session', { session_token: ada.json.token })).json.user.email, ada.json.user.email);
});

each('callers without cookies pass session_token, and get no cookies', async (t, start) => {
  const { rpc } = await start();
  const { json: { token: session_token } } = await rpc('sign_up_email', newUser());
  for (const [name, args, expected] of [
    ['update_user', { name: 'Countess' }, { status: true }],
    ['list_accounts', {}, /credential/],
    ['change_password', { current_password: PASSWORD, new_password: 'another password' }, /"token":null/],
    ['revoke_other_sessions', {}, { status: true }],
  ]) {
    const { status, json, cookies } = await rpc(name, { ...args, session_token });
    assert.deepEqual([name, status, cookies], [name, 200, []]);
    if (expected instanceof RegExp) assert.match(JSON.stringify(json), expected);
    else assert.deepEqual(json, expected);
  }
  assert.equal((await rpc('get_session', { session_token })).json.user.name, 'Countess');
  assert.equal((await rpc('get_session', { session_token: 'x'.repeat(32) })).json, null);
});

each('errors are Better Auth’s, with its status', async (t, start) => {
  const { rpc, send } = await start();
  const ada = newUser();
  const { cookie } = await rpc('sign_up_email', ada);
  for (const [name, args, status, code, more] of [
    ['sign_up_email', ada, 422, 'USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL'],
    ['sign_up_email', { ...newUser(), password: 'short' }, 400, 'PASSWORD_TOO_SHORT'],
    ['sign_up_email', { ...newUser(), name: null }, 400, 'VALIDATION_ERROR'],
    ['sign_in_email', { email: ada.email, password: 'wrong password' }, 401, 'INVALID_EMAIL_OR_PASSWORD'],
    ['list_sessions', {}, 401, 'UNAUTHORIZED'],
    ['reset_password', { token: 'x', new_password: PASSWORD }, 400, 'INVALID_TOKEN'],
    ['verify_email', { token: 'x' }, 401, 'INVALID_TOKEN'],
    ['update_user', { name: 'Eve' }, 403, 'INVALID_ORIGIN', { cookie, headers: { origin: 'https://evil.example' } }],
    ['sign_in_email', { email: ada.email, password: PASSWORD }, 403, 'INVALID_ORIGIN', { headers: { origin: 'https://evil.example' } }],
    ['sign_in_email', { email: ada.email, password: PASSWORD }, 403, 'CROSS_SITE_NAVIGATION_LOGIN_BLOCKED', { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } }],
  ]) {
    const answer = await rpc(name, args, more);
    assert.deepEqual([name, answer.status, answer.json.code], [name, status, code]);
  }
  assert.equal((await rpc('sign_in_email', { email: ada.email })).status, 404, 'a required argument is missing');
  assert.equal((await rpc('sign_in_email', { ...ada })).status, 404, 'an unknown argument');
  const off = await rpc('delete_user', {}, { cookie });
  assert.deepEqual([off.status, off.json], [404, { message: 'Not found', code: 'NOT_FOUND' }]);
});

each('GET reads, and is refused where it would write', async (t, start) => {
  const { send, rpc, client } = await start();
  const ada = newUser();
  const { json: { token } } = await rpc('sign_up_email', ada);
  const get = (name, args = {}) => send('GET', `/rpc/${name}?${new URLSearchParams(args)}`);
  for (const name of ['get_session', 'bridge_token', 'list_sessions', 'list_accounts']) {
    assert.deepEqual([name, (await get(name, { session_token: token })).status], [name, 200]);
  }
  const writing = {
    sign_up_email: newUser(),
    sign_in_email: { email: ada.email, password: PASSWORD },
    sign_out: {},
    revoke_session: { token },
    revoke_sessions: {},
    revoke_other_sessions: {},
    update_user: { name: 'Eve' },
    change_password: { current_password: PASSWORD, new_password: 'another password' },
    request_password_reset: { email: ada.email },
    reset_password: { token: 'x', new_password: PASSWORD },
    send_verification_email: { email: ada.email },
    verify_email: { token: 'x' },
    change_email: { new_email: freshEmail() },
    delete_user: {},
  };
  const rows = `SELECT jsonb_build_array((SELECT jsonb_agg(u) FROM better_auth."user" u), (SELECT jsonb_agg(s) FROM better_auth.session s))`;
  const before = await client.value(rows);
  for (const [name, args] of Object.entries(writing)) {
    const { status, json } = await get(name, args);
    assert.deepEqual([name, status, json], [name, 405, { message: 'Method not allowed', code: 'METHOD_NOT_ALLOWED' }]);
  }
  assert.deepEqual(await client.value(rows), before);
});

each('arguments of the wrong type are cast as PostgREST casts them, or refused', async (t, start) => {
  const { rpc, client } = await start();
  const ada = newUser();
  const { json } = await rpc('sign_up_email', { ...ada, name: 5 });
  assert.equal(json.user.name, '5');
  for (const [args, status, code] of [
    [{ remember_me: 'x' }, 400, '22P02'],
    [{ remember_me: [true] }, 400, '22P02'],
    [{ remember_me: null }, 200],
    [{ email: 5 }, 400, 'INVALID_EMAIL'],
    [{ email: { a: 1 } }, 400, 'INVALID_EMAIL'],
    [{ password: ['x'] }, 401, 'INVALID_EMAIL_OR_PASSWORD'],
    [{ password: 'a\0b' }, 400, '22P05'],
  ]) {
    const answer = await rpc('sign_in_email', { email: ada.email, password: PASSWORD, ...args });
    assert.deepEqual([args, answer.status, answer.json.code], [args, status, code]);
  }
  const fields = await rpc('update_user', { additional_fields: [1], session_token: json.token });
  assert.deepEqual([fields.status, fields.json.code], [400, '22023']);
  assert.equal(await client.value('SELECT count(*)::int FROM better_auth.session'), 2);
});

test('what PostgreSQL refuses to read leaves no password in its log', async (t) => {
  const docs = readFileSync(new URL('../../docs/postgrest.md', import.meta.url), 'utf8');
  const [, terse] = /ALTER ROLE authenticator SET (log_error_verbosity = \w+);/.exec(docs);
  for (const [setting, isLogged] of [['', true], [terse.replaceAll(' ', ''), false]]) {
    const { rpc } = await withPostgrest(t, { options: setting && `-c ${setting}` });
    const secret = unique('secret');
    assert.equal((await rpc('sign_in_email', { email: freshEmail(), password: `${secret}\0` })).status, 400);
    assert.equal(readFileSync(process.env.PGLOG, 'utf8').includes(secret), isLogged, setting);
  }
});

each('a profile can’t name another schema', async (t, start) => {
  const { rpc, client } = await start();
  await client.query(`CREATE SCHEMA evil; CREATE FUNCTION evil.sign_out(session_token text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$ SELECT 'evil' $$`);
  for (const profile of ['evil', 'better_auth', 'pg_catalog', 'evil, public', '"evil"']) {
    const answer = await rpc('sign_out', {}, { headers: { 'content-profile': profile } });
    assert.deepEqual([profile, answer.status, answer.json.code], [profile, 406, 'PGRST106']);
  }
  assert.equal((await rpc('sign_out', {}, { headers: { 'content-profile': 'public' } })).status, 200);
});

each('no cache may keep an answer', async (t, start) => {
  const { rpc, exchangeForm } = await start();
  const { json: { token } } = await rpc('sign_up_email', newUser());
  for (const name of ['get_session', 'list_sessions', 'bridge_token', 'list_accounts', 'sign_out']) {
    const { headers } = await exchangeForm(name, { session_token: token }, {});
    assert.deepEqual([name, headers['cache-control']], [name, 'no-store']);
  }
});

each('the cookie decides for sessions, the token for tables, and session_token before the cookie', async (t, start) => {
  const { rpc, send } = await start();
  const [ada, eve] = [await rpc('sign_up_email', newUser()), await rpc('sign_up_email', newUser())];
  const { token: jwt } = (await rpc('bridge_token', {}, { cookie: ada.cookie })).json;
  const both = { cookie: eve.cookie, jwt };
  assert.equal((await rpc('get_session', {}, both)).json.user.id, eve.json.user.id);
  assert.equal((await rpc('get_session', { session_token: ada.json.token }, both)).json.user.id, ada.json.user.id);
  assert.equal((await send('POST', '/posts', { ...both, body: { title: 'Whose?' }, headers: { prefer: 'return=representation' } })).json[0].user_id, ada.json.user.id);
});

each('a form of another site can do nothing', async (t, start) => {
  const { rpc, exchangeForm } = await start();
  const ada = newUser();
  const { cookie, json } = await rpc('sign_up_email', ada);
  const forms = [['update_user', { name: 'Eve' }], ['sign_out', {}], ['delete_user', {}], ['revoke_sessions', {}]];
  for (const [name, args] of forms) {
    for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, {}]) {
      const { status } = await exchangeForm(name, args, { cookie, ...headers });
      assert.deepEqual([name, headers, status], [name, headers, 403]);
    }
  }
  const login = { email: ada.email, password: PASSWORD };
  const site = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', origin: 'https://evil.example' };
  assert.equal((await exchangeForm('sign_in_email', login, site)).status, 403);
  const now = await rpc('get_session', {}, { cookie });
  assert.deepEqual([now.json.user.id, now.json.user.name], [json.user.id, 'Ada']);
});

/** What can be appended to a call so that PostgREST undoes it. */
const UNDOING = {
  '?select=pgrst_scalar:pgrst_scalar-%3E%3Ecode::int': {},
  '?pgrst_scalar-%3E%3Ecode=like.*INVALID*%5C%5C': {},
  '?pgrst_scalar=eq.x': {},
  '?order=pgrst_scalar-%3E%3Ecode::int': {},
  '?select=nothing': {},
  '?limit=0&offset=7': { prefer: 'count=exact' },
  '?pgrst_scalar-%3E%3Ecode=eq.x': { accept: 'application/vnd.pgrst.object+json' },
  '': { prefer: 'tx=rollback' },
  '?columns=email,password': { prefer: 'tx=rollback, max-affected=0, handling=strict', range: '5-9', 'range-unit': 'items' },
};

each('whatever is appended to a call, the rate limit has counted it', async (t, start) => {
  const { url } = await start({ settings: { rate_limit: 'on', rate_limit_rules: '/sign-in/email=3600/3' }, txEnd: 'commit-allow-override' });
  const credentials = { email: 'nobody@example.com', password: PASSWORD };
  const doors = {
    sign_in_email: { 'content-type': 'application/json' },
    better_auth_handler: {
      'content-type': 'application/octet-stream', accept: '*/*', 'x-better-auth-method': 'POST',
      'x-better-auth-url': '/api/auth/sign-in/email', 'x-better-auth-content-type': 'application/json',
    },
  };
  let address = 0;
  const undone = new Set();
  for (const [name, more] of Object.entries(doors)) {
    for (const [query, headers] of Object.entries(UNDOING)) {
      address += 1;
      const call = async (query, headers) => {
        const sent = { ...more, ...headers, 'x-forwarded-for': `203.0.113.${address}` };
        return (await exchange('POST', `${url}/rpc/${name}${query}`, sent, JSON.stringify(credentials))).status;
      };
      for (let attempt = 0; attempt < 3; attempt += 1) await call(query, headers);
      const plain = [];
      for (let attempt = 0; attempt < 4; attempt += 1) plain.push(await call('', {}));
      // Refused before the function ran is not counted, and no guess either.
      const ran = plain[0] === 429;
      assert.deepEqual(plain, ran ? [429, 429, 429, 429] : [401, 401, 401, 429], `${name}${query}`);
      if (ran) undone.add(`${name}${query}`);
    }
  }
  for (const one of ['sign_in_email?select=pgrst_scalar:pgrst_scalar-%3E%3Ecode::int', 'sign_in_email', 'better_auth_handler']) {
    assert.ok(undone.has(one), `${one} has called the function`);
  }
});

each('rate limits survive what they refuse', async (t, start) => {
  const { rpc, client } = await start({ settings: { rate_limit: 'on', rate_limit_storage: 'database' } });
  const answers = [];
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const answer = await rpc('sign_in_email', { email: freshEmail(), password: PASSWORD }, { headers: { 'x-forwarded-for': '203.0.113.9' } });
    answers.push(answer.status);
  }
  assert.deepEqual(answers, [401, 401, 401, 429, 429]);
  assert.equal(await client.value(`SELECT count FROM better_auth."rateLimit" WHERE key = '203.0.113.9|/sign-in/email'`), 3);
});

each('pre_request() turns away the token of a session that is gone', async (t, start) => {
  const { rpc, send, client, user } = await start({ preRequest: 'public.pre_request' });
  const { email, password, name } = newUser();
  const { json: { token: session_token } } = await rpc('sign_up_email', { email, password, name });
  const { token: jwt } = (await rpc('bridge_token', { session_token })).json;
  assert.equal((await send('GET', '/posts', { jwt })).status, 200);
  assert.equal((await rpc('get_session')).status, 200, 'without a token');
  const other = await client.value(
    `SELECT better_auth.sign_jwt(jsonb_build_object('role', $1::text, 'sub', 'someone', 'aud', 'insforge-api'))`, [user]);
  assert.equal((await send('GET', '/posts', { jwt: other })).status, 200, 'a token that is of no session');
  await rpc('sign_out', { session_token });
  const gone = await send('GET', '/posts', { jwt });
  assert.deepEqual([gone.status, gone.json.message], [401, 'Unauthorized']);
  // A client that sends it with everything can't even sign in, as with an expired one: it has to drop it.
  const late = await rpc('sign_in_email', { email, password }, { jwt });
  assert.deepEqual([late.status, late.json.code], [401, 'PT401']);
  assert.equal((await rpc('sign_in_email', { email, password })).status, 200);
});

test('the domain of better_auth_handler() runs nobody’s code, and goes when nobody needs it', async (t) => {
  const { client, anon, user } = await withPostgrest(t);
  const domains = `SELECT count(*)::int FROM pg_type WHERE typname = '*/*'`;
  const [enable, disable] = [`SELECT better_auth.enable_rpc('public', '${anon}', '${user}')`, 'SELECT better_auth.disable_rpc()'];
  assert.equal(await client.value(domains), 1);
  await client.query('CREATE TABLE public.kept (body "*/*")');
  await client.query(disable);
  assert.equal(await client.value(domains), 1);
  await client.query(enable);
  await client.query('DROP TABLE public.kept');
  await client.query(disable);
  assert.equal(await client.value(domains), 0);
  for (const [create, fine] of [
    ['CREATE DOMAIN "*/*" AS bytea', true],
    ['CREATE DOMAIN "*/*" AS text', false],
    ['CREATE DOMAIN "*/*" AS bytea NOT NULL', false],
    [`CREATE DOMAIN "*/*" AS bytea DEFAULT ''`, false],
    ['CREATE DOMAIN "*/*" AS bytea CHECK (length(value) < 9)', false],
    [`CREATE DOMAIN "*/*" AS bytea; ALTER DOMAIN "*/*" OWNER TO ${ident(user)}`, true],
  ]) {
    await client.query(create);
    if (fine) await client.query(enable);
    else await refused(client.query(enable), { code: '55000', message: /"\*\/\*" exists already and is not a plain domain/ });
    await client.query(disable);
    assert.equal(await client.value(domains), 1, 'it was there before');
    await client.query('DROP DOMAIN "*/*"');
  }
});

test('enable_rpc() and disable_rpc() can be run again, anywhere, and keep off what is not theirs', async (t) => {
  const { client, anon, user } = await withPostgrest(t);
  const functions = `SELECT count(*)::int FROM pg_proc WHERE pronamespace = $1::regnamespace AND proname NOT LIKE 'requesting\\_%'`;
  const enable = (schema) => client.query('SELECT better_auth.enable_rpc($1, $2, $3)', [schema, anon, user]);
  await enable('public');
  assert.equal(await client.value(functions, ['public']), 24);
  await client.query('CREATE SCHEMA "an Api"');
  await enable('an Api');
  assert.equal(await client.value(functions, ['"an Api"']), 24);
  assert.equal(await client.value(`SELECT has_function_privilege($1, '"an Api".sign_out(text)', 'EXECUTE')`, [anon]), true);
  assert.equal(await client.value(`SELECT count(*)::int FROM pg_proc p, aclexplode(p.proacl) a WHERE pronamespace = '"an Api"'::regnamespace AND a.grantee = 0`), 0);
  await client.query(`SELECT better_auth.disable_rpc('an Api')`);
  assert.equal(await client.value(functions, ['"an Api"']), 0);
  await client.query(`CREATE FUNCTION "an Api".sign_out(int) RETURNS int LANGUAGE sql AS 'SELECT 1'`);
  await refused(enable('an Api'), { code: '55000', message: /sign_out\(integer\) exists already/ });
  await client.query(`SELECT better_auth.disable_rpc('an Api')`);
  assert.equal(await client.value(functions, ['"an Api"']), 1);
  await refused(enable('nowhere'), { code: '55000', message: /schema "nowhere" does not exist/ });
  await refused(client.query(`SELECT better_auth.enable_rpc('public', 'nobody_at_all', '${user}')`), { code: '55000', message: /^role nobody_at_all does not exist; run: CREATE ROLE nobody_at_all NOLOGIN;$/ });
  await refused(client.query(`SELECT better_auth.enable_rpc('public', 'no body', 'nobody')`), {
    code: '55000',
    message: /^roles "no body", nobody do not exist; run: CREATE ROLE "no body" NOLOGIN; CREATE ROLE nobody NOLOGIN;$/,
  });
  for (const schema of ['better_auth', 'pg_catalog', 'information_schema']) {
    await refused(enable(schema), { code: '55000', message: /is not one for PostgREST to expose/ });
  }
  const nobody = await server.role(t, 'nobody');
  await client.query(`GRANT USAGE ON SCHEMA better_auth TO ${ident(nobody)}; GRANT EXECUTE ON FUNCTION better_auth.enable_rpc, better_auth.disable_rpc TO ${ident(nobody)}; SET ROLE ${ident(nobody)}`);
  await refused(enable('public'), { code: '42501' });
  await refused(client.query('SELECT better_auth.disable_rpc()'), { code: '42501' });
  await client.query(`RESET ROLE; REVOKE USAGE ON SCHEMA better_auth FROM ${ident(nobody)}`);
  await client.query(`
    CREATE OR REPLACE FUNCTION public.pre_request() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM public.session_is_live(); END $$`);
  await refused(enable('public'), { code: '55000', message: /pre_request\(\) exists already/ });
  await client.query(`SELECT better_auth.disable_rpc()`);
  assert.equal(await client.value(functions, ['public']), 1, 'what somebody made of it is theirs');
  await client.query('DROP FUNCTION public.pre_request()');
  await enable('public');
  await client.query('DROP POLICY own ON public.posts; ALTER TABLE public.posts ALTER user_id DROP DEFAULT; DROP EXTENSION better_auth');
  assert.equal(await client.value(functions, ['public']), 0);
});

each('an id token signs in, links and is refused', async (t, start) => {
  const { client, rpc } = await start();
  const google = new Provider();
  await client.query(`SELECT better_auth.set_oauth_provider('google', $1, $2)`, [CLIENT.id, CLIENT.secret]);
  const signIn = (id_token, more) => rpc('sign_in_social', { provider: 'google', id_token, ...more });
  const token = await google.mint('google', { claims: { nonce: 'of this sign-in' } });
  assert.deepEqual((await signIn(token)).json.code, 'INVALID_TOKEN', 'nobody has set the keys yet, and nobody fetches them');
  const { body } = await google.answer({ method: 'GET', url: 'https://www.googleapis.com/oauth2/v3/certs', headers: {} });
  await client.query(`SELECT better_auth.set_provider_keys('https://accounts.google.com', $1)`, [body]);
  const signedIn = await signIn(token, { nonce: 'of this sign-in' });
  assert.equal(signedIn.status, 200);
  assert.deepEqual([signedIn.json.redirect, signedIn.json.user.email], [false, google.person.email]);
  assert.match(signedIn.cookies[0], /^better-auth\.session_token=.*HttpOnly/);
  assert.equal((await signIn(token, { nonce: 'of another' })).json.code, 'INVALID_TOKEN');
  assert.deepEqual((await signIn(await google.mint('google', { claims: { aud: 'somebody-else' } }))).status, 401);
  const other = await signIn(token, { provider: 'github' });
  assert.deepEqual([other.status, other.json.code], [404, 'PROVIDER_NOT_FOUND']);
  assert.equal((await signIn(null)).status, 404, 'a way to the provider needs a layer');
  // Linked to somebody who came by password, by the session's token, and unlinked again.
  const { json: { token: session_token } } = await rpc('sign_up_email', { email: 'nobody@example.com', password: PASSWORD, name: 'N' });
  const taken = await rpc('link_social', { provider: 'google', id_token: token, session_token });
  assert.deepEqual([taken.status, taken.json.code], [409, 'SOCIAL_ACCOUNT_ALREADY_LINKED']);
  const mine = await google.mint('google', { claims: { sub: '77', email: 'nobody@example.com' } });
  assert.deepEqual((await rpc('link_social', { provider: 'google', id_token: mine, session_token })).json, { url: '', status: true, redirect: false });
  const accounts = (await rpc('list_accounts', { session_token })).json;
  assert.deepEqual(accounts.map(({ providerId }) => providerId).sort(), ['credential', 'google']);
  const { id: account_id } = accounts.find(({ providerId }) => providerId === 'google');
  assert.deepEqual((await rpc('unlink_account', { account_id, session_token })).json, { status: true });
});

each('a page of another site signs nobody in: PostgREST takes its form for JSON', async (t, start) => {
  const { client, exchangeForm, rpc } = await start();
  const google = new Provider();
  await client.query(`SELECT better_auth.set_oauth_provider('google', $1, $2)`, [CLIENT.id, CLIENT.secret]);
  const { body } = await google.answer({ method: 'GET', url: 'https://www.googleapis.com/oauth2/v3/certs', headers: {} });
  await client.query(`SELECT better_auth.set_provider_keys('https://accounts.google.com', $1)`, [body]);
  const args = { provider: 'google', id_token: await google.mint('google') };
  const evil = { origin: 'https://evil.example' };
  for (const headers of [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', ...evil }, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, evil, { referer: 'https://evil.example/' }]) {
    const refused = await exchangeForm('sign_in_social', args, headers);
    assert.deepEqual([refused.status, refused.cookies], [403, []], JSON.stringify(headers));
    const up = await exchangeForm('sign_up_email', { email: freshEmail(), password: PASSWORD, name: 'A' }, headers);
    assert.deepEqual([up.status, up.cookies], [403, []], JSON.stringify(headers));
  }
  assert.equal((await exchangeForm('sign_in_social', args, {})).status, 200, 'who is no browser sends none of these');
  assert.equal((await rpc('sign_in_social', args, { headers: evil })).status, 403);
});
