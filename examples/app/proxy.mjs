// Passes requests on to PostgREST, so that the pages and their data have one origin.

import { request as send } from 'node:http';
import { pipeline } from 'node:stream';

// Tables look at the bridge token alone, so the cookie stays here.
const NOT_SENT_ON = ['host', 'connection', 'keep-alive', 'upgrade', 'cookie', 'forwarded', 'x-forwarded-for'];
const NOT_SENT_BACK = ['connection', 'keep-alive', 'transfer-encoding', 'set-cookie'];
const without = (headers, names) => Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));

/** A function that passes a request on to `base`, under another path. */
export function proxyTo(base) {
  const root = new URL(base.replace(/\/*$/, '/'));
  return (request, response, path) => passOn(root, request, response, path);
}

function passOn(root, request, response, path) {
  const fail = (error) => {
    if (response.destroyed) return;
    console.error(`PostgREST: ${error.code ?? error.message}`);
    if (response.headersSent) return response.destroy();
    response.writeHead(502, { 'content-type': 'application/json' }).end('{"message":"PostgREST cannot be reached"}');
  };
  const url = below(root, path);
  if (!url) return response.writeHead(400).end();
  const headers = { ...without(request.headers, NOT_SENT_ON), 'x-forwarded-for': request.socket.remoteAddress };
  const upstream = send(url, { method: request.method, headers, timeout: 20_000 }, (answer) => {
    response.writeHead(answer.statusCode, { ...without(answer.headers, NOT_SENT_BACK), 'cache-control': 'no-store' });
    pipeline(answer, response, () => {});
  });
  upstream.on('timeout', () => upstream.destroy(new Error('timed out')));
  upstream.on('error', fail);
  response.on('close', () => upstream.destroy());
  request.pipe(upstream);
}

/** The URL of a path below `root`; none where the path is no path, or leads elsewhere by `..`. */
function below(root, path) {
  try {
    const url = new URL(root.href.slice(0, -1) + path);
    return url.pathname.startsWith(root.pathname) ? url : undefined;
  } catch {
    return undefined;
  }
}
