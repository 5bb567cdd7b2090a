// What the tests of plugins share: a database with some of them on, and their functions for PostgREST.

import { configured, ORIGIN } from './http.mjs';
import { cleanup, server } from './lib.mjs';

/** A database with these plugins on, and a superuser's connection to it. */
export async function withPlugins(t, plugins, settings = {}) {
  const { database, client } = await configured(t, { plugins, base_url: ORIGIN, rate_limit: 'off', ...settings });
  await client.query('SELECT * FROM better_auth.migrate()');
  return { database, client: await database.connect() };
}

/**
 * The functions of enable_rpc(), as a role that has no other right calls them: `rpc(name, arguments, headers)` gives
 * what PostgREST would answer.
 */
export async function withRpc(t, database, client) {
  const role = await server.role(t, 'anon');
  await client.query('SELECT better_auth.enable_rpc($1, $2, $2)', ['public', role]);
  cleanup(t, () => client.query(`DROP OWNED BY ${role}`)); // the role is dropped before the database
  const connection = await database.connect({ user: role });
  return async function rpc(name, args = {}, headers = {}) {
    const names = Object.keys(args).map((key, index) => `${key} => $${index + 1}`);
    await connection.query('BEGIN');
    await connection.query(`SELECT set_config('request.headers', $1, true)`, [JSON.stringify({ host: new URL(ORIGIN).host, origin: ORIGIN, ...headers })]);
    const json = await connection.value(`SELECT public.${name}(${names.join(', ')})`, Object.values(args));
    const [status, set] = [await connection.value(`SELECT current_setting('response.status', true)`), await connection.value(`SELECT current_setting('response.headers', true)`)];
    await connection.query('COMMIT');
    const cookies = JSON.parse(set || '[]').flatMap((header) => header['Set-Cookie'] ?? header['set-cookie'] ?? []);
    return { status: Number(status || 200), json, cookie: cookies.map((one) => one.split(';')[0]).join('; ') };
  };
}
