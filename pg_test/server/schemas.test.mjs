// Databases as people have them: names, types and ids of every kind, each with everything that a user does; and what
// is refused, all of it at once, before anything is changed.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { betterAuthDdl, foreign, freshEmail, ident, INVALID_EMAIL_OR_PASSWORD, PASSWORD, refused, server, signIn, signUp, UNAUTHORIZED, USER_ALREADY_EXISTS, wholeFlow } from './lib.mjs';

const REFUSED = { code: '55000', message: "better_auth can't use the tables that are here; nothing was changed" };
const SETTINGS = { base_url: 'http://localhost:3000', delete_user_enabled: 'on', change_email_enabled: 'on', session_fresh_age: '0' };

/** Takes the token out of the mail that waits for `email`. */
async function mail(client, kind, email) {
  const mails = await client.query('SELECT * FROM better_auth.claim_mail(100)');
  const found = mails.rows.find((one) => one.kind === kind && one.recipient === email);
  assert.ok(found, `no ${kind} mail for ${email}: ${mails.rows.map((one) => `${one.kind} ${one.recipient}`)}`);
  await client.query('SELECT better_auth.complete_mail(id) FROM better_auth.mail_outbox m');
  return found.token;
}

/** Everything that a user does, the mails and the accounts included. The user's row is gone then. */
async function everyFlow(client) {
  await wholeFlow(client);
  const email = freshEmail();
  const { token, user } = await signUp(client, { email, ip_address: 'not an address', user_agent: 'x'.repeat(1_000) });
  assert.equal(typeof user.id, 'string');
  const call = (name, args = {}) => client.call(name, { session_token: token, ...args });
  assert.deepEqual(await call('update_user', { name: 'Ada L.', image: 'https://x.example/b.png' }), { status: true });
  const { session, user: updated } = await call('get_session');
  assert.deepEqual([updated.name, updated.image, typeof session.id, session.userId], ['Ada L.', 'https://x.example/b.png', 'string', user.id]);

  await refused(call('change_password', { current_password: 'not it', new_password: 'another password' }), { detail: 'INVALID_PASSWORD' });
  await call('change_password', { current_password: PASSWORD, new_password: 'another password' });
  await signIn(client, email, 'another password');

  await client.call('request_password_reset', { email: email.toUpperCase() });
  const reset = await mail(client, 'reset-password', email);
  assert.deepEqual(await client.call('reset_password', { token: reset, new_password: 'a third password' }), { status: true });
  await refused(client.call('reset_password', { token: reset, new_password: 'a fourth password' }), { detail: 'INVALID_TOKEN' });
  await signIn(client, email, 'a third password');

  await client.call('send_verification_email', { email });
  await client.call('verify_email', { token: await mail(client, 'verification-email', email) });
  assert.equal((await call('get_session')).user.emailVerified, true);

  const link = { provider_id: 'github', account_id: `gh-${email}`, email, name: 'Ada', email_verified: true, access_token: 'a', scope: 'read,write' };
  await client.call('link_account', { ...link, session_token: token });
  assert.equal((await client.call('link_account', link)).user.id, user.id);
  const accounts = await call('list_accounts');
  assert.deepEqual(accounts.map((one) => one.providerId).sort(), ['credential', 'github']);
  const github = accounts.find((one) => one.providerId === 'github');
  assert.deepEqual([typeof github.id, github.userId, github.scopes], ['string', user.id, ['read', 'write']]);
  // Ids and tokens that are no values of the columns' types are nobody's.
  for (const nobody of ['abc', '', '0', '-1', '99999999999999999999', '00000000-0000-0000-0000-000000000000', "' OR true --"]) {
    await refused(call('unlink_account', { account_id: nobody }), { detail: 'ACCOUNT_NOT_FOUND' });
    assert.equal(await client.call('get_session', { session_token: nobody }), null);
    const forged = await client.call('sign_jwt', { claims: { sub: nobody, sid: nobody, role: 'authenticated' } });
    await client.query(`SELECT set_config('request.jwt.claims', $1, false)`, [JSON.stringify(await client.call('verify_jwt', { token: forged }))]);
  }
  await client.query(`SELECT set_config('request.jwt.claims', '', false)`);
  assert.deepEqual(await call('unlink_account', { account_id: github.id }), { status: true });

  const next = freshEmail();
  await call('change_email', { new_email: next });
  const change = await client.call('verify_email', { token: await mail(client, 'verification-email', next), session_token: token });
  assert.equal(change.user.email, next);
  await signIn(client, next, 'a third password');

  await call('delete_user', { password: 'a third password' });
  assert.equal(await call('get_session'), null);
  await refused(client.call('bridge_token', { session_token: token }), UNAUTHORIZED);
  await refused(signIn(client, next, 'a third password'), INVALID_EMAIL_OR_PASSWORD);

  // The handler counts in the table of rate limits.
  const request = { method: 'POST', url: 'http://localhost:3000/api/auth/sign-in/email', headers: { origin: 'http://localhost:3000', 'content-type': 'application/json', 'x-forwarded-for': '10.1.2.3' }, body: JSON.stringify({ email: next, password: 'wrong password' }) };
  const statuses = [];
  for (let tries = 0; tries < 4; tries += 1) {
    statuses.push((await client.call('handler', { request })).status);
  }
  assert.deepEqual(statuses, [401, 401, 401, 429]);
  await client.query('SELECT better_auth.purge_expired()');
}

