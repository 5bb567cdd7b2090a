// The schema: what the real `better-auth migrate` and this extension make, each on its own and after
// the other.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  admin,
  anonymous,
  deviceAuthorization,
  jwt,
  lastLoginMethod,
  organization,
  phoneNumber,
  twoFactor,
  username,
} from 'better-auth/plugins';
import {
  DIFFERENCES,
  PASSWORD,
  TABLES,
  createDatabase,
  createExtensionDatabase,
  createRealDatabase,
  ourAuth,
  realAuth,
  realMigrate,
  realPlan,
} from './lib.mjs';
import { define, migrate, tablesOf } from './schema.mjs';

const OWN_TABLES = ['fetch_outbox', 'mail_outbox', 'oauth_provider', 'provider_key', 'rateLimit', 'signing_secret'];
const ada = { name: 'Ada', email: 'ada@example.com', password: PASSWORD };
const signIn = { email: ada.email, password: PASSWORD };

/** Every plugin that better-auth ships and that adds to the schema. */
const plugins = () => [
  admin(),
  anonymous(),
  deviceAuthorization(),
  jwt(),
  lastLoginMethod({ storeInDatabase: true }),
  organization({ teams: { enabled: true }, dynamicAccessControl: { enabled: true } }),
  phoneNumber({ sendOTP: () => {} }),
  twoFactor(),
  username(),
];

const nothing = { created: [], added: [], warnings: [] };
async function assertNothingToDo(database, options) {
  const { run, ...plan } = await realPlan(database, options);
  assert.deepEqual(plan, nothing);
}

/** Both sign a user up, and each signs the user of the other in. */
async function assertBothWork(database, options) {
  await database.sql(`DELETE FROM better_auth."user"`);
  await database.configure({ password_hash: 'scrypt' });
  const [real, ours] = [realAuth(database, options), ourAuth(database)];
  for (const [writer, reader, email] of [
    [ours, real, 'ours@example.com'],
    [real, ours, 'real@example.com'],
  ]) {
    const { ok, error } = await writer.call('signUp', { ...ada, email });
    assert.ok(ok, `${email}: ${JSON.stringify(error)}`);
    const session = (await reader.call('getSession', {}, { token: ok.token })).ok;
    assert.equal(session?.user.email, email);
    const again = await reader.call('signIn', { email, password: PASSWORD });
    assert.equal(again.ok?.user.id, ok.user.id, `${email}: ${JSON.stringify(again.error)}`);
    assert.equal((await writer.call('listSessions', {}, { token: ok.token })).ok.length, 2);
    await writer.call('revokeSession', { token: again.ok.token }, { token: ok.token });
    assert.equal((await reader.call('getSession', {}, { token: again.ok.token })).ok, null);
    assert.deepEqual((await reader.call('signOut', {}, { token: ok.token })).ok, { success: true });
    assert.equal((await writer.call('getSession', {}, { token: ok.token })).ok, null);
  }
}

