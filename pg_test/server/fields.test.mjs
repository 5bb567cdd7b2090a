// Additional fields: while columns and settings change under prepared statements, through handler(), and where an answer is made up.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configured, cookieOf, http, set, unchanged } from './http.mjs';
import { freshEmail, ident, PASSWORD, refused, server, signUp } from './lib.mjs';

const SETTINGS = { base_url: 'http://localhost:3000', rate_limit: 'off' };
const CORE = ['name', 'email', 'emailVerified', 'image', 'createdAt', 'updatedAt', 'id'];
const additional = (user) => Object.fromEntries(Object.entries(user).filter(([name]) => !CORE.includes(name)));

/** A signed-up user of a database with these columns more, all of them listed. */
async function withColumns(t, columns, listed = Object.keys(columns)) {
  const { database, client } = await configured(t, SETTINGS);
  for (const [name, type] of Object.entries(columns)) {
    await client.query(`ALTER TABLE better_auth."user" ADD ${ident(name)} ${type}`);
  }
  await set(client, { user_additional_fields: listed.join(',') });
  const ada = await signUp(client);
  const get = async () => additional((await client.call('get_session', { session_token: ada.token })).user);
  const put = (fields) => client.call('update_user', { session_token: ada.token, additional_fields: JSON.stringify(fields) });
  return { database, client, get, put, ...ada };
}

describe('columns that another session changes', () => {
  const changes = {
    'another type': {
      ddl: 'ALTER TABLE better_auth."user" ALTER age TYPE text',
      listed: 'nickname,age',
      after: { nickname: 'ace', age: '36' },
      put: { age: 'thirty-six' },
    },
    'a domain': {
      ddl: 'CREATE DOMAIN public.years AS int CHECK (VALUE > 0); ALTER TABLE better_auth."user" ALTER age TYPE public.years',
      listed: 'nickname,age',
      after: { nickname: 'ace', age: 36 },
      put: { age: 37 },
    },
    'dropped': { ddl: 'ALTER TABLE better_auth."user" DROP age', listed: 'nickname', after: { nickname: 'ace' }, put: { nickname: 'x' } },
    'renamed': {
      ddl: 'ALTER TABLE better_auth."user" RENAME age TO years',
      listed: 'nickname,years',
      after: { nickname: 'ace', years: 36 },
      put: { years: 37 },
    },
    'dropped and made anew': {
      ddl: `ALTER TABLE better_auth."user" DROP age; ALTER TABLE better_auth."user" ADD age boolean DEFAULT true`,
      listed: 'nickname,age',
      after: { nickname: 'ace', age: true },
      put: { age: false },
    },
  };
  for (const [name, { ddl, listed, after, put: given }] of Object.entries(changes)) {
    test(`${name}, between two calls`, async (t) => {
      const { database, client, get, put } = await withColumns(t, { nickname: `text DEFAULT 'ace'`, age: 'int DEFAULT 36' });
      assert.deepEqual(await get(), { nickname: 'ace', age: 36 });
      await put({ age: 36 });
      const other = await database.connect();
      await other.query(ddl);
      if (!listed.includes('age')) {
        await refused(get(), { code: '55000', message: /user_additional_fields names "age"/ });
      }
      await set(client, { user_additional_fields: listed });
      assert.deepEqual(await get(), after);
      await put(given);
      assert.deepEqual(await get(), { ...after, ...given });
    });

    test(`${name}, between two calls of one transaction`, async (t) => {
      const { database, client, get, put } = await withColumns(t, { nickname: `text DEFAULT 'ace'`, age: 'int DEFAULT 36' });
      assert.deepEqual(await get(), { nickname: 'ace', age: 36 });
      await put({ age: 36 });
      const other = await database.connect();
      await client.query('BEGIN');
      await client.query('SELECT 1');
      await other.query(ddl);
      await set(client, { user_additional_fields: listed });
      assert.deepEqual(await get(), after);
      await put(given);
      assert.deepEqual(await get(), { ...after, ...given });
      await client.query('COMMIT');
    });
  }
});

