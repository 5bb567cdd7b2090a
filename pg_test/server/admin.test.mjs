// The admin plugin: requesting_user_is() in policies, bans while somebody signs in, calls of the server's own, PostgREST.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startStandIn } from '../postgrest/stand-in.mjs';
import { configure, configured, cookieOf, http, ORIGIN, set, unchanged } from './http.mjs';
import { betterAuthDdl, cleanup, freshEmail, ident, PASSWORD, refused, server, signIn, signUp, untilBlocked } from './lib.mjs';

const SETTINGS = { base_url: ORIGIN, rate_limit: 'off', plugins: 'admin' };
const BANNED = { code: '42501', detail: 'BANNED_USER' };

/** A database with the plugin on, an admin and a user; `ask` sends a request in somebody's session. */
async function withAdmin(t, settings = {}) {
  const { database, client } = await configured(t, { ...SETTINGS, ...settings });
  await client.query('SELECT * FROM better_auth.migrate()');
  const [root, ada] = [await signUp(client), await signUp(client)];
  await client.query(`UPDATE better_auth."user" SET role = 'admin' WHERE id = $1`, [root.user.id]);
  const ask = async (path, body, { by = root, on = client } = {}) =>
    http(on, body === undefined ? 'GET' : 'POST', `/admin/${path}`, { body, cookie: by && (await cookieOf(on, by.token)) });
  return { database, client, root, ada, ask };
}

const actAs = (client, id) => client.query(`SELECT set_config('request.jwt.claims', $1, false)`, [id === null ? '' : JSON.stringify({ sub: id })]);
const is = (client, role) => client.value('SELECT public.requesting_user_is($1)', [role]);