describe('the extension first', () => {
  test('the real migrate finds nothing to do, and warns of nothing', async () => {
    await assertNothingToDo(await createExtensionDatabase());
  });

  test('the tables are those of the real migrate, to the last detail', async () => {
    const [ours, real] = [await createExtensionDatabase(), await createRealDatabase()];
    assert.deepEqual(await tablesOf(real), [...TABLES].sort());
    assert.deepEqual(await tablesOf(ours), [...TABLES, ...OWN_TABLES].sort());
    assert.deepEqual(await define(ours, TABLES), await define(real, TABLES));
  });

  test('both work on it', async () => {
    await assertBothWork(await createExtensionDatabase());
  });

  test('the real migrate adds the plugins, the same as on its own tables', async () => {
    const options = { plugins: plugins() };
    const ours = await createExtensionDatabase();
    const real = await createRealDatabase();
    const plan = await realMigrate(ours, options);
    await realMigrate(real, options);
    assert.deepEqual(plan.created.filter((table) => TABLES.includes(table)), []);
    assert.ok(plan.created.length >= 8, `plugins make tables: ${plan.created}`);
    assert.ok(plan.added.includes('user.username') && plan.added.includes('session.impersonatedBy'), `${plan.added}`);
    const tables = await tablesOf(real);
    assert.deepEqual(await tablesOf(ours), [...tables, ...OWN_TABLES].sort());
    assert.deepEqual(await define(ours, tables), await define(real, tables));
    assert.deepEqual(await migrate(ours), [], 'our own migrate has nothing to add');
    await assertBothWork(ours, options);
  });

  test('a connection goes on when the real migrate adds a plugin meanwhile', async () => {
    const database = await createExtensionDatabase();
    await database.connection(async (client) => {
      const call = async (text, values) => (await client.query(`SELECT better_auth.${text} AS answer`, values)).rows[0].answer;
      const { token, user } = await call('sign_up_email($1, $2, $3)', [ada.email, PASSWORD, ada.name]);
      const before = await call('get_session($1)', [token]);
      await realMigrate(database, { plugins: plugins() });
      assert.deepEqual(await call('get_session($1)', [token]), before);
      assert.deepEqual((await call('sign_in_email($1, $2)', [ada.email, PASSWORD])).user, user);
      assert.equal((await call('list_sessions($1)', [token])).length, 2);
      assert.equal((await call('sign_up_email($1, $2, $3)', ['bob@example.com', PASSWORD, 'Bob'])).user.name, 'Bob');
      assert.deepEqual(await call('revoke_sessions($1)', [token]), { status: true });
    });
  });

  test('a plugin works with a user who signed up here: username', async () => {
    const options = { plugins: [username()] };
    const database = await createExtensionDatabase();
    await database.configure({ password_hash: 'scrypt' });
    await realMigrate(database, options);
    const { auth } = realAuth(database, options);
    const { ok } = await ourAuth(database).call('signUp', ada);
    await database.sql('UPDATE "user" SET username = $1 WHERE id = $2', ['ada', ok.user.id]);
    const answer = await auth.api.signInUsername({ body: { username: 'ada', password: PASSWORD } });
    assert.equal((await ourAuth(database).call('getSession', {}, { token: answer.token })).ok.user.id, ok.user.id);
  });

  test(DIFFERENCES.pluginDefaults, async () => {
    const options = { plugins: plugins() };
    const database = await createExtensionDatabase();
    await realMigrate(database, options);
    const rowOf = async (auth, email) => {
      const { ok } = await auth.call('signUp', { ...ada, email });
      const [user] = await database.sql('SELECT * FROM "user" WHERE id = $1', [ok.user.id]);
      const [session] = await database.sql('SELECT * FROM session WHERE token = $1', [ok.token]);
      return { ...session, ...user };
    };
    const their = await rowOf(realAuth(database, options), 'real@example.com');
    const our = await rowOf(ourAuth(database), 'ours@example.com');
    const different = Object.keys(their).filter((column) => `${their[column]}` !== `${our[column]}`);
    const personal = ['id', 'email', 'token', 'userId', 'createdAt', 'updatedAt', 'expiresAt'];
    assert.deepEqual(different.filter((column) => !personal.includes(column)).sort(), ['lastLoginMethod', 'role']);
    assert.deepEqual([their.role, our.role], ['user', null]);
  });

  // What a plugin's column forbids, sign-in here refuses too; the second factor itself it doesn't know.
  for (const [name, plugin, setup, expected] of [
    ['admin: a banned user gets no session', admin(), '"banned" = true', { error: 'BANNED_USER', our: ['BANNED_USER', '42501'] }],
    ['twoFactor: the password alone gets no session', twoFactor(), '"twoFactorEnabled" = true', { error: undefined, our: [undefined, '0A000'] }],
  ]) {
    test(name, async () => {
      const options = { plugins: [plugin] };
      const database = await createExtensionDatabase();
      await database.configure({ password_hash: 'scrypt' });
      await realMigrate(database, options);
      await ourAuth(database).call('signUp', ada);
      await database.sql(`UPDATE "user" SET ${setup}`);
      const their = await realAuth(database, options).call('signIn', signIn);
      assert.deepEqual([their.ok?.token, their.error?.code], [undefined, expected.error]);
      const our = await ourAuth(database).call('signIn', signIn);
      assert.deepEqual([our.ok, our.error?.code, our.error?.sqlstate], [undefined, ...expected.our]);
      assert.equal((await database.sql('SELECT FROM session')).length, 1); // the one of sign-up
    });
  }

  test('DROP EXTENSION leaves tables that Better Auth goes on with, CREATE EXTENSION adopts them', async () => {
    const database = await createExtensionDatabase();
    const definition = await define(database, TABLES);
    const { ok } = await ourAuth(database).call('signUp', ada);
    const secrets = await database.sql('SELECT * FROM signing_secret ORDER BY name');
    await database.sql('DROP EXTENSION better_auth');
    assert.deepEqual(await define(database, TABLES), definition);
    await assertNothingToDo(database);
    assert.equal((await realAuth(database).call('getSession', {}, { token: ok.token })).ok.user.id, ok.user.id);
    await database.sql('CREATE EXTENSION better_auth');
    assert.deepEqual(await define(database, TABLES), definition);
    assert.deepEqual(await database.sql('SELECT * FROM signing_secret ORDER BY name'), secrets);
    assert.equal((await ourAuth(database).call('getSession', {}, { token: ok.token })).ok.user.id, ok.user.id);
    await assertBothWork(database);
  });
});

