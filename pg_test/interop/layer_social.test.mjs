// Sign-in with a provider through the HTTP layers of examples/, as their users run them: a role that may execute handler()
// and resume(), one connection, and a provider on loopback.

import assert from 'node:assert/strict';
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

/** The layer for Node. `send(method, url, options)` → `{status, location, cookies, body}`. */
async function node(t) {
  const server = createServer((request, response) => authHandler(pool, request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const origin = `http://127.0.0.1:${server.address().port}`;
  return {
    origin,
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
    async send(method, url, { body, cookie, signal } = {}) {
      const headers = { origin, host: 'localhost:3000', ...(body && { 'content-type': 'application/json' }), ...(cookie && { cookie }) };
      const response = await handle(new Request(new URL(url, origin), { method, headers, body: body && JSON.stringify(body), signal }));
      return { status: response.status, location: response.headers.get('location'), cookies: response.headers.getSetCookie(), body: await response.text() };
    },
  };
}

const cookieOf = ({ cookies }) => cookies.map((cookie) => cookie.split(';')[0]).filter((cookie) => !cookie.endsWith('=')).join('; ');

for (const [name, layer] of Object.entries({ node, nextjs })) {
  describe(name, () => {
    beforeEach(async () => {
      provider.reset();
      await database.sql('DELETE FROM "user"; DELETE FROM verification; DELETE FROM better_auth.provider_key');
      await database.sql('SELECT better_auth.set_oauth_provider($1, $2, $3, $4)', ['example', CLIENT.id, CLIENT.secret, JSON.stringify(OPTIONS)]);
    });

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

    test('who leaves is nobody', async (t) => {
      const at = await layer(t);
      const [url, cookie] = await been(at);
      const leaving = new AbortController();
      const asked = new Promise((resolve) => { provider.tells('token', (right) => { resolve(); leaving.abort(); return right; }); });
      const left = await at.send('GET', url, { cookie, signal: leaving.signal }).catch((error) => error);
      await asked;
      assert.ok(left instanceof Error || left.status === 499);
      // The one connection comes to this request after whatever else would want it.
      assert.equal((await at.send('GET', '/api/auth/ok')).status, 200);
      assert.equal(await database.value('SELECT count(*)::int FROM "user"'), 0);
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
