// A stand-in for PostgREST, for tests and the demo: its transaction as docs and source have it (JWT, role, request
// settings, functions and all that can be asked of their results, response settings, error map), and the reads and
// writes of tables that apps need. It plays a version: what differs between them is in versions.mjs. What it doesn't
// know it refuses with 501.

import { createServer } from 'node:http';
import pg from 'pg';
import { planCall } from './calls.mjs';
import { Crash, Refusal, answerOf, unknown } from './errors.mjs';
import { authenticate } from './jwt.mjs';
import { invalidPreferences } from './preferences.mjs';
import { readBody, readRequest } from './request.mjs';
import { planTable } from './tables.mjs';
import { queryCatalog, run } from './transaction.mjs';
import { DEFAULT_VERSION, traitsOf } from './versions.mjs';

const TX_ENDS = ['commit', 'commit-allow-override', 'rollback', 'rollback-allow-override'];

/**
 * Starts it. `config`: `connection` (of pg, as a role that may become the others), `port` (a free one without it),
 * `schema` or `schemas` (db-schemas), `anonRole`, `jwtSecret`, `jwtAud`, `preRequest`, `txEnd` (db-tx-end),
 * `version` (the major one that is played).
 */
export async function startStandIn({
  connection,
  port = 0,
  host = '127.0.0.1',
  schema = 'public',
  schemas = [schema],
  anonRole = 'anon',
  txEnd = 'commit',
  version = DEFAULT_VERSION,
  ...more
}) {
  const traits = traitsOf(version);
  if (!TX_ENDS.includes(txEnd)) throw new Error(`txEnd is ${txEnd}, not one of ${TX_ENDS.join(', ')}`);
  if (more.jwtSecret !== undefined && more.jwtSecret.length < 32) {
    throw new Error('The JWT secret must be at least 32 characters long.');
  }
  const config = { schemas, anonRole, txEnd, traits, ...more };
  const pool = new pg.Pool({ ...connection, max: 5 });
  // A connection that is lost is an answer's affair; without listeners it would end the process.
  pool.on('error', () => {}).on('connect', (client) => client.on('error', () => {}));
  // Whether it has seen the catalog: until then it knows of no function and no table.
  const cache = { isLoaded: false };
  const server = createServer(async (request, response) => {
    const answered = await serve(request, pool, config, cache);
    send(request, response, answered, traits);
  });
  // A client that asks again and again on one connection would keep a server from ending for good.
  let isStopping = false;
  server.prependListener('request', (_, response) => {
    response.once('close', () => setImmediate(() => isStopping && server.closeIdleConnections()));
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return {
    url: `http://${host}:${server.address().port}`,
    async stop() {
      isStopping = true;
      server.closeIdleConnections();
      await new Promise((resolve) => server.close(resolve));
      await pool.end();
    },
  };
}

/** Header values go out as UTF-8. What is no HTTP at all ends the connection. */
function send(request, response, { status, headers, body }, traits) {
  const bytes = Buffer.from(request.method === 'HEAD' ? '' : body);
  const isBodiless = status === 204 || status === 304;
  const all = [
    ...headers,
    ['Server', traits.server],
    ...traits.headers,
    ...(status === 503 ? [['Retry-After', '0']] : []),
    ...(traits.hasContentLength && !isBodiless && request.method !== 'HEAD' ? [['Content-Length', String(bytes.length)]] : []),
    ...corsHeaders(request),
  ];
  try {
    for (const [name, value] of all) response.appendHeader(name, Buffer.from(value).toString('latin1'));
    response.writeHead(status);
  } catch (error) {
    console.error(`no HTTP: ${error.message}`);
    response.destroy();
  }
  response.end(bytes);
}

/** The answer, with errors made answers of. */
async function serve(request, pool, config, cache) {
  try {
    return preflight(request) ?? (await answer(request, pool, config, cache));
  } catch (error) {
    if (error instanceof Refusal) return refusal(error, config);
    if (!(error instanceof Crash)) console.error(error);
    return { status: 500, headers: [['Content-Type', 'text/plain; charset=utf-8']], body: 'Something went wrong' };
  }
}

const refusal = ({ status, headers, body }, { traits }) => ({
  status,
  headers: [['Content-Type', 'application/json; charset=utf-8'], ...traits.refusalHeaders(body.code), ...headers],
  body: JSON.stringify(body),
});

/** What PostgREST does with one request. */
async function answer(request, pool, config, cache) {
  const body = await readBody(request);
  const asker = authenticate(request.headers.authorization, config);
  const asked = readRequest(request, config);
  const client = await pool.connect().catch(() => {
    throw cache.isLoaded
      ? new Refusal(503, 'PGRST000', 'Database connection error. Retrying the connection.')
      : new Refusal(503, 'PGRST002', 'Could not query the database for the schema cache. Retrying.');
  });
  let broken;
  try {
    const plan = await queryCatalog(client, (query) => planOf(query, asked, body));
    cache.isLoaded = true;
    return await run(client, plan, asked, asker, config);
  } catch (error) {
    await client.query('ROLLBACK').catch((failure) => {
      broken = failure;
    });
    if (error instanceof pg.DatabaseError) return refusal(answerOf(error, asker.isAnonymous), config);
    throw error;
  } finally {
    client.release(broken);
  }
}

async function planOf(query, asked, body) {
  await checkTimezone(query, asked.prefer);
  if (asked.method === 'OPTIONS') throw unknown('OPTIONS without Access-Control-Request-Method');
  const [first, second, ...more] = segments(asked.path);
  if (first === 'rpc' && second && more.length === 0) return planCall(query, asked, second, body);
  if (first && second === undefined) return planTable(query, asked, first, body);
  if (first === '') throw unknown('the OpenAPI document at /');
  throw nowhere(asked.traits);
}

/** A time zone that the server doesn't know is an invalid preference. */
async function checkTimezone(query, prefer) {
  if (prefer.timezone === undefined) return;
  const known = await query('SELECT FROM pg_catalog.pg_timezone_names WHERE name = $1', [prefer.timezone]);
  if (known.length > 0) return;
  if (prefer.handling === 'strict') throw invalidPreferences([`timezone=${prefer.timezone}`]);
  delete prefer.timezone;
}

function nowhere(traits) {
  const refused = new Refusal(404, 'PGRST125', 'Invalid path specified in request URL');
  return Object.assign(refused, { body: traits.nowhere(refused.body) });
}

/** The parts of a path. What is no UTF-8 in it is read as U+FFFD. */
function segments(path) {
  const bytes = Buffer.from(path).toString('latin1');
  const decode = (part) => part.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return bytes.split('/').slice(1).map((part) => Buffer.from(decode(part), 'latin1').toString());
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