describe('requesting_user_is()', () => {
  test('tells a role, and nobody has one without a session', async (t) => {
    const { client, root, ada } = await withAdmin(t);
    const role = (id, value) => client.query('UPDATE better_auth."user" SET role = $2 WHERE id = $1', [id, value]);
    await actAs(client, root.user.id);
    assert.deepEqual([await is(client, 'admin'), await is(client, 'user'), await is(client, ''), await is(client, null)], [true, false, false, null]);
    await actAs(client, ada.user.id);
    assert.deepEqual([await is(client, 'admin'), await is(client, 'user')], [false, true]);
    await role(ada.user.id, 'editor,admin');
    assert.deepEqual([await is(client, 'admin'), await is(client, 'editor'), await is(client, 'editor,admin')], [true, true, false]);
    await role(ada.user.id, null);
    assert.deepEqual([await is(client, 'user'), await is(client, 'admin')], [true, false]);
    await set(client, { admin_default_role: 'guest' });
    assert.deepEqual([await is(client, 'user'), await is(client, 'guest')], [false, true]);
    await set(client, { admin_admin_user_ids: `x, ${ada.user.id}` });
    assert.deepEqual([await is(client, 'admin'), await is(client, 'guest')], [true, true]);
    for (const id of [null, 'nobody', '', `${ada.user.id}'`]) {
      await actAs(client, id);
      assert.equal(await is(client, 'guest'), null, id);
    }
    for (const claims of ['x', '{}', '[]', '{"sub": null}', '{"sub": {}}', '{"role": "admin"}', 'x'.repeat(2_000_000)]) {
      await client.query(`SELECT set_config('request.jwt.claims', $1, false)`, [claims]);
      assert.equal(await is(client, 'guest'), null, claims.slice(0, 20));
    }
  });

  test('is NULL for who is banned, until the ban is over', async (t) => {
    const { client, root } = await withAdmin(t);
    const ban = (until) => client.query('UPDATE better_auth."user" SET banned = true, "banExpires" = $2 WHERE id = $1', [root.user.id, until]);
    await actAs(client, root.user.id);
    await ban(null);
    assert.equal(await is(client, 'admin'), null);
    await ban(new Date(Date.now() + 3_600_000));
    assert.equal(await is(client, 'admin'), null);
    await ban(new Date(Date.now() - 3_600_000));
    assert.equal(await is(client, 'admin'), true);
  });

  test('sees what the statement sees', async (t) => {
    const { database, client, root } = await withAdmin(t);
    const role = (value, on = client) => on.query('UPDATE better_auth."user" SET role = $2 WHERE id = $1', [root.user.id, value]);
    const other = await database.connect();
    await actAs(client, root.user.id);
    await client.query('BEGIN');
    assert.equal(await is(client, 'admin'), true);
    await client.query('SAVEPOINT s');
    await role('user');
    assert.equal(await is(client, 'admin'), false);
    await client.query('ROLLBACK TO s');
    assert.equal(await is(client, 'admin'), true);
    await role('user');
    assert.equal(await is(client, 'admin'), false);
    await client.query('ROLLBACK');
    assert.equal(await is(client, 'admin'), true);

    await role('user', other);
    assert.equal(await is(client, 'admin'), false);
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    assert.equal(await is(client, 'admin'), false);
    await role('admin', other);
    assert.equal(await is(client, 'admin'), false);
    await client.query('COMMIT');
    assert.equal(await is(client, 'admin'), true);

    // Within one statement of the client's.
    await client.query(`
      CREATE TABLE seen (n int GENERATED ALWAYS AS IDENTITY, is_admin boolean);
      CREATE PROCEDURE look(id text) LANGUAGE plpgsql AS $$
      BEGIN
        FOR turn IN 1..2 LOOP
          INSERT INTO seen (is_admin) VALUES (public.requesting_user_is('admin'));
          UPDATE better_auth."user" SET role = 'user' WHERE better_auth."user".id = look.id;
          INSERT INTO seen (is_admin) VALUES (public.requesting_user_is('admin'));
          BEGIN
            UPDATE better_auth."user" SET role = 'admin' WHERE better_auth."user".id = look.id;
            INSERT INTO seen (is_admin) VALUES (public.requesting_user_is('admin'));
            RAISE division_by_zero;
          EXCEPTION WHEN division_by_zero THEN
            INSERT INTO seen (is_admin) VALUES (public.requesting_user_is('admin'));
          END;
          PERFORM set_config('request.jwt.claims', '{"sub": "nobody"}', false);
          INSERT INTO seen (is_admin) VALUES (public.requesting_user_is('admin'));
          PERFORM set_config('request.jwt.claims', jsonb_build_object('sub', id)::text, false);
          UPDATE better_auth."user" SET role = 'admin' WHERE better_auth."user".id = look.id;
          COMMIT;
        END LOOP;
      END $$`);
    await client.query('CALL look($1)', [root.user.id]);
    assert.deepEqual(await client.column('SELECT is_admin FROM seen ORDER BY n'), [true, false, false, null, true, false, false, null]);
  });

  test('looks once for a statement, in a policy and in parallel workers, as a role without any privilege', async (t) => {
    const role = await server.role(t);
    const { database, client, root, ada } = await withAdmin(t);
    await client.query(`
      CREATE TABLE public.notes (id int, user_id text);
      INSERT INTO public.notes SELECT n, $a$${ada.user.id}$a$ FROM generate_series(1, 50000) n;
      ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
      CREATE POLICY own ON public.notes USING (user_id = public.requesting_user_id() OR public.requesting_user_is('admin'));
      GRANT SELECT ON public.notes TO ${ident(role)};
      ANALYZE public.notes`);
    const app = await database.connect({ user: role });
    const count = () => app.value('SELECT count(*)::int FROM public.notes');
    const scans = `SELECT coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0)::int FROM pg_stat_xact_all_tables WHERE schemaname = 'better_auth' AND relname = 'user'`;
    await actAs(app, root.user.id);
    assert.equal(await count(), 50_000);
    await app.query('BEGIN');
    const before = await app.value(scans);
    assert.equal(await count(), 50_000);
    assert.equal((await app.value(scans)) - before, 1);
    await app.query('COMMIT');
    await app.query(`SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2`);
    assert.match((await app.column('EXPLAIN SELECT count(*) FROM public.notes')).join('\n'), /Workers Planned: 2/);
    assert.equal(await count(), 50_000);
    await actAs(app, ada.user.id);
    assert.equal(await count(), 50_000);
    await actAs(app, 'nobody');
    assert.equal(await count(), 0);
    // Where nothing is known yet: in the workers alone, and in the leader of a new connection.
    for (const leads of ['off', 'on']) {
      const fresh = await database.connect({ user: role });
      await fresh.query(`SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
        SET max_parallel_workers_per_gather = 2; SET parallel_leader_participation = ${leads}`);
      await actAs(fresh, root.user.id);
      assert.equal(await fresh.value('SELECT count(*)::int FROM public.notes'), 50_000);
    }
    await refused(app.query('SELECT * FROM better_auth."user"'), { code: '42501' });
  });

  test('is never an error: without the plugin’s columns, without the tables', async (t) => {
    const { client } = await configured(t, { ...SETTINGS, plugins: '' });
    const { user } = await signUp(client);
    await actAs(client, user.id);
    assert.equal(await is(client, 'user'), null);
    await client.query(`ALTER TABLE better_auth."user" ADD role text DEFAULT 'admin'`);
    assert.equal(await is(client, 'admin'), true, 'without a column for bans');
    await client.query('ALTER TABLE better_auth."user" RENAME TO users');
    assert.equal(await is(client, 'admin'), null);
    await set(client, { model_names: 'user=users' });
    assert.equal(await is(client, 'admin'), true);
    await client.query('ALTER TABLE better_auth.users RENAME role TO "Role"');
    assert.equal(await is(client, 'admin'), null);
    await set(client, { field_names: 'user.role=Role' });
    assert.equal(await is(client, 'admin'), true);
  });

  test('is everybody’s, and migrate() makes it again', async (t) => {
    const role = await server.role(t);
    const { database, client } = await server.database(t);
    const app = await database.connect({ user: role });
    assert.equal(await is(app, 'admin'), null);
    await client.query('DROP FUNCTION public.requesting_user_is(text)');
    assert.deepEqual((await client.query('SELECT * FROM better_auth.migrate()')).rows, [{ action: 'create function', object: 'public.requesting_user_is(text)' }]);
    assert.equal(await is(app, 'admin'), null);
    await client.query('DROP EXTENSION better_auth');
    assert.equal(await client.value(`SELECT to_regproc('public.requesting_user_is')`), null);
  });
});

