// The media types of answers: which of those that are accepted is answered, and the SQL that makes the body.

import { Refusal } from './errors.mjs';

/** What PostgREST makes itself, and of which shape. `nulls=stripped` leaves out members that are null. */
const OWN = [
  [/^application\/vnd\.pgrst\.object(\+json)?$/, 'object', 'application/vnd.pgrst.object+json'],
  [/^application\/vnd\.pgrst\.array(\+json)?;nulls=stripped$/, 'json', 'application/vnd.pgrst.array+json;nulls=stripped', true],
  [/^application\/vnd\.pgrst\.object(\+json)?;nulls=stripped$/, 'object', 'application/vnd.pgrst.object+json;nulls=stripped', true],
  [/^(\*\/\*|application\/(json|vnd\.pgrst\.array(\+json)?))$/, 'json', 'application/json'],
  [/^text\/csv$/, 'csv', 'text/csv'],
  [/^application\/geo\+json$/, 'geojson', 'application/geo+json'],
];

/** The accepted media types, the most wanted first. */
export function readAccept(header) {
  if (header === undefined) return ['*/*'];
  const types = header.split(',').map((entry) => {
    const [type, ...parameters] = entry.split(';').map((part) => part.trim());
    const quality = parameters.find((one) => one.startsWith('q='));
    // Of a type that it doesn't know PostgREST keeps the parameters, but for the charset.
    const kept = parameters.filter((one) => one !== quality && !one.toLowerCase().startsWith('charset='));
    return { type: [type.toLowerCase(), ...kept].join(';'), quality: quality ? Number(quality.slice(2)) : 1 };
  });
  return types.sort((a, b) => b.quality - a.quality).map(({ type }) => type);
}

/**
 * Which of the accepted types is answered. `handler` is that of a function that returns a domain named as a media
 * type: the one named "*" + "/*" takes every type but PostgREST's own. Plans are off, as they are by default.
 */
export function negotiate(accepts, handler) {
  for (const type of accepts) {
    const [, shape, name, isStripped = false] = OWN.find(([pattern]) => pattern.test(type)) ?? [];
    if (shape === 'object') return { shape, isStripped, contentType: `${name}; charset=utf-8` };
    if (type.startsWith('application/vnd.pgrst.plan')) continue;
    if (handler && (handler.type === '*/*' || handler.type === type.split(';')[0]))
      return { shape: 'handler', isStripped: false, contentType: contentTypeOf(handler.type) };
    if (shape) return { shape, isStripped, contentType: `${name}; charset=utf-8` };
  }
  throw new Refusal(406, 'PGRST107', `None of these media types are available: ${accepts.join(', ')}`);
}

function contentTypeOf(type) {
  if (type === '*/*') return 'application/octet-stream';
  return /^(text\/(csv|plain|xml)|application\/(geo\+)?json)$/.test(type) ? `${type}; charset=utf-8` : type;
}

const CSV = `
  (SELECT coalesce(string_agg(a.k, ','), '') FROM (SELECT json_object_keys(r)::text AS k
    FROM (SELECT row_to_json(hh) AS r FROM pgrst_source AS hh LIMIT 1) s) a)
  || E'\\n' || coalesce(string_agg(substring(_postgrest_t::text, 2, length(_postgrest_t::text) - 2), E'\\n'), '')`;
const GEOJSON = `json_build_object('type', 'FeatureCollection',
  'features', coalesce(json_agg(ST_AsGeoJSON(_postgrest_t)::json), '[]'))`;

/** The body as one value. `row` is what stands for a row, and `isOne` says that there is one at most. */
export function bodyAs({ shape, isStripped }, row = '_postgrest_t', isOne = false) {
  if (shape === 'csv') return CSV;
  if (shape === 'geojson') return GEOJSON;
  const strip = (json) => (isStripped ? `json_strip_nulls(${json})` : json);
  const single = shape === 'object' || isOne;
  return single ? `coalesce(${strip(`json_agg(${row})->0`)}, 'null')` : `coalesce(${strip(`json_agg(${row})`)}, '[]')`;
}
