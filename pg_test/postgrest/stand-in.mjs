// A stand-in for PostgREST, for tests and the demo: its transaction as docs and source of v12 have it (JWT, role,
// request settings, functions, response settings, error map), and the reads and writes of tables that apps need.
// What it doesn't know it refuses with 501.

import { createServer } from 'node:http';
import pg from 'pg';
import { Refusal, answerOf, unknown } from './errors.mjs';
import { planCall } from './functions.mjs';
import { authenticate } from './jwt.mjs';
import { readBody, readRequest } from './request.mjs';
import { planTable } from './tables.mjs';
import { queryCatalog, run } from './transaction.mjs';

const TX_ENDS = ['commit', 'commit-allow-override', 'rollback', 'rollback-allow-override'];

/**
 * Starts it. `config`: `connection` (of pg, as a role that may become the others), `port` (a free one without it),
 * `schema` or `schemas` (db-schemas), `anonRole`, `jwtSecret`, `jwtAud`, `preRequest`, `txEnd` (db-tx-end).
 */
export async function startStandIn({
  connection,
  port = 0,
  host = '127.0.0.1',
  schema = 'public',
  schemas = [schema],
  anonRole = 'anon',
  txEnd = 'commit',
  ...more
}) {
  if (!TX_ENDS.includes(txEnd)) throw new Error(`txEnd is ${txEnd}, not one of ${TX_ENDS.join(', ')}`);
  if (more.jwtSecret !== undefined && more.jwtSecret.length < 32) {
    throw new Error('The JWT secret must be at least 32 characters long.');
  }
  const config = { schemas, anonRole, txEnd, ...more };
  const pool = new pg.Pool({ ...connection, max: 5 });
  // A connection that is lost is an answer's affair; without listeners it would end the process.
  pool.on('error', () => {}).on('connect', (client) => client.on('error', () => {}));
  const server = createServer(async (request, response) => {
    const { status, headers, body } = await serve(request, pool, config);
    try {
      for (const [name, value] of [...headers, ...corsHeaders(request)]) response.appendHeader(name, value);
      response.writeHead(status);
    } catch (error) {
      console.error(`no HTTP: ${error.message}`);
      response.destroy();
    }
    response.end(request.method === 'HEAD' ? '' : body);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return {
    url: `http://${host}:${server.address().port}`,
    async stop() {
      server.closeIdleConnections();
      await new Promise((resolve) => server.close(resolve));
      await pool.end();
    },
  };
}

/** The answer, with errors made answers of. */
async function serve(request, pool, config) {
  try {
    return preflight(request) ?? (await answer(request, pool, config));
  } catch (error) {
    const { status = 500, headers = [], body = { message: String(error) } } = error instanceof Refusal ? error : {};
    return asJson({ status, headers, body });
  }
}

const asJson = ({ status, headers, body }) => ({
  status,
  headers: [['Content-Type', 'application/json; charset=utf-8'], ...headers],
  body: JSON.stringify(body),
});

/** What PostgREST does with one request. */
async function answer(request, pool, config) {
  const body = await readBody(request);
  const asker = authenticate(request.headers.authorization, config);
  const asked = readRequest(request, config);
  const client = await pool.connect().catch(() => {
    throw new Refusal(503, 'PGRST000', 'Database connection error. Retrying the connection.');
  });
  let broken;
  try {
    const plan = await queryCatalog(client, (query) => planOf(query, asked, body));
    return await run(client, plan, asked, asker, config);
  } catch (error) {
    await client.query('ROLLBACK').catch((failure) => {
      broken = failure;
    });
    if (error instanceof pg.DatabaseError) return asJson(answerOf(error, asker.isAnonymous));
    throw error;
  } finally {
    client.release(broken);
  }
}

function planOf(query, asked, body) {
  if (asked.method === 'OPTIONS') throw unknown('OPTIONS without Access-Control-Request-Method');
  const [first, second, ...more] = segments(asked.path);
  if (first === 'rpc' && second && more.length === 0) return planCall(query, asked, second, body);
  if (first && second === undefined) return planTable(query, asked, first, body);
  if (first === '') throw unknown('the OpenAPI document at /');
  throw nowhere();
}

const nowhere = () => new Refusal(404, 'PGRST125', 'Invalid path specified in request URL');

function segments(path) {
  try {
    return path.split('/').slice(1).map(decodeURIComponent);
  } catch {
    throw nowhere();
  }
}

const EXPOSED =
  'Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server, Transfer-Encoding, Range-Unit';

const isPreflight = ({ method, headers }) =>
  method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;

/** Without server-cors-allowed-origins every origin is allowed, and none gets credentials. */
function corsHeaders(request) {
  if (request.headers.origin === undefined) return [];
  return [
    ['Access-Control-Allow-Origin', '*'],
    ...(isPreflight(request) ? [] : [['Access-Control-Expose-Headers', EXPOSED]]),
  ];
}

function preflight(request) {
  if (!isPreflight(request)) return undefined;
  const asked = (request.headers['access-control-request-headers'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  const headers = [
    ['Access-Control-Allow-Methods', 'GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD'],
    ['Access-Control-Allow-Headers', `${['Authorization', ...asked].join(', ')}, Accept, Accept-Language, Content-Language`],
    ['Access-Control-Max-Age', '86400'],
  ];
  return { status: 200, headers, body: '' };
}
