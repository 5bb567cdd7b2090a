// What the tests with real clients share: applications that they can reach, and browsers to reach them with.

import assert from 'node:assert/strict';
import { createServer, request as send } from 'node:http';
import { CookieJar } from 'jsdom';
import pg from 'pg';
import { authHandler } from '../../examples/http-layer/bridge.mjs';
import { startNginx } from '../postgrest/nginx.mjs';
import { startStandIn } from '../postgrest/stand-in.mjs';
import { configure } from '../server/http.mjs';
import { cleanup, server } from '../server/lib.mjs';

export const JWT_SECRET = 'the jwt secret of PostgREST and of ours';

/** The ways in to the routes of Better Auth. Each starts on a free port, and answers `{url, stop}`. */
export const WAYS = {
  'the HTTP layer': startHttpLayer,
  'nginx and PostgREST 12': (app) => startNginxAndPostgrest(app, 12),
  'nginx and PostgREST 16': (app) => startNginxAndPostgrest(app, 16),
};

async function startHttpLayer({ database }) {
  const pool = new pg.Pool({ database: database.name, max: 5 });
  pool.on('error', () => {}); // the database may go first
  const layer = createServer((request, response) => authHandler(pool, request, response));
  await new Promise((resolve) => layer.listen(0, '127.0.0.1', resolve));
  const stop = async () => {
    layer.closeAllConnections();
    await new Promise((resolve) => layer.close(resolve));
    await pool.end();
  };
  return { url: `http://127.0.0.1:${layer.address().port}`, stop };
}

async function startNginxAndPostgrest({ database, anon }, version) {
  const postgrest = await startStandIn({
    connection: { database: database.name },
    anonRole: anon,
    jwtSecret: JWT_SECRET,
    version,
  });
  try {
    const nginx = await startNginx(postgrest.url);
    return { url: nginx.url, stop: () => nginx.stop().finally(() => postgrest.stop()) };
  } catch (error) {
    await postgrest.stop();
    throw error;
  }
}

/**
 * A database with the extension, its RPC functions and roles, and mail: `{database, client, anon, user, mail, rows}`.
 * `settings` are those of better_auth; `sql(user)` is run in it.
 */
export async function application(t, { settings = {}, sql = () => '' } = {}) {
  const [anon, user] = [await server.role(t, 'anon'), await server.role(t, 'user')];
  const { database, client } = await server.database(t);
  await client.query(`LOAD 'better_auth'`);
  await client.query(`SELECT better_auth.set_secret('jwt', $1)`, [JWT_SECRET]);
  await client.query('SELECT better_auth.enable_rpc($1, $2, $3)', ['public', anon, user]);
  await configure(client, database, { jwt_role: user, rate_limit: 'off', ...settings });
  await client.query(sql(user));
  return {
    database,
    client,
    anon,
    user,
    /** The last mail of a kind. */
    async mail(kind) {
      const { rows } = await client.query(
        'SELECT * FROM better_auth.mail_outbox WHERE kind = $1 ORDER BY created_at DESC, id LIMIT 1',
        [kind],
      );
      return rows[0];
    },
    /** How many rows of a table of ours fit. */
    count: (table, where, values) =>
      client.value(`SELECT count(*)::int FROM better_auth."${table}" WHERE ${where}`, values),
  };
}

/** An application that is reached by one of the ways, under the origin `url`. */
export async function site(t, start, { origin, ...options } = {}) {
  const app = await application(t, options);
  const { url, stop } = await start(app);
  cleanup(t, stop);
  const seen = origin ?? url;
  await configure(app.client, app.database, { base_url: seen, ...options.settings });
  return { ...app, url: seen, browser: () => new Browser(seen, url) };
}

/** What a call of a client answers, which has to be no error. */
export async function done(call) {
  const { data, error } = await call;
  assert.equal(error ?? null, null, JSON.stringify(error));
  return data;
}

/** Asserts that a client's call is refused with this status and code; the error. */
export async function refused(call, status, code) {
  const { data, error } = await call;
  assert.deepEqual([data, error?.status, error?.code], [null, status, code]);
  return error;
}

/** A fetch as phones have it: no cookies are kept, and nothing goes along that the client hasn't said. */
export const nativeFetch =
  ({ url }) =>
  async (input, init = {}) => {
    const wanted = new Request(new URL(input, url), init);
    const headers = Object.fromEntries(wanted.headers);
    const body = Buffer.from(await wanted.arrayBuffer());
    if (body.length > 0) headers['content-length'] = body.length;
    const answer = await new Promise((resolve, reject) => {
      send(wanted.url, { method: wanted.method, headers }, resolve)
        .on('error', reject)
        .end(body);
    });
    const parts = await answer.toArray();
    const pairs = answer.rawHeaders.flatMap((name, at, all) => (at % 2 === 0 ? [[name, all[at + 1]]] : []));
    return new Response(parts.length > 0 ? Buffer.concat(parts) : null, { status: answer.statusCode, headers: pairs });
  };

/** As much of a browser as a client notices: a cookie jar, and the headers of a request of the same origin. */
class Browser {
  jar = new CookieJar();

  /** A page at `origin`, which is served at `url`. */
  constructor(origin, url) {
    Object.assign(this, { origin, url });
  }

  fetch = async (input, init = {}) => {
    const request = new Request(new URL(input, this.origin), init);
    const headers = new Headers(request.headers);
    const cookie = request.credentials === 'omit' ? '' : await this.jar.getCookieString(request.url);
    if (cookie) headers.set('cookie', cookie);
    if (request.method !== 'GET' && !headers.has('origin')) headers.set('origin', this.origin);
    headers.set('sec-fetch-site', 'same-origin');
    const body = ['GET', 'HEAD'].includes(request.method) ? undefined : await request.arrayBuffer();
    const target = request.url.replace(this.origin, this.url);
    const response = await fetch(target, {
      method: request.method,
      headers,
      body,
      signal: request.signal,
      redirect: 'manual',
    });
    for (const one of response.headers.getSetCookie()) await this.jar.setCookie(one, request.url);
    return response;
  };

  /** The session's cookie, or undefined. */
  async sessionCookie(url = this.origin) {
    return (await this.jar.getCookies(url)).find(({ key }) => key.endsWith('.session_token'));
  }

  /** Closes it: cookies without a lifetime are gone. */
  restart() {
    const kept = this.jar.toJSON();
    kept.cookies = kept.cookies.filter(({ maxAge, expires }) => maxAge !== undefined || expires !== undefined);
    this.jar = CookieJar.fromJSON(kept);
  }
}
