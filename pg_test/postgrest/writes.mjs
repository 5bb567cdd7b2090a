// POST, PUT, PATCH and DELETE of a table: the statements, and the answers to them.

import pg from 'pg';
import { Refusal, unknown } from './errors.mjs';
import { negotiate } from './media.mjs';
import { preferenceApplied } from './preferences.mjs';
import { contentRange } from './ranges.mjs';
import { isCounted, rowsAs } from './reads.mjs';
import { parseForm, parseJson } from './request.mjs';
import { RESPONSE_SETTINGS } from './transaction.mjs';

const quote = pg.escapeIdentifier;

/** The plan of a write: `mutation(returning)` is its SQL, `answer(row, preferred)` the status and headers. */
function planWrite({ name, target, key, values, scope }, asked, { select, limit, offset, order }, mutation, answer) {
  if (limit !== undefined || offset !== undefined || order(scope(target))) {
    throw unknown(`limit, offset and order with ${asked.method}`);
  }
  const media = negotiate(asked.accepts);
  const preferred = asked.prefer.return;
  const columns = select.columns[0] === '*' ? ['*'] : [...new Set([...select.columns, ...key])];
  const returning = ['representation', 'headers-only'].includes(preferred)
    ? columns.map((column) => `${target}.${column === '*' ? '*' : quote(column)}`).join(', ')
    : '1';
  const isFull = preferred === 'representation';
  const rows = isFull ? `SELECT ${select.sql(scope(quote(name)))} FROM pgrst_source AS ${quote(name)}` : 'TABLE pgrst_source';
  return {
    isReading: false,
    isLimited: true,
    media,
    values,
    text: `
      WITH pgrst_source AS (${mutation(returning)})
      SELECT ${rowsAs(isFull ? media : undefined)},
          (SELECT row_to_json(_) FROM pgrst_source _ LIMIT 1) AS first_row,
          ${INSERTED} AS inserted, ${RESPONSE_SETTINGS}
      FROM (${rows}) _postgrest_t`,
    respond(row) {
      const { status, headers = [] } = answer({ ...row, count: Number(row.page_total) }, preferred);
      const typed = isFull ? [['Content-Type', media.contentType], ...asked.profileHeader] : [];
      return { status, headers: [...headers, ...typed], body: row.body };
    },
  };
}

/** How many rows an upsert has inserted, counted as PostgREST does: one for each row, less those that are updated. */
const INSERTED = `coalesce(nullif(current_setting('pgrst.inserted', true), '')::int, 0)`;
const counted = (change, never) => `set_config('pgrst.inserted', (${INSERTED} ${change})::text, true) <> '${never}'`;

const totalOf = (asked, count) => (isCounted(asked.prefer) ? count : undefined);

export function planInsert(table, asked, parsed, bytes) {
  const payload = payloadOf(table, asked, parsed.columns, bytes);
  const { resolution } = asked.prefer;
  const mutation = (returning) =>
    insertion(table, payload, resolution, parsed.onConflict ?? table.key, '', returning);
  const isResolved = table.key.length > 0 || parsed.onConflict !== undefined;
  const followed = [...(isResolved ? ['resolution'] : []), 'missing', 'return', 'count', 'tx', 'handling'];
  return planWrite(table, asked, parsed, mutation, (row, preferred) => ({
    status: resolution === 'merge-duplicates' && Number(row.inserted) <= 0 ? 200 : 201,
    headers: [
      ...(preferred === 'headers-only' && row.count === 1 ? locationOf(table, JSON.parse(row.first_row)) : []),
      ...contentRange(1, 0, totalOf(asked, row.count)),
      ...preferenceApplied(asked.prefer, followed),
    ],
  }));
}

/** Where a new row is to be found, if it has a primary key. */
function locationOf({ name, key }, row) {
  if (key.length === 0) return [];
  const place = key.map((column) => [column, row[column] === null ? 'is.null' : `eq.${row[column]}`]);
  return [['Location', `/${name}?${new URLSearchParams(place)}`]];
}

/** PUT: a row of which the query names the primary key, and nothing else. */
export function planPut(table, asked, parsed, bytes) {
  const { key } = table;
  if (parsed.limit !== undefined || parsed.offset !== undefined) {
    throw new Refusal(400, 'PGRST114', 'limit/offset querystring parameters are not allowed for PUT');
  }
  if (key.length === 0 || String([...parsed.equals].sort()) !== String([...key].sort())) {
    throw new Refusal(405, 'PGRST105', `Filters must include all and only primary key columns with 'eq' operators`);
  }
  const payload = payloadOf(table, asked, undefined, bytes);
  const condition = parsed.condition(table.scope('pgrst_body'));
  const mutation = (returning) => insertion(table, payload, 'merge-duplicates', key, condition, returning);
  return planWrite(table, asked, parsed, mutation, (row, preferred) => {
    if (row.count !== 1) {
      throw new Refusal(400, 'PGRST115', 'Payload values do not match URL in primary key column(s)');
    }
    const status = Number(row.inserted) > 0 ? 201 : 200;
    return {
      status: preferred === 'representation' ? status : 204,
      headers: preferenceApplied(asked.prefer, ['return', 'count', 'tx', 'handling']),
    };
  });
}

