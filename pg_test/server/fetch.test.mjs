// examples/http-layer/fetch.mjs: where a fetch may lead, and what other servers may do.

import assert from 'node:assert/strict';
import dns from 'node:dns';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import https from 'node:https';
import { BlockList, createServer as createNetServer } from 'node:net';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { isPublic, origins, perform } from '../../examples/http-layer/fetch.mjs';
import { selfSigned } from './certificate.mjs';

const KIB = 1 << 10;
const ask = (url, more, allowed = new Set()) => perform({ method: 'GET', url, timeout_ms: 60_000, ...more }, allowed);

/** A server on loopback; `origin` is its own. */
async function listen(t, server) {
  const sockets = new Set();
  server.on('connection', (socket) => { sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket))); });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

/** A server that answers so, and a fetch from it, which is allowed. */
async function served(t, listener) {
  const origin = await listen(t, createServer(listener));
  return { origin, ask: (more) => ask(`${origin}/path?a=b`, more, new Set([origin])) };
}

/** A server that sends these bytes to whoever asks. */
async function raw(t, send) {
  const origin = await listen(t, createNetServer((socket) => { socket.once('data', () => send(socket)); }));
  return (more) => ask(origin, more, new Set([origin]));
}

describe('addresses', () => {
  const PRIVATE = [
    '0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.254', '169.254.169.254',
    '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.2.1', '192.88.99.1', '192.168.0.1', '198.18.0.1', '198.19.255.255', '198.51.100.1',
    '203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255',
    '::', '::1', '::7f00:1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:0:8.8.8.8', '64:ff9b::127.0.0.1', '64:ff9b::8.8.8.8', '64:ff9b:1::1',
    '100::1', '2001::1', '2001:20::1', '2001:db8::1', '2002:7f00:1::', '2002:808:808::1', '3fff::1', '5f00::1', 'fc00::1', 'fd12:3456::1',
    'fe80::1', 'fe80::1%lo', 'febf::1', 'fec0::1', 'ff02::1', 'ff0e::1',
  ];
  const PUBLIC = [
    '1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '172.15.255.255', '172.32.0.0', '192.0.1.1', '192.167.255.255',
    '192.169.0.0', '198.17.255.255', '198.20.0.0', '223.255.255.255', '2001:200::1', '2001:4860:4860::8888', '2606:4700::1111', '2a00:1450::1',
  ];
  test('that are somebody’s own are none of the public’s', () => {
    assert.deepEqual(PRIVATE.filter(isPublic), []);
    assert.deepEqual(PUBLIC.filter((address) => !isPublic(address)), []);
    for (const odd of ['', 'localhost', '1.1.1', '01.1.1.1', '1.1.1.1 ', '[::1]', '2606:4700::1111%eth0']) assert.equal(isPublic(odd), false, odd);
  });

  const HOSTS = [
    ...PRIVATE.filter((address) => !address.includes('%')).map((address) => (address.includes(':') ? `[${address}]` : address)),
    '127.1', '127.0.1', '2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1', '017700000001', '127.0.0.1.', '[0:0:0:0:0:0:0:1]', '１２７.0.0.1', '127。0。0。1', '%31%32%37.0.0.1',
  ];
  test('of URLs lead nowhere, however they are written', async () => {
    for (const host of HOSTS) assert.deepEqual(await ask(`https://${host}/`), { error: 'address' }, host);
  });

  test('only https, its port, and no user', async () => {
    const table = {
      'http://provider.example/': 'not https', 'HTTP://provider.example/': 'not https', 'http://8.8.8.8/': 'not https', 'ftp://provider.example/': 'not https',
      'file:///etc/passwd': 'not https', 'data:text/plain,x': 'not https', 'javascript:1': 'not https', 'blob:https://provider.example/x': 'not https',
      'https://provider.example:80/': 'port', 'https://provider.example:8443/': 'port', 'https://8.8.8.8:22/': 'port', 'https://127.0.0.1:5432/': 'port',
      'https://user:secret@provider.example/': 'credentials', 'https://user@provider.example/': 'credentials', 'https://provider.example@127.0.0.1/': 'credentials',
      'provider.example': 'url', '//provider.example/': 'url', '/path': 'url', '': 'url', 'https://': 'url', 'https://a b/': 'url', 'https://127.0.0.1:99999/': 'url',
    };
    for (const [url, error] of Object.entries(table)) assert.deepEqual(await ask(url), { error }, url);
    for (const method of ['PUT', 'DELETE', 'HEAD', 'CONNECT', 'get', '']) assert.deepEqual(await ask('https://8.8.8.8/', { method }), { error: 'method' }, method);
  });
});

