// What these tests share: servers, databases, connections, and PostgreSQL's own programs.
//
// The environment says where the server is: PGHOST, PGPORT, PGUSER, PGBIN, PGDATA (see pg_test/tools/run).

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** The DDL of `better-auth migrate`. */
export const betterAuthDdl = readFileSync(new URL('better-auth.sql', import.meta.url), 'utf8');

/** A password and its hash as a real Better Auth stored it (scrypt). */
export const foreign = {
  password: 'password1234',
  hash:
    'de710638b3e0896fe5a5d15334a113ae:2647966bb9b374d0e62aa1dda6e8e6131df016bceb2228632ab5ec98a227ec74' +
    '9158d4e0a108568c275598314ec542df833ec1874be2d37e0fd7de1e98caf615',
};

/** A name that no other test uses. */
export const unique = (prefix) => `${prefix}_${randomBytes(6).toString('hex')}`;

export const ident = pg.escapeIdentifier;

const cleanups = new WeakMap();

/** Has `work` done when the test is over, the last one first: databases go before the roles they grant to. */
export function cleanup(t, work) {
  if (!cleanups.has(t)) {
    cleanups.set(t, []);
    t.after(async () => {
      const failures = [];
      for (const one of cleanups.get(t).reverse()) {
        await Promise.resolve().then(one).catch((error) => failures.push(error));
      }
      assert.deepEqual(failures, []);
    });
  }
  cleanups.get(t).push(work);
}

/** A client that remembers the notices and warnings it was sent. */
class Client extends pg.Client {
  notices = [];

  constructor(config) {
    super(config);
    this.on('notice', (notice) => this.notices.push(notice));
    // The server may end the connection, as when its database is dropped.
    this.on('error', () => {});
  }

  /** The first column of the first row. */
  async value(text, values) {
    const { rows } = await this.query({ text, values, rowMode: 'array' });
    return rows[0]?.[0];
  }

  /** The first column of each row. */
  async column(text, values) {
    const { rows } = await this.query({ text, values, rowMode: 'array' });
    return rows.map(([first]) => first);
  }

  /** Calls better_auth.<name>(key => value, ...). */
  call(name, args = {}) {
    const names = Object.keys(args).map((key, index) => `${key} => $${index + 1}`);
    return this.value(`SELECT better_auth.${name}(${names.join(', ')})`, Object.values(args));
  }
}

class Database {
  #server;
  #clients = [];

  constructor(server, name) {
    this.#server = server;
    this.name = name;
  }

  /** A new connection. `set` holds settings that are in force from the start. */
  async connect({ user, set = {} } = {}) {
    const options = Object.entries(set).map(([name, value]) => `-c ${name}=${String(value).replace(/[\\ ]/g, '\\$&')}`);
    const client = await this.#server.connect({ database: this.name, user, options: options.join(' ') });
    this.#clients.push(client);
    return client;
  }

  connectMany(count) {
    return Promise.all(Array.from({ length: count }, () => this.connect()));
  }

  /** Runs a program of PostgreSQL on this database, and gives what it printed. */
  run(program, ...args) {
    return this.#server.run(program, '--dbname', this.name, ...args);
  }

  async drop() {
    await Promise.all(this.#clients.map((client) => client.end().catch(() => {})));
    await this.#server.admin((admin) => admin.query(`DROP DATABASE ${ident(this.name)} WITH (FORCE)`));
  }
}

class Server {
  /** Whether it was stopped before the test is over. */
  stopped = false;

  constructor({ host, port, user }) {
    this.host = host;
    this.port = port;
    this.user = user;
  }

  async connect(config = {}) {
    const { host, port, user } = this;
    const client = new Client({ host, port, database: 'postgres', ...config, user: config.user ?? user });
    await client.connect();
    return client;
  }

