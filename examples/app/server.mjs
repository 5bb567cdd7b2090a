// The demo app's server: pages, Better Auth's routes by the HTTP layer, PostgREST below /rest.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { authHandler } from '../http-layer/bridge.mjs';
import { loadAssets, sendAsset } from './assets.mjs';
import { showMails } from './mails.mjs';
import { proxyTo } from './proxy.mjs';

/**
 * Starts it. `web` is how the HTTP layer connects (as pg.Pool has it), `postgrest` PostgREST's URL, `mailer` how the
 * demo's mail worker connects: with it, everybody can read all mails. `providers` are those that the pages offer, which
 * better_auth.set_oauth_provider() has set up.
 */
export async function startApp({ web, postgrest, mailer, providers, host = '127.0.0.1', port = 3000 }) {
  const assets = await loadAssets({ mails: Boolean(mailer), providers });
  const rest = proxyTo(postgrest);
  const pool = openPool(web);
  const mailPool = mailer && openPool({ ...mailer, max: 1 });
  const mails = mailPool && showMails(mailPool);
  const server = createServer((request, response) => {
    response.setHeader('x-content-type-options', 'nosniff');
    const path = request.url.split('?', 1)[0];
    if (path.startsWith('/api/auth/') || path === '/api/insforge-token') return authHandler(pool, request, response);
    if (path.startsWith('/rest/')) return rest(request, response, request.url.slice('/rest'.length));
    if (path === '/demo/mails' && mails) return mails(request, response);
    return sendAsset(assets, path, request, response);
  });
  server.listen(port, host);
  await once(server, 'listening'); // rejects where the port is taken
  const end = async () => {
    server.close();
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), 5_000).unref(); // who is slower than that is cut off
    await once(server, 'close');
    await Promise.all([pool.end(), mailPool?.end()]);
  };
  let ending;
  const name = host === '127.0.0.1' ? 'localhost' : host;
  return {
    url: `http://${name.includes(':') ? `[${name}]` : name}:${server.address().port}`,
    stop: () => (ending ??= end()), // more than one signal may come
  };
}

function openPool(config) {
  const pool = new pg.Pool({ connectionTimeoutMillis: 5_000, ...config });
  // An idle connection was lost; the next request opens another. Without a listener the process would end.
  pool.on('error', (error) => pool.ending || console.error(`database: ${error.code ?? error.message}`));
  return pool;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { HOST, PORT, POSTGREST_URL, MAILER, MAILER_PASSWORD, PROVIDERS } = process.env;
  if (!POSTGREST_URL) {
    console.error('POSTGREST_URL has to be set, as in POSTGREST_URL=http://127.0.0.1:3001');
    process.exit(2);
  }
  const app = await startApp({
    web: {}, // PGHOST, PGUSER, ...
    postgrest: POSTGREST_URL,
    mailer: MAILER ? { user: MAILER, password: MAILER_PASSWORD } : undefined,
    providers: PROVIDERS ? JSON.parse(PROVIDERS) : undefined,
    host: HOST || undefined,
    port: PORT ? Number(PORT) : undefined,
  }).catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
  console.log(app.url);
  // A pool leaves a connection open whose login has failed, so the process ends by itself only sometimes.
  const end = () => app.stop().then(() => process.exit());
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, end);
}
