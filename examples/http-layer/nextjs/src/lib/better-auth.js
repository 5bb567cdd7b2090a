// @ts-check
// The place of a Better Auth server in a Next.js application: it hands requests to better_auth.handler() in the
// database, and tells server components who is signed in.

import { Pool } from 'pg';
import { perform } from './fetch.mjs';

const HANDLER = 'SELECT better_auth.handler($1) AS answer';
const RESUME = 'SELECT better_auth.resume($1, $2) AS answer';
const MAX_FETCHES = 4; // of a request, as better_auth.resume has it
const MAX_BODY = 1 << 20; // bytes, as better_auth.handler has it
const MAX_WAITING = 1000; // requests that wait for a connection to the database
const MAX_HELD = 64 << 20; // bytes of bodies, and of what waits for fetches, of all requests together
const CHUNK_COST = 512; // bytes that Node keeps around a piece of a body, however short it is

/**
 * @typedef {{ id: string, name: string, email: string, emailVerified: boolean, image: string | null,
 *   createdAt: string, updatedAt: string, [field: string]: unknown }} User
 * @typedef {{ id: string, token: string, userId: string, expiresAt: string, createdAt: string, updatedAt: string,
 *   ipAddress: string | null, userAgent: string | null, [field: string]: unknown }} Session
 */

/** Answers a request to one of Better Auth's routes or the bridge route. Never rejects. @param {Request} request */
export async function handle(request) {
  const share = new Share();
  try {
    const body = await readBody(request, share);
    const { pathname, search } = new URL(request.url);
    const { method, headers } = request;
    const answer = await ask({ method, url: pathname + search, headers: [...headers], body, fetch: true }, share);
    const sent = new Headers(answer.headers); // pairs, so that several Set-Cookie stay several
    if (!sent.has('cache-control')) sent.set('cache-control', 'no-store');
    return new Response(answer.body || null, { status: answer.status, headers: sent });
  } catch (error) {
    const status = error instanceof Refusal ? error.status : 500;
    if (status >= 500) log(`answered ${status}`, error instanceof Refusal ? error.cause : error);
    const headers = { 'cache-control': 'no-store', ...(status === 503 && { 'retry-after': '1' }) };
    return new Response(null, { status, headers });
  } finally {
    share.free();
  }
}

/**
 * Who is signed in, for server components and actions: `getSession(await headers())`. Leaves it to the browser to
 * prolong the session, since a server component can't send the cookie that goes with that.
 * @param {Headers} headers @returns {Promise<{ session: Session, user: User } | null>}
 */
export async function getSession(headers) {
  return JSON.parse(await get('/api/auth/get-session?disableRefresh=true', headers, 200));
}

/** The bridge token of who is signed in, or null. @param {Headers} headers @returns {Promise<string | null>} */
export async function bridgeToken(headers) {
  return JSON.parse(await get('/api/insforge-token', headers, 200, 401)).token ?? null;
}

/** A token with which this server sends mail. Needs the function of docs/mail.md. @returns {Promise<string>} */
export async function mailToken() {
  const { rows } = await connections().query('SELECT app.mail_token() AS token');
  return rows[0].token;
}

/** @param {string} url @param {Headers} headers @param {number[]} expected */
async function get(url, headers, ...expected) {
  const { status, body } = await call(HANDLER, () => [JSON.stringify({ method: 'GET', url, headers: [...headers], body: null })]);
  if (!expected.includes(status)) throw new Error(`${url} answered ${status}`);
  return body;
}

class Refusal extends Error {
  /** @param {number} status @param {unknown} [cause] */
  constructor(status, cause) {
    super(`refused with ${status}`, { cause });
    this.status = status;
  }
}

let held = 0; // bytes, by all requests

/** What one request holds of a body, or while it fetches. */
class Share {
  #bytes = 0;

  /** @param {number} bytes */
  take(bytes) {
    if (held + bytes > MAX_HELD) throw new Refusal(503, new Error('too many bodies are held'));
    this.#bytes += bytes;
    held += bytes;
  }

  /**
   * Holds so many instead, whether or not there is room: who has begun isn't refused, but new bodies are.
   * @param {number} bytes
   */
  swap(bytes) {
    held += bytes - this.#bytes;
    this.#bytes = bytes;
  }

