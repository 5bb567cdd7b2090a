// `make app` once the database is there: how it starts and ends.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cleanup, directory, until } from '../server/lib.mjs';
import { appDatabase, useRoles } from './lib.mjs';

useRoles();

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Starts it; `{said(), up(), end(signal), ended}`. */
function start(t, database, env = {}) {
  const child = spawn(process.execPath, [path('../tools/app.mjs')], {
    env: { ...process.env, PORT: '', POSTGREST: '', PGDATABASE: database.name, ...env },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal);
  cleanup(t, async () => {
    child.kill('SIGKILL');
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
  };
}

const answers = (url) => fetch(url).then(({ status }) => status, () => 'nobody');

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
  assert.deepEqual(await Promise.all(urls.map(answers)), [200, 200]);
  assert.deepEqual(await Promise.all([first.end('SIGTERM'), second.end('SIGTERM')]), [0, 0]);
});
