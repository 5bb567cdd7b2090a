// The secrets: rotated, kept in memory by every backend, read from files, and never shown to anyone.

import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { ident, INVALID_TOKEN, MAJOR, ownServer, PASSWORD, refused, server, signUp, until, writeForServer } from './lib.mjs';

const CURRENT = `SELECT value FROM better_auth.signing_secret WHERE name = 'jwt' AND valid_until IS NULL`;

const sign = (client) => client.call('sign_jwt', { claims: '{"sub":"x"}' });
const verify = (client, token) => client.call('verify_jwt', { token });
const rotate = (client, keep) => client.call('rotate_secret', { name: 'jwt', keep });

/** Whether `secret` signed `token`, by Node's own reckoning. */
function isSignedWith(token, secret) {
  const [header, payload, signature] = token.split('.');
  return createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url') === signature;
}

/** Two backends that both have the keys in memory. */
async function two(t) {
  const { database, client } = await server.database(t);
  const other = await database.connect();
  await verify(other, await sign(client));
  return { database, one: client, other };
}

describe('a rotation', () => {
  test('is what signs from then on; the old key is refused at once without keep', async (t) => {
    const { one } = await two(t);
    const [old, before] = [await sign(one), await one.value(CURRENT)];
    await rotate(one, '0');
    const after = await one.value(CURRENT);
    assert.notEqual(after, before);
    assert.equal(Buffer.from(after, 'base64url').length, 32);
    await refused(verify(one, old), INVALID_TOKEN);
    const token = await sign(one);
    assert.ok(isSignedWith(old, before) && isSignedWith(token, after));
  });

  for (const [where, begin] of Object.entries({
    'at its next statement': null,
    'inside an open transaction': 'BEGIN',
    'inside a REPEATABLE READ transaction': 'BEGIN ISOLATION LEVEL REPEATABLE READ',
    'inside a SERIALIZABLE, READ ONLY transaction': 'BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY',
  })) {
    test(`is seen by another backend ${where}`, async (t) => {
      const { one, other } = await two(t);
      if (begin) {
        await other.query(begin);
        await other.query('SELECT count(*) FROM better_auth.signing_secret');
      }
      const old = await sign(other);
      await verify(other, old);
      await rotate(one, '0');
      await refused(verifyInSavepoint(other, old, begin), INVALID_TOKEN);
      const token = await sign(other);
      assert.ok(isSignedWith(token, await one.value(CURRENT)));
      await verify(other, token);
      await verify(one, token);
    });
  }

  /** An error must not end the transaction that is under test. */
  async function verifyInSavepoint(client, token, begin) {
    if (!begin) {
      return verify(client, token);
    }
    await client.query('SAVEPOINT s');
    try {
      return await verify(client, token);
    } finally {
      await client.query('ROLLBACK TO s');
    }
  }

  test('that is rolled back leaves the old key in use, in its own backend and in others', async (t) => {
    const { one, other } = await two(t);
    const before = await one.value(CURRENT);
    await one.query('BEGIN');
    await rotate(one, '0');
    const inside = await sign(one);
    assert.ok(!isSignedWith(inside, before));
    const outside = await sign(other);
    assert.ok(isSignedWith(outside, before));
    await one.query('ROLLBACK');
    for (const client of [one, other]) {
      assert.ok(isSignedWith(await sign(client), before));
      await verify(client, outside);
      await refused(verify(client, inside), INVALID_TOKEN);
    }
  });

  test('that is rolled back to a savepoint leaves the old key in use', async (t) => {
    const { one } = await two(t);
    const before = await one.value(CURRENT);
    await one.query('BEGIN; SAVEPOINT s');
    await rotate(one, '0');
    await sign(one);
    await one.query('ROLLBACK TO s');
    assert.ok(isSignedWith(await sign(one), before));
    await one.query('COMMIT');
    assert.ok(isSignedWith(await sign(one), before));
  });

  test('is seen only once it is committed', async (t) => {
    const { one, other } = await two(t);
    const before = await one.value(CURRENT);
    await one.query('BEGIN');
    await rotate(one, '0');
    assert.ok(isSignedWith(await sign(other), before));
    await one.query('COMMIT');
    assert.ok(!isSignedWith(await sign(other), before));
  });

  test('lets old tokens verify for as long as keep says, in every backend', async (t) => {
    const { one, other } = await two(t);
    const old = await sign(one);
    await rotate(one, '2 seconds');
    await verify(one, old);
    await verify(other, old);
    assert.ok(!isSignedWith(await sign(other), await one.value(`SELECT value FROM better_auth.signing_secret WHERE name = 'jwt' AND valid_until IS NOT NULL`)));
    await sleep(2_100);
    await refused(verify(one, old), INVALID_TOKEN);
    await refused(verify(other, old), INVALID_TOKEN);
    // The next rotation clears away what has run out.
    await rotate(one, '1 day');
    assert.equal(await one.value(`SELECT count(*)::int FROM better_auth.signing_secret WHERE name = 'jwt'`), 2);
  });

  test('leaves the other secret alone', async (t) => {
    const { one } = await two(t);
    const cookie = `SELECT value FROM better_auth.signing_secret WHERE name = 'cookie' AND valid_until IS NULL`;
    const [before, token] = [await one.value(cookie), await sign(one)];
    await rotate(one, '0');
    assert.equal(await one.value(cookie), before);
    const after = await sign(one);
    await one.call('rotate_secret', { name: 'cookie', keep: '0' });
    assert.notEqual(await one.value(cookie), before);
    await verify(one, after);
    await refused(verify(one, token), INVALID_TOKEN);
  });

  test('by plain SQL on the table is seen too', async (t) => {
    const { one, other } = await two(t);
    const value = 'k'.repeat(40);
    await one.query(`UPDATE better_auth.signing_secret SET value = $1 WHERE name = 'jwt'`, [value]);
    assert.ok(isSignedWith(await sign(other), value));
    await one.query('TRUNCATE better_auth.signing_secret');
    await refused(sign(other), { code: '55000', message: /no current jwt secret.*migrate\(\)/ });
    await one.query('SELECT * FROM better_auth.migrate()');
    await verify(other, await sign(one));
  });
});