describe('the real migrate first', () => {
  test('CREATE EXTENSION adopts its tables as they are, with their users', async () => {
    const database = await createRealDatabase();
    const before = await define(database, TABLES);
    const { ok } = await realAuth(database).call('signUp', ada);
    const rows = () => database.sql('SELECT u.*, a.*, s.* FROM "user" u JOIN account a ON a."userId" = u.id JOIN session s ON s."userId" = u.id');
    const users = await rows();
    assert.equal(users.length, 1);
    await database.sql('CREATE EXTENSION better_auth');
    assert.deepEqual(await define(database, TABLES), before);
    assert.deepEqual(await tablesOf(database), [...TABLES, ...OWN_TABLES].sort());
    assert.deepEqual(await rows(), users);
    assert.deepEqual(await migrate(database), []);
    const signedIn = await ourAuth(database).call('signIn', signIn);
    assert.deepEqual(signedIn.ok?.user, ok.user);
    assert.equal((await ourAuth(database).call('getSession', {}, { token: ok.token })).ok.session.token, ok.token);
    await assertNothingToDo(database);
    await assertBothWork(database);
  });

  test("migrate() makes this extension's own things only", async () => {
    const database = await createRealDatabase();
    await database.connection(async (client) => {
      await client.query('SET row_security = off'); // as a restore does: the script leaves the tables alone
      await client.query('CREATE EXTENSION better_auth');
    });
    assert.deepEqual(await tablesOf(database), [...TABLES].sort());
    const steps = await migrate(database);
    assert.deepEqual(steps, [
      'create index better_auth."user_email_folded_idx"',
      'create index better_auth."account_accountId_search_idx"',
      'create index better_auth."verification_value_search_idx"',
      'create index better_auth."verification_expiresAt_search_idx"',
      'create table better_auth."rateLimit"',
      'create index better_auth."rateLimit_lastRequest_search_idx"',
      'create table better_auth.mail_outbox',
      'create index better_auth."mail_outbox_available_at_idx"',
      'create table better_auth.signing_secret',
      'create table better_auth.oauth_provider',
      'create trigger oauth_provider_changed on better_auth.oauth_provider',
      'create trigger oauth_provider_truncated on better_auth.oauth_provider',
      'create table better_auth.provider_key',
      'create trigger provider_key_changed on better_auth.provider_key',
      'create trigger provider_key_truncated on better_auth.provider_key',
      'create table better_auth.fetch_outbox',
      'create index better_auth."fetch_outbox_available_at_idx"',
      'create index better_auth.signing_secret_current',
      'create trigger signing_secret_arrives on better_auth.signing_secret',
      'create trigger signing_secret_changed on better_auth.signing_secret',
      'create trigger signing_secret_truncated on better_auth.signing_secret',
      'create secret cookie',
      'create secret jwt',
      'create function public.requesting_user_id()',
      'create function public.requesting_user_is(text)',
      'create function public.requesting_organization_id()',
      'create function public.requesting_organization_ids()',
      'create function public.requesting_organization_role(text)',
      'create function public.requesting_user_has_permission(text, jsonb)',
      'create function public.requesting_team_id()',
      'create function public.requesting_team_ids()',
    ]);
    assert.deepEqual(await migrate(database), []);
    await assertBothWork(database);
  });

  test('with its plugins', async () => {
    const options = { plugins: plugins() };
    const database = await createRealDatabase(options);
    const tables = await tablesOf(database);
    assert.ok(tables.length > 10);
    const before = await define(database, tables);
    await database.sql('CREATE EXTENSION better_auth');
    assert.deepEqual(await define(database, tables), before);
    assert.deepEqual(await migrate(database), []);
    await assertNothingToDo(database, options);
    await assertBothWork(database, options);
  });

  test('with uuid ids', async () => {
    const options = { advanced: { database: { generateId: 'uuid' } } };
    const database = await createRealDatabase(options);
    const before = await define(database, TABLES);
    assert.equal(before.user.columns[0].type, 'uuid');
    await database.sql('CREATE EXTENSION better_auth');
    assert.deepEqual(await define(database, TABLES), before);
    await assertNothingToDo(database, options);
    await assertBothWork(database, options);
  });

  test('with ids that the database counts', async () => {
    const options = { advanced: { database: { generateId: 'serial' } } };
    const database = await createRealDatabase(options);
    const before = await define(database, TABLES);
    assert.equal(before.user.columns[0].type, 'integer');
    await database.sql('CREATE EXTENSION better_auth');
    assert.deepEqual(await define(database, TABLES), before);
    await assertBothWork(database, options);
  });

  // Better Auth's modelName and fields, and the settings that say the same.
  const NAMED = {
    'with other names for tables and columns': {
      options: {
        user: { modelName: 'users', fields: { emailVerified: 'email_verified', image: 'avatar' } },
        session: { modelName: 'sessions', fields: { userId: 'user_id', expiresAt: 'expires' } },
        account: { fields: { userId: 'owner', accountId: 'account-id', providerId: 'provider' } },
        verification: { modelName: 'Proofs' },
      },
      settings: {
        model_names: 'user=users, session=sessions, verification=Proofs',
        field_names: 'user.emailVerified=email_verified, user.image=avatar, session.userId=user_id, session.expiresAt=expires, account.userId=owner, account.accountId=account-id, account.providerId=provider',
      },
    },
  };
  for (const [name, { options, settings }] of Object.entries(NAMED)) {
    test(name, async () => {
      const database = await createRealDatabase(options);
      await database.configure(settings);
      const tables = ['users', 'sessions', 'account', 'Proofs'];
      const before = await define(database, tables);
      await database.sql('CREATE EXTENSION better_auth');
      assert.deepEqual(await define(database, tables), before);
      assert.deepEqual(await tablesOf(database), [...tables, ...OWN_TABLES].sort());
      assert.deepEqual(await migrate(database), []);
      await assertNothingToDo(database, options);
      await database.configure({ ...settings, password_hash: 'scrypt' });
      const [real, ours] = [realAuth(database, options), ourAuth(database)];
      for (const [writer, reader, email] of [[ours, real, 'ours@example.com'], [real, ours, 'real@example.com']]) {
        const { ok, error } = await writer.call('signUp', { ...ada, email });
        assert.ok(ok, JSON.stringify(error));
        assert.equal((await reader.call('getSession', {}, { token: ok.token })).ok.user.email, email);
        const again = await reader.call('signIn', { email, password: PASSWORD });
        assert.deepEqual(again.ok?.user, ok.user, JSON.stringify(again.error));
      }
    });

    test(`${name}, that this extension makes`, async () => {
      const [ours, real] = [await createDatabase(), await createRealDatabase(options)];
      await ours.configure(settings);
      await ours.sql('CREATE EXTENSION better_auth');
      const tables = ['users', 'sessions', 'account', 'Proofs'];
      assert.deepEqual(await define(ours, tables), await define(real, tables));
      await assertNothingToDo(ours, options);
    });
  }

  const REPAIRS = {
    'a missing nullable column': ['ALTER TABLE "user" DROP COLUMN image', ['add column better_auth."user"."image"']],
    'a missing table': [
      'DROP TABLE verification',
      [
        'create table better_auth.verification', 'create index better_auth."verification_identifier_idx"',
        'create index better_auth."verification_value_search_idx"', 'create index better_auth."verification_expiresAt_search_idx"',
      ],
    ],
    'a missing index': ['DROP INDEX "session_userId_idx"', ['create index better_auth."session_userId_idx"']],
    'a missing unique constraint': ['ALTER TABLE session DROP CONSTRAINT session_token_key', ['create index better_auth."session_token_uidx"']],
    'several': [
      'ALTER TABLE account DROP COLUMN "idToken", DROP COLUMN scope; ALTER TABLE session DROP COLUMN "userAgent"',
      ['add column better_auth.session."userAgent"', 'add column better_auth.account."idToken"', 'add column better_auth.account."scope"'],
    ],
  };
  for (const [name, [damage, steps]] of Object.entries(REPAIRS)) {
    test(`${name} is made by migrate(), and the real one is content`, async () => {
      const database = await createRealDatabase();
      await database.sql('CREATE EXTENSION better_auth');
      await database.sql(damage);
      assert.deepEqual(await migrate(database), steps);
      await assertNothingToDo(database);
      await assertBothWork(database);
    });
  }
});

test('tables that the real migrate made in public are not passed over: the hint moves them', async () => {
  const database = await createDatabase();
  await realMigrate(database); // into public
  assert.equal(await database.value(`SELECT to_regclass('public.user')::text`), '"user"');
  const { ok } = await realAuth(database).call('signUp', ada);
  const refusal = await database.sql('CREATE EXTENSION better_auth').then(() => assert.fail('not refused'), (error) => error);
  assert.match(refusal.detail, /^schema public: .*public\."user", public\.session, public\.account, public\.verification$/);
  const run = refusal.hint.split('\n').filter((line) => !/^(Run:|--)/.test(line));
  assert.equal(run.length, 5, refusal.hint);
  await database.sql(run.join('\n'));
  await database.sql('CREATE EXTENSION better_auth');
  assert.deepEqual(await tablesOf(database), [...TABLES, ...OWN_TABLES].sort());
  assert.equal((await ourAuth(database).call('signIn', signIn)).ok?.user.id, ok.user.id);
  await assertNothingToDo(database);
  await assertBothWork(database);
});
