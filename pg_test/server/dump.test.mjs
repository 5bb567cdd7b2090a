// A dump has everything, and a restore of it works at once: the same users, sessions, secrets and tokens.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { directory, execute, ident, initialise, MAJOR, ownServer, refused, server, signIn, signUp, wholeFlow, PASSWORD } from './lib.mjs';

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
async function project(t, of = server) {
  const role = await of.role(t, 'authenticated');
  const { database, client } = await of.database(t);
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

/** What a project has, to compare it with when it has been restored. */
async function snapshot(client) {
  const rows = await client.value(ROWS);
  const { user, signing_secret: secrets, posts } = rows;
  assert.deepEqual([user.length, secrets.length, posts.length], [2, 3, 1]);
  return { rows, objects: await client.column(OBJECTS) };
}

/** Everything is there in `target`, and works: for the role of the project too, unless what it may do isn't part of the dump. */
async function assertRestored(target, { role, token, user, tokens }, { rows, objects }) {
  const restored = await target.connect();
  assert.deepEqual(await restored.value(ROWS), rows);
  if (objects) {
    assert.deepEqual(await restored.column(OBJECTS), objects);
  }
  assert.deepEqual((await restored.query('SELECT * FROM better_auth.migrate()')).rows, []);

  const live = await restored.call('get_session', { session_token: token });
  assert.equal(live.user.id, user.id);
  for (const bridge of tokens) {
    assert.equal((await restored.call('verify_jwt', { token: bridge })).sub, user.id);
  }
  if (role) {
    const app = await target.connect({ user: role });
    assert.equal((await signIn(app, user.email, PASSWORD)).user.id, user.id);
    assert.equal((await app.value('SELECT public.get_session($1)', [token])).user.id, user.id);
    await app.query(`SELECT set_config('request.jwt.claims', $1, false)`, [JSON.stringify({ sub: user.id })]);
    assert.deepEqual(await app.column('SELECT id FROM public.posts'), [1]);
    await app.query(`SELECT set_config('request.jwt.claims', '{"sub":"x"}', false)`);
    assert.deepEqual(await app.column('SELECT id FROM public.posts'), []);
  }
  await assertRotationIsSeen(restored, await target.connect(), token);
  return restored;
}

const psql = (database, ...args) => database.run('psql', '-X', '-1', '-v', 'ON_ERROR_STOP=1', ...args);

describe('a dump restored', () => {
  for (const [form, restore] of Object.entries(RESTORES)) {
    test(form, async (t) => {
      const made = await project(t);
      const before = await snapshot(made.client);
      const target = await server.emptyDatabase(t);
      await restore(made.database, target, join(directory(t), 'dump'));
      await assertRestored(target, made, before);
    });
  }

  for (const option of ['--no-owner', '--no-privileges']) {
    test(`with ${option}, by psql and by pg_restore`, async (t) => {
      const made = await project(t);
      const { rows, objects } = await snapshot(made.client);
      const path = join(directory(t), 'dump');
      await made.database.run('pg_dump', option, '--file', path);
      await made.database.run('pg_dump', '--format', 'custom', '--file', `${path}.custom`);
      const restores = [(to) => psql(to, '--file', path), (to) => to.run('pg_restore', '-1', '--exit-on-error', option, `${path}.custom`)];
      for (const restore of restores) {
        const target = await server.emptyDatabase(t);
        await restore(target);
        const { role, ...others } = made;
        if (option === '--no-owner') {
          await assertRestored(target, made, { rows, objects });
          continue;
        }
        const restored = await assertRestored(target, others, { rows });
        // Nobody has got more than CREATE EXTENSION gives, save what a function has by default; and enable_rpc() takes that.
        assert.deepEqual(await restored.column(`SELECT proname FROM pg_proc WHERE pronamespace = 'better_auth'::regnamespace AND has_function_privilege('${role}', oid, 'EXECUTE')`), []);
        assert.deepEqual(await restored.column(`SELECT relname FROM pg_class WHERE relnamespace = 'better_auth'::regnamespace AND relacl IS NOT NULL`), []);
        await restored.query('SELECT better_auth.enable_rpc($1, $2, $2)', ['public', role]);
        assert.deepEqual(await restored.column(`SELECT p.proname FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
          WHERE p.pronamespace = 'public'::regnamespace AND a.grantee = 0 AND p.proname NOT LIKE 'requesting\\_%'`), []);
        const app = await target.connect({ user: role });
        assert.equal((await app.value('SELECT public.get_session($1)', [made.token])).user.id, made.user.id);
      }
    });
  }

  test('with --create, under its own name, with what ALTER DATABASE has set', async (t) => {
    const from = await ownServer(t);
    const to = await ownServer(t);
    const made = await project(t, from);
    await made.client.query(`ALTER DATABASE ${ident(made.database.name)} SET better_auth.session_expires_in = '3d'`);
    const before = await snapshot(made.client);
    await to.admin((admin) => admin.query(`CREATE ROLE ${ident(made.role)} LOGIN`));
    const path = join(directory(t), 'dump');
    await made.database.run('pg_dump', '--create', '--file', path);
    await to.run('psql', '-X', '-v', 'ON_ERROR_STOP=1', '--dbname', 'postgres', '--file', path);
    const restored = await assertRestored(to.adopt(t, made.database.name), made, before);
    assert.equal(await restored.value('SHOW better_auth.session_expires_in'), '3d');
  });

  test('of everything, by pg_dumpall: two databases, roles and settings', async (t) => {
    const from = await ownServer(t);
    const to = await ownServer(t);
    const made = [await project(t, from), await project(t, from)];
    await from.admin((admin) => admin.query(`ALTER ROLE ${ident(made[0].role)} SET better_auth.jwt_expires_in = '5min'`));
    const before = await Promise.all(made.map(({ client }) => snapshot(client)));
    const path = join(directory(t), 'dump');
    await from.run('pg_dumpall', '--file', path);
    // The one thing that is there in every new server.
    await to.run('psql', '-X', '--dbname', 'postgres', '--file', path).then(({ stderr }) => {
      const errors = stderr.split('\n').filter((line) => /ERROR/.test(line));
      assert.deepEqual(errors.filter((line) => !/role "postgres" already exists/.test(line)), []);
    });
    const restored = made.map((one) => to.adopt(t, one.database.name));
    for (const [index, one] of made.entries()) {
      await assertRestored(restored[index], one, before[index]);
    }
    const app = await restored[0].connect({ user: made[0].role });
    await app.query(`SELECT public.requesting_user_id()`);
    assert.equal(await app.value('SHOW better_auth.jwt_expires_in'), '5min');
    const secrets = await Promise.all(made.map(({ client }) => client.value('SELECT jsonb_agg(s.value ORDER BY s.value) FROM better_auth.signing_secret s')));
    assert.notDeepEqual(secrets[0], secrets[1], 'each has its own');
  });

  test('of its tables alone (-t), into a database with the extension and no tables', async (t) => {
    const made = await project(t);
    const { rows, objects } = await snapshot(made.client);
    const path = join(directory(t), 'dump');
    await made.database.run('pg_dump', '--table', 'better_auth.*', '--table', 'public.posts', '--file', path);
    const target = await server.emptyDatabase(t);
    const admin = await target.connect();
    await admin.query('SET row_security = off; CREATE EXTENSION better_auth; RESET row_security');
    // Policies and defaults call it.
    assert.deepEqual((await admin.query(`CREATE FUNCTION public.requesting_user_id() RETURNS text LANGUAGE c STABLE LEAKPROOF PARALLEL SAFE AS '$libdir/better_auth', 'requesting_user_id_wrapper'`)).command, 'CREATE');
    await psql(target, '--file', path);
    const marked = (await admin.query('SELECT action, object FROM better_auth.migrate()')).rows;
    assert.deepEqual(marked[0], { action: 'mark function', object: 'public.requesting_user_id()' });
    assert.ok(marked.slice(1).every(({ action, object }) => action === 'create function' && object.startsWith('public.requesting_')), JSON.stringify(marked));
    await admin.query(`GRANT USAGE ON SCHEMA better_auth TO ${ident(made.role)}; GRANT EXECUTE ON FUNCTION better_auth.sign_in_email TO ${ident(made.role)}`);
    await admin.query('SELECT better_auth.enable_rpc($1, $2, $2)', ['public', made.role]);
    const restored = await assertRestored(target, made, { rows });
    assert.deepEqual((await restored.column(OBJECTS)).filter((one) => /^(index|constraint|trigger|policy|member)/.test(one)),
      objects.filter((one) => /^(index|constraint|trigger|policy|member)/.test(one)));
  });

  test('of the schema public alone (-n), beside the users that were copied before', async (t) => {
    const made = await project(t);
    const before = await snapshot(made.client);
    const path = join(directory(t), 'dump');
    await made.database.run('pg_dump', '--data-only', '--schema', 'better_auth', '--file', `${path}.users`);
    await made.database.run('pg_dump', '--schema', 'public', '--file', path);
    const target = await server.emptyDatabase(t);
    const admin = await target.connect();
    await admin.query(`CREATE EXTENSION better_auth; ALTER TABLE better_auth."user" ADD nickname text, ADD plan text NOT NULL DEFAULT 'free'`);
    await psql(target, '--file', `${path}.users`);
    // What is there already is there.
    const { stderr } = await target.run('psql', '-X', '--file', path);
    const errors = stderr.split('\n').filter((line) => /ERROR/.test(line)).map((line) => line.replace(/.*ERROR: */, ''));
    assert.ok(errors.length > 0);
    assert.deepEqual(errors.filter((line) => !/^(schema "public" already exists|function "requesting_\w+" already exists with same argument types)$/.test(line)), []);
    await admin.query(`GRANT USAGE ON SCHEMA better_auth TO ${ident(made.role)}; GRANT EXECUTE ON FUNCTION better_auth.sign_in_email TO ${ident(made.role)}`);
    await assertRestored(target, made, before);
    // What was dumped is taken along all the same.
    await admin.query('DROP EXTENSION better_auth CASCADE');
    assert.equal(await admin.value(`SELECT to_regproc('public.requesting_user_id')`), null);
    assert.equal(await admin.value('SELECT count(*)::int FROM better_auth."user"'), 2);
  });

  test('of the schema public alone, where there is no extension yet: it is refused, whole', async (t) => {
    const made = await project(t);
    const path = join(directory(t), 'dump');
    await made.database.run('pg_dump', '--schema', 'public', '--clean', '--if-exists', '--file', path);
    const target = await server.emptyDatabase(t);
    await assert.rejects(psql(target, '--file', path), /extension "better_auth" does not exist|schema "better_auth" does not exist/);
    const client = await target.connect();
    await client.query('CREATE EXTENSION better_auth');
    await wholeFlow(client);
  });

  test('of 0.1.0, as the README says', async (t) => {
    const from = await server.emptyDatabase(t);
    const client = await from.connect();
    await client.query(`CREATE EXTENSION better_auth VERSION '0.1.0'`);
    const signed = await signUp(client);
    await client.query(`
      CREATE TABLE public.posts (id int PRIMARY KEY, user_id text NOT NULL DEFAULT public.requesting_user_id() REFERENCES better_auth."user" (id) ON DELETE CASCADE);
      ALTER TABLE public.posts ENABLE ROW LEVEL SECURITY;
      CREATE POLICY own ON public.posts USING (user_id = public.requesting_user_id());
      INSERT INTO public.posts VALUES (1, '${signed.user.id}')`);
    const bridge = await client.call('bridge_token', { session_token: signed.token });
    const rows = await client.value(ROWS);
    const home = directory(t);
    await from.run('pg_dump', '--file', join(home, 'dump.sql'));

    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const recipe = /A dump of 0\.1\.0[^]*?```sql\n([^`]*)```/.exec(readme)[1].replace(/^ {2}/gm, '').replace('dump.sql', join(home, 'dump.sql'));
    const target = await server.emptyDatabase(t);
    const login = ['--host', server.host, '--port', String(server.port), '--username', server.user, '--dbname', target.name];
    const { stderr } = await execute('psql', ['-X', ...login], { input: recipe });
    // The schema is there with the extension, and is in the dump once more.
    assert.deepEqual(stderr.split('\n').filter((line) => /ERROR/.test(line)).map((line) => line.replace(/.*ERROR: */, '')), ['schema "better_auth" already exists']);
    const restored = await target.connect();
    assert.deepEqual(await restored.value(ROWS), rows);
    assert.equal(await restored.value(`SELECT extversion FROM pg_extension WHERE extname = 'better_auth'`), await restored.value(`SELECT default_version FROM pg_available_extensions WHERE name = 'better_auth'`));
    assert.equal((await restored.call('verify_jwt', { token: bridge })).sub, signed.user.id);
    assert.equal((await signIn(restored, signed.user.email)).user.id, signed.user.id);
    assert.deepEqual((await restored.query('SELECT * FROM better_auth.migrate()')).rows, []);
    await wholeFlow(restored);
  });

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
      authenticate: { token: 'eyJhbGciOiJIUzI1NiJ9.e30.QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE' },
      jwks_json: {},
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
      claim_sms: {},
      api: { endpoint: 'signInEmail', input: { body: { email: 'a@b.co', password: PASSWORD } } },
      complete_mail: { id: 'x' },
      purge_expired: {},
      enqueue_fetch: { url: 'https://hooks.example' },
      claim_fetch: {},
      complete_fetch: { id: 'x' },
      fail_fetch: { id: 'x', error: 'x' },
      fail_mail: { id: 'x', error: 'x' },
      set_secret: { name: 'jwt', value: 'x'.repeat(32) },
      rotate_secret: { name: 'cookie' },
      set_oauth_provider: { id: 'google', client_id: 'x', client_secret: 'x' },
      delete_oauth_provider: { id: 'google' },
      set_provider_keys: { issuer: 'x', jwks: JSON.stringify({ keys: [generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })] }) },
    };
    const named = Object.keys(calls);
    // handler() says so in the server's log, and answers 500.
    const others = [
      'handler', 'migrate', 'claims', 'hash_password', 'verify_password_hash', 'signing_secret_changed', 'enable_rpc',
      'disable_rpc', 'doctor', 'forget_rate_limits', 'reencrypt_secrets', 'resume', 'rows_changed', 'verify_api_key',
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

const TARGET = fileURLToPath(new URL('../../target', import.meta.url));
const VERSION = /^version = "(.*)"$/m.exec(readFileSync(new URL('../../Cargo.toml', import.meta.url), 'utf8'))[1];

/** The programs of an older server that has this release: one that was tested before in this directory. */
async function olderServer() {
  const majors = existsSync(TARGET) ? readdirSync(TARGET).map((name) => Number(/^pg(\d+)$/.exec(name)?.[1])) : [];
  for (const major of majors.filter((one) => one < MAJOR).sort((one, other) => other - one)) {
    const bin = join(TARGET, `pg${major}/usr/lib/postgresql/${major}/bin`);
    const ask = (option) => execute('pg_config', [option], { bin }).then(({ stdout }) => stdout.trim(), () => '');
    const [library, share] = [await ask('--pkglibdir'), await ask('--sharedir')];
    if (existsSync(join(library, 'better_auth.so')) && existsSync(join(share, `extension/better_auth--${VERSION}.sql`))) {
      return { bin, major };
    }
  }
  return undefined;
}

test('pg_upgrade from an older version', async (t) => {
  const old = await olderServer();
  if (!old) {
    return t.skip('no older server with this extension below target/');
  }
  // A column option that Debian's own builds of some releases set by themselves, and that others refuse.
  const sets = (bin) => readFileSync(join(bin, 'postgres')).includes('pg_attver');
  if (sets(old.bin) && !sets(process.env.PGBIN)) {
    return t.skip(`the older server sets an option of columns that PostgreSQL ${MAJOR} here doesn't know`);
  }
  t.diagnostic(`from ${old.major} to ${MAJOR}`);
  let made, before;
  const upgraded = await ownServer(t, async (data, as) => {
    // Newer ones have checksums unless told otherwise, and the two have to be alike.
    await initialise(data, as, ...(MAJOR >= 18 ? ['--no-data-checksums'] : []));
    const from = await ownServer(t, initialise, {}, old.bin);
    made = await project(t, from);
    before = await snapshot(made.client);
    await made.client.end();
    await from.stop();
    await execute('pg_upgrade', ['--old-bindir', old.bin, '--new-bindir', process.env.PGBIN, '--old-datadir', from.data, '--new-datadir', data, '--username', 'postgres', '--socketdir', as.cwd], as);
  });
  // From 18 on, what is NOT NULL is a constraint.
  const plain = (objects) => objects.filter((one) => !/^constraint \S+ NOT NULL /.test(one));
  const restored = await assertRestored(upgraded.adopt(t, made.database.name), made, { rows: before.rows });
  assert.deepEqual(plain(await restored.column(OBJECTS)), plain(before.objects));
  await wholeFlow(restored);
});