function insertion({ target }, { columns, from }, resolution, conflicting, condition, returning) {
  const names = columns.map(quote);
  const isMerged = resolution === 'merge-duplicates';
  const conditions = [condition, isMerged && counted('+ 1', 0)].filter(Boolean).join(' AND ');
  const updates = names.map((name) => `${name} = EXCLUDED.${name}`).join(', ');
  const update = isMerged && updates ? `DO UPDATE SET ${updates} WHERE ${counted('- 1', -1)}` : 'DO NOTHING';
  return `
    INSERT INTO ${target} ${names.length > 0 ? `(${names.join(', ')})` : ''}
    SELECT ${names.map((name) => `pgrst_body.${name}`).join(', ')} ${from()}
    ${conditions && `WHERE ${conditions}`}
    ${resolution && conflicting.length > 0 ? `ON CONFLICT(${conflicting.map(quote).join(', ')}) ${update}` : ''}
    RETURNING ${returning}`;
}

export function planUpdate(table, asked, parsed, bytes) {
  const { target } = table;
  const { columns, from } = payloadOf(table, asked, parsed.columns, bytes);
  const mutation = (returning) => {
    if (columns.length === 0) return `SELECT ${returning === '1' ? 'NULL' : returning} FROM ${target} WHERE false`;
    const updates = columns.map(quote).map((column) => `${column} = pgrst_body.${column}`);
    return `
      UPDATE ${target} SET ${updates.join(', ')} ${from()}
      ${parsed.where(table.scope(target))} RETURNING ${returning}`;
  };
  return planWrite(table, asked, parsed, mutation, ({ count }, preferred) => ({
    status: preferred === 'representation' ? 200 : 204,
    headers: [
      ...contentRange(0, count, totalOf(asked, count)),
      ...preferenceApplied(asked.prefer, ['missing', 'return', 'count', 'tx', 'handling']),
    ],
  }));
}

export function planDelete(table, asked, parsed) {
  const { target } = table;
  const condition = parsed.where(table.scope(target));
  const mutation = (returning) => `DELETE FROM ${target} ${condition} RETURNING ${returning}`;
  return planWrite(table, asked, parsed, mutation, ({ count }, preferred) => ({
    status: preferred === 'representation' ? 200 : 204,
    headers: [
      ...contentRange(1, 0, totalOf(asked, count)),
      ...preferenceApplied(asked.prefer, ['return', 'count', 'tx', 'handling']),
    ],
  }));
}

/** The columns that the body gives, and the FROM clause that makes rows of it, under the name pgrst_body. */
function payloadOf({ name, columns: types, bind }, { contentType }, chosen, bytes) {
  const { text, keys } = readRows(contentType, chosen, bytes);
  const columns = [...new Set(chosen ?? keys)];
  for (const column of columns) {
    if (!Object.hasOwn(types, column)) {
      throw new Refusal(400, 'PGRST204', `Could not find the '${column}' column of '${name}' in the schema cache`);
    }
  }
  const isObject = text.trimStart().startsWith('{');
  const typed = columns.map((column) => `${quote(column)} ${types[column]}`).join(', ');
  const toRecords = `${isObject ? 'json_to_record' : 'json_to_recordset'}(pgrst_payload.json_data) AS _(${typed})`;
  const withoutColumns = isObject ? '(VALUES (1)) _' : 'json_array_elements(pgrst_payload.json_data) _';
  const rows = `SELECT ${columns.map(quote).join(', ')} FROM ${typed ? toRecords : withoutColumns}`;
  const from = () => `FROM (SELECT ${bind(text)}::json AS json_data) pgrst_payload, LATERAL (${rows}) pgrst_body`;
  return { columns, from };
}

function readRows(contentType, chosen, bytes) {
  // With `columns` the body goes to the database unread.
  if (contentType === 'application/json') return chosen ? { text: bytes.toString() } : parseJson(bytes, false);
  if (contentType === 'text/csv') throw unknown('bodies of text/csv');
  if (contentType !== 'application/x-www-form-urlencoded') {
    throw new Refusal(400, 'PGRST102', `Content-Type not acceptable: ${contentType}`);
  }
  const row = Object.fromEntries(parseForm(bytes));
  return { text: JSON.stringify(row), keys: Object.keys(row) };
}
