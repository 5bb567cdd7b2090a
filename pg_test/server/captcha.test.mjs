// The plugin captcha: its key, what becomes of a request while a service is asked, and where nobody asks.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { begin, http, httpFetching, resume, set } from './http.mjs';
import { PASSWORD, freshEmail, ownServer, refused, signUp, until, writeForServer } from './lib.mjs';
import { withPlugins, withRpc } from './plugins.mjs';

const KEY = 'a secret key of the service';
const MISSING = { code: 'MISSING_RESPONSE', message: 'Missing CAPTCHA response' };
const UNKNOWN = { code: 'UNKNOWN_ERROR', message: 'Something went wrong' };
const FAILED = { code: 'VERIFICATION_FAILED', message: 'Captcha verification failed' };
const right = { status: 200, body: '{"success":true}' };
const solved = { 'x-captcha-response': 'solved' };
const count = (client, table) => client.value(`SELECT count(*)::int FROM better_auth."${table}"`);
const signUpBody = () => ({ email: freshEmail(), name: 'Ada', password: PASSWORD });

async function world(t, settings = {}, plugins = 'captcha') {
  const both = await withPlugins(t, plugins, { captcha_provider: 'hcaptcha', ...settings });
  await both.client.call('set_secret', { name: 'captcha', value: KEY });
  return both;
}

test('the key is asked with and told nobody else', async (t) => {
  const { client } = await world(t);
  const suspended = await begin(client, 'POST', '/sign-up/email', { body: signUpBody(), headers: solved });
  assert.deepEqual([suspended.fetch.url, suspended.fetch.body], ['https://api.hcaptcha.com/siteverify', `secret=${KEY.replaceAll(' ', '+')}&response=solved`]);
  assert.ok(!suspended.resume.includes(KEY));
  const kept = await client.value(`SELECT jsonb_agg(v) FROM better_auth.verification v`);
  assert.ok(!JSON.stringify(kept).includes(KEY));
  const { status } = await resume(client, suspended, right);
  assert.deepEqual([status, await count(client, 'user')], [200, 1]);
});

test('a key that was set over is no longer asked with, and one of a file comes first', async (t) => {
  const { client } = await world(t);
  const asked = async () => (await begin(client, 'POST', '/sign-in/email', { body: {}, headers: solved })).fetch?.body;
  await client.call('set_secret', { name: 'captcha', value: 'another' });
  assert.equal(await asked(), 'secret=another&response=solved');
  assert.equal(await client.value(`SELECT count(*)::int FROM better_auth.signing_secret WHERE name = 'captcha'`), 1);
  await refused(client.call('set_secret', { name: 'captcha', value: '' }), { code: '22023' });
  await refused(client.call('set_secret', { name: 'captcha', value: 'x'.repeat(5_000) }), { code: '22023' });
  await refused(client.call('rotate_secret', { name: 'captcha' }), { code: '22023', message: /is somebody else.s too/ });
  await refused(client.query(`SET better_auth.captcha_secret_key_file = '/etc/passwd'`), { code: '55P02' });
  await client.query(`DELETE FROM better_auth.signing_secret WHERE name = 'captcha'`);
  const { status, json } = await http(client, 'POST', '/sign-in/email', { body: {}, headers: solved });
  assert.deepEqual([status, json], [500, UNKNOWN]);
});

test('a key in a file', async (t) => {
  const own = await ownServer(t);
  const path = join(own.home, 'captcha');
  writeForServer(path, 'key of a file\n');
  const { client, database } = await own.database(t);
  await client.query(`LOAD 'better_auth'`);
  await client.query(`ALTER SYSTEM SET better_auth.captcha_secret_key_file = '${path}'`);
  await client.query('SELECT pg_reload_conf()');
  await client.call('set_secret', { name: 'captcha', value: KEY });
  const fresh = await database.connect({ set: { 'better_auth.plugins': 'captcha', 'better_auth.captcha_provider': 'hcaptcha' } });
  const asked = async () => (await begin(fresh, 'POST', '/sign-in/email', { body: {}, headers: solved })).fetch?.body;
  await until(async () => (await asked()) === 'secret=key+of+a+file&response=solved', 'the key of the file');
});

test('a password is looked up after the captcha, in one request that is counted once', async (t) => {
  const { client } = await world(t, { rate_limit: 'on', rate_limit_storage: 'database' }, 'have-i-been-pwned, captcha');
  const outside = ({ url }) => (url.includes('hcaptcha') ? right : { status: 200, body: '' });
  const options = { body: signUpBody(), headers: solved, address: '203.0.113.7' };
  const { status, asked } = await httpFetching(client, outside, 'POST', '/sign-up/email', options);
  assert.deepEqual([status, asked.map(({ url }) => new URL(url).hostname)], [200, ['api.hcaptcha.com', 'api.pwnedpasswords.com']]);
  assert.deepEqual(await client.column('SELECT count FROM better_auth."rateLimit"'), [1]);
  assert.deepEqual([await count(client, 'user'), await count(client, 'session'), await count(client, 'verification')], [1, 1, 0]);
});

