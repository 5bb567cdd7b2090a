// /<table>: the statement that reads or writes it, and the answer to it.

import pg from 'pg';
import { Refusal, unknown } from './errors.mjs';
import { parseQuery } from './query.mjs';
import { negotiate, parseForm, parseJson, preferenceApplied } from './request.mjs';
import { contentRange } from './transaction.mjs';

const quote = pg.escapeIdentifier;

const TABLE = `
  SELECT ARRAY(
      SELECT a.attname::text FROM pg_catalog.pg_index i
      JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
      WHERE i.indrelid = c.oid AND i.indisprimary ORDER BY a.attnum) AS key,
    (SELECT pg_catalog.json_object_agg(attname, pg_catalog.format_type(atttypid, atttypmod)) FROM pg_catalog.pg_attribute
      WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns
  FROM pg_catalog.pg_class c
  WHERE c.relnamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident($1)) AND c.relname = $2 AND c.relkind IN ('r', 'v', 'm', 'f', 'p')`;

/** How to answer a request about the table `name`. `query` asks the catalog. */
export async function planTable(query, asked, name, bytes) {
  const { schema, method } = asked;
  const plans = { GET: planRead, HEAD: planRead, POST: planInsert, PUT: planPut, PATCH: planUpdate, DELETE: planDelete };
  if (!Object.hasOwn(plans, method)) throw new Refusal(405, 'PGRST117', `Unsupported HTTP method: ${method}`);
  const [found] = await query(TABLE, [schema, name]);
  if (!found) throw new Refusal(404, 'PGRST205', `Could not find the table '${schema}.${name}' in the schema cache`);
  const values = [];
  const table = { name, target: `${quote(schema)}.${quote(name)}`, ...found, values, bind: (value) => `$${values.push(value)}` };
  const parsed = parseQuery(asked.search);
  if (asked.prefer.missing === 'default') throw unknown('the preference missing=default');
  return plans[method](table, asked, parsed, bytes);
}

// ── Reading ──────────────────────────────────────────────────────────────────────────────────────

function planRead({ target, bind, values }, asked, { select, where, order, limit, offset }) {
  const media = negotiate(asked.accepts);
  const { first, last } = rangeOf(asked.range, limit, offset);
  const condition = where(target, bind);
  const filter = condition && `WHERE ${condition}`;
  const slice = first === 0 && last === Infinity ? '' : `LIMIT ${last === Infinity ? 'ALL' : bind(last - first + 1)} OFFSET ${bind(first)}`;
  const isCounted = asked.prefer.count === 'exact';
  return {
    isReading: true,
    media,
    values,
    text: `
      WITH pgrst_source AS (SELECT ${select.sql(target)} FROM ${target} ${filter} ${order(target)} ${slice})
      ${isCounted ? `, pgrst_source_count AS (SELECT 1 FROM ${target} ${filter})` : ''}
      SELECT ${isCounted ? '(SELECT pg_catalog.count(*) FROM pgrst_source_count)' : 'NULL'} AS total,
          ${asked.method === 'HEAD' ? `pg_catalog.count(_postgrest_t) AS page_total, '' AS body` : rowsAs(media)}, ${SETTINGS}
      FROM (SELECT * FROM pgrst_source) _postgrest_t`,
    respond({ total, page_total: count, body }) {
      const all = total === null ? undefined : Number(total);
      const headers = [...contentRange(first, Number(count), all), ...preferenceApplied(asked.prefer, ['count', 'tx', 'handling'])];
      if (all !== undefined && first > all) throw unsatisfiable(`An offset of ${first} was requested, but there are only ${all} rows.`);
      const status = all !== undefined && Number(count) < all ? 206 : 200;
      return { status, headers: [...headers, ['Content-Type', media.contentType], ...asked.profileHeader], body };
    },
  };
}

/** The rows that the Range header, limit and offset leave over. */
function rangeOf(header, limit = Infinity, offset = 0) {
  const [, from = 0, to = ''] = /^(\d+)-(\d*)$/.exec(header ?? '') ?? [];
  const end = to === '' ? Infinity : Number(to);
  if (end < Number(from)) throw unsatisfiable('The lower boundary must be lower than or equal to the upper boundary in the Range header.');
  if (limit === 0) return { first: 0, last: -1 };
  const [first, last] = [Math.max(Number(from), offset), Math.min(end, offset + limit - 1)];
  if (limit < 0 || last < first || first < 0) throw unsatisfiable('Limit should be greater than or equal to zero.');
  return { first, last };
}

const unsatisfiable = (details) => new Refusal(416, 'PGRST103', 'Requested range not satisfiable', { details });

