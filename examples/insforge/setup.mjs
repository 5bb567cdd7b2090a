// What a migration of InsForge's can't do for better_auth, because it needs a superuser or a secret. Once, and again
// after a change of a value:
//
//   node --env-file=.env.local better-auth/setup.mjs [--keep-server] [--rpc]
//
// --keep-server   the scaffold's Better Auth server goes on signing users in: hashes in the form that it reads
// --rpc           PostgREST serves the flows as /rpc/sign_in_email and so on

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import pg from 'pg';

const { values: options } = parseArgs({ options: { 'keep-server': { type: 'boolean' }, rpc: { type: 'boolean' } } });

/** A variable of .env.local. */
function variable(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set. Is it in .env.local, and was node given --env-file=.env.local?`);
  if (value.startsWith('replace-with-')) throw new Error(`${name} still is what .env.example says: ${value}`);
  return value;
}

const say = (what, done) => console.log(`${what}: ${done}`);

/** Makes `text` the secret, unless it is. The one before ends at once, and with it what it has signed. */
async function setSecret(client, name, text) {
  // InsForge's is a text, also where PostgREST would read something else in it.
  const value = name === 'jwt' && /^(literal:|base64:|\s*\{)/.test(text) ? `literal:${text}` : text;
  const { rows } = await client.query(
    'SELECT FROM better_auth.signing_secret WHERE name = $1 AND value = $2 AND valid_until IS NULL', [name, value]);
  if (rows.length === 0) await client.query('SELECT better_auth.set_secret($1, $2)', [name, value]);
  say(`secret ${name}`, rows.length === 0 ? 'set' : 'as it was');
}

/** The role of the HTTP layer, which may execute handler() and nothing else. */
async function makeRole(client, url) {
  const role = decodeURIComponent(url.username);
  if (!role) throw new Error('BETTER_AUTH_DATABASE_URL names no role');
  const { rows: [found] } = await client.query('SELECT rolsuper FROM pg_roles WHERE rolname = $1', [role]);
  if (found?.rolsuper) {
    throw new Error(`BETTER_AUTH_DATABASE_URL names ${role}, a superuser. Name a role that isn't there yet`);
  }
  // An error's CONTEXT would quote the statement that has the password.
  await client.query('SET LOCAL log_error_verbosity = terse');
  // PostgreSQL 13 would keep an MD5 hash.
  await client.query(`SET LOCAL password_encryption = 'scram-sha-256'`);
  // As settings of this transaction, because neither DO nor CREATE ROLE takes parameters.
  await client.query(`SELECT set_config('setup.role', $1, true), set_config('setup.password', $2, true)`,
    [role, decodeURIComponent(url.password)]);
  await client.query(`DO $$
    DECLARE
      web CONSTANT text := current_setting('setup.role');
      password CONSTANT text := nullif(current_setting('setup.password'), '');
    BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = web) THEN
        EXECUTE format('CREATE ROLE %I LOGIN PASSWORD %L', web, password);
      END IF;
      EXECUTE format('GRANT USAGE ON SCHEMA better_auth TO %I', web);
      EXECUTE format('GRANT EXECUTE ON FUNCTION better_auth.handler TO %I', web);
      -- Request bodies hold passwords.
      EXECUTE format('ALTER ROLE %I SET log_parameter_max_length = 0', web);
      EXECUTE format('ALTER ROLE %I SET log_parameter_max_length_on_error = 0', web);
      EXECUTE format('ALTER ROLE %I SET statement_timeout = ''10s''', web);
    END $$`);
  say(`role ${role}`, found ? 'was there, keeps its password' : 'made');
}

async function setUp(client) {
  const { rows: [{ database, role, rolsuper }] } = await client.query(
    'SELECT current_database() AS database, current_user AS role, rolsuper FROM pg_roles WHERE rolname = current_user');
  if (!rolsuper) throw new Error(`DATABASE_URL names ${role}, who is no superuser`);
  // Secrets are parameters: the server's log has them otherwise, where it has statements.
  await client.query('SET log_parameter_max_length = 0; SET log_parameter_max_length_on_error = 0');

  await client.query(readFileSync(new URL('0001_better-auth-bootstrap.sql', import.meta.url), 'utf8'));
  const { rows: [extension] } = await client.query(`SELECT extversion FROM pg_extension WHERE extname = 'better_auth'`);
  say('extension better_auth', extension.extversion);

  await setSecret(client, 'cookie', variable('BETTER_AUTH_SECRET'));
  await setSecret(client, 'jwt', variable('INSFORGE_JWT_SECRET'));

  await client.query(`LOAD 'better_auth'`); // it knows the settings, and checks their values
  const settings = {
    base_url: variable('BETTER_AUTH_URL').replace(/\/+$/, ''),
    password_hash: options['keep-server'] ? 'scrypt' : 'argon2id',
  };
  for (const [name, value] of Object.entries(settings)) {
    await client.query(
      `ALTER DATABASE ${pg.escapeIdentifier(database)} SET better_auth.${name} = ${pg.escapeLiteral(value)}`);
    say(name, value);
  }

  if (process.env.BETTER_AUTH_DATABASE_URL) await makeRole(client, new URL(variable('BETTER_AUTH_DATABASE_URL')));

  const { rows: [admin] } = await client.query(`SELECT FROM pg_roles WHERE rolname = 'project_admin'`);
  if (admin) {
    // The role of InsForge's migrations: so that their tables can refer to users.
    await client.query('GRANT USAGE ON SCHEMA better_auth TO project_admin');
    await client.query('GRANT REFERENCES (id) ON better_auth."user" TO project_admin');
    say('project_admin', 'may refer to better_auth."user" (id)');
  }

  if (options.rpc) {
    await client.query(`SELECT better_auth.enable_rpc('public', 'anon', 'authenticated')`);
    say('RPC functions', 'in schema public, for anon and authenticated');
  }
}

try {
  const client = new pg.Client({ connectionString: variable('DATABASE_URL') });
  await client.connect();
  try {
    await client.query('BEGIN');
    await setUp(client);
    await client.query('COMMIT'); // all of it, or nothing
  } finally {
    await client.end();
  }
  console.log('Done. Settings count from the next connection on: restart what is connected.');
} catch (error) {
  console.error([error.message, error.detail, error.hint].filter(Boolean).join('\n'));
  process.exitCode = 1;
}
