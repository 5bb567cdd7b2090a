// RUST_BACKTRACE in the server's environment: no error shows a client where in the library it was raised.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ORIGIN } from './http.mjs';
import { initialise, ownServer, signUp } from './lib.mjs';

const HANDLE = (path, body) =>
  `SELECT better_auth.handler(jsonb_build_object('method', 'POST', 'url', '${ORIGIN}/api/auth${path}', 'headers',
    '{"content-type": "application/json", "origin": "${ORIGIN}"}'::jsonb, 'body', '${JSON.stringify(body)}'))`;
const ADA = `'ada@example.com', 'password1234', 'Ada'`;
const NO_TABLE = `ALTER TABLE better_auth.session RENAME TO elsewhere;`;
const TRIGGER = `CREATE FUNCTION pg_temp.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING DETAIL = 'why'; END $$;
  CREATE TRIGGER no BEFORE INSERT ON better_auth."user" FOR EACH ROW EXECUTE FUNCTION pg_temp.no();`;

// Each statement fails; what comes before it is undone.
const FAILURES = {
  'an error of ours': [`SELECT better_auth.sign_in_email('nobody@example.com', 'password1234')`],
  'an argument': [`SELECT better_auth.handler('5')`],
  'no argument': [`SELECT better_auth.handler(NULL)`],
  'an error of PostgreSQL’s in a flow': [`SELECT better_auth.sign_up_email(${ADA})`, TRIGGER],
  'a missing table': [`SELECT better_auth.get_session('x')`, NO_TABLE],
  'migrate()': [`SELECT better_auth.migrate()`, `CREATE SCHEMA other; SET better_auth.user_additional_fields = 'nowhere'; ALTER TABLE better_auth."user" RENAME TO elsewhere; CREATE VIEW better_auth."user" AS SELECT 1 AS id;`],
  'a token that is none': [`SELECT better_auth.verify_jwt('x')`],
  'claims that are none': [`SELECT better_auth.sign_jwt('[]')`],
  'a secret that is too short': [`SELECT better_auth.set_secret('jwt', 'x')`],
  'a lock that is not given': [`SELECT better_auth.sign_up_email(${ADA})`, `SET better_auth.after_sign_up_function = 'public.nowhere';`],
  'a setting': [`SET better_auth.rate_limit_rules = '/a'`],
  'enable_rpc()': [`SELECT better_auth.enable_rpc('nowhere', 'nobody', 'nobody')`],
  'a time-out': [`SELECT better_auth.hash_password(repeat('x', 100)) FROM generate_series(1, 100000)`, `SET LOCAL statement_timeout = 50;`],
  'an interval': [`SELECT better_auth.service_token('x', '-1 second')`],
};

for (const value of ['1', 'full']) {
  describe(`RUST_BACKTRACE=${value}`, () => {
    test('no backtrace in what clients are told', async (t) => {
      const own = await ownServer(t, initialise, { RUST_BACKTRACE: value, RUST_LIB_BACKTRACE: value });
      const { client } = await own.database(t);
      await client.query(`SET better_auth.base_url = '${ORIGIN}'`);
      for (const [name, [statement, before = '']] of Object.entries(FAILURES)) {
        await client.query(`BEGIN; ${before}`);
        const error = await client.query(statement).then(() => assert.fail(`${name}: no error`), (error) => error);
        await client.query('ROLLBACK');
        const told = [error.message, error.detail, error.hint, error.where].filter(Boolean).join('\n');
        assert.doesNotMatch(told, /\d+: |at \/|rustc|pgrx|\.rs|backtrace/i, `${name}: ${told}`);
        assert.ok(told.length < 1000, `${name}: ${told}`);
      }
      // What a refusal says of itself is still there.
      const error = await client.query(`BEGIN; ${TRIGGER}`).then(() => client.query(`SELECT better_auth.sign_up_email(${ADA})`)).catch((error) => error);
      await client.query('ROLLBACK');
      assert.deepEqual([error.message, error.detail], ['no', 'why']);
      // Through HTTP an error is an answer, and its reason is in the log.
      await client.query(`SET better_auth.rate_limit = off; ${NO_TABLE}`);
      const answer = await client.value(HANDLE('/sign-up/email', { email: 'a@example.com', password: 'password1234', name: 'A' }));
      assert.deepEqual([answer.status, answer.body], [500, '']);
      await client.query('ALTER TABLE better_auth.elsewhere RENAME TO session');
      assert.ok(await signUp(client));
      assert.doesNotMatch(own.log(), /\d+: .*(pgrx|rust|core::|std::)|stack backtrace/);
    });
  });
}