describe('set_secret', () => {
  test('makes the value the one that signs', async (t) => {
    const { one, other } = await two(t);
    const value = 'a secret shared with PostgREST, 32+ bytes';
    await one.call('set_secret', { name: 'jwt', value });
    assert.ok(isSignedWith(await sign(other), value));
  });

  for (const [what, args, message] of [
    ['a jwt secret of 31 bytes', { name: 'jwt', value: 'tooShort-'.padEnd(31, 'q') }, /needs at least 32 bytes.*this one has 31/],
    ['an empty secret', { name: 'cookie', value: '' }, /the secret is empty/],
    ['another name', { name: 'nonsense', value: 'v'.repeat(40) }, /the names are cookie, jwt, jwt_eddsa, jwt_es256, jwt_rs256, captcha and oauth_proxy/],
    ['a negative keep', { name: 'jwt', value: 'v'.repeat(40), keep: '-1 second' }, /keep must not be negative/],
  ]) {
    test(`refuses ${what}, and does not repeat the value`, async (t) => {
      const { one } = await two(t);
      const before = await one.column('SELECT value FROM better_auth.signing_secret ORDER BY name');
      const error = await refused(one.call('set_secret', args), { code: '22023', message });
      if (args.value) {
        for (const text of [error.message, error.detail, error.hint, error.where]) {
          assert.ok(!String(text).includes(args.value));
        }
      }
      assert.deepEqual(await one.column('SELECT value FROM better_auth.signing_secret ORDER BY name'), before);
    });
  }
});

describe('nobody but the owner', () => {
  test('reads signing_secret, or calls what changes it', async (t) => {
    const role = await server.role(t);
    const { database, client } = await server.database(t);
    await client.query(`GRANT USAGE ON SCHEMA better_auth TO ${ident(role)}`);
    const app = await database.connect({ user: role });
    for (const statement of [
      'SELECT value FROM better_auth.signing_secret', 'TABLE better_auth.account', 'UPDATE better_auth.signing_secret SET value = 1',
      `SELECT better_auth.rotate_secret('jwt')`, `SELECT better_auth.set_secret('jwt', repeat('x', 32))`, 'SELECT * FROM better_auth.migrate()',
      `SELECT better_auth.sign_jwt('{}')`, 'SELECT better_auth.service_token()', `SELECT better_auth.get_session('x')`,
    ]) {
      await refused(app.query(statement), { code: '42501' });
    }
    assert.equal(await app.value('SELECT public.requesting_user_id()'), null);
  });

  test('reads it with pg_read_all_settings or pg_monitor, or by statistics', async (t) => {
    const role = await server.role(t);
    const { database, client } = await server.database(t);
    await client.query(`GRANT USAGE ON SCHEMA better_auth TO ${ident(role)}; GRANT pg_monitor TO ${ident(role)}; ANALYZE better_auth.signing_secret`);
    const app = await database.connect({ user: role });
    const secret = await client.value(CURRENT);
    assert.deepEqual(await app.column(`SELECT most_common_vals::text || histogram_bounds::text FROM pg_stats WHERE tablename = 'signing_secret'`), []);
    const settings = await app.column('SELECT setting FROM pg_settings');
    assert.ok(!settings.includes(secret));
  });
});

