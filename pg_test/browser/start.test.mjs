// `make app` once the database is there: how it starts and ends.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startApp } from '../../examples/app/server.mjs';
import { cleanup, directory, until } from '../server/lib.mjs';
import { appDatabase, useRoles } from './lib.mjs';

useRoles();

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Starts it; `{said(), up(), end(signal), ended}`. */
function start(t, database, env = {}) {
  const child = spawn(process.execPath, [path('../tools/app.mjs')], {
    env: { ...process.env, PORT: '', POSTGREST: '', PGDATABASE: database.name, ...env },
    detached: true, // a process group of its own, as in a terminal
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal);
  cleanup(t, async () => {
    try {
      process.kill(-child.pid, 'SIGKILL'); // with the PostgREST that it has started
    } catch {} // all have ended
    await ended;
  });
  const url = (what) => new RegExp(`${what} +(http://\\S+)`).exec(text)?.[1];
  return {
    ended,
    said: () => text,
    async up() {
      await until(() => text.includes('database  ') || child.exitCode !== null, 'it is up');
      assert.equal(child.exitCode, null, text);
      return { app: url('Ctrl-C:'), postgrest: url('PostgREST') ?? url('its stand-in') };
    },
    end(signal) {
      child.kill(signal);
      return ended;
    },
    /** As a terminal does it: for all that it has started, too. */
    signalGroup: (signal) => process.kill(-child.pid, signal),
  };
}

const answers = (url, options) => fetch(url, options).then(({ status }) => status, () => 'nobody');

/** A program that takes PostgREST's settings from the environment, as PostgREST does. */
function program(t, command) {
  const file = join(directory(t), 'postgrest');
  writeFileSync(file, `#!/bin/sh\n${command}\n`);
  chmodSync(file, 0o755);
  return file;
}

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`it serves until ${signal}, with a connection open`, async (t) => {
    const run = start(t, await appDatabase(t));
    const { app, postgrest } = await run.up();
    assert.equal(await answers(`${app}/api/auth/ok`), 200);
    assert.equal(await answers(`${app}/rest/posts`), 401);
    assert.equal(await answers(`${postgrest}/posts`), 401);
    assert.equal(await run.end(signal), 0);
    assert.equal(await answers(app), 'nobody');
    assert.equal(await answers(postgrest), 'nobody');
  });
}

test('it starts the PostgREST that is given, and ends it', async (t) => {
  const POSTGREST = program(t, `exec "${process.execPath}" "${path('../postgrest/main.mjs')}"`);
  const run = start(t, await appDatabase(t), { POSTGREST });
  const { app, postgrest } = await run.up();
  assert.match(run.said(), /PostgREST  /);
  assert.equal(await answers(`${app}/rest/posts`), 401);
  assert.equal(await run.end('SIGTERM'), 0);
  assert.equal(await answers(postgrest), 'nobody');
});

test('Ctrl-C, which PostgREST gets too, and a second signal, with a request in flight', async (t) => {
  const database = await appDatabase(t);
  const POSTGREST = program(t, `exec "${process.execPath}" "${path('../postgrest/main.mjs')}"`);
  const run = start(t, database, { POSTGREST });
  const { app, postgrest } = await run.up();
  const [client, observer] = await database.connectMany(2);
  await client.query('BEGIN; LOCK TABLE better_auth."user"');
  const body = JSON.stringify({ email: 'ada@example.com', password: 'wrong password' });
  const running = answers(`${app}/api/auth/sign-in/email`, { method: 'POST', headers: { origin: app, 'content-type': 'application/json' }, body });
  const waiting = `SELECT count(*)::int FROM pg_stat_activity WHERE usename = 'web' AND wait_event_type = 'Lock' AND datname = $1`;
  await until(async () => (await observer.value(waiting, [database.name])) === 1, 'the request runs');
  run.signalGroup('SIGINT');
  await until(async () => (await answers(postgrest)) === 'nobody', 'PostgREST ends by itself');
  run.signalGroup('SIGTERM');
  await client.query('ROLLBACK');
  assert.ok([401, 'nobody'].includes(await running)); // cut off, if the machine took five seconds
  assert.equal(await run.ended, 0);
  assert.doesNotMatch(run.said(), /error/i);
});

test('what goes to PostgREST stays below its path, and no type is guessed', async (t) => {
  const asked = [];
  const upstream = createHttpServer((request, response) => {
    asked.push(request.url);
    response.end('{}');
  });
  cleanup(t, () => new Promise((done) => { upstream.close(done); }));
  await once(upstream.listen(0, '127.0.0.1'), 'listening');
  for (const slash of ['', '/']) {
    const postgrest = `http://127.0.0.1:${upstream.address().port}/data${slash}`;
    const nowhere = { host: '127.0.0.1', port: 1 };
    const app = await startApp({ web: nowhere, mailer: nowhere, postgrest, port: 0 });
    cleanup(t, () => app.stop());
    const { hostname, port } = new URL(app.url);
    const get = async (path) => { // fetch() would take `..` out
      const [response] = await once(httpRequest({ hostname, port, path, agent: false }).end(), 'response');
      response.resume();
      assert.equal(response.headers['x-content-type-options'], 'nosniff', path);
      return response.statusCode;
    };
    for (const out of ['/rest/../x', '/rest/a/../../x', '/rest/%2e%2E/x', '/rest/..\\x', '/rest/../data', '/rest/../datax']) {
      assert.equal(await get(out), 400, out);
    }
    assert.deepEqual(asked.splice(0), []);
    assert.equal(await get('/rest/a/../posts?id=eq.../..'), 200);
    assert.deepEqual(asked.splice(0), ['/data/posts?id=eq.../..']);
    assert.deepEqual([await get('/'), await get('/api/auth/ok'), await get('/demo/mails')], [200, 503, 503]);
  }
});

test('a PostgREST that ends is told', async (t) => {
  const run = start(t, await appDatabase(t), { POSTGREST: program(t, 'exit 3') });
  assert.equal(await run.ended, 1);
  assert.match(run.said(), /error: \S+postgrest: it ended with 3/);
});

test('a port that is taken is passed over, and refused where it was asked for', async (t) => {
  const database = await appDatabase(t);
  const other = createServer().listen(0, '127.0.0.1');
  cleanup(t, () => other.close());
  await once(other, 'listening');
  const POSTGREST = program(t, `exec "${process.execPath}" "${path('../postgrest/main.mjs')}"`);
  const run = start(t, database, { POSTGREST, PORT: String(other.address().port) });
  assert.equal(await run.ended, 1);
  assert.match(run.said(), /error: port \d+ is taken/);
  const [first, second] = [start(t, database), start(t, database)];
  const urls = [(await first.up()).app, (await second.up()).app];
  assert.notEqual(urls[0], urls[1]);
  assert.deepEqual(await Promise.all(urls.map((url) => answers(url))), [200, 200]);
  assert.deepEqual(await Promise.all([first.end('SIGTERM'), second.end('SIGTERM')]), [0, 0]);
});
