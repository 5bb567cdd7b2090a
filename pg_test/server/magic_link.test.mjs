// The plugin magic-link under attack: links that are raced for, opened by scanners, and of accounts that somebody
// else signed up with.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ORIGIN, configured, cookieOf, http, set } from './http.mjs';
import { freshEmail, PASSWORD, patiently, refused, server, signIn, signUp, untilBlocked } from './lib.mjs';

const SETTINGS = { base_url: ORIGIN, rate_limit: 'off', plugins: 'magic-link' };

const ask = (client, email, fields) => http(client, 'POST', '/sign-in/magic-link', { body: { email, ...fields } });
const mail = async (client) => (await client.query('SELECT * FROM better_auth.mail_outbox ORDER BY created_at DESC, id LIMIT 1')).rows[0];
const open = (client, url, options) => http(client, 'GET', url.slice(`${ORIGIN}/api/auth`.length), options);
const count = (client, table) => client.value(`SELECT count(*)::int FROM better_auth."${table}"`);

/** Asks for a link, and gives the one of the mail. */
async function linkFor(client, email, fields) {
  const asked = await ask(client, email, fields);
  assert.deepEqual([asked.status, asked.text], [200, '{"status":true}']);
  const { url, token } = await mail(client);
  assert.ok(!asked.text.includes(token));
  return url;
}

test('of ten who open a link at once one gets in', async (t) => {
  const { database, client } = await configured(t, SETTINGS);
  const url = await linkFor(client, freshEmail(), { callbackURL: '/home' });
  const connections = await database.connectMany(10);
  const answers = await Promise.all(connections.map((one) => patiently(() => open(one, url))));
  const places = answers.map(({ headers }) => headers.location).sort();
  assert.deepEqual(places, [`${ORIGIN}/home`, ...Array(9).fill(`${ORIGIN}/home?error=INVALID_TOKEN`)]);
  assert.equal(answers.filter(({ cookies }) => cookies.length > 0).length, 1);
  assert.deepEqual([await count(client, 'user'), await count(client, 'session'), await count(client, 'verification')], [1, 1, 0]);
});

test('a scanner’s HEAD uses nothing up, its GET does, and the next link works', async (t) => {
  const { client } = await configured(t, SETTINGS);
  const email = freshEmail();
  const url = await linkFor(client, email);
  assert.equal((await http(client, 'HEAD', url.slice(`${ORIGIN}/api/auth`.length))).status, 404);
  assert.equal((await open(client, url)).headers.location, `${ORIGIN}/`);
  const late = await open(client, url);
  assert.deepEqual([late.headers.location, late.cookies], [`${ORIGIN}/?error=INVALID_TOKEN`, []]);
  assert.equal((await open(client, await linkFor(client, email))).headers.location, `${ORIGIN}/`);
});

test('an account that somebody else signed up with the address loses password and sessions, one that is being opened too', async (t) => {
  const { database, client } = await configured(t, SETTINGS);
  const { token, user } = await signUp(client);
  const url = await linkFor(client, user.email);
  const [theirs, mine] = await database.connectMany(2);
  await theirs.query('BEGIN');
  const underWay = await signIn(theirs, user.email);
  const opening = open(mine, url.replace('callbackURL', 'other'));
  await untilBlocked(client, mine);
  await theirs.query('COMMIT');
  const { json } = await opening;
  assert.deepEqual([json.user.id, json.user.emailVerified], [user.id, true]);
  for (const session_token of [token, underWay.token]) assert.equal(await client.call('get_session', { session_token }), null);
  await refused(signIn(client, user.email), { detail: 'INVALID_EMAIL_OR_PASSWORD' });
  assert.deepEqual(await client.column('SELECT token FROM better_auth.session'), [json.token]);
});

test('nor does a link lead to an account whose email is changed just then, or a mailed reset back into one', async (t) => {
  const { database, client } = await configured(t, SETTINGS);
  const { user } = await signUp(client);
  await client.call('request_password_reset', { email: user.email });
  const { token } = await mail(client);
  const url = (await linkFor(client, user.email)).replace('callbackURL', 'other');
  const [theirs, mine] = await database.connectMany(2);
  await theirs.query('BEGIN');
  await theirs.query('UPDATE better_auth."user" SET email = $1, "emailVerified" = true', [freshEmail()]);
  const opening = open(mine, url);
  await untilBlocked(client, mine);
  await theirs.query('COMMIT');
  const answer = await opening;
  assert.ok(answer.cookies.length === 0 && !answer.json?.user, answer.text);
  assert.equal(await count(client, 'account'), 1);
  await client.query('UPDATE better_auth."user" SET email = $1, "emailVerified" = false', [user.email]);
  assert.equal((await open(client, await linkFor(client, user.email))).status, 302);
  await refused(client.call('reset_password', { token, new_password: 'a new password' }), { detail: 'INVALID_TOKEN' });
});

