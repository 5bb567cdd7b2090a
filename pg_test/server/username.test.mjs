// The username plugin: names that look alike, races, and what the time of an answer tells.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { http } from './http.mjs';
import { freshEmail, PASSWORD, patiently, refused, untilBlocked } from './lib.mjs';
import { withPlugins, withRpc } from './plugins.mjs';

const withPlugin = (t, settings) => withPlugins(t, 'username', settings);

const up = (client, fields) =>
  http(client, 'POST', '/sign-up/email', { body: { name: 'Eve', email: freshEmail(), password: PASSWORD, ...fields } });
const signIn = (client, username, password = PASSWORD) => http(client, 'POST', '/sign-in/username', { body: { username, password } });
const isFree = async (client, username) => (await http(client, 'POST', '/is-username-available', { body: { username } })).json;
const update = (client, cookie, fields) => http(client, 'POST', '/update-user', { cookie, body: fields });
const names = (client) => client.column('SELECT username FROM better_auth."user" ORDER BY username');

describe('of those who want one name at once', () => {
  test('one signs up with it', async (t) => {
    const { database, client } = await withPlugin(t);
    const spellings = ['eve_x', 'EVE_X', 'Eve_x', 'eVe_X', 'eve_X', 'EVE_x'];
    const connections = await database.connectMany(spellings.length);
    const answers = await Promise.all(connections.map((one, index) => patiently(() => up(one, { username: spellings[index] }))));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400, 400, 400, 400, 400]);
    for (const { status, json } of answers) if (status !== 200) assert.equal(json.code, 'USERNAME_IS_ALREADY_TAKEN');
    assert.deepEqual(await names(client), ['eve_x']);
    assert.equal(await client.value('SELECT count(*)::int FROM better_auth.account'), 1);
  });

  test('one changes to it, and the other is told', async (t) => {
    const { database, client } = await withPlugin(t);
    const users = [await up(client, { username: 'first' }), await up(client, { username: 'second' })];
    const pair = await database.connectMany(2);
    await pair[0].query('BEGIN');
    const first = await update(pair[0], users[0].cookie, { username: 'wanted' });
    const second = update(pair[1], users[1].cookie, { username: 'WANTED' });
    await Promise.race([second, untilBlocked(client, pair[1])]);
    await pair[0].query('COMMIT');
    assert.equal(first.status, 200);
    const { status, json } = await second;
    assert.deepEqual([status, json?.code], [400, 'USERNAME_IS_ALREADY_TAKEN']);
    assert.deepEqual(await names(client), ['second', 'wanted']);
  });

  test('one has it, where the column lost its constraint', async (t) => {
    const { database, client } = await withPlugin(t);
    await client.query('DROP INDEX better_auth.user_username_uidx');
    const connections = await database.connectMany(6);
    const answers = await Promise.all(connections.map((one) => patiently(() => up(one, { username: 'eve' }))));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.deepEqual(await names(client), ['eve']);
  });
});

describe('look-alikes', () => {
  const ALIKE = {
    'full width': 'ｅｖｅ',
    'a zero-width space': 'ev\u200be',
    'a zero-width joiner': 'e\u200dve',
    'a soft hyphen': 'eve\u00ad',
    'a word joiner': '\u2060eve',
    'a byte order mark': '\ufeffeve',
    'a right-to-left override': '\u202eeve',
    'a variation selector': 'e\ufe0fve',
    'a tag character': 'eve\u{e0061}',
    'a hangul filler': 'eve\u3164',
    'a combining grapheme joiner': 'e\u034fve',
    'a no-break space': 'eve\u00a0',
    'a line feed': 'eve\n',
    'a NUL': 'eve\0',
    'decomposed': 'e\u0301ve',
    'a ligature': 'ﬁve',
    'a mathematical letter': '𝐞ve',
  };

  for (const [settings, title] of [
    [{}, 'are refused'],
    [{ username_username_validator: '.' }, 'are refused, though the validator takes everything'],
    [{ username_username_validator: '.', username_username_normalization: 'none' }, 'are refused without normalization'],
    [{ username_username_validator: '.', username_validation_order_username: 'post-normalization' }, 'are refused after normalization'],
  ]) {
    test(title, async (t) => {
      const { client } = await withPlugin(t, settings);
      const mine = await up(client, { username: 'eve' });
      assert.equal(mine.status, 200);
      for (const [what, username] of Object.entries(ALIKE)) {
        for (const answer of [
          await up(client, { username }),
          await update(client, mine.cookie, { username }),
          await http(client, 'POST', '/is-username-available', { body: { username } }),
        ]) {
          assert.deepEqual([what, answer.status >= 400 && answer.status < 500, answer.json?.code], [what, true, 'INVALID_USERNAME']);
        }
      }
      assert.deepEqual(await names(client), ['eve']);
    });
  }

  test('by case are one, in scripts that have it', async (t) => {
    const { client } = await withPlugin(t, { username_username_validator: '^[[:alpha:]]+$' });
    assert.equal((await up(client, { username: 'Ève' })).status, 200);
    assert.equal((await up(client, { username: 'ÈVE' })).json.code, 'USERNAME_IS_ALREADY_TAKEN');
    assert.deepEqual(await isFree(client, 'èVE'), { available: false });
    assert.equal((await signIn(client, 'ÈVe')).status, 200);
  });
});

test('a name of an import that no new one could have still signs in', async (t) => {
  const { client } = await withPlugin(t, { username_username_validator: '.' });
  await up(client, { username: 'eve' });
  await client.query(`UPDATE better_auth."user" SET username = 'ｅｖｅ'`);
  assert.equal((await signIn(client, 'ｅｖｅ')).status, 200);
});

