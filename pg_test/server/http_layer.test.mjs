// examples/http-layer as its users run it: what goes wrong between clients, the layer and the database.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { Agent, createServer as createHttpServer, request as httpRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { authHandler } from '../../examples/http-layer/bridge.mjs';
import { configured } from './http.mjs';
import { cleanup, directory, freshEmail, PASSWORD, server, signUp, until } from './lib.mjs';

const HOST = process.env.PGHOST;
const PORT = Number(process.env.PGPORT);
const MEBIBYTE = 1 << 20;

const example = (name) => new URL(`../../examples/http-layer/${name}`, import.meta.url).pathname;

/** A program of the example, in a directory where it has the packages of these tests. */
function run(t, program, args, env) {
  const home = directory(t);
  for (const name of ['bridge.mjs', 'fetch.mjs', 'server.mjs', 'mail-worker.mjs']) {
    copyFileSync(example(name), join(home, name));
  }
  symlinkSync(new URL('../node_modules', import.meta.url).pathname, join(home, 'node_modules'));
  const options = { cwd: home, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] };
  const child = spawn(process.execPath, [program, ...args], options);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => { output[name] += text; });
  }
  const closed = once(child, 'close');
  cleanup(t, async () => {
    child.kill('SIGKILL');
    await closed;
  });
  /** Waits for its end, after a signal if one is given; its exit status. */
  const ended = async (signal) => {
    child.kill(signal ?? 0);
    const late = sleep(180_000, undefined, { ref: false }).then(() => assert.fail(`${program} doesn't end: ${output.stderr}`));
    const [code] = await Promise.race([closed, late]);
    return code;
  };
  return { pid: child.pid, output, ended, kill: (signal) => child.kill(signal) };
}

/** A database, a role as docs/http.md makes it, and the layer on them. */
async function layer(t, env = {}, settings = { rate_limit: 'off' }) {
  const role = await server.role(t, 'web');
  await server.admin((admin) => admin.query(`ALTER ROLE ${role} SET log_parameter_max_length_on_error = 0`));
  const { database, client } = await configured(t, settings);
  await client.query(`GRANT USAGE ON SCHEMA better_auth TO ${role}`);
  await client.query(`GRANT EXECUTE ON FUNCTION better_auth.handler TO ${role}`);
  const it = await start(t, { PGUSER: role, PGDATABASE: database.name, ...env });
  /** The layer's connections that run a statement, or all of them. */
  const backends = (where = 'true') =>
    client.column(`SELECT pid FROM pg_stat_activity WHERE usename = $1 AND ${where} ORDER BY pid`, [role]);
  /** Has every request for a session wait until the answer is called. */
  const hold = async () => {
    const holder = await database.connect();
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE better_auth.session');
    return () => holder.query('ROLLBACK');
  };
  const busy = (count) => until(async () => (await backends(`wait_event_type = 'Lock'`)).length === count, `${count} requests run`);
  return { ...it, role, database, client, backends, hold, busy };
}

async function start(t, env) {
  const it = run(t, 'server.mjs', [], { PORT: '0', ...env });
  await until(() => /listening on .*\n/.test(it.output.stdout), `the layer listens: ${it.output.stderr}`);
  const url = /listening on (.*)\n/.exec(it.output.stdout)[1];
  return { ...it, url, get: (path, options) => send(url, path, options) };
}

/** A request in a connection of its own; `{status, headers, body}`. An array of chunks as `body` is sent chunked. */
async function send(url, path, { method = 'GET', headers = {}, body, agent } = {}) {
  const { hostname, port } = new URL(url);
  const outgoing = httpRequest({ hostname, port, path, method, headers, agent: agent ?? new Agent() });
  const answered = once(outgoing, 'response');
  if (Array.isArray(body)) {
    pipeline(Readable.from(body), outgoing, () => {}); // `answered` has its errors
  } else {
    outgoing.end(body);
  }
  const [incoming] = await answered;
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8')) text += chunk;
  return { status: incoming.statusCode, headers: incoming.headers, body: text };
}

const JSON_BODY = { 'content-type': 'application/json' };

/** Signs somebody up over HTTP; the cookie. */
async function visitor({ url }, name = 'Ada') {
  const body = JSON.stringify({ email: freshEmail(), password: PASSWORD, name });
  const answer = await send(url, '/api/auth/sign-up/email', { method: 'POST', headers: JSON_BODY, body });
  assert.equal(answer.status, 200, answer.body);
  return answer.headers['set-cookie'][0].split(';')[0];
}

const session = (it, cookie, options) => send(it.url, '/api/auth/get-session', { headers: { cookie }, ...options });

/** Bytes on a connection; what comes back until it is closed, and the socket. */
function raw(t, url, ...parts) {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port, allowHalfOpen: true });
  socket.on('error', () => {});
  cleanup(t, () => socket.destroy());
  let received = '';
  socket.setEncoding('latin1').on('data', (text) => { received += text; });
  for (const part of parts) socket.write(part);
  const closed = new Promise((done) => { socket.on('end', done).on('close', done); }).then(() => received);
  return { socket, closed, received: () => received };
}

/** How many connections of clients the layer has open, as the kernel knows it. */
function clients({ url }) {
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0');
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n').map((line) => line.trim().split(/\s+/));
  // Established ones, and those that the client has ended.
  return lines.filter(([, local, , state]) => local?.endsWith(`:${port}`) && ['01', '08'].includes(state)).length;
}