const snake = (ddl) => ddl.replace(/"([a-z]+(?:[A-Z][a-z]+)+)"/g, (_, name) => `"${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}"`);
const ids = (type, user = type.replace(/ .*/, '')) => betterAuthDdl.replaceAll('\n    id text NOT NULL', `\n    id ${type} NOT NULL`).replaceAll('"userId" text NOT NULL', `"userId" ${user} NOT NULL`);
const columns = (changes) => `${betterAuthDdl}\n${changes}`;

/** Tables and columns with names of 63 bytes, the longest that PostgreSQL keeps, which only their ends tell apart. */
const longest = (end) => `${'ü'.repeat((63 - end.length) / 2)}${end}`;
const LONG = Object.fromEntries([['user', 'use'], ['session', 'ses'], ['account', 'acc'], ['verification', 'ver'], ['rateLimit', 'rat']].map(([model, end]) => [model, longest(end)]));
const LONG_NAMES = {
  model_names: Object.entries(LONG).map(([model, name]) => `${model}=${name}`).join(', '),
  field_names: ['session.userId', 'account.userId', 'account.accountId', 'session.token', 'user.email'].map((field) => `${field}=${longest(field.slice(-3))}`).join(', '),
};

/** Each: DDL, and the settings it needs. */
const FORMS = {
  'columns in snake_case': { ddl: snake(betterAuthDdl), set: { field_names: 'snake_case' } },
  'other names for tables': {
    ddl: betterAuthDdl.replaceAll('better_auth."user"', 'better_auth.users').replaceAll('better_auth.session', 'better_auth.sessions').replaceAll('better_auth.account', 'better_auth."Accounts"'),
    set: { model_names: 'user=users, session=sessions, account=Accounts, rateLimit=rate_limit' },
  },
  'names that need quotes, and the longest there are': {
    ddl: betterAuthDdl.replaceAll('"emailVerified"', '"select"').replaceAll('"userId"', `"${'x'.repeat(63)}"`).replaceAll('better_auth."user"', `better_auth."${'Ü'.repeat(31)}"`),
    set: { model_names: `user=${'Ü'.repeat(31)}`, field_names: `user.emailVerified=select, session.userId=${'x'.repeat(63)}, account.userId=${'x'.repeat(63)}` },
    unlike: true,
  },
  'the longest names, of tables that are made': { ddl: '', set: LONG_NAMES, unlike: true },
  'the longest names, of tables without their indexes': {
    ddl: Object.entries(LONG).reduce((ddl, [model, name]) => ddl.replace(new RegExp(`better_auth\\."?${model}"?(?!\\w)`, 'g'), `better_auth."${name}"`), betterAuthDdl)
      .replace(/^CREATE INDEX .*$/gm, '').replace(/ALTER TABLE ONLY \S+\s+ADD CONSTRAINT \w+_key[^;]*;/g, ''),
    set: { model_names: LONG_NAMES.model_names },
    unlike: true,
  },
  'bigint ids of an identity': { ddl: ids('bigint GENERATED ALWAYS AS IDENTITY') },
  'serial ids': { ddl: ids('serial', 'integer') },
  'smallint and bigint together': { ddl: ids('bigint GENERATED BY DEFAULT AS IDENTITY', 'integer') },
  'uuid ids without a default': { ddl: ids('uuid'), check: ({ id }) => assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/) },
  'text ids with a default and a CHECK on the form': {
    ddl: columns(`ALTER TABLE better_auth."user" ALTER id SET DEFAULT 'usr_' || gen_random_uuid(), ADD CHECK (id LIKE 'usr\\_%');
      ALTER TABLE better_auth.session ALTER id SET DEFAULT 'ses_' || gen_random_uuid(), ADD CHECK (id LIKE 'ses\\_%');
      ALTER TABLE better_auth.account ALTER id SET DEFAULT 'acc_' || gen_random_uuid(), ADD CHECK (id LIKE 'acc\\_%');
      ALTER TABLE better_auth.verification ALTER id SET DEFAULT 'ver_' || gen_random_uuid(), ADD CHECK (id LIKE 'ver\\_%');`),
    check: ({ id }) => assert.match(id, /^usr_/),
  },
  'ids with the default of a domain': {
    ddl: `CREATE SCHEMA types; CREATE DOMAIN types.key AS text DEFAULT 'k_' || gen_random_uuid() CHECK (VALUE LIKE 'k\\_%'); ${ids('types.key', 'text')}`,
    check: ({ id }) => assert.match(id, /^k_/),
  },
  'citext emails, in a schema of its own': {
    ddl: `CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; ${columns(`ALTER TABLE better_auth."user" ALTER email TYPE ext.citext; ALTER TABLE better_auth.verification ALTER identifier TYPE ext.citext`)}`,
  },
  'inet, enum, varchar and char': {
    ddl: columns(`CREATE TYPE better_auth.provider AS ENUM ('credential', 'github');
      ALTER TABLE better_auth.session ALTER "ipAddress" TYPE inet USING NULL, ALTER "userAgent" TYPE varchar(255), ALTER token TYPE char(32);
      ALTER TABLE better_auth.account ALTER "providerId" TYPE better_auth.provider USING NULL, ALTER password TYPE varchar(161), ALTER "idToken" TYPE varchar;
      ALTER TABLE better_auth."user" ALTER email TYPE varchar(320), ALTER name TYPE char(40);`),
  },
  'timestamps of precision 3, without zone': { ddl: betterAuthDdl.replaceAll('timestamp with time zone', 'timestamp(3)') },
  'columns that are NOT NULL where Better Auth has NULL': {
    ddl: columns(`ALTER TABLE better_auth."user" ALTER image SET NOT NULL;
      ALTER TABLE better_auth.session ALTER "ipAddress" SET NOT NULL, ALTER "userAgent" SET NOT NULL;
      ALTER TABLE better_auth.account ALTER "accessToken" SET NOT NULL, ALTER scope SET NOT NULL, ALTER password SET NOT NULL;`),
  },
  'a rateLimit with wide columns': {
    ddl: columns(`CREATE TABLE better_auth."rateLimit" (id bigserial PRIMARY KEY, key varchar(255) NOT NULL UNIQUE, count bigint NOT NULL, "lastRequest" numeric NOT NULL)`),
  },
};

