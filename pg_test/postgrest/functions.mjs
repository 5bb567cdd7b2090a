// /rpc/...: which function is meant, and the statement that calls it.

import pg from 'pg';
import { Refusal, unknown } from './errors.mjs';
import { negotiate, parseForm, parseJson, preferenceApplied } from './request.mjs';
import { RESPONSE_SETTINGS, contentRange } from './transaction.mjs';

const quote = pg.escapeIdentifier;

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

/** How to answer a request to call the function `name`. `query` asks the catalog. */
export async function planCall(query, asked, name, body) {
  const { method, schema, contentType } = asked;
  if (!['GET', 'HEAD', 'POST'].includes(method)) {
    throw new Refusal(405, 'PGRST101', `Cannot use the ${method} method on RPC`);
  }
  const given = method === 'POST' ? readArguments(body, contentType, asked.search) : queryArguments(asked.search);
  const found = choose(await query(FUNCTIONS, [schema, name]), asked, name, given);
  if (found.is_variadic) throw unknown('functions with VARIADIC parameters');
  const media = negotiate(asked.accepts, handlerOf(found));
  const { call, values } = callOf(found, `${quote(schema)}.${quote(name)}`, given);
  const source = `SELECT pgrst_call.${found.is_composite ? '*' : 'pgrst_scalar'} FROM ${call}`;
  return {
    isReading: method !== 'POST' || !found.is_volatile,
    media,
    text: `
      WITH pgrst_source AS (${source})
      SELECT ${found.is_set ? 'pg_catalog.count(_postgrest_t)' : '1'} AS page_total,
          ${method === 'HEAD' ? `''::text` : aggregate(found, media.shape)} AS body, ${RESPONSE_SETTINGS}
      FROM (SELECT ${quote(name)}.* FROM pgrst_source AS ${quote(name)}) _postgrest_t`,
    values,
    respond({ page_total: count, body: answered }) {
      const headers = [...contentRange(0, Number(count)), ...preferenceApplied(asked.prefer, ['tx', 'handling'])];
      if (found.is_void) return { status: 204, headers, body: '' };
      return {
        status: 200,
        headers: [...headers, ['Content-Type', media.contentType], ...asked.profileHeader],
        body: answered,
      };
    },
  };
}

/** What a POST gives to the function: named arguments, or a body as it is. */
function readArguments(bytes, contentType, search) {
  if (new URLSearchParams(search).size > 0) throw unknown('query parameters on POST /rpc');
  if (contentType === 'application/json') {
    const { text, keys } = parseJson(bytes, true);
    return { names: keys, json: text };
  }
  if (contentType === 'application/x-www-form-urlencoded') return named(parseForm(bytes));
  if (contentType in RAW) return { names: [], raw: bytes };
  throw new Refusal(400, 'PGRST102', `Content-Type not acceptable: ${contentType}`);
}

const RESERVED = ['select', 'order', 'limit', 'offset', 'columns', 'and', 'or'];

/** What a GET gives: its query parameters, but for those that shape or filter the result. */
function queryArguments(search) {
  const pairs = [...new URLSearchParams(search)];
  const isShaping = ([name, value]) => RESERVED.includes(name) || /^(not\.)?[a-z]+(\(.*?\))?\./.test(value);
  const shaping = pairs.find(isShaping);
  if (shaping) throw unknown(`the parameter ${shaping.join('=')} on GET /rpc`);
  return named(pairs);
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

/** A function that returns a domain named as a media type answers its value as it is, cast to that domain. */
function handlerOf({ is_set: isSet, type, type_schema: schema, base_type: base }) {
  if (isSet || !base || !(type === '*/*' || /^[A-Za-z0-9.-]+\/[A-Za-z0-9.+-]+$/.test(type))) return undefined;
  if (!['bytea', 'text'].includes(base)) throw unknown(`media types over ${base}`);
  return { type: type.toLowerCase(), cast: `${quote(schema)}.${quote(type)}` };
}

/** The call in the FROM clause, under the name pgrst_call, and its values. */
function callOf({ is_composite: isComposite, parameters }, target, { names, json, texts, raw }) {
  const call = (list) =>
    isComposite ? `${target}(${list}) pgrst_call` : `(SELECT ${target}(${list}) pgrst_scalar) pgrst_call`;
  const typeOf = (name) => parameters.find((parameter) => parameter.name === name).type;
  if (parameters.length === 1 && parameters[0].name === '') {
    const value = raw ?? json;
    return value === undefined
      ? { call: call(''), values: [] }
      : { call: call(`$1::${parameters[0].type}`), values: [value] };
  }
  if (names.length === 0) return { call: call(''), values: [] };
  if (texts) {
    return {
      call: call(names.map((name, index) => `${quote(name)} := $${index + 1}::${typeOf(name)}`).join(', ')),
      values: names.map((name) => texts[name]),
    };
  }
  const toRecords = json.trimStart().startsWith('{') ? 'json_to_record' : 'json_to_recordset';
  const columns = names.map(quote);
  return {
    call: `(SELECT $1::json AS json_data) pgrst_payload,
      LATERAL (SELECT ${columns.join(', ')} FROM ${toRecords}(pgrst_payload.json_data)
          AS _(${names.map((name) => `${quote(name)} ${typeOf(name)}`).join(', ')}) LIMIT 1) pgrst_body,
      LATERAL ${call(columns.map((name) => `${name} := pgrst_body.${name}`).join(', '))}`,
    values: [json],
  };
}

/** The result as one value: the handler's bytes, or JSON. */
function aggregate(found, shape) {
  if (shape === 'handler') return `${handlerOf(found).cast}(_postgrest_t.pgrst_scalar)`;
  const rows = found.is_composite ? 'json_agg(_postgrest_t)' : 'json_agg(_postgrest_t.pgrst_scalar)';
  return found.is_set && shape === 'json' ? `coalesce(${rows}, '[]')` : `coalesce(${rows}->0, 'null')`;
}