const onLinux = { skip: process.platform !== 'linux' && 'only Linux has /proc' };

/** The most memory that the layer has had, in MiB. */
const peak = ({ pid }) => Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

const head = (line, headers = {}) =>
  `${line} HTTP/1.1\r\n${Object.entries({ host: 'x', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;

/**
 * Stands between the layer and the database. `opened` counts connections, and `statements` what went to handler();
 * `cut()` breaks all connections, `refusing` takes no new ones, `silent` passes nothing on, `losing` loses answers.
 */
async function between(t) {
  const sockets = new Set();
  const it = { statements: 0, opened: 0, refusing: false, silent: false, losing: false, connections: () => sockets.size };
  const listener = createServer((near) => {
    if (it.refusing) return near.destroy();
    const far = HOST.startsWith('/') ? connect(join(HOST, `.s.PGSQL.${PORT}`)) : connect(PORT, HOST);
    const both = [near, far];
    for (const socket of both) {
      socket.on('error', () => {});
      socket.on('close', () => both.forEach((one) => one.destroy()));
    }
    it.opened += 1;
    sockets.add(near);
    near.on('close', () => sockets.delete(near));
    near.on('data', (bytes) => {
      it.statements += bytes.toString('latin1').split('better_auth.handler').length - 1;
      if (!it.silent) far.write(bytes);
    });
    far.on('data', (bytes) => {
      if (it.silent) return;
      // The answer to a statement begins with ParseComplete.
      if (it.losing && bytes[0] === 0x31) return both.forEach((one) => one.destroy());
      near.write(bytes);
    });
  });
  it.cut = () => sockets.forEach((socket) => socket.destroy());
  cleanup(t, async () => {
    it.cut();
    await new Promise((done) => { listener.close(done); });
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  return Object.assign(it, { env: { PGHOST: '127.0.0.1', PGPORT: String(listener.address().port) } });
}

describe('the bridge', () => {
  test('passes requests on and answers back', async (t) => {
    const it = await layer(t);
    const cookie = await visitor(it);
    const { user } = JSON.parse((await session(it, cookie)).body);
    assert.equal(user.name, 'Ada');
    const bridge = await it.get('/api/insforge-token?x=1', { headers: { cookie } });
    assert.equal(bridge.status, 200);
    assert.equal((await it.client.call('verify_jwt', { token: JSON.parse(bridge.body).token })).sub, user.id);
    assert.equal(bridge.headers['cache-control'], 'no-store');
    const headers = await it.get('/api/insforge-token', { method: 'HEAD', headers: { cookie } });
    assert.deepEqual([headers.status, headers.body, headers.headers['cache-control']], [200, '', 'no-store']);
    const list = await it.get('/api/auth/list-sessions', { headers: { cookie } }); // with their tokens
    assert.deepEqual([list.status, list.headers['cache-control']], [200, 'no-store']);
    const wrong = await it.get('/api/auth/sign-in/email', {
      method: 'POST', headers: JSON_BODY, body: JSON.stringify({ email: freshEmail(), password: 'wrong password' }),
    });
    assert.equal(wrong.status, 401);
    assert.equal(JSON.parse(wrong.body).code, 'INVALID_EMAIL_OR_PASSWORD');
    const name = 'Zoë 😀 \u0001';
    const odd = await visitor(it, name);
    assert.equal(JSON.parse((await session(it, odd)).body).user.name, name);
    assert.equal(it.output.stderr, '');
  });

  test('serves nothing else, and asks the database for nothing else', async (t) => {
    const proxy = await between(t);
    const it = await layer(t, proxy.env);
    for (const path of ['/', '/api', '/api/authx', '//api/auth/ok', '/api/insforge-tokens', '/x/api/auth/ok', '/api/auth']) {
      const { status, body } = await it.get(path);
      assert.deepEqual([path, status, body], [path, 404, '']);
    }
    const absolute = raw(t, it.url, head('GET http://x/api/auth/ok', { connection: 'close' }));
    assert.match(await absolute.closed, /^HTTP\/1\.1 404 /);
    assert.equal(proxy.statements, 0);
    assert.equal((await it.get('/api/auth/ok')).status, 200);
    assert.equal(proxy.statements, 1);
  });

  test('several cookies stay several, and several headers arrive as one', async (t) => {
    const it = await layer(t);
    const cookie = await visitor(it);
    const out = await it.get('/api/auth/sign-out', { method: 'POST', headers: { cookie, origin: it.url } });
    assert.equal(out.status, 200, out.body);
    const names = out.headers['set-cookie'].map((one) => one.split('=')[0]).sort();
    assert.deepEqual(names, ['better-auth.dont_remember', 'better-auth.session_data', 'better-auth.session_token']);

    const again = await visitor(it);
    const twice = await it.get('/api/auth/get-session', { headers: { cookie: ['a=b', again] } });
    assert.equal(JSON.parse(twice.body).user.name, 'Ada');
    const origins = await it.get('/api/auth/sign-out', {
      method: 'POST', headers: { cookie: again, origin: [it.url, 'https://evil.example'] },
    });
    assert.equal(origins.status, 403);
  });

  test(`the client's address is that of its connection`, async (t) => {
    const it = await layer(t);
    const forged = { 'x-forwarded-for': '203.0.113.7' };
    const body = JSON.stringify({ email: freshEmail(), password: PASSWORD, name: 'Ada' });
    await it.get('/api/auth/sign-up/email', { method: 'POST', headers: { ...JSON_BODY, ...forged, 'X-FORWARDED-FOR': '203.0.113.8' }, body });
    assert.deepEqual(await it.client.column('SELECT "ipAddress" FROM better_auth.session'), ['127.0.0.1']);
  });

  test('behind a proxy that is trusted it is what the proxy says', async (t) => {
    const it = await layer(t, { TRUST_PROXY: 'on' });
    const body = JSON.stringify({ email: freshEmail(), password: PASSWORD, name: 'Ada' });
    await it.get('/api/auth/sign-up/email', { method: 'POST', headers: { ...JSON_BODY, 'x-forwarded-for': '203.0.113.7' }, body });
    assert.deepEqual(await it.client.column('SELECT "ipAddress" FROM better_auth.session'), ['203.0.113.7']);
  });

  test('prepared statements, where they are wanted', async (t) => {
    const proxy = await between(t);
    const it = await layer(t, { ...proxy.env, PREPARE: 'on', POOL_SIZE: '1' });
    const cookie = await visitor(it);
    for (let count = 0; count < 3; count += 1) assert.equal((await session(it, cookie)).status, 200);
    assert.equal(proxy.statements, 1);
  });
});

