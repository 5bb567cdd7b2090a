// The anonymous plugin: what becomes of an anonymous user's rows, and races.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cookieOf, http } from './http.mjs';
import { freshEmail, PASSWORD, patiently, refused, signUp, untilBlocked } from './lib.mjs';
import { withPlugins, withRpc } from './plugins.mjs';

/** A database with the plugin, and a table of the application's whose rows anonymous users have too. */
async function withPlugin(t, settings) {
  const { database, client } = await withPlugins(t, 'anonymous', settings);
  await client.query(`
    CREATE TABLE public.note (user_id text REFERENCES better_auth."user" (id) ON DELETE CASCADE, body text);
    CREATE TABLE public.seen (what jsonb);
    CREATE FUNCTION public.move_notes(what jsonb) RETURNS void LANGUAGE sql AS $$
      INSERT INTO public.seen VALUES (what);
      UPDATE public.note SET user_id = what->'newUser'->'user'->>'id' WHERE user_id = what->'anonymousUser'->'user'->>'id'
    $$`);
  return { database, client };
}

const LINKING = { anonymous_link_account_function: 'public.move_notes' };
const start = (client) => http(client, 'POST', '/sign-in/anonymous', { body: {} });
const up = (client, cookie, email = freshEmail()) => http(client, 'POST', '/sign-up/email', { cookie, body: { name: 'Eve', email, password: PASSWORD } });
const signIn = (client, cookie, email) => http(client, 'POST', '/sign-in/email', { cookie, body: { email, password: PASSWORD } });
const count = (client, table) => client.value(`SELECT count(*)::int FROM ${table}`);

/** An anonymous user who has a note. */
async function withNote(client) {
  const { cookie, json } = await start(client);
  await client.query(`INSERT INTO public.note VALUES ($1, 'a note')`, [json.user.id]);
  return { cookie, ...json };
}

describe('an anonymous user’s rows', () => {
  test('go with it, unless the DBA’s function moves them', async (t) => {
    const { client } = await withPlugin(t);
    const { cookie } = await withNote(client);
    assert.equal((await up(client, cookie)).status, 200);
    assert.deepEqual([await count(client, 'better_auth."user"'), await count(client, 'public.note')], [1, 0]);
  });

  test('are moved by the DBA’s function, which sees no token', async (t) => {
    const { client } = await withPlugin(t, LINKING);
    const { cookie, user, token } = await withNote(client);
    const { json } = await up(client, cookie);
    assert.equal(await client.value('SELECT user_id FROM public.note'), json.user.id);
    assert.equal(await count(client, 'better_auth."user"'), 1);
    const { anonymousUser, newUser } = await client.value('SELECT what FROM public.seen');
    assert.deepEqual(anonymousUser.user, user);
    assert.deepEqual(newUser.user, json.user);
    assert.deepEqual([anonymousUser.session.userId, newUser.session.userId], [user.id, json.user.id]);
    assert.ok(!JSON.stringify({ anonymousUser, newUser }).includes(token) && !JSON.stringify(newUser).includes(json.token));
  });

  test('stay, and with them the sign-in undone, where that function refuses', async (t) => {
    const { client } = await withPlugin(t, LINKING);
    await client.query(`CREATE OR REPLACE FUNCTION public.move_notes(what jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$`);
    const { cookie, user } = await withNote(client);
    const answer = await up(client, cookie);
    assert.deepEqual([answer.status, answer.json.message, answer.cookie], [400, 'not now', '']);
    assert.deepEqual(await client.column('SELECT id FROM better_auth."user"'), [user.id]);
    assert.deepEqual([await count(client, 'better_auth.session'), await count(client, 'public.note')], [1, 1]);
  });

  test('that are made while it becomes another user are refused, not lost', async (t) => {
    const { database, client } = await withPlugin(t, LINKING);
    await client.query(`CREATE OR REPLACE FUNCTION public.move_notes(what jsonb) RETURNS void LANGUAGE sql AS $$ SELECT pg_advisory_xact_lock(7) $$`);
    const { cookie, user } = await start(client).then(({ cookie: own, json }) => ({ cookie: own, ...json }));
    const [linking, writing] = await database.connectMany(2);
    await client.query('SELECT pg_advisory_lock(7)');
    const linked = up(linking, cookie);
    await untilBlocked(client, linking);
    const written = writing.query(`INSERT INTO public.note VALUES ($1, 'late')`, [user.id]);
    written.catch(() => {});
    await untilBlocked(client, writing);
    await client.query('SELECT pg_advisory_unlock(7)');
    assert.equal((await linked).status, 200);
    await refused(written, { code: '23503' });
  });

  test('stay where anonymous users are kept', async (t) => {
    const { client } = await withPlugin(t, { ...LINKING, anonymous_disable_delete_anonymous_user: 'on' });
    const { cookie } = await withNote(client);
    const { json } = await up(client, cookie);
    assert.equal(await client.value('SELECT user_id FROM public.note'), json.user.id);
    assert.equal(await count(client, 'better_auth."user"'), 2);
  });

  test('stay after a wrong password, and without the cookie', async (t) => {
    const { client } = await withPlugin(t, LINKING);
    const { user } = await signUp(client);
    const { cookie } = await withNote(client);
    assert.equal((await http(client, 'POST', '/sign-in/email', { cookie, body: { email: user.email, password: 'wrong password' } })).status, 401);
    assert.equal((await signIn(client, undefined, user.email)).status, 200);
    assert.deepEqual([await count(client, 'public.seen'), await count(client, 'public.note')], [0, 1]);
    assert.equal((await signIn(client, cookie, user.email)).status, 200);
    assert.equal(await client.value('SELECT user_id FROM public.note'), user.id);
  });
});