test('who signed up with the address gets no other way in while its owner proves it', async (t) => {
  const { database, client } = await configured(t, {
    ...SETTINGS,
    plugins: 'magic-link, email-otp',
    change_email_enabled: 'on',
    update_email_without_verification: 'on',
    email_otp_change_email_enabled: 'on',
  });
  const { token: session_token, user } = await signUp(client);
  // As who has signed up with a provider.
  await client.query('DELETE FROM better_auth.account');
  const cookie = await cookieOf(client, session_token);
  await set(client, { update_email_without_verification: 'off' });
  await client.call('change_email', { session_token, new_email: 'link@example.com' });
  const { token: change } = await mail(client);
  await http(client, 'POST', '/email-otp/request-email-change', { body: { newEmail: 'otp@example.com' }, cookie });
  const { token: otp } = await mail(client);
  const url = (await linkFor(client, user.email)).replace('callbackURL', 'other');
  const ways = [
    (one) => one.call('set_password', { session_token, new_password: PASSWORD }),
    (one) => one.call('link_account', { provider_id: 'github', account_id: '1', email: user.email, name: 'M', email_verified: true, session_token }),
    (one) => one.call('change_email', { session_token, new_email: 'mallory@example.com' }),
    (one) => one.call('verify_email', { token: change }),
    (one) => http(one, 'POST', '/email-otp/change-email', { body: { newEmail: 'otp@example.com', otp }, cookie }),
  ];
  const [mine, ...theirs] = await database.connectMany(1 + ways.length);
  await mine.query('BEGIN');
  const { json } = await open(mine, url);
  const trying = ways.map((way, index) => way(theirs[index]).then((answer) => JSON.stringify(answer.json ?? answer), ({ detail, message }) => detail || message));
  await Promise.all(theirs.map((one) => untilBlocked(client, one)));
  await mine.query('COMMIT');
  const ends = await Promise.all(trying);
  assert.deepEqual(ends.slice(0, 4), ['UNAUTHORIZED', 'UNAUTHORIZED', '{"status":true}', 'INVALID_TOKEN']);
  assert.match(ends[4], /USER_NOT_FOUND/);
  assert.deepEqual([await client.value('SELECT email FROM better_auth."user"'), await count(client, 'account')], [user.email, 0]);
  assert.deepEqual(await client.column('SELECT token FROM better_auth.session'), [json.token]);
});

test('a link that is rolled back is good once more, and no more', async (t) => {
  const { client } = await configured(t, SETTINGS);
  const url = await linkFor(client, freshEmail());
  await client.query('BEGIN');
  assert.equal((await open(client, url)).headers.location, `${ORIGIN}/`);
  await client.query('ROLLBACK');
  assert.equal((await open(client, url)).headers.location, `${ORIGIN}/`);
  assert.equal((await open(client, url)).headers.location, `${ORIGIN}/?error=INVALID_TOKEN`);
});

test('a banned user is refused, and the link is used up', async (t) => {
  const { client } = await configured(t, SETTINGS);
  await client.query('ALTER TABLE better_auth."user" ADD banned boolean, ADD "banExpires" timestamptz');
  const { user } = await signUp(client);
  await client.query('UPDATE better_auth."user" SET banned = true, "emailVerified" = true');
  const url = await linkFor(client, user.email);
  const answer = await open(client, url);
  assert.deepEqual([answer.status, answer.json.code, answer.cookies], [403, 'BANNED_USER', []]);
});

test('links begin with base_url, not with the host of a request', async (t) => {
  const { client } = await configured(t, { ...SETTINGS, base_url: 'https://app.example' });
  const headers = { origin: 'https://app.example', host: 'evil.example', 'x-forwarded-host': 'evil.example' };
  const asked = await http(client, 'POST', '/sign-in/magic-link', { body: { email: freshEmail() }, headers });
  assert.equal(asked.status, 200);
  assert.match((await mail(client)).url, /^https:\/\/app\.example\/api\/auth\/magic-link\/verify\?token=/);
});

test('nobody is led elsewhere', async (t) => {
  const { client } = await configured(t, SETTINGS);
  for (const elsewhere of ['https://evil.example', '//evil.example', '/\\evil.example', '/..//evil.example', 'javascript:alert(1)']) {
    for (const field of ['callbackURL', 'newUserCallbackURL', 'errorCallbackURL']) {
      assert.equal((await ask(client, freshEmail(), { [field]: elsewhere })).status, 403, `${field} ${elsewhere}`);
      const url = await linkFor(client, freshEmail());
      for (const one of [url, `${ORIGIN}/api/auth/magic-link/verify?token=x`]) {
        const target = `${one.replace(/&callbackURL=[^&]*/, '')}&${field}=${encodeURIComponent(elsewhere)}`;
        const answer = await open(client, target);
        assert.deepEqual([answer.status, answer.json?.code, answer.cookies], [403, 'INVALID_CALLBACK_URL', []], target);
      }
      assert.equal((await open(client, url)).status, 302, 'it was not used up');
    }
  }
});

test('a hashed token is in no row', async (t) => {
  const { client } = await configured(t, { ...SETTINGS, magic_link_store_token: 'hashed' });
  const url = await linkFor(client, freshEmail());
  const { token } = await mail(client);
  assert.ok(!(await client.value('SELECT identifier FROM better_auth.verification')).includes(token));
  assert.equal((await open(client, url)).status, 302);
});

test('its functions for PostgREST', async (t) => {
  const roles = [await server.role(t, 'anon'), await server.role(t, 'user')];
  const { client } = await configured(t, SETTINGS);
  await client.query('SELECT better_auth.enable_rpc($1, $2, $3)', ['public', ...roles]);
  const email = freshEmail();
  assert.deepEqual(await client.value(`SELECT public.sign_in_magic_link($1, name => 'Ada', metadata => '{"a": 1}')`, [email]), { status: true });
  const { token, data } = await mail(client);
  assert.deepEqual(data, { metadata: { a: 1 } });
  const { user } = await client.value('SELECT public.verify_magic_link($1)', [token]);
  assert.deepEqual([user.email, user.name], [email, 'Ada']);
});