/** Schemas that generators made, see fixtures/schemas/README.md: `-- key: value` lines are their settings. */
const fixtures = new URL('fixtures/schemas/', import.meta.url);
for (const file of readdirSync(fixtures).filter((name) => name.endsWith('.sql'))) {
  const ddl = readFileSync(new URL(file, fixtures), 'utf8');
  const set = Object.fromEntries([...ddl.matchAll(/^-- (model_names|field_names): (.*)$/gm)].map(([, name, value]) => [name, value]));
  FORMS[file.replace('.sql', '')] = { ddl, set, refusal: ddl.match(/^-- refused: (.*)$/m)?.[1] };
}

const objects = (client) =>
  client.column(`
    SELECT format('%s %s', c.oid::regclass, (SELECT string_agg(format('%s %s %s', attname, format_type(atttypid, atttypmod), attnotnull), ',' ORDER BY attnum) FROM pg_attribute a WHERE attrelid = c.oid AND attnum > 0))
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' ORDER BY 1`);

async function configure(admin, database, set) {
  for (const [name, value] of Object.entries(set)) {
    await admin.query(`ALTER DATABASE ${ident(database.name)} SET better_auth.${name} = '${value}'`);
  }
}

describe('every flow works on', () => {
  for (const [name, { ddl, set = {}, check, refusal, unlike }] of Object.entries(FORMS)) {
    test(name, async (t) => {
      const database = await server.emptyDatabase(t);
      const admin = await database.connect();
      await admin.query(ddl);
      if (refusal) {
        const before = await objects(admin);
        const error = await refused(admin.query('CREATE EXTENSION better_auth'), REFUSED);
        assert.match(error.detail, new RegExp(refusal));
        assert.deepEqual(await objects(admin), before);
        return;
      }
      if (Object.keys(set).length > 0 && !unlike) {
        // Without the settings it is refused, and the hint has them.
        const before = await objects(admin);
        const error = await refused(admin.query('CREATE EXTENSION better_auth'), REFUSED);
        assert.deepEqual(await objects(admin), before);
        for (const setting of Object.keys(set)) {
          assert.match(error.hint, new RegExp(`ALTER DATABASE .* SET better_auth.${setting}`));
        }
        if (set.field_names === 'snake_case') {
          assert.match(error.hint, /SET better_auth\.field_names = 'snake_case'/);
        }
      }
      await configure(admin, database, { ...SETTINGS, ...set });
      const client = await database.connect({ set: { TimeZone: 'America/New_York' } });
      await client.query('CREATE EXTENSION better_auth');
      assert.deepEqual((await client.query('SELECT * FROM better_auth.migrate()')).rows, []);
      assert.deepEqual((await client.query('SELECT * FROM better_auth.doctor()')).rows, []);
      await everyFlow(client);
      check?.((await signUp(client)).user);
    });
  }
});