describe('through handler()', () => {
  const COLUMNS = { nickname: 'text', age: 'int', role: `text DEFAULT 'user'`, team: 'text' };

  test('what a request brings is stored, shown or refused as Better Auth does', async (t) => {
    const { client, token } = await withColumns(t, COLUMNS, ['nickname', 'age', 'role', 'team:readonly']);
    const cookie = await cookieOf(client, token);
    const update = (body) => http(client, 'POST', '/update-user', { body, cookie });
    assert.deepEqual((await update({ nickname: 'ace', age: 36 })).json, { status: true });
    const { json } = await http(client, 'GET', '/get-session', { cookie });
    assert.deepEqual(additional(json.user), { nickname: 'ace', age: 36, role: 'user', team: null });
    for (const [body, expected] of [
      [{ role: 'admin' }, { status: 400, code: 'FIELD_NOT_ALLOWED', message: 'role is not allowed to be set' }],
      [{ team: 'red' }, { status: 400, code: 'FIELD_NOT_ALLOWED', message: 'team is not allowed to be set' }],
      [{ age: '36' }, { status: 400, code: 'VALIDATION_ERROR', message: '[body.age] Invalid input: expected number, received string' }],
      [{ age: 1.5 }, { status: 400, code: 'VALIDATION_ERROR', message: '[body] Invalid input' }],
      [{ age: 1e300 }, { status: 400, code: 'VALIDATION_ERROR', message: '[body] Invalid input' }],
      [{ nickname: 'a\0b' }, { status: 400, code: 'VALIDATION_ERROR', message: 'Text must not contain NUL characters' }],
    ]) {
      const answer = await unchanged(client, () => update(body));
      assert.deepEqual({ status: answer.status, ...answer.json }, expected, JSON.stringify(body));
    }
    const up = (more) => http(client, 'POST', '/sign-up/email', { body: { email: freshEmail(), password: PASSWORD, name: 'New', ...more } });
    assert.deepEqual(additional((await up({ nickname: 'bee', unlisted: 1 })).json.user), { nickname: 'bee', age: null, role: 'user', team: null });
    assert.equal((await unchanged(client, () => up({ role: 'admin' }))).json.code, 'FIELD_NOT_ALLOWED');
    assert.equal((await unchanged(client, () => up({ age: 1e300 }))).json.code, 'FAILED_TO_CREATE_USER');
  });

  test('a form gives text alone', async (t) => {
    const { client } = await withColumns(t, COLUMNS, ['nickname', 'age', 'role']);
    const form = (more) =>
      http(client, 'POST', '/sign-up/email', {
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ email: freshEmail(), password: PASSWORD, name: 'New', ...more }).toString(),
      });
    assert.equal((await form({ nickname: 'bee' })).json.user.nickname, 'bee');
    assert.equal((await unchanged(client, () => form({ role: 'admin' }))).json.code, 'FIELD_NOT_ALLOWED');
  });
});

describe('where sign-up does not tell that an email is taken', () => {
  /** The answers to a sign-up for a fresh email and for a taken one, but for what differs each time. */
  async function answers(t, columns, fields) {
    const { client, user } = await withColumns(t, columns);
    await set(client, { auto_sign_in: 'off' });
    const ask = async (email) => {
      const answer = await http(client, 'POST', '/sign-up/email', { body: { email, password: PASSWORD, name: 'New', ...fields } });
      const { id: _, email: __, createdAt: ___, updatedAt: ____, ...rest } = answer.json.user ?? answer.json;
      return { status: answer.status, keys: Object.keys(answer.json.user ?? {}), rest };
    };
    return { taken: await ask(user.email), fresh: await ask(freshEmail()) };
  }

  const cases = {
    'fields that were given': [{ nickname: 'text', age: 'int' }, { nickname: 'ace', age: 36 }],
    'fields that were left out': [{ nickname: 'text', age: 'int' }, {}],
    'a default': [{ plan: `text NOT NULL DEFAULT 'free'` }, {}],
    'a time, in another form': [{ born: 'timestamptz' }, { born: '1815-12-10' }],
    'a number that is rounded': [{ height: 'numeric(4,1)' }, { height: 1.86 }],
    'a value that the column’s type refuses': [{ age: 'int' }, { age: 1e300 }],
    'a value that a constraint refuses': [{ age: 'int CHECK (age < 150)' }, { age: 150 }],
    'a value that another user has': [{ nickname: 'text UNIQUE' }, { nickname: 'ada' }],
  };
  for (const [name, [columns, fields]] of Object.entries(cases)) {
    test(`the answers are alike with ${name}`, async (t) => {
      const { taken, fresh } = await answers(t, columns, fields);
      assert.deepEqual(taken, fresh);
    });
  }
});

