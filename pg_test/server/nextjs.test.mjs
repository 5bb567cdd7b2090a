// examples/http-layer/nextjs: its files, called with requests as Next.js calls them.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createAuthClient } from 'better-auth/client';
import { insforgeApi, postgrest } from './insforge.mjs';
import { PASSWORD, cleanup, directory, freshEmail, refused, server, until } from './lib.mjs';

const SOURCE = fileURLToPath(new URL('../../examples/http-layer/nextjs/src', import.meta.url));
const MODULES = fileURLToPath(new URL('../node_modules', import.meta.url));
const ORIGIN = 'http://localhost:3000';
const MIB = 1 << 20;

const urlOf = (database, role, port = server.port) =>
  `postgres://${role}@${encodeURIComponent(server.host)}:${port}/${database.name}`;

/**
 * The application: a copy of the files, because Node doesn't know TypeScript's extension (they have no types in them)
 * nor the alias `@`. What is of Next.js itself is `headers()` alone.
 */
async function application(t) {
  const home = directory(t);
  cpSync(SOURCE, join(home, 'src'), { recursive: true });
  writeFileSync(join(home, 'package.json'), '{"type": "module"}');
  mkdirSync(join(home, 'node_modules', 'next'), { recursive: true });
  for (const name of ['pg', '@insforge']) symlinkSync(join(MODULES, name), join(home, 'node_modules', name));
  writeFileSync(join(home, 'node_modules', 'next', 'package.json'), '{"type": "module", "exports": {"./headers": "./headers.js"}}');
  writeFileSync(join(home, 'node_modules', 'next', 'headers.js'), 'export const headers = async () => globalThis.headersOfTheRequest;');
  const library = pathToFileURL(join(home, 'src/lib/better-auth.js')).href;
  for (const name of readdirSync(join(home, 'src'), { recursive: true }).filter((one) => one.endsWith('.ts'))) {
    const path = join(home, 'src', name);
    const text = readFileSync(path, 'utf8').replace(/'(@\/lib|\.)\/better-auth'/, `'${library}'`);
    assert.ok(text.includes(library), name);
    writeFileSync(path, text);
    renameSync(path, path.replace(/ts$/, 'js'));
  }
  const load = (path) => import(pathToFileURL(join(home, 'src', path)).href);
  const [auth, bridge] = [await load('app/api/auth/[...all]/route.js'), await load('app/api/insforge-token/route.js')];
  return { load, library, lib: await load('lib/better-auth.js'), auth, bridge };
}

/** The application and its database; what it logs is kept in `log`. */
async function start(t, { port } = {}) {
  const role = await server.role(t, 'web');
  const { database, client } = await server.database(t);
  await client.query(`GRANT USAGE ON SCHEMA better_auth TO ${role}; GRANT EXECUTE ON FUNCTION better_auth.handler TO ${role}`);
  await client.query(`ALTER DATABASE ${database.name} SET better_auth.base_url = '${ORIGIN}'`);
  // Shows which requests came as far as the database, and makes them wait.
  await client.query(`ALTER DATABASE ${database.name} SET better_auth.rate_limit_storage = 'database'`);
  process.env.BETTER_AUTH_DATABASE_URL = urlOf(database, role, port);
  cleanup(t, async () => {
    await globalThis.betterAuthPool?.end();
    delete globalThis.betterAuthPool;
    delete process.env.BETTER_AUTH_DATABASE_URL;
  });
  const log = [];
  t.mock.method(console, 'error', (line) => log.push(line));
  const app = await application(t);
  let count = 0;
  const send = (method, path, { body, cookie, headers = {}, ...more } = {}) => {
    const all = { origin: ORIGIN, 'x-forwarded-for': `10.0.${count >> 8}.${count++ & 255}`, ...headers };
    if (cookie) all.cookie = cookie;
    if (body !== undefined) all['content-type'] ??= 'application/json';
    const text = typeof body === 'object' && Object.getPrototypeOf(body) === Object.prototype ? JSON.stringify(body) : body;
    const route = path === '/api/insforge-token' ? app.bridge : app.auth;
    return route[method](new Request(`${ORIGIN}${path}`, { method, headers: all, body: text, ...more }));
  };
  /** Somebody new: `{email, token, cookie}`. */
  const signUp = async () => {
    const email = freshEmail();
    const response = await send('POST', '/api/auth/sign-up/email', { body: { email, password: PASSWORD, name: 'Ada' } });
    assert.equal(response.status, 200);
    return { email, token: (await response.json()).token, cookie: cookieOf(response) };
  };
  return { ...app, client, database, role, log, send, signUp };
}

