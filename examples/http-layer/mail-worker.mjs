// Sends what waits in better_auth.mail_outbox: `node mail-worker.mjs [module]`. The module exports send(mail, client),
// which throws where a mail could not be sent; without one, mails are printed, tokens included.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';

const [module] = process.argv.slice(2);
const { send } = module
  ? await import(pathToFileURL(resolve(module)))
  : { send: (mail) => console.log(JSON.stringify(mail)) };
if (typeof send !== 'function') {
  console.error(`${module} exports no function send`);
  process.exit(1);
}

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
    await client.query('LISTEN better_auth_mail');
    while (!stopping) {
      news = false;
      const { rows } = await client.query('SELECT * FROM better_auth.claim_mail(10)');
      for (const mail of rows) await deliver(mail, client);
      if (rows.length === 0) await pause(30_000); // notifications may be missed, and repeats have none
    }
  } finally {
    await client.end();
  }
}

async function deliver(mail, client) {
  try {
    await send(mail, client);
  } catch (error) {
    await client.query('SELECT better_auth.fail_mail($1, $2)', [mail.id, String(error)]);
    return;
  }
  await client.query('SELECT better_auth.complete_mail($1)', [mail.id]);
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
