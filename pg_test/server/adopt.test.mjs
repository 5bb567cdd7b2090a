// CREATE EXTENSION in a database that has Better Auth's tables already, in every form they are found in.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  betterAuthDdl, foreign, freshEmail, ident, INVALID_EMAIL_OR_PASSWORD, PASSWORD, refused, server, signIn, signUp, wholeFlow,
} from './lib.mjs';

/** A user, a session and a credential account as a Better Auth server left them. */
const EXISTING = { id: 'kTz3YbQwXn0pLs8VdRf6JmHc2AuEg5Wo', email: 'old@example.com', token: 'oldtokenoldtokenoldtokenoldtoken' };
const UUID = '6f0e9b5c-3d0a-4d6e-9a43-0f6a3c1d2b4e';

const insertExisting = (id = EXISTING.id) => `
  INSERT INTO better_auth."user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
  VALUES ('${id}', 'Old', '${EXISTING.email}', true, '2026-01-02 03:04:05.678', '2026-02-03 04:05:06.789');
  INSERT INTO better_auth.account (id, "accountId", "providerId", "userId", password, "createdAt", "updatedAt")
  VALUES ('${id}', '${id}', 'credential', '${id}', '${foreign.hash}', '2026-01-02 03:04:05.678', '2026-02-03 04:05:06.789');
  INSERT INTO better_auth.session (id, token, "userId", "expiresAt", "createdAt", "updatedAt")
  VALUES ('${id}', '${EXISTING.token}', '${id}', date_trunc('second', now() AT TIME ZONE 'UTC') + interval '6 days 23 hours', '2026-01-02 03:04:05.678', '2026-02-03 04:05:06.789');`;

/** The rows as text, without columns that were added since. */
const rows = (client, columns = {}) =>
  Promise.all(
    ['user', 'account', 'session'].map(async (table) => {
      const names = columns[table] ??= await client.column(
        `SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 ORDER BY attnum`,
        [`better_auth."${table}"`],
      );
      return client.column(`SELECT ROW(${names.join(', ')})::text FROM better_auth."${table}" ORDER BY id`);
    }),
  );

