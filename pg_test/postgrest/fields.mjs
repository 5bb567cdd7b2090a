// The fields that a query string names: columns, and parts of JSON in them. As SQL they are functions of a scope:
// `target` (what the rows are called), `bind(value)`, and `typeOf(column)`, undefined where it isn't known.

import pg from 'pg';
import { Refusal } from './errors.mjs';

const quote = pg.escapeIdentifier;

const QUOTED = String.raw`"(?:[^"\\]|\\.)*"`;
export const NAME = String.raw`${QUOTED}|(?:[\p{L}\p{N}_$ ]|-(?!>))+`;
const STEP = String.raw`->>?(?:${QUOTED}|-?\d+(?![^(\-:.,>)])|[^"(\-:.,>)]+)`;
/** Two groups: the column, and the way into its JSON. */
export const FIELD = String.raw`(${NAME})((?:${STEP})*)`;

export const invalid = (what, text) =>
  new Refusal(400, 'PGRST100', `"failed to parse ${what} (${text})" (line 1, column 1)`, { details: 'unexpected input' });

export const unquoted = (text) => (/^".*"$/s.test(text) ? text.slice(1, -1).replace(/\\(.)/gs, '$1') : text);

/** The name of a column. */
export const nameOf = (text) => (text.startsWith('"') ? unquoted(text) : text.trim());

/** A field of the two groups of FIELD: its column, the name that it has in an answer, and its SQL. */
export function makeField(column, way = '') {
  const name = nameOf(column);
  const steps = [...way.matchAll(new RegExp(STEP, 'gu'))].map(([step]) => {
    const [, arrow, key] = /^(->>?)(.*)$/s.exec(step);
    return { arrow, key: unquoted(key), isIndex: /^-?\d+$/.test(key) };
  });
  return {
    column: name,
    label: steps.findLast(({ isIndex }) => !isIndex)?.key ?? (steps.length > 0 ? name : undefined),
    sql({ target, bind, typeOf }) {
      const value = `${target}.${quote(name)}`;
      if (steps.length === 0) return value;
      const json = ['json', 'jsonb'].includes(typeOf(name)) ? value : `to_jsonb(${value})`;
      return json + steps.map(({ arrow, key, isIndex }) => `${arrow}${bind(key)}${isIndex ? '::int' : ''}`).join('');
    },
  };
}

/** A field by its whole text, as the name of a filter has it. */
export function fieldOf(text) {
  const [all, column, way] = new RegExp(`^${FIELD}$`, 'u').exec(text) ?? [];
  if (all === undefined) {
    const [, embedded] = new RegExp(`^(${NAME})(?:\\.(?:${NAME}))*\\.${FIELD}$`, 'u').exec(text) ?? [];
    if (embedded === undefined) throw invalid('tree path', text);
    throw new Refusal(400, 'PGRST108', `'${embedded}' is not an embedded resource in this request`, {
      hint: `Verify that '${embedded}' is included in the 'select' query parameter.`,
    });
  }
  return makeField(column, way);
}

/** Splits at the commas that are in no quotes and no brackets. */
export function split(text) {
  const parts = [''];
  let depth = 0;
  for (const [token] of text.matchAll(/(?<=^|[,(.:>])"(?:[^"\\]|\\.)*"|[^]/g)) {
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
