// GET and HEAD of a table: the statement, and the answer to it.

import { unknown } from './errors.mjs';
import { bodyAs, negotiate } from './media.mjs';
import { preferenceApplied } from './preferences.mjs';
import { rangeAnswer, rangeOf, slice } from './ranges.mjs';
import { RESPONSE_SETTINGS } from './transaction.mjs';

/** Whether all rows are counted. Without db-max-rows an estimated count is an exact one. */
export const isCounted = ({ count }) => ['exact', 'estimated'].includes(count);

/** The plan of a read: `table` is what planTable() has found, and `parsed` its query string. */
export function planRead(table, asked, { select, where, order, limit, offset }) {
  const { target, bind, values } = table;
  if (asked.prefer.count === 'planned') throw unknown('the preference count=planned');
  const media = negotiate(asked.accepts);
  const range = rangeOf(asked.range, limit, offset);
  const scope = table.scope(target);
  const filter = where(scope);
  const counted = isCounted(asked.prefer);
  return {
    isReading: true,
    media,
    values,
    text: `
      WITH pgrst_source AS (SELECT ${select.sql(scope)} FROM ${target} ${filter} ${order(scope)} ${slice(range, bind)})
      ${counted ? `, pgrst_source_count AS (SELECT 1 FROM ${target} ${filter})` : ''}
      SELECT ${counted ? '(SELECT pg_catalog.count(*) FROM pgrst_source_count)' : 'NULL'} AS total,
          ${rowsAs(asked.method === 'HEAD' ? undefined : media)}, ${RESPONSE_SETTINGS}
      FROM (SELECT * FROM pgrst_source) _postgrest_t`,
    respond({ total, page_total: count, body }) {
      const { status, headers, body: refusal = body } = rangeAnswer(range, Number(count), total === null ? undefined : Number(total));
      return {
        status,
        headers: [
          ...headers,
          ['Content-Location', `/${table.name}${canonical(asked.search)}`],
          ['Content-Type', media.contentType],
          ...asked.profileHeader,
          ...preferenceApplied(asked.prefer, ['count', 'tx', 'handling']),
        ],
        body: refusal,
      };
    },
  };
}

/** The query string with its parameters in order. */
function canonical(search) {
  const parameters = new URLSearchParams(search);
  parameters.sort();
  return parameters.size > 0 ? `?${parameters.toString().replaceAll('+', '%20')}` : '';
}

/** How many rows there are, and the body that is made of them, if one is wanted. */
export const rowsAs = (media) =>
  `pg_catalog.count(_postgrest_t) AS page_total, ${media ? bodyAs(media) : `''`} AS body`;
