// /rpc/...: the statement that calls a function, and the answer to it. What the query string says of the result is
// done in the same statement, after the function has run.

import pg from 'pg';
import { Refusal, unknown } from './errors.mjs';
import { findFunction } from './functions.mjs';
import { bodyAs, negotiate } from './media.mjs';
import { preferenceApplied } from './preferences.mjs';
import { parseQuery, splitArguments } from './query.mjs';
import { rangeAnswer, rangeOf, slice } from './ranges.mjs';
import { isCounted } from './reads.mjs';
import { RESPONSE_SETTINGS } from './transaction.mjs';

const quote = pg.escapeIdentifier;

/** How to answer a request to call the function `name`. `query` asks the catalog. */
export async function planCall(query, asked, name, body) {
  const { schema, method, prefer, traits } = asked;
  // Only what is no argument can be a filter, and with POST there are no arguments in the URL.
  const { given: pairs, others } = splitArguments(asked.search);
  const parsed = parseQuery(method === 'POST' ? [...new URLSearchParams(asked.search)] : others, traits, (item) =>
    unrelated(name, item, schema),
  );
  const { found, given } = await findFunction(query, asked, name, { pairs, columns: parsed.columns }, body);
  if (traits.wantsSetForMaxAffected && !found.is_set && prefer['max-affected'] && prefer.handling === 'strict') {
    throw new Refusal(
      400,
      'PGRST128',
      'Function must return SETOF or TABLE when max-affected preference is used with handling=strict',
    );
  }
  const media = negotiate(asked.accepts, handlerOf(found));
  const range = rangeOf(asked.range, parsed.limit, parsed.offset);
  const { call, values } = callOf(found, `${quote(schema)}.${quote(name)}`, given);
  const scope = { target: quote(name), bind: (value) => `$${values.push(value)}`, typeOf: () => undefined };
  const source = `FROM pgrst_source AS ${quote(name)} ${parsed.where(scope)}`;
  const counted = isCounted(prefer);
  return {
    isReading: method !== 'POST' || !found.is_volatile,
    isLimited: true,
    media,
    values,
    text: `
      WITH pgrst_source AS (SELECT pgrst_call.${found.is_composite ? '*' : 'pgrst_scalar'} FROM ${call})
      ${counted ? `, pgrst_source_count AS (SELECT 1 ${source})` : ''}
      SELECT ${counted ? '(SELECT pg_catalog.count(*) FROM pgrst_source_count)' : 'NULL'} AS total,
          ${found.is_set ? 'pg_catalog.count(_postgrest_t)' : '1'} AS page_total,
          ${method === 'HEAD' ? `''::text` : resultAs(found, media)} AS body, ${RESPONSE_SETTINGS}
      FROM (SELECT ${parsed.select.sql(scope)} ${source} ${parsed.order(scope)} ${slice(range, scope.bind)}) _postgrest_t`,
    respond({ total, page_total: count, body: answered }) {
      const { status, headers, body: refusal } = rangeAnswer(range, Number(count), total === null ? undefined : Number(total));
      const said = [...headers, ...preferenceApplied(prefer, ['count', 'tx', 'handling'])];
      if (found.is_void) return { status: 204, headers: said, body: '' };
      return {
        status,
        headers: [...said, ['Content-Type', media.contentType], ...asked.profileHeader],
        body: refusal ?? answered ?? '',
      };
    },
  };
}

/** A function's result has no foreign keys, but for rows of a table. */
function unrelated(name, item, schema) {
  const [, child] = /^(?:[^:]*:)?([^!(]+)/.exec(item) ?? [];
  return new Refusal(400, 'PGRST200', `Could not find a relationship between '${name}' and '${child}' in the schema cache`, {
    details: `Searched for a foreign key relationship between '${name}' and '${child}' in the schema '${schema}', but no matches were found.`,
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

/** The result as one value: the handler's bytes, or what is made of the rows. */
function resultAs(found, media) {
  if (media.shape === 'handler') return `${handlerOf(found).cast}(_postgrest_t.pgrst_scalar)`;
  return bodyAs(media, found.is_composite ? '_postgrest_t' : '_postgrest_t.pgrst_scalar', !found.is_set);
}