describe('a ban', () => {
  test('ends a session that is being opened', async (t) => {
    const { database, client, ada, ask } = await withAdmin(t);
    const [signing, banning] = await database.connectMany(2);
    await signing.query('BEGIN');
    const { token } = await signIn(signing, ada.user.email);
    const ban = ask('ban-user', { userId: ada.user.id }, { on: banning });
    await untilBlocked(client, banning);
    await signing.query('COMMIT');
    assert.equal((await ban).status, 200);
    assert.equal(await client.call('get_session', { session_token: token }), null);
    assert.equal(await client.value('SELECT count(*)::int FROM better_auth.session WHERE "userId" = $1', [ada.user.id]), 0);
  });

  test('that is on its way is waited for', async (t) => {
    const { database, client, ada, ask } = await withAdmin(t);
    const [signing, banning] = await database.connectMany(2);
    await banning.query('BEGIN');
    assert.equal((await ask('ban-user', { userId: ada.user.id }, { on: banning })).status, 200);
    const opened = signIn(signing, ada.user.email);
    opened.catch(() => {});
    await untilBlocked(client, signing);
    await banning.query('COMMIT');
    await refused(opened, BANNED);
  });

  test('is heeded with the plugin off, which answers nothing then and shows no column', async (t) => {
    const { client, ada, root, ask } = await withAdmin(t);
    assert.equal((await ask('ban-user', { userId: ada.user.id })).status, 200);
    await set(client, { plugins: '', admin_banned_user_message: 'Out.' });
    await refused(signIn(client, ada.user.email), { ...BANNED, message: /^You have been banned from this application/ });
    assert.equal((await ask('list-users')).status, 404);
    assert.deepEqual(Object.keys((await client.call('get_session', { session_token: root.token })).user).includes('role'), false);
    await set(client, { plugins: 'admin' });
    await refused(signIn(client, ada.user.email), { ...BANNED, message: 'Out.' });
  });

  test('of an admin by SQL leaves a session that can do nothing here', async (t) => {
    const { client, root, ada, ask } = await withAdmin(t);
    await client.query('UPDATE better_auth."user" SET banned = true WHERE id = $1', [root.user.id]);
    await unchanged(client, async () => {
      for (const [path, body] of [['list-users'], ['ban-user', { userId: ada.user.id }], ['create-user', { email: freshEmail(), name: 'x' }], ['has-permission', { permissions: { user: ['ban'] } }]]) {
        const { status, json } = await ask(path, body);
        assert.deepEqual([status, json.code], [403, 'BANNED_USER'], path);
      }
    });
  });
});

