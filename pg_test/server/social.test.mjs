// What is ours of sign-in with providers, beside Better Auth's routes: encrypted tokens under a rotated secret, profiles that
// a function of the DBA's reads, providers that are set up over and removed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLIENT, Provider } from '../interop/provider.mjs';
import { ORIGIN, answer, begin, configured, http, httpFetching, set } from './http.mjs';
import { directory, refused, writeForServer } from './lib.mjs';

/** Google and GitHub, and who answers for them; `signIn(id)` is a whole sign-in. */
async function withProviders(t, settings) {
  const { database, client } = await configured(t, { rate_limit: 'off', base_url: ORIGIN, ...settings });
  const provider = new Provider();
  const setUp = (id, options = {}) =>
    client.query('SELECT better_auth.set_oauth_provider($1, $2, $3, $4)', [id, CLIENT.id, CLIENT.secret, options]);
  await setUp('google');
  await setUp('github');
  const fetching = (...request) => httpFetching(client, (fetch) => provider.answer(fetch), ...request);
  const signIn = async (id) => {
    const begun = answer(await begin(client, 'POST', '/sign-in/social', { body: { provider: id, callbackURL: '/in', errorCallbackURL: '/oops' } }));
    const { pathname, search } = new URL((await provider.authorize(begun.json.url)).location);
    const ended = await fetching('GET', `${pathname.slice('/api/auth'.length)}${search}`, { cookie: begun.cookie });
    return { ...ended, location: ended.headers.location };
  };
  return { database, client, provider, setUp, fetching, signIn };
}
const account = async (client, id) => (await client.query('SELECT * FROM better_auth.account WHERE "providerId" = $1', [id])).rows[0];

test('tokens are encrypted, and stay readable when the secret is rotated', async (t) => {
  const { client, provider, signIn, fetching } = await withProviders(t, { encrypt_oauth_tokens: 'on' });
  const { cookie } = await signIn('google');
  const stored = await account(client, 'google');
  assert.match(stored.accessToken, /^[0-9a-f]+$/);
  assert.match(stored.refreshToken, /^[0-9a-f]+$/);
  const token = async () => (await fetching('POST', '/get-access-token', { cookie, body: { accountId: stored.id } })).json;
  assert.equal((await token()).accessToken, 'google-access-2');
  await client.query(`SELECT better_auth.rotate_secret('cookie', '1 hour')`);
  assert.equal((await token()).accessToken, 'google-access-2', 'while the old one is kept');
  assert.equal(await client.value('SELECT better_auth.reencrypt_secrets()'), '2');
  assert.equal(await client.value('SELECT better_auth.reencrypt_secrets()'), '0');
  const renewed = await account(client, 'google');
  assert.notEqual(renewed.accessToken, stored.accessToken);
  // A token that is about to end is renewed by the provider, and the new ones are encrypted too.
  await client.query(`UPDATE better_auth.account SET "accessTokenExpiresAt" = now() WHERE id = $1`, [stored.id]);
  const { accessToken } = await token();
  assert.equal(provider.asked.at(-1).form.grant_type, 'refresh_token');
  assert.notEqual(accessToken, 'google-access-2');
  assert.match((await account(client, 'google')).accessToken, /^[0-9a-f]+$/);
});

test('plain tokens are what they are, though they look like hexadecimal', async (t) => {
  const { client, provider, signIn, fetching } = await withProviders(t);
  provider.extra = { access_token: 'abcdef0123456789' };
  const { cookie } = await signIn('google');
  const { id } = await account(client, 'google');
  assert.equal(await client.value('SELECT better_auth.reencrypt_secrets()'), '0');
  const { json } = await fetching('POST', '/get-access-token', { cookie, body: { accountId: id } });
  assert.equal(json.accessToken, 'abcdef0123456789');
});

test('whatever a provider says of a token’s life, the row can be read and dumped', async (t) => {
  const { client, provider, signIn } = await withProviders(t);
  for (const expires_in of [-3e11, 3e11, -1e308, 1e308, '1e400', 'NaN', -1, 0.5]) {
    provider.extra = { expires_in };
    assert.equal((await signIn('google')).location, '/in', String(expires_in));
    const at = await client.value('SELECT "accessTokenExpiresAt"::text FROM better_auth.account');
    await client.query('SELECT $1::timestamptz', [at]); // as a restore reads it
  }
});

