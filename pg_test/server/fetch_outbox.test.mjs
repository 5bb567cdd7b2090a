// Requests of fetch_outbox: workers at once, and the one of examples/http-layer against a server that plays the receiver.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { copyFileSync, symlinkSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { configured } from './http.mjs';
import { cleanup, directory, server, until } from './lib.mjs';

const count = (client) => client.value('SELECT count(*)::int FROM better_auth.fetch_outbox');

test('of what is claimed by many at once each gets other requests, and of two who fail one nobody waits', async (t) => {
  const { database, client } = await configured(t);
  await client.query(`SELECT better_auth.enqueue_fetch('https://hooks.example/' || n) FROM generate_series(1, 40) n`);
  const connections = await database.connectMany(8);
  const claimed = await Promise.all(connections.map((one) => one.column('SELECT id FROM better_auth.claim_fetch(10)')));
  const ids = claimed.flat();
  assert.deepEqual([ids.length, new Set(ids).size], [40, 40]);
  const [mine, theirs] = connections;
  await mine.query('BEGIN');
  await mine.query(`SELECT better_auth.fail_fetch($1, 'x')`, [ids[0]]);
  await client.query(`UPDATE better_auth.fetch_outbox SET available_at = now() - interval '1 second' WHERE id = ANY ($1)`, [ids.slice(1, 3)]);
  assert.equal((await theirs.column('SELECT id FROM better_auth.claim_fetch(10)')).length, 2);
  await mine.query('COMMIT');
});

test('who listens hears of a request when its transaction commits, and of none that is rolled back', async (t) => {
  const { database, client } = await configured(t);
  const listener = await database.connect();
  const heard = [];
  listener.on('notification', ({ channel, payload }) => heard.push([channel, payload]));
  await listener.query('LISTEN better_auth_fetch');
  await client.query('BEGIN');
  await client.query(`SELECT better_auth.enqueue_fetch('https://hooks.example')`);
  await client.query('ROLLBACK');
  const id = await client.call('enqueue_fetch', { url: 'https://hooks.example' });
  await until(async () => (await listener.query('SELECT 1')) && heard.length > 0, 'a notification');
  assert.deepEqual(heard, [['better_auth_fetch', id]]);
});

