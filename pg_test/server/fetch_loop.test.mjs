// The layers of examples/http-layer, for Node and for Next.js, with a database that asks for fetches: one of the tests' own,
// which answers as it is told.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const JSON_TYPE = { 'content-type': 'application/json' };
const DONE = { status: 200, headers: [['set-cookie', 'a=b'], ['set-cookie', 'c=d'], ['x-done', 'yes']], body: 'done' };

/** A server that plays the provider, on loopback, which the layers are told to allow before they are loaded. */
const provider = createServer((request, response) => provider.answer(request, response));
await once(provider.listen(0, '127.0.0.1'), 'listening');
provider.unref();
const ORIGIN = `http://127.0.0.1:${provider.address().port}`;
process.env.FETCH_ALLOW = ORIGIN;
const { authHandler } = await import('../../examples/http-layer/bridge.mjs');

/** What a request to the provider is, as the database says it. */
const fetching = (path, more) => ({ method: 'GET', url: `${ORIGIN}${path}`, headers: {}, body: null, timeout_ms: 60_000, ...more });
const asks = (path, more) => ({ fetch: fetching(path, more), resume: `resume of ${path}` });

/** A pool whose database gives these answers, one a statement; an error is thrown, a function called. */
function pool(...answers) {
  const it = { waitingCount: 0, held: 0, calls: [], released: [] };
  it.connect = async () => {
    if (it.refuse) throw it.refuse;
    it.held += 1;
    return {
      on: () => {},
      off: () => {},
      release: (fault) => {
        it.held -= 1;
        it.released.push(fault);
      },
      query: async (query, given) => {
        const { text = query, values = given } = query;
        it.calls.push([/better_auth\.(\w+)/.exec(text)[1], ...values]);
        let answer = answers.shift();
        if (typeof answer === 'function') answer = await answer();
        if (answer instanceof Error) throw answer;
        return { rows: [{ answer }] };
      },
    };
  };
  return it;
}

/** What resume() was given, one a call. */
const resumed = ({ calls }) => calls.filter(([name]) => name === 'resume').map(([, resume, fetched]) => [resume, JSON.parse(fetched)]);

/**
 * The layer for Node: `send(options)` → `{status, headers, cookies, body}`; with `leave`, a client that leaves; `send.left()`
 * waits until the layer knows, `send.idle()` until it works on nothing.
 */