describe('an impersonation', () => {
  const impersonate = async (ask, userId, by) => (await ask('impersonate-user', { userId }, by && { by })).json.session;
  const lives = (client, session) => client.value('SELECT count(*)::int FROM better_auth.session WHERE id = $1', [session.id]);

  test('ends with its hour, through whatever door', async (t) => {
    const { client, ada, ask } = await withAdmin(t, { session_update_age: 0 });
    const { token } = await impersonate(ask, ada.user.id);
    const end = () => client.value('SELECT "expiresAt"::text FROM better_auth.session WHERE token = $1', [token]);
    const before = await end();
    assert.equal((await client.call('get_session', { session_token: token })).user.id, ada.user.id);
    assert.equal((await http(client, 'GET', '/get-session', { cookie: await cookieOf(client, token) })).json.user.id, ada.user.id);
    await client.query(`SELECT better_auth.api('getSession', '{}', $1)`, [token]);
    assert.equal(await end(), before);
    const own = 'SELECT "expiresAt"::text FROM better_auth.session WHERE token = $1';
    const ends = await client.value(own, [ada.token]);
    await client.call('get_session', { session_token: ada.token });
    assert.notEqual(await client.value(own, [ada.token]), ends, 'others are prolonged');
  });

  const ENDS = {
    'a ban': (ask, id) => ask('ban-user', { userId: id }),
    'a ban by an update': (ask, id) => ask('update-user', { userId: id, data: { banned: true } }),
    'a removal': (ask, id) => ask('remove-user', { userId: id }),
    'another role': (ask, id) => ask('set-role', { userId: id, role: 'user' }),
    'another role by an update': (ask, id) => ask('update-user', { userId: id, data: { role: 'user' } }),
  };
  for (const [what, end] of Object.entries(ENDS)) {
    test(`ends with ${what} of the admin`, async (t) => {
      const { client, root, ada, ask } = await withAdmin(t);
      const other = await signUp(client);
      await client.query(`UPDATE better_auth."user" SET role = 'user,admin' WHERE id = $1`, [other.user.id]);
      const [theirs, mine] = [await impersonate(ask, ada.user.id, other), await impersonate(ask, ada.user.id, root)];
      assert.equal((await ask('set-role', { userId: other.user.id, role: ['admin', 'user'] })).status, 200);
      assert.equal(await lives(client, theirs), 1, 'an admin still');
      assert.equal((await end(ask, other.user.id)).status, 200);
      assert.deepEqual([await lives(client, theirs), await lives(client, mine)], [0, 1]);
    });
  }

  test('that begins while the admin is banned isn’t there afterwards', async (t) => {
    const { database, client, ada, ask } = await withAdmin(t);
    const other = await signUp(client);
    await client.query(`UPDATE better_auth."user" SET role = 'admin' WHERE id = $1`, [other.user.id]);
    const [banning, beginning] = await database.connectMany(2);
    await banning.query('BEGIN');
    assert.equal((await ask('ban-user', { userId: other.user.id }, { on: banning })).status, 200);
    const begun = ask('impersonate-user', { userId: ada.user.id }, { by: other, on: beginning });
    await untilBlocked(client, beginning);
    await banning.query('COMMIT');
    assert.equal((await begun).status, 403);
    assert.equal(await client.value('SELECT count(*)::int FROM better_auth.session WHERE "impersonatedBy" IS NOT NULL'), 0);
  });
});