test('a user who is banned, or has a second factor, doesn’t get in by name either', async (t) => {
  const { client } = await withPlugin(t);
  await up(client, { username: 'eve' });
  await client.query(`ALTER TABLE better_auth."user" ADD banned boolean, ADD "banExpires" timestamptz, ADD "twoFactorEnabled" boolean`);
  await client.query(`UPDATE better_auth."user" SET banned = true`);
  assert.deepEqual((await signIn(client, 'eve')).json.code, 'BANNED_USER');
  assert.deepEqual((await signIn(client, 'eve', 'wrong password')).json.code, 'INVALID_USERNAME_OR_PASSWORD');
  await client.query(`UPDATE better_auth."user" SET "banExpires" = now() - interval '1 second'`);
  assert.equal((await signIn(client, 'eve')).status, 200);
  await client.query(`UPDATE better_auth."user" SET "twoFactorEnabled" = true`);
  assert.equal((await signIn(client, 'eve')).status, 501);
  await client.query('DELETE FROM better_auth.session');
  assert.equal(await client.value('SELECT count(*)::int FROM better_auth.session'), 0);
});

test('the validator is the setting’s, and one that is no regular expression is the DBA’s mistake', async (t) => {
  const { client } = await withPlugin(t, { username_username_validator: '^[a-z-]+$' });
  assert.equal((await up(client, { username: 'e-v-e' })).status, 200);
  assert.equal((await up(client, { username: 'eve_1' })).json.code, 'INVALID_USERNAME');
  await client.query(`SET better_auth.username_username_validator = '('`);
  assert.equal((await signIn(client, 'eve')).status, 500);
});

test('an unknown name, a user without a password and a wrong password cost the same', { skip: !existsSync('/proc/self/schedstat') }, async (t) => {
  const { client } = await withPlugin(t);
  await up(client, { username: 'eve' });
  await up(client, { username: 'gina' });
  await client.query(`DELETE FROM better_auth.account WHERE "userId" = (SELECT id FROM better_auth."user" WHERE username = 'gina')`);
  const pid = await client.value('SELECT pg_backend_pid()');
  // What the backend has spent on a processor: other work on the machine isn't in it.
  const spent = () => Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]);
  const costs = { eve: [], gina: [], nobody: [] };
  for (let round = 0; round < 15; round += 1) {
    for (const name of Object.keys(costs)) {
      const before = spent();
      const { json } = await signIn(client, name, 'wrong password');
      costs[name].push(spent() - before);
      assert.equal(json.code, 'INVALID_USERNAME_OR_PASSWORD');
    }
  }
  const least = Object.values(costs).map((values) => Math.min(...values));
  assert.ok(Math.max(...least) < 1.5 * Math.min(...least), `${least}`);
});

test('a plugin that is off answers nothing and shows no column', async (t) => {
  const { database, client } = await withPlugin(t);
  await up(client, { username: 'eve' });
  const off = await database.connect({ set: { 'better_auth.plugins': '' } });
  assert.equal((await signIn(off, 'eve')).status, 404);
  const { json } = await up(off, { username: 'eva' });
  assert.deepEqual(Object.keys(json.user).filter((key) => /username/i.test(key)), []);
  assert.deepEqual(await names(client), ['eve', null]);
});

test('api() has both endpoints, and its refusals are exceptions', async (t) => {
  const { client } = await withPlugin(t);
  await up(client, { username: 'Eve' });
  const api = (endpoint, body) => client.value('SELECT better_auth.api($1, $2)', [endpoint, { body }]);
  const { user, token } = await api('signInUsername', { username: 'eve', password: PASSWORD });
  assert.equal(user.displayUsername, 'Eve');
  assert.ok(token);
  assert.deepEqual(await api('isUsernameAvailable', { username: 'eve' }), { available: false });
  await refused(api('signInUsername', { username: 'eve', password: 'wrong password' }), { code: '28P01', detail: 'INVALID_USERNAME_OR_PASSWORD' });
  await refused(api('signInUsername', { username: 'e', password: 'x' }), { code: '22023', detail: 'USERNAME_TOO_SHORT' });
  await refused(api('signUpEmail', { name: 'E', email: freshEmail(), password: PASSWORD, username: 'EVE' }), { code: '23505', detail: 'USERNAME_IS_ALREADY_TAKEN' });
});

test('PostgREST’s functions do what the routes do', async (t) => {
  const { database, client } = await withPlugin(t);
  const rpc = await withRpc(t, database, client);
  const { json } = await rpc('sign_up_email', { email: freshEmail(), password: PASSWORD, name: 'Eve', additional_fields: { username: 'Eve' } });
  assert.deepEqual([json.user.username, json.user.displayUsername], ['eve', 'Eve']);
  const into = await rpc('sign_in_username', { username: 'EVE', password: PASSWORD, remember_me: false, callback_url: '/x' });
  assert.deepEqual([into.status, into.json.url, into.json.user.username], [200, '/x', 'eve']);
  assert.equal((await rpc('get_session', {}, { cookie: into.cookie })).json.user.username, 'eve');
  assert.deepEqual((await rpc('is_username_available', { username: 'eve' })).json, { available: false });
  const wrong = await rpc('sign_in_username', { username: 'eve', password: 'wrong password' });
  assert.deepEqual([wrong.status, wrong.json.code], [401, 'INVALID_USERNAME_OR_PASSWORD']);
});
