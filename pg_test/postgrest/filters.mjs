// The filters of a query string, as SQL: `id=eq.5`, `or=(id.eq.5,title.like.*x*)`.

import { FIELD, fieldOf, invalid, makeField, split, unquoted } from './fields.mjs';

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
/** Those that may be compared with ANY or ALL of a list. */
const QUANTIFIED = ['eq', 'gt', 'gte', 'lt', 'lte', 'like', 'ilike', 'match', 'imatch'];
const FULL_TEXT = { fts: 'to_tsquery', plfts: 'plainto_tsquery', phfts: 'phraseto_tsquery', wfts: 'websearch_to_tsquery' };
const IS = { null: 'NULL', true: 'TRUE', false: 'FALSE', unknown: 'UNKNOWN' };

/** Whether a parameter's value is a filter; on GET /rpc all others are arguments. */
export const isFilter = (value) => {
  const [first] = /^[a-z]+/.exec(value) ?? [''];
  const rest = value.slice(first.length);
  if (first === 'not') return rest.startsWith('.');
  if (first in FULL_TEXT || QUANTIFIED.includes(first)) return /^(\(\w+\))?(\.|$)/.test(rest);
  return (first === 'is' || first === 'in' || Object.hasOwn(OPERATORS, first)) && /^(\.|$)/.test(rest);
};

/** and=(...), or=(...), not.and=(...), not.or=(...), within each other. */
export function junctionOf(not, junction, text, traits) {
  const [, list] = /^\((.+)\)$/s.exec(text) ?? [];
  if (list === undefined) throw invalid('logic tree', text);
  const conditions = split(list).map((part) => {
    const [, innerNot, inner, rest] = /^(not\.)?(and|or)(\(.*\))$/s.exec(part.trim()) ?? [];
    if (inner) return junctionOf(innerNot, inner, rest, traits);
    const [all, column, way, value] = new RegExp(`^${FIELD}\\.(.*)$`, 'su').exec(part.trim()) ?? [];
    if (all === undefined) throw invalid('logic tree', text);
    return filterOf(makeField(column, way), value, traits, true);
  });
  const operator = ` ${junction.toUpperCase()} `;
  return (scope) => `${not ? 'NOT ' : ''}(${conditions.map((condition) => condition(scope)).join(operator)})`;
}

/** A filter of the query string itself. */
export const namedFilter = (key, value, traits) => filterOf(fieldOf(key), value, traits);

/** A filter such as `not.eq.5`. In a logic tree a value may be in quotes. */
function filterOf(field, text, traits, isQuotable = false) {
  const [, not, operator = '', argument, operand] = /^(not\.)?([a-z]+)(?:\((\w+)\))?\.(.*)$/s.exec(text) ?? [];
  const condition = (right) => (scope) => `${not ? 'NOT ' : ''}${field.sql(scope)} ${right(scope)}`;
  const value = isQuotable && operand !== undefined ? unquoted(operand) : operand;
  if (Object.hasOwn(FULL_TEXT, operator)) return fullText(field, not, FULL_TEXT[operator], argument, value, traits);
  if (operator === 'is' && argument === undefined) return condition(isRight(operand, text, traits));
  if (operator === 'in' && argument === undefined) return condition(inRight(operand, text));
  if (!Object.hasOwn(OPERATORS, operator)) throw invalid('filter', text);
  const pattern = ['like', 'ilike'].includes(operator) ? value.replaceAll('*', '%') : value;
  if (argument !== undefined) {
    if (!QUANTIFIED.includes(operator) || !['any', 'all'].includes(argument)) throw invalid('filter', text);
    return condition(({ bind }) => `${OPERATORS[operator]} ${argument.toUpperCase()} (${bind(pattern)})`);
  }
  const isEqual = operator === 'eq' && !not;
  return Object.assign(
    condition(({ bind }) => `${OPERATORS[operator]} ${bind(pattern)}`),
    { equals: isEqual ? field.column : undefined },
  );
}

function isRight(operand, text, { hasIsNotNull }) {
  const word = operand.toLowerCase();
  if (word === 'not_null' && hasIsNotNull) return () => 'IS NOT NULL';
  if (!Object.hasOwn(IS, word)) throw invalid('filter', text);
  return () => `IS ${IS[word]}`;
}

function inRight(operand, text) {
  const [, list] = /^\((.*)\)$/s.exec(operand) ?? [];
  if (list === undefined) throw invalid('filter', text);
  const values = list === '' ? [] : split(list).map(unquoted);
  const literal = `{${values.map((value) => `"${value.replace(/[\\"]/g, '\\$&')}"`).join(',')}}`;
  return ({ bind }) => `= ANY (${bind(literal)})`;
}

function fullText(field, not, query, language, value, { wrapsFullText }) {
  return (scope) => {
    const word = () => (language === undefined ? '' : `${scope.bind(language)}::regconfig, `);
    const isWrapped = wrapsFullText && scope.typeOf(field.column) !== 'tsvector';
    const left = isWrapped ? `to_tsvector(${word()}${field.sql(scope)})` : field.sql(scope);
    return `${not ? 'NOT ' : ''}${left} @@ ${query}(${word()}${scope.bind(value)})`;
  };
}