describe('what is refused, with all the reasons, and nothing changed', () => {
  const cases = {
    'an odd type in every second column': {
      ddl: columns(`ALTER TABLE better_auth."user" ALTER name TYPE bytea USING NULL, ALTER "emailVerified" TYPE integer USING 0, ALTER "createdAt" DROP DEFAULT, ALTER "createdAt" TYPE date, ALTER image TYPE jsonb USING NULL;
        ALTER TABLE better_auth.session ALTER "expiresAt" TYPE bigint USING 0, ALTER "updatedAt" TYPE text, ALTER "ipAddress" TYPE cidr USING NULL, ALTER token TYPE varchar(31), ALTER "userAgent" TYPE text[] USING NULL;
        ALTER TABLE better_auth.account ALTER "accountId" TYPE uuid USING NULL, ALTER scope TYPE text[] USING NULL, ALTER password TYPE varchar(60), ALTER "idToken" TYPE xml USING NULL, ALTER "accessTokenExpiresAt" SET NOT NULL;
        ALTER TABLE better_auth.verification ALTER value TYPE jsonb USING NULL, ALTER identifier TYPE numeric USING NULL, ALTER "createdAt" DROP DEFAULT, ALTER "createdAt" TYPE time USING NULL`),
      says: [
        'user".name: is of type bytea; text', 'user"."emailVerified": is of type integer; boolean', 'user"."createdAt": is of type date; timestamptz', 'user".image: is of type jsonb; text',
        'session."expiresAt": is of type bigint', 'session."updatedAt": is of type text', 'session."ipAddress": is of type cidr', 'session.token: takes 31 characters; 32', 'session."userAgent": is of type text[]',
        'account."accountId": is of type uuid', 'account.scope: is of type text[]', 'account.password: takes 60 characters; 97', 'account."idToken": is of type xml', 'account."accessTokenExpiresAt": is NOT NULL',
        'verification.value: is of type jsonb', 'verification.identifier: is of type numeric', 'verification."createdAt": is of type time',
      ],
    },
    'ids and user ids of different types': {
      ddl: betterAuthDdl.replace(/ALTER TABLE ONLY better_auth\.\w+\s+ADD CONSTRAINT "\w+_fkey"[^;]*;/g, '').replace('"userId" text NOT NULL', '"userId" uuid NOT NULL'),
      says: ['account."userId": is of type uuid, and the user\'s id of type text'],
    },
    'generated and deferrable': {
      ddl: columns(`ALTER TABLE better_auth."user" DROP image, ADD image text GENERATED ALWAYS AS (name || '.png') STORED, DROP CONSTRAINT user_email_key, ADD CONSTRAINT mail UNIQUE (email) DEFERRABLE`),
      says: ['user".image: is generated', 'user".email: its constraint mail is DEFERRABLE'],
    },
    'values that are there more than once': {
      ddl: columns(`ALTER TABLE better_auth."user" DROP CONSTRAINT user_email_key;
        INSERT INTO better_auth."user" (id, name, email, "emailVerified") VALUES ('1', 'a', 'a@x', true), ('2', 'a', 'a@x', true)`),
      says: ['user".email: has to be unique, and some values are there more than once'],
    },
    'rows without what they need': {
      ddl: columns(`INSERT INTO better_auth."user" (id, name, email, "emailVerified") VALUES ('1', 'a', 'a@x', true);
        INSERT INTO better_auth.account (id, "accountId", "providerId", "userId", "updatedAt") VALUES ('1', '1', 'credential', '1', now());
        ALTER TABLE better_auth.account DROP "accountId"; ALTER TABLE better_auth."user" ADD tier inet NOT NULL DEFAULT '::1'; ALTER TABLE better_auth."user" ALTER tier DROP DEFAULT`),
      says: ['account: has rows, but no column "accountId"', 'column "tier" of better_auth."user" is NOT NULL and has no default'],
    },
    'an enum of providers without credential': {
      ddl: columns(`CREATE TYPE better_auth.provider AS ENUM ('github'); ALTER TABLE better_auth.account ALTER "providerId" TYPE better_auth.provider USING NULL`),
      says: [`account."providerId": its type lacks the value 'credential'`],
      run: `ALTER TYPE better_auth.provider ADD VALUE 'credential';`,
    },
    'a partitioned table that has no unique token': {
      ddl: betterAuthDdl.replace(/(CREATE TABLE better_auth\.session \([^;]*\))/, '$1 PARTITION BY HASH ("userId")')
        .replace(/ALTER TABLE ONLY better_auth\.session\s+ADD CONSTRAINT session_(pkey|token_key)[^;]*;/g, '').replace('ALTER TABLE ONLY better_auth.session', 'ALTER TABLE better_auth.session'),
      says: ['session.id: is not unique, and in a partitioned table', 'session.token: is not unique, and in a partitioned table'],
    },
    'a foreign table': {
      ddl: columns(`CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw; DROP TABLE better_auth.verification;
        CREATE FOREIGN TABLE better_auth.verification (id text) SERVER files OPTIONS (filename '/dev/null')`),
      says: ['better_auth.verification: exists but is not a table'],
    },
    'columns of two conventions': {
      ddl: betterAuthDdl.replaceAll('"emailVerified"', 'emailverified').replaceAll('"userId"', 'user_id'),
      says: ['better_auth."user" has "emailverified" for "emailVerified"', 'better_auth.session has "user_id" for "userId"', 'better_auth.account has "user_id" for "userId"'],
      run: "SET better_auth.field_names = 'user.emailVerified=emailverified, session.userId=user_id, account.userId=user_id';",
    },
  };
  for (const [name, { ddl, says, run }] of Object.entries(cases)) {
    test(name, async (t) => {
      const database = await server.emptyDatabase(t);
      const client = await database.connect();
      await client.query(ddl);
      const before = await objects(client);
      const error = await refused(client.query('CREATE EXTENSION better_auth'), REFUSED);
      for (const reason of says) {
        assert.ok(error.detail.includes(reason), `${reason}\nis not in\n${error.detail}`);
      }
      if (run) {
        assert.ok(error.hint.includes(run), error.hint);
      }
      assert.deepEqual(await objects(client), before);
      assert.equal(await client.value(`SELECT count(*)::int FROM pg_extension WHERE extname = 'better_auth'`), 0);
    });
  }

  test('tables of different owners; migrate() says the same', async (t) => {
    const role = await server.role(t);
    const { client } = await server.database(t);
    await client.query(`ALTER TABLE better_auth.session OWNER TO ${ident(role)}`);
    const error = await refused(client.query('SELECT * FROM better_auth.migrate()'), REFUSED);
    assert.match(error.detail, /^better_auth\.session: belongs to another role than better_auth\."user"$/);
    assert.match(error.hint, /ALTER TABLE better_auth\.session OWNER TO postgres;/);
    const [found] = (await client.query('SELECT * FROM better_auth.doctor()')).rows;
    assert.deepEqual([found.severity, found.object], ['error', 'better_auth.session']);
    await client.query(found.run);
    assert.deepEqual((await client.query('SELECT * FROM better_auth.doctor()')).rows, []);
  });

  test('the hint mends the types', async (t) => {
    const database = await server.emptyDatabase(t);
    const client = await database.connect();
    await client.query(columns(`ALTER TABLE better_auth.account ALTER password TYPE varchar(60); ALTER TABLE better_auth."user" ALTER "createdAt" TYPE date`));
    const error = await refused(client.query('CREATE EXTENSION better_auth'), REFUSED);
    await client.query(error.hint.replace('Run:\n', ''));
    await client.query('CREATE EXTENSION better_auth');
    await wholeFlow(client);
  });
});