test('nobody bans or removes oneself, in whatever letters the id is written', async (t) => {
  const ddl = betterAuthDdl.replaceAll('\n    id text NOT NULL', '\n    id uuid NOT NULL').replaceAll('"userId" text NOT NULL', '"userId" uuid NOT NULL');
  const database = await server.emptyDatabase(t);
  const installing = await database.connect();
  await configure(installing, database, SETTINGS);
  const client = await database.connect();
  await client.query(ddl);
  await client.query('CREATE EXTENSION better_auth');
  await client.query('SELECT * FROM better_auth.migrate()');
  const root = await signUp(client);
  await client.query(`UPDATE better_auth."user" SET role = 'admin'`);
  const id = root.user.id.toUpperCase();
  assert.notEqual(id, root.user.id);
  const cookie = await cookieOf(client, root.token);
  const ask = async (path, body) => (await http(client, 'POST', `/admin/${path}`, { cookie, body })).json.code;
  assert.equal(await ask('ban-user', { userId: id }), 'YOU_CANNOT_BAN_YOURSELF');
  assert.equal(await ask('update-user', { userId: id, data: { banned: true } }), 'YOU_CANNOT_BAN_YOURSELF');
  assert.equal(await ask('remove-user', { userId: id }), 'YOU_CANNOT_REMOVE_YOURSELF');
  assert.equal(await ask('update-user', { userId: id, data: { email: root.user.email } }), undefined, 'the own email isn’t taken');
});

test('an admin whose session is due holds nothing that another admin waits for', async (t) => {
  const { database, client, root } = await withAdmin(t, { session_update_age: 0 });
  const other = await signUp(client);
  await client.query(`UPDATE better_auth."user" SET role = 'admin' WHERE id = $1`, [other.user.id]);
  const [mine, theirs] = [await cookieOf(client, root.token), await cookieOf(client, other.token)];
  const ask = (on, cookie, path, userId) => http(on, 'POST', `/admin/${path}`, { cookie, body: { userId } });
  const [first, second] = await database.connectMany(2);
  await first.query('BEGIN');
  assert.equal((await ask(first, mine, 'list-user-sessions', root.user.id)).status, 200);
  assert.equal((await ask(second, theirs, 'ban-user', root.user.id)).status, 200);
  await first.query('ROLLBACK');
  assert.equal((await ask(first, mine, 'ban-user', other.user.id)).status, 401);
});

test('a list of sessions has the newest thousand, and what is stored of a user agent is a kilobyte', async (t) => {
  const { client, ada, ask } = await withAdmin(t);
  await client.query(`INSERT INTO better_auth.session (id, token, "userId", "expiresAt", "createdAt", "updatedAt")
    SELECT 'old' || n, 'old' || n, $1, now() + interval '1 day', now() - interval '1 day' - n * interval '1 minute', now() FROM generate_series(1, 1100) n`, [ada.user.id]);
  const { token } = await client.call('sign_in_email', { email: ada.user.email, password: PASSWORD, user_agent: `${'x'.repeat(1_023)}é${'y'.repeat(10_000)}` });
  for (const sessions of [(await ask('list-user-sessions', { userId: ada.user.id })).json.sessions, await client.call('list_sessions', { session_token: token })]) {
    assert.equal(sessions.length, 1_000);
    const newest = sessions.at(-1);
    assert.deepEqual([newest.token, newest.userAgent], [token, 'x'.repeat(1_023)]);
    assert.ok(sessions[0].createdAt < newest.createdAt);
  }
});