const SETTINGS = `
  nullif(current_setting('response.headers', true), '') AS response_headers,
  nullif(current_setting('response.status', true), '') AS response_status`;

const rowsAs = ({ shape }) =>
  `pg_catalog.count(_postgrest_t) AS page_total, ${shape === 'object' ? `coalesce(json_agg(_postgrest_t)->0, 'null')` : `coalesce(json_agg(_postgrest_t), '[]')`} AS body`;

// ── Writing ──────────────────────────────────────────────────────────────────────────────────────

/** A write, and the answer to it: `mutation(returning)` is its SQL, `answer(row, preferred)` its status and headers. */
function planWrite({ name, target, key, values }, asked, { select, limit, offset, order }, mutation, answer) {
  if (limit !== undefined || offset !== undefined || order(target)) throw unknown(`limit, offset and order with ${asked.method}`);
  const media = negotiate(asked.accepts);
  const preferred = asked.prefer.return;
  const columns = select.columns[0] === '*' ? ['*'] : [...new Set([...select.columns, ...key])];
  const returning = ['representation', 'headers-only'].includes(preferred)
    ? columns.map((column) => `${target}.${column === '*' ? '*' : quote(column)}`).join(', ')
    : '1';
  const isFull = preferred === 'representation';
  return {
    isReading: false,
    media,
    values,
    text: `
      WITH pgrst_source AS (${mutation(returning)})
      SELECT ${isFull ? rowsAs(media) : `pg_catalog.count(_postgrest_t) AS page_total, '' AS body`},
          (SELECT row_to_json(_) FROM pgrst_source _ LIMIT 1) AS first_row,
          ${INSERTED} AS inserted, ${SETTINGS}
      FROM (${isFull ? `SELECT ${select.sql(quote(name))} FROM pgrst_source AS ${quote(name)}` : 'SELECT * FROM pgrst_source'}) _postgrest_t`,
    respond(row) {
      const { status, headers = [] } = answer({ ...row, count: Number(row.page_total) }, preferred);
      const typed = isFull ? [['Content-Type', media.contentType], ...asked.profileHeader] : [];
      return { status, headers: [...headers, ...typed], body: row.body };
    },
  };
}

/** How many rows an upsert has inserted, counted as PostgREST does: each row that is tried, less those that are updated. */
const INSERTED = `coalesce(nullif(current_setting('pgrst.inserted', true), '')::int, 0)`;
const counted = (change, never) => `set_config('pgrst.inserted', (${INSERTED} ${change})::text, true) <> '${never}'`;

const totalOf = (asked, count) => (asked.prefer.count === 'exact' ? count : undefined);

function planInsert(table, asked, parsed, bytes) {
  const payload = payloadOf(table, asked, parsed.columns, bytes);
  const { resolution } = asked.prefer;
  return planWrite(table, asked, parsed, (returning) => insertion(table, payload, resolution, parsed.onConflict ?? table.key, '', returning), (row, preferred) => {
    const place = new URLSearchParams(Object.entries(JSON.parse(row.first_row ?? '{}')).filter(([column]) => table.key.includes(column))
      .map(([column, value]) => [column, value === null ? 'is.null' : `eq.${typeof value === 'object' ? JSON.stringify(value) : value}`]));
    const hasPlace = preferred === 'headers-only' && row.count === 1 && place.size > 0;
    const isResolved = table.key.length > 0 || parsed.onConflict !== undefined;
    return {
      status: resolution === 'merge-duplicates' && Number(row.inserted) <= 0 ? 200 : 201,
      headers: [
        ...(hasPlace ? [['Location', `/${table.name}?${place}`]] : []),
        ...contentRange(1, 0, totalOf(asked, row.count)),
        ...preferenceApplied(asked.prefer, [...(isResolved ? ['resolution'] : []), 'missing', 'return', 'count', 'tx', 'handling']),
      ],
    };
  });
}

/** PUT: a row of which the query names the primary key, and nothing else. */
function planPut(table, asked, parsed, bytes) {
  const { key } = table;
  if (parsed.limit !== undefined || parsed.offset !== undefined) throw new Refusal(400, 'PGRST114', 'limit/offset querystring parameters are not allowed for PUT');
  if (key.length === 0 || String([...parsed.equals].sort()) !== String([...key].sort())) {
    throw new Refusal(405, 'PGRST105', `Filters must include all and only primary key columns with 'eq' operators`);
  }
  const payload = payloadOf(table, asked, undefined, bytes);
  const condition = parsed.where('pgrst_body', table.bind);
  return planWrite(table, asked, parsed, (returning) => insertion(table, payload, 'merge-duplicates', key, condition, returning), (row, preferred) => {
    if (row.count !== 1) throw new Refusal(400, 'PGRST115', 'Payload values do not match URL in primary key column(s)');
    const status = Number(row.inserted) > 0 ? 201 : 200;
    return { status: preferred === 'representation' ? status : 204, headers: preferenceApplied(asked.prefer, ['return', 'count', 'tx', 'handling']) };
  });
}