test('a text that is too long for its column is an error that says so, not a fault', async (t) => {
  const { database, client } = await server.database(t);
  await client.query(`ALTER TABLE better_auth."user" ALTER name TYPE varchar(10), ALTER image TYPE varchar(20), ALTER email TYPE varchar(40)`);
  await configure(client, database, { ...SETTINGS, rate_limit: 'off', update_email_without_verification: 'on' });
  const one = await database.connect();
  const { token } = await signUp(one);
  const [cookie] = (await one.call('session_cookies', { session_token: token })).map((value) => value.split(';')[0]);
  const post = async (path, body) => {
    const headers = { origin: 'http://localhost:3000', 'content-type': 'application/json', cookie };
    const request = { method: 'POST', url: `http://localhost:3000/api/auth${path}`, headers, body: JSON.stringify(body) };
    return (await one.call('handler', { request })).status;
  };
  const long = 'x'.repeat(60);
  assert.equal(await post('/sign-up/email', { name: long, email: freshEmail(), password: PASSWORD }), 422);
  assert.equal(await post('/sign-up/email', { name: 'x', email: `${long}@example.com`, password: PASSWORD }), 422);
  assert.equal(await post('/update-user', { name: long }), 400);
  assert.equal(await post('/update-user', { image: long }), 400);
  assert.equal(await post('/change-email', { newEmail: `${long}@example.com` }), 400);
  await refused(one.call('update_user', { session_token: token, name: long }), { code: '22001' });
});