describe('examples/http-layer/fetch-worker.mjs', { concurrency: true }, () => {
  /** A database, a receiver that answers by `answer(request, number)`, and a way to start workers. */
  async function world(t, answer = () => 204) {
    const { database, client } = await configured(t);
    const role = await server.role(t, 'fetcher');
    cleanup(t, () => client.query(`DROP OWNED BY ${role}`));
    await client.query(`GRANT USAGE ON SCHEMA better_auth TO ${role}; GRANT EXECUTE ON FUNCTION better_auth.claim_fetch, better_auth.complete_fetch, better_auth.fail_fetch TO ${role}`);
    const got = [];
    const receiver = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request.setEncoding('utf8')) body += chunk;
      const { method, url, headers } = request;
      const status = await answer({ method, url, headers, body }, got.push({ method, url, headers, body }));
      response.writeHead(status).end();
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    cleanup(t, () => { receiver.closeAllConnections(); receiver.close(); });
    const origin = `http://127.0.0.1:${receiver.address().port}`;
    const home = directory(t);
    for (const name of ['fetch.mjs', 'fetch-worker.mjs']) copyFileSync(new URL(`../../examples/http-layer/${name}`, import.meta.url), join(home, name));
    symlinkSync(new URL('../node_modules', import.meta.url).pathname, join(home, 'node_modules'));
    const worker = (more) => {
      const env = { ...process.env, PGUSER: role, PGDATABASE: database.name, FETCH_ALLOW: origin, ...more };
      const child = spawn(process.execPath, ['fetch-worker.mjs'], { cwd: home, env, stdio: ['ignore', 'ignore', 'pipe'] });
      let errors = '';
      child.stderr.setEncoding('utf8').on('data', (text) => { errors += text; });
      const closed = once(child, 'close');
      cleanup(t, async () => { child.kill('SIGKILL'); await closed; });
      const ended = async (signal) => { child.kill(signal); return (await closed)[0]; };
      return { child, ended, errors: () => errors };
    };
    const listening = () => until(async () => (await client.column(`SELECT pid FROM pg_stat_activity WHERE usename = $1 AND state = 'idle' AND query LIKE '%claim_fetch%'`, [role])).length > 0, 'the worker waits');
    return { client, role, got, origin, worker, listening };
  }

  test('makes what waits and what comes, as it was asked for, signed, and completes it', async (t) => {
    const { client, got, origin, worker, listening } = await world(t);
    const id = await client.value(`SELECT better_auth.enqueue_fetch($1, '{"b": 12345678901234567890.10, "a": "é"}')`, [`${origin}/a?b=c`]);
    const key = Buffer.from('a key that signs');
    const it = worker({ WEBHOOK_SECRET: `whsec_${key.toString('base64')}` });
    await until(() => got.length === 1, `a request: ${it.errors()}`);
    const [{ method, url, headers, body }] = got;
    assert.deepEqual([method, url, body], ['POST', '/a?b=c', '{"a": "é", "b": 12345678901234567890.10}']);
    assert.deepEqual([headers['content-type'], headers['webhook-id']], ['application/json', id]);
    assert.ok(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000) < 60);
    const signature = createHmac('sha256', key).update(`${id}.${headers['webhook-timestamp']}.${body}`).digest('base64');
    assert.equal(headers['webhook-signature'], `v1,${signature}`);
    await listening();
    await client.query(`SELECT better_auth.enqueue_fetch($1, headers => '{"Authorization": "Bearer x", "Content-Type": "text/plain"}', method => 'DELETE')`, [`${origin}/d`]);
    await until(() => got.length === 2, 'another, sooner than it would look by itself');
    assert.deepEqual([got[1].method, got[1].headers.authorization, got[1].headers['content-type'], got[1].body], ['DELETE', 'Bearer x', 'text/plain', '']);
    await until(async () => (await count(client)) === 0, 'both are completed');
    assert.deepEqual([await it.ended('SIGTERM'), it.errors()], [0, '']);
  });

  test('what fails is kept with the reason, is made again with the same id, and doesn’t keep others waiting', async (t) => {
    const { client, got, origin, worker } = await world(t, ({ url }, number) => (url === '/later' && number < 4 ? 500 : url === '/gone' ? 302 : 200));
    for (const path of ['/later', '/gone', '/fine']) await client.call('enqueue_fetch', { url: origin + path });
    await client.call('enqueue_fetch', { url: 'http://127.0.0.1:1/not-allowed' });
    const it = worker();
    const rows = async () => (await client.query(`SELECT split_part(url, '/', 4) AS path, attempts, last_error FROM better_auth.fetch_outbox WHERE last_error IS NOT NULL ORDER BY url`)).rows;
    await until(async () => (await rows()).length === 3, `three are left: ${it.errors()}`);
    assert.deepEqual((await rows()).sort((a, b) => (a.path < b.path ? -1 : 1)), [
      { path: 'gone', attempts: 1, last_error: 'status 302' },
      { path: 'later', attempts: 1, last_error: 'status 500' },
      { path: 'not-allowed', attempts: 1, last_error: 'not https' },
    ]);
    await client.query(`UPDATE better_auth.fetch_outbox SET available_at = now() WHERE url LIKE '%/later'; NOTIFY better_auth_fetch`);
    await until(() => got.filter(({ url }) => url === '/later').length === 2, 'once more');
    const ids = got.filter(({ url }) => url === '/later').map(({ headers }) => headers['webhook-id']);
    assert.equal(ids[0], ids[1]);
    await until(async () => (await count(client)) === 2, 'it is completed');
    assert.equal(await it.ended('SIGINT'), 0);
  });

  test('a worker that dies with a request gives it back', async (t) => {
    let release;
    const held = new Promise((done) => { release = done; });
    const { client, got, origin, worker } = await world(t, async (_, number) => { if (number === 1) await held; return 200; });
    await client.call('enqueue_fetch', { url: origin });
    const first = worker();
    await until(() => got.length === 1, `the first has it: ${first.errors()}`);
    await first.ended('SIGKILL');
    release();
    assert.equal(await count(client), 1);
    await client.query('UPDATE better_auth.fetch_outbox SET available_at = now()');
    worker();
    await until(async () => (await count(client)) === 0, 'the second completes it');
    assert.deepEqual(got.map(({ headers }) => headers['webhook-id'])[0], got[1].headers['webhook-id']);
  });

  test('three workers share what waits, and SIGTERM lets each finish', async (t) => {
    const { client, got, origin, worker } = await world(t);
    await client.query(`SELECT better_auth.enqueue_fetch($1 || '/' || n) FROM generate_series(1, 60) n`, [origin]);
    const workers = [worker(), worker(), worker()];
    await until(async () => (await count(client)) === 0, `all are made: ${workers[0].errors()}`);
    assert.deepEqual([got.length, new Set(got.map(({ url }) => url)).size], [60, 60]);
    assert.deepEqual(await Promise.all(workers.map((one) => one.ended('SIGTERM'))), [0, 0, 0]);
  });
});
