// examples/insforge and docs/insforge.md, step by step as somebody does them who has a project of InsForge's scaffold.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import pg from 'pg';
import { http } from './http.mjs';
import { ANON_KEY, insforgeApi as apiInFront, postgrest as ask } from './insforge.mjs';
import { PASSWORD, cleanup, directory, freshEmail, ident, lacks, ownServer, refused, until, writeForServer } from './lib.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const EXAMPLE = join(ROOT, 'examples/insforge');
const GUIDE = readFileSync(join(ROOT, 'docs/insforge.md'), 'utf8');
const MIGRATION = readFileSync(join(EXAMPLE, '0001_better-auth-bootstrap.sql'), 'utf8');
const COOKIE_SECRET = 'BETTER_AUTH_SECRET of .env.local, 64 characters when it is random';
const JWT_SECRET = 'dev-secret-please-change-in-production';
const ORIGIN = 'http://localhost:3000';

const skip = lacks('pgcrypto'); // which the scaffold's migration makes

/** What the scaffold's own migration leaves behind. */
const SCAFFOLD = `
  CREATE SCHEMA IF NOT EXISTS better_auth;
  CREATE EXTENSION IF NOT EXISTS pgcrypto;
  CREATE OR REPLACE FUNCTION public.requesting_user_id() RETURNS text LANGUAGE sql STABLE
    AS $$ SELECT nullif(current_setting('request.jwt.claims', true)::json ->> 'sub', '')::text $$;`;

/** A migration of the application's own, as InsForge's guide has it. */
const POSTS = `
  CREATE TABLE public.posts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id text NOT NULL DEFAULT public.requesting_user_id() REFERENCES better_auth."user" (id) ON DELETE CASCADE,
    title text NOT NULL);
  ALTER TABLE public.posts ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own_posts ON public.posts TO authenticated
    USING (user_id = public.requesting_user_id()) WITH CHECK (user_id = public.requesting_user_id());`;

// Its roles have fixed names, so it has a server of its own.
let cluster;
const atEnd = [];
before(async () => { cluster = await ownServer({ after: (work) => atEnd.push(work) }); });
after(async () => { for (const work of atEnd) await work(); });

/** A database as InsForge's container makes it; the roles are there once. */
async function insforge(t) {
  const database = await cluster.emptyDatabase(t);
  const client = await database.connect();
  await client.query(`DO $$ BEGIN
    IF to_regrole('anon') IS NULL THEN
      CREATE ROLE anon NOLOGIN; CREATE ROLE authenticated NOLOGIN; CREATE ROLE project_admin NOLOGIN BYPASSRLS;
    END IF; END $$`);
  await client.query(`
    GRANT CREATE ON DATABASE ${ident(database.name)} TO project_admin;
    GRANT USAGE ON SCHEMA public TO anon, authenticated;
    GRANT ALL ON SCHEMA public TO project_admin;
    CREATE SCHEMA system;
    CREATE TABLE system.custom_migrations (version text PRIMARY KEY, name text NOT NULL, statements text[] NOT NULL)`);
  for (const owner of ['', 'FOR ROLE project_admin']) {
    const granting = `ALTER DEFAULT PRIVILEGES ${owner} IN SCHEMA public GRANT`;
    await client.query(`${granting} SELECT, INSERT, UPDATE, DELETE ON TABLES TO anon, authenticated`);
    await client.query(`${granting} USAGE, SELECT ON SEQUENCES TO anon, authenticated`);
  }
  return { database, client };
}

/** What InsForge refuses in the text of a migration. */
const FORBIDDEN = [
  /\b(CREATE|ALTER|DROP)\s+(DATABASE|ROLE)\b/i,
  /\bSET\s+(LOCAL\s+)?(ROLE|search_path)\b/i,
  /^\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT)\s*;/im,
  /pg_catalog|set_config/i,
];

/**
 * InsForge's migration runner: the whole text in one transaction, since May 2026 as project_admin. There the server's
 * library insforge_pg_utils has statements about extensions run as the superuser.
 */