describe('bodies', () => {
  const post = (it, body, headers = {}) =>
    it.get('/api/auth/sign-in/email', { method: 'POST', headers: { ...JSON_BODY, ...headers }, body });
  const filler = Buffer.alloc(1 << 16, ' ');
  const many = (count) => Array.from({ length: count }, () => filler);

  test('of 1 MiB are passed on, longer ones are refused', async (t) => {
    const it = await layer(t);
    const signIn = JSON.stringify({ email: freshEmail(), password: PASSWORD });
    const longest = signIn.padEnd(MEBIBYTE);
    assert.equal((await post(it, longest)).status, 401);
    assert.equal((await post(it, [longest])).status, 401); // chunked
    for (const body of [`${longest} `, [longest, ' '], many(200)]) {
      const { status, headers, body: text } = await post(it, body);
      assert.deepEqual([status, headers.connection, text], [413, 'close', '']);
    }
    assert.equal((await post(it, signIn)).status, 401);
    assert.equal(it.output.stderr, '');
  });

  test('that are too long are refused before they are sent, and read to their end', async (t) => {
    const it = await layer(t);
    const length = 64 * MEBIBYTE;
    const client = raw(t, it.url, head('POST /api/auth/sign-in/email', { 'content-length': length }));
    await until(() => /^HTTP\/1\.1 413 .*\r\n\r\n$/s.test(client.received()), 'the refusal');
    // A reset would be an error of write().
    for (let sent = 0; sent < length; sent += filler.length) {
      if (!client.socket.write(filler)) await once(client.socket, 'drain');
    }
    assert.equal((client.received().match(/HTTP/g) ?? []).length, 1);
    await client.closed;
  });

  test('are not kept once they are too long', onLinux, async (t) => {
    const it = await layer(t);
    assert.equal((await post(it, many(20))).status, 413);
    const before = peak(it);
    const client = raw(t, it.url, head('POST /api/auth/sign-in/email', { 'transfer-encoding': 'chunked' }));
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), filler, Buffer.from('\r\n')]);
    for (let sent = 0; sent < 512; sent += 1 / 16) {
      if (!client.socket.write(chunk)) await once(client.socket, 'drain');
    }
    client.socket.write('0\r\n\r\n');
    assert.match(await client.closed, /^HTTP\/1\.1 413 /);
    assert.ok(peak(it) - before < 256, `${before} MiB before, ${peak(it)} MiB after 512 MiB`);
  });

  test('of all requests together may be 64 MiB, and become six times as long one by one', onLinux, async (t) => {
    const it = await layer(t, { POOL_SIZE: '1', POOL_WAIT_MS: '100000', STATEMENT_TIMEOUT_MS: '100000' });
    const cookie = await visitor(it);
    const before = peak(it);
    const release = await it.hold();
    const first = session(it, cookie);
    await it.busy(1);
    const escaped = Buffer.alloc(MEBIBYTE, 1); // \u0001 in JSON
    const statuses = [];
    const flood = Array.from({ length: 200 }, async () => statuses.push((await post(it, escaped)).status));
    await until(() => statuses.length >= 200 - 63, 'those beyond are refused at once');
    assert.deepEqual([...new Set(statuses)], [503]);
    await release();
    assert.equal((await first).status, 200);
    await Promise.all(flood);
    assert.ok(statuses.filter((status) => status === 400).length >= 60, statuses.join());
    assert.ok(peak(it) - before < 640, `${before} MiB before, ${peak(it)} MiB after`);
    for (let count = 0; count < 5; count += 1) assert.equal((await post(it, escaped)).status, 400); // nothing is held any more
  });

  test('count for what they take in many pieces', onLinux, async (t) => {
    const it = await layer(t);
    const before = peak(it);
    const client = raw(t, it.url, head('POST /api/auth/sign-in/email', { 'transfer-encoding': 'chunked' }), '1\r\nx\r\n'.repeat(500_000), '0\r\n\r\n');
    assert.match(await client.closed, /^HTTP\/1\.1 503 [^]*retry-after: 1\r\n/i);
    assert.ok(peak(it) - before < 256, `${before} MiB before, ${peak(it)} MiB after`);
    await until(() => it.output.stderr !== '', 'it is logged');
    assert.equal(it.output.stderr, 'answered 503: too many bodies are held\n');
    assert.equal((await post(it, '{}')).status, 400);
  });

  test('that are no text are refused, and never reach the database', async (t) => {
    const proxy = await between(t);
    const it = await layer(t, proxy.env);
    const odd = {
      'a NUL': Buffer.from('{"email":"a\0b"}'),
      'invalid UTF-8': Buffer.from([0x7b, 0xff, 0x7d]),
      'half a character': Buffer.from('"é').subarray(0, 2),
      'a surrogate': Buffer.from([0xed, 0xa0, 0x80]),
    };
    for (const [what, bytes] of Object.entries(odd)) {
      const { status, body } = await post(it, bytes);
      assert.deepEqual([what, status, body], [what, 400, '']);
    }
    assert.equal(proxy.statements, 0);
    const escaped = await post(it, '{"email":"a\\u0000b","password":"x"}');
    assert.equal(JSON.parse(escaped.body).code, 'INVALID_EMAIL');
    // A character that two chunks share.
    const name = Buffer.from(JSON.stringify({ email: freshEmail(), password: PASSWORD, name: 'é' }));
    const middle = name.indexOf(0xc3) + 1;
    const split = await it.get('/api/auth/sign-up/email', {
      method: 'POST', headers: JSON_BODY, body: [name.subarray(0, middle), name.subarray(middle)],
    });
    assert.equal(JSON.parse(split.body).user.name, 'é');
  });

  test('of GETs count as well', async (t) => {
    const it = await layer(t);
    const cookie = await visitor(it);
    const get = (body) => session(it, cookie, { body, headers: { cookie, 'content-length': body.length } });
    const { status, body } = await get('{}');
    assert.deepEqual([status, JSON.parse(body).user.name], [200, 'Ada']);
    assert.equal((await get(' '.repeat(MEBIBYTE + 1))).status, 413);
  });
});