describe('names', () => {
  /** What DNS says, one answer after the other; the addresses that connections are made to. */
  function resolver(t, ...answers) {
    const asked = [];
    t.mock.method(dns, 'lookup', (host, options, done) => {
      asked.push(host);
      const addresses = answers.length > 1 ? answers.shift() : answers[0];
      if (addresses instanceof Error) return setImmediate(done, addresses);
      setImmediate(done, null, addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
    });
    // An address of this machine that counts as a public one, and has nobody at the port of https.
    const { check } = BlockList.prototype;
    t.mock.method(BlockList.prototype, 'check', function (address, family) { return address !== PUBLIC && check.call(this, address, family); });
    const attempts = [];
    const { request } = https;
    t.mock.method(https, 'request', (...args) => request(...args).on('socket', (socket) => {
      socket.on('connectionAttempt', (address) => attempts.push(address));
    }));
    return { asked, attempts, ask: (host = 'provider.example') => ask(`https://${host}/`) };
  }
  const PUBLIC = '127.0.0.2';

  test('that lead to private addresses lead nowhere', async (t) => {
    for (const addresses of [['127.0.0.1'], ['::1'], ['10.0.0.1', '192.168.0.1'], ['::ffff:8.8.8.8'], ['64:ff9b::8.8.8.8'], ['fe80::1%eth0'], []]) {
      const it = resolver(t, addresses);
      assert.deepEqual(await it.ask(), { error: 'address' }, `${addresses}`);
      assert.deepEqual([it.asked, it.attempts], [['provider.example'], []]);
      t.mock.restoreAll();
    }
  });

  test('localhost is one of them', async () => {
    for (const host of ['localhost', 'localhost.', 'LOCALHOST']) assert.match((await ask(`https://${host}/`)).error, /^(address|ENOTFOUND|EAI_AGAIN)$/, host);
  });

  test('that nobody knows', async (t) => {
    const it = resolver(t, Object.assign(new Error('getaddrinfo ENOTFOUND provider.example'), { code: 'ENOTFOUND' }));
    assert.deepEqual(await it.ask(), { error: 'ENOTFOUND' });
  });

  test('of several addresses, private ones aren’t connected to', async (t) => {
    const it = resolver(t, ['127.0.0.1', PUBLIC, '::1']);
    assert.deepEqual(await it.ask(), { error: 'ECONNREFUSED' });
    assert.deepEqual(it.attempts, [PUBLIC]);
  });

  test('are looked up once: that they lead elsewhere a moment later changes nothing', async (t) => {
    const it = resolver(t, [PUBLIC], ['127.0.0.1']);
    assert.deepEqual(await it.ask(), { error: 'ECONNREFUSED' });
    assert.deepEqual([it.asked, it.attempts], [['provider.example'], [PUBLIC]]);
  });
});

describe('FETCH_ALLOW', () => {
  test('has origins, exactly', () => {
    assert.deepEqual([...origins(' http://localhost:4000, https://id.internal ,')], ['http://localhost:4000', 'https://id.internal']);
    assert.deepEqual([...origins(), ...origins('')], []);
    for (const odd of ['localhost', 'http://localhost:4000/', 'http://localhost:80', 'https://x/path', 'HTTP://x', '*', 'http://*', 'ftp://x', 'http://a@b']) {
      assert.throws(() => origins(odd), { message: `FETCH_ALLOW: ${odd} is no origin` });
    }
  });

  test('lets those through and nobody else', async (t) => {
    const { origin, ask: allowed } = await served(t, (request, response) => response.end('here'));
    assert.equal((await allowed()).body, 'here');
    const port = new URL(origin).port;
    const only = new Set([origin]);
    assert.deepEqual(await ask(`http://localhost:${port}/`, {}, only), { error: 'not https' });
    assert.deepEqual(await ask(`https://127.0.0.1:${port}/`, {}, only), { error: 'port' });
    assert.deepEqual(await ask(`http://127.0.0.1:${Number(port) + 1}/`, {}, only), { error: 'not https' });
    assert.deepEqual(await ask(`http://user@127.0.0.1:${port}/`, {}, only), { error: 'credentials' });
    assert.deepEqual(await ask(origin), { error: 'not https' });
  });
});

describe('an exchange', () => {
  test('sends what it is given, and gives what came', async (t) => {
    const { ask, origin } = await served(t, async (request, response) => {
      const chunks = await request.setEncoding('utf8').toArray();
      const { method, url, headers } = request;
      response.writeHead(418, { 'content-type': 'application/json', 'set-cookie': ['a=b', 'c=d'], 'x-one': 'é' });
      response.end(JSON.stringify({ method, url, headers, body: chunks.join('') }));
    });
    const headers = {
      'Content-Type': 'application/x-www-form-urlencoded', authorization: 'Basic eDp5', 'User-Agent': 'mine',
      Host: 'elsewhere.example', 'Content-Length': '1', 'transfer-encoding': 'chunked', Connection: 'upgrade', 'accept-encoding': 'gzip', 'Proxy-Authorization': 'x', Expect: '100-continue',
    };
    const { status, headers: given, body } = await ask({ method: 'POST', headers, body: 'code=é&x=y' });
    assert.deepEqual([status, given['content-type'], given['x-one'], given['set-cookie']], [418, 'application/json', 'é', undefined]);
    assert.deepEqual(JSON.parse(body), {
      method: 'POST', url: '/path?a=b', body: 'code=é&x=y',
      headers: {
        'content-type': 'application/x-www-form-urlencoded', authorization: 'Basic eDp5', 'user-agent': 'mine',
        host: new URL(origin).host, 'content-length': '11', connection: 'close', 'accept-encoding': 'identity',
      },
    });
    const get = JSON.parse((await ask({ headers: undefined, body: null })).body);
    assert.deepEqual([get.method, get.body, get.headers['user-agent'], get.headers['content-length']], ['GET', '', 'better_auth', undefined]);
  });

  test('refuses what is no header', async (t) => {
    const { ask } = await served(t, (request, response) => response.end());
    for (const headers of [{ 'a b': 'c' }, { '': 'c' }, { a: 'b\r\nc: d' }, { a: 'b\0' }, { a: '€' }, { 'a:b': 'c' }]) {
      assert.match((await ask({ headers })).error, /^ERR_INVALID_(CHAR|HTTP_TOKEN)$/, JSON.stringify(headers));
    }
  });

  test('a redirect is an answer', async (t) => {
    for (const status of [301, 302, 303, 307, 308]) {
      const paths = [];
      const { ask } = await served(t, (request, response) => {
        paths.push(request.url);
        response.writeHead(status, { location: '/elsewhere' }).end('moved');
      });
      const answer = await ask();
      assert.deepEqual([answer.status, answer.headers.location, answer.body, paths], [status, '/elsewhere', 'moved', ['/path?a=b']]);
    }
  });

  test('errors and HTML are answers', async (t) => {
    for (const status of [204, 304, 400, 401, 404, 429, 500, 503]) {
      const { ask } = await served(t, (request, response) => response.writeHead(status, { 'content-type': 'text/html' }).end('<!doctype html>'));
      const answer = await ask();
      assert.deepEqual([answer.status, answer.body], [status, [204, 304].includes(status) ? '' : '<!doctype html>']);
    }
  });

  test('64 KiB, and no byte more', async (t) => {
    let length = 64 * KIB;
    const { ask } = await served(t, (request, response) => response.end('x'.repeat(length)));
    assert.equal((await ask()).body.length, length);
    length += 1;
    assert.deepEqual(await ask(), { error: 'too long' });
  });

  test('more where the database says so, up to 1 MiB', async (t) => {
    let length;
    const { ask } = await served(t, (request, response) => response.end('x'.repeat(length)));
    const table = [[10, 10], [100 * KIB, 100 * KIB], [1 << 20, 1 << 20], [1 << 30, 1 << 20], ['x', 64 * KIB], [null, 64 * KIB], [undefined, 64 * KIB]];
    for (const [max_bytes, most] of table) {
      length = most;
      assert.equal((await ask({ max_bytes })).body?.length, length, max_bytes);
      length += 1;
      assert.deepEqual(await ask({ max_bytes }), { error: 'too long' }, max_bytes);
    }
  });

  test('10 MB, and what has no end, are cut off', async (t) => {
    for (const [name, listener] of Object.entries({
      '10 MB': (response) => response.end(Buffer.alloc(10 << 20)),
      'endless': (response) => {
        const more = () => { while (!response.destroyed && response.write(Buffer.alloc(KIB))); };
        response.on('drain', more);
        more();
      },
    })) {
      let closed;
      const { ask } = await served(t, (request, response) => {
        closed = once(response, 'close');
        listener(response);
      });
      assert.deepEqual(await ask(), { error: 'too long' }, name);
      await closed;
    }
  });

  test('nothing is decompressed', async (t) => {
    const bomb = gzipSync(Buffer.alloc(50 << 20));
    assert.ok(bomb.length < 64 * KIB);
    for (const encoding of ['gzip', 'GZIP', 'br', 'gzip, gzip', 'unknown']) {
      const { ask } = await served(t, (request, response) => response.writeHead(200, { 'content-encoding': encoding }).end(bomb));
      assert.deepEqual(await ask(), { error: 'encoded' }, encoding);
    }
    const { ask } = await served(t, (request, response) => response.writeHead(200, { 'content-encoding': 'identity' }).end('plain'));
    assert.equal((await ask()).body, 'plain');
  });

  test('what is no text becomes one that jsonb holds', async (t) => {
    const { ask } = await served(t, (request, response) => response.end(Buffer.from([0x61, 0, 0xff, 0xc3, 0xa9, 0xed, 0xa0, 0x80])));
    const { body } = await ask();
    assert.equal(body, 'a\ufffd\ufffdé\ufffd\ufffd\ufffd');
    assert.ok(body.isWellFormed());
  });

  test('the time is that of the whole exchange', async (t) => {
    const slow = {
      'no answer': () => {},
      'no end of the headers': (response) => { response.socket.write('HTTP/1.1 200 OK\r\nx: y\r\n'); },
      'no body': (response) => { response.writeHead(200, { 'content-length': '5' }).flushHeaders(); },
      'byte by byte': (response) => {
        const timer = setInterval(() => response.write('x'), 20);
        response.on('close', () => clearInterval(timer));
      },
      'one answer on the way after the other': (response) => {
        const timer = setInterval(() => response.writeProcessing(), 20);
        response.on('close', () => clearInterval(timer));
      },
    };
    for (const [name, listener] of Object.entries(slow)) {
      let closed;
      const { ask } = await served(t, (request, response) => {
        closed = once(response, 'close');
        listener(response);
      });
      assert.deepEqual(await ask({ timeout_ms: 200 }), { error: 'timeout' }, name);
      await closed;
    }
  });

  test('the database can’t ask for more than half a minute', async (t) => {
    const times = [];
    const original = setTimeout;
    t.mock.method(globalThis, 'setTimeout', (work, time, ...rest) => {
      times.push(time);
      return original(work, time, ...rest);
    });
    const { ask } = await served(t, (request, response) => response.end());
    for (const timeout_ms of [10_000, 86_400_000, undefined, null, 'x']) assert.equal((await ask({ timeout_ms })).status, 200);
    const known = [10_000, 30_000];
    assert.deepEqual(times.filter((time) => known.includes(time)), [10_000, 30_000, 30_000, 30_000, 30_000]);
    assert.ok(!times.includes(86_400_000));
  });

  test('what breaks off is no answer', async (t) => {
    const broken = {
      'before it begins': (socket) => socket.end(),
      'in the headers': (socket) => socket.end('HTTP/1.1 200 OK\r\nx'),
      'before its length': (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'),
      'in a chunk': (socket) => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab'),
      'before the last chunk': (socket) => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n'),
      'by a reset': (socket) => { socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf', () => socket.resetAndDestroy()); },
    };
    for (const [name, send] of Object.entries(broken)) {
      const ask = await raw(t, send);
      assert.match((await ask()).error, /^(ECONNRESET|cut off|HPE_\w+)$/, name);
    }
  });

  test('what is no HTTP is no answer', async (t) => {
    const odd = {
      'SSH': 'SSH-2.0-OpenSSH_9.6\r\n',
      'headers that are too long': `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20 * KIB)}\r\n\r\n`,
      'two lengths': 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
      'a length and chunks': 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      'NUL in a header': 'HTTP/1.1 200 OK\r\nx: \0\r\ncontent-length: 0\r\n\r\n',
      'another protocol': 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
    };
    for (const [name, text] of Object.entries(odd)) {
      const ask = await raw(t, (socket) => socket.end(text));
      assert.match((await ask()).error, /^(HPE_\w+|ECONNRESET|cut off)$/, name);
    }
  });

  test('who can’t be reached', async (t) => {
    const server = createServer();
    const origin = await listen(t, server);
    server.close();
    assert.deepEqual(await ask(origin, {}, new Set([origin])), { error: 'ECONNREFUSED' });
  });

  test('who is not who it should be', async (t) => {
    let asked = 0;
    const port = new URL(await listen(t, createTlsServer(await selfSigned(), () => { asked += 1; }))).port;
    const origin = `https://127.0.0.1:${port}`;
    assert.deepEqual(await ask(origin, {}, new Set([origin])), { error: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    assert.equal(asked, 0);
  });

  test('500 at a time', async (t) => {
    const waiting = [];
    let come;
    const all = new Promise((resolve) => { come = resolve; });
    const { ask } = await served(t, (request, response) => { if (waiting.push(response) === 500) come(); });
    const fetching = Array.from({ length: 500 }, () => ask());
    await all;
    assert.deepEqual(await ask(), { error: 'busy' });
    for (const response of waiting) response.end('done');
    assert.ok((await Promise.all(fetching)).every(({ body }) => body === 'done'));
    const one = ask();
    while (waiting.length === 500) await new Promise(setImmediate);
    waiting.at(-1).end('again');
    assert.equal((await one).body, 'again');
  });
});

test('Next.js has the same file', () => {
  const [one, other] = ['fetch.mjs', 'nextjs/src/lib/fetch.mjs'].map((name) => readFileSync(new URL(`../../examples/http-layer/${name}`, import.meta.url), 'utf8'));
  assert.equal(one, other);
});
