// Makes the requests that wait in better_auth.fetch_outbox: `node fetch-worker.mjs`. To public servers by https, and to the
// origins in FETCH_ALLOW. WEBHOOK_SECRET signs them as https://www.standardwebhooks.com says.

import { createHmac } from 'node:crypto';
import { perform } from './fetch.mjs';
import pg from 'pg';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const BATCH = 10; // at a time: those of a slow server don't keep the others waiting
const SECRET = process.env.WEBHOOK_SECRET && Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ''), 'base64');

let stopping = false;
let news = false;
let wake = () => {};
const hear = () => { news = true; wake(); };
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { stopping = true; hear(); });

/** Waits, unless there is news or until there is. */
async function pause(milliseconds) {
  if (news) return;
  await new Promise((done) => {
    const timer = setTimeout(done, milliseconds);
    wake = () => { clearTimeout(timer); done(); };
  });
}

/** Until it is told to stop, or the connection is lost. */
async function work() {
  // PGHOST, PGUSER, ...; no pooler that shares connections: LISTEN belongs to this one.
  const client = new pg.Client({ connectionTimeoutMillis: 10_000, query_timeout: 30_000, keepAlive: true });
  client.on('error', hear); // the next query says what it was
  client.on('notification', hear);
  try {
    await client.connect();
    await client.query('LISTEN better_auth_fetch');
    while (!stopping) {
      news = false;
      // The body as it is written: JavaScript's numbers would round it.
      const { rows } = await client.query('SELECT id, method, url, headers, body::text, created_at FROM better_auth.claim_fetch($1)', [BATCH]);
      await Promise.all(rows.map((fetch) => deliver(fetch, client)));
      if (rows.length === 0) await pause(30_000); // notifications may be missed, and repeats have none
    }
  } finally {
    await client.end();
  }
}

async function deliver({ id, method, url, headers, body }, client) {
  const answer = await perform({ method, url, headers: { ...(body !== null && { 'content-type': 'application/json' }), ...headers, ...signed(id, body ?? '') }, body }, undefined, METHODS);
  if (answer.status >= 200 && answer.status < 300) await client.query('SELECT better_auth.complete_fetch($1)', [id]);
  else await client.query('SELECT better_auth.fail_fetch($1, $2)', [id, answer.error ?? `status ${answer.status}`]);
}

/** What tells the receiver one request from another, also where it comes twice, and who has sent it. */
function signed(id, body) {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const own = { 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (!SECRET) return own;
  return { ...own, 'webhook-signature': `v1,${createHmac('sha256', SECRET).update(`${id}.${timestamp}.${body}`).digest('base64')}` };
}

while (!stopping) {
  try {
    await work();
  } catch (error) {
    news = stopping;
    console.error(`failed, trying again: ${error.code ?? error.message}`);
    await pause(1_000);
  }
}