describe('slow and odd clients', () => {
  const TIMEOUT = { CLIENT_TIMEOUT_MS: '700' };

  test('headers that never end: 408', async (t) => {
    const it = await layer(t, TIMEOUT);
    const client = raw(t, it.url, 'GET /api/auth/ok HTTP/1.1\r\nhost: x\r\n');
    assert.match(await client.closed, /^HTTP\/1\.1 408 /);
  });

  test('a body byte by byte: no connection to the database meanwhile, and then 408', async (t) => {
    const proxy = await between(t);
    const it = await layer(t, { ...TIMEOUT, ...proxy.env, POOL_SIZE: '1' });
    const client = raw(t, it.url, head('POST /api/auth/sign-in/email', { ...JSON_BODY, 'content-length': 1000 }));
    const trickle = setInterval(() => client.socket.write('{'), 20);
    t.after(() => clearInterval(trickle));
    assert.match(await client.closed, /^HTTP\/1\.1 408 /);
    assert.equal(proxy.opened, 0);
    assert.equal((await it.get('/api/auth/ok')).status, 200);
    assert.equal(it.output.stderr, '');
  });

  test('a body without end: 413, and then it is cut off', async (t) => {
    const it = await layer(t, TIMEOUT);
    const client = raw(t, it.url, head('POST /api/auth/sign-in/email', { 'content-length': 1e12 }));
    const pouring = setInterval(() => client.socket.writableLength < MEBIBYTE && client.socket.write(Buffer.alloc(1 << 16, ' ')), 5);
    t.after(() => clearInterval(pouring));
    assert.match(await client.closed, /^HTTP\/1\.1 413 /);
    assert.equal((await it.get('/api/auth/ok')).status, 200);
  });

  test('who does not read the answer holds no connection to the database, and is cut off', async (t) => {
    const it = await layer(t, { ...TIMEOUT, POOL_SIZE: '1', POOL_WAIT_MS: '1000', STATEMENT_TIMEOUT_MS: '3000' });
    const cookie = await visitor(it);
    // An answer that no socket's buffer holds.
    await it.client.query(`
      INSERT INTO better_auth.session (id, "expiresAt", token, "createdAt", "updatedAt", "userAgent", "userId")
      SELECT 's' || i, now() + '1 day', 't' || i, now(), now(), repeat('x', 60000), id
      FROM better_auth."user", generate_series(1, 200) i`);
    const client = raw(t, it.url, head('GET /api/auth/list-sessions', { cookie }));
    client.socket.once('data', () => client.socket.pause());
    await until(() => client.received() !== '', 'an answer');
    assert.equal((await session(it, cookie)).status, 200);
    // Node looks twice at a connection that has something to write: ten seconds may not be enough.
    const isClosed = () => until(() => clients(it) === 0, 'the layer closes the connection');
    await isClosed().catch(isClosed);
    client.socket.resume();
    const received = await client.closed;
    assert.ok(received.length < Number(/content-length: (\d+)/i.exec(received)[1]), 'cut off');
  });

  test('headers that are too long, and what is no HTTP', async (t) => {
    const it = await layer(t);
    const long = raw(t, it.url, head('GET /api/auth/ok', { cookie: 'x'.repeat(20_000) }));
    assert.match(await long.closed, /^HTTP\/1\.1 431 /);
    for (const text of ['no HTTP\r\n\r\n', 'GET /api/auth/ok HTTP/1.1\r\n\r\n', head('POST /api/auth/ok', { 'content-length': 1, 'transfer-encoding': 'chunked' })]) {
      assert.match(await raw(t, it.url, text).closed, /^HTTP\/1\.1 400 /, text);
    }
    assert.equal((await it.get('/api/auth/ok')).status, 200);
  });

  test('who leaves in the middle leaves nothing behind', async (t) => {
    const proxy = await between(t);
    const it = await layer(t, { ...proxy.env, POOL_SIZE: '1' });
    const cookie = await visitor(it);
    // In the body.
    const half = raw(t, it.url, head('POST /api/auth/sign-in/email', { ...JSON_BODY, 'content-length': 1000 }), '{');
    await until(() => clients(it) === 1, 'the connection');
    half.socket.resetAndDestroy();
    await until(() => clients(it) === 0, 'the layer sees it');
    // While a statement runs, and while waiting for the one connection.
    const release = await it.hold();
    const before = proxy.statements;
    const running = raw(t, it.url, head('GET /api/auth/get-session', { cookie }));
    await it.busy(1);
    const waiting = raw(t, it.url, head('GET /api/auth/get-session', { cookie }));
    await until(() => clients(it) === 2, 'both');
    await it.get('/nowhere'); // by now it has been read
    for (const { socket } of [running, waiting]) socket.resetAndDestroy();
    await until(() => clients(it) === 0, 'the layer sees it');
    await release();
    assert.equal((await session(it, cookie)).status, 200);
    assert.equal(proxy.statements, before + 2); // of who left while waiting there was none
    assert.equal(proxy.connections(), 1);
    assert.equal(it.output.stderr, '');
  });
});


