// What a request says: headers, cookies, preferences, media types, schema and body, read as PostgREST reads them.

import { Crash, Refusal } from './errors.mjs';
import { readAccept } from './media.mjs';
import { readPreferences } from './preferences.mjs';

export function readRequest(request, config) {
  const pairs = headerPairs(request.rawHeaders);
  const first = (name) => pairs.find(([key]) => key === name)?.[1];
  const { method } = request;
  const url = decodeUtf8(Buffer.from(request.url, 'latin1'), () => new Crash('the URL is no UTF-8'));
  const [path, search = ''] = splitAt(url, '?');
  readEscapes(search);
  const cookie = first('cookie');
  return {
    method,
    path,
    search,
    // Of a header that comes twice the last one is kept, and cookies are a setting of their own.
    headers: Object.fromEntries(pairs.filter(([name]) => name !== 'cookie')),
    cookies: cookie === undefined ? {} : readCookies(cookie),
    range: method === 'GET' ? first('range') : undefined,
    traits: config.traits,
    accepts: readAccept(first('accept')),
    contentType: (first('content-type') ?? 'application/json').split(';')[0],
    prefer: readPreferences(pairs, config),
    ...readSchema(
      ['DELETE', 'PATCH', 'POST', 'PUT'].includes(method) ? first('content-profile') : first('accept-profile'),
      config,
    ),
  };
}

/** Node reads headers as Latin-1, PostgREST takes them for UTF-8. */
function headerPairs(raw) {
  const pairs = [];
  for (let index = 0; index < raw.length; index += 2) {
    pairs.push([
      raw[index].toLowerCase(),
      decodeUtf8(Buffer.from(raw[index + 1], 'latin1'), () => new Crash('a header is no UTF-8')),
    ]);
  }
  return pairs;
}

function decodeUtf8(bytes, failure) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw failure();
  }
}

/** What is escaped in a query has to be UTF-8, too. Node's reader would put something else in its place. */
function readEscapes(search) {
  for (const [escapes] of search.matchAll(/(?:%[0-9a-f]{2})+/gi)) {
    decodeUtf8(Buffer.from(escapes.replaceAll('%', ''), 'hex'), () => new Crash('the query is no UTF-8'));
  }
}

function splitAt(text, separator) {
  const index = text.indexOf(separator);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)];
}

function readCookies(header) {
  return Object.fromEntries(
    header.split(';').map((part) => {
      const [name, value = ''] = splitAt(part, '=');
      return [name.replace(/^ +/, ''), value];
    }),
  );
}

/** The schema that the client has chosen among the exposed ones, and the header that tells it so. */
function readSchema(profile, { schemas, traits }) {
  if (profile !== undefined && !schemas.includes(profile)) {
    const { message, hint } = traits.invalidSchema(profile, schemas);
    throw new Refusal(406, 'PGRST106', message, { hint });
  }
  const schema = profile ?? schemas[0];
  return { schema, profileHeader: profile !== undefined || schemas.length > 1 ? [['Content-Profile', schema]] : [] };
}

export async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A body of JSON: its text, its value, and the keys that all its objects share. `isCall`: none at all is `{}`. */
export function parseJson(bytes, isCall) {
  const invalid = () => new Refusal(400, 'PGRST102', 'Empty or invalid json');
  const text = isCall && bytes.length === 0 ? '{}' : decodeUtf8(bytes, invalid);
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid();
  }
  const keysOf = (one) =>
    one !== null && typeof one === 'object' && !Array.isArray(one) ? Object.keys(one).sort() : undefined;
  if (!Array.isArray(value)) return { text: keysOf(value) ? text : '[]', value, keys: keysOf(value) ?? [] };
  const [keys = [], ...others] = value.map(keysOf);
  if (value.some((one) => keysOf(one) === undefined) || others.some((one) => String(one) !== String(keys))) {
    throw new Refusal(400, 'PGRST102', 'All object keys must match');
  }
  return { text, value, keys };
}

/** A body of a form, as pairs. */
export const parseForm = (bytes) => [...new URLSearchParams(bytes.toString())];
