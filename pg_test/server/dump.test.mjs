// A dump has everything, and a restore of it works at once: the same users, sessions, secrets and tokens.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { join } from 'node:path';
import { directory, ident, refused, server, signIn, signUp, PASSWORD } from './lib.mjs';

const ROWS = `
  SELECT jsonb_build_object(
    'user', (SELECT jsonb_agg(to_jsonb(u) ORDER BY u.id) FROM better_auth."user" u),
    'session', (SELECT jsonb_agg(to_jsonb(s) ORDER BY s.id) FROM better_auth.session s),
    'account', (SELECT jsonb_agg(to_jsonb(a) ORDER BY a.id) FROM better_auth.account a),
    'verification', (SELECT jsonb_agg(to_jsonb(v) ORDER BY v.id) FROM better_auth.verification v),
    'signing_secret', (SELECT jsonb_agg(to_jsonb(s) ORDER BY s.id) FROM better_auth.signing_secret s),
    'posts', (SELECT jsonb_agg(to_jsonb(p) ORDER BY p.id) FROM public.posts p))`;

const OBJECTS = `
  SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'better_auth'
  UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'better_auth'::regnamespace
  UNION ALL SELECT 'trigger ' || tgenabled::text || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT 'policy ' || polname || pg_get_expr(polqual, polrelid) FROM pg_policy
  UNION ALL SELECT 'function ' || p.oid::regprocedure || coalesce(p.proacl, acldefault('f', p.proowner))::text FROM pg_proc p WHERE pronamespace IN ('better_auth'::regnamespace, 'public'::regnamespace)
  UNION ALL SELECT 'relation ' || c.oid::regclass || coalesce(c.relacl::text, ' default') FROM pg_class c WHERE relnamespace = 'better_auth'::regnamespace
  UNION ALL SELECT 'schema ' || coalesce(nspacl::text, ' default') FROM pg_namespace WHERE nspname = 'better_auth'
  UNION ALL SELECT 'member ' || pg_describe_object(classid, objid, objsubid) FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
  UNION ALL SELECT 'trigger of the extension' FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'x' AND classid = 'pg_trigger'::regclass
  ORDER BY 1`;

/** A database as a project has it, and what was signed in it. */
async function project(t) {
  const role = await server.role(t, 'authenticated');
  const { database, client } = await server.database(t);
  await client.query(`ALTER TABLE better_auth."user" ADD nickname text, ADD plan text NOT NULL DEFAULT 'free'`);
  await client.query(`
    GRANT USAGE ON SCHEMA better_auth TO ${ident(role)};
    GRANT EXECUTE ON FUNCTION better_auth.sign_in_email TO ${ident(role)}`);
  const signed = await signUp(client);
  await signUp(client);
  await client.query(`UPDATE better_auth."user" SET nickname = E'Zoë\\n"x"' WHERE id = $1`, [signed.user.id]);
  await client.query(`INSERT INTO better_auth.verification (id, identifier, value, "expiresAt") VALUES ('v', 'i', 'x', now())`);
  await client.query(`
    CREATE TABLE public.posts (id int PRIMARY KEY, user_id text NOT NULL DEFAULT public.requesting_user_id() REFERENCES better_auth."user" (id) ON DELETE CASCADE);
    ALTER TABLE public.posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON public.posts USING (user_id = public.requesting_user_id());
    GRANT SELECT ON public.posts TO ${ident(role)};
    INSERT INTO public.posts VALUES (1, '${signed.user.id}')`);
  await client.query('SELECT better_auth.enable_rpc($1, $2, $2)', ['public', role]);
  const older = await client.call('bridge_token', { session_token: signed.token });
  await client.call('rotate_secret', { name: 'jwt', keep: '1 day' });
  const bridge = await client.call('bridge_token', { session_token: signed.token });
  return { database, client, role, ...signed, tokens: [older, bridge] };
}

