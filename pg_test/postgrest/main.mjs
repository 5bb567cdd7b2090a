// The stand-in as a program, configured by PostgREST's own variables: `node pg_test/postgrest/main.mjs`. Which
// version it plays is said by POSTGREST_VERSION.

import { readFileSync } from 'node:fs';
import { startStandIn } from './stand-in.mjs';

const { env } = process;
const secret = env.PGRST_JWT_SECRET;

const standIn = await startStandIn({
  connection: { connectionString: env.PGRST_DB_URI },
  schemas: (env.PGRST_DB_SCHEMAS ?? 'public').split(',').map((one) => one.trim()),
  anonRole: env.PGRST_DB_ANON_ROLE ?? null,
  jwtSecret: secret?.startsWith('@') ? readFileSync(secret.slice(1), 'utf8').trim() : secret,
  jwtAud: env.PGRST_JWT_AUD,
  preRequest: env.PGRST_DB_PRE_REQUEST,
  txEnd: env.PGRST_DB_TX_END,
  host: env.PGRST_SERVER_HOST,
  port: Number(env.PGRST_SERVER_PORT ?? 3000),
});
console.log(`a stand-in for PostgREST listens on ${standIn.url}`);
let stopping;
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { stopping ??= standIn.stop(); }); // more than one may come