describe('a secret from a file', () => {
  const SECRET = 'file-secret-of-more-than-32-bytes-0123456789';
  const OTHER = 'another-file-secret-of-more-than-32-bytes-012';

  /** A server of its own: the setting is the whole server's. */
  async function withFile(t, content, setting = 'jwt_secret_file') {
    const own = await ownServer(t);
    const role = await own.role(t);
    const { database, client } = await own.database(t);
    const path = join(own.home, 'secret');
    if (content !== null) {
      writeForServer(path, content);
    }
    await verify(client, await sign(client));
    await client.query(`ALTER SYSTEM SET better_auth.${setting} = '${path}'`);
    await reload(client);
    return { own, database, client, path, role };
  }

  /** Has the server read its configuration, and waits until every backend of the test has noticed. */
  async function reload(...clients) {
    const [first] = clients;
    const before = await first.value('SELECT pg_conf_load_time()::text');
    await first.query('SELECT pg_reload_conf()');
    await Promise.all(
      clients.map((client) => until(async () => (await client.value('SELECT pg_conf_load_time()::text')) !== before, 'a reload')),
    );
  }

  test('comes before the one in the table, and may end in a line break', async (t) => {
    const { client, database } = await withFile(t, `${SECRET}\n`);
    const other = await database.connect();
    const token = await sign(other);
    assert.ok(isSignedWith(token, SECRET));
    await verify(client, token);
    const inTable = await client.value(CURRENT);
    assert.ok(!isSignedWith(await sign(client), inTable));
  });

  test('is read again after a reload, and not before', async (t) => {
    const { client, path } = await withFile(t, SECRET);
    assert.ok(isSignedWith(await sign(client), SECRET));
    writeForServer(path, OTHER);
    assert.ok(isSignedWith(await sign(client), SECRET));
    await reload(client);
    assert.ok(isSignedWith(await sign(client), OTHER));
    await client.query('ALTER SYSTEM RESET better_auth.jwt_secret_file');
    await reload(client);
    assert.ok(isSignedWith(await sign(client), await client.value(CURRENT)));
  });

  test('lets what was rotated out of the table verify on', async (t) => {
    const own = await ownServer(t);
    const { client } = await own.database(t);
    const old = await sign(client);
    await rotate(client, '1 hour');
    const path = join(own.home, 'secret');
    writeForServer(path, SECRET);
    await client.query(`ALTER SYSTEM SET better_auth.jwt_secret_file = '${path}'`);
    await reload(client);
    await verify(client, old);
  });

  for (const [what, content, message] of [
    ['missing', null, /^the file of better_auth\.jwt_secret_file can't be opened: entity not found$/],
    ['too short', 'short-file-secret\n', /jwt_secret_file is not usable: the jwt secret needs at least 32 bytes.*this one has 17/],
    ['empty', '\n', /jwt_secret_file is not usable/],
    ['too long', 'long-file-secret'.padEnd(4_097, 'z'), /jwt_secret_file is longer than a secret can be/],
    ['not text', Buffer.concat([Buffer.from('binary-file-secret'.padEnd(40, 'y')), Buffer.from([0xff, 0xfe])]), /jwt_secret_file can't be read/],
  ]) {
    test(`that is ${what} is an error that tells nothing of its content; the table's secret is not used instead`, async (t) => {
      const { own, client } = await withFile(t, content);
      const { token } = await signUp(client);
      for (const call of [sign(client), verify(client, 'a.b.c'), client.call('bridge_token', { session_token: token })]) {
        const error = await refused(call, { code: '55000', message });
        for (const text of [error.message, error.detail, error.hint, error.where, own.log()]) {
          assert.ok(!/-file-secret/.test(String(text)), text);
        }
      }
    });
  }

  for (const name of ['jwt', 'cookie']) {
    test(`can't be set or rotated by function: ${name}`, async (t) => {
      const { client } = await withFile(t, SECRET, `${name}_secret_file`);
      const expected = { code: '22023', message: new RegExp(`the ${name} secret comes from the file that better_auth\\.${name}_secret_file names`) };
      await refused(client.call('set_secret', { name, value: 'v'.repeat(40) }), expected);
      await refused(client.call('rotate_secret', { name }), expected);
      const other = name === 'jwt' ? 'cookie' : 'jwt';
      await client.call('rotate_secret', { name: other });
    });
  }

  test('is named by the configuration alone', async (t) => {
    const { own, database, client, path, role } = await withFile(t, SECRET);
    await client.query(`
      GRANT USAGE ON SCHEMA better_auth TO ${ident(role)}; GRANT EXECUTE ON FUNCTION better_auth.sign_jwt TO ${ident(role)};
      GRANT ALL ON DATABASE ${ident(database.name)} TO ${ident(role)}`);
    const mine = join(own.home, 'mine');
    writeForServer(mine, 'the attacker knows this secret of 32+ bytes');

    // Before the library is loaded the name is free to set, but it must mean nothing afterwards.
    const app = await database.connect({ user: role });
    await app.query(`SET better_auth.jwt_secret_file = '${mine}'`);
    assert.ok(isSignedWith(await sign(app), SECRET));
    await refused(app.query(`SET better_auth.jwt_secret_file = '${mine}'`), { code: /55P02|42501/ });
    await refused(app.query('SHOW better_auth.jwt_secret_file'), { code: '42501' });
    assert.ok(!JSON.stringify((await app.query('SELECT * FROM pg_settings')).rows).includes(path));
    await refused(app.query(`ALTER ROLE ${ident(role)} SET better_auth.jwt_secret_file = '${mine}'`), { code: /55P02|42501/ });
    await refused(client.query(`SET better_auth.jwt_secret_file = '${mine}'`), { code: '55P02' });
    await refused(client.query(`ALTER DATABASE ${ident(database.name)} SET better_auth.jwt_secret_file = '${mine}'`), { code: '55P02' });
  });

  for (const [what, file] of [['another file', 'mine'], ['no file', '']]) {
    test(`is not replaced by ${what} that a connection brings along`, async (t) => {
      const { own, database, client, role } = await withFile(t, SECRET);
      await client.query(`GRANT USAGE ON SCHEMA better_auth TO ${ident(role)}; GRANT EXECUTE ON FUNCTION better_auth.sign_jwt TO ${ident(role)}`);
      const mine = file && join(own.home, file);
      if (mine) {
        writeForServer(mine, 'the attacker knows this secret of 32+ bytes');
      }
      // To refuse the connection, or the call, is as good as to ignore what it brought along.
      const app = await database.connect({ user: role, set: { 'better_auth.jwt_secret_file': mine } }).catch(() => null);
      const token = await app?.call('sign_jwt', { claims: '{}' }).catch(() => null);
      assert.ok(!token || isSignedWith(token, SECRET), 'signed with another secret');
    });
  }

  test('set for a role or a database before the library was loaded means nothing', async (t) => {
    const own = await ownServer(t);
    const role = await own.role(t);
    const { database, client } = await own.database(t);
    await client.query(`GRANT USAGE ON SCHEMA better_auth TO ${ident(role)}; GRANT EXECUTE ON FUNCTION better_auth.sign_jwt TO ${ident(role)}; ALTER DATABASE ${ident(database.name)} OWNER TO ${ident(role)}`);
    const mine = join(own.home, 'mine');
    const known = 'the attacker knows this secret of 32+ bytes';
    writeForServer(mine, known);
    const unloaded = await database.connect({ user: role });
    const set = (target) => unloaded.query(`ALTER ${target} SET better_auth.jwt_secret_file = '${mine}'`).catch((error) => assert.equal(error.code, '42501'));
    await set(`ROLE ${ident(role)}`);
    await set(`DATABASE ${ident(database.name)}`);
    for (const user of [role, 'postgres']) {
      const fresh = await database.connect({ user });
      assert.ok(!isSignedWith(await sign(fresh), known), user);
    }
  });
});

test('errors leave no secret in the log', async (t) => {
  const own = await ownServer(t);
  const { client } = await own.database(t);
  const { token, user } = await signUp(client);
  const bridge = await sign(client);
  const hash = await client.value('SELECT password FROM better_auth.account');
  const secrets = await client.column('SELECT value FROM better_auth.signing_secret');
  const short = 'short but secret';
  const attempts = [
    () => client.call('set_secret', { name: 'jwt', value: short }),
    () => client.call('sign_in_email', { email: user.email, password: `${PASSWORD}!` }),
    () => client.call('sign_up_email', { email: user.email, password: PASSWORD, name: 'x' }),
    () => client.call('sign_up_email', { email: 'other@example.com', password: PASSWORD, name: 'x\0' }),
    () => client.call('verify_jwt', { token: `${bridge}x` }),
    () => client.call('list_sessions', { session_token: `${token}x` }),
  ];
  for (const attempt of attempts) {
    await assert.rejects(attempt());
  }
  const log = own.log();
  assert.match(log, /Invalid email or password/);
  assert.match(log, /the jwt secret needs at least 32 bytes/);
  const leaks = { PASSWORD, token, bridge, hash, short, cookie: secrets[0], jwt: secrets[1] };
  for (const [what, secret] of Object.entries(leaks)) {
    assert.ok(!log.includes(secret), `the log has the ${what}`);
  }
});

test('a row that somebody\'s constraint refuses shows neither hash nor token in the error', async (t) => {
  const { client } = await server.database(t);
  const { user } = await signUp(client);
  for (const table of ['account', 'session']) {
    await client.query(`ALTER TABLE better_auth.${table} ADD CONSTRAINT mine CHECK ("userId" = '${user.id}') NOT VALID`);
    const error = await refused(signUp(client), { code: '23514' });
    assert.doesNotMatch(JSON.stringify(error), /\$argon2id\$|Failing row/);
    await client.query(`ALTER TABLE better_auth.${table} DROP CONSTRAINT mine`);
  }
});

test('a jwt secret in base64 or as a JWK signs with its bytes, as PostgREST verifies with them', async (t) => {
  const { client } = await server.database(t);
  const bytes = randomBytes(48);
  const k = bytes.toString('base64url');
  for (const value of [`base64:${bytes.toString('base64')}`, JSON.stringify({ kty: 'oct', k }), JSON.stringify({ keys: [{ kty: 'oct', alg: 'HS256', k }] })]) {
    await client.call('set_secret', { name: 'jwt', value });
    const token = await client.call('sign_jwt', { claims: '{"sub":"u1"}' });
    const [header, payload, signature] = token.split('.');
    assert.equal(signature, createHmac('sha256', bytes).update(`${header}.${payload}`).digest('base64url'));
    assert.equal((await client.call('verify_jwt', { token })).sub, 'u1');
  }
  const error = await refused(client.call('set_secret', { name: 'jwt', value: `base64:${k}*` }), { code: '22023', message: /is not base64/ });
  assert.ok(!error.message.includes(k));
});

test('what lasts for ever is no time to keep a secret or a token for', async (t) => {
  const { client } = await server.database(t);
  const secrets = () => client.value('SELECT jsonb_agg(s ORDER BY s.id) FROM better_auth.signing_secret s');
  const before = await secrets();
  // Before 17 there is no such interval.
  const INFINITE = MAJOR >= 17 ? { code: '22023', message: 'the interval is too long' } : { code: '22007' };
  for (const [interval, expected] of [['infinity', INFINITE], ['178956970 years', { code: '22023', message: 'the interval is too long' }]]) {
    for (const [name, args] of Object.entries({
      rotate_secret: { name: 'jwt', keep: interval },
      set_secret: { name: 'jwt', value: 'x'.repeat(32), keep: interval },
      sign_jwt: { claims: '{"sub":"x"}', expires_in: interval },
      service_token: { expires_in: interval },
    })) {
      await refused(client.call(name, args), expected);
    }
  }
  if (MAJOR >= 17) {
    await refused(client.call('rotate_secret', { name: 'jwt', keep: '-infinity' }), { code: '22023' });
  }
  assert.deepEqual(await secrets(), before);
  await client.call('rotate_secret', { name: 'jwt', keep: '990 years' });
  assert.equal(await client.value('SELECT count(*)::int FROM better_auth.signing_secret'), 3);
});