const RESTORES = {
  async 'plain, by psql in one transaction'(from, to, path) {
    await from.run('pg_dump', '--format', 'plain', '--file', path);
    await to.run('psql', '-X', '-1', '-v', 'ON_ERROR_STOP=1', '--file', path);
  },
  async 'custom, by pg_restore in one transaction'(from, to, path) {
    await from.run('pg_dump', '--format', 'custom', '--file', path);
    await to.run('pg_restore', '-1', '--exit-on-error', path);
  },
  async 'directory, by two jobs of pg_restore'(from, to, path) {
    await from.run('pg_dump', '--format', 'directory', '--file', path);
    await to.run('pg_restore', '-j', '2', '--exit-on-error', path);
  },
  async 'plain with --clean --if-exists, over what is there'(from, to, path) {
    await from.run('pg_dump', '--format', 'plain', '--clean', '--if-exists', '--file', path);
    await to.run('psql', '-X', '--quiet', '-c', 'CREATE EXTENSION better_auth');
    await to.run('psql', '-X', '-1', '-v', 'ON_ERROR_STOP=1', '--file', path);
  },
  async 'with --enable-row-security'(from, to, path) {
    await from.run('pg_dump', '--enable-row-security', '--file', path);
    await to.run('psql', '-X', '-1', '-v', 'ON_ERROR_STOP=1', '--file', path);
  },
  async 'custom, by pg_restore --enable-row-security'(from, to, path) {
    await from.run('pg_dump', '--format', 'custom', '--file', path);
    await to.run('pg_restore', '--enable-row-security', '--exit-on-error', path);
  },
  async 'tar, with INSERTs that name columns'(from, to, path) {
    await from.run('pg_dump', '--format', 'tar', '--column-inserts', '--enable-row-security', '--file', path);
    await to.run('pg_restore', '-1', '--exit-on-error', path);
  },
  async 'with INSERTs, DROPs and SET SESSION AUTHORIZATION'(from, to, path) {
    await from.run('pg_dump', '--inserts', '--rows-per-insert', '2', '--use-set-session-authorization', '--disable-triggers', '--clean', '--if-exists', '--file', path);
    await to.run('psql', '-X', '-1', '-v', 'ON_ERROR_STOP=1', '--file', path);
  },
  async 'the schema, then the data'(from, to, path) {
    await from.run('pg_dump', '--schema-only', '--enable-row-security', '--file', `${path}.schema`);
    await from.run('pg_dump', '--data-only', '--file', path);
    await to.run('psql', '-X', '-1', '-v', 'ON_ERROR_STOP=1', '--file', `${path}.schema`);
    await to.run('psql', '-X', '-1', '-v', 'ON_ERROR_STOP=1', '--file', path);
  },
  async 'custom, section by section'(from, to, path) {
    await from.run('pg_dump', '--format', 'custom', '--file', path);
    for (const section of ['pre-data', 'data', 'post-data']) {
      await to.run('pg_restore', '-1', '--exit-on-error', '--section', section, path);
    }
  },
};

describe('a dump restored', () => {
  for (const [form, restore] of Object.entries(RESTORES)) {
    test(form, async (t) => {
      const { database, client, role, token, user, tokens } = await project(t);
      const rows = await client.value(ROWS);
      const { user: users, signing_secret: secrets, posts } = rows;
      assert.deepEqual([users.length, secrets.length, posts.length], [2, 3, 1]);
      const objects = await client.column(OBJECTS);
      const target = await server.emptyDatabase(t);
      await restore(database, target, join(directory(t), 'dump'));

      const restored = await target.connect();
      assert.deepEqual(await restored.value(ROWS), rows);
      assert.deepEqual(await restored.column(OBJECTS), objects);
      assert.deepEqual((await restored.query('SELECT * FROM better_auth.migrate()')).rows, []);

      const live = await restored.call('get_session', { session_token: token });
      assert.equal(live.user.id, user.id);
      for (const bridge of tokens) {
        assert.equal((await restored.call('verify_jwt', { token: bridge })).sub, user.id);
      }
      const app = await target.connect({ user: role });
      assert.equal((await signIn(app, user.email, PASSWORD)).user.id, user.id);
      assert.equal((await app.value('SELECT public.get_session($1)', [token])).user.id, user.id);
      await app.query(`SELECT set_config('request.jwt.claims', $1, false)`, [JSON.stringify({ sub: user.id })]);
      assert.deepEqual(await app.column('SELECT id FROM public.posts'), [1]);
      await app.query(`SELECT set_config('request.jwt.claims', '{"sub":"x"}', false)`);
      assert.deepEqual(await app.column('SELECT id FROM public.posts'), []);
      await assertRotationIsSeen(restored, await target.connect(), token);
    });
  }

  test('twice in a row, the restored one dumped again', async (t) => {
    const { database, client } = await project(t);
    const home = directory(t);
    const [first, second] = [await server.emptyDatabase(t), await server.emptyDatabase(t)];
    await RESTORES['custom, by pg_restore in one transaction'](database, first, join(home, 'first'));
    await RESTORES['custom, by pg_restore in one transaction'](first, second, join(home, 'second'));
    assert.deepEqual(await (await second.connect()).value(ROWS), await client.value(ROWS));
    assert.deepEqual(await (await second.connect()).column(OBJECTS), await client.column(OBJECTS));
  });
});

/** The other backend, which has its keys in memory, refuses at once what was signed before. */
async function assertRotationIsSeen(one, other, token) {
  const before = await other.call('bridge_token', { session_token: token });
  await other.call('verify_jwt', { token: before });
  await one.call('rotate_secret', { name: 'jwt', keep: '0' });
  await refused(other.call('verify_jwt', { token: before }), { code: '28000', detail: 'INVALID_TOKEN' });
  const after = await other.call('bridge_token', { session_token: token });
  await one.call('verify_jwt', { token: after });
}

