// Passes requests on to PostgREST, so that the pages and their data have one origin.

import { request as send } from 'node:http';
import { pipeline } from 'node:stream';

// Tables look at the bridge token alone, so the cookie stays here.
const NOT_SENT_ON = ['host', 'connection', 'keep-alive', 'upgrade', 'cookie', 'forwarded', 'x-forwarded-for'];
const NOT_SENT_BACK = ['connection', 'keep-alive', 'transfer-encoding', 'set-cookie'];
const without = (headers, names) => Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));

/** A function that passes a request on to `base`, under another path. */
export const proxyTo = (base) => (request, response, path) => {
  const fail = (error) => {
    if (response.destroyed) return;
    console.error(`PostgREST: ${error.code ?? error.message}`);
    if (response.headersSent) return response.destroy();
    response.writeHead(502, { 'content-type': 'application/json' }).end('{"message":"PostgREST cannot be reached"}');
  };
  let url;
  try {
    url = new URL(base.replace(/\/$/, '') + path);
  } catch {
    return response.writeHead(400).end();
  }
  const headers = { ...without(request.headers, NOT_SENT_ON), 'x-forwarded-for': request.socket.remoteAddress };
  const upstream = send(url, { method: request.method, headers, timeout: 20_000 }, (answer) => {
    response.writeHead(answer.statusCode, { ...without(answer.headers, NOT_SENT_BACK), 'cache-control': 'no-store' });
    pipeline(answer, response, () => {});
  });
  upstream.on('timeout', () => upstream.destroy(new Error('timed out')));
  upstream.on('error', fail);
  response.on('close', () => upstream.destroy());
  request.pipe(upstream);
};
