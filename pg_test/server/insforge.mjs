// What the tests need of InsForge: its data API in front of PostgREST, both as stand-ins.

import { createServer } from 'node:http';
import jsonwebtoken from 'jsonwebtoken';
import { startStandIn } from '../postgrest/stand-in.mjs';
import { cleanup } from './lib.mjs';

export const ANON_KEY = 'anon_key';

/** PostgREST on `database` of `at`; `ask(method, path, {body, jwt, headers})` gives `{status, json}`. */
export async function postgrest(t, at, database, config) {
  const connection = { host: at.host, port: at.port, user: at.user, database: database.name };
  const standIn = await startStandIn({ connection, version: 12, ...config }); // what InsForge runs
  cleanup(t, () => standIn.stop());
  return async (method, path, { body, jwt, headers = {} } = {}) => {
    const sent = { ...headers, ...(jwt && { authorization: `Bearer ${jwt}` }), ...(body && { 'content-type': 'application/json' }) };
    const response = await fetch(standIn.url + path, { method, headers: sent, body: body && JSON.stringify(body) });
    const text = await response.text();
    return { status: response.status, json: text && JSON.parse(text) };
  };
}

/**
 * InsForge's API, by its URL: it verifies the token, and mints one of its own for PostgREST, with `sub`, `role` and
 * `email` alone.
 */
export async function insforgeApi(t, ask, { jwtSecret, anonRole = 'anon' }) {
  const claimsOf = (bearer) => (bearer === ANON_KEY ? { role: anonRole } : jsonwebtoken.verify(bearer ?? '', jwtSecret));
  const api = createServer(async (request, response) => {
    const { authorization, origin } = request.headers;
    response.setHeader('content-type', 'application/json');
    let claims;
    try {
      claims = claimsOf(authorization?.slice('Bearer '.length));
    } catch {
      return response.writeHead(401).end('{"message":"Invalid token"}');
    }
    const { sub, role, email } = claims;
    const jwt = jsonwebtoken.sign({ sub, role, email }, jwtSecret, { expiresIn: '5m' });
    const chunks = await request.toArray();
    const { status, json } = await ask(request.method, request.url.replace('/api/database', '').replace('/records', ''), {
      jwt,
      body: chunks.length > 0 ? JSON.parse(Buffer.concat(chunks)) : undefined,
      headers: { ...(origin && { origin }), 'x-forwarded-for': '203.0.113.9' },
    });
    response.writeHead(status).end(JSON.stringify(json || null));
  });
  await new Promise((resolve) => api.listen(0, '127.0.0.1', resolve));
  cleanup(t, () => new Promise((resolve) => { api.close(resolve); api.closeAllConnections(); }));
  return `http://127.0.0.1:${api.address().port}`;
}