async function migrate(client, version, sql, as, { mayMakeExtensions = true } = {}) {
  for (const pattern of FORBIDDEN) assert.doesNotMatch(sql, pattern);
  try {
    await client.query('BEGIN; SET LOCAL search_path TO public');
    const isHooked = as === 'project_admin' && mayMakeExtensions;
    for (const part of isHooked ? sql.split(/^(?=CREATE EXTENSION)/m) : [sql]) {
      await client.query(`SET LOCAL ROLE ${isHooked && part.startsWith('CREATE EXTENSION') ? 'postgres' : as}`);
      await client.query(part);
    }
    await client.query('SET LOCAL ROLE postgres');
    await client.query('INSERT INTO system.custom_migrations VALUES ($1, $2, $3)', [version, 'name', [sql]]);
    await client.query(`NOTIFY pgrst, 'reload schema'`);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

const urlOf = (database, role = 'postgres') =>
  `postgresql://${role}@${encodeURIComponent(cluster.host)}:${cluster.port}/${database.name}`;
const environment = (database, more = {}) => ({
  DATABASE_URL: urlOf(database), BETTER_AUTH_SECRET: COOKIE_SECRET, INSFORGE_JWT_SECRET: JWT_SECRET, BETTER_AUTH_URL: ORIGIN, ...more });

/** A directory of an application that has these packages, beside a checkout of this repository. */
function project(t, ...packages) {
  const home = directory(t);
  symlinkSync(ROOT, join(home, 'better_auth'));
  const path = join(home, 'app');
  mkdirSync(join(path, 'node_modules'), { recursive: true });
  for (const name of packages) symlinkSync(join(ROOT, 'pg_test/node_modules', name), join(path, 'node_modules', name));
  return path;
}

const run = (program, args, options) => new Promise((resolve) => {
  execFile(program, args, options, (error, out, err) => resolve({ code: error?.code ?? 0, out, err }));
});

/** Runs setup.mjs in a project; `{code, out, err}`. */
async function setUp(t, env, ...options) {
  const cwd = project(t, 'pg');
  cpSync(EXAMPLE, join(cwd, 'better-auth'), { recursive: true });
  return run(process.execPath, ['better-auth/setup.mjs', ...options], { cwd, env: { PATH: process.env.PATH, ...env } });
}

async function isSetUp(t, database, { options = [], ...more } = {}) {
  const { code, out, err } = await setUp(t, environment(database, more), ...options);
  assert.deepEqual([code, err], [0, ''], out);
  return out;
}

/** The scaffold's own server, on Node. `call()` sends a request to one of its routes. */
function nodeServer(t, database, { options = '-c search_path=better_auth,public', secret = COOKIE_SECRET } = {}) {
  const pool = new pg.Pool({ connectionString: urlOf(database), options, max: 3 });
  cleanup(t, () => pool.end());
  const config = {
    database: pool, emailAndPassword: { enabled: true }, secret, baseURL: ORIGIN,
    logger: { disabled: true }, telemetry: { enabled: false }, rateLimit: { enabled: false },
  };
  const auth = betterAuth(config);
  const call = async (method, path, { body, cookie } = {}) => {
    const headers = { origin: ORIGIN, ...(body && { 'content-type': 'application/json' }), ...(cookie && { cookie }) };
    const response = await auth.handler(new Request(`${ORIGIN}/api/auth${path}`, { method, headers, body: body && JSON.stringify(body) }));
    const text = await response.text();
    const cookies = response.headers.getSetCookie().map((one) => one.split(';')[0]);
    return { status: response.status, json: text && JSON.parse(text), cookie: cookies.join('; ') };
  };
  return { call, migrate: async () => (await getMigrations(config)).runMigrations() };
}

/** handler() in a new connection, which has the settings of now. */
async function ours(database) {
  const connection = await database.connect();
  let count = 0;
  const call = (method, path, more = {}) => {
    const base = path === '/insforge-token' ? '/api' : '/api/auth';
    return http(connection, method, path, { address: `10.0.0.${count++ & 255}`, base, ...more });
  };
  return { call };
}

const signUpAt = async (where) => {
  const email = freshEmail();
  const { status, json, cookie } = await where.call('POST', '/sign-up/email', { body: { email, password: PASSWORD, name: 'Ada' } });
  assert.equal(status, 200, JSON.stringify(json));
  return { email, id: json.user.id, token: json.token, cookie };
};
const signInAt = (where, { email }) => where.call('POST', '/sign-in/email', { body: { email, password: PASSWORD } });
const whoIs = async (where, { cookie }) => (await where.call('GET', '/get-session', { cookie })).json?.user?.id;

const postgrest = (t, database) => ask(t, cluster, database, { jwtSecret: JWT_SECRET });

const titles = async (rest, jwt) => (await rest('GET', '/posts', { jwt })).json.map(({ title }) => title);

/** A project of the scaffold's with two users of its Node server, their sessions and posts. */
async function scaffoldProject(t, runner) {
  const { database, client } = await insforge(t);
  await migrate(client, '1', SCAFFOLD.replaceAll(/^ +(?=CREATE EXTENSION)/gm, ''), runner);
  const node = nodeServer(t, database);
  await node.migrate();
  if (runner === 'project_admin') {
    // So that the migration below can refer to users: what InsForge's users run today.
    await client.query('GRANT USAGE ON SCHEMA better_auth TO project_admin; GRANT REFERENCES ON better_auth."user" TO project_admin');
  }
  await migrate(client, '2', POSTS, runner);
  const [ada, eve] = [await signUpAt(node), await signUpAt(node)];
  await client.query('INSERT INTO public.posts (user_id, title) VALUES ($1, $2), ($3, $4)', [ada.id, 'of Ada', eve.id, 'of Eve']);
  return { database, client, node, ada, eve };
}

const TABLES = ['better_auth."user"', 'better_auth.session', 'better_auth.account', 'better_auth.verification', 'public.posts'];

/** Every row of the project, and its policies, as text. */
const everything = async (client) => {
  const state = [];
  for (const table of TABLES) state.push(await client.column(`SELECT t::text FROM ${table} t ORDER BY 1`));
  state.push(await client.column('SELECT polname || pg_get_expr(polqual, polrelid) || pg_get_expr(polwithcheck, polrelid) FROM pg_policy'));
  return state;
};

const RUNNERS = ['postgres', 'project_admin'];

for (const runner of RUNNERS) {
  describe(`migrations run as ${runner}`, { skip }, () => {
    test('a new project: the migration, set-up, tables of the application, users', async (t) => {
      const { database, client } = await insforge(t);
      await migrate(client, '1', MIGRATION, runner);
      const report = await isSetUp(t, database);
      assert.match(report, /^secret cookie: set$/m);
      assert.match(report, /^secret jwt: set$/m);
      await migrate(client, '2', POSTS, runner);
      assert.deepEqual(await nodeServer(t, database).migrate(), undefined); // npm run setup runs it: nothing to do

      const handler = await ours(database);
      const [ada, eve] = [await signUpAt(handler), await signUpAt(handler)];
      const { json: { token } } = await handler.call('GET', '/insforge-token', { cookie: ada.cookie });
      const { json: { token: hers } } = await handler.call('GET', '/insforge-token', { cookie: eve.cookie });
      const ask = await postgrest(t, database);
      assert.equal((await ask('POST', '/posts', { jwt: token, body: { title: 'Mine' } })).status, 201);
      assert.deepEqual([await titles(ask, token), await titles(ask, hers)], [['Mine'], []]);
      await handler.call('POST', '/sign-out', { cookie: ada.cookie });
      assert.equal((await handler.call('GET', '/insforge-token', { cookie: ada.cookie })).status, 401);
      await client.query('DELETE FROM better_auth."user" WHERE id = $1', [ada.id]);
      assert.equal(await client.value('SELECT count(*)::int FROM public.posts'), 0);
    });

    test('an existing project: nothing is lost, sessions stay; with the Node server, then without it', async (t) => {
      const { database, client, node, ada, eve } = await scaffoldProject(t, runner);
      const before = await everything(client);
      assert.deepEqual(before.map((rows) => rows.length), [2, 2, 2, 0, 2, 1]);
      await isSetUp(t, database, { options: ['--keep-server'] });
      assert.deepEqual(await everything(client), before);
      await migrate(client, '3', MIGRATION, runner); // recorded, for the next environment
      assert.deepEqual(await everything(client), before);

      // Both at once.
      const handler = await ours(database);
      assert.equal(await whoIs(handler, ada), ada.id);
      const kay = await signUpAt(handler);
      assert.equal(await whoIs(node, kay), kay.id);
      for (const [where, who] of [[handler, ada], [node, kay], [handler, kay], [node, ada]]) {
        const { status, json } = await signInAt(where, who);
        assert.deepEqual([status, json.user?.id], [200, who.id]);
      }
      const ask = await postgrest(t, database);
      const { json: { token } } = await handler.call('GET', '/insforge-token', { cookie: ada.cookie });
      assert.deepEqual(await titles(ask, token), ['of Ada']);

      // Without it.
      const rows = await everything(client);
      await isSetUp(t, database);
      assert.deepEqual(await everything(client), rows);
      const alone = await ours(database);
      for (const who of [ada, eve, kay]) {
        assert.equal(await whoIs(alone, who), who.id);
        assert.equal((await signInAt(alone, who)).json.user.id, who.id);
      }
      const { json: { token: last } } = await alone.call('GET', '/insforge-token', { cookie: eve.cookie });
      assert.deepEqual(await titles(ask, last), ['of Eve']);
      assert.equal((await ask('POST', '/posts', { jwt: last, body: { title: 'more of Eve' } })).status, 201);
      assert.deepEqual(await titles(ask, token), ['of Ada']);
    });

    test('the migration and set-up may run again', async (t) => {
      const { database, client } = await scaffoldProject(t, runner);
      await isSetUp(t, database);
      const secrets = () => client.column(`SELECT s::text FROM better_auth.signing_secret s ORDER BY 1`);
      const before = [await everything(client), await secrets()];
      await migrate(client, '3', MIGRATION, runner);
      await migrate(client, '4', MIGRATION, runner);
      const file = join(EXAMPLE, '0001_better-auth-bootstrap.sql');
      for (const args of [[], ['--single-transaction']]) {
        await database.run('psql', '--no-psqlrc', '--set', 'ON_ERROR_STOP=1', ...args, '--file', file);
      }
      const report = await isSetUp(t, database);
      assert.match(report, /^secret cookie: as it was\nsecret jwt: as it was$/m);
      assert.deepEqual([await everything(client), await secrets()], before);
    });
  });
}

describe('set-up', { skip }, () => {
  test('the role of the HTTP layer may execute handler() and nothing else', async (t) => {
    const { database, client } = await insforge(t);
    const url = urlOf(database, 'web%20er');
    assert.match(await isSetUp(t, database, { BETTER_AUTH_DATABASE_URL: url.replace('@', ':s%40cret@') }), /^role web er: made$/m);
    const verifier = () => client.value(`SELECT rolpassword FROM pg_authid WHERE rolname = 'web er'`);
    const first = await verifier();
    assert.match(first, /^SCRAM-SHA-256\$/);
    const again = await isSetUp(t, database, { BETTER_AUTH_DATABASE_URL: url.replace('@', ':another@') });
    assert.match(again, /^role web er: was there, keeps its password$/m);
    assert.equal(await verifier(), first);
    const web = await database.connect({ user: 'web er' });
    assert.equal((await http(web, 'GET', '/ok')).status, 200);
    assert.equal(await web.value('SHOW log_parameter_max_length'), '0');
    assert.equal(await web.value('SHOW statement_timeout'), '10s');
    const functions = `
      SELECT oid::regprocedure::text FROM pg_proc
      WHERE pronamespace = 'better_auth'::regnamespace AND has_function_privilege('web er', oid, 'EXECUTE')`;
    assert.deepEqual(await client.column(functions), ['better_auth.handler(anycompatible)']);
    const tables = `
      SELECT relname FROM pg_class WHERE relnamespace = 'better_auth'::regnamespace AND relkind = 'r'
        AND has_any_column_privilege('web er', oid, 'SELECT, INSERT, UPDATE')`;
    assert.deepEqual(await client.column(tables), []);
  });

  test('project_admin, whose is the API key, may refer to users and read nothing', async (t) => {
    const { database, client } = await scaffoldProject(t, 'project_admin');
    await isSetUp(t, database);
    await client.query('SET ROLE project_admin');
    for (const table of ['"user"', 'session', 'signing_secret', 'mail_outbox']) {
      await refused(client.query(`SELECT 1 FROM better_auth.${table}`), { code: '42501' });
    }
    await refused(client.query(`SELECT better_auth.service_token('x')`), { code: '42501' });
    await refused(client.query(`CREATE TABLE better_auth.t ()`), { code: '42501' });
  });

  test('neither secret nor password is in the log or a setting, whatever is logged', async (t) => {
    const { database, client } = await insforge(t);
    const logAll = { log_statement: 'all', log_min_duration_statement: 0, log_parameter_max_length: -1, log_parameter_max_length_on_error: -1 };
    for (const [name, value] of Object.entries(logAll)) {
      await client.query(`ALTER DATABASE ${ident(database.name)} SET ${name} = '${value}'`);
    }
    await setUp(t, environment(database, { INSFORGE_JWT_SECRET: 'short but secret' }));
    await isSetUp(t, database, { BETTER_AUTH_DATABASE_URL: urlOf(database, 'logged').replace('@', ':password-of-the-role@') });
    await (await database.connect()).query(`SELECT 'the log is on'`);
    await until(() => cluster.log().includes('the log is on'), 'statements are logged');
    for (const secret of [COOKIE_SECRET, JWT_SECRET, 'password-of-the-role', 'short but secret']) {
      assert.equal(cluster.log().includes(secret), false);
    }
    const settings = await client.column('SELECT unnest(setconfig) FROM pg_db_role_setting');
    assert.deepEqual(settings.filter((one) => /secret|password-of/i.test(one)), []);
  });

  test('InsForge\'s secret is a text, whatever it looks like', async (t) => {
    const { database, client } = await insforge(t);
    for (const secret of [`base64:${'A'.repeat(44)}`, `{"kty":"oct","k":"${'A'.repeat(43)}"}`, `literal:${'A'.repeat(32)}`]) {
      assert.match(await isSetUp(t, database, { INSFORGE_JWT_SECRET: secret }), /^secret jwt: set$/m);
      assert.match(await isSetUp(t, database, { INSFORGE_JWT_SECRET: secret }), /^secret jwt: as it was$/m);
      const [head, body, signature] = (await client.call('service_token')).split('.');
      assert.equal(createHmac('sha256', secret).update(`${head}.${body}`).digest('base64url'), signature);
    }
  });

  for (const [what, more, expected] of [
    ['a missing value', { BETTER_AUTH_URL: '' }, /^BETTER_AUTH_URL is not set\. /],
    ['a placeholder', { INSFORGE_JWT_SECRET: 'replace-with-output-of-cli' }, /^INSFORGE_JWT_SECRET still is what \.env\.example says/],
    ['a secret that is too short', { INSFORGE_JWT_SECRET: 'short' }, /32 bytes/],
    ['an address that is none', { BETTER_AUTH_URL: 'localhost:3000' }, /better_auth\.base_url/],
    ['no role', { BETTER_AUTH_DATABASE_URL: 'postgresql://localhost/app' }, /^BETTER_AUTH_DATABASE_URL names no role$/m],
    ['a superuser for the HTTP layer', { BETTER_AUTH_DATABASE_URL: 'postgresql://postgres@localhost/app' }, / names postgres, a superuser\. /],
  ]) {
    test(`${what}: an error that says so, and nothing is done`, async (t) => {
      const { database, client } = await insforge(t);
      const { code, err } = await setUp(t, environment(database, more));
      assert.equal(code, 1);
      assert.match(err, expected);
      assert.equal(await client.value(`SELECT count(*)::int FROM pg_extension WHERE extname = 'better_auth'`), 0);
      const { code: unknown } = await setUp(t, environment(database), '--keep');
      assert.equal(unknown, 1);
    });
  }
});

// ── The guide ──

/** The guide's code of one language, below one heading. */
function blocks(language, heading) {
  const section = GUIDE.split(/^## /m).find((one) => one.startsWith(`${heading}\n`));
  assert.ok(section, heading);
  const found = [...section.matchAll(new RegExp(`^ *\`\`\`${language}\n(.*?)^ *\`\`\`$`, 'gms'))].map(([, code]) => code);
  assert.ok(found.length > 0, `${language} below ${heading}`);
  return found;
}

/** The URL of InsForge's API. */
const insforgeApi = async (t, database) => apiInFront(t, await postgrest(t, database), { jwtSecret: JWT_SECRET });

describe('the guide', { skip }, () => {
  test('set-up: its commands, in a project of the scaffold', async (t) => {
    const { database, client } = await insforge(t);
    const cwd = project(t, 'pg');
    writeFileSync(join(cwd, '.env.local'), Object.entries(environment(database)).map(([name, value]) => `${name}=${value}\n`).join(''));
    const [commands] = blocks('sh', 'Set-up');
    const { code, out, err } = await run('sh', ['-euc', commands], { cwd, env: { PATH: process.env.PATH } });
    assert.deepEqual([code, err], [0, ''], out);
    assert.match(out, /^role better_auth_web: made$/m);
    await client.query(blocks('sql', 'Set-up').join('\n'));
    assert.equal(await client.value(`SELECT has_function_privilege('better_auth_web', 'better_auth.handler(anycompatible)', 'EXECUTE')`), true);
    const handler = await ours(database);
    const ada = await signUpAt(handler);
    const { json: { token } } = await handler.call('GET', '/insforge-token', { cookie: ada.cookie });
    assert.equal((await (await postgrest(t, database))('POST', '/posts', { jwt: token, body: { title: 'Mine' } })).status, 201);
  });

  test('Next.js: the files that it copies and names are there', () => {
    const [commands] = blocks('sh', 'Next.js');
    assert.match(commands, /^cp -r \.\.\/better_auth\/examples\/http-layer\/nextjs\/src \.$/m);
    const named = [...GUIDE.matchAll(/`(src\/(?:app|lib)\/\S+?)`/g)].map(([, path]) => path);
    assert.equal(named.length, 6);
    for (const path of named) readFileSync(join(ROOT, 'examples/http-layer/nextjs', path));
  });

  test('RPC alone: its code, with the SDK through the API of InsForge', async (t) => {
    const { database, client } = await scaffoldProject(t, 'project_admin');
    await isSetUp(t, database, { options: ['--rpc'] });
    // What InsForge does after `db query --unrestricted`.
    const functions = await client.column(`
      SELECT oid::regprocedure FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')`);
    assert.ok(functions.length >= 18);
    for (const one of functions) await client.query(`ALTER FUNCTION ${one} OWNER TO project_admin`);

    const cwd = project(t, '@insforge');
    const url = await insforgeApi(t, database);
    const { fetch } = globalThis; // a browser's sends the page's origin
    t.mock.method(globalThis, 'fetch', (to, init = {}) => {
      const headers = new Headers(init.headers);
      headers.set('origin', ORIGIN);
      return fetch(to, { ...init, headers });
    });
    const [code] = blocks('js', 'RPC alone');
    writeFileSync(join(cwd, 'auth.mjs'), `const [INSFORGE_URL, INSFORGE_ANON_KEY] = ['${url}', '${ANON_KEY}'];\n${code}`);
    const page = await import(pathToFileURL(join(cwd, 'auth.mjs')).href);
    const email = freshEmail();
    const { createClient } = await import(pathToFileURL(join(ROOT, 'pg_test/node_modules/@insforge/sdk/dist/index.mjs')).href);
    const anybody = createClient({ baseUrl: url, anonKey: ANON_KEY });
    assert.equal((await anybody.database.rpc('sign_up_email', { email, password: PASSWORD, name: 'Ada' })).error, null);

    await assert.rejects(page.signIn(email, 'wrong password'), { message: 'Invalid email or password' });
    const session = await page.signIn(email, PASSWORD);
    assert.equal(await page.renew(session), true);
    assert.equal((await page.insforge.database.from('posts').insert({ title: 'Mine' })).error, null);
    assert.deepEqual((await page.insforge.database.from('posts').select('*')).data.map(({ title }) => title), ['Mine']);
    assert.equal(await page.renew(session), true);
    await page.signOut(session);
    assert.equal(await page.renew(session), false);
    assert.deepEqual((await page.insforge.database.from('posts').select('*')).data, []);
    assert.match(await isSetUp(t, database, { options: ['--rpc'] }), /^RPC functions: /m);
  });

  test('Cross-origin: its code around the HTTP layer, and its settings', async (t) => {
    const { database, client } = await insforge(t);
    await isSetUp(t, database);
    for (const statements of blocks('sql', 'Cross-origin')) {
      for (const statement of statements.split(';').filter((one) => one.trim())) await client.query(statement);
    }
    cleanup(t, () => client.query('ALTER SYSTEM RESET ALL').then(() => client.query('SELECT pg_reload_conf()')));
    const path = join(directory(t), 'cors.mjs');
    writeFileSync(path, blocks('js', 'Cross-origin')[0]);
    const { allowPages } = await import(pathToFileURL(path).href);
    const { authHandler } = await import(pathToFileURL(join(ROOT, 'examples/http-layer/bridge.mjs')).href);
    const pool = new pg.Pool({ connectionString: urlOf(database), max: 2 });
    cleanup(t, () => pool.end());
    const sameSite = async () => (await pool.query(`SELECT current_setting('better_auth.cookie_same_site', true) AS value`)).rows[0].value;
    await until(async () => (await sameSite()) === 'none', 'the settings are read');
    const layer = createServer((request, response) => {
      if (allowPages(request, response)) return;
      authHandler(pool, request, response);
    });
    await new Promise((resolve) => layer.listen(0, '127.0.0.1', resolve));
    cleanup(t, () => new Promise((resolve) => { layer.close(resolve); layer.closeAllConnections(); }));
    const send = (method, route, origin, more = {}) => {
      const headers = { origin, 'sec-fetch-site': 'cross-site', 'content-type': 'application/json', ...more.headers };
      return fetch(`http://127.0.0.1:${layer.address().port}${route}`, { method, ...more, headers });
    };
    const CORS = ['access-control-allow-origin', 'access-control-allow-credentials', 'vary'];
    const cors = (response) => CORS.map((name) => response.headers.get(name));
    const page = 'https://www.app.example';

    const preflight = await send('OPTIONS', '/api/auth/sign-up/email', page);
    assert.deepEqual([preflight.status, ...cors(preflight)], [204, page, 'true', 'Origin']);
    assert.equal(preflight.headers.get('access-control-allow-headers'), 'content-type');
    const body = JSON.stringify({ email: freshEmail(), password: PASSWORD, name: 'Ada' });
    const up = await send('POST', '/api/auth/sign-up/email', page, { body });
    assert.deepEqual([up.status, ...cors(up)], [200, page, 'true', 'Origin']);
    assert.match(up.headers.get('set-cookie'), /; Secure; .*SameSite=None$/);
    const cookie = up.headers.get('set-cookie').split(';')[0];
    const bridge = await send('GET', '/api/insforge-token', page, { headers: { cookie } });
    assert.deepEqual([bridge.status, ...cors(bridge)], [200, page, 'true', 'Origin']);

    const other = await send('POST', '/api/auth/sign-out', 'https://evil.example', { headers: { cookie }, body: '{}' });
    assert.deepEqual([other.status, (await other.json()).code, ...cors(other)], [403, 'INVALID_ORIGIN', null, null, 'Origin']);
    assert.equal((await send('OPTIONS', '/api/auth/sign-out', 'https://evil.example')).status, 404);
  });

  test('Claims: its tables; a claim of the hook does not come through, a membership does', async (t) => {
    const { database, client } = await insforge(t);
    await isSetUp(t, database);
    await client.query(`SET ROLE project_admin; ${blocks('sql', 'Claims').join('\n')}; RESET ROLE`);
    const handler = await ours(database);
    const [ada, eve] = [await signUpAt(handler), await signUpAt(handler)];
    await client.query(`INSERT INTO public.members VALUES ('one', $1), ('two', $2)`, [ada.id, eve.id]);
    await client.query(`INSERT INTO public.documents (org_id, title) VALUES ('one', 'of one'), ('two', 'of two')`);
    const url = await insforgeApi(t, database);
    const tokenOf = async ({ cookie }) => (await handler.call('GET', '/insforge-token', { cookie })).json.token;
    const records = async (jwt, table, body) => {
      const headers = { authorization: `Bearer ${jwt}`, 'content-type': 'application/json' };
      const method = body ? 'POST' : 'GET';
      const response = await fetch(`${url}/api/database/records/${table}`, { method, headers, body: body && JSON.stringify(body) });
      return { status: response.status, json: await response.json() };
    };
    const token = await tokenOf(ada);
    assert.deepEqual((await records(token, 'documents')).json.map(({ title }) => title), ['of one']);
    assert.deepEqual((await records(token, 'members')).json, [{ org_id: 'one', user_id: ada.id }]);
    assert.equal((await records(token, 'documents', { org_id: 'one', title: 'more' })).status, 201);
    assert.equal((await records(token, 'documents', { org_id: 'two', title: 'not theirs' })).status, 403);
    assert.equal((await records(token, 'members', { org_id: 'two', user_id: ada.id })).status, 403);
    await client.query('DELETE FROM public.members WHERE user_id = $1', [ada.id]);
    assert.deepEqual((await records(token, 'documents')).json, []); // at once, by the same token
  });

  test("on InsForge's cloud: the tokens of a PostgreSQL elsewhere", async (t) => {
    const { database } = await insforge(t);
    await isSetUp(t, database);
    const cloud = await insforge(t);
    await cloud.client.query(SCAFFOLD.replace('CREATE SCHEMA IF NOT EXISTS better_auth;', ''));
    await cloud.client.query(POSTS.replace(/REFERENCES \S+ \(id\) ON DELETE CASCADE/, ''));
    const handler = await ours(database);
    const { cookie, id } = await signUpAt(handler);
    const { json: { token } } = await handler.call('GET', '/insforge-token', { cookie });
    const ask = await postgrest(t, cloud.database);
    assert.equal((await ask('POST', '/posts', { jwt: token, body: { title: 'Mine' } })).status, 201);
    assert.deepEqual((await ask('GET', '/posts', { jwt: token })).json.map((post) => post.user_id), [id]);
  });

  test('Back to the scaffold', async (t) => {
    const { database, client, node, ada } = await scaffoldProject(t, 'postgres');
    await isSetUp(t, database);
    const kay = await signUpAt(await ours(database));
    await isSetUp(t, database, { options: ['--keep-server'] });
    assert.equal((await signInAt(await ours(database), kay)).status, 200);
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const [, removal] = /```sql\n(  CREATE OR REPLACE FUNCTION public.requesting_user_id.*?)```/s.exec(readme);
    await client.query(removal);
    for (const who of [ada, kay]) assert.equal((await signInAt(node, who)).json.user.id, who.id);
    assert.equal(await whoIs(node, ada), ada.id);
    assert.equal(await client.value('SELECT count(*)::int FROM pg_policy'), 1);
  });
});

// Each line of the guide's table, by what is seen in its first cell.
const WHAT_GOES_WRONG = {
  async '`extension "better_auth" is not available`'(t) {
    const { client } = await insforge(t);
    // Before PostgreSQL 14 the message names the file.
    const message = /extension "better_auth_elsewhere" is not available|better_auth_elsewhere\.control/;
    await refused(client.query('CREATE EXTENSION better_auth_elsewhere'), { message });
  },
  async '`schema better_auth belongs to project_admin, and project_admin cannot change that: run setup.mjs first`'(t, message) {
    const { database, client } = await scaffoldProject(t, 'project_admin');
    await refused(migrate(client, '3', MIGRATION, 'project_admin'), { code: '42501', message });
    await isSetUp(t, database);
    await migrate(client, '3', MIGRATION, 'project_admin');
  },
  async '`permission denied to create extension "better_auth"`'(t, message) {
    const { database, client } = await insforge(t);
    const older = { mayMakeExtensions: false };
    await refused(migrate(client, '1', MIGRATION, 'project_admin', older), { code: '42501', message });
    await isSetUp(t, database);
    await migrate(client, '1', MIGRATION, 'project_admin', older);
  },
  async '`DATABASE_URL names project_admin, who is no superuser`'(t, message) {
    const { database, client } = await insforge(t);
    await client.query('ALTER ROLE project_admin LOGIN');
    cleanup(t, () => cluster.admin((admin) => admin.query('ALTER ROLE project_admin NOLOGIN')));
    const { code, err } = await setUp(t, environment(database, { DATABASE_URL: urlOf(database, 'project_admin') }));
    assert.deepEqual([code, err], [1, `${message}\n`]);
  },
  async '`BETTER_AUTH_SECRET is not set. Is it in .env.local, and was node given --env-file=.env.local?`'(t, message) {
    const { database } = await insforge(t);
    const { code, err } = await setUp(t, environment(database, { BETTER_AUTH_SECRET: '' }));
    assert.deepEqual([code, err], [1, `${message}\n`]);
  },
  async "`BETTER_AUTH_DATABASE_URL names postgres, a superuser. Name a role that isn't there yet`"(t, message) {
    const { database } = await insforge(t);
    const { code, err } = await setUp(t, environment(database, { BETTER_AUTH_DATABASE_URL: urlOf(database) }));
    assert.deepEqual([code, err], [1, `${message}\n`]);
  },
  async '`permission denied for schema better_auth`'(t, message) {
    const { database, client } = await insforge(t);
    await migrate(client, '1', MIGRATION, 'project_admin');
    await refused(migrate(client, '2', POSTS, 'project_admin'), { message });
    await isSetUp(t, database);
    await migrate(client, '2', POSTS, 'project_admin');
    for (const role of ['anon', 'authenticated']) {
      await client.query(`SET ROLE ${role}`);
      await refused(client.query('SELECT * FROM better_auth."user"'), { message });
    }
  },
  async '`foreign key constraint "notes_user_id_fkey" cannot be implemented`'(t, message) {
    const { database, client } = await insforge(t);
    await isSetUp(t, database);
    await refused(client.query('CREATE TABLE public.notes (user_id uuid REFERENCES better_auth."user" (id))'), { message });
  },
  async '`operator does not exist: uuid = text`'(t, message) {
    const { database, client } = await insforge(t);
    await isSetUp(t, database);
    await client.query('CREATE TABLE public.notes (user_id uuid)');
    await refused(client.query('CREATE POLICY own ON public.notes USING (user_id = public.requesting_user_id())'), { message });
  },
  async '`new row violates row-level security policy for table "posts"`'(t, message) {
    const { ask, tokenOf, other } = await withPosts(t);
    for (const jwt of [await tokenOf(), undefined]) {
      const { status, json } = await ask('POST', '/posts', { jwt, body: { user_id: other, title: 'x' } });
      assert.deepEqual([status, json.message], [jwt ? 403 : 401, message]);
    }
  },
  async 'an empty list, where rows should be'(t) {
    const { ask, client } = await withPosts(t);
    assert.ok((await client.value('SELECT count(*)::int FROM public.posts')) > 0);
    const { status, json } = await ask('GET', '/posts');
    assert.deepEqual([status, json], [200, []]);
  },
  async 'everybody sees every row'(t) {
    const { ask, client } = await withPosts(t);
    await client.query('ALTER TABLE public.posts DISABLE ROW LEVEL SECURITY');
    assert.equal((await ask('GET', '/posts')).json.length, await client.value('SELECT count(*)::int FROM public.posts'));
  },
  async "401 `JWSError JWSInvalidSignature`, of InsForge's API `Invalid token`"(t) {
    const { database, tokenOf } = await withPosts(t, { INSFORGE_JWT_SECRET: 'not the secret that InsForge has got' });
    const { status, json } = await (await postgrest(t, database))('GET', '/posts', { jwt: await tokenOf() });
    assert.deepEqual([status, json.message], [401, 'JWSError JWSInvalidSignature']);
    await isSetUp(t, database);
    assert.equal((await (await postgrest(t, database))('GET', '/posts', { jwt: await tokenOf(true) })).status, 200);
  },
  async 'everybody is signed out'(t) {
    const changes = [{ BETTER_AUTH_SECRET: 'another secret, not the one of the server' }, { BETTER_AUTH_URL: 'https://app.example' }];
    for (const change of changes) {
      const { database, ada } = await scaffoldProject(t, 'postgres');
      await isSetUp(t, database, change);
      assert.equal(await whoIs(await ours(database), ada), undefined);
      await isSetUp(t, database);
      assert.equal(await whoIs(await ours(database), ada), ada.id);
    }
  },
  async '403 `INVALID_ORIGIN`'(t, code) {
    const { handler, cookie } = await withPosts(t);
    const { status, json } = await handler.call('POST', '/sign-out', { cookie, headers: { origin: 'http://127.0.0.1:3000' } });
    assert.deepEqual([status, json.code], [403, code]);
  },
  async '403 `MISSING_OR_NULL_ORIGIN`'(t, code) {
    const { handler, cookie } = await withPosts(t);
    const { status, json } = await handler.call('POST', '/sign-out', { cookie, headers: { origin: 'null' } });
    assert.deepEqual([status, json.code], [403, code]);
  },
  async '401 `{"error":"not signed in"}`'(t, text) {
    const { handler } = await withPosts(t);
    const answer = await handler.call('GET', '/insforge-token');
    assert.deepEqual([answer.status, answer.text], [401, text]);
  },
  async 'the Node server answers 500 to sign-in; its log says `Invalid password hash`'(t, message) {
    const { database, node } = await scaffoldProject(t, 'postgres');
    await isSetUp(t, database);
    const kay = await signUpAt(await ours(database));
    const log = [];
    t.mock.method(console, 'error', (...line) => log.push(line.join(' ')));
    assert.equal((await signInAt(node, kay)).status, 500);
    assert.ok(log.join('\n').includes(message), log.join('\n'));
  },
  async 'the Node server fails with `Database schema mismatch`, and lists all tables as missing'(t, message) {
    const { database, ada } = await scaffoldProject(t, 'postgres');
    const wrong = nodeServer(t, database, { options: '' });
    const error = await refused(signInAt(wrong, ada), { code: 'SCHEMA_MISMATCH', message: new RegExp(`^${message}`) });
    assert.match(error.message, /user, session, account, verification/);
  },
  async '503, in the log `answered 503: 3D000` or `28P01` or `ECONNREFUSED`'(t) {
    const { database, client } = await insforge(t);
    await isSetUp(t, database);
    await client.query(`CREATE ROLE needs_password LOGIN PASSWORD 'right'`);
    const rules = join(cluster.data, 'pg_hba.conf');
    writeForServer(rules, `local all needs_password scram-sha-256\n${readFileSync(rules, 'utf8')}`);
    await client.query('SELECT pg_reload_conf()');
    const wrong = urlOf(database, 'needs_password:wrong');
    await until(() => new pg.Client({ connectionString: wrong }).connect().then(() => false, () => true), 'the rules are read');
    const urls = { '3D000': urlOf({ name: 'not_there' }), '28P01': wrong, ECONNREFUSED: 'postgresql://web@127.0.0.1:1/app' };
    for (const [code, url] of Object.entries(urls)) {
      assert.deepEqual(await askNext(t, url), [503, `better_auth: answered 503: ${code}`]);
    }
  },
  async '500, in the log `answered 500: 42501`'(t) {
    const { database, client } = await insforge(t);
    await isSetUp(t, database);
    await client.query('CREATE ROLE without_rights LOGIN');
    assert.deepEqual(await askNext(t, urlOf(database, 'without_rights')), [500, 'better_auth: answered 500: 42501']);
  },
  async '429 for everybody'(t) {
    const { database, client } = await insforge(t);
    await isSetUp(t, database);
    await client.query(`ALTER DATABASE ${ident(database.name)} SET better_auth.rate_limit_storage = 'database'`);
    const connection = await database.connect();
    const statuses = [];
    for (let count = 0; count < 4; count += 1) {
      const body = { email: freshEmail(), password: PASSWORD };
      statuses.push((await http(connection, 'POST', '/sign-in/email', { body })).status);
    }
    assert.deepEqual(statuses, [401, 401, 401, 429]);
    assert.deepEqual(await client.column('SELECT key FROM better_auth."rateLimit"'), ['no-trusted-ip|/sign-in/email']);
  },
};

/** A project where somebody has a post. `tokenOf()` is the bridge token. */
async function withPosts(t, more) {
  const { database, client } = await insforge(t);
  await isSetUp(t, database, more);
  await migrate(client, '1', POSTS, 'postgres');
  const handler = await ours(database);
  const { cookie } = await signUpAt(handler);
  const { id: other } = await signUpAt(handler);
  await client.query(`INSERT INTO public.posts (user_id, title) VALUES ($1, 'theirs')`, [other]);
  const tokenOf = async (isNew = false) =>
    (await (isNew ? await ours(database) : handler).call('GET', '/insforge-token', { cookie })).json.token;
  return { database, client, handler, cookie, other, tokenOf, ask: await postgrest(t, database) };
}

/** What the route of the Next.js example answers and logs with this BETTER_AUTH_DATABASE_URL. */
async function askNext(t, url) {
  const cwd = project(t, 'pg');
  const lib = join(ROOT, 'examples/http-layer/nextjs/src/lib');
  cpSync(join(lib, 'better-auth.js'), join(cwd, 'better-auth.mjs'));
  cpSync(join(lib, 'fetch.mjs'), join(cwd, 'fetch.mjs'));
  writeFileSync(join(cwd, 'ask.mjs'), `
    import { handle } from './better-auth.mjs';
    console.log((await handle(new Request('${ORIGIN}/api/auth/ok'))).status);
    await globalThis.betterAuthPool.end();`);
  const { out, err } = await run(process.execPath, ['ask.mjs'], { cwd, env: { PATH: process.env.PATH, BETTER_AUTH_DATABASE_URL: url } });
  return [Number(out), err.trim()];
}

describe('what goes wrong', { skip }, () => {
  const section = GUIDE.split('\n## What goes wrong\n')[1].split('\n## ')[0];
  const cells = [...section.matchAll(/^\| (.*?) \| /gm)].map(([, cell]) => cell).slice(2);

  test('the guide has these lines and no others', () => {
    assert.deepEqual(cells, Object.keys(WHAT_GOES_WRONG));
  });

  for (const [seen, happens] of Object.entries(WHAT_GOES_WRONG)) {
    test(seen, (t) => happens(t, /`([^`]*)`/.exec(seen)?.[1]));
  }
});
