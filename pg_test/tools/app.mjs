// The demo app beside PostgREST: what `app` runs once it has made the database that PGHOST, PGPORT, ... name.
//   PORT        where it listens; without it on 3000, or the next free port
//   POSTGREST   a PostgREST to start; without it the stand-in

import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { CLIENT, Provider } from '../interop/provider.mjs';
import { freePort } from '../postgrest/free-port.mjs';
import { startStandIn } from '../postgrest/stand-in.mjs';

const { PGHOST, PGPORT, PGDATABASE, PGUSER, PORT, POSTGREST } = process.env;
const DEFAULT_PORT = 3000;

const running = []; // what is to be stopped, the last one first

let ending;

/** Stops all, once: more than one signal may come. */
function end(status) {
  ending ??= (async () => {
    while (running.length > 0) await running.pop().stop();
    process.exit(status);
  })();
  return ending;
}

function fail(message) {
  console.error(`error: ${message}`);
  return end(1);
}

// From the start: a signal may come before all is up.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => end(0));

/** What a query gives, as superuser. */
async function query(text, values) {
  const client = new pg.Client();
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

async function jwtSecret() {
  const [{ value }] = await query(
    `SELECT value FROM better_auth.signing_secret WHERE name = 'jwt' AND valid_until IS NULL`);
  return value;
}

/** A provider on this machine, at which everybody is the same person; its origin. */
async function startProvider() {
  const provider = new Provider();
  provider.page = true;
  const origin = await provider.listen();
  running.push({ stop: () => provider.close() });
  await query('SELECT better_auth.set_oauth_provider($1, $2, $3, $4)', [
    'example', CLIENT.id, CLIENT.secret, { discoveryUrl: `${origin}/.well-known/openid-configuration`, scopes: ['email', 'profile'] },
  ]);
  return origin;
}

/** A PostgREST as docs/postgrest.md says; its URL. */
async function startPostgrest(secret) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(POSTGREST, [], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env.PATH,
      PGRST_DB_URI: `postgres://authenticator@${PGHOST}:${PGPORT}/${PGDATABASE}`,
      PGRST_DB_SCHEMAS: 'public',
      PGRST_DB_ANON_ROLE: 'anon',
      PGRST_DB_PRE_REQUEST: 'public.pre_request',
      PGRST_JWT_SECRET: secret,
      PGRST_SERVER_HOST: '127.0.0.1',
      PGRST_SERVER_PORT: String(port),
    },
  });
  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => resolve(`it ended with ${code ?? signal}`));
  });
  // It may end before it is told to: Ctrl-C in a terminal reaches it as well.
  ended.then((how) => ending || fail(`${POSTGREST}: ${how}`));
  const stop = () => {
    child.kill();
    return ended;
  };
  running.push({ stop });
  for (const late = Date.now() + 120_000; ; ) {
    const isUp = await fetch(`${url}/posts`).then(({ status }) => status === 401, () => false); // no token, no posts
    if (isUp) break;
    if (Date.now() > late) await fail(`${POSTGREST} does not answer on ${url}`);
    await sleep(100);
  }
  return url;
}

async function startTheStandIn(secret) {
  const standIn = await startStandIn({
    connection: { user: 'authenticator' },
    anonRole: 'anon',
    jwtSecret: secret,
    preRequest: 'public.pre_request',
  });
  running.push(standIn);
  return standIn.url;
}

/** On the port that was asked for, or on the first free one. */
async function startOnPort(options) {
  for (let port = Number(PORT || DEFAULT_PORT); ; port += 1) {
    try {
      return await startApp({ ...options, port });
    } catch (error) {
      if (error.code !== 'EADDRINUSE') await fail(`port ${port}: ${error.message}`);
      if (PORT) await fail(`port ${port} is taken; choose another one with PORT=, or leave it out`);
      if (port === DEFAULT_PORT + 100) await fail(`${DEFAULT_PORT} to ${port} are taken; choose a port with PORT=`);
    }
  }
}

process.env.FETCH_ALLOW = await startProvider(); // which the HTTP layer reads when it is loaded
const { startApp } = await import('../../examples/app/server.mjs');
const secret = await jwtSecret();
const postgrest = await (POSTGREST ? startPostgrest(secret) : startTheStandIn(secret));
const app = await startOnPort({ web: { user: 'web' }, mailer: { user: 'mailer' }, providers: [{ id: 'example', name: 'Example' }], postgrest });
running.push(app);
console.log(`
The demo app is up until Ctrl-C:   ${app.url}

   mails           ${app.url}/mails
   ${(POSTGREST ? 'PostgREST' : 'its stand-in').padEnd(16)}${postgrest}
   database        ${process.env.PGBIN}/psql -h ${PGHOST} -p ${PGPORT} -U ${PGUSER} ${PGDATABASE}
`);