test('a function of the DBA’s reads profiles', async (t) => {
  const { client, signIn } = await withProviders(t);
  await client.query(`
    ALTER TABLE better_auth."user" ADD nickname text, ADD plan text DEFAULT 'free';
    CREATE FUNCTION public.user_of(argument jsonb) RETURNS jsonb LANGUAGE sql AS $$
      SELECT CASE argument ->> 'provider' WHEN 'github'
        THEN jsonb_build_object('nickname', argument #>> '{profile,login}', 'name', 'Of a function', 'plan', 'paid') END
    $$`);
  await set(client, { map_profile_to_user_function: 'public.user_of', user_additional_fields: 'nickname, plan:readonly' });
  assert.equal((await signIn('github')).location, '/in');
  const row = async () => (await client.query('SELECT name, nickname, plan FROM better_auth."user"')).rows;
  assert.deepEqual(await row(), [{ name: 'Of a function', nickname: (await row())[0].nickname, plan: 'free' }], 'what requests may not set, a profile may not either');
  assert.ok((await row())[0].nickname);
  assert.equal((await signIn('google')).location, '/in', 'NULL adds nothing');
  await client.query(`CREATE OR REPLACE FUNCTION public.user_of(argument jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'Not from there' USING ERRCODE = 'P0001'; END $$`);
  const refusedBy = await signIn('github');
  assert.deepEqual([refusedBy.status, refusedBy.json], [400, { message: 'Not from there' }]);
  await client.query(`CREATE OR REPLACE FUNCTION public.user_of(argument jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '[]'::jsonb $$`);
  assert.equal((await signIn('github')).status, 500);
});

test('providers are set up over, and removed; accounts stay', async (t) => {
  const { client, signIn, setUp } = await withProviders(t);
  assert.equal((await signIn('google')).location, '/in');
  await setUp('google', { disableSignUp: true });
  await client.query('DELETE FROM better_auth."user"');
  assert.equal((await signIn('google')).location, '/oops?error=signup_disabled');
  assert.equal(await client.value(`SELECT better_auth.delete_oauth_provider('google')`), true);
  assert.equal(await client.value(`SELECT better_auth.delete_oauth_provider('google')`), false);
  const gone = answer(await begin(client, 'POST', '/sign-in/social', { body: { provider: 'google' } }));
  assert.equal(gone.json.code, 'PROVIDER_NOT_FOUND');
  for (const [id, clientId] of [['', 'x'], ['a b', 'x'], ['credential', 'x'], ['x'.repeat(65), 'x'], ['google', '']]) {
    await refused(client.query('SELECT better_auth.set_oauth_provider($1, $2)', [id, clientId]), { code: '22023' });
  }
});

test('a client secret comes from a file, and others are not taken along by one that is missing', async (t) => {
  const { client, setUp, provider, signIn } = await withProviders(t);
  const file = `${directory(t)}/secret`;
  writeForServer(file, `${CLIENT.secret}\n`);
  await client.query('SELECT better_auth.set_oauth_provider($1, $2, NULL, $3)', ['google', CLIENT.id, { clientSecretFile: file }]);
  assert.equal((await signIn('google')).location, '/in');
  assert.equal(await client.value(`SELECT client_secret FROM better_auth.oauth_provider WHERE id = 'google'`), null);
  const missing = await refused(client.query('SELECT better_auth.set_oauth_provider($1, $2, NULL, $3)', ['google', CLIENT.id, { clientSecretFile: `${file}.gone` }]), { code: '55000' });
  assert.match(missing.message, /clientSecretFile of provider google/);
  await client.query(`UPDATE better_auth.oauth_provider SET options = jsonb_build_object('clientSecretFile', $1::text) WHERE id = 'google'`, [`${file}.gone`]);
  assert.equal((await signIn('github')).location, '/in');
  const gone = await http(client, 'POST', '/sign-in/social', { body: { provider: 'google' } });
  assert.equal(gone.json.code, 'PROVIDER_NOT_FOUND');
  assert.ok(provider.asked.length > 0);
  await setUp('google');
});
