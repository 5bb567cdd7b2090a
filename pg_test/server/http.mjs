// handler() as an HTTP client sees it.

import assert from 'node:assert/strict';
import { ident, server } from './lib.mjs';

export const ORIGIN = 'http://localhost:3000';

/** A database whose new connections have these settings, and a superuser's connection to it. */
export async function configured(t, settings = {}, at = server) {
  const { database, client } = await at.database(t);
  await configure(client, database, settings);
  return { database, client: await database.connect() };
}

/** Has new connections begin with these settings of better_auth. */
export async function configure(client, database, settings) {
  for (const [name, value] of Object.entries(settings)) {
    await client.query(`ALTER DATABASE ${ident(database.name)} SET better_auth.${name} = '${value}'`);
  }
}

/** Changes settings of better_auth in one connection. */
export async function set(client, settings) {
  for (const [name, value] of Object.entries(settings)) {
    await client.query('SELECT set_config($1, $2, false)', [`better_auth.${name}`, String(value)]);
  }
}

/** A request to one of Better Auth's routes; `{status, headers, cookies, text, json}`. */
export async function http(client, method, path, options) {
  return answer(await client.value('SELECT better_auth.handler($1)', [request(method, path, options)]));
}

/** The same as a layer does it that fetches: `outside` answers what is asked, `asked` is what that was. */
export async function httpFetching(client, outside, method, path, options) {
  const asked = [];
  let played = await begin(client, method, path, options);
  while (played.fetch) {
    asked.push(played.fetch);
    played = await resume(client, played, await outside(played.fetch));
  }
  return { ...answer(played), asked };
}

/** What handler() answers to a layer that fetches: a response, or `{fetch, resume}`. */
export const begin = (client, method, path, options) =>
  client.value('SELECT better_auth.handler($1)', [JSON.stringify({ ...JSON.parse(request(method, path, options)), fetch: true })]);
export const resume = (client, { resume: text }, response) => client.value('SELECT better_auth.resume($1, $2)', [text, response]);

/** The text of handler()'s argument. */
export function request(method, path, { body, cookie, headers = {}, address, base = '/api/auth' } = {}) {
  const sent = { origin: ORIGIN, ...headers };
  if (body !== undefined) {
    sent['content-type'] ??= 'application/json';
  }
  if (cookie) {
    sent.cookie = cookie;
  }
  if (address) {
    sent['x-forwarded-for'] = address;
  }
  return JSON.stringify({
    method,
    url: `${ORIGIN}${base}${path}`,
    headers: sent,
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** Reads what handler() answered. */
export function answer({ status, headers, body }) {
  assert.equal(typeof status, 'number');
  assert.equal(typeof body, 'string');
  const cookies = headers.filter(([name]) => name === 'set-cookie').map(([, value]) => value.split(';')[0]);
  const isJson = headers.some(([name, value]) => name === 'content-type' && value.startsWith('application/json'));
  return { status, headers: Object.fromEntries(headers), cookies, cookie: cookies.join('; '), text: body, json: isJson && body !== '' ? JSON.parse(body) : undefined };
}

/** The session cookie of a session that was opened in SQL; `base_url` has to be set. */
export async function cookieOf(client, token) {
  const [cookie] = await client.call('session_cookies', { session_token: token });
  return cookie.split(';')[0];
}

const TABLES = ['user', 'session', 'account', 'verification', 'mail_outbox'];

/** All rows but those that count requests. */
export const contents = (client) =>
  client.value(`SELECT jsonb_build_object(${TABLES.map((table) => `'${table}', (SELECT jsonb_agg(t ORDER BY id) FROM better_auth."${table}" t)`).join(', ')})`);

/** Asserts that `work` leaves every row as it was. */
export async function unchanged(client, work) {
  const before = await contents(client);
  const result = await work();
  assert.deepEqual(await contents(client), before);
  return result;
}
