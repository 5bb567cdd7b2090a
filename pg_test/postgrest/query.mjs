// The query string of a request, as SQL: select, filters, order, limit and offset, columns, on_conflict.

import pg from 'pg';
import { Refusal, unknown } from './errors.mjs';
import { FIELD, NAME, invalid, makeField, nameOf, split } from './fields.mjs';
import { isFilter, junctionOf, namedFilter } from './filters.mjs';

const quote = pg.escapeIdentifier;

const RESERVED = ['select', 'order', 'limit', 'offset', 'columns', 'on_conflict'];

/** The pairs of a query string: those that are arguments of a function, and the others. */
export function splitArguments(search) {
  const pairs = [...new URLSearchParams(search)];
  const isArgument = ([name, value]) =>
    !RESERVED.includes(name) && !/^(not\.)?(and|or)$/.test(name) && !name.includes('.') && !isFilter(value);
  return { given: pairs.filter(isArgument), others: pairs.filter((pair) => !isArgument(pair)) };
}

/**
 * The parts of a query string, of which those that are SQL are functions of a scope (fields.mjs). `refuseEmbedded` makes
 * the answer to another table in `select`.
 */
export function parseQuery(pairs, traits, refuseEmbedded = (item) => unknown(`select=${item}: embedded tables are missing`)) {
  const one = (name) => pairs.find(([key]) => key === name)?.[1];
  const conditions = [];
  for (const [key, value] of pairs) {
    if (RESERVED.includes(key)) continue;
    const [, not, junction] = /^(not\.)?(and|or)$/.exec(key) ?? [];
    conditions.push(junction ? junctionOf(not, junction, value, traits) : namedFilter(key, value, traits));
  }
  const names = (name) => (one(name) === undefined ? undefined : split(one(name)).map(columnOf));
  const where = (scope) => conditions.map((condition) => condition(scope)).join(' AND ');
  return {
    select: selectOf(one('select') || '*', refuseEmbedded),
    order: orderOf(one('order')),
    where: (scope) => (conditions.length > 0 ? `WHERE ${where(scope)}` : ''),
    condition: where,
    equals: conditions.map((condition) => condition.equals),
    columns: names('columns'),
    onConflict: names('on_conflict'),
    limit: count(one('limit')),
    offset: count(one('offset')),
  };
}

function columnOf(text) {
  if (!new RegExp(`^(?:${NAME})$`, 'u').test(text)) throw invalid('columns parameter', text);
  return nameOf(text);
}

/** What is no number is taken for nothing. */
const count = (text) => (/^-?\d+$/.test(text ?? '') ? Number(text) : undefined);

/** What is selected: its SQL, and the columns that a write has to return for it. */
function selectOf(text, refuseEmbedded) {
  const items = split(text).map((item) => {
    if (item.trim() === '*') return { column: '*', sql: ({ target }) => `${target}.*` };
    if (/(^|[.:])\s*(count|sum|avg|min|max)\(\)/.test(item)) {
      throw new Refusal(400, 'PGRST123', 'Use of aggregate functions is not allowed');
    }
    if (item.endsWith(')')) throw refuseEmbedded(item);
    const [all, alias, column, way, cast] =
      new RegExp(`^(?:(${NAME}):(?!:))?${FIELD}(?:::([a-zA-Z0-9_ ]+(?:\\[\\])?))?$`, 'u').exec(item) ?? [];
    if (all === undefined) throw invalid('select parameter', text);
    const field = makeField(column, way);
    const label = alias === undefined ? (field.label ?? (cast && field.column)) : nameOf(alias);
    return {
      column: field.column,
      sql: (scope) =>
        (cast ? `CAST( ${field.sql(scope)} AS ${cast} )` : field.sql(scope)) + (label ? ` AS ${quote(label)}` : ''),
    };
  });
  const columns = items.map(({ column }) => column);
  return {
    sql: (scope) => items.map(({ sql }) => sql(scope)).join(', '),
    columns: columns.includes('*') ? ['*'] : columns,
  };
}

function orderOf(text) {
  const terms = text ? split(text) : [];
  const sqls = terms.map((term) => {
    const [all, column, way, direction = '', nulls] =
      new RegExp(`^${FIELD}(?:\\.(asc|desc))?(?:\\.nulls(first|last))?$`, 'u').exec(term) ?? [];
    if (all === undefined) throw /\(/.test(term) ? unknown(`order=${term}`) : invalid('order', term);
    const field = makeField(column, way);
    return (scope) => `${field.sql(scope)} ${direction} ${nulls ? `NULLS ${nulls}` : ''}`;
  });
  return (scope) => (sqls.length > 0 ? `ORDER BY ${sqls.map((sql) => sql(scope)).join(', ')}` : '');
}