describe('settings', () => {
  test('roles are JSON of one form', async (t) => {
    const { client } = await withAdmin(t);
    for (const bad of ['x', '[]', '{"a": []}', '{"a": {"user": "create"}}', '{"a,b": {}}']) {
      await refused(set(client, { admin_roles: bad }), { code: '22023', message: /invalid value for parameter "better_auth.admin_roles"/ });
    }
    await set(client, { admin_roles: '{"a": {"user": ["create"]}}' });
  });

  test('nobody but a superuser sets them', async (t) => {
    const role = await server.role(t);
    const { database } = await withAdmin(t);
    const app = await database.connect({ user: role });
    await app.query(`LOAD 'better_auth'`).catch(() => {});
    for (const name of ['admin_roles', 'admin_admin_roles', 'admin_admin_user_ids', 'admin_default_role', 'admin_allow_impersonating_admins', 'plugins']) {
      await is(app, 'x');
      await refused(app.query(`SET better_auth.${name} = ''`), { code: '42501' });
    }
  });
});

describe('api()', () => {
  const api = (client, endpoint, input, token = null) => client.value('SELECT better_auth.api($1, $2, $3)', [endpoint, JSON.stringify(input), token]);

  test('a server’s own call makes users and asks for permissions without a session', async (t) => {
    const { client, ada, root } = await withAdmin(t);
    const email = freshEmail();
    const { user } = await api(client, 'createUser', { body: { email, name: 'New', role: 'admin', password: PASSWORD } });
    assert.deepEqual([user.email, user.role, user.banned], [email, 'admin', false]);
    await signIn(client, email);
    const may = async (body) => (await api(client, 'userHasPermission', { body: { permissions: { user: ['ban'] }, ...body } })).success;
    assert.deepEqual([await may({ role: 'admin' }), await may({ role: 'user' }), await may({ userId: root.user.id }), await may({ userId: ada.user.id })], [true, false, true, false]);
    await refused(may({}), { message: 'user id or role is required' });
    await refused(may({ userId: 'nobody' }), { message: 'user not found' });
  });

  test('all else needs one, and a dead one is none', async (t) => {
    const { client, ada, root } = await withAdmin(t);
    await unchanged(client, async () => {
      for (const [endpoint, input] of Object.entries({
        setRole: { body: { userId: ada.user.id, role: 'admin' } },
        getUser: { query: { id: ada.user.id } },
        adminUpdateUser: { body: { userId: ada.user.id, data: { name: 'x' } } },
        listUsers: {},
        listUserSessions: { body: { userId: ada.user.id } },
        unbanUser: { body: { userId: ada.user.id } },
        banUser: { body: { userId: ada.user.id } },
        impersonateUser: { body: { userId: ada.user.id } },
        stopImpersonating: {},
        revokeUserSession: { body: { sessionToken: ada.token } },
        revokeUserSessions: { body: { userId: ada.user.id } },
        removeUser: { body: { userId: ada.user.id } },
        setUserPassword: { body: { userId: ada.user.id, newPassword: PASSWORD } },
      })) {
        await refused(api(client, endpoint, input), { message: 'Unauthorized' });
      }
      // A request's headers make it somebody's call, even where they name nobody: Better Auth's `ctx.headers`.
      for (const headers of [{}, { host: 'app.example' }]) {
        const body = { email: 'eve@example.com', name: 'Eve', role: 'admin', password: PASSWORD };
        await refused(api(client, 'createUser', { body, headers }), { message: 'Unauthorized' });
      }
      for (const endpoint of ['createUser', 'userHasPermission']) {
        const body = { email: freshEmail(), name: 'x', permissions: { user: ['ban'] }, role: 'admin' };
        await refused(api(client, endpoint, { body }, 'x'.repeat(32)), { message: 'Unauthorized' });
      }
    });
    const { users, total } = await api(client, 'listUsers', { query: { filterField: 'role', filterValue: 'admin' } }, root.token);
    assert.deepEqual([users.map(({ id }) => id), total], [[root.user.id], 1]);
  });
});

