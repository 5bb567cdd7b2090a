// The bridge between HTTP and better_auth.handler, and what it needs to stand on the internet.

import { perform } from './fetch.mjs';

// Prepared: up to half as many requests again, but not behind a pooler that shares connections and keeps no statements.
const statement = (name, text) => ({ text, name: process.env.PREPARE === 'on' ? name : undefined });
const HANDLER = statement('better_auth_handler', 'SELECT better_auth.handler($1) AS answer');
const RESUME = statement('better_auth_resume', 'SELECT better_auth.resume($1, $2) AS answer');
const MAX_FETCHES = 4; // of a request, as better_auth.resume has it
const MAX_BODY = 1 << 20; // bytes, as better_auth.handler has it
const MAX_WAITING = 1000; // requests that wait for a connection to the database
const MAX_HELD = 64 << 20; // bytes of bodies, and of what waits for fetches, of all requests together
const CHUNK_COST = 512; // bytes that Node keeps around a piece of a body, however short it is

/**
 * Answers a request of node:http as better_auth.handler says; never rejects. `pool` is a pg.Pool with an 'error'
 * listener. `address` is the client's, by which the database counts: what the client says of it doesn't get through.
 */
export async function authHandler(pool, request, response, address = request.socket.remoteAddress) {
  const before = structuredClone(response.getHeaders()); // CORS headers, for example
  const share = new Share();
  try {
    const body = await readBody(request, response, share);
    const headers = { ...request.headers, 'x-forwarded-for': address };
    const answer = await ask(pool, { method: request.method, url: request.url, headers, body, fetch: true }, response, share);
    if (response.destroyed) return; // its client has left, but what it began is done
    response.statusCode = answer.status;
    for (const [name, value] of answer.headers) response.appendHeader(name, value);
    if (!response.hasHeader('cache-control')) response.setHeader('cache-control', 'no-store');
    response.end(answer.body);
  } catch (error) {
    refuse(response, error, before);
  } finally {
    share.free();
  }
}

/** An answer that doesn't come from the database. */
class Refusal extends Error {
  constructor(status, cause) {
    super(`refused with ${status}`, { cause });
    this.status = status;
    this.headers = { 'content-length': 0, ...(status === 503 && { 'retry-after': 1 }) };
  }
}

let held = 0; // bytes, by all requests

/** What one request holds of a body, or while it fetches. */
class Share {
  #bytes = 0;

  /** Whether there was room for so many more. */
  take(bytes) {
    if (held + bytes > MAX_HELD) return false;
    this.#bytes += bytes;
    held += bytes;
    return true;
  }

  /** Holds so many instead, whether or not there is room: who has begun isn't refused, but new bodies are. */
  swap(bytes) {
    held += bytes - this.#bytes;
    this.#bytes = bytes;
  }

  free() {
    held -= this.#bytes;
    this.#bytes = 0;
  }
}

/** The body's text. All of it is here before a connection is asked for: a slow client holds none. */
async function readBody(request, response, share) {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (length === undefined && encoding === undefined) return null;
  const chunks = [];
  let size = 0;
  let refusal;
  // Answers at once, and lets the rest be read: a client that still sends would see a reset, and not the answer.
  const giveUp = (error) => {
    refusal = error;
    chunks.length = 0;
    share.free();
    response.writeHead(error.status, { ...error.headers, connection: 'close' }).flushHeaders();
  };
  if (length > MAX_BODY) giveUp(new Refusal(413));
  for await (const chunk of request) {
    if (refusal) continue;
    size += chunk.length;
    chunks.push(chunk);
    if (size > MAX_BODY) giveUp(new Refusal(413));
    else if (!share.take(chunk.length + CHUNK_COST)) giveUp(new Refusal(503, new Error('too many bodies are held')));
  }
  if (refusal) throw refusal;
  const bytes = Buffer.concat(chunks);
  if (bytes.includes(0)) throw new Refusal(400); // jsonb holds no NUL
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Refusal(400);
  }
}

/**
 * The database's answer. What it asks of others meanwhile is fetched here, and no connection to it is held by that. Goes
 * on though the client has left: it may have taken what others wait for, the one fetch of a provider's keys for example,
 * and a provider may tell a new refresh token only once.
 */
async function ask(pool, input, response, share) {
  let answer = await call(pool, HANDLER, () => [JSON.stringify(input)], response);
  for (let fetches = 0; answer.fetch; fetches += 1) {
    if (fetches === MAX_FETCHES) throw new Error('too many fetches');
    input.body = null; // `resume` has it
    share.swap(answer.resume.length);
    const values = [answer.resume, JSON.stringify(await perform(answer.fetch))];
    answer = await call(pool, RESUME, () => values);
  }
  return answer;
}

/**
 * One statement, which commits, and is sent once: where the answer is lost, nobody knows whether it has committed.
 * So 503 says that nothing was done, and 500 that something may have been: before a fetch, for example. Isn't sent where
 * `response` is given, and its client has left.
 */
async function call(pool, query, values, response) {
  const unavailable = (cause) => new Refusal(query === HANDLER ? 503 : 500, cause);
  if (query === HANDLER && pool.waitingCount >= MAX_WAITING) throw unavailable(new Error('too many requests wait'));
  if (response?.destroyed) throw new Refusal(499); // its client has left
  const client = await pool.connect().catch((error) => { throw unavailable(error); });
  if (response?.destroyed) { // while it waited
    client.release();
    throw new Refusal(499);
  }
  const onLoss = () => {}; // query() rejects as well; without a listener the process would end
  client.on('error', onLoss);
  let fault;
  try {
    // Not sooner: the text may be six times as long as the body.
    const { rows } = await client.query({ ...query, values: values() });
    return rows[0].answer;
  } catch (error) {
    fault = error;
    throw error;
  } finally {
    client.off('error', onLoss);
    client.release(fault); // a connection with a fault isn't used again
  }
}

/** Answers with `error`, and with the headers that were there `before`. */
function refuse(response, error, before) {
  if (response.destroyed) return; // nobody is there
  const { status, headers } = error instanceof Refusal ? error : new Refusal(500);
  if (status >= 500) {
    // Only the code: PostgreSQL's messages quote what was sent, passwords included, and URLs hold tokens.
    const { code, message } = error.cause ?? error;
    console.error(`answered ${status}: ${code ?? message}`);
  }
  if (!response.headersSent) {
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    response.setHeaders(new Map(Object.entries(before))).writeHead(status, headers);
  }
  response.end();
}