test('who is one too many gets no service asked, nor whose path is switched off', async (t) => {
  const { client } = await world(t, { rate_limit: 'on', rate_limit_rules: '/sign-in/email=60/2', disabled_paths: '/sign-up/email' });
  const ask = (path) => begin(client, 'POST', path, { body: {}, headers: solved, address: '203.0.113.9' });
  const played = [await ask('/sign-in/email'), await ask('/sign-in/email'), await ask('/sign-in/email'), await ask('/sign-up/email')];
  assert.deepEqual(played.map(({ status, fetch }) => status ?? new URL(fetch.url).hostname), ['api.hcaptcha.com', 'api.hcaptcha.com', 429, 404]);
});

test('one solved captcha lets one request on, whatever is played twice', async (t) => {
  const { database, client } = await world(t);
  const suspended = await begin(client, 'POST', '/sign-up/email', { body: signUpBody(), headers: solved });
  const connections = await database.connectMany(5);
  const answers = await Promise.allSettled(connections.map((one) => resume(one, suspended, right)));
  assert.deepEqual(answers.map(({ value, reason }) => String(value?.status ?? reason.code)).sort(), ['200', ...Array(4).fill('22023')]);
  assert.equal(await count(client, 'user'), 1);
});

test('where nobody asks the service nobody gets past it from outside: neither by PostgREST nor by a layer without fetches', async (t) => {
  const { database, client } = await world(t);
  await set(client, { plugins: '' });
  const { user } = await signUp(client);
  await set(client, { plugins: 'captcha' });
  const body = { email: user.email, password: PASSWORD };
  assert.deepEqual((await http(client, 'POST', '/sign-in/email', { body })).json, MISSING);
  assert.deepEqual((await http(client, 'POST', '/sign-in/email', { body, headers: solved })).json, UNKNOWN);
  const rpc = await withRpc(t, database, client);
  assert.deepEqual(await rpc('sign_in_email', body), { status: 400, json: MISSING, cookie: '' });
  assert.deepEqual(await rpc('sign_in_email', body, solved), { status: 500, json: UNKNOWN, cookie: '' });
  assert.deepEqual((await rpc('request_password_reset', { email: user.email })).json, MISSING);
  // As auth.api has it: who calls in SQL is no browser.
  assert.equal((await client.call('sign_in_email', body)).user.id, user.id);
  const [signedIn] = await client.column(`SELECT better_auth.api('signInEmail', jsonb_build_object('body', $1::jsonb))`, [body]);
  assert.equal(signedIn.user.id, user.id);
});

test('without a service, or with a wrong one, nobody gets past it', async (t) => {
  const { client } = await world(t, { captcha_provider: 'none' });
  assert.deepEqual((await http(client, 'POST', '/sign-in/email', { body: {}, headers: solved })).json, UNKNOWN);
  await refused(set(client, { captcha_provider: 'nonsense' }), { code: '22023' });
  await refused(set(client, { captcha_site_verify_url_override: 'http://verify.example' }), { code: '22023' });
  await refused(set(client, { captcha_min_score: '1.1' }), { code: '22023' });
  await set(client, { captcha_site_verify_url_override: 'https://verify.example/x', captcha_provider: 'cloudflare-turnstile' });
  const { fetch } = await begin(client, 'POST', '/sign-in/email', { body: {}, headers: solved });
  assert.deepEqual([fetch.url, fetch.body], ['https://verify.example/x', JSON.stringify({ secret: KEY, response: 'solved' })]);
});

test('vercel-botid: a function of the DBA’s says who is a person, and sees the request', async (t) => {
  const { client } = await world(t, { captcha_provider: 'vercel-botid', captcha_validate_request_function: 'public.is_person' });
  const ask = async (headers, address) => (await http(client, 'POST', '/sign-in/email', { body: {}, headers, address })).json;
  assert.deepEqual(await ask(), UNKNOWN);
  await client.query(`CREATE TABLE public.asked (request jsonb);
    CREATE FUNCTION public.is_person(request jsonb) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO public.asked VALUES (request);
      RETURN (request #>> '{headers,x-is-bot}')::boolean IS FALSE;
    END $$`);
  const passed = await ask({ 'x-is-bot': 'false' }, '203.0.113.7');
  assert.equal(passed.code, 'VALIDATION_ERROR');
  assert.deepEqual(await ask({ 'x-is-bot': 'true' }), FAILED);
  assert.deepEqual(await ask(), FAILED);
  assert.deepEqual(await ask({ 'x-is-bot': 'nonsense' }), UNKNOWN);
  const asked = await client.column('SELECT request FROM public.asked');
  assert.equal(asked.length, 3); // the last one was undone
  const { headers, ...rest } = asked[0];
  assert.deepEqual([rest, headers['x-is-bot']], [{ method: 'POST', path: '/sign-in/email', ipAddress: '203.0.113.7' }, 'false']);
  await client.query('CREATE OR REPLACE FUNCTION public.is_person(request jsonb) RETURNS boolean LANGUAGE sql AS $$ SELECT NULL::boolean $$');
  assert.deepEqual(await ask({ 'x-is-bot': 'false' }), FAILED);
  await client.query('DROP FUNCTION public.is_person(jsonb); CREATE FUNCTION public.is_person(request jsonb) RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$');
  assert.deepEqual(await ask({ 'x-is-bot': 'false' }), UNKNOWN);
});
