// The transaction of a request: role, settings, pre-request, one statement, and what it says of the response.

import pg from 'pg';
import { Refusal } from './errors.mjs';
import { checkAffected } from './preferences.mjs';

/** Values as PostgreSQL writes them, so that bodies are passed on as they are; bytes alone are decoded. */
const types = {
  getTypeParser: (oid) => (oid === pg.types.builtins.BYTEA ? pg.types.getTypeParser(oid) : (text) => text),
};

/** What a plan's statement has to say of the response, besides `page_total` and `body`. */
export const RESPONSE_SETTINGS = `
  nullif(current_setting('response.headers', true), '') AS response_headers,
  nullif(current_setting('response.status', true), '') AS response_status`;

const NOTHING = { total: '0', page_total: '0', body: '', response_headers: null, response_status: null };

/** Asks the catalog as PostgREST's schema cache does: with an empty search_path, so that types have full names. */
export async function queryCatalog(client, work) {
  await client.query(`BEGIN READ ONLY; SELECT set_config('search_path', '', true)`);
  try {
    return await work(async (text, values) => (await client.query(text, values)).rows);
  } finally {
    await client.query('ROLLBACK');
  }
}

/** Runs a plan, and answers `{status, headers, body}`. */
export async function run(client, plan, asked, { claims, role }, { preRequest, txEnd }) {
  const settings = {
    search_path: [asked.schema, 'public'].map(pg.escapeIdentifier).join(', '),
    role,
    'request.jwt.claims': JSON.stringify(claims),
    'request.method': asked.method,
    'request.path': asked.path,
    'request.headers': JSON.stringify(asked.headers),
    'request.cookies': JSON.stringify(asked.cookies),
    ...(asked.prefer.timezone && { timezone: asked.prefer.timezone }),
  };
  const list = Object.keys(settings).map((name, index) => `set_config('${name}', $${index + 1}, true)`);
  await client.query(plan.isReading ? 'BEGIN READ ONLY' : 'BEGIN READ WRITE');
  await client.query(`SELECT ${list.join(', ')}`, Object.values(settings));
  if (preRequest) await client.query(`SELECT ${preRequest.split('.').map(pg.escapeIdentifier).join('.')}()`);
  const { rows } = await client.query({ text: plan.text, values: plan.values, types });
  // A media type's handler is no aggregate: of a row that was filtered away nothing is left, status and headers neither.
  const [row = NOTHING] = rows;
  checkRows(plan, asked, Number(row.page_total));
  const answer = plan.respond(row);
  const isUndone = asked.prefer.tx ? asked.prefer.tx === 'rollback' : txEnd.startsWith('rollback');
  if (isUndone) await client.query('SET CONSTRAINTS ALL IMMEDIATE');
  await client.query(isUndone ? 'ROLLBACK' : 'COMMIT');
  return shaped(answer, row);
}

/** What is an error of the whole transaction, though the statement went well. */
function checkRows({ media, isLimited }, { prefer, traits }, count) {
  if (media.shape === 'object' && count !== 1) {
    throw new Refusal(406, 'PGRST116', traits.notSingular, { details: `The result contains ${count} rows` });
  }
  if (isLimited) checkAffected(prefer, count);
}

/** The answer with the status and the headers that the database has set; theirs replace PostgREST's. */
function shaped({ status, headers, body }, { response_status: ownStatus, response_headers: ownHeaders }) {
  if (ownStatus !== null && !/^\d+$/.test(ownStatus)) {
    throw new Refusal(500, 'PGRST112', 'response.status guc must be a valid status code');
  }
  const own = ownHeaders === null ? [] : readHeaders(ownHeaders);
  const isReplaced = ([name]) => own.some(([other]) => other.toLowerCase() === name.toLowerCase());
  return { status: Number(ownStatus ?? status), headers: [...headers.filter((one) => !isReplaced(one)), ...own], body };
}

function readHeaders(text) {
  try {
    return JSON.parse(text).map((one) => {
      const [[name, value], ...more] = Object.entries(one);
      if (typeof value !== 'string' || more.length > 0) throw new Error('one name and a text each');
      return [name, value];
    });
  } catch {
    throw new Refusal(
      500,
      'PGRST111',
      'response.headers guc must be a JSON array composed of objects with a single key and a string value',
    );
  }
}
