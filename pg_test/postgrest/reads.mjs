// GET and HEAD of a table: the statement, and the answer to it.

import { Refusal } from './errors.mjs';
import { negotiate, preferenceApplied } from './request.mjs';
import { RESPONSE_SETTINGS, contentRange } from './transaction.mjs';

/** The plan of a read: `table` is what planTable() has found, and `parsed` its query string. */
export function planRead({ target, bind, values }, asked, { select, where, order, limit, offset }) {
  const media = negotiate(asked.accepts);
  const { first, last } = rangeOf(asked.range, limit, offset);
  const condition = where(target, bind);
  const filter = condition && `WHERE ${condition}`;
  const slice = last === Infinity ? `OFFSET ${bind(first)}` : `LIMIT ${bind(last - first + 1)} OFFSET ${bind(first)}`;
  const isCounted = asked.prefer.count === 'exact';
  return {
    isReading: true,
    media,
    values,
    text: `
      WITH pgrst_source AS (SELECT ${select.sql(target)} FROM ${target} ${filter} ${order(target)} ${slice})
      ${isCounted ? `, pgrst_source_count AS (SELECT 1 FROM ${target} ${filter})` : ''}
      SELECT ${isCounted ? '(SELECT pg_catalog.count(*) FROM pgrst_source_count)' : 'NULL'} AS total,
          ${rowsAs(asked.method === 'HEAD' ? 'none' : media.shape)}, ${RESPONSE_SETTINGS}
      FROM (SELECT * FROM pgrst_source) _postgrest_t`,
    respond({ total, page_total: count, body }) {
      const all = total === null ? undefined : Number(total);
      const headers = [
        ...contentRange(first, Number(count), all),
        ...preferenceApplied(asked.prefer, ['count', 'tx', 'handling']),
      ];
      if (first > all) throw unsatisfiable(`An offset of ${first} was requested, but there are only ${all} rows.`);
      const status = Number(count) < all ? 206 : 200;
      return { status, headers: [...headers, ['Content-Type', media.contentType], ...asked.profileHeader], body };
    },
  };
}

/** Numbers of the first and last row that the Range header, limit and offset leave over. */
function rangeOf(header, limit = Infinity, offset = 0) {
  const [, from = 0, to = ''] = /^(\d+)-(\d*)$/.exec(header ?? '') ?? [];
  const end = to === '' ? Infinity : Number(to);
  if (end < Number(from))
    throw unsatisfiable('The lower boundary must be lower than or equal to the upper boundary in the Range header.');
  if (limit === 0) return { first: 0, last: -1 };
  const [first, last] = [Math.max(Number(from), offset), Math.min(end, offset + limit - 1)];
  if (limit < 0 || last < first || first < 0) throw unsatisfiable('Limit should be greater than or equal to zero.');
  return { first, last };
}

const unsatisfiable = (details) => new Refusal(416, 'PGRST103', 'Requested range not satisfiable', { details });

const ROWS = {
  json: `coalesce(json_agg(_postgrest_t), '[]')`,
  object: `coalesce(json_agg(_postgrest_t)->0, 'null')`,
  none: `''`,
};

/** How many rows there are, and the body that is made of them. */
export const rowsAs = (shape) => `pg_catalog.count(_postgrest_t) AS page_total, ${ROWS[shape]} AS body`;
