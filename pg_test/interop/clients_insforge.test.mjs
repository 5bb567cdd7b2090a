// @insforge/sdk, as it comes from npm, with tokens from the bridge route, against PostgREST as InsForge's backend
// routes it: /api/database/records/<table> and /api/database/rpc/<function>.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { createClient } from '@insforge/sdk';
import jsonwebtoken from 'jsonwebtoken';
import { startStandIn } from '../postgrest/stand-in.mjs';
import { PASSWORD, cleanup, freshEmail, ident } from '../server/lib.mjs';
import { JWT_SECRET, WAYS, site } from './clients.mjs';

process.env.NODE_ENV = 'production'; // Better Auth reads it when it is imported
const { createAuthClient } = await import('better-auth/client');

const ANON_KEY = 'anon_key_of_the_project';

/** What InsForge's backend makes of a request's Authorization. Its older versions pass tokens of users on. */
const passesOn = (authorization, anonToken) =>
  authorization === `Bearer ${ANON_KEY}` ? anonToken : authorization.slice(7);

/** Its newer ones verify them, and send one of their own, of which nothing is left but subject, email and role. */
function replaces(authorization, anonToken) {
  if (authorization === `Bearer ${ANON_KEY}`) return anonToken;
  const { sub, email, role } = jsonwebtoken.verify(authorization.slice(7), JWT_SECRET, { algorithms: ['HS256'] });
  return jsonwebtoken.sign({ sub, email, role }, JWT_SECRET, { algorithm: 'HS256', expiresIn: '5m' });
}

const BACKENDS = { 'a backend that passes tokens on': passesOn, 'a backend that replaces tokens': replaces };