const cookieOf = (response) => response.headers.getSetCookie().map((one) => one.split(';')[0]).join('; ');
const cut = (bytes, length) =>
  Array.from({ length: Math.ceil(bytes.length / length) }, (_, index) => bytes.subarray(index * length, (index + 1) * length));
const streamOf = (chunks) => ({ body: ReadableStream.from(chunks), duplex: 'half' });

describe('the routes', () => {
  test("with Better Auth's own client: sign-up, session, wrong password, sign-out", async (t) => {
    const { auth, log } = await start(t);
    let cookie = '';
    const customFetchImpl = async (url, init) => {
      const headers = new Headers(init.headers);
      headers.set('origin', ORIGIN);
      headers.set('cookie', cookie);
      const response = await auth[init.method](new Request(url, { ...init, headers }));
      if (response.headers.getSetCookie().length > 0) cookie = cookieOf(response);
      return response;
    };
    const client = createAuthClient({ baseURL: ORIGIN, fetchOptions: { customFetchImpl } });
    const email = freshEmail();
    const { data: up } = await client.signUp.email({ email, password: PASSWORD, name: 'Ada' });
    assert.equal(up.user.email, email);
    assert.equal((await client.getSession()).data.user.id, up.user.id);
    const { error } = await client.signIn.email({ email, password: 'wrong password' });
    assert.deepEqual([error.status, error.code], [401, 'INVALID_EMAIL_OR_PASSWORD']);
    assert.deepEqual((await client.signOut()).data, { success: true });
    assert.equal((await client.getSession()).data, null);
    assert.deepEqual(log, []);
  });

  test('headers come through as they are, and cookies stay several', async (t) => {
    const { send, signUp } = await start(t);
    const { cookie } = await signUp();
    const token = await send('GET', '/api/insforge-token', { cookie });
    assert.deepEqual(
      [token.status, token.headers.get('content-type'), token.headers.get('cache-control'), Object.keys(await token.json())],
      [200, 'application/json', 'no-store', ['token']],
    );
    const list = await send('GET', '/api/auth/list-sessions', { cookie }); // with their tokens
    assert.deepEqual([list.status, list.headers.get('cache-control')], [200, 'no-store']);
    const out = await send('POST', '/api/auth/sign-out', { cookie });
    const names = out.headers.getSetCookie().map((one) => one.split('=')[0]);
    assert.deepEqual(names, ['better-auth.session_token', 'better-auth.session_data', 'better-auth.dont_remember']);
    const none = await send('GET', '/api/insforge-token', { cookie });
    assert.deepEqual([none.status, await none.text()], [401, '{"error":"not signed in"}']);
  });

  test('every method reaches the handler', async (t) => {
    const { auth, bridge, send } = await start(t);
    for (const route of [auth, bridge]) {
      assert.deepEqual([route.runtime, route.dynamic], ['nodejs', 'force-dynamic']);
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        const path = route === bridge ? '/api/insforge-token' : '/api/auth/ok';
        const response = await send(method, path);
        const expected = route === bridge ? { GET: 401, HEAD: 401, otherwise: 405 } : { GET: 200, otherwise: 404 };
        assert.equal(response.status, expected[method] ?? expected.otherwise, `${method} ${path}`);
        if (method === 'HEAD') assert.equal(await response.text(), '');
      }
    }
  });

  test("the client's address and the query come through", async (t) => {
    const { client, send } = await start(t);
    const body = { email: freshEmail(), password: PASSWORD, name: 'Ada' };
    const response = await send('POST', '/api/auth/sign-up/email', { body, headers: { 'x-forwarded-for': '203.0.113.7' } });
    assert.equal(await client.value('SELECT "ipAddress" FROM better_auth.session'), '203.0.113.7');
    await client.query(`UPDATE better_auth.session SET "expiresAt" = now() + interval '2 days'`);
    const expiry = () => client.value(`SELECT "expiresAt" < now() + interval '3 days' FROM better_auth.session`);
    await send('GET', '/api/auth/get-session?disableRefresh=true', { cookie: cookieOf(response) });
    assert.equal(await expiry(), true);
    await send('GET', '/api/auth/get-session', { cookie: cookieOf(response) });
    assert.equal(await expiry(), false);
  });
});