describe('the database goes away', () => {
  const ok = (it) => until(async () => (await it.get('/api/auth/ok')).status === 200, 'it works again');

  test('idle connections are lost: the next requests work', async (t) => {
    const it = await layer(t);
    const cookie = await visitor(it);
    const [pid] = await it.backends();
    await it.client.query('SELECT pg_terminate_backend($1)', [pid]);
    await until(() => it.output.stderr === 'lost an idle connection: 57P01\n', 'the layer hears of it');
    assert.equal((await session(it, cookie)).status, 200);
    assert.notDeepEqual(await it.backends(), [pid]);
  });

  test('a connection is lost while a request runs: 500, and the next ones work', async (t) => {
    const it = await layer(t, { POOL_SIZE: '1' });
    const cookie = await visitor(it);
    const release = await it.hold();
    const answer = session(it, cookie);
    await it.busy(1);
    const waiting = session(it, cookie);
    await it.client.query('SELECT pg_terminate_backend($1)', await it.backends());
    const { status, headers, body } = await answer;
    assert.deepEqual([status, headers['retry-after'], body], [500, undefined, '']);
    await release();
    assert.equal((await waiting).status, 200);
    assert.equal((await session(it, cookie)).status, 200);
    assert.equal(it.output.stderr, 'answered 500: 57P01\n');
  });

  test('it is down: 503, and when it is back, 200', async (t) => {
    const proxy = await between(t);
    const it = await layer(t, proxy.env);
    await ok(it);
    proxy.refusing = true;
    proxy.cut();
    await until(() => /^lost an idle connection/.test(it.output.stderr), 'the layer hears of it');
    for (let count = 0; count < 3; count += 1) {
      const { status, headers, body } = await it.get('/api/auth/ok');
      assert.deepEqual([status, headers['retry-after'], body], [503, '1', '']);
    }
    proxy.refusing = false;
    assert.equal((await it.get('/api/auth/ok')).status, 200);
  });

  test('it falls silent: 500 in time, and the connection is given up', async (t) => {
    const proxy = await between(t);
    const it = await layer(t, { ...proxy.env, POOL_SIZE: '1', POOL_WAIT_MS: '1000', STATEMENT_TIMEOUT_MS: '1000' });
    await ok(it);
    proxy.silent = true;
    assert.equal((await it.get('/api/auth/ok')).status, 500);
    assert.equal((await it.get('/api/auth/ok')).status, 503); // a new connection isn't answered either
    proxy.silent = false;
    await ok(it);
    assert.equal(proxy.connections(), 1);
  });

  test('an answer is lost: what has committed is not done again', async (t) => {
    const proxy = await between(t);
    const it = await layer(t, proxy.env);
    await ok(it);
    const before = proxy.statements;
    proxy.losing = true;
    const email = freshEmail();
    const body = JSON.stringify({ email, password: PASSWORD, name: 'Ada' });
    const { status } = await it.get('/api/auth/sign-up/email', { method: 'POST', headers: JSON_BODY, body });
    assert.equal(status, 500);
    proxy.losing = false;
    await ok(it);
    assert.equal(await it.client.value('SELECT count(*)::int FROM better_auth."user" WHERE email = $1', [email]), 1);
    assert.equal(proxy.statements, before + 2); // the sign-up and ok()
  });
});

