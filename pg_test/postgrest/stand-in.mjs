// A stand-in for PostgREST, for tests: its transaction as docs and source of v12 have it (JWT, role, request
// settings, named arguments, response settings, error map), and simple reads and writes of tables.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import pg from 'pg';

const quote = pg.escapeIdentifier;

class Refusal extends Error {
  constructor(status, code, message, extra = {}) {
    super(message);
    Object.assign(this, { status, body: { code, message, details: null, hint: null, ...extra } });
  }
}

/** HS256 with 30 s of skew; whole-number times; `aud` where one is configured. */
function verify(token, { jwtSecret, jwtAud }) {
  const bad = (message) => new Refusal(401, 'PGRST301', message);
  const [header, payload, signature, ...more] = token.split('.');
  const decode = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());
  let head, claims;
  try {
    [head, claims] = [decode(header), decode(payload)];
  } catch {
    throw bad('JWSError (CompactDecodeError Invalid number of parts)');
  }
  const expected = createHmac('sha256', jwtSecret).update(`${header}.${payload}`).digest();
  const given = Buffer.from(signature ?? '', 'base64url');
  const isSigned = given.length === expected.length && timingSafeEqual(given, expected);
  if (more.length > 0 || head.alg !== 'HS256' || 'kid' in head || !isSigned) throw bad('JWSError JWSInvalidSignature');
  const now = Date.now() / 1000;
  const time = (name) => {
    if (claims[name] !== undefined && !Number.isInteger(claims[name])) throw bad(`The JWT '${name}' claim must be a number`);
    return claims[name];
  };
  if (time('exp') !== undefined && time('exp') + 30 < now) throw bad('JWT expired');
  if (time('nbf') !== undefined && time('nbf') - 30 > now) throw bad('JWT not yet valid');
  if (time('iat') !== undefined && time('iat') - 30 > now) throw bad('JWT issued at future');
  if (jwtAud && ![claims.aud].flat().includes(jwtAud)) throw bad('JWT not in audience');
  return claims;
}

/** The status of an SQLSTATE, for the anonymous role or another one. */
function statusOf(code, isAnonymous) {
  if (/^PT[1-5]\d\d$/.test(code)) return Number(code.slice(2));
  if (code === '42501') return isAnonymous ? 401 : 403;
  const exact = { 23503: 409, 23505: 409, 25006: 405, 42883: 404, '42P01': 404, P0001: 400 };
  if (code in exact) return exact[code];
  const classes = { '08': 503, 28: 403, 40: 500, 53: 503, 54: 500, 55: 500, 57: 500, 58: 500, XX: 500 };
  return code === '53400' ? 500 : (classes[code.slice(0, 2)] ?? 400);
}

function parseCookies(header = '') {
  const pairs = header.split(';').map((part) => part.trim()).filter((part) => part.includes('='));
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  if (text === '') return {};
  if ((request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded')) {
    return Object.fromEntries(new URLSearchParams(text));
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, 'PGRST102', 'Empty or invalid json');
  }
}

/** Calls a function by named arguments: they have to be its parameters, required ones all of them. */
async function callFunction(client, schema, name, args) {
  const { rows } = await client.query(
    `SELECT p.oid, p.proargnames AS names, p.pronargs AS count, p.pronargdefaults AS optional, p.provolatile AS volatile,
            p.prorettype = 'void'::regtype AS is_void,
            ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY a (t, n) ORDER BY n) AS types
     FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname = $1 AND p.proname = $2`,
    [schema, name],
  );
  const given = Object.keys(args);
  const found = rows.find(({ names, count, optional }) => {
    const parameters = (names ?? []).slice(0, count);
    const required = parameters.slice(0, count - optional);
    return given.every((one) => parameters.includes(one)) && required.every((one) => given.includes(one));
  });
  if (!found) {
    throw new Refusal(404, 'PGRST202', `Could not find the function ${schema}.${name}(${given.join(', ')}) in the schema cache`);
  }
  const type = (argument) => found.types[found.names.indexOf(argument)];
  const list = given.map((argument, index) => `${quote(argument)} => $${index + 1}::${type(argument)}`);
  const values = given.map((argument) => {
    const value = args[argument];
    return value !== null && typeof value === 'object' ? JSON.stringify(value) : value;
  });
  const text = `SELECT ${quote(schema)}.${quote(name)}(${list.join(', ')}) AS result`;
  return { found, run: async () => (await client.query(text, values)).rows[0].result };
}