/** InsForge's backend, as far as the database goes; it knows no sessions of its own, so there is nothing to refresh. */
async function startBackend(t, postgrest, anon, tokenFor) {
  const anonToken = jsonwebtoken.sign({ role: anon }, JWT_SECRET);
  const asked = [];
  const server = createServer(async (request, response) => {
    asked.push(`${request.method} ${request.url.split('?')[0]}`);
    const answer = (status, body, headers = {}) =>
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
    const unauthorized = () =>
      answer(401, JSON.stringify({ error: 'AUTH_UNAUTHORIZED', message: 'Invalid token', statusCode: 401 }));
    const [, kind, rest] = /^\/api\/database\/(records|rpc)\/(.+)$/.exec(request.url) ?? [];
    if (!kind) return unauthorized();
    const { host, 'content-length': length, connection, ...headers } = request.headers;
    try {
      headers.authorization = `Bearer ${tokenFor(headers.authorization, anonToken)}`;
    } catch {
      return unauthorized();
    }
    const body = ['GET', 'HEAD'].includes(request.method) ? undefined : await buffer(request);
    const forwarded = await fetch(`${postgrest.url}/${kind === 'rpc' ? 'rpc/' : ''}${rest}`, {
      method: request.method,
      headers,
      body,
    });
    const range = forwarded.headers.get('content-range');
    answer(
      forwarded.status,
      (await forwarded.text()) || (kind === 'rpc' ? 'null' : '[]'),
      range ? { 'content-range': range } : {},
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup(
    t,
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(resolve);
      }),
  );
  return { url: `http://127.0.0.1:${server.address().port}`, asked };
}

const POSTS = (user) => `
  CREATE TABLE public.posts (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text,
    user_id text NOT NULL DEFAULT public.requesting_user_id() REFERENCES better_auth."user" (id) ON DELETE CASCADE);
  ALTER TABLE public.posts ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own_posts ON public.posts TO ${ident(user)}
    USING (user_id = public.requesting_user_id()) WITH CHECK (user_id = public.requesting_user_id());
  GRANT SELECT, INSERT, UPDATE, DELETE ON public.posts TO ${ident(user)};
  CREATE FUNCTION public.who_asks() RETURNS text LANGUAGE sql STABLE AS 'SELECT public.requesting_user_id()'`;

/** The application, and InsForge's backend in front of its database. */
async function serving(t, tokenFor) {
  const app = await site(t, WAYS['the HTTP layer'], { sql: POSTS });
  const postgrest = await startStandIn({
    connection: { database: app.database.name },
    anonRole: app.anon,
    jwtSecret: JWT_SECRET,
    preRequest: 'public.pre_request',
    version: 12, // what InsForge runs; its SDK renews a token at PGRST301, which is PGRST303 from 13 on
  });
  cleanup(t, () => postgrest.stop());
  const backend = await startBackend(t, postgrest, app.anon, tokenFor);
  const open = (config) => createClient({ baseUrl: backend.url, anonKey: ANON_KEY, ...config });
  return { ...app, backend, open };
}

/** A page of the scaffold: somebody signed in, and the long-lived client that gets the bridge route's token. */
async function page(app) {
  const browser = app.browser();
  const auth = createAuthClient({ baseURL: app.url, fetchOptions: { customFetchImpl: browser.fetch } });
  const {
    data: { user },
  } = await auth.signUp.email({ email: freshEmail(), password: PASSWORD, name: 'Ada' });
  const insforge = app.open();
  const bridge = async () => {
    const response = await browser.fetch('/api/insforge-token', { credentials: 'same-origin' });
    return response.ok ? (await response.json()).token : null;
  };
  const renew = async () => insforge.setAccessToken(await bridge());
  await renew();
  return { auth, user, insforge, bridge, renew, posts: () => insforge.database.from('posts') };
}

/** The data of an answer that has to be no error. */
async function done(call) {
  const { data, error } = await call;
  assert.equal(error, null, JSON.stringify(error));
  return data;
}

for (const [name, tokenFor] of Object.entries(BACKENDS)) {
  describe(name, () => {
    test('two users, each with their own posts', async (t) => {
      const app = await serving(t, tokenFor);
      const [ada, eve] = [await page(app), await page(app)];
      assert.equal(await done(ada.insforge.database.rpc('who_asks')), ada.user.id);
      const [{ id }] = await done(
        ada
          .posts()
          .insert([{ title: 'Mine' }])
          .select(),
      );
      await done(ada.posts().insert([{ title: 'More' }]));
      assert.deepEqual(await done(eve.posts().select('*')), []);
      assert.deepEqual(await done(eve.posts().update({ title: 'stolen' }).eq('id', id).select()), []);
      assert.deepEqual(await done(ada.posts().update({ title: 'Changed' }).eq('id', id).select('title')), [
        { title: 'Changed' },
      ]);
      const { data, count } = await ada.posts().select('title', { count: 'exact' }).order('id').range(0, 0);
      assert.deepEqual([data, count], [[{ title: 'Changed' }], 2]);
      await done(ada.posts().delete().eq('id', id));
      const { rows } = await app.client.query('SELECT title, user_id FROM public.posts');
      assert.deepEqual(rows, [{ title: 'More', user_id: ada.user.id }]);
    });

    test('on a server: a client of one request, with the token from the start', async (t) => {
      const app = await serving(t, tokenFor);
      const ada = await page(app);
      for (const option of ['accessToken', 'edgeFunctionToken']) {
        const insforge = app.open({ [option]: await ada.bridge() });
        assert.equal(await done(insforge.database.rpc('who_asks')), ada.user.id);
      }
    });

    test('without a token: the anonymous role', async (t) => {
      const app = await serving(t, tokenFor);
      const { error, status } = await app.open().database.from('posts').select();
      assert.deepEqual([status, error.code, error.message], [401, '42501', 'permission denied for table posts']);
      const page1 = await page(app);
      assert.equal((await page1.auth.signOut()).error, null);
      assert.equal(await page1.bridge(), null);
      await page1.renew();
      assert.equal((await page1.posts().select()).error.code, '42501');
    });

    test('a token that has expired is lost, and renewal brings the user back', async (t) => {
      const app = await serving(t, tokenFor);
      const ada = await page(app);
      const claims = { sub: ada.user.id, role: app.user, exp: Math.floor(Date.now() / 1000) - 60 };
      ada.insforge.setAccessToken(await app.client.call('sign_jwt', { claims: JSON.stringify(claims) }));
      app.backend.asked.length = 0;
      const { data, error } = await ada.posts().select();
      assert.equal(data, null);
      assert.ok(error);
      assert.deepEqual(
        app.backend.asked,
        ['GET /api/database/records/posts', 'POST /api/auth/refresh'],
        'the SDK asks InsForge for a new one',
      );
      assert.equal((await ada.posts().select()).error.code, '42501', 'now it is nobody’s client');
      await ada.renew();
      assert.deepEqual(await done(ada.posts().select()), []);
    });

    test('a token of a session that was ended', async (t) => {
      const app = await serving(t, tokenFor);
      const ada = await page(app);
      assert.equal((await ada.auth.revokeSessions()).error, null);
      const { data, error } = await ada.posts().select();
      // Without `sid` in the token pre_request() has nothing to go by: such a token is good until it expires.
      assert.deepEqual([data, error?.message], tokenFor === passesOn ? [null, 'Unauthorized'] : [[], undefined]);
      assert.equal(await ada.bridge(), null, 'no new one in any case');
    });
  });
}
