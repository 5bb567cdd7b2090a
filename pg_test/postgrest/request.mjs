// What a request says: headers, cookies, preferences, media types, schema and body, read as PostgREST reads them.

import { Refusal, unknown } from './errors.mjs';

const NOT_HERE = /^(text\/csv|application\/(geo\+json|openapi\+json|vnd\.pgrst\.plan.*)|.*;nulls=stripped)$/;
const OBJECT = /^application\/vnd\.pgrst\.object(\+json)?$/;

export function readRequest(request, config) {
  const pairs = headerPairs(request.rawHeaders);
  const first = (name) => pairs.find(([key]) => key === name)?.[1];
  const { method } = request;
  const [path, search = ''] = splitAt(request.url, '?');
  const cookie = first('cookie');
  return {
    method,
    path,
    search,
    // Of a header that comes twice the last one is kept, and cookies are a setting of their own.
    headers: Object.fromEntries(pairs.filter(([name]) => name !== 'cookie')),
    cookies: cookie === undefined ? {} : readCookies(cookie),
    range: method === 'GET' ? first('range') : undefined,
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
      decodeUtf8(Buffer.from(raw[index + 1], 'latin1'), () => new Error('a header is no UTF-8')),
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

/** The accepted media types, the most wanted first. */
function readAccept(header) {
  if (header === undefined) return ['*/*'];
  const types = header.split(',').map((entry) => {
    const [type, ...parameters] = entry.split(';').map((part) => part.trim());
    const quality = parameters.find((one) => one.startsWith('q='));
    return {
      type: [type, ...parameters.filter((one) => one !== quality)].join(';'),
      quality: quality ? Number(quality.slice(2)) : 1,
    };
  });
  return types.sort((a, b) => b.quality - a.quality).map(({ type }) => type);
}

/**
 * Which of the accepted types is answered. `handler` is that of a function that returns a domain named as a media
 * type: the one named "*" + "/*" takes every type but PostgREST's own.
 */
export function negotiate(accepts, handler) {
  for (const type of accepts) {
    if (OBJECT.test(type)) return { shape: 'object', contentType: 'application/vnd.pgrst.object+json; charset=utf-8' };
    if (handler && (handler.type === '*/*' || handler.type === type.split(';')[0]))
      return { shape: 'handler', contentType: contentTypeOf(handler.type) };
    if (NOT_HERE.test(type)) throw unknown(`the media type ${type}`);
    if (/^(\*\/\*|application\/(json|vnd\.pgrst\.array(\+json)?))(;|$)/.test(type))
      return { shape: 'json', contentType: 'application/json; charset=utf-8' };
  }
  throw new Refusal(406, 'PGRST107', `None of these media types are available: ${accepts.join(', ')}`);
}

function contentTypeOf(type) {
  if (type === '*/*') return 'application/octet-stream';
  return /^(text\/(csv|plain|xml)|application\/(geo\+)?json)$/.test(type) ? `${type}; charset=utf-8` : type;
}

const PREFERENCES = {
  return: ['representation', 'minimal', 'headers-only'],
  count: ['exact', 'planned', 'estimated'],
  resolution: ['merge-duplicates', 'ignore-duplicates'],
  missing: ['default', 'null'],
  handling: ['strict', 'lenient'],
  tx: ['commit', 'rollback'],
};

/** Of a preference that comes twice, the first one counts. */
function readPreferences(pairs, { txEnd }) {
  const given = pairs
    .filter(([name]) => name === 'prefer')
    .flatMap(([, value]) => value.split(','))
    .map((one) => one.trim())
    .filter(Boolean);
  const preferences = {};
  const invalid = [];
  for (const one of given) {
    const [name, value] = splitAt(one, '=');
    if (name === 'timezone' || name === 'max-affected') throw unknown(`the preference ${one}`);
    if (!PREFERENCES[name]?.includes(value)) invalid.push(one);
    else if (name !== 'tx' || txEnd.endsWith('-allow-override')) preferences[name] ??= value;
  }
  if (invalid.length > 0 && preferences.handling === 'strict') {
    throw new Refusal(400, 'PGRST122', 'Invalid preferences given with handling=strict', {
      details: `Invalid preferences: ${invalid.join(', ')}`,
    });
  }
  if (['planned', 'estimated'].includes(preferences.count)) throw unknown(`the preference count=${preferences.count}`);
  return preferences;
}

/** The header that says which of these preferences were followed. */
export function preferenceApplied(prefer, names) {
  const applied = names.filter((name) => prefer[name]).map((name) => `${name}=${prefer[name]}`);
  return applied.length > 0 ? [['Preference-Applied', applied.join(', ')]] : [];
}

/** The schema that the client has chosen among the exposed ones, and the header that tells it so. */
function readSchema(profile, { schemas }) {
  if (profile !== undefined && !schemas.includes(profile)) {
    throw new Refusal(406, 'PGRST106', `The schema must be one of the following: ${schemas.join(', ')}`);
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
