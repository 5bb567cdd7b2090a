// What the tests of the stand-in for PostgREST share: one for each version that it plays.

import { once } from 'node:events';
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { startStandIn } from '../postgrest/stand-in.mjs';
import { VERSIONS } from '../postgrest/versions.mjs';
import { cleanup, ident, server } from './lib.mjs';

/** A test in each version. `body(t, serving, version)`, where `serving(t, sql, config)` starts the stand-in. */
export function each(name, body) {
  for (const version of Object.keys(VERSIONS).map(Number)) {
    test(`${version}: ${name}`, (t) => body(t, (t, sql, config) => serving(t, sql, { version, ...config }), version));
  }
}

/** A schema `api` in a database of its own, filled by `sql(anon)`, and a stand-in in front of it. */
async function serving(t, sql, config) {
  const anon = await server.role(t, 'anon');
  const database = await server.emptyDatabase(t);
  const client = await database.connect();
  await client.query(`CREATE SCHEMA api; GRANT USAGE ON SCHEMA api TO ${ident(anon)}; SET search_path = api`);
  await client.query(sql(ident(anon)));
  const postgrest = await startStandIn({
    connection: { database: database.name },
    schemas: ['api'],
    anonRole: anon,
    ...config,
  });
  cleanup(t, () => postgrest.stop());
  /** One request with these headers, as pairs, and no others. */
  const send = async (method, path, headers = [], body = undefined) => {
    const length = body === undefined ? [] : ['Content-Length', Buffer.byteLength(body)];
    const sending = request(`${postgrest.url}${path}`, {
      method,
      headers: ['Host', 'stand-in', ...headers.flat(), ...length],
      setDefaultHeaders: false,
    });
    sending.end(body);
    const [response] = await once(sending, 'response');
    const bytes = await buffer(response);
    const json = () => JSON.parse(bytes.toString());
    return { status: response.statusCode, headers: response.headers, raw: response.rawHeaders, bytes, json };
  };
  return { client, anon, send };
}

export const type = (name) => ['Content-Type', name];
export const OCTETS = type('application/octet-stream');
export const JSON_TYPE = type('application/json');