describe('tables in other schemas', () => {
  const moved = (ddl, schema = 'app') => ddl.replaceAll('better_auth', schema);

  test('are not passed over, whatever their convention; the hint moves and names them', async (t) => {
    const database = await server.emptyDatabase(t);
    const admin = await database.connect();
    await admin.query(moved(snake(betterAuthDdl)).replaceAll('app."user"', 'app.users'));
    const error = await refused(admin.query('CREATE EXTENSION better_auth'), REFUSED);
    assert.match(error.detail, /^schema app: .*app\.users, app\.session, app\.account, app\.verification$/);
    await admin.query(error.hint.replace('Run:\n', ''));
    await configure(admin, database, SETTINGS);
    const client = await database.connect();
    await client.query('CREATE EXTENSION better_auth');
    await everyFlow(client);
  });

  test('may be left alone', async (t) => {
    const database = await server.emptyDatabase(t);
    const admin = await database.connect();
    await admin.query(moved(betterAuthDdl, '"my app"'));
    const error = await refused(admin.query('CREATE EXTENSION better_auth'), REFUSED);
    await admin.query(error.hint.match(/begin with no users: (.*)$/m)[1]);
    await admin.query('CREATE EXTENSION better_auth');
    await wholeFlow(admin);
    assert.equal(await admin.value('SELECT count(*)::int FROM "my app"."user"'), 0);
  });

  test('that are not Better Auth\'s are nothing to it', async (t) => {
    const database = await server.emptyDatabase(t);
    const client = await database.connect();
    await client.query(`
      CREATE TABLE public."user" (id serial PRIMARY KEY, name text, email text UNIQUE, password text, created_at timestamptz);
      CREATE TABLE public.account (id serial PRIMARY KEY, user_id integer REFERENCES public."user", balance numeric);
      CREATE TABLE public.session (id text PRIMARY KEY, token text, user_id integer, expires_at timestamptz);
      CREATE TABLE public.users (id uuid PRIMARY KEY, email text, name text, email_verified boolean, created_at timestamptz, updated_at timestamptz)`);
    await client.query('CREATE EXTENSION better_auth');
    await wholeFlow(client);
  });
});