describe('attacks', () => {
  test('a link that was mailed to set the password is void once an admin has set it', async (t) => {
    const { client, ada, ask } = await withAdmin(t);
    await client.call('request_password_reset', { email: ada.user.email });
    const token = await client.value('SELECT token FROM better_auth.mail_outbox');
    assert.equal((await ask('set-user-password', { userId: ada.user.id, newPassword: 'a new password' })).status, 200);
    await refused(client.call('reset_password', { token, new_password: 'another password' }), { detail: 'INVALID_TOKEN' });
    await signIn(client, ada.user.email, 'a new password');
  });

  test('an id that adminUserIds names is nobody’s to take', async (t) => {
    const { client, ask } = await withAdmin(t, { admin_admin_user_ids: 'gone' });
    await unchanged(client, async () => {
      const { status, json } = await ask('create-user', { email: freshEmail(), name: 'x', data: { id: 'gone' } });
      assert.deepEqual([status, json], [400, { message: 'id is not allowed to be set', code: 'FIELD_NOT_ALLOWED' }]);
    });
  });

  test('two who make the same user: one wins', async (t) => {
    const { database, client, ask } = await withAdmin(t);
    const [one, other] = await database.connectMany(2);
    const email = freshEmail();
    await one.query('BEGIN');
    assert.equal((await ask('create-user', { email, name: 'One' }, { on: one })).status, 200);
    const second = ask('create-user', { email, name: 'Other' }, { on: other });
    await untilBlocked(client, other);
    await one.query('COMMIT');
    const { status, json } = await second;
    assert.deepEqual([status, json.code], [400, 'USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL']);
  });

  test('two users who get the same email: one wins', async (t) => {
    const { database, client, root, ada, ask } = await withAdmin(t);
    const [one, other] = await database.connectMany(2);
    const data = { email: freshEmail() };
    await one.query('BEGIN');
    assert.equal((await ask('update-user', { userId: ada.user.id, data }, { on: one })).status, 200);
    const second = ask('update-user', { userId: root.user.id, data: { ...data, banned: false } }, { on: other });
    await untilBlocked(client, other);
    await one.query('COMMIT');
    const { status, json } = await second;
    assert.deepEqual([status, json.code], [400, 'USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL']);
    assert.equal((await ask('list-users')).status, 200);
  });

  test('nothing that a list is asked for is SQL', async (t) => {
    const { client, ask } = await withAdmin(t);
    await client.query(`SELECT better_auth.hash_password('x')`);
    await unchanged(client, async () => {
      for (const text of [`"; DROP TABLE better_auth."user"; --`, `' OR 1=1 --`, `$1`, `email" OR "email`, `\\`, `%`, 'password', 'tableoid', 'ctid', 'xmin', 'u.*']) {
        for (const name of ['sortBy', 'filterField']) {
          const { status, json } = await ask(`list-users?${new URLSearchParams({ [name]: text, filterValue: 'x' })}`);
          assert.deepEqual([status, json], [200, { users: [], total: 0 }], `${name} ${text}`);
        }
      }
    });
  });
});

