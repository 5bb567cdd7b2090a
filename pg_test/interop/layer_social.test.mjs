// Sign-in with a provider through the HTTP layers of examples/, as their users run them: a role that may execute handler()
// and resume(), one connection, and a provider on loopback.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import pg from 'pg';
import { createExtensionDatabase } from './lib.mjs';
import { CLIENT, PERSON, Provider } from './provider.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const provider = new Provider();
const ISSUER = await provider.listen();
process.env.FETCH_ALLOW = ISSUER; // the layers read it as they are loaded
const { authHandler } = await import('../../examples/http-layer/bridge.mjs');
const home = mkdtempSync(join(tmpdir(), 'nextjs-'));
cpSync(here('../../examples/http-layer/nextjs/src/lib'), home, { recursive: true });
writeFileSync(join(home, 'package.json'), '{"type": "module"}');
mkdirSync(join(home, 'node_modules'));
symlinkSync(here('../node_modules/pg'), join(home, 'node_modules/pg'));
const { handle } = await import(pathToFileURL(join(home, 'better-auth.js')).href);

const ROLE = `layer_${process.pid}`;
const OPTIONS = { discoveryUrl: `${ISSUER}/.well-known/openid-configuration`, scopes: ['email', 'profile'] };
let pool;
// In this order, as lib.mjs drops the database in between.
after(() => pool.end());
const database = await createExtensionDatabase();
after(async () => {
  await provider.close();
  rmSync(home, { recursive: true });
  const admin = new pg.Client();
  await admin.connect();
  await admin.query(`DROP ROLE ${ROLE}`);
  await admin.end();
});
await database.configure({ rate_limit: 'off' });
await database.sql(`
  CREATE ROLE ${ROLE} LOGIN;
  GRANT USAGE ON SCHEMA better_auth TO ${ROLE};
  GRANT EXECUTE ON FUNCTION better_auth.handler, better_auth.resume TO ${ROLE}`);
pool = new pg.Pool({ database: database.name, user: ROLE, max: 1 });

/**
 * The layer for Node. `send(method, url, options)` → `{status, location, cookies, body}`. `left()` waits until the layer knows
 * that a client has left, `idle()` until it works on nothing.
 */