describe('bodies', () => {
  const text = (length) => Buffer.from(JSON.stringify({ email: 'a@example.com', password: 'x'.repeat(length) }));

  test('more than 1 MiB is 413, and no more of it is read', async (t) => {
    const { client, send } = await start(t);
    const path = '/api/auth/sign-in/email';
    let given = 0;
    const pull = (controller) => {
      given += 1;
      controller.enqueue(new Uint8Array(65_536).fill(97));
    };
    const endless = () => ({ body: new ReadableStream({ pull }, { highWaterMark: 0 }), duplex: 'half' });
    const headers = { 'content-length': String(MIB + 1) };
    assert.equal((await send('POST', path, { ...endless(), headers })).status, 413);
    assert.equal(given, 0);
    assert.equal((await send('POST', path, endless())).status, 413);
    assert.ok(given < 20, `${given} chunks of 64 KiB were read`);
    assert.equal(await client.value('SELECT count(*)::int FROM better_auth."rateLimit"'), 0);
    const full = text(MIB - text(0).length);
    assert.equal(full.length, MIB);
    assert.equal((await send('POST', path, streamOf(cut(full, 100_000)))).status, 400); // the password is too long
    assert.equal(await client.value('SELECT count(*)::int FROM better_auth."rateLimit"'), 1);
  });

  test('NUL and what is no UTF-8 is 400; characters may be cut by chunks', async (t) => {
    const { client, log, send } = await start(t);
    const path = '/api/auth/sign-up/email';
    for (const bytes of ['{"a":"\0"}', [123, 34, 255, 34, 125], [123, 34, 0xc3], [0xed, 0xa0, 0x80]]) {
      const response = await send('POST', path, streamOf([Buffer.from(bytes)]));
      assert.deepEqual([response.status, await response.text()], [400, ''], String(bytes));
    }
    assert.equal(await client.value('SELECT count(*)::int FROM better_auth."rateLimit"'), 0);
    const body = Buffer.from(JSON.stringify({ email: freshEmail(), password: PASSWORD, name: 'Ädä 😀' }));
    const response = await send('POST', path, streamOf(cut(body, 1)));
    assert.equal((await response.json()).user.name, 'Ädä 😀');
    assert.deepEqual(log, []);
  });

  test('of a client that leaves halfway, nothing is done', async (t) => {
    const { client, log, send } = await start(t);
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) }, { highWaterMark: 0 });
    assert.equal((await send('POST', '/api/auth/sign-up/email', { body: broken, duplex: 'half' })).status, 400);
    assert.equal(await client.value('SELECT count(*)::int FROM better_auth."rateLimit"'), 0);
    assert.deepEqual(log, []);
  });
});

describe('many bodies at a time', () => {
  test('hold 64 MiB at most, and become JSON one by one', async (t) => {
    const { client, database, role, send } = await start(t);
    assert.equal((await send('GET', '/api/auth/ok')).status, 200);
    Object.assign(globalThis.betterAuthPool.options, { connectionTimeoutMillis: 0, query_timeout: 0 }); // for slow machines
    const locker = await database.connect();
    cleanup(t, () => locker.query('ROLLBACK')); // a failure would wait for the requests otherwise
    await locker.query('BEGIN; LOCK TABLE better_auth."rateLimit"');
    const stringify = t.mock.method(JSON, 'stringify');
    const made = () => stringify.mock.calls.filter(({ arguments: [value] }) => value?.body?.length === MIB).length;
    const escaped = Buffer.alloc(MIB, 1); // six times as long in JSON
    const statuses = [];
    const flood = Array.from({ length: 100 }, async () => {
      const { status, headers } = await send('POST', '/api/auth/sign-in/email', { body: escaped });
      statuses.push(status);
      if (status === 503) assert.equal(headers.get('retry-after'), '1');
    });
    const waiting = `SELECT count(*)::int FROM pg_stat_activity WHERE usename = '${role}' AND wait_event_type = 'Lock'`;
    await until(async () => (await client.value(waiting)) === 10 && statuses.length >= 100 - 63, 'the others wait, or are refused');
    assert.deepEqual([...new Set(statuses)], [503]);
    assert.equal(made(), 10); // one for each connection
    await locker.query('ROLLBACK');
    await Promise.all(flood);
    assert.ok(made() >= 60, `${made()} were let through`);
    assert.equal(statuses.filter((status) => status === 400).length, made());
    for (let count = 0; count < 5; count += 1) { // nothing is held any more
      assert.equal((await send('POST', '/api/auth/sign-in/email', { body: escaped })).status, 400);
    }
  });
});

