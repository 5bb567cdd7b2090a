// The function that makes what get-session answers: through every door, as its owner, and where it is no good.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cookieOf, http, set } from './http.mjs';
import { refused, server, signUp } from './lib.mjs';
import { withPlugins, withRpc } from './plugins.mjs';

const MADE = { custom_session_function: 'public.custom' };
const define = (client, body, returns = 'jsonb') =>
  client.query(`CREATE OR REPLACE FUNCTION public.custom(session jsonb) RETURNS ${returns} LANGUAGE plpgsql AS $custom$ BEGIN ${body} END $custom$`);

/** A database with the plugin on, its function, and somebody who is signed in. */
async function withFunction(t, body, returns, settings = MADE) {
  const { database, client } = await withPlugins(t, 'custom-session', settings);
  await define(client, body, returns);
  const { token, user } = await signUp(client);
  return { database, client, token, user, cookie: await cookieOf(client, token) };
}

test('every door has what it makes', async (t) => {
  const { database, client, token, user, cookie } = await withFunction(t, `RETURN session || '{"roles": ["a"]}';`);
  const direct = await client.call('get_session', { session_token: token });
  assert.deepEqual([direct.roles, direct.user, direct.session.token], [['a'], user, token]);
  assert.deepEqual(await client.call('api', { endpoint: 'getSession', session_token: token }), direct);
  assert.deepEqual((await http(client, 'GET', '/get-session', { cookie })).json, direct);
  const rpc = await withRpc(t, database, client);
  assert.deepEqual((await rpc('get_session', { session_token: token })).json, direct);
  assert.deepEqual((await rpc('get_session', {}, { cookie })).json, direct);
});

test('without a session it isn’t asked', async (t) => {
  const { database, client } = await withFunction(t, `RAISE EXCEPTION 'asked';`);
  assert.equal(await client.call('get_session', { session_token: 'x' }), null);
  assert.equal((await http(client, 'GET', '/get-session')).text, 'null');
  assert.equal((await (await withRpc(t, database, client))('get_session')).json, null);
});

test('other doors have the session as it is', async (t) => {
  const { client, token, cookie, user } = await withFunction(t, `RETURN '{"nobody": true}';`);
  assert.deepEqual(await client.call('get_session', { session_token: token }), { nobody: true });
  assert.equal((await client.call('list_sessions', { session_token: token }))[0].token, token);
  assert.equal((await client.call('verify_jwt', { token: await client.call('bridge_token', { session_token: token }) })).sub, user.id);
  assert.equal((await http(client, 'POST', '/update-user', { cookie, body: { name: 'Augusta' } })).status, 200);
});

test('NULL is null', async (t) => {
  const { client, token, cookie } = await withFunction(t, 'RETURN NULL;');
  assert.equal(await client.call('get_session', { session_token: token }), null);
  assert.equal((await http(client, 'GET', '/get-session', { cookie })).text, 'null');
});

test('text has to be JSON, and anything else is the DBA’s fault', async (t) => {
  const { client, token, cookie } = await withFunction(t, `RETURN ' {"a" :\t1} ';`, 'text');
  assert.equal((await http(client, 'GET', '/get-session', { cookie })).text, '{"a":1}');
  for (const bad of [`RETURN '';`, `RETURN 'x';`, `RETURN '{} {}';`, `RETURN '{';`]) {
    await define(client, bad, 'text');
    const { status, text } = await http(client, 'GET', '/get-session', { cookie });
    assert.deepEqual([status, text], [500, ''], bad);
    await refused(client.call('get_session', { session_token: token }), { code: '55000', message: /custom_session_function has to answer with JSON/ });
  }
  await client.query('DROP FUNCTION public.custom');
  await refused(client.call('get_session', { session_token: token }), { code: '55000', message: /custom_session_function is "public.custom", which is not the name/ });
  await define(client, 'RETURN 1;', 'integer');
  await refused(client.call('get_session', { session_token: token }), { code: '55000', message: /has to answer with JSON/ });
});

test('it runs as its owner, with a pinned search_path, and what it raises is undone', async (t) => {
  const { client, token, cookie } = await withFunction(t, `
    INSERT INTO public.seen VALUES (current_user, current_setting('search_path'), session->'user'->>'email');
    IF session->'user'->>'name' = 'Refused' THEN RAISE EXCEPTION 'Not you' USING ERRCODE = 'PT403', DETAIL = 'NOT_YOU'; END IF;
    RETURN session;`);
  const owner = await server.role(t, 'owner');
  await client.query(`
    CREATE TABLE public.seen (who text, path text, email text);
    ALTER TABLE public.seen OWNER TO ${owner}; GRANT USAGE, CREATE ON SCHEMA public TO ${owner};
    ALTER FUNCTION public.custom OWNER TO ${owner}; REVOKE ALL ON FUNCTION public.custom FROM PUBLIC`);
  await http(client, 'GET', '/get-session', { cookie });
  const { rows } = await client.query('SELECT who, path FROM public.seen');
  assert.deepEqual(rows, [{ who: owner, path: 'pg_catalog, pg_temp' }]);
  await client.query(`UPDATE better_auth."user" SET name = 'Refused'; UPDATE better_auth.session SET "expiresAt" = now() + interval '5 days'`);
  const { status, json, cookies } = await http(client, 'GET', '/get-session', { cookie });
  assert.deepEqual([status, json, cookies], [403, { message: 'Not you', code: 'NOT_YOU' }, []]);
  await refused(client.call('get_session', { session_token: token }), { message: 'Not you' });
  assert.deepEqual(
    [await client.value('SELECT count(*)::int FROM public.seen'), await client.value(`SELECT "expiresAt" < now() + interval '6 days' FROM better_auth.session`)],
    [1, true],
  );
  await client.query(`DROP OWNED BY ${owner} CASCADE`);
});

test('off, or without a function, nothing changes', async (t) => {
  const { client, token } = await withFunction(t, `RETURN '{"made": true}';`);
  const made = () => client.call('get_session', { session_token: token }).then(({ made = false }) => made);
  assert.equal(await made(), true);
  await set(client, { custom_session_function: '' });
  assert.equal(await made(), false);
  await set(client, { ...MADE, plugins: '' });
  assert.equal(await made(), false);
});