describe('the settings of names', () => {
  test('are in force at once, in every connection that has them, and undone with their transaction', async (t) => {
    const { client } = await server.database(t);
    const { token } = await signUp(client);
    await client.query('BEGIN');
    await client.query(`ALTER TABLE better_auth."user" RENAME TO people; ALTER TABLE better_auth.people RENAME "emailVerified" TO verified`);
    await refused(client.call('get_session', { session_token: token }).finally(() => client.query('ROLLBACK')), { code: '42P01' });
    await client.query('BEGIN');
    await client.query(`ALTER TABLE better_auth."user" RENAME TO people; ALTER TABLE better_auth.people RENAME "emailVerified" TO verified;
      SET LOCAL better_auth.model_names = 'user=people'; SET LOCAL better_auth.field_names = 'user.emailVerified=verified'`);
    assert.equal((await client.call('get_session', { session_token: token })).user.emailVerified, false);
    await client.query('ROLLBACK');
    assert.equal((await client.call('get_session', { session_token: token })).user.emailVerified, false);
  });

  test('a value that makes no sense is refused, with what is wrong', async (t) => {
    const { client } = await server.database(t);
    await client.query(`LOAD 'better_auth'`);
    for (const [name, value, detail] of [
      ['model_names', 'person=people', /no model "person"; there are user, session, account, verification, rateLimit/],
      ['model_names', 'user=mail_outbox', /is a table of better_auth itself/],
      ['model_names', 'user=session', /Two tables would be called "session"/],
      ['model_names', `user=${'x'.repeat(64)}`, /longer than 63 bytes/],
      ['model_names', 'user=a;drop table b', /is not a name/],
      ['field_names', 'user.mail=m', /"user" has no field "mail"/],
      ['field_names', 'user.email=name', /Two fields of "user" would be called "name"/],
    ]) {
      await refused(client.query(`SET better_auth.${name} = '${value}'`), { code: '22023', detail });
    }
    const { user } = await signUp(client);
    assert.ok(user.id);
  });

  test('no other role sets them, also not before the library is loaded', async (t) => {
    const role = await server.role(t);
    const { database, client } = await server.database(t);
    await client.query(`GRANT USAGE ON SCHEMA better_auth TO ${ident(role)}; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA better_auth TO ${ident(role)}`);
    const other = await database.connect({ user: role });
    await other.query(`SET better_auth.model_names = 'user=account, account=user'`);
    await signUp(other);
    assert.equal(await other.value('SHOW better_auth.model_names'), '');
    await refused(other.query(`SET better_auth.model_names = 'user=account'`), { code: '42501' });
  });

  test('given before CREATE EXTENSION: by SET of a superuser, which doctor() warns of, or by ALTER DATABASE', async (t) => {
    const database = await server.emptyDatabase(t);
    const client = await database.connect();
    await client.query(snake(betterAuthDdl));
    await client.query(`SET better_auth.field_names = 'snake_case'`);
    await client.query('CREATE EXTENSION better_auth');
    await wholeFlow(client);
    const [warning] = (await client.query('SELECT * FROM better_auth.doctor()')).rows;
    assert.deepEqual([warning.severity, warning.object], ['warning', 'better_auth.field_names']);
    await client.query(warning.run);
    const later = await database.connect();
    assert.deepEqual((await later.query('SELECT * FROM better_auth.doctor()')).rows, []);
    await wholeFlow(later);
  });
});

describe('emails with capitals, as imports leave them', () => {
  async function imported(t, emails) {
    const { database, client } = await server.database(t);
    for (const [index, email] of emails.entries()) {
      await client.query(`INSERT INTO better_auth."user" (id, name, email, "emailVerified") VALUES ($1, 'x', $2, false)`, [`user${index}`, email]);
      await client.query(
        `INSERT INTO better_auth.account (id, "accountId", "providerId", "userId", password, "updatedAt") VALUES ($1, $1, 'credential', $1, $2, now())`,
        [`user${index}`, foreign.hash],
      );
    }
    await client.query(`SET better_auth.base_url = 'http://localhost:3000'; SET better_auth.change_email_enabled = on; SET better_auth.update_email_without_verification = on`);
    return { database, client };
  }
  const doctor = async (client) => (await client.query('SELECT * FROM better_auth.doctor()')).rows;

  test('are found, are taken, and can be mended', async (t) => {
    const { client } = await imported(t, ['Ada@Example.com']);
    assert.equal((await signIn(client, 'ada@example.com', foreign.password)).user.id, 'user0');
    assert.equal((await signIn(client, 'ADA@EXAMPLE.COM', foreign.password)).user.id, 'user0');
    await refused(signIn(client, 'ada@example.com', 'wrong password'), INVALID_EMAIL_OR_PASSWORD);
    await refused(signUp(client, { email: 'ada@example.com' }), USER_ALREADY_EXISTS);
    await client.call('request_password_reset', { email: 'ada@example.com' });
    const token = await mail(client, 'reset-password', 'Ada@Example.com');
    await client.call('reset_password', { token, new_password: 'a new password' });
    await signIn(client, 'ada@example.com', 'a new password');
    const other = await signUp(client);
    await client.call('change_email', { session_token: other.token, new_email: 'ada@example.com' });
    assert.equal((await client.call('get_session', { session_token: other.token })).user.email, other.user.email);
    const linked = await client.call('link_account', { provider_id: 'github', account_id: '1', email: 'ada@example.com', name: 'x', email_verified: true }).catch((error) => error);
    assert.match(linked.message ?? '', /account not linked/, 'an unverified local email is not linked to, as in Better Auth');
    await client.call('send_verification_email', { email: 'ada@example.com' });
    await client.call('verify_email', { token: await mail(client, 'verification-email', 'Ada@Example.com') });
    assert.equal((await client.call('link_account', { provider_id: 'github', account_id: '1', email: 'ada@example.com', name: 'x', email_verified: true })).user.id, 'user0');
    const [found, ...more] = await doctor(client);
    assert.deepEqual([found.severity, found.message.includes('user0'), more], ['warning', true, []]);
    await client.query(found.run);
    assert.deepEqual(await doctor(client), []);
    assert.equal((await signIn(client, 'Ada@Example.com', 'a new password')).user.email, 'ada@example.com');
  });

  test('that differ only so give nobody another\'s account: the one in lower case is found, otherwise none', async (t) => {
    const { client } = await imported(t, ['Bob@example.com', 'BOB@example.com', 'Eve@example.com', 'eve@example.com']);
    await refused(signIn(client, 'bob@example.com', foreign.password), INVALID_EMAIL_OR_PASSWORD);
    await refused(signUp(client, { email: 'bob@example.com' }), USER_ALREADY_EXISTS);
    await client.call('request_password_reset', { email: 'bob@example.com' });
    assert.equal(await client.value('SELECT count(*)::int FROM better_auth.mail_outbox'), 0);
    await refused(client.call('link_account', { provider_id: 'github', account_id: '1', email: 'bob@example.com', name: 'x', email_verified: true }), { detail: 'OAUTH_LINK_ERROR' });
    assert.equal((await signIn(client, 'Eve@example.com', foreign.password)).user.id, 'user3');
    assert.deepEqual((await doctor(client)).map(({ message }) => message.match(/^users ([^ ]*, [^ ]*) /)?.[1]), ['user0, user1', 'user2, user3']);
  });

  test('are not looked for without their index, which would read the whole table', async (t) => {
    const { client } = await imported(t, ['Ada@example.com']);
    await client.query('DROP INDEX better_auth.user_email_folded_idx');
    await refused(signIn(client, 'ada@example.com', foreign.password), INVALID_EMAIL_OR_PASSWORD);
    assert.ok((await doctor(client)).some(({ message }) => message.includes('user_email_folded_idx')));
    await client.query('SELECT * FROM better_auth.migrate()');
    assert.equal((await signIn(client, 'ada@example.com', foreign.password)).user.id, 'user0');
  });
});

