// The bridge between HTTP and better_auth.handler, and what it needs to stand on the internet.

const MAX_BODY = 1 << 20; // bytes, as better_auth.handler has it
const MAX_WAITING = 1000; // requests that wait for a connection to the database

/**
 * Answers a request of node:http as better_auth.handler says. `address` is the client's, by which the database counts
 * requests; nothing that the client says of it gets through. Never rejects. `pool` is a pg.Pool with an 'error' listener.
 */
export async function authHandler(pool, request, response, address = request.socket.remoteAddress) {
  try {
    const body = await readBody(request, response);
    const headers = { ...request.headers, 'x-forwarded-for': address };
    const answer = await callHandler(pool, response, { method: request.method, url: request.url, headers, body });
    response.statusCode = answer.status;
    for (const [name, value] of answer.headers) response.appendHeader(name, value);
    response.end(answer.body);
  } catch (error) {
    refuse(response, error);
  }
}

class Refusal extends Error {
  constructor(status, cause) {
    super(undefined, { cause });
    this.status = status;
  }
}

/** The body's text. All of it is here before a connection is asked for: a slow client holds none. */
async function readBody(request, response) {
  if (!('content-length' in request.headers || 'transfer-encoding' in request.headers)) return null;
  const chunks = [];
  let size = 0;
  if (Number(request.headers['content-length']) > MAX_BODY) refuseBody(response);
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) refuseBody(response);
    if (!response.headersSent) chunks.push(chunk);
  }
  if (response.headersSent) throw new Refusal(413);
  const bytes = Buffer.concat(chunks);
  if (bytes.includes(0)) throw new Refusal(400); // jsonb holds no NUL
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Refusal(400);
  }
}

/** Answers at once, and goes on reading: who is still sending would see a reset connection, and not the answer. */
function refuseBody(response) {
  if (!response.headersSent) response.writeHead(413, { connection: 'close', 'content-length': 0 }).flushHeaders();
}

/**
 * One statement, which commits, and is sent once: when its answer is lost, nobody knows whether it has committed.
 * So 503 means that nothing was done, and 500 that something may have been.
 */
async function callHandler(pool, response, request) {
  if (pool.waitingCount >= MAX_WAITING) throw new Refusal(503, new Error('too many requests are waiting'));
  const client = await pool.connect().catch((error) => { throw new Refusal(503, error); });
  const onError = () => {}; // query() rejects too; without a listener the process would end
  client.on('error', onError);
  let fault;
  try {
    if (response.destroyed) throw new Refusal(499); // the client has left while it waited
    const { rows } = await client.query('SELECT better_auth.handler($1) AS answer', [JSON.stringify(request)]);
    return rows[0].answer;
  } catch (error) {
    fault = error;
    throw error;
  } finally {
    client.off('error', onError);
    client.release(fault instanceof Refusal ? undefined : fault);
  }
}

function refuse(response, error) {
  const status = error instanceof Refusal ? error.status : 500;
  if (response.destroyed) return; // there is nobody to tell
  if (status >= 500) log(`answered ${status}`, error.cause ?? error);
  if (!response.headersSent) {
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    response.writeHead(status, { 'content-length': 0, ...(status === 503 && { 'retry-after': 1 }) });
  }
  response.end();
}

/** PostgreSQL's messages quote what was sent, passwords included, and URLs hold tokens: neither is logged. */
function log(what, error) {
  console.error(`${what}: ${error.code ?? error.message}`);
}