describe('more requests than connections', () => {
  test('wait their time, and then get 503', async (t) => {
    const it = await layer(t, { POOL_SIZE: '2', POOL_WAIT_MS: '2500' });
    const cookie = await visitor(it);
    const release = await it.hold();
    const running = [session(it, cookie), session(it, cookie)];
    await it.busy(2);
    const waiting = await Promise.all(Array.from({ length: 20 }, () => session(it, cookie)));
    for (const { status, headers, body } of waiting) assert.deepEqual([status, headers['retry-after'], body], [503, '1', '']);
    assert.equal((await it.backends()).length, 2);
    await release();
    assert.deepEqual((await Promise.all(running)).map(({ status }) => status), [200, 200]);
    // Those that come while others are served wait for less.
    const crowd = await Promise.all(Array.from({ length: 50 }, () => session(it, cookie)));
    assert.deepEqual([...new Set(crowd.map(({ status }) => status))], [200]);
  });

  test('and those beyond a thousand get it at once', async (t) => {
    const it = await layer(t, { POOL_SIZE: '1', POOL_WAIT_MS: '100000' });
    const cookie = await visitor(it);
    const release = await it.hold();
    const first = session(it, cookie);
    await it.busy(1);
    // In one connection, whose answers come in turn: the last ones are there when all are.
    const request = head('GET /api/auth/get-session', { cookie });
    const crowd = raw(t, it.url, request.repeat(1019), head('GET /api/auth/get-session', { cookie, connection: 'close' }));
    await until(() => it.output.stderr.split('\n').length > 20, 'those beyond are refused');
    assert.equal((await session(it, cookie)).status, 503);
    await release();
    assert.equal((await first).status, 200);
    const answers = (await crowd.closed).match(/(?<=HTTP\/1\.1 )\d+/g);
    assert.equal(answers.filter((status) => status === '200').length, 1000);
    assert.equal(answers.filter((status) => status === '503').length, 20);
  });
});

describe('a statement that fails', () => {
  test('500 without a body, and nothing of the request in the log', async (t) => {
    const role = await server.role(t, 'web');
    const database = await server.emptyDatabase(t);
    const client = await database.connect();
    await client.query(`
      CREATE SCHEMA better_auth;
      GRANT USAGE ON SCHEMA better_auth TO ${role};
      CREATE FUNCTION better_auth.handler(request jsonb) RETURNS jsonb LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'what is %', request USING ERRCODE = '22P02', DETAIL = request::text; END $$`);
    const it = await start(t, { PGUSER: role, PGDATABASE: database.name });
    const secret = { method: 'POST', headers: { cookie: 'a=SECRET' }, body: 'SECRET' };
    const { status, headers, body } = await it.get('/api/auth/reset-password/SECRET?token=SECRET', secret);
    assert.deepEqual([status, headers['content-length'], body], [500, '0', '']);
    assert.equal(it.output.stderr, 'answered 500: 22P02\n');

    // An answer that is none of HTTP's: nothing of it gets out.
    await client.query(`
      CREATE OR REPLACE FUNCTION better_auth.handler(request jsonb) RETURNS jsonb LANGUAGE sql AS
        $$ SELECT '{"status": 200, "headers": [["set-cookie", "a=b"], ["location", "a\\nb"]], "body": ""}'::jsonb $$`);
    const odd = await it.get('/api/auth/ok');
    assert.deepEqual([odd.status, odd.headers['set-cookie']], [500, undefined]);
    assert.equal(it.output.stderr, 'answered 500: 22P02\nanswered 500: ERR_INVALID_CHAR\n');
  });

  test('headers that were there before stay, and those of the answer go', async (t) => {
    const database = await server.emptyDatabase(t);
    const client = await database.connect();
    const answerWith = (headers) => client.query(`
      CREATE OR REPLACE FUNCTION better_auth.handler(request jsonb) RETURNS jsonb LANGUAGE sql
      AS $$ SELECT '${JSON.stringify({ status: 200, headers, body: '' })}'::jsonb $$`);
    await client.query('CREATE SCHEMA better_auth');
    const pool = new pg.Pool({ host: server.host, port: server.port, user: server.user, database: database.name });
    cleanup(t, () => pool.end());
    const cors = { 'access-control-allow-origin': 'https://app.example', vary: ['origin', 'cookie'] };
    const listener = createHttpServer((request, response) => {
      for (const [name, value] of Object.entries(cors)) response.setHeader(name, [value].flat());
      authHandler(pool, request, response);
    });
    cleanup(t, () => new Promise((done) => { listener.close(done); }));
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    const log = t.mock.method(console, 'error', () => {});
    const get = async () => {
      const { status, headers } = await send(`http://127.0.0.1:${listener.address().port}`, '/api/auth/ok');
      return [status, headers['access-control-allow-origin'], headers.vary, headers['cache-control'], headers['set-cookie']];
    };
    await answerWith([['cache-control', 'private'], ['vary', 'accept'], ['set-cookie', 'a=b']]);
    assert.deepEqual(await get(), [200, 'https://app.example', 'origin, cookie, accept', 'private', ['a=b']]);
    await answerWith([['cache-control', 'private'], ['vary', 'accept'], ['set-cookie', 'a=b'], ['location', 'a\nb']]);
    assert.deepEqual(await get(), [500, 'https://app.example', 'origin, cookie', undefined, undefined]);
    assert.deepEqual(log.mock.calls.map(({ arguments: [line] }) => line), ['answered 500: ERR_INVALID_CHAR']);
  });

  test('so is it without the privilege', async (t) => {
    const it = await layer(t);
    await it.client.query(`REVOKE EXECUTE ON FUNCTION better_auth.handler FROM ${it.role}`);
    assert.equal((await it.get('/api/auth/ok')).status, 500);
    assert.equal(it.output.stderr, 'answered 500: 42501\n');
  });
});

