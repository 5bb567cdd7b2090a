// /<table>: what the catalog knows of it, and the plan of reading or writing it.

import pg from 'pg';
import { Refusal, unknown } from './errors.mjs';
import { parseQuery } from './query.mjs';
import { planRead } from './reads.mjs';
import { planDelete, planInsert, planPut, planUpdate } from './writes.mjs';

const quote = pg.escapeIdentifier;

const TABLE = `
  SELECT ARRAY(
      SELECT a.attname::text FROM pg_catalog.pg_index i
      JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
      WHERE i.indrelid = c.oid AND i.indisprimary ORDER BY a.attnum) AS key,
    (SELECT pg_catalog.json_object_agg(attname, pg_catalog.format_type(atttypid, atttypmod)) FROM pg_catalog.pg_attribute
      WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns
  FROM pg_catalog.pg_class c
  WHERE c.relnamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident($1)) AND c.relname = $2
    AND c.relkind IN ('r', 'v', 'm', 'f', 'p')`;

/** How to answer a request about the table `name`. `query` asks the catalog. */
export async function planTable(query, asked, name, bytes) {
  const { schema, method } = asked;
  const plans = {
    GET: planRead,
    HEAD: planRead,
    POST: planInsert,
    PUT: planPut,
    PATCH: planUpdate,
    DELETE: planDelete,
  };
  if (!Object.hasOwn(plans, method)) throw new Refusal(405, 'PGRST117', `Unsupported HTTP method: ${method}`);
  const [found] = await query(TABLE, [schema, name]);
  if (!found) throw new Refusal(404, ...asked.traits.missingTable(schema, name));
  const values = [];
  const table = {
    name,
    target: `${quote(schema)}.${quote(name)}`,
    ...found,
    values,
    bind: (value) => `$${values.push(value)}`,
    /** Of the table's rows under another name: what their fields are in SQL. */
    scope: (target) => ({ target, bind: table.bind, typeOf: (column) => found.columns[column] }),
  };
  const parsed = parseQuery([...new URLSearchParams(asked.search)], asked.traits);
  if (asked.prefer.missing === 'default') throw unknown('the preference missing=default');
  return plans[method](table, asked, parsed, bytes);
}