/** Each: its DDL, the id of the existing user, and what must hold of a row that sign-up wrote. */
const FORMS = {
  'Better Auth 1.6 and 1.7.25': { ddl: betterAuthDdl },

  'Better Auth 1.7.1, with account.issuer': {
    ddl: `${betterAuthDdl}
      ALTER TABLE better_auth.account ADD COLUMN issuer text NOT NULL DEFAULT 'local:credential';
      ALTER TABLE better_auth.account ALTER COLUMN issuer DROP DEFAULT;
      CREATE UNIQUE INDEX "account_issuer_accountId_uidx" ON better_auth.account (issuer, "accountId");`,
    existing: insertExisting().replace(`"providerId", "userId"`, `"providerId", issuer, "userId"`)
      .replace(`'credential', '`, `'credential', 'local:credential', '`),
    async check(client, user) {
      const issuers = await client.column(`SELECT issuer FROM better_auth.account WHERE "userId" = $1`, [user.id]);
      assert.deepEqual(issuers, ['local:credential']);
    },
  },

  'timestamp without time zone': {
    ddl: betterAuthDdl.replaceAll('timestamp with time zone', 'timestamp without time zone'),
    async check(client, user) {
      const [written] = (
        await client.query(
          `SELECT "createdAt"::text AS created, "updatedAt"::text AS updated FROM better_auth."user" WHERE id = $1`,
          [user.id],
        )
      ).rows;
      const utc = (text) => new Date(`${text.replace(' ', 'T')}Z`).toISOString();
      assert.equal(utc(written.created), user.createdAt);
      assert.equal(utc(written.updated), user.updatedAt);
    },
  },

  'uuid ids': {
    ddl: betterAuthDdl
      .replaceAll('\n    id text NOT NULL', '\n    id uuid DEFAULT pg_catalog.gen_random_uuid() NOT NULL')
      .replaceAll('"userId" text NOT NULL', '"userId" uuid NOT NULL'),
    existing: insertExisting(UUID),
    id: UUID,
    async check(client, user) {
      assert.match(user.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      assert.equal(await client.value(`SELECT "accountId" FROM better_auth.account WHERE "userId" = $1`, [user.id]), user.id);
    },
  },

  'varchar(255)': { ddl: betterAuthDdl.replaceAll(/ text\b/g, ' character varying(255)') },

  'columns of organization, admin, username and twoFactor': {
    ddl: `${betterAuthDdl}
      ALTER TABLE better_auth."user" ADD "twoFactorEnabled" boolean, ADD role text, ADD banned boolean DEFAULT false,
        ADD "banReason" text, ADD "banExpires" timestamptz, ADD username text UNIQUE, ADD "displayUsername" text;
      ALTER TABLE better_auth.session ADD "activeOrganizationId" text, ADD "activeTeamId" text, ADD "impersonatedBy" text;`,
  },

  'columns that are NOT NULL, with a default and without': {
    ddl: `${betterAuthDdl}
      ALTER TABLE better_auth."user" ADD plan text NOT NULL DEFAULT 'free', ADD "loginCount" integer NOT NULL DEFAULT 7,
        ADD "Öde ""Spalte""" text, ADD serial_no bigint GENERATED ALWAYS AS IDENTITY, ADD shout text GENERATED ALWAYS AS (upper(name)) STORED;
      ALTER TABLE better_auth.session ADD tags jsonb NOT NULL DEFAULT '[]';`,
    /** Once the old rows are there, the defaults go. */
    async harden(client) {
      await client.query(`
        ALTER TABLE better_auth."user" ADD newsletter boolean NOT NULL DEFAULT true, ADD prefs jsonb NOT NULL DEFAULT '{"a":1}',
          ADD bio text NOT NULL DEFAULT 'x', ADD karma numeric NOT NULL DEFAULT 5, ADD seen timestamptz NOT NULL DEFAULT '2020-01-01',
          ADD seen_at timestamp NOT NULL DEFAULT '2020-01-01', ADD "Öde ""NN""" text NOT NULL DEFAULT 'x';
        ALTER TABLE better_auth."user" ALTER newsletter DROP DEFAULT, ALTER prefs DROP DEFAULT, ALTER bio DROP DEFAULT,
          ALTER karma DROP DEFAULT, ALTER seen DROP DEFAULT, ALTER seen_at DROP DEFAULT, ALTER "Öde ""NN""" DROP DEFAULT;
        ALTER TABLE better_auth.session ADD device jsonb NOT NULL DEFAULT '{}', ADD trusted boolean NOT NULL DEFAULT true;
        ALTER TABLE better_auth.session ALTER device DROP DEFAULT, ALTER trusted DROP DEFAULT;`);
    },
    async check(client, user) {
      const [row] = (await client.query(`SELECT to_jsonb(u) AS u FROM better_auth."user" u WHERE id = $1`, [user.id])).rows;
      const { plan, loginCount, shout, newsletter, prefs, bio, karma, 'Öde "NN"': odd } = row.u;
      assert.deepEqual(
        { plan, loginCount, shout, newsletter, prefs, bio, karma, odd },
        { plan: 'free', loginCount: 7, shout: 'ADA', newsletter: false, prefs: {}, bio: '', karma: 0, odd: '' },
      );
    },
  },

  'no column image': {
    ddl: betterAuthDdl.replace('    image text,\n', ''),
    steps: ['add column better_auth."user"."image"'],
  },

  'no index on userId, no unique email': {
    ddl: betterAuthDdl.replace(/CREATE INDEX "session_userId_idx".*;/, '').replace(/ALTER TABLE ONLY better_auth."user"\s+ADD CONSTRAINT user_email_key.*;/, ''),
    steps: ['create index better_auth."user_email_uidx"', 'create index better_auth."session_userId_idx"'],
  },

  'tables of another role': { ddl: betterAuthDdl, owner: true },
};

describe('existing tables', () => {
  for (const [form, { ddl, existing = insertExisting(), id = EXISTING.id, owner, harden, steps = [], check }] of Object.entries(FORMS)) {
    test(`${form}: kept as they are, and everything works on them`, async (t) => {
      const role = await server.role(t, 'owner');
      const database = await server.emptyDatabase(t);
      const admin = await database.connect();
      if (owner) {
        await admin.query(`GRANT CREATE ON DATABASE ${ident(database.name)} TO ${ident(role)}; SET ROLE ${ident(role)}`);
      }
      await admin.query(ddl);
      await admin.query(`SET TimeZone = 'UTC'; ${existing}; RESET TimeZone`);
      await admin.query('RESET ROLE');
      if (owner) {
        // A schema's owner can replace what is in it, the secrets too: refused, with what to do about it.
        const error = await refused(admin.query('CREATE EXTENSION better_auth'), { code: '42501' });
        await admin.query(error.hint.slice(error.hint.indexOf('ALTER SCHEMA')));
      }
      await harden?.(admin);
      const columns = {};
      const before = await rows(admin, columns);
      assert.deepEqual(before.map((table) => table.length), [1, 1, 1]);

      await admin.query('CREATE EXTENSION better_auth');
      assert.deepEqual(await rows(admin, columns), before);
      await admin.query('DROP EXTENSION better_auth; CREATE EXTENSION better_auth');
      assert.deepEqual(await rows(admin, columns), before);
      assert.deepEqual((await admin.query('SELECT * FROM better_auth.migrate()')).rows, []);
      await checkSteps(t, ddl, steps);

      // Far from UTC, so that a local time where UTC belongs is hours off.
      const client = await database.connect({ set: { TimeZone: 'America/New_York' } });
      const user = await wholeFlow(client);
      await check?.(client, user);

      const live = await client.call('get_session', { session_token: EXISTING.token });
      assert.equal(live.user.id, id);
      assert.equal(live.user.createdAt, '2026-01-02T03:04:05.678Z');
      assert.equal(live.user.updatedAt, '2026-02-03T04:05:06.789Z');
      assert.equal(live.session.createdAt, '2026-01-02T03:04:05.678Z');
      const after = await rows(admin, columns);
      assert.deepEqual(before.flat().filter((row) => !after.flat().includes(row)), []);
      const old = await signIn(client, EXISTING.email, foreign.password);
      assert.equal(old.user.id, id);
      await refused(signIn(client, EXISTING.email, 'password12345'), INVALID_EMAIL_OR_PASSWORD);
      await refreshAndExpiry(client, admin);
    });
  }
});

/** What migrate() reports on an installation whose other tables are there. */
async function checkSteps(t, ddl, expected) {
  const { client } = await server.database(t);
  await client.query(`DROP TABLE better_auth.session, better_auth.account, better_auth."user", better_auth.verification`);
  await client.query(ddl.replace('CREATE SCHEMA better_auth;', ''));
  const { rows: steps } = await client.query('SELECT * FROM better_auth.migrate()');
  assert.deepEqual(steps.map(({ action, object }) => `${action} ${object}`), expected);
}

/** A session is prolonged once it is a day old, and dead when its time is over, by UTC. */
async function refreshAndExpiry(client, admin) {
  const { token } = await signUp(client);
  const age = (shift) =>
    admin.query(`SET TimeZone = 'UTC'`).then(() =>
      admin.query(`UPDATE better_auth.session SET "expiresAt" = "expiresAt" - $2::interval WHERE token = $1`, [token, shift]),
    );
  const expiresAt = async () => Date.parse((await client.call('get_session', { session_token: token })).session.expiresAt);
  const first = await expiresAt();
  await age('23 hours');
  assert.equal(await expiresAt(), first - 23 * 3_600_000);
  await age('2 hours');
  const prolonged = await expiresAt();
  assert.ok(prolonged >= first && prolonged < first + 60_000, `${new Date(prolonged).toISOString()}`);
  await age('6 days 23 hours 58 minutes');
  const soon = (await client.call('get_session', { session_token: token, disable_refresh: true })).session;
  assert.equal(Date.parse(soon.expiresAt), prolonged - (7 * 86_400 - 120) * 1_000);
  await age('5 minutes');
  assert.equal(await client.call('get_session', { session_token: token }), null);
  assert.equal(await admin.value('SELECT count(*)::int FROM better_auth.session WHERE token = $1', [token]), 0);
}

describe('a password that Better Auth hashed', () => {
  async function existing(t, set) {
    const database = await server.emptyDatabase(t);
    const client = await database.connect({ set });
    await client.query(betterAuthDdl);
    await client.query(insertExisting());
    await client.query('CREATE EXTENSION better_auth');
    return { client, stored: () => client.value('SELECT password FROM better_auth.account') };
  }

  test('is hashed anew as argon2id when its owner signs in', async (t) => {
    const { client, stored } = await existing(t);
    await refused(signIn(client, EXISTING.email, 'wrong password'), INVALID_EMAIL_OR_PASSWORD);
    assert.equal(await stored(), foreign.hash);
    await signIn(client, EXISTING.email, foreign.password);
    const hash = await stored();
    assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    await signIn(client, EXISTING.email, foreign.password);
    assert.equal(await stored(), hash);
  });

  test(`stays as it is with better_auth.password_hash = 'scrypt'`, async (t) => {
    const { client, stored } = await existing(t);
    await client.query(`SET better_auth.password_hash = 'scrypt'`);
    await signIn(client, EXISTING.email, foreign.password);
    assert.equal(await stored(), foreign.hash);
    const { user } = await signUp(client);
    const fresh = await client.value('SELECT password FROM better_auth.account WHERE "userId" = $1', [user.id]);
    assert.match(fresh, /^[0-9a-f]{32}:[0-9a-f]{128}$/);
    await signIn(client, user.email, PASSWORD);
  });
});

describe('what cannot be adopted is refused, and left as it was', () => {
  const cases = {
    'ids that the database counts': [
      betterAuthDdl.replaceAll('\n    id text NOT NULL', '\n    id integer GENERATED BY DEFAULT AS IDENTITY NOT NULL')
        .replaceAll('"userId" text NOT NULL', '"userId" integer NOT NULL'),
      { code: '55000', message: /column "id" of better_auth\."user" is neither text nor uuid.*serial.*not supported/ },
    ],
    'a view named user': [
      `CREATE SCHEMA better_auth; CREATE TABLE public.people (id text); CREATE VIEW better_auth."user" AS SELECT id FROM public.people`,
      { code: '55000', message: 'better_auth."user" exists but is not a table' },
    ],
  };
  for (const [name, [ddl, expected]] of Object.entries(cases)) {
    test(name, async (t) => {
      const database = await server.emptyDatabase(t);
      const client = await database.connect();
      await client.query(ddl);
      const objects = `SELECT relname FROM pg_class WHERE relnamespace = 'better_auth'::regnamespace ORDER BY 1`;
      const before = await client.column(objects);
      await refused(client.query('CREATE EXTENSION better_auth'), expected);
      assert.deepEqual(await client.column(objects), before);
      assert.equal(await client.value(`SELECT count(*)::int FROM pg_extension WHERE extname = 'better_auth'`), 0);
    });
  }
});

test('a column that was added while connections are open is filled at the next sign-up', async (t) => {
  const { database, client } = await server.database(t);
  const other = await database.connect();
  await signUp(other);
  await client.query(`ALTER TABLE better_auth."user" ADD bio text NOT NULL DEFAULT 'x'`);
  await client.query(`ALTER TABLE better_auth."user" ALTER bio DROP DEFAULT`);
  const { user } = await signUp(other);
  assert.equal(await client.value('SELECT bio FROM better_auth."user" WHERE id = $1', [user.id]), '');
  await client.query(`ALTER TABLE better_auth."user" DROP bio`);
  await signUp(other);
});

test('tables that were dropped and made anew while connections are open are found', async (t) => {
  const { database, client } = await server.database(t);
  const other = await database.connect();
  const email = freshEmail();
  await signUp(other, { email });
  await client.query(`DROP TABLE better_auth.session, better_auth.account, better_auth."user"`);
  await refused(signUp(other, { email }), { code: '42P01', hint: /migrate\(\)/ });
  await client.query('SELECT * FROM better_auth.migrate()');
  await signUp(other, { email });
});

describe('the InsForge scaffold', () => {
  const BOOTSTRAP = `
    CREATE EXTENSION IF NOT EXISTS pgcrypto;
    create or replace function public.requesting_user_id() returns text language sql stable
    as $$ select nullif(current_setting('request.jwt.claims', true)::json->>'sub', '')::text $$;`;

  const asUser = async (client, role, sub, query) => {
    await client.query('BEGIN');
    await client.query(`SET LOCAL ROLE ${ident(role)}`);
    await client.query(`SELECT set_config('request.jwt.claims', $1, true)`, [JSON.stringify({ sub, role })]);
    try {
      return await client.column(query);
    } finally {
      await client.query('ROLLBACK');
    }
  };

  test('its policies and rows stay, and row level security works as before', async (t) => {
    const role = await server.role(t, 'authenticated');
    const database = await server.emptyDatabase(t);
    const client = await database.connect();
    await client.query(betterAuthDdl + BOOTSTRAP + insertExisting());
    await client.query(`
      CREATE TABLE public.posts (
        id int PRIMARY KEY, title text,
        user_id text NOT NULL DEFAULT public.requesting_user_id() REFERENCES better_auth."user" (id));
      ALTER TABLE public.posts ENABLE ROW LEVEL SECURITY;
      CREATE POLICY own ON public.posts USING (user_id = public.requesting_user_id()) WITH CHECK (user_id = (SELECT public.requesting_user_id()));
      GRANT SELECT, INSERT ON public.posts TO ${ident(role)};
      INSERT INTO public.posts VALUES (1, 'theirs', '${EXISTING.id}');`);
    const state = async () => ({
      policies: await client.column(`SELECT polname || pg_get_expr(polqual, polrelid) || pg_get_expr(polwithcheck, polrelid) FROM pg_policy`),
      posts: await client.column('SELECT posts::text FROM public.posts'),
      theirs: await asUser(client, role, EXISTING.id, 'SELECT title FROM public.posts'),
      others: await asUser(client, role, 'somebody else', 'SELECT title FROM public.posts'),
      nobody: await asUser(client, role, '', 'SELECT title FROM public.posts'),
      inserted: await asUser(client, role, EXISTING.id, `INSERT INTO public.posts (id, title) VALUES (2, 'x') RETURNING user_id`),
    });
    const before = await state();
    assert.deepEqual([before.policies.length, before.theirs, before.others, before.nobody], [1, ['theirs'], [], []]);
    assert.deepEqual(before.inserted, [EXISTING.id]);

    await client.query('CREATE EXTENSION better_auth');
    assert.equal(await client.value(`SELECT l.lanname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.proname = 'requesting_user_id'`), 'c');
    assert.deepEqual(await state(), before);
    await refused(asUser(client, role, 'somebody else', `INSERT INTO public.posts VALUES (3, 'x', '${EXISTING.id}')`), { code: '42501' });
    await wholeFlow(client);

    // The next deployment runs the bootstrap again.
    await client.query(BOOTSTRAP);
    assert.deepEqual(await state(), before);
    await client.query(`SELECT * FROM better_auth.migrate()`);
    assert.deepEqual(await state(), before);
  });

  test('DROP EXTENSION does not take the policies along silently', async (t) => {
    const { client } = await server.database(t);
    await client.query(`
      CREATE TABLE public.posts (user_id text);
      CREATE POLICY own ON public.posts USING (user_id = public.requesting_user_id())`);
    await refused(client.query('DROP EXTENSION better_auth'), { code: '2BP01', detail: /policy own on table posts depends on function requesting_user_id\(\)/ });
  });

  for (const returns of ['uuid', 'SETOF text']) {
    test(`a requesting_user_id() that returns ${returns} is refused`, async (t) => {
      const database = await server.emptyDatabase(t);
      const client = await database.connect();
      await client.query(`CREATE FUNCTION public.requesting_user_id() RETURNS ${returns} LANGUAGE sql STABLE AS 'SELECT NULL::${returns.replace('SETOF ', '')}'`);
      await refused(client.query('CREATE EXTENSION better_auth'), {
        code: '42723',
        message: 'public.requesting_user_id() exists and does not return text',
        hint: /Rename it before installing better_auth/,
      });
      assert.equal(await client.value(`SELECT to_regnamespace('better_auth')`), null);
      assert.equal(await client.value('SELECT count(*)::int FROM public.requesting_user_id()'), 1);
    });
  }

  test('a requesting_user_id() of another role becomes the superuser\'s', async (t) => {
    const role = await server.role(t, 'owner');
    const database = await server.emptyDatabase(t);
    const client = await database.connect();
    await client.query(`GRANT CREATE ON SCHEMA public TO ${ident(role)}; SET ROLE ${ident(role)}; ${BOOTSTRAP.replace(/CREATE EXTENSION.*;/, '')} RESET ROLE`);
    await client.query('CREATE EXTENSION better_auth');
    assert.equal(await client.value(`SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE proname = 'requesting_user_id'`), 'postgres');
  });
});