describe('shutdown', () => {
  const closed = (it) => until(() => it.get('/nowhere').then(() => false, () => true), 'no new connections');

  for (const signal of ['SIGTERM', 'SIGINT']) {
    test(`${signal}: running requests are answered, new ones refused`, async (t) => {
      const it = await layer(t, { POOL_SIZE: '1' });
      const cookie = await visitor(it);
      const agent = new Agent({ keepAlive: true });
      t.after(() => agent.destroy());
      await session(it, cookie, { agent, headers: { cookie } }); // stays open, and idle
      const release = await it.hold();
      const running = session(it, cookie, { agent: new Agent({ keepAlive: true }) });
      await it.busy(1);
      const waiting = session(it, cookie);
      await until(() => clients(it) === 3, 'all are there');
      it.kill(signal);
      await closed(it);
      await release();
      assert.equal((await running).status, 200);
      assert.equal((await waiting).status, 200);
      assert.equal(await it.ended(), 0);
      assert.deepEqual(await it.backends(), []);
      assert.equal(it.output.stderr, '');
    });
  }

  test('connections that go on asking are closed with their next answer', async (t) => {
    const it = await layer(t);
    const cookie = await visitor(it);
    const release = await it.hold();
    const client = raw(t, it.url, head('GET /api/auth/get-session', { cookie }));
    await it.busy(1);
    it.kill('SIGTERM');
    await closed(it);
    client.socket.write(head('GET /api/auth/ok').repeat(3));
    await release();
    const answers = (await client.closed).match(/HTTP\/1\.1 \d+|connection: [-\w]+/gi);
    assert.deepEqual(answers, ['HTTP/1.1 200', 'Connection: keep-alive', 'HTTP/1.1 200', 'Connection: close']);
    assert.equal(await it.ended(), 0);
  });

  test('more signals change nothing', async (t) => {
    const it = await layer(t);
    const cookie = await visitor(it);
    const release = await it.hold();
    const running = session(it, cookie);
    await it.busy(1);
    it.kill('SIGINT');
    await closed(it);
    it.kill('SIGTERM');
    it.kill('SIGINT');
    await release();
    assert.equal((await running).status, 200);
    assert.equal(await it.ended(), 0);
    assert.equal(it.output.stderr, '');
  });

  test('a login that has failed keeps nothing waiting', async (t) => {
    // Asks for a password, and doesn't mind that none comes.
    const asking = createServer((socket) => {
      const message = (code, text) => {
        const body = Buffer.concat([Buffer.from([0, 0, 0, code]), Buffer.from(text)]);
        const length = Buffer.alloc(4);
        length.writeInt32BE(body.length + 4);
        socket.write(Buffer.concat([Buffer.from('R'), length, body]));
      };
      socket.on('error', () => {});
      socket.once('data', () => {
        message(10, 'SCRAM-SHA-256\0\0');
        socket.once('data', () => message(11, 'r=x,s=x,i=4096'));
      });
    });
    cleanup(t, () => new Promise((done) => { asking.close(done); }));
    await once(asking.listen(0, '127.0.0.1'), 'listening');
    const it = await start(t, { PGHOST: '127.0.0.1', PGPORT: String(asking.address().port), PGPASSWORD: '' });
    assert.equal((await it.get('/api/auth/ok')).status, 503);
    assert.equal(await it.ended('SIGTERM'), 0);
    assert.match(it.output.stderr, /^answered 503: SASL: .* password must be .*\n$/);
  });

  test('what does not come to an end is cut off', async (t) => {
    const it = await layer(t, { SHUTDOWN_TIMEOUT_MS: '500' });
    const cookie = await visitor(it);
    const release = await it.hold();
    const answer = session(it, cookie).catch(({ code }) => code);
    await it.busy(1);
    assert.equal(await it.ended('SIGTERM'), 1);
    assert.equal(await answer, 'ECONNRESET');
    assert.equal(it.output.stderr, 'requests were cut off\n');
    await release();
  });
});

describe('mistakes in the settings', () => {
  const failing = async (t, env) => {
    const it = run(t, 'server.mjs', [], env);
    assert.equal(await it.ended(), 1);
    return it.output.stderr;
  };

  test('are told', async (t) => {
    assert.equal(await failing(t, { POOL_SIZE: 'many' }), 'POOL_SIZE is no number from 1 on: many\n');
    assert.equal(await failing(t, { CLIENT_TIMEOUT_MS: '0' }), 'CLIENT_TIMEOUT_MS is no number from 1 on: 0\n');
    assert.match(await failing(t, { PORT: '70000' }), /70000/);
    assert.match(await failing(t, { FETCH_ALLOW: 'localhost:4000' }), /FETCH_ALLOW: localhost:4000 is no origin/);
    const { url } = await start(t, {});
    assert.match(await failing(t, { PORT: new URL(url).port }), /^listen EADDRINUSE.*\n$/);
  });

  test('that are only seen when a request comes: 503, and the reason in the log', async (t) => {
    const it = await start(t, { PGDATABASE: 'there_is_no_such_database' });
    assert.equal((await it.get('/api/auth/ok')).status, 503);
    assert.equal(it.output.stderr, 'answered 503: 3D000\n');
  });
});

