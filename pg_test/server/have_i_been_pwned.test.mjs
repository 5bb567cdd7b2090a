// The plugin have-i-been-pwned: what becomes of a request while somebody looks a password up, and where nobody does.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { begin, cookieOf, http, httpFetching, resume } from './http.mjs';
import { PASSWORD, freshEmail, refused, server, signIn, signUp } from './lib.mjs';
import { withPlugins, withRpc } from './plugins.mjs';

const COMPROMISED = { code: 'PASSWORD_COMPROMISED', message: 'The password you entered has been compromised. Please choose a different password.' };
const FAILED = { message: 'Failed to check password. Please try again later.' };
const digits = (password) => createHash('sha1').update(password).digest('hex').toUpperCase();
const seen = (...passwords) => ({ status: 200, body: passwords.map((one) => `${digits(one).slice(5)}:7`).join('\r\n') });
const body = (password, email = freshEmail()) => ({ email, name: 'Ada', password });
const count = (client, table) => client.value(`SELECT count(*)::int FROM better_auth."${table}"`);

test('five digits of the password’s hash leave the database, and nothing is written or hashed until the answer is there', async (t) => {
  const { client } = await withPlugins(t, 'have-i-been-pwned');
  const suspended = await begin(client, 'POST', '/sign-up/email', { body: body('correct horse') });
  assert.deepEqual(suspended.fetch, {
    method: 'GET',
    url: `https://api.pwnedpasswords.com/range/${digits('correct horse').slice(0, 5)}`,
    headers: { 'add-padding': 'true', 'user-agent': 'BetterAuth Password Checker' },
    body: null,
    timeout_ms: 10_000,
    max_bytes: 262_144,
  });
  assert.ok(!JSON.stringify(suspended).includes('correct horse'));
  assert.deepEqual([await count(client, 'user'), await count(client, 'account')], [0, 0]);
  const { status, json } = JSON.parse(JSON.stringify(await httpFetching(client, () => seen('another one'), 'POST', '/sign-up/email', { body: body('correct horse') })));
  assert.deepEqual([status, json.user.name, await count(client, 'user')], [200, 'Ada', 1]);
});

test('an answer of two thousand lines is read, a longer one than asked for isn’t', async (t) => {
  const { client } = await withPlugins(t, 'have-i-been-pwned');
  const line = (number) => `${String(number).padStart(35, '0')}:1`;
  const lines = (many) => ({ status: 200, body: [...Array.from({ length: many }, (_, number) => line(number)), `${digits('correct horse').slice(5)}:1`].join('\r\n') });
  const signUpWith = (answer) => httpFetching(client, () => answer, 'POST', '/sign-up/email', { body: body('correct horse') });
  const long = await signUpWith(lines(4_000));
  assert.deepEqual([long.status, long.json], [400, COMPROMISED]);
  const longer = await signUpWith(lines(8_000));
  assert.deepEqual([longer.status, longer.json], [500, FAILED]);
});

test('of two who sign up with one address at once one becomes a user, whoever’s answer is there first', async (t) => {
  const { database, client } = await withPlugins(t, 'have-i-been-pwned');
  const email = freshEmail();
  const connections = await database.connectMany(6);
  const suspended = await Promise.all(connections.map((one, index) => begin(one, 'POST', '/sign-up/email', { body: body(`password ${index}`, email) })));
  // One of them twice: it counts once.
  const answers = await Promise.allSettled([
    ...connections.map((one, index) => resume(one, suspended[index], seen('another one'))),
    resume(client, suspended[0], seen('another one')),
  ]);
  const statuses = answers.map(({ value, reason }) => String(value?.status ?? reason.code)).sort();
  assert.deepEqual(statuses, ['200', '22023', ...Array(5).fill('422')]);
  assert.deepEqual([await count(client, 'user'), await count(client, 'account'), await count(client, 'session')], [1, 1, 1]);
});