async function node(t, database) {
  const working = [];
  const server = createServer((request, response) => {
    response.on('close', () => server.emit('left'));
    working.push(authHandler(database, request, response));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const send = async ({ method = 'POST', body = '{"x":1}', leave } = {}) => {
    const outgoing = httpRequest({ port: server.address().port, host: '127.0.0.1', path: '/api/auth/callback/x?y=z', method, headers: JSON_TYPE, agent: false });
    leave?.then(() => outgoing.destroy());
    outgoing.end(method === 'POST' ? body : undefined);
    const [response] = await once(outgoing, 'response');
    const text = (await response.setEncoding('utf8').toArray()).join('');
    return { status: response.statusCode, headers: response.headers, cookies: response.headers['set-cookie'], body: text };
  };
  return Object.assign(send, { left: () => once(server, 'left'), idle: () => Promise.all(working) });
}

/** That for Next.js, in a directory where it has the packages of these tests. */
const home = mkdtempSync(join(tmpdir(), 'nextjs-'));
process.on('exit', () => rmSync(home, { recursive: true }));
cpSync(here('../../examples/http-layer/nextjs/src/lib'), home, { recursive: true });
writeFileSync(join(home, 'package.json'), '{"type": "module"}');
mkdirSync(join(home, 'node_modules'));
symlinkSync(here('../node_modules/pg'), join(home, 'node_modules/pg'));
const { handle, getSession } = await import(pathToFileURL(join(home, 'better-auth.js')).href);

async function nextjs(t, database) {
  globalThis.betterAuthPool = database;
  t.after(() => { delete globalThis.betterAuthPool; });
  const send = async ({ method = 'POST', body = '{"x":1}', leave } = {}) => {
    const left = new AbortController();
    leave?.then(() => left.abort());
    const url = 'http://localhost:3000/api/auth/callback/x?y=z';
    const response = await handle(new Request(url, { method, headers: JSON_TYPE, body: method === 'POST' ? body : undefined, signal: left.signal }));
    return { status: response.status, headers: Object.fromEntries(response.headers), cookies: response.headers.getSetCookie(), body: await response.text() };
  };
  return Object.assign(send, { left: async () => {}, idle: async () => {} }); // an abort is known at once, and handle() ends no sooner
}

for (const [name, layer] of Object.entries({ node, nextjs })) {
  describe(name, () => {
    /** The layer and its database, and what it logs. */
    async function start(t, ...answers) {
      const log = [];
      t.mock.method(console, 'error', (line) => log.push(line));
      const database = pool(...answers);
      provider.answer = (request, response) => response.end('fetched');
      return { database, log, send: await layer(t, database) };
    }

    test('without a fetch, all is as it was, but that the database is told that it may ask', async (t) => {
      const { database, send } = await start(t, DONE);
      const { status, cookies, headers, body } = await send();
      assert.deepEqual([status, cookies, headers['x-done'], headers['cache-control'], body], [200, ['a=b', 'c=d'], 'yes', 'no-store', 'done']);
      const [[called, request], ...more] = database.calls;
      const { method, url, body: sent, fetch, ...rest } = JSON.parse(request);
      assert.deepEqual([called, more, method, url, sent, fetch, Object.keys(rest)], ['handler', [], 'POST', '/api/auth/callback/x?y=z', '{"x":1}', true, ['headers']]);
      assert.deepEqual([database.held, database.released], [0, [undefined]]);
    });

    test('fetches, and says what came', async (t) => {
      const { database, send } = await start(t, asks('/token', { method: 'POST', body: 'code=x', headers: { accept: 'application/json' } }), DONE);
      provider.answer = async (request, response) => {
        const body = (await request.setEncoding('utf8').toArray()).join('');
        response.writeHead(400, { 'content-type': 'text/plain' }).end(`${request.method} ${request.url} ${request.headers.accept} ${body}`);
      };
      const { status, body } = await send();
      assert.deepEqual([status, body], [200, 'done']);
      const [[resume, { status: fetched, headers, body: given }], ...more] = resumed(database);
      assert.deepEqual([resume, more, fetched, headers['content-type'], given], ['resume of /token', [], 400, 'text/plain', 'POST /token application/json code=x']);
    });

    test('holds no connection to the database meanwhile', async (t) => {
      const { database, send } = await start(t, asks('/one'), asks('/two'), DONE);
      const held = [];
      provider.answer = (request, response) => {
        held.push([request.url, database.held]);
        response.end();
      };
      assert.equal((await send()).status, 200);
      assert.deepEqual([held, database.held, database.released.length], [[['/one', 0], ['/two', 0]], 0, 3]);
    });

    test('four fetches; the fifth is none', async (t) => {
      const paths = ['/1', '/2', '/3', '/4'];
      const four = await start(t, ...paths.map((path) => asks(path)), DONE);
      assert.equal((await four.send()).status, 200);
      assert.deepEqual(resumed(four.database).map(([resume]) => resume), paths.map((path) => `resume of ${path}`));
      t.mock.restoreAll();
      const asked = [];
      const five = await start(t, ...paths.map((path) => asks(path)), asks('/5'), DONE);
      provider.answer = (request, response) => {
        asked.push(request.url);
        response.end();
      };
      const { status, body, cookies } = await five.send();
      assert.deepEqual([status, body, cookies?.length ?? 0, asked, five.database.calls.length], [500, '', 0, paths, 5]);
      assert.deepEqual(five.log.map((line) => /answered 500: too many fetches$/.test(line)), [true]);
    });

    test('what fails out there is the database’s to judge', async (t) => {
      const failures = {
        'a private address': [fetching('/', { url: 'https://127.0.0.1/?secret' }), { error: 'address' }],
        'no https': [fetching('/', { url: 'http://provider.example/?secret' }), { error: 'not https' }],
        'another port of the allowed host': [fetching('/', { url: `http://127.0.0.1:1/` }), { error: 'not https' }],
        'no URL': [fetching('/', { url: undefined }), { error: 'url' }],
        'another method': [fetching('/', { method: 'PATCH' }), { error: 'method' }],
        'a header that is none': [fetching('/', { headers: { a: 'b\r\nc: d' } }), { error: 'ERR_INVALID_CHAR' }],
        'too slow': [fetching('/slow', { timeout_ms: 100 }), { error: 'timeout' }],
        'too long': [fetching('/long'), { error: 'too long' }],
        'cut off': [fetching('/cut'), { error: 'ECONNRESET' }],
      };
      for (const [name, [fetch, fetched]] of Object.entries(failures)) {
        const { database, send, log } = await start(t, { fetch, resume: 'r' }, DONE);
        provider.answer = (request, response) => {
          if (request.url === '/long') response.end(Buffer.alloc(10 << 20));
          if (request.url === '/cut') response.writeHead(200, { 'content-length': 10 }).write('half', () => response.destroy());
        };
        assert.equal((await send()).status, 200, name);
        assert.deepEqual([resumed(database), log], [[['r', fetched]], []], name);
        t.mock.restoreAll();
      }
    });

    test('resume() raises: 500, the connection is given up, and the log has the code alone', async (t) => {
      const error = Object.assign(new Error('resume of SECRET'), { code: '22023', detail: 'SECRET' });
      const { database, send, log } = await start(t, asks('/one'), error);
      const { status, body } = await send();
      assert.deepEqual([status, body, database.held, database.released], [500, '', 0, [undefined, error]]);
      assert.deepEqual(log.map((line) => line.replace('better_auth: ', '')), ['answered 500: 22023']);
    });

    test('no connection: 503 before anything was done, 500 after that', async (t) => {
      const gone = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
      const before = await start(t);
      before.database.refuse = gone;
      assert.equal((await before.send()).status, 503);
      t.mock.restoreAll();
      const after = await start(t, asks('/one'), DONE);
      provider.answer = (request, response) => {
        after.database.refuse = gone;
        response.end();
      };
      const { status, headers } = await after.send();
      assert.deepEqual([status, headers['retry-after'], resumed(after.database)], [500, undefined, []]);
    });

    test('others that wait are passed: who has fetched is nearly done', async (t) => {
      const { database, send } = await start(t, asks('/one'), DONE);
      provider.answer = (request, response) => {
        database.waitingCount = 1_000;
        response.end();
      };
      assert.equal((await send()).status, 200);
      assert.equal((await send()).status, 503);
    });

    test('the client leaves: all is fetched and resumed to the end', async (t) => {
      let leave;
      const leaving = new Promise((resolve) => { leave = resolve; });
      const { database, send, log } = await start(t, asks('/one'), asks('/two'), DONE, DONE);
      provider.answer = async (request, response) => {
        if (request.url === '/one') {
          const left = send.left();
          leave();
          await left;
        }
        response.end(request.url);
      };
      const sent = await send({ leave: leaving }).catch((error) => error);
      assert.ok(sent instanceof Error || sent.status === 200);
      await send.idle();
      assert.deepEqual(resumed(database).map(([resume, { body }]) => [resume, body]), [['resume of /one', '/one'], ['resume of /two', '/two']]);
      assert.equal((await send()).body, 'done');
      assert.deepEqual([database.held, log], [0, []]);
    });

    test('a body holds no room meanwhile', async (t) => {
      const body = JSON.stringify('x'.repeat((1 << 20) - 100));
      const waiting = [];
      let all;
      const come = new Promise((resolve) => { all = resolve; });
      const { send } = await start(t, ...Array.from({ length: 70 }, () => asks('/one')), ...Array.from({ length: 71 }, () => DONE));
      provider.answer = (request, response) => { if (waiting.push(response) === 70) all(); };
      const sent = [];
      for (let count = 0; count < 70; count += 1) {
        sent.push(send({ body }));
        while (waiting.length <= count) await new Promise((resolve) => { setImmediate(resolve); });
      }
      await come;
      for (const response of waiting) response.end();
      assert.deepEqual(new Set((await Promise.all(sent)).map(({ status }) => status)), new Set([200]));
    });

    test('what is kept meanwhile takes the room of bodies, but who has begun is done', async (t) => {
      const waiting = [];
      const kept = { ...asks('/one'), resume: 'x'.repeat(1 << 20) };
      const answers = [...Array(64).fill(kept), asks('/two'), ...Array(66).fill(DONE)];
      const { database, log, send } = await start(t, ...answers);
      provider.answer = (request, response) => {
        if (request.url === '/two') response.end();
        else waiting.push(response);
      };
      t.after(() => waiting.forEach((response) => response.end()));
      const sent = [];
      for (let count = 0; count < 64; count += 1) {
        sent.push(send({ method: 'GET' }));
        while (waiting.length <= count) await new Promise((resolve) => { setImmediate(resolve); });
      }
      const { status, headers } = await send();
      assert.deepEqual([status, headers['retry-after'], database.calls.length], [503, '1', 64]);
      assert.equal((await send({ method: 'GET' })).body, 'done'); // after a fetch
      assert.equal(resumed(database).length, 1);
      for (const response of waiting) response.end();
      assert.deepEqual(new Set((await Promise.all(sent)).map(({ body }) => body)), new Set(['done']));
      assert.equal((await send()).status, 200);
      assert.deepEqual(log.map((line) => line.replace('better_auth: ', '')), ['answered 503: too many bodies are held']);
    });
  });
}

test('nextjs: who asks for a session on the server fetches nothing', async (t) => {
  const database = pool({ status: 200, headers: [], body: 'null' });
  globalThis.betterAuthPool = database;
  t.after(() => { delete globalThis.betterAuthPool; });
  assert.equal(await getSession(new Headers({ cookie: 'a=b' })), null);
  assert.equal('fetch' in JSON.parse(database.calls[0][1]), false);
});