describe('the database', () => {
  test('out of reach: 503, and the reason in the log', async (t) => {
    const { lib, log, send } = await start(t, { port: 1 });
    const response = await send('GET', '/api/auth/get-session');
    assert.deepEqual([response.status, response.headers.get('retry-after'), response.headers.get('cache-control')], [503, '1', 'no-store']);
    assert.match(log.join('\n'), /^better_auth: answered 503: (ECONNREFUSED|ENOENT)$/);
    await assert.rejects(lib.getSession(new Headers()), { status: 503 });
  });

  test('connections that are lost: idle ones are replaced, and a request that runs on one is 500', async (t) => {
    const { client, database, log, role, send, signUp } = await start(t);
    const { email } = await signUp();
    const others = `FROM pg_stat_activity WHERE usename = '${role}'`;
    await client.query(`SELECT pg_terminate_backend(pid) ${others}`);
    await until(() => log.length > 0, 'the loss is noticed');
    assert.deepEqual(log.splice(0), ['better_auth: lost an idle connection: 57P01']);
    assert.equal((await send('GET', '/api/auth/ok')).status, 200);

    const locker = await database.connect();
    await locker.query('BEGIN; LOCK TABLE better_auth."user"');
    const pending = send('POST', '/api/auth/sign-in/email', { body: { email, password: PASSWORD } });
    await until(async () => (await client.column(`SELECT pid ${others} AND wait_event_type = 'Lock'`)).length > 0, 'it waits');
    await client.query(`SELECT pg_terminate_backend(pid) ${others}`);
    const response = await pending;
    assert.deepEqual([response.status, await response.text()], [500, '']);
    assert.deepEqual(log.splice(0), ['better_auth: answered 500: 57P01']);
    await locker.query('ROLLBACK');
    assert.equal((await send('POST', '/api/auth/sign-in/email', { body: { email, password: PASSWORD } })).status, 200);
  });

  test('more requests than connections wait for each other', async (t) => {
    const { client, database, role, send } = await start(t);
    const locker = await database.connect();
    await locker.query('BEGIN; LOCK TABLE better_auth."rateLimit"');
    const pending = Array.from({ length: 30 }, () => send('GET', '/api/auth/ok'));
    const waiting = `SELECT count(*)::int FROM pg_stat_activity WHERE usename = '${role}' AND wait_event_type = 'Lock'`;
    await until(async () => (await client.value(waiting)) === 10, 'ten wait for the lock');
    assert.equal(globalThis.betterAuthPool.waitingCount, 20);
    await locker.query('ROLLBACK');
    assert.deepEqual((await Promise.all(pending)).map(({ status }) => status), Array(30).fill(200));
  });

  test('a role without rights, and no URL: 500, and the reason in the log without what was sent', async (t) => {
    const { client, log, role, send } = await start(t);
    await client.query(`REVOKE EXECUTE ON FUNCTION better_auth.handler FROM ${role}`);
    const body = { email: freshEmail(), password: PASSWORD };
    assert.equal((await send('POST', '/api/auth/sign-in/email', { body })).status, 500);
    assert.deepEqual(log.splice(0), ['better_auth: answered 500: 42501']);
    await globalThis.betterAuthPool.end();
    delete globalThis.betterAuthPool;
    delete process.env.BETTER_AUTH_DATABASE_URL;
    assert.equal((await send('GET', '/api/auth/ok')).status, 500);
    assert.match(log.join('\n'), /BETTER_AUTH_DATABASE_URL is not set: /);
  });

  test('one pool, whatever is loaded anew', async (t) => {
    const { lib, library, send } = await start(t);
    await send('GET', '/api/auth/ok');
    const pool = globalThis.betterAuthPool;
    const again = await import(`${library}?again`);
    assert.notEqual(again.handle, lib.handle);
    assert.equal((await again.handle(new Request(`${ORIGIN}/api/auth/ok`))).status, 200);
    assert.equal(globalThis.betterAuthPool, pool);
    assert.equal(pool.totalCount, 1);
  });
});