test('a code that resets a password is good once, however many looked their passwords up with it', async (t) => {
  const { database, client } = await withPlugins(t, 'have-i-been-pwned, email-otp', { have_i_been_pwned_paths: '/email-otp/reset-password' });
  const { user } = await signUp(client);
  await client.query('UPDATE better_auth."user" SET "emailVerified" = true');
  await http(client, 'POST', '/email-otp/request-password-reset', { body: { email: user.email } });
  const otp = await client.value('SELECT token FROM better_auth.mail_outbox');
  const connections = await database.connectMany(5);
  const ask = (one, index) => begin(one, 'POST', '/email-otp/reset-password', { body: { email: user.email, otp, password: `password ${index}` } });
  const suspended = await Promise.all(connections.map(ask));
  assert.ok(suspended.every((one) => one.fetch), JSON.stringify(suspended));
  const answers = await Promise.all(connections.map((one, index) => resume(one, suspended[index], seen('another one'))));
  const winners = answers.flatMap(({ status }, index) => (status === 200 ? [index] : []));
  assert.deepEqual([winners.length, answers.filter(({ status }) => status === 400).length], [1, 4]);
  await signIn(client, user.email, `password ${winners[0]}`);
});

test('where nobody fetches no password is chosen: by PostgREST, by SQL, by a layer that doesn’t offer it', async (t) => {
  const { database, client } = await withPlugins(t, 'have-i-been-pwned', { have_i_been_pwned_paths: '/sign-up/email,/change-password,/reset-password' });
  await client.query(`SET better_auth.have_i_been_pwned_enabled = 'off'`);
  const { token, user } = await signUp(client);
  const cookie = await cookieOf(client, token);
  await client.query('RESET better_auth.have_i_been_pwned_enabled');
  const layer = await http(client, 'POST', '/sign-up/email', { body: body('correct horse') });
  assert.deepEqual([layer.status, layer.json], [500, FAILED]);
  const changed = await http(client, 'POST', '/change-password', { cookie, body: { currentPassword: PASSWORD, newPassword: 'correct horse' } });
  assert.deepEqual([changed.status, changed.json], [500, FAILED]);
  const rpc = await withRpc(t, database, client);
  const { status, json } = await rpc('sign_up_email', body('correct horse'));
  assert.deepEqual([status, json], [500, FAILED]);
  await refused(client.call('sign_up_email', body('correct horse')), { code: '08000', message: FAILED.message });
  await refused(client.call('change_password', { session_token: token, current_password: PASSWORD, new_password: 'correct horse' }), { code: '08000' });
  await client.call('request_password_reset', { email: user.email });
  const reset = await client.value('SELECT token FROM better_auth.mail_outbox');
  await refused(client.call('reset_password', { token: reset, new_password: 'correct horse' }), { code: '08000' });
  assert.deepEqual([await count(client, 'user'), (await signIn(client, user.email)).user.id], [1, user.id]);
});

test('a role that may not go on is told as where nobody fetches', async (t) => {
  const { database, client } = await withPlugins(t, 'have-i-been-pwned');
  const role = await server.role(t, 'layer');
  await client.query(`GRANT USAGE ON SCHEMA better_auth TO ${role}; GRANT EXECUTE ON FUNCTION better_auth.handler TO ${role}`);
  t.after(() => client.query(`DROP OWNED BY ${role}`).catch(() => {}));
  const layer = await database.connect({ user: role });
  assert.equal((await begin(layer, 'POST', '/sign-up/email', { body: body('correct horse') })).status, 500);
  await client.query(`GRANT EXECUTE ON FUNCTION better_auth.resume TO ${role}`);
  const suspended = await begin(layer, 'POST', '/sign-up/email', { body: body('correct horse') });
  assert.equal((await resume(layer, suspended, seen('correct horse'))).status, 400);
  await client.query(`DROP OWNED BY ${role}`);
});