  free() {
    held -= this.#bytes;
    this.#bytes = 0;
  }
}

/**
 * The body's text. All of it is here before a connection is asked for: a slow client holds none.
 * @param {Request} request @param {Share} share
 */
async function readBody(request, share) {
  if (!request.body) return null;
  const reader = request.body.getReader();
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let [text, size] = ['', 0];
  try {
    if (Number(request.headers.get('content-length')) > MAX_BODY) throw new Refusal(413);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.byteLength;
      if (size > MAX_BODY) throw new Refusal(413);
      share.take(value.byteLength + CHUNK_COST);
      text += decoder.decode(value, { stream: true });
    }
    text += decoder.decode();
    if (text.includes('\0')) throw new Refusal(400); // jsonb holds no NUL
    return text;
  } catch (error) {
    reader.cancel().catch(() => {}); // nothing more of it is wanted
    throw error instanceof Refusal ? error : new Refusal(400, error); // no UTF-8, or the client has left
  }
}

/**
 * The database's answer. What it asks of others meanwhile is fetched here, and no connection to it is held by that. Goes
 * on though the client has left: it may have taken what others wait for, the one fetch of a provider's keys for example,
 * and a provider may tell a new refresh token only once.
 * @param {{ method: string, url: string, headers: [string, string][], body: string | null, fetch: true }} request
 * @param {Share} share
 * @returns {Promise<{ status: number, headers: [string, string][], body: string }>}
 */
async function ask(request, share) {
  let answer = await call(HANDLER, () => [JSON.stringify(request)]);
  for (let fetches = 0; answer.fetch; fetches += 1) {
    if (fetches === MAX_FETCHES) throw new Error('too many fetches');
    request.body = null; // `resume` has it
    share.swap(answer.resume.length);
    const values = [answer.resume, JSON.stringify(await perform(answer.fetch))];
    answer = await call(RESUME, () => values);
  }
  return answer;
}

/**
 * One statement, which commits, and is sent once: when its answer is lost, nobody knows whether it has committed.
 * So 503 means that nothing was done, and 500 that something may have been: before a fetch, for example.
 * @param {string} text @param {() => string[]} values @returns {Promise<any>}
 */
async function call(text, values) {
  const pool = connections();
  /** @param {unknown} cause */
  const unavailable = (cause) => new Refusal(text === HANDLER ? 503 : 500, cause);
  if (text === HANDLER && pool.waitingCount >= MAX_WAITING) throw unavailable(new Error('too many requests are waiting'));
  const client = await pool.connect().catch((error) => { throw unavailable(error); });
  const onError = () => {}; // query() rejects too; without a listener the process would end
  client.on('error', onError);
  let fault;
  try {
    // Made a text no sooner: it may be six times as long as the body.
    const { rows } = await client.query(text, values());
    return rows[0].answer;
  } catch (error) {
    fault = error;
    throw error;
  } finally {
    client.off('error', onError);
    client.release(fault instanceof Error ? fault : undefined);
  }
}

/** One pool, whatever `next dev` loads anew. */
function connections() {
  const shared = /** @type {{ betterAuthPool?: Pool }} */ (globalThis);
  return (shared.betterAuthPool ??= connect());
}

function connect() {
  const connectionString = process.env.BETTER_AUTH_DATABASE_URL;
  if (!connectionString) {
    throw new Error('BETTER_AUTH_DATABASE_URL is not set: the database, by a role that may execute better_auth.handler');
  }
  const pool = new Pool({
    connectionString,
    max: 10,
    connectionTimeoutMillis: 5_000, // how long a request waits for a connection
    query_timeout: 15_000, // of a database that has gone silent
    keepAlive: true,
  });
  // It is out of the pool already; without a listener the process would end.
  pool.on('error', (error) => log('lost an idle connection', error));
  return pool;
}

/**
 * PostgreSQL's messages quote what was sent, passwords included, and URLs hold tokens: neither is logged.
 * @param {string} what @param {any} error
 */
function log(what, error) {
  console.error(`better_auth: ${what}: ${error.code ?? error.message}`);
}
