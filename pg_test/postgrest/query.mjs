// The query string of a request for a table, as SQL: select, filters, order, limit and offset, columns, on_conflict.

import pg from 'pg';
import { Refusal, unknown } from './errors.mjs';

const quote = pg.escapeIdentifier;

const NAME = String.raw`"(?:[^"\\]|\\.)*"|[\p{L}\p{N}_$ -]+`;
const OPERATORS = {
  eq: '=',
  neq: '<>',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
  like: 'LIKE',
  ilike: 'ILIKE',
  match: '~',
  imatch: '~*',
  isdistinct: 'IS DISTINCT FROM',
  cs: '@>',
  cd: '<@',
  ov: '&&',
  sl: '<<',
  sr: '>>',
  nxr: '&<',
  nxl: '&>',
  adj: '-|-',
};
const IS = { null: 'NULL', not_null: 'NOT NULL', true: 'TRUE', false: 'FALSE', unknown: 'UNKNOWN' };

/** The parts of a query string; those that are SQL are functions of the table's name in SQL and of `bind(value)`. */
export function parseQuery(search) {
  const pairs = [...new URLSearchParams(search)];
  const one = (name) => pairs.find(([key]) => key === name)?.[1];
  const conditions = [];
  for (const [key, value] of pairs) {
    if (['select', 'order', 'limit', 'offset', 'columns', 'on_conflict'].includes(key)) continue;
    const [, not, junction] = /^(not\.)?(and|or)$/.exec(key) ?? [];
    if (junction) conditions.push(junctionOf(not, junction, value));
    else conditions.push(filterOf(fieldOf(key), value));
  }
  const names = (name) => (one(name) === undefined ? undefined : split(one(name)).map(fieldOf));
  return {
    select: selectOf(one('select') ?? '*'),
    order: orderOf(one('order')),
    where: (table, bind) => conditions.map((condition) => condition(table, bind)).join(' AND '),
    equals: conditions.map((condition) => condition.equals),
    columns: names('columns'),
    onConflict: names('on_conflict'),
    limit: count('limit', one('limit')),
    offset: count('offset', one('offset')),
  };
}

const invalid = (what, text) => new Refusal(400, 'PGRST100', `"failed to parse ${what} (${text})"`);

function count(name, text) {
  if (text === undefined) return undefined;
  if (!/^-?\d+$/.test(text)) throw unknown(`${name}=${text}`);
  return Number(text);
}

/** Splits at the commas that are in no quotes and no brackets. */
function split(text) {
  const parts = [''];
  let depth = 0;
  for (const [token] of text.matchAll(/(?<=^|[,(.:])"(?:[^"\\]|\\.)*"|[^]/g)) {
    if (token === ',' && depth === 0) {
      parts.push('');
      continue;
    }
    if ('({'.includes(token)) depth += 1;
    if (')}'.includes(token)) depth -= 1;
    parts[parts.length - 1] += token;
  }
  if (depth !== 0) throw invalid('parameter', text);
  return parts;
}

const unquoted = (text) => (/^".*"$/s.test(text) ? text.slice(1, -1).replace(/\\(.)/gs, '$1') : text);

function fieldOf(text) {
  if (!new RegExp(`^(?:${NAME})$`, 'u').test(text))
    throw unknown(`the field ${text}: embedded tables and parts of JSON are missing`);
  return text.startsWith('"') ? unquoted(text) : text.trim();
}