async function node(t) {
  const working = [];
  const server = createServer((request, response) => {
    response.on('close', () => server.emit('left'));
    working.push(authHandler(pool, request, response));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const origin = `http://127.0.0.1:${server.address().port}`;
  return {
    origin,
    left: () => once(server, 'left'),
    idle: () => Promise.all(working),
    async send(method, url, { body, cookie, signal } = {}) {
      const headers = { origin, ...(body && { 'content-type': 'application/json' }), ...(cookie && { cookie }) };
      const outgoing = httpRequest(new URL(url, origin), { method, headers, agent: false, signal });
      outgoing.end(body && JSON.stringify(body));
      const [response] = await once(outgoing, 'response');
      const text = (await response.setEncoding('utf8').toArray()).join('');
      return { status: response.statusCode, location: response.headers.location, cookies: response.headers['set-cookie'] ?? [], body: text };
    },
  };
}

/** That for Next.js. */
function nextjs(t) {
  globalThis.betterAuthPool = pool;
  t.after(() => { delete globalThis.betterAuthPool; });
  const origin = 'http://localhost:3000';
  return {
    origin,
    left: async () => {}, // an abort is known at once
    idle: async () => {}, // send() ends no sooner
    async send(method, url, { body, cookie, signal } = {}) {
      const headers = { origin, host: 'localhost:3000', ...(body && { 'content-type': 'application/json' }), ...(cookie && { cookie }) };
      const response = await handle(new Request(new URL(url, origin), { method, headers, body: body && JSON.stringify(body), signal }));
      return { status: response.status, location: response.headers.get('location'), cookies: response.headers.getSetCookie(), body: await response.text() };
    },
  };
}

const cookieOf = ({ cookies }) => cookies.map((cookie) => cookie.split(';')[0]).filter((cookie) => !cookie.endsWith('=')).join('; ');

async function begin() {
  provider.reset();
  await database.sql('DELETE FROM "user"; DELETE FROM verification; DELETE FROM better_auth.provider_key');
  await database.sql('SELECT better_auth.set_oauth_provider($1, $2, $3, $4)', ['example', CLIENT.id, CLIENT.secret, JSON.stringify(OPTIONS)]);
}

for (const [name, layer] of Object.entries({ node, nextjs })) {
  describe(name, () => {
    beforeEach(begin);

    /** A browser that has been to the provider: where it is sent back to, and its cookies. */
    async function been(at) {
      const begun = await at.send('POST', '/api/auth/sign-in/social', { body: { provider: 'example', callbackURL: '/welcome', errorCallbackURL: '/oops' } });
      assert.equal(begun.status, 200, begun.body);
      const { url } = JSON.parse(begun.body);
      assert.ok(url.startsWith(`${ISSUER}/authorize?`), url);
      const { headers } = await fetch(url, { redirect: 'manual' });
      const back = new URL(headers.get('location'));
      assert.equal(`${back.origin}${back.pathname}`, `${at.origin}/api/auth/callback/example`);
      return [`${back.pathname}${back.search}`, cookieOf(begun)];
    }

    test('from the beginning to the session, and to a renewed token', async (t) => {
      const at = await layer(t);
      const [url, cookie] = await been(at);
      const done = await at.send('GET', url, { cookie });
      assert.deepEqual([done.status, done.location], [302, '/welcome']);
      assert.deepEqual(provider.asked.map(({ endpoint }) => endpoint), ['discovery', 'token', 'jwks']);
      const session = JSON.parse((await at.send('GET', '/api/auth/get-session', { cookie: cookieOf(done) })).body);
      assert.deepEqual([session.user.email, session.user.name, session.user.emailVerified], [PERSON.email, PERSON.name, true]);
      const accountId = await database.value(`UPDATE account SET "accessTokenExpiresAt" = now() RETURNING id`);
      const token = await at.send('POST', '/api/auth/get-access-token', { body: { accountId }, cookie: cookieOf(done) });
      assert.equal(JSON.parse(token.body).accessToken, 'example-access-4');
      assert.equal((await at.send('GET', url, { cookie })).location, `${at.origin}/api/auth/error?error=state_mismatch`);
    });

    test('others use the connection while the provider thinks', async (t) => {
      const at = await layer(t);
      const [url, cookie] = await been(at);
      let others;
      provider.tells('token', async (answer) => {
        others = await at.send('GET', '/api/auth/ok');
        return answer;
      });
      assert.equal((await at.send('GET', url, { cookie })).location, '/welcome');
      assert.equal(others.status, 200);
    });

    // What is no JSON is no tokens: nobody is found.
    const failures = { 'cut off': 'invalid_code', oversize: 'invalid_code', redirect: 'invalid_code', html: 'unable_to_get_user_info', empty: 'unable_to_get_user_info' };
    for (const [answer, error] of Object.entries(failures)) {
      test(`the provider's answer: ${answer}`, async (t) => {
        const at = await layer(t);
        const [url, cookie] = await been(at);
        provider.tells('token', answer);
        assert.equal((await at.send('GET', url, { cookie })).location, `/oops?error=${error}`);
        assert.equal(await database.value('SELECT count(*)::int FROM "user"'), 0);
      });
    }

    test('five times at once, one gets in', async (t) => {
      const at = await layer(t);
      const [url, cookie] = await been(at);
      const answers = await Promise.all(Array.from({ length: 5 }, () => at.send('GET', url, { cookie })));
      const refused = `${at.origin}/api/auth/error?error=state_mismatch`;
      assert.deepEqual(answers.map(({ location }) => location).sort(), ['/welcome', ...Array(4).fill(refused)].sort());
      assert.equal(await database.value('SELECT count(*)::int FROM session'), 1);
    });

    /** Somebody asks, and has left when the endpoint answers. */
    async function leave(at, endpoint, method, url, options) {
      const leaving = new AbortController();
      provider.tells(endpoint, async (right) => {
        const left = at.left();
        leaving.abort();
        await left;
        return right;
      });
      const sent = await at.send(method, url, { ...options, signal: leaving.signal }).catch((error) => error);
      assert.ok(leaving.signal.aborted);
      assert.ok(sent instanceof Error || name === 'nextjs', sent.body);
      await at.idle();
      provider.tells(endpoint, (right) => right);
    }

    test('who leaves has begun it: the keys are stored, and a new refresh token too', async (t) => {
      const at = await layer(t);
      const [url, cookie] = await been(at);
      await leave(at, 'jwks', 'GET', url, { cookie });
      assert.deepEqual(provider.asked.map(({ endpoint }) => endpoint), ['discovery', 'token', 'jwks']);
      assert.equal(await database.value('SELECT count(*)::int FROM session'), 1);
      const [again, its] = await been(at);
      const done = await at.send('GET', again, { cookie: its });
      assert.equal(done.location, '/welcome');
      assert.deepEqual(provider.asked.slice(3).map(({ endpoint }) => endpoint), ['token']);
      const renewed = async () => {
        const accountId = await database.value(`UPDATE account SET "accessTokenExpiresAt" = now() RETURNING id`);
        return ['POST', '/api/auth/get-access-token', { body: { accountId }, cookie: cookieOf(done) }];
      };
      await leave(at, 'token', ...await renewed());
      assert.equal((await at.send(...await renewed())).status, 200);
      const [first, second] = provider.asked.slice(-2).map(({ form }) => form.refresh_token);
      assert.match(first, /^example-refresh-\d+$/);
      assert.match(second, /^example-refresh-\d+$/);
      assert.notEqual(first, second); // the one that nobody has waited for
    });

    test('a role without resume() has no provider', async (t) => {
      const at = await layer(t);
      await database.sql(`REVOKE EXECUTE ON FUNCTION better_auth.resume FROM ${ROLE}`);
      t.after(() => database.sql(`GRANT EXECUTE ON FUNCTION better_auth.resume TO ${ROLE}`));
      const { status, body } = await at.send('POST', '/api/auth/sign-in/social', { body: { provider: 'example' } });
      assert.deepEqual([status, JSON.parse(body).code, provider.asked], [404, 'PROVIDER_NOT_FOUND', []]);
    });
  });
}

test('server.mjs: SIGTERM doesn’t cut off what a client that has left has begun', async (t) => {
  await begin();
  const env = { ...process.env, PGDATABASE: database.name, PGUSER: ROLE, PORT: '0', FETCH_ALLOW: ISSUER };
  const child = spawn(process.execPath, [here('../../examples/http-layer/server.mjs')], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  const [origin] = /http:\S+/.exec(line);
  const body = JSON.stringify({ provider: 'example', callbackURL: '/welcome' });
  const begun = await fetch(`${origin}/api/auth/sign-in/social`, { method: 'POST', headers: { origin, 'content-type': 'application/json' }, body });
  const { headers } = await fetch((await begun.json()).url, { redirect: 'manual' });
  const cookie = cookieOf({ cookies: begun.headers.getSetCookie() });
  const outgoing = httpRequest(headers.get('location'), { headers: { cookie }, agent: false });
  const isOpen = () => fetch(`${origin}/nowhere`).then(() => true, () => false);
  provider.tells('token', async (right) => {
    outgoing.destroy();
    child.kill('SIGTERM');
    while (await isOpen());
    return right;
  });
  await assert.rejects(once(outgoing.end(), 'response'), { code: 'ECONNRESET' });
  assert.deepEqual(await ended, [0, null]);
  assert.equal(await database.value('SELECT count(*)::int FROM session'), 1);
});
