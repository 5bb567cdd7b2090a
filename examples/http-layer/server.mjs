// Better Auth's routes and the bridge route over HTTP: `node server.mjs`. README.md has the settings.

import { once } from 'node:events';
import { createServer } from 'node:http';
import pg from 'pg';
import { authHandler } from './bridge.mjs';

const ROUTES = /^\/api\/(auth\/|insforge-token(\?|$))/;

function fail(message) {
  console.error(message);
  process.exit(1);
}

function number(name, otherwise, least = 1) {
  const value = Number(process.env[name] || otherwise);
  if (!Number.isInteger(value) || value < least) fail(`${name} is no number from ${least} on: ${process.env[name]}`);
  return value;
}

const clientTimeout = number('CLIENT_TIMEOUT_MS', 30_000);
const poolWait = number('POOL_WAIT_MS', 5_000);
const statementTimeout = number('STATEMENT_TIMEOUT_MS', 15_000);
const shutdownTimeout = number('SHUTDOWN_TIMEOUT_MS', 25_000);
const trustProxy = process.env.TRUST_PROXY === 'on';

const pool = new pg.Pool({
  max: number('POOL_SIZE', 10),
  connectionTimeoutMillis: poolWait, // of a request, for a connection
  query_timeout: statementTimeout, // for a database that has gone silent
  idleTimeoutMillis: 300_000, // the first statement of a connection loads the extension
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
});
// The pool has dropped it already; without a listener the process would end.
pool.on('error', (error) => console.error(`lost an idle connection: ${error.code ?? error.message}`));

const limits = {
  headersTimeout: clientTimeout,
  requestTimeout: clientTimeout, // body included
  connectionsCheckingInterval: Math.min(1_000, clientTimeout), // how often these two are looked at
  keepAliveTimeout: 65_000, // a proxy has to be the first to close an idle connection: nginx does after 60 s
  maxHeaderSize: 16_384,
};
const working = new Set(); // requests, of clients that have left too
const server = createServer(limits, (request, response) => {
  if (!server.listening) response.shouldKeepAlive = false; // shutting down
  if (!ROUTES.test(request.url)) return response.writeHead(404, { 'content-length': 0 }).end();
  const { headers, socket } = request;
  const work = authHandler(pool, request, response, trustProxy ? headers['x-forwarded-for'] : socket.remoteAddress);
  working.add(work);
  work.finally(() => working.delete(work));
});
// Of a connection where nothing moves, as when a client doesn't read; longer than any answer takes.
server.timeout = clientTimeout + poolWait + statementTimeout;
server.maxConnections = 1_000;

server.on('error', (error) => fail(error.message));
server.listen(number('PORT', 3000, 0), process.env.HOST || '127.0.0.1', () => {
  const { address, port } = server.address();
  console.log(`listening on http://${address.includes(':') ? `[${address}]` : address}:${port}`);
});

/** Takes no new requests, answers those that it has, and ends. */
async function end() {
  const late = setTimeout(() => fail('requests were cut off'), shutdownTimeout);
  server.close();
  const idle = setInterval(() => server.closeIdleConnections(), 100); // those that were busy at first
  await once(server, 'close');
  clearInterval(idle);
  await Promise.all(working); // what they have begun to fetch
  await pool.end();
  clearTimeout(late);
  // The pool leaves a connection open whose login has failed, and with it the process would go on.
  setTimeout(() => process.exit(), 1_000).unref();
}
let ending;
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { ending ??= end(); }); // more than one may come
