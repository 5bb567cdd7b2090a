// What the tables of requests share.

import { PASSWORD } from '../lib.mjs';
import { POST } from '../http.mjs';

export { PASSWORD };
export const JSON_TYPE = { 'content-type': 'application/json' };

/** All entries, each with `prefix` before its name. */
export const named = (prefix, entries) => Object.fromEntries(Object.entries(entries).map(([name, steps]) => [`${prefix}: ${name}`, steps]));

const mapped = (values, make) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, make(value, name)]));

/** One case a value: `each({name: value}, value => steps)`. A list names itself. */
export const each = (values, make) =>
  mapped(Array.isArray(values) ? Object.fromEntries(values.map((value) => [short(JSON.stringify(value) ?? 'undefined'), value])) : values, make);
const short = (text) => (text.length <= 120 ? text : `${text.slice(0, 40)}… of ${text.length}`);

const VALUES = {
  missing: undefined,
  'null': null,
  'a number': 5,
  'a boolean': true,
  'an array': ['x'],
  'an empty array': [],
  'an object': { a: 1 },
  empty: '',
  'a space': ' ',
  'a lone surrogate': 'x\ud800y',
  huge: 'x'.repeat(20_000),
};

/** Each field of a body that is right, with each of some odd values. */
export const oddFields = (path, body, options) =>
  Object.assign(
    {},
    ...Object.keys(body).map((field) =>
      named(
        `${path}, ${field}`,
        mapped(VALUES, (value) => POST(path, { ...body, [field]: value }, options)),
      ),
    ),
    { [`${path}: unknown fields`]: POST(path, { ...body, unknown: 1, id: 'x', emailVerified: true }, options) },
  );

const raw = (text, headers) => ({ raw: text, headers });
const BODIES = {
  'no body': {},
  'no body, but a content type': { headers: JSON_TYPE },
  'an empty object': raw('{}'),
  'null': raw('null'),
  'an array': raw('[]'),
  'a text': raw('"text"'),
  'a number': raw('5'),
  'invalid JSON': raw('{"email":'),
  'no content type': raw('{}', { 'content-type': null }),
  'text/plain': raw('{}', { 'content-type': 'text/plain' }),
  'a form': raw('email=ada%40example.com&password=secret', { 'content-type': 'application/x-www-form-urlencoded' }),
};

/** A route with each of some odd bodies. */
export const oddBodies = (path, { headers, ...options } = {}) =>
  named(
    path,
    mapped(BODIES, ({ headers: more, ...body }) => ({ ...POST(path, undefined, options), ...body, headers: { ...headers, ...more } })),
  );

/** A known difference: what `look` sees of both runs. `reason` is a key of DIFFERENCES. */
export const differs = (reason, steps, theirs, ours, look = lastAnswer) => ({ reason, steps, theirs, ours, look });

/** A known difference: ours does with `steps` all that Better Auth does with the steps `instead`. */
export const answersAs = (reason, steps, instead) => ({ reason, steps: [steps].flat(), instead: [instead].flat() });

/** A known difference: for `step` ours passes the cookie cache over; Better Auth has to be told. */
export const uncached = (before, step, ...after) =>
  answersAs('cachedWrites', [...before, step, ...after], [...before, { ...step, path: `${step.path}?disableCookieCache=1` }, ...after]);

/** Cookies without the cookie cache. */
export const withoutData = ({ 'better-auth.session_data': _, ...jar }) => jar;

/** Status and code of the last answer, or where it leads. */
export function lastAnswer({ answers }) {
  const { status, headers, body } = answers.at(-1);
  const location = headers.find((header) => header.startsWith('location: '));
  return [status, body.startsWith('{') ? JSON.parse(body).code : (location?.slice('location: '.length) ?? body)];
}

export const VERIFY_ADA = `UPDATE "user" SET "emailVerified" = true WHERE id = '{{ada.id}}'`;
/** A session as it was some time ago; both are from now. */
export const aged = (expires, created, session = 'ada') =>
  `UPDATE session SET "expiresAt" = now() + interval '${expires}', "createdAt" = now() + interval '${created}',
   "updatedAt" = now() + interval '${created}' WHERE token = '{{${session}.token}}'`;
