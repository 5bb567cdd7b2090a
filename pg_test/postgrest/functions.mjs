// /rpc/...: what is given to a function, and which one is meant.

import { Refusal, unknown } from './errors.mjs';
import { parseForm, parseJson } from './request.mjs';

/** The types of the body of a POST that goes as it is to a function with one unnamed parameter of these types. */
const RAW = {
  'application/octet-stream': ['bytea'],
  'text/plain': ['text'],
  'text/xml': ['xml'],
  'application/json': ['json', 'jsonb'],
};

const FUNCTIONS = `
  SELECT p.provolatile = 'v' AS is_volatile, p.proretset AS is_set, p.provariadic <> 0 AS is_variadic,
      p.prorettype = 'pg_catalog.void'::pg_catalog.regtype AS is_void,
      coalesce(b.typtype, t.typtype) = 'c' OR coalesce(p.proargmodes::text[] && '{t,b,o}', false) AS is_composite,
      b.typname AS base_type, t.typname AS type, n.nspname AS type_schema,
      ARRAY(
        SELECT pg_catalog.json_build_object('name', coalesce(p.proargnames[i], ''),
            'type', pg_catalog.format_type(a, NULL), 'isOptional', i > p.pronargs - p.pronargdefaults)
        FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY _ (a, i) ORDER BY i) AS parameters
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_type t ON t.oid = p.prorettype
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
  WHERE p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident($1)) AND p.proname = $2 AND p.prokind = 'f'
    AND p.prorettype <> 'pg_catalog.trigger'::pg_catalog.regtype`;

/** The function `name` that takes what the request gives, and `given`: `{names, json | texts | raw}`. */
export async function findFunction(query, asked, name, { pairs, columns }, body) {
  const { method, schema, contentType } = asked;
  if (!['GET', 'HEAD', 'POST'].includes(method)) {
    throw new Refusal(405, 'PGRST101', `Cannot use the ${method} method on RPC`);
  }
  const given = method === 'POST' ? readArguments(body, contentType, columns) : named(pairs);
  const found = choose(await query(FUNCTIONS, [schema, name]), asked, name, given);
  if (found.is_variadic) throw unknown('functions with VARIADIC parameters');
  return { found, given };
}

/** What a POST gives to the function: named arguments, or a body as it is. With `columns` JSON goes on unread. */
function readArguments(bytes, contentType, columns) {
  if (contentType === 'application/json') {
    if (columns) return { names: [...new Set(columns)].sort(), json: bytes.toString() };
    const { text, keys } = parseJson(bytes, true);
    return { names: keys, json: text };
  }
  if (contentType === 'application/x-www-form-urlencoded') return named(parseForm(bytes));
  if (contentType in RAW) return { names: [], raw: bytes };
  throw new Refusal(400, 'PGRST102', `Content-Type not acceptable: ${contentType}`);
}

function named(pairs) {
  const texts = Object.fromEntries(pairs);
  return { names: Object.keys(texts).sort(), texts };
}

/** The function that takes these arguments; or else one with a single unnamed parameter that takes the body. */
function choose(candidates, { method, schema, contentType }, name, { names, raw }) {
  const takesArguments = ({ parameters }) => {
    if (parameters.length === 0) return names.length === 0 && raw === undefined;
    return (
      names.every((one) => parameters.some((parameter) => parameter.name === one)) &&
      parameters.every((parameter) => parameter.isOptional || names.includes(parameter.name))
    );
  };
  const takesBody = ({ parameters: [first, ...others] }) =>
    method === 'POST' && first?.name === '' && others.length === 0 && (RAW[contentType] ?? []).includes(first.type);
  const byName = candidates.filter(takesArguments);
  const found = byName.length > 0 ? byName : candidates.filter(takesBody);
  if (found.length === 1) return found[0];
  throw found.length > 1 ? ambiguous(`${schema}.${name}`, found) : missing(`${schema}.${name}`, names, method, contentType);
}

function ambiguous(name, found) {
  const list = found.map(({ parameters }) => `${name}(${parameters.map((one) => `${one.name} => ${one.type}`).join(', ')})`);
  return new Refusal(300, 'PGRST203', `Could not choose the best candidate function between: ${list.join(', ')}`, {
    hint: 'Try renaming the parameters or the function itself in the database so function overloading can be resolved',
  });
}

function missing(name, names, method, contentType) {
  const bodyTypes = method === 'POST' ? (RAW[contentType] ?? []).join('/') : '';
  const forBody = bodyTypes && `with a single unnamed ${bodyTypes} parameter`;
  const isBodyOnly = forBody && contentType !== 'application/json';
  const without = names.length === 0 && 'without parameters';
  const message = isBodyOnly ? name : without ? `${name} ${without}` : `${name}(${names.join(', ')})`;
  const wanted = without || `with parameter${names.length > 1 ? 's' : ''} ${names.join(', ')}`;
  const searched = isBodyOnly ? forBody : forBody ? `${wanted} or ${forBody}` : wanted;
  return new Refusal(404, 'PGRST202', `Could not find the function ${message} in the schema cache`, {
    details: `Searched for the function ${name} ${searched}, but no matches were found in the schema cache.`,
  });
}

