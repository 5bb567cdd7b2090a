// @ts-check
// A request that the database asks for, since it makes none itself: an exchange of tokens, for example. The database says
// what is asked; this says whom: public servers by https, and nobody else in the network that this process is in.

import dns from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { BlockList, isIP } from 'node:net';

const MAX_BODY = 1 << 20; // bytes, whatever the database says
const USUAL_BODY = 64 << 10; // bytes, where it says nothing
const MAX_HEADERS = 16 << 10; // bytes
const MAX_TIME = 30_000; // milliseconds, whatever the database says
const MAX_RUNNING = 500; // at a time
const METHODS = ['GET', 'POST'];
/** What is this layer's to say. */
const OWN = /^(host|connection|keep-alive|content-length|transfer-encoding|te|trailer|upgrade|expect|accept-encoding|proxy-.*)$/i;

// IANA's special-purpose address registries; of IPv6, what isn't 2000::/3 is none of the public's in the first place.
const SPECIAL = new BlockList();
for (const range of [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24',
  '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4',
  '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20',
]) {
  const [network, bits] = range.split('/');
  SPECIAL.addSubnet(network, Number(bits), network.includes(':') ? 'ipv6' : 'ipv4');
}
const GLOBAL = new BlockList();
GLOBAL.addSubnet('2000::', 3, 'ipv6');

/** Whether an address is anybody's on the internet. @param {string} address */
export function isPublic(address) {
  if (isIP(address) === 4) return !SPECIAL.check(address, 'ipv4');
  if (isIP(address) !== 6 || address.includes('%')) return false;
  return GLOBAL.check(address, 'ipv6') && !SPECIAL.check(address, 'ipv6');
}

/** Origins that may be anywhere, and http: `http://localhost:4000,https://id.internal`. @param {string} [list] */
export function origins(list = '') {
  const entries = list.split(',').map((entry) => entry.trim()).filter(Boolean);
  for (const entry of entries) {
    const isOrigin = /^https?:[^*]+$/.test(entry) && URL.canParse(entry) && new URL(entry).origin === entry;
    if (!isOrigin) throw new Error(`FETCH_ALLOW: ${entry} is no origin`);
  }
  return new Set(entries);
}
const ALLOWED = origins(process.env.FETCH_ALLOW);

/** Why there is no answer: a word or two for the log, and nothing of the URL, which may hold secrets. */
class Failure extends Error {
  /** @param {string} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/**
 * The addresses of a name that are public. A connection is made to one of these and no other: a name that is asked for
 * again may lead elsewhere.
 * @param {string} host @param {dns.LookupOptions} options @param {Function} done
 */
function lookup(host, options, done) {
  dns.lookup(host, { ...options, all: true }, (error, addresses) => {
    const found = error ? [] : addresses.filter(({ address }) => isPublic(address));
    if (found.length === 0) done(error ?? new Failure('address'));
    else if (options.all) done(null, found);
    else done(null, found[0].address, found[0].family);
  });
}

/** @param {string} text @param {Set<string>} allowed */
function target(text, allowed) {
  if (!URL.canParse(text)) throw new Failure('url');
  const url = new URL(text);
  if (url.username || url.password) throw new Failure('credentials');
  const free = allowed.has(url.origin);
  if (free) return { url, free };
  if (url.protocol !== 'https:') throw new Failure('not https');
  if (url.port !== '') throw new Failure('port');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) && !isPublic(host)) throw new Failure('address'); // no name, so nobody looks it up
  return { url, free };
}

let running = 0;

/**
 * What came back, for better_auth.resume(). A redirect is an answer like any other, and isn't followed. Never rejects.
 * @param {{ method: string, url: string, headers?: Record<string, string>, body?: string | null, timeout_ms?: number, max_bytes?: number }} asked
 * @param {Set<string>} [allowed] origins @param {string[]} [methods]
 * @returns {Promise<{ status: number, headers: Record<string, string>, body: string } | { error: string }>}
 */
export async function perform(asked, allowed = ALLOWED, methods = METHODS) {
  if (!methods.includes(asked.method)) return { error: 'method' };
  if (running >= MAX_RUNNING) return { error: 'busy' };
  running += 1;
  try {
    return await exchange(asked, allowed);
  } catch (error) {
    return { error: String(error.code ?? 'failed') };
  } finally {
    running -= 1;
  }
}

/** @param {Parameters<typeof perform>[0]} asked @param {Set<string>} allowed */
async function exchange({ method, url: text, headers = {}, body, timeout_ms, max_bytes }, allowed) {
  const { url, free } = target(text, allowed);
  const sent = Object.entries(headers).filter(([name]) => !OWN.test(name));
  const outgoing = (url.protocol === 'https:' ? https : http).request(url, {
    method,
    // Node refuses what is no header.
    headers: { 'user-agent': 'better_auth', ...Object.fromEntries(sent), 'accept-encoding': 'identity' },
    agent: false, // a connection that is kept may be closed just when a code is sent, which is good once
    maxHeaderSize: MAX_HEADERS,
    ...(!free && { lookup: /** @type {any} */ (lookup) }),
  });
  /** @type {Failure | undefined} */
  let failure;
  const expire = () => outgoing.destroy((failure = new Failure('timeout')));
  const timer = setTimeout(expire, Math.min(Number(timeout_ms) || MAX_TIME, MAX_TIME));
  try {
    const response = await new Promise((resolve, reject) => {
      outgoing.on('response', resolve).on('error', reject).on('close', () => reject(new Failure('cut off')));
      outgoing.end(body ?? undefined);
    });
    return await read(response, Math.min(Number(max_bytes) || USUAL_BODY, MAX_BODY));
  } catch (error) {
    throw failure ?? error;
  } finally {
    clearTimeout(timer);
    outgoing.destroy();
  }
}

/** @param {http.IncomingMessage} response @param {number} most bytes */
async function read(response, most) {
  const { statusCode: status = 0, headers } = response;
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') throw new Failure('encoded');
  const chunks = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > most) throw new Failure('too long');
    chunks.push(chunk);
  }
  if (!response.complete) throw new Failure('cut off');
  // jsonb holds no NUL. Of headers that are there several times, which are cookies, nobody asks.
  const body = new TextDecoder().decode(Buffer.concat(chunks)).replaceAll('\0', '\ufffd');
  const single = Object.entries(headers).filter(([, value]) => typeof value === 'string');
  return { status, headers: /** @type {Record<string, string>} */ (Object.fromEntries(single)), body };
}
