// Which of the rows are wanted, and what the answer says of that: limit, offset and the Range header.

import { Refusal } from './errors.mjs';

/** Numbers of the first and last row that the Range header, limit and offset leave over. */
export function rangeOf(header, limit = Infinity, offset = 0) {
  const [, from = 0, to = ''] = /^(\d+)-(\d*)$/.exec(header ?? '') ?? [];
  const end = to === '' ? Infinity : Number(to);
  if (end < Number(from))
    throw unsatisfiable('The lower boundary must be lower than or equal to the upper boundary in the Range header.');
  if (limit === 0) return { first: 0, last: -1 };
  const [first, last] = [Math.max(Number(from), offset), Math.min(end, offset + limit - 1)];
  if (limit < 0 || last < first || first < 0) throw unsatisfiable('Limit should be greater than or equal to zero.');
  return { first, last };
}

/** LIMIT and OFFSET, where they leave something out. */
export function slice({ first, last }, bind) {
  if (last !== Infinity) return `LIMIT ${bind(last - first + 1)} OFFSET ${bind(first)}`;
  return first > 0 ? `OFFSET ${bind(first)}` : '';
}

const unsatisfiable = (details) => new Refusal(416, 'PGRST103', 'Requested range not satisfiable', { details });

/** Status, Content-Range and, where the range lies behind the last row, the body in place of rows. */
export function rangeAnswer({ first }, count, all) {
  const headers = contentRange(first, count, all);
  if (first > all) {
    const { body } = unsatisfiable(`An offset of ${first} was requested, but there are only ${all} rows.`);
    return { status: 416, headers, body: JSON.stringify(body) };
  }
  return { status: count < all ? 206 : 200, headers };
}

/** The header that says which rows these are, of how many where they were counted. */
export function contentRange(first, count, total) {
  const range = total !== 0 && count > 0 ? `${first}-${first + count - 1}` : '*';
  return [['Content-Range', `${range}/${total ?? '*'}`]];
}