/** What is selected: its SQL, and the columns that a write has to return for it. */
function selectOf(text) {
  const items = split(text).map((item) => {
    if (item.trim() === '*') return { column: '*', sql: (table) => `${table}.*` };
    const [all, alias, name, cast] =
      new RegExp(`^(?:(${NAME}):)?(${NAME})(?:::([a-zA-Z0-9_]+(?:\\[\\])?))?$`, 'u').exec(item) ?? [];
    if (all === undefined) throw unknown(`select=${item}: embedded tables, aggregates and parts of JSON are missing`);
    const column = fieldOf(name);
    const label = alias === undefined ? (cast ? ` AS ${quote(column)}` : '') : ` AS ${quote(fieldOf(alias))}`;
    const field = (table) => `${table}.${quote(column)}`;
    return { column, sql: (table) => (cast ? `CAST( ${field(table)} AS ${cast} )` : field(table)) + label };
  });
  const columns = items.map(({ column }) => column);
  return {
    sql: (table) => items.map(({ sql }) => sql(table)).join(', '),
    columns: columns.includes('*') ? ['*'] : columns,
  };
}

function orderOf(text) {
  const terms = text ? split(text) : [];
  const sqls = terms.map((term) => {
    const [all, name, direction = '', nulls] =
      new RegExp(`^(${NAME})(?:\\.(asc|desc))?(?:\\.nulls(first|last))?$`, 'u').exec(term) ?? [];
    if (all === undefined) throw /[(>]/.test(term) ? unknown(`order=${term}`) : invalid('order', term);
    return (table) => `${table}.${quote(fieldOf(name))} ${direction} ${nulls ? `NULLS ${nulls}` : ''}`;
  });
  return (table) => (sqls.length > 0 ? `ORDER BY ${sqls.map((sql) => sql(table)).join(', ')}` : '');
}

/** and=(...), or=(...), not.and=(...), not.or=(...), within each other. */
function junctionOf(not, junction, text) {
  const [, list] = /^\((.+)\)$/s.exec(text) ?? [];
  if (list === undefined) throw invalid('logic tree', text);
  const conditions = split(list).map((part) => {
    const [, innerNot, inner, rest] = /^(not\.)?(and|or)(\(.*\))$/s.exec(part.trim()) ?? [];
    if (inner) return junctionOf(innerNot, inner, rest);
    const [, name, value] = new RegExp(`^(${NAME})\\.(.*)$`, 'su').exec(part.trim()) ?? [];
    if (name === undefined) throw /->/.test(part) ? unknown(`the filter ${part}`) : invalid('logic tree', text);
    return filterOf(fieldOf(name), value, true);
  });
  return (table, bind) =>
    `${not ? 'NOT ' : ''}(${conditions.map((condition) => condition(table, bind)).join(` ${junction.toUpperCase()} `)})`;
}

/** A filter such as `not.eq.5`. In a logic tree a value may be in quotes. */
function filterOf(column, text, isQuotable = false) {
  const [, not, operator, operand] = /^(not\.)?([a-z]+(?:\(\w+\))?)\.(.*)$/s.exec(text) ?? [];
  if (/^(pl|ph|w)?fts(\(|$)/.test(operator) || /\(/.test(operator)) throw unknown(`the filter ${text}`);
  const prefix = not ? 'NOT ' : '';
  const sql = (right) => (table, bind) => `${prefix}${table}.${quote(column)} ${right(bind)}`;
  if (operator === 'is') {
    const value = IS[operand.toLowerCase()];
    if (value === undefined) throw invalid('filter', text);
    return sql(() => `IS ${value}`);
  }
  if (operator === 'in') {
    const [, list] = /^\((.*)\)$/s.exec(operand) ?? [];
    if (list === undefined) throw invalid('filter', text);
    const values = list === '' ? [] : split(list).map(unquoted);
    const literal = `{${values.map((value) => `"${value.replace(/[\\"]/g, '\\$&')}"`).join(',')}}`;
    return sql((bind) => `= ANY (${bind(literal)})`);
  }
  if (!Object.hasOwn(OPERATORS, operator ?? '')) throw invalid('filter', text);
  const value = isQuotable ? unquoted(operand) : operand;
  const pattern = ['like', 'ilike'].includes(operator) ? value.replaceAll('*', '%') : value;
  const isEqual = operator === 'eq' && !not;
  return Object.assign(
    sql((bind) => `${OPERATORS[operator]} ${bind(pattern)}`),
    { equals: isEqual ? column : undefined },
  );
}