function insertion({ target }, { columns, from }, resolution, conflicting, condition, returning) {
  const names = columns.map(quote);
  const conditions = [...(condition ? [condition] : []), ...(resolution === 'merge-duplicates' ? [counted('+ 1', 0)] : [])];
  const update = names.length > 0 ? `DO UPDATE SET ${names.map((name) => `${name} = EXCLUDED.${name}`).join(', ')} WHERE ${counted('- 1', -1)}` : 'DO NOTHING';
  const onConflict = resolution && conflicting.length > 0
    ? `ON CONFLICT(${conflicting.map(quote).join(', ')}) ${resolution === 'ignore-duplicates' ? 'DO NOTHING' : update}`
    : '';
  return `
    INSERT INTO ${target} ${names.length > 0 ? `(${names.join(', ')})` : ''}
    SELECT ${names.map((name) => `pgrst_body.${name}`).join(', ')} ${from()} ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''}
    ${onConflict} RETURNING ${returning}`;
}

function planUpdate(table, asked, parsed, bytes) {
  const { target, bind } = table;
  const { columns, from } = payloadOf(table, asked, parsed.columns, bytes);
  const mutation = (returning) => {
    if (columns.length === 0) return `SELECT ${returning === '1' ? 'NULL' : returning} FROM ${target} WHERE false`;
    const condition = parsed.where(target, bind);
    return `
      UPDATE ${target} SET ${columns.map((column) => `${quote(column)} = pgrst_body.${quote(column)}`).join(', ')} ${from()}
      ${condition && `WHERE ${condition}`} RETURNING ${returning}`;
  };
  return planWrite(table, asked, parsed, mutation, ({ count }, preferred) => ({
    status: preferred === 'representation' ? 200 : 204,
    headers: [...contentRange(0, count, totalOf(asked, count)), ...preferenceApplied(asked.prefer, ['missing', 'return', 'count', 'tx', 'handling'])],
  }));
}

function planDelete(table, asked, parsed) {
  const { target, bind } = table;
  const condition = parsed.where(target, bind);
  const mutation = (returning) => `DELETE FROM ${target} ${condition && `WHERE ${condition}`} RETURNING ${returning}`;
  return planWrite(table, asked, parsed, mutation, ({ count }, preferred) => ({
    status: preferred === 'representation' ? 200 : 204,
    headers: [...contentRange(1, 0, totalOf(asked, count)), ...preferenceApplied(asked.prefer, ['return', 'count', 'tx', 'handling'])],
  }));
}

/** The columns that the body gives, and the FROM clause that makes rows of it, under the name pgrst_body. */
function payloadOf({ name, columns: types, bind }, { contentType }, chosen, bytes) {
  const { text, keys } = readRows(contentType, chosen, bytes);
  const columns = [...new Set(chosen ?? keys)];
  for (const column of columns) {
    if (!Object.hasOwn(types, column)) throw new Refusal(400, 'PGRST204', `Could not find the '${column}' column of '${name}' in the schema cache`);
  }
  const isObject = text.trimStart().startsWith('{');
  const names = columns.map(quote);
  const typed = columns.map((column) => `${quote(column)} ${types[column]}`);
  const source = columns.length > 0
    ? `${isObject ? 'json_to_record' : 'json_to_recordset'}(pgrst_payload.json_data) AS _(${typed.join(', ')})`
    : isObject ? '(VALUES (1)) _' : 'json_array_elements(pgrst_payload.json_data) _';
  return { columns, from: () => `FROM (SELECT ${bind(text)}::json AS json_data) pgrst_payload, LATERAL (SELECT ${names.join(', ')} FROM ${source}) pgrst_body` };
}

function readRows(contentType, chosen, bytes) {
  // With `columns` the body goes to the database unread.
  if (contentType === 'application/json') return chosen ? { text: bytes.toString() } : parseJson(bytes, false);
  if (contentType === 'text/csv') throw unknown('bodies of text/csv');
  if (contentType !== 'application/x-www-form-urlencoded') throw new Refusal(400, 'PGRST102', `Content-Type not acceptable: ${contentType}`);
  const row = Object.fromEntries(parseForm(bytes));
  return { text: JSON.stringify(row), keys: Object.keys(row) };
}