describe('server components', () => {
  test('getSession(): who is signed in; it prolongs nothing, and a refusal is an error', async (t) => {
    const { client, database, lib, signUp } = await start(t);
    const { email, token, cookie } = await signUp();
    assert.equal(await lib.getSession(new Headers()), null);
    await client.query(`UPDATE better_auth.session SET "expiresAt" = now() + interval '2 days'`);
    const before = await client.value('SELECT session::text FROM better_auth.session');
    const found = await lib.getSession(new Headers({ cookie }));
    assert.deepEqual([found.user.email, found.session.token], [email, token]);
    assert.equal(await client.value('SELECT session::text FROM better_auth.session'), before);
    await client.query(`ALTER DATABASE ${database.name} SET better_auth.rate_limit_rules = '/get-session=10/1'`);
    await globalThis.betterAuthPool.end();
    delete globalThis.betterAuthPool;
    const headers = new Headers({ cookie, 'x-forwarded-for': '203.0.113.8' });
    await lib.getSession(headers);
    await assert.rejects(lib.getSession(headers), /get-session\?disableRefresh=true answered 429$/);
  });

  test('createInsForgeClient(): a table through the SDK, as the user', async (t) => {
    const [anon, user] = [await server.role(t, 'anon'), await server.role(t, 'user')];
    const { client, load, signUp, database } = await start(t);
    const secret = 'the jwt secret of InsForge and of ours';
    await client.query(`SELECT better_auth.set_secret('jwt', $1)`, [secret]);
    await client.query(`ALTER DATABASE ${database.name} SET better_auth.jwt_role = '${user}'`);
    await client.query(`
      CREATE TABLE public.posts (user_id text NOT NULL DEFAULT public.requesting_user_id(), title text);
      ALTER TABLE public.posts ENABLE ROW LEVEL SECURITY;
      CREATE POLICY own ON public.posts TO ${user} USING (user_id = public.requesting_user_id());
      GRANT SELECT, INSERT ON public.posts TO ${user}`);
    const ask = await postgrest(t, server, database, { anonRole: anon, jwtSecret: secret });
    process.env.NEXT_PUBLIC_INSFORGE_BASE_URL = await insforgeApi(t, ask, { jwtSecret: secret, anonRole: anon });
    cleanup(t, () => { delete process.env.NEXT_PUBLIC_INSFORGE_BASE_URL; });

    const { createInsForgeClient } = await load('lib/insforge.server.js');
    const as = (cookie) => { globalThis.headersOfTheRequest = new Headers({ cookie }); return createInsForgeClient(); };
    assert.equal(await as(''), null);
    const [ada, eve] = [await as((await signUp()).cookie), await as((await signUp()).cookie)];
    assert.equal((await ada.database.from('posts').insert({ title: 'Mine' })).error, null);
    assert.deepEqual((await ada.database.from('posts').select('*')).data.map(({ title }) => title), ['Mine']);
    assert.deepEqual((await eve.database.from('posts').select('*')).data, []);
  });

  test('serverMailer(): with the token of a mailer, if it was granted', async (t) => {
    const { client, load, role } = await start(t);
    const { serverMailer } = await load('lib/insforge-server-mailer.js');
    await refused(serverMailer(), { code: '3F000' });
    await client.query(`
      CREATE SCHEMA app;
      CREATE FUNCTION app.mail_token() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
          AS 'SELECT better_auth.service_token()';
      REVOKE EXECUTE ON FUNCTION app.mail_token FROM PUBLIC;
      GRANT USAGE ON SCHEMA app TO ${role}`);
    await refused(serverMailer(), { code: '42501' });
    await client.query(`GRANT EXECUTE ON FUNCTION app.mail_token TO ${role}`);
    const [, token] = (await serverMailer()).getHttpClient().getHeaders().Authorization.split(' ');
    assert.equal((await client.call('verify_jwt', { token })).sub, 'better-auth-service');
  });
});
