// The pages, the style sheet and the script, made ready when the server starts.

import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const TITLES = {
  'home': 'Home',
  'posts': 'Your posts',
  'board': 'Board',
  'invitation': 'An invitation',
  'sign-in': 'Sign in',
  'second-factor': 'Second factor',
  'id-token': 'Sign in by an id token',
  'sign-up': 'Create an account',
  'forgot-password': 'Forgotten password',
  'reset-password': 'New password',
  'mails': 'Mails of this demo',
  'not-found': 'Page not found',
};

const HEADERS = {
  'cache-control': 'no-cache', // the ETag makes asking again cheap
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'same-origin', // links in mails hold tokens
};

const here = (name) => new URL(name, import.meta.url);
const read = (name) => readFile(here(name), 'utf8');

const escape = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`);

/**
 * Path → `{type, plain, gzip, etag}`. `mails`: whether there is a page with all mails. `providers`: those that pages offer,
 * `{id, name, idTokens?: {url, clientId}}`: where and as whom a browser asks for an id token alone.
 */
export async function loadAssets({ mails, providers = [] }) {
  const layout = await read('pages/layout.html');
  const names = Object.keys(TITLES).filter((name) => mails || name !== 'mails');
  const pages = await Promise.all(names.map(async (name) => {
    const main = await read(`pages/${name}.html`);
    const offered = escape(JSON.stringify(providers));
    const parts = { title: TITLES[name], page: name, mails: mails ? 'mails' : '', providers: offered, main };
    const html = layout.replace(/\{\{(\w+)\}\}/g, (_, part) => parts[part]);
    return [name === 'home' ? '/' : `/${name}`, asset('text/html; charset=utf-8', html)];
  }));
  return new Map([
    ...pages,
    ['/app.js', asset('text/javascript; charset=utf-8', await bundle())],
    ['/style.css', asset('text/css; charset=utf-8', await read('public/style.css'))],
    ['/icon.svg', asset('image/svg+xml', await read('public/icon.svg'))],
  ]);
}

async function bundle() {
  const { outputFiles: [script] } = await build({
    entryPoints: [fileURLToPath(here('src/main.js'))],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  });
  return script.text;
}

function asset(type, text) {
  const plain = Buffer.from(text);
  const hash = createHash('sha256').update(plain).digest('base64url');
  return { type, plain, gzip: gzipSync(plain), etag: `W/"${hash.slice(0, 22)}"` };
}

export function sendAsset(assets, path, request, response) {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  if (!['GET', 'HEAD'].includes(request.method)) return response.writeHead(405, { allow: 'GET, HEAD' }).end();
  const found = assets.get(path);
  const { type, plain, gzip, etag } = found ?? assets.get('/not-found');
  response.setHeader('etag', etag).setHeader('vary', 'accept-encoding');
  if (found && request.headers['if-none-match'] === etag) return response.writeHead(304).end();
  const zipped = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  if (zipped) response.setHeader('content-encoding', 'gzip');
  const body = zipped ? gzip : plain;
  response.writeHead(found && path !== '/not-found' ? 200 : 404, { 'content-type': type, 'content-length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}
