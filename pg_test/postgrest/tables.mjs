// Tables: the statement that reads or writes one.

import pg from 'pg';
import { Refusal } from './errors.mjs';
import { negotiate, parseJson } from './request.mjs';
import { contentRange } from './transaction.mjs';

const quote = pg.escapeIdentifier;

/** How to answer a request about the table `name`. `query` asks the catalog. */
export async function planTable(query, asked, name, body) {
  const { method } = asked;
  const target = `${quote(asked.schema)}.${quote(name)}`;
  const filters = [...new URLSearchParams(asked.search)].filter(([column]) => !['select', 'order', 'limit'].includes(column));
  const where = filters.map(([column], index) => `${quote(column)} = $${index + 1}`).join(' AND ') || 'true';
  const values = filters.map(([, value]) => value.replace(/^eq\./, ''));
  const row = ['POST', 'PATCH'].includes(method) ? parseJson(body).value : {};
  const columns = Object.keys(row);
  const statements = {
    GET: `SELECT * FROM ${target} WHERE ${where}`,
    POST: `INSERT INTO ${target} (${columns.map(quote).join(', ')}) VALUES (${columns.map((_, index) => `$${index + 1}`).join(', ')}) RETURNING *`,
    PATCH: `UPDATE ${target} SET ${columns.map((column, index) => `${quote(column)} = $${values.length + index + 1}`).join(', ')} WHERE ${where} RETURNING *`,
    DELETE: `DELETE FROM ${target} WHERE ${where} RETURNING *`,
  };
  if (!(method in statements)) throw new Refusal(405, 'PGRST117', `Unsupported HTTP method: ${method}`);
  const media = negotiate(asked.accepts);
  return {
    isReading: method === 'GET',
    media,
    text: `
      WITH pgrst_source AS (${statements[method]})
      SELECT pg_catalog.count(_postgrest_t) AS page_total, coalesce(json_agg(_postgrest_t), '[]') AS body,
          nullif(current_setting('response.headers', true), '') AS response_headers,
          nullif(current_setting('response.status', true), '') AS response_status
      FROM pgrst_source _postgrest_t`,
    values: [...(method === 'POST' ? [] : values), ...Object.values(row)],
    respond: ({ page_total: count, body: rows }) => ({
      status: method === 'POST' ? 201 : 200,
      headers: [...contentRange(0, Number(count)), ['Content-Type', media.contentType]],
      body: rows,
    }),
  };
}