test('no search reads a whole table', async (t) => {
  const { database, client } = await server.database(t);
  await client.query(`
    INSERT INTO better_auth."user" (id, name, email, "emailVerified") SELECT 'u' || i, 'x', 'u' || i || '@example.com', true FROM generate_series(1, 20000) i;
    INSERT INTO better_auth.account (id, "accountId", "providerId", "userId", "updatedAt") SELECT 'a' || i, 'gh' || i, 'github', 'u' || i, now() FROM generate_series(1, 20000) i;
    INSERT INTO better_auth.verification (id, identifier, value, "expiresAt") SELECT 'v' || i, 'reset-password:' || i, 'u' || i, now() + interval '1 hour' FROM generate_series(1, 20000) i;
    INSERT INTO better_auth.session (id, token, "userId", "expiresAt", "updatedAt") SELECT 's' || i, 't' || i, 'u' || i, now() + interval '7 days', now() FROM generate_series(1, 20000) i;
    ANALYZE`);
  await configure(client, database, { ...SETTINGS, rate_limit: 'off' });
  const one = await database.connect();
  // What this transaction has done is counted before it is over.
  await one.query('BEGIN');
  const scans = () =>
    one.value(`SELECT jsonb_object_agg(relname, seq_scan) FROM pg_stat_xact_user_tables WHERE schemaname = 'better_auth' AND relname IN ('user', 'session', 'account', 'verification')`);
  const before = await scans();
  const email = freshEmail();
  const { token } = await signUp(one, { email });
  await signIn(one, email);
  await one.query('SAVEPOINT s');
  await refused(signIn(one, freshEmail()), INVALID_EMAIL_OR_PASSWORD);
  await one.query('ROLLBACK TO s');
  await one.call('link_account', { provider_id: 'github', account_id: 'gh77', email: 'u77@example.com', name: 'x', email_verified: true });
  await one.call('link_account', { provider_id: 'github', account_id: 'new', email: freshEmail(), name: 'x', email_verified: true });
  await one.call('request_password_reset', { email });
  await one.call('reset_password', { token: await mail(one, 'reset-password', email), new_password: 'another password' });
  await one.call('list_sessions', { session_token: token });
  await one.call('list_accounts', { session_token: token });
  await one.call('revoke_other_sessions', { session_token: token });
  await one.call('change_password', { session_token: token, current_password: 'another password', new_password: PASSWORD });
  await one.call('update_user', { session_token: token, name: 'x' });
  await one.call('bridge_token', { session_token: token });
  await one.call('delete_user', { session_token: token, password: PASSWORD });
  const after = await scans();
  assert.deepEqual(after, before);
  await one.query('SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off; SELECT FROM better_auth.account');
  assert.notDeepEqual(await scans(), before, 'a scan is counted');
  await one.query('COMMIT');
});