describe('a row is read as a whole, or, where a type needs a cast, column by column', () => {
  // Values that are the same either way.
  const COLUMNS = {
    text: [`text DEFAULT 'a "quoted" ü'`, 'a "quoted" ü'],
    short: [`varchar(9) DEFAULT 'short'`, 'short'],
    none: ['text', null],
    uuid: [`uuid DEFAULT 'F47AC10B-58CC-4372-A567-0E02B2C3D479'`, 'f47ac10b-58cc-4372-a567-0e02b2c3d479'],
    small: ['smallint DEFAULT -32768', -32768],
    whole: ['int DEFAULT 2147483647', 2147483647],
    big: ['bigint DEFAULT 9007199254740991', 9007199254740991],
    yes: ['boolean DEFAULT true', true],
    no: ['boolean DEFAULT false', false],
    at: [`timestamptz DEFAULT '2026-11-29 12:34:56.789999+02'`, '2026-11-29T10:34:56.789Z'],
    plain: [`timestamp DEFAULT '1999-12-31 23:59:59.5'`, '1999-12-31T23:59:59.500Z'],
    never: [`timestamptz DEFAULT 'infinity'`, null],
  };
  /** What makes a row be read column by column. */
  const CASTS = {
    'char(n)': [`char(4) DEFAULT 'ab'`, 'ab  '],
    numeric: ['numeric DEFAULT 1.50', 1.5],
    json: [`json DEFAULT '{"a": [1]}'`, { a: [1] }],
    date: [`date DEFAULT '2026-11-29'`, '2026-11-29'],
    array: [`text[] DEFAULT '{a,b}'`, ['a', 'b']],
  };
  const types = (columns) => Object.fromEntries(Object.entries(columns).map(([name, [type]]) => [name, type]));
  const values = (columns) => Object.fromEntries(Object.entries(columns).map(([name, [, value]]) => [name, value]));

  test('as a whole', async (t) => {
    const { get } = await withColumns(t, types(COLUMNS));
    assert.deepEqual(await get(), values(COLUMNS));
  });
  for (const [name, entry] of Object.entries(CASTS)) {
    test(`column by column: ${name}`, async (t) => {
      const columns = { ...COLUMNS, cast: entry };
      const { get } = await withColumns(t, types(columns));
      assert.deepEqual(await get(), values(columns));
    });
  }
  test('a column that is called as the statement calls the row', async (t) => {
    const columns = { s: [`text DEFAULT 'not a row'`, 'not a row'], u: ['int DEFAULT 7', 7] };
    const { get } = await withColumns(t, types(columns));
    assert.deepEqual(await get(), values(columns));
  });
  test('a long text that nobody lists', async (t) => {
    const columns = { listed: [`text DEFAULT 'listed'`, 'listed'] };
    const { get } = await withColumns(t, { ...types(columns), unlisted: `text DEFAULT repeat('x', 100000)` }, ['listed']);
    assert.deepEqual(await get(), values(columns));
  });
  test('after a column before it is dropped', async (t) => {
    const { client, get } = await withColumns(t, { gone: 'text', kept: `text DEFAULT 'kept'` }, ['kept']);
    assert.deepEqual(await get(), { kept: 'kept' });
    await client.query('ALTER TABLE better_auth."user" DROP gone');
    assert.deepEqual(await get(), { kept: 'kept' });
  });
});

test('a field’s type belongs to whom it may: a cast of its owner’s making runs as the tables’ owner', async (t) => {
  const weak = await server.role(t, 'weak');
  const { client } = await configured(t, SETTINGS);
  await client.query(`GRANT CREATE ON SCHEMA public TO ${weak}; SET ROLE ${weak}`);
  await client.query('CREATE FUNCTION public.spy(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING $r$checked as %$r$, current_user; RETURN true; END $$');
  await client.query('CREATE DOMAIN public.spied AS text CHECK (public.spy(VALUE))');
  await client.query('RESET ROLE');
  await client.query('ALTER TABLE better_auth."user" ADD spied public.spied');
  await client.query(`CREATE ROLE ${weak}_owner`);
  t.after(() => server.admin((admin) => admin.query(`DROP ROLE ${weak}_owner`)));
  await client.query(`GRANT USAGE, CREATE ON SCHEMA better_auth TO ${weak}_owner`);
  for (const table of ['"user"', 'session', 'account', 'verification', '"rateLimit"']) {
    await client.query(`ALTER TABLE better_auth.${table} OWNER TO ${weak}_owner`);
  }
  await set(client, { user_additional_fields: 'spied' });
  client.notices.length = 0;
  const { user } = await signUp(client, { additional_fields: '{"spied": "x"}' });
  assert.equal(user.spied, 'x');
  assert.ok(client.notices.length > 0);
  assert.deepEqual(new Set(client.notices.map(({ message }) => message)), new Set([`checked as ${weak}_owner`]));
});