describe('CREATE EXTENSION with row_security off, as while a dump is restored', () => {
  const TABLES = `SELECT relname FROM pg_class WHERE relnamespace = 'better_auth'::regnamespace AND relkind = 'r' ORDER BY 1`;

  test('makes no tables and warns of it', async (t) => {
    const client = await (await server.emptyDatabase(t)).connect();
    await client.query('SET row_security = off');
    await client.query('CREATE EXTENSION better_auth');
    const [warning, ...more] = client.notices.filter(({ severity }) => severity === 'WARNING');
    assert.deepEqual(more, []);
    assert.match(warning.message, /made no tables, because row_security is off/);
    assert.match(warning.hint, /better_auth\.migrate\(\)/);
    assert.deepEqual(await client.column(TABLES), []);
  });

  test('every function then says to run migrate(), which puts it right', async (t) => {
    const client = await (await server.emptyDatabase(t)).connect();
    await client.query('SET row_security = off');
    await client.query('CREATE EXTENSION better_auth');
    await client.query('RESET row_security');
    await client.query(`SET better_auth.base_url = 'https://app.example'`);
    const session_token = 'x'.repeat(32);
    const calls = {
      sign_up_email: { email: 'a@b.co', password: PASSWORD, name: 'A' },
      sign_in_email: { email: 'a@b.co', password: PASSWORD },
      sign_out: { session_token },
      get_session: { session_token },
      list_sessions: { session_token },
      revoke_session: { session_token, token: session_token },
      revoke_sessions: { session_token },
      revoke_other_sessions: { session_token },
      bridge_token: { session_token },
      sign_jwt: { claims: '{"sub":"x"}' },
      verify_jwt: { token: 'eyJhbGciOiJIUzI1NiJ9.e30.QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE' },
      service_token: {},
      update_session: { session_token, additional_fields: '{}' },
      update_user: { session_token, name: 'B' },
      delete_user: { session_token },
      change_password: { session_token, current_password: PASSWORD, new_password: PASSWORD },
      set_password: { session_token, new_password: PASSWORD },
      verify_password: { session_token, password: PASSWORD },
      request_password_reset: { email: 'a@b.co' },
      reset_password: { token: 'x', new_password: PASSWORD },
      send_verification_email: { email: 'a@b.co' },
      verify_email: { token: 'x' },
      change_email: { session_token, new_email: 'b@b.co' },
      list_accounts: { session_token },
      unlink_account: { session_token, account_id: 'x' },
      link_account: { provider_id: 'p', account_id: 'x', email: 'a@b.co', name: 'A' },
      session_cookies: { session_token },
      claim_mail: {},
      complete_mail: { id: 'x' },
      purge_expired: {},
      fail_mail: { id: 'x', error: 'x' },
      set_secret: { name: 'jwt', value: 'x'.repeat(32) },
      rotate_secret: { name: 'cookie' },
    };
    const named = Object.keys(calls);
    // handler() says so in the server's log, and answers 500.
    const others = [
      'handler', 'migrate', 'claims', 'hash_password', 'verify_password_hash', 'signing_secret_changed', 'enable_rpc',
      'disable_rpc', 'doctor', 'forget_rate_limits',
    ];
    const functions = await client.column(
      `SELECT proname FROM pg_proc WHERE pronamespace = 'better_auth'::regnamespace AND NOT proname = ANY ($1)`,
      [others],
    );
    assert.deepEqual(functions.filter((name) => !named.includes(name)), [], 'a function that this test does not know');
    for (const [name, args] of Object.entries(calls)) {
      const error = await refused(client.call(name, args), { code: '42P01' });
      assert.match(error.message, /^table better_auth\.\w+ does not exist$/, name);
      assert.match(error.hint, /better_auth\.migrate\(\)/, name);
    }
    const missing = (await client.query('SELECT * FROM better_auth.doctor()')).rows;
    assert.ok(missing.some(({ severity, object, run }) => severity === 'error' && object === 'better_auth."user"' && /migrate/.test(run)));
    const steps = (await client.query('SELECT action, object FROM better_auth.migrate()')).rows;
    assert.ok(steps.some(({ action, object }) => action === 'create table' && object === 'better_auth."user"'));
    assert.deepEqual(steps.filter(({ action }) => action === 'create secret').map(({ object }) => object), ['cookie', 'jwt']);
    const { token } = await signUp(client, { email: 'a@b.co' });
    await client.call('bridge_token', { session_token: token });
    assert.deepEqual((await client.query('SELECT * FROM better_auth.migrate()')).rows, []);
  });
});