test('of an anonymous user’s sign-ins at once one has its rows', async (t) => {
  const { database, client } = await withPlugin(t, LINKING);
  const users = [await signUp(client), await signUp(client), await signUp(client)].map(({ user }) => user);
  const { cookie } = await withNote(client);
  const connections = await database.connectMany(3);
  const answers = await Promise.all(connections.map((one, index) => patiently(() => signIn(one, cookie, users[index].email))));
  assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200]);
  assert.deepEqual([await count(client, 'public.seen'), await count(client, 'public.note'), await count(client, 'better_auth."user"')], [1, 1, 3]);
});

test('an anonymous user who is deleted while it signs up', async (t) => {
  const { database, client } = await withPlugin(t, LINKING);
  const { cookie } = await withNote(client);
  const pair = await database.connectMany(2);
  await pair[0].query('BEGIN');
  assert.equal((await http(pair[0], 'POST', '/delete-anonymous-user', { cookie, body: {} })).status, 200);
  const second = up(pair[1], cookie);
  await Promise.race([second, untilBlocked(client, pair[1])]);
  await pair[0].query('COMMIT');
  assert.equal((await second).status, 200);
  assert.deepEqual([await count(client, 'public.seen'), await count(client, 'better_auth."user"')], [0, 1]);
});

test('a user can’t be made anonymous from outside, nor deleted as one', async (t) => {
  const { client } = await withPlugin(t, { user_additional_fields: 'isAnonymous' });
  const { token, user } = await signUp(client, { additional_fields: { isAnonymous: true } });
  assert.equal(user.isAnonymous, false);
  await refused(client.call('update_user', { session_token: token, additional_fields: { isAnonymous: true } }), { detail: 'FIELD_NOT_ALLOWED' });
  const cookie = await cookieOf(client, token);
  assert.equal((await http(client, 'POST', '/delete-anonymous-user', { cookie, body: {} })).json.code, 'USER_IS_NOT_ANONYMOUS');
  await refused(client.value(`SELECT better_auth.api('deleteAnonymousUser', '{}', $1)`, [token]), { code: '42501', detail: 'USER_IS_NOT_ANONYMOUS' });
  assert.equal(await count(client, 'better_auth."user"'), 1);
});

test('signing in with a dead session of an anonymous user keeps the new one’s cookie', async (t) => {
  const { client } = await withPlugin(t);
  const { user } = await signUp(client);
  const { cookie } = await start(client);
  await client.query('DELETE FROM better_auth.session WHERE "userId" <> $1', [user.id]);
  const answer = await signIn(client, cookie, user.email);
  assert.equal((await http(client, 'GET', '/get-session', { cookie: answer.cookie })).json.user.id, user.id);
});

test('api() signs in anonymously, and links by the session that it is given', async (t) => {
  const { client } = await withPlugin(t, LINKING);
  const { token, user } = await client.value(`SELECT better_auth.api('signInAnonymous')`);
  assert.equal(user.isAnonymous, true);
  await refused(client.value(`SELECT better_auth.api('signInAnonymous', '{}', $1)`, [token]), { detail: 'ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY' });
  const input = { body: { name: 'Eve', email: freshEmail(), password: PASSWORD } };
  await client.value(`SELECT better_auth.api('signUpEmail', $1, $2)`, [input, token]);
  assert.deepEqual([await count(client, 'public.seen'), await count(client, 'better_auth."user"')], [1, 1]);
});

test('the domain of the emails has to be one', async (t) => {
  const { client } = await withPlugin(t, { anonymous_email_domain_name: 'not a domain' });
  assert.equal((await start(client)).json.code, 'INVALID_EMAIL_FORMAT');
});

test('PostgREST’s functions do what the routes do', async (t) => {
  const { database, client } = await withPlugin(t, LINKING);
  const rpc = await withRpc(t, database, client);
  const { json, cookie } = await rpc('sign_in_anonymous');
  assert.equal(json.user.isAnonymous, true);
  assert.equal((await rpc('sign_in_anonymous', {}, { cookie })).json.code, 'ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY');
  const eve = await rpc('sign_up_email', { email: freshEmail(), password: PASSWORD, name: 'Eve' }, { cookie });
  assert.deepEqual([eve.status, await count(client, 'public.seen'), await count(client, 'better_auth."user"')], [200, 1, 1]);
  const other = await rpc('sign_in_anonymous');
  assert.deepEqual((await rpc('delete_anonymous_user', { session_token: other.json.token })).json, { success: true });
  assert.equal(await count(client, 'better_auth."user"'), 1);
});