  async admin(work) {
    const client = await this.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  /** An empty database, dropped when the test is over. */
  async emptyDatabase(t, options = "ENCODING 'UTF8'") {
    const database = new Database(this, unique('server_test'));
    await this.admin((admin) => admin.query(`CREATE DATABASE ${ident(database.name)} TEMPLATE template0 ${options}`));
    cleanup(t, () => this.stopped || database.drop());
    return database;
  }

  /** A database with the extension, and a superuser's connection to it. */
  async database(t, connection) {
    const database = await this.emptyDatabase(t);
    const client = await database.connect(connection);
    await client.query('CREATE EXTENSION better_auth');
    return { database, client };
  }

  /** A database that something else has made, dropped when the test is over. */
  adopt(t, name) {
    const database = new Database(this, name);
    cleanup(t, () => database.drop());
    return database;
  }

  /** A role that may log in, dropped when the test is over. */
  async role(t, prefix = 'app') {
    const role = unique(prefix);
    await this.admin((admin) => admin.query(`CREATE ROLE ${role} LOGIN`));
    cleanup(t, () => this.stopped || this.admin((admin) => admin.query(`DROP ROLE ${role}`)));
    return role;
  }

  /** Runs a program of PostgreSQL against this server, and gives what it printed. */
  run(program, ...args) {
    return execute(program, ['--host', this.host, '--port', String(this.port), '--username', this.user, ...args]);
  }
}

/** The server that the environment names. */
export const server = new Server({
  host: process.env.PGHOST,
  port: Number(process.env.PGPORT),
  user: process.env.PGUSER ?? 'postgres',
});

/** The server's major version. */
export const MAJOR = Number(/\d+/.exec(execFileSync(join(process.env.PGBIN, 'pg_config'), ['--version'])));

const extensions = join(String(execFileSync(join(process.env.PGBIN, 'pg_config'), ['--sharedir'])).trim(), 'extension');

/** For a test's `skip`: why it can't run where the server comes without that extension, or false. */
export const lacks = (extension) => !existsSync(join(extensions, `${extension}.control`)) && `this server lacks ${extension}`;

/** PostgreSQL refuses to run as root, so servers run as who runs the one of the environment. */
const owner = () => {
  const { uid, gid } = statSync(process.env.PGDATA);
  return process.getuid() === 0 ? { uid, gid } : {};
};

/** `bin` among the options is where the programs of another server are; `input` is what the program reads. */
export function execute(program, args, { bin = process.env.PGBIN, input = '', ...options } = {}) {
  const path = join(bin, program);
  return new Promise((resolve, reject) => {
    const child = execFile(path, args, { ...options, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error) {
        reject(new Error(`${program} ended with ${error.code}: ${stderr}${stdout}`));
      } else {
        resolve({ stdout, stderr });
      }
    });
    // A program that ends without having read it is none of our business.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

/** A directory that servers can read, removed when the test is over. */
export function directory(t) {
  const path = mkdtempSync('/tmp/better_auth_test_');
  const { uid, gid } = owner();
  if (uid !== undefined) {
    chownSync(path, uid, gid);
  }
  cleanup(t, () => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Writes a file that servers can read. */
export function writeForServer(path, content) {
  writeFileSync(path, content, { mode: 0o600 });
  const { uid, gid } = owner();
  if (uid !== undefined) {
    chownSync(path, uid, gid);
  }
}

/**
 * A server of the test's own, for what concerns a whole server. `fill(data)` makes its data directory; `env` is added to
 * its environment; `bin` is where the programs of another version are.
 */
export async function ownServer(t, fill = initialise, env = {}, bin = undefined) {
  const home = directory(t);
  const data = join(home, 'data');
  const log = join(home, 'log');
  const as = { ...owner(), cwd: home, env: { ...process.env, ...env }, bin };
  await fill(data, as);
  const control = (...args) => execute('pg_ctl', ['--pgdata', data, '--wait', ...args], as);
  // Without a TCP port the socket's directory alone keeps servers apart.
  await control('start', '--log', log, '--options', `-p 5432 -c listen_addresses= -c unix_socket_directories=${home} -c fsync=off`);
  const started = new Server({ host: home, port: 5432, user: 'postgres' });
  cleanup(t, () => started.stopped || control('stop', '--mode', 'immediate'));
  const stop = async () => {
    await control('stop', '--mode', 'fast');
    started.stopped = true;
  };
  return Object.assign(started, { home, data, stop, log: () => readFileSync(log, 'utf8') });
}

/** Fills a data directory with a new cluster. */
export function initialise(data, as, ...more) {
  const args = ['--pgdata', data, '--username', 'postgres', '--encoding', 'UTF8', '--locale', 'C', '--auth', 'trust', '--no-sync', ...more];
  return execute('initdb', args, as);
}

/** Fills a data directory with a copy of `primary` that follows it. */
export const standbyOf = (primary) => (data, as) =>
  execute(
    'pg_basebackup',
    ['--host', primary.host, '--port', String(primary.port), '--username', 'postgres', '--pgdata', data, '--write-recovery-conf', '--checkpoint', 'fast', '--no-sync'],
    as,
  );

/** Asserts that `promise` is refused with these fields of PostgreSQL's error: code, message, detail, hint. */
export async function refused(promise, expected) {
  const error = await promise.then(
    (value) => assert.fail(`not refused: ${JSON.stringify(value)}`),
    (error) => error,
  );
  for (const [field, value] of Object.entries(expected)) {
    if (value instanceof RegExp) {
      assert.match(String(error[field]), value, error.stack);
    } else {
      assert.equal(error[field], value, error.stack);
    }
  }
  return error;
}

/** Waits until `condition()` holds. How long is no part of any test: the machine may be busy. */
export async function until(condition, what) {
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(20)) {
    if (await condition()) {
      return;
    }
  }
  assert.fail(`timed out: ${what}`);
}

/** Ends another connection, and waits until it is gone. */
export async function terminate(observer, { processID }) {
  await observer.query('SELECT pg_terminate_backend($1)', [processID]);
  const isGone = () => observer.value('SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $1', [processID]);
  await until(isGone, 'the end of a connection');
}

/** Waits until the backend of `client` waits for a lock; `observer` is another connection. */
export const untilBlocked = (observer, { processID }) =>
  until(() => observer.value('SELECT cardinality(pg_blocking_pids($1)) > 0', [processID]), 'waiting for a lock');

/** An email that no other sign-up of this run has. */
export const freshEmail = () => `${unique('ada')}@example.com`;

export const PASSWORD = 'correct horse battery';

/**
 * Does `work` again as often as it waited too long for a slot to hash in (55P03), which says "try again" and has done
 * nothing: on a busy machine many at once wait longer than that.
 */
export async function patiently(work) {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (error.code !== '55P03') {
        throw error;
      }
    }
  }
}

/** Signs up somebody new; `{token, user}`. */
export const signUp = (client, more = {}) =>
  client.call('sign_up_email', { email: freshEmail(), password: PASSWORD, name: 'Ada', ...more });

export const signIn = (client, email, password = PASSWORD) => client.call('sign_in_email', { email, password });

/** The errors that callers meet. */
export const INVALID_EMAIL_OR_PASSWORD = { code: '28P01', detail: 'INVALID_EMAIL_OR_PASSWORD', message: 'Invalid email or password' };
export const USER_ALREADY_EXISTS = { code: '23505', detail: 'USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL' };
export const UNAUTHORIZED = { code: '28000', detail: 'UNAUTHORIZED' };
export const INVALID_TOKEN = { code: '28000', detail: 'INVALID_TOKEN' };

/** Walks through everything that a user does, and checks each answer. */
export async function wholeFlow(client) {
  const email = freshEmail();
  const began = Date.now();
  const up = await signUp(client, { email: email.toUpperCase(), image: 'https://x.example/a.png', ip_address: '10.0.0.1', user_agent: 'test' });
  assert.equal(up.user.email, email);
  assert.equal(up.user.image, 'https://x.example/a.png');
  assert.equal(up.user.emailVerified, false);
  await refused(signUp(client, { email }), USER_ALREADY_EXISTS);
  await refused(signIn(client, email, 'wrong password'), INVALID_EMAIL_OR_PASSWORD);

  const second = await signIn(client, email);
  const third = await signIn(client, email);
  assert.deepEqual(second.user, up.user);
  const { session, user } = await client.call('get_session', { session_token: up.token });
  assert.deepEqual(user, up.user);
  assert.equal(session.token, up.token);
  assert.equal(session.userId, user.id);
  assert.equal(session.ipAddress, '10.0.0.1');
  assert.equal(session.userAgent, 'test');
  for (const [name, time] of Object.entries({
    userCreated: user.createdAt,
    userUpdated: user.updatedAt,
    created: session.createdAt,
    updated: session.updatedAt,
    expires: new Date(Date.parse(session.expiresAt) - 7 * 86_400_000).toISOString(),
  })) {
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const age = Date.parse(time) - began;
    assert.ok(age >= -1 && age < 60_000, `${name} is ${time}, ${age} ms after the start`);
  }

  const claims = await client.call('verify_jwt', { token: await client.call('bridge_token', { session_token: up.token }) });
  assert.equal(claims.sub, user.id);
  assert.equal(claims.sid, session.id);

  const tokens = async (of) => (await client.call('list_sessions', { session_token: of })).map((one) => one.token);
  assert.deepEqual(await tokens(up.token), [up.token, second.token, third.token]);
  await client.call('revoke_session', { session_token: up.token, token: second.token });
  assert.equal(await client.call('get_session', { session_token: second.token }), null);
  await client.call('revoke_other_sessions', { session_token: up.token });
  assert.deepEqual(await tokens(up.token), [up.token]);
  const fourth = await signIn(client, email);
  await client.call('revoke_sessions', { session_token: up.token });
  await refused(client.call('bridge_token', { session_token: fourth.token }), UNAUTHORIZED);
  const fifth = await signIn(client, email);
  assert.deepEqual(await client.call('sign_out', { session_token: fifth.token }), { success: true });
  assert.equal(await client.call('get_session', { session_token: fifth.token }), null);
  return up.user;
}