async function useTable(client, method, schema, table, query, body) {
  const filters = [...query].filter(([name]) => !['select', 'order', 'limit'].includes(name));
  const where = filters.map(([name, value], index) => `${quote(name)} = $${index + 1}`).join(' AND ') || 'true';
  const values = filters.map(([, value]) => value.replace(/^eq\./, ''));
  const target = `${quote(schema)}.${quote(table)}`;
  const columns = Object.keys(body);
  const next = (index) => `$${values.length + index + 1}`;
  const json = Object.values(body);
  switch (method) {
    case 'GET':
      return [200, (await client.query(`SELECT * FROM ${target} WHERE ${where}`, values)).rows];
    case 'POST': {
      const names = columns.map(quote).join(', ');
      const text = `INSERT INTO ${target} (${names}) VALUES (${columns.map((_, index) => `$${index + 1}`).join(', ')}) RETURNING *`;
      return [201, (await client.query(text, json)).rows];
    }
    case 'PATCH': {
      const set = columns.map((name, index) => `${quote(name)} = ${next(index)}`).join(', ');
      return [200, (await client.query(`UPDATE ${target} SET ${set} WHERE ${where} RETURNING *`, [...values, ...json])).rows];
    }
    case 'DELETE':
      return [200, (await client.query(`DELETE FROM ${target} WHERE ${where} RETURNING *`, values)).rows];
    default:
      throw new Refusal(405, 'PGRST117', `Unsupported HTTP method: ${method}`);
  }
}

/** What PostgREST does with one request. */
async function answer(request, pool, config) {
  const url = new URL(request.url, 'http://stand-in');
  const [, first, second] = url.pathname.split('/');
  const [, token] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
  const claims = token ? verify(token, config) : {};
  const role = claims.role ?? config.anonRole;
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const body = method === 'GET' ? {} : await readBody(request);
  const { cookie, ...headers } = request.headers;
  const client = await pool.connect();
  const isAnonymous = role === config.anonRole;
  try {
    await client.query('BEGIN');
    let call;
    if (first === 'rpc') {
      const args = method === 'GET' ? Object.fromEntries(url.searchParams) : body;
      call = await callFunction(client, config.schema, second, args);
    }
    const isReading = method === 'GET' || (call && call.found.volatile !== 'v');
    if (isReading) await client.query('SET TRANSACTION READ ONLY');
    const settings = {
      'search_path': quote(config.schema),
      'role': role,
      'request.jwt.claims': JSON.stringify({ role, ...claims }),
      'request.method': request.method,
      'request.path': url.pathname,
      'request.headers': JSON.stringify(headers),
      'request.cookies': JSON.stringify(parseCookies(cookie)),
    };
    for (const [name, value] of Object.entries(settings)) {
      await client.query('SELECT set_config($1, $2, true)', [name, value]);
    }
    if (config.preRequest) await client.query(`SELECT ${config.preRequest}()`);
    let status, result;
    if (call) {
      result = await call.run();
      status = call.found.is_void ? 204 : 200;
    } else {
      [status, result] = await useTable(client, method, config.schema, first, url.searchParams, body);
    }
    const { rows: [response] } = await client.query(
      `SELECT nullif(current_setting('response.status', true), '') AS status, nullif(current_setting('response.headers', true), '') AS headers`);
    await client.query('COMMIT');
    const sent = JSON.parse(response.headers ?? '[]').flatMap((one) => Object.entries(one));
    return { status: Number(response.status ?? status), headers: sent, body: result };
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    if (!(error instanceof pg.DatabaseError)) throw error;
    const { code, message, detail: details = null, hint = null } = error;
    return { status: statusOf(code, isAnonymous), headers: [], body: { code, message, details, hint } };
  } finally {
    client.release();
  }
}

/** Starts it on a free port. `config`: `connection` (of pg, as a role that may become the others), `schema`,
 * `anonRole`, `jwtSecret`, `jwtAud`, `preRequest`. */
export async function startStandIn({ connection, schema = 'public', anonRole = 'anon', ...config }) {
  const pool = new pg.Pool({ ...connection, max: 5 });
  const server = createServer(async (request, response) => {
    let answered;
    try {
      answered = await answer(request, pool, { schema, anonRole, ...config });
    } catch (error) {
      answered = error instanceof Refusal ? { status: error.status, headers: [], body: error.body } : { status: 500, headers: [], body: { message: String(error) } };
    }
    for (const [name, value] of answered.headers) response.appendHeader(name, value);
    response.statusCode = answered.status;
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.end(answered.status === 204 ? '' : JSON.stringify(answered.body));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    async stop() {
      await new Promise((resolve) => server.close(resolve));
      await pool.end();
    },
  };
}