describe('the mail worker', () => {
  const MAIL = { base_url: 'http://localhost:3000', rate_limit: 'off' };

  /** A database, a role as docs/mail.md makes it, and what starts a worker. */
  async function post(t) {
    const role = await server.role(t, 'mailer');
    const { database, client } = await configured(t, MAIL);
    await client.query(`GRANT USAGE ON SCHEMA better_auth TO ${role}`);
    await client.query(`GRANT EXECUTE ON FUNCTION better_auth.claim_mail, better_auth.complete_mail, better_auth.fail_mail TO ${role}`);
    const { user } = await signUp(client);
    const mail = () => client.call('request_password_reset', { email: user.email });
    const waiting = () => client.value('SELECT count(*)::int FROM better_auth.mail_outbox');
    /** `code` is a module with the sender, if it isn't to be the one that prints. */
    const worker = (code, env) => {
      const args = [];
      if (code) {
        const module = join(directory(t), 'send.mjs');
        writeFileSync(module, code);
        args.push(module);
      }
      const it = run(t, 'mail-worker.mjs', args, { PGUSER: role, PGDATABASE: database.name, ...env });
      const lines = () => it.output.stdout.split('\n').slice(0, -1).map((line) => JSON.parse(line));
      return { ...it, lines };
    };
    const listening = () => until(
      async () => (await client.column(`SELECT pid FROM pg_stat_activity WHERE usename = $1 AND state = 'idle' AND query LIKE '%claim_mail%'`, [role])).length === 1,
      'the worker waits',
    );
    return { client, role, user, mail, waiting, worker, listening };
  }

  test('prints what waits and what comes, and completes it', async (t) => {
    const { user, mail, waiting, worker, listening } = await post(t);
    await mail();
    const it = worker();
    await until(() => it.lines().length === 1, `a mail: ${it.output.stderr}`);
    await listening();
    await mail(); // sooner than it would look by itself
    await until(() => it.lines().length === 2, 'another');
    await until(async () => (await waiting()) === 0, 'both are completed');
    for (const { kind, recipient, url, token } of it.lines()) {
      assert.deepEqual([kind, recipient], ['reset-password', user.email]);
      assert.ok(url.startsWith('http://localhost:3000/') && url.includes(token));
    }
    assert.equal(await it.ended('SIGTERM'), 0);
    assert.equal(it.output.stderr, '');
  });

  test('what could not be sent is kept, with the reason, and others go on', async (t) => {
    const { client, mail, worker } = await post(t);
    await mail();
    await mail();
    const it = worker(`
      let count = 0;
      export const send = async (mail) => {
        count += 1;
        if (count === 1) throw new Error('no such mailbox');
        console.log(JSON.stringify(mail));
      };`);
    await until(() => it.lines().length === 1, `the second one: ${it.output.stderr}`);
    await until(async () => (await client.value('SELECT count(*)::int FROM better_auth.mail_outbox')) === 1, 'one is left');
    const { rows: [left] } = await client.query('SELECT attempts, last_error, available_at > now() AS later FROM better_auth.mail_outbox');
    assert.deepEqual(left, { attempts: 1, last_error: 'Error: no such mailbox', later: true });
    assert.equal(await it.ended('SIGINT'), 0);
  });

  test('SIGTERM: what it has claimed is sent, and completed', async (t) => {
    const { mail, waiting, worker } = await post(t);
    for (let count = 0; count < 3; count += 1) await mail();
    const gate = join(directory(t), 'gate');
    const it = worker(`
      import { existsSync } from 'node:fs';
      import { setTimeout as sleep } from 'node:timers/promises';
      export const send = async (mail) => {
        console.log(JSON.stringify(mail));
        while (!existsSync(${JSON.stringify(gate)})) await sleep(20);
      };`);
    await until(() => it.lines().length === 1, `it sends: ${it.output.stderr}`);
    it.kill('SIGTERM');
    writeFileSync(gate, '');
    assert.equal(await it.ended(), 0);
    assert.equal(it.lines().length, 3);
    assert.equal(await waiting(), 0);
  });

  test('a lost connection is made anew, in the middle of a mail too', async (t) => {
    const { client, role, mail, waiting, worker, listening } = await post(t);
    await client.query(`ALTER ROLE ${role} SET application_name = 'worker'`);
    const kill = () => client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [role]);
    const gate = join(directory(t), 'gate');
    const it = worker(`
      import { existsSync } from 'node:fs';
      import { setTimeout as sleep } from 'node:timers/promises';
      export const send = async (mail) => {
        console.log(JSON.stringify(mail));
        while (!existsSync(${JSON.stringify(gate)})) await sleep(20);
      };`);
    await listening();
    await kill();
    await until(() => it.output.stderr !== '', 'it hears of it');
    await listening();
    await mail();
    await until(() => it.lines().length === 1, 'it sends');
    await kill();
    writeFileSync(gate, '');
    await listening();
    assert.equal(await waiting(), 1); // sent, but not completed: it goes out again
    await client.query('UPDATE better_auth.mail_outbox SET available_at = now()');
    await mail();
    await until(async () => (await waiting()) === 0, 'all are completed');
    assert.equal(it.lines().length, 3);
    assert.match(it.output.stderr, /^(failed, trying again: .*\n){2}$/);
    assert.equal(await it.ended('SIGTERM'), 0);
  });

  test('the database is down when it starts: it waits, and can be stopped', async (t) => {
    const proxy = await between(t);
    proxy.refusing = true;
    const { mail, worker } = await post(t);
    await mail();
    const it = worker(undefined, proxy.env);
    await until(() => it.output.stderr !== '', 'it has tried');
    proxy.refusing = false;
    await until(() => it.lines().length === 1, 'the mail');
    proxy.refusing = true;
    proxy.cut();
    await until(() => it.output.stderr.split('\n').length > 3, 'it tries again');
    assert.equal(await it.ended('SIGTERM'), 0);
  });

  test('a module that sends nothing is told', async (t) => {
    const { worker } = await post(t);
    const it = worker('export const sent = 1;');
    assert.equal(await it.ended(), 1);
    assert.match(it.output.stderr, /send\.mjs exports no function send/);
  });
});