test('through PostgREST', async (t) => {
  const [anon, user] = [await server.role(t, 'anon'), await server.role(t, 'user')];
  const { database, client, root, ada } = await withAdmin(t);
  await client.query('SELECT better_auth.enable_rpc($1, $2, $3)', ['public', anon, user]);
  await configure(client, database, { jwt_role: user });
  const postgrest = await startStandIn({ connection: { database: database.name }, anonRole: anon, jwtSecret: 'x'.repeat(32), jwtAud: 'insforge-api' });
  cleanup(t, () => postgrest.stop());
  const rpc = async (name, body = {}, session_token = root.token) => {
    const response = await fetch(`${postgrest.url}/rpc/${name}`, { method: 'POST', headers: { 'content-type': 'application/json', origin: ORIGIN }, body: JSON.stringify({ session_token, ...body }) });
    return { status: response.status, json: await response.json() };
  };
  const is = async (promise, status, look, expected) => {
    const answer = await promise;
    assert.equal(answer.status, status, JSON.stringify(answer.json));
    assert.deepEqual(look(answer.json), expected);
  };
  const user_id = ada.user.id;
  await is(rpc('admin_list_users', {}, ada.token), 403, ({ code }) => code, 'YOU_ARE_NOT_ALLOWED_TO_LIST_USERS');
  await is(rpc('admin_list_users', {}, null), 401, ({ message }) => message, 'Bad request');
  await is(rpc('admin_list_users', { filter_field: 'id', filter_value: user_id, limit: 5 }), 200, ({ users, total, limit }) => [users[0].id, total, limit], [user_id, 1, 5]);
  await is(rpc('admin_list_users', { filter_field: 'id', filter_operator: 'in', filter_value: [user_id, root.user.id], sort_by: 'id' }), 200, ({ total }) => total, 2);
  await is(rpc('admin_list_users', { filter_field: 'banned', filter_value: false }), 200, ({ total }) => total, 2);
  await is(rpc('admin_get_user', { id: user_id }), 200, ({ email }) => email, ada.user.email);
  await is(rpc('admin_set_role', { user_id, role: 'user,editor' }), 200, (json) => json.user.role, 'user,editor');
  await is(rpc('admin_update_user', { user_id, data: { name: 'Augusta' } }), 200, ({ name }) => name, 'Augusta');
  await is(rpc('admin_create_user', { email: freshEmail(), name: 'New', role: 'user', data: { emailVerified: true } }), 200, (json) => json.user.emailVerified, true);
  await is(rpc('admin_list_user_sessions', { user_id }), 200, ({ sessions }) => sessions.length, 1);
  await is(rpc('admin_has_permission', { permissions: { user: ['ban'] } }), 200, ({ success }) => success, true);
  const { json: { session } } = await rpc('admin_impersonate_user', { user_id });
  await is(rpc('get_session', {}, session.token), 200, (json) => [json.user.id, json.session.impersonatedBy], [user_id, root.user.id]);
  await is(rpc('list_sessions', {}, ada.token), 200, (sessions) => sessions.length, 1);
  await is(rpc('admin_revoke_user_session', { token: session.token }), 200, ({ success }) => success, true);
  await is(rpc('admin_set_user_password', { user_id, new_password: 'another password' }), 200, ({ status }) => status, true);
  await is(rpc('admin_ban_user', { user_id, ban_reason: 'spam', ban_expires_in: 60 }), 200, (json) => [json.user.banned, json.user.banReason], [true, 'spam']);
  await is(rpc('sign_in_email', { email: ada.user.email, password: 'another password', session_token: undefined }), 403, ({ code }) => code, 'BANNED_USER');
  await is(rpc('admin_unban_user', { user_id }), 200, (json) => json.user.banned, false);
  await is(rpc('admin_revoke_user_sessions', { user_id }), 200, ({ success }) => success, true);
  await is(rpc('admin_remove_user', { user_id }), 200, ({ success }) => success, true);
  await is(rpc('admin_remove_user', { user_id }), 404, ({ code }) => code, 'USER_NOT_FOUND');
});
