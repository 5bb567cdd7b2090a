// The outbox: what is put into it, when workers hear of it, and that each mail goes out though workers die.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { configured, contents, cookieOf, http, set, unchanged } from './http.mjs';
import { freshEmail, PASSWORD, refused, server, signUp, terminate, until } from './lib.mjs';

const MAIL = {
  base_url: 'http://localhost:3000',
  change_email_enabled: 'on',
  delete_user_enabled: 'on',
  send_delete_account_verification: 'on',
  rate_limit: 'off',
};

/** A connection that collects what workers hear. */
async function listener(database) {
  const client = await database.connect();
  const heard = [];
  client.on('notification', ({ channel, payload }) => heard.push([channel, payload]));
  await client.query('LISTEN better_auth_mail');
  return { client, heard };
}

const IDS = 'SELECT id FROM better_auth.mail_outbox ORDER BY id';
const claim = (client, batch = 10) => client.column('SELECT id FROM better_auth.claim_mail($1)', [batch]);

/** Puts so many mails into the outbox. */
async function fill(client, count) {
  const { user } = await signUp(client);
  await client.query('SELECT better_auth.send_verification_email($1) FROM generate_series(1, $2)', [user.email, count]);
  const ids = await client.column(IDS);
  assert.equal(ids.length, count);
  return ids;
}

describe('workers hear', () => {
  test('the id, and nothing else, when the transaction commits', async (t) => {
    const { database, client } = await configured(t, MAIL);
    const { user } = await signUp(client);
    const { client: worker, heard } = await listener(database);
    await client.query('BEGIN');
    await client.call('request_password_reset', { email: user.email });
    await worker.query('SELECT');
    assert.deepEqual(heard, []);
    await client.query('COMMIT');
    await until(async () => (await worker.query('SELECT')) && heard.length, 'a notification');
    assert.deepEqual(heard, (await client.column(IDS)).map((id) => ['better_auth_mail', id]));
  });

  test('nothing of what was rolled back or refused', async (t) => {
    const { database, client } = await configured(t, MAIL);
    const { user } = await signUp(client);
    const { client: worker, heard } = await listener(database);
    await client.query('BEGIN');
    await client.call('request_password_reset', { email: user.email });
    await client.query('ROLLBACK');
    await client.query(`ALTER TABLE better_auth.mail_outbox ADD CHECK (recipient NOT LIKE 'refused%')`);
    const { token } = await signUp(client, { email: 'refused@example.com' });
    const answer = await http(client, 'POST', '/send-verification-email', { body: { email: 'refused@example.com' }, cookie: await cookieOf(client, token) });
    assert.equal(answer.status, 500);
    await client.query('NOTIFY better_auth_mail, $$last$$');
    await until(async () => (await worker.query('SELECT')) && heard.length, 'a notification');
    assert.deepEqual(heard, [['better_auth_mail', 'last']]);
    assert.deepEqual(await client.column(IDS), []);
  });
});

describe('an email that nobody has', () => {
  /** What `ask` answers, and how many rows it has inserted on the way, kept or not. */
  async function measure(client, ask) {
    const inserted = () =>
      client.value(`SELECT jsonb_object_agg(relname, n_tup_ins) FROM pg_stat_xact_user_tables WHERE schemaname = 'better_auth'`);
    await client.query('BEGIN');
    const before = await inserted();
    const answer = await ask();
    const after = await inserted();
    await client.query('COMMIT');
    return { answer, written: Object.fromEntries(Object.entries(after).map(([table, count]) => [table, count - before[table]])) };
  }

  const variants = {
    'a password reset': (client, email) => client.call('request_password_reset', { email }),
    'a verification mail': (client, email) => client.call('send_verification_email', { email }),
    'a password reset through handler()': (client, email) => http(client, 'POST', '/request-password-reset', { body: { email } }),
    'a verification mail through handler()': (client, email) => http(client, 'POST', '/send-verification-email', { body: { email } }),
  };
  for (const [name, ask] of Object.entries(variants)) {
    test(`costs ${name} the same writes, the same word to workers, and leaves nothing`, async (t) => {
      const { database, client } = await configured(t, MAIL);
      const { user } = await signUp(client);
      const { client: worker, heard } = await listener(database);
      const known = await measure(client, () => ask(client, user.email));
      const before = await contents(client);
      assert.equal(before.mail_outbox.length, 1);
      assert.deepEqual(await measure(client, () => ask(client, freshEmail())), known);
      assert.deepEqual(await contents(client), before);
      assert.equal(known.written.mail_outbox, 1);
      await until(async () => (await worker.query('SELECT')) && heard.length === 2, 'two notifications');
      assert.equal(heard[1][1].length, heard[0][1].length);
    });
  }

  test('is answered for a change of email like one that is taken', async (t) => {
    const { client } = await configured(t, MAIL);
    const [ada, grace] = [await signUp(client), await signUp(client)];
    const change = (new_email) => measure(client, () => client.call('change_email', { session_token: ada.token, new_email }));
    const fresh = await change(freshEmail());
    assert.equal(fresh.written.mail_outbox, 1);
    assert.deepEqual(await unchanged(client, () => change(grace.user.email)), fresh);
  });
});

test('the token of a mail is never in the answer to who asked for it', async (t) => {
  const { client } = await configured(t, { ...MAIL, send_verification_on_sign_up: 'on' });
  const ada = await signUp(client);
  const cookie = await cookieOf(client, ada.token);
  const asks = {
    sign_up_email: () => signUp(client),
    request_password_reset: () => client.call('request_password_reset', { email: ada.user.email }),
    send_verification_email: () => client.call('send_verification_email', { email: ada.user.email }),
    change_email: () => client.call('change_email', { session_token: ada.token, new_email: freshEmail() }),
    delete_user: () => client.call('delete_user', { session_token: ada.token }),
    link_account: () => client.call('link_account', { provider_id: 'github', account_id: '1', email: freshEmail(), name: 'New' }),
    'POST /sign-up/email': () => http(client, 'POST', '/sign-up/email', { body: { email: freshEmail(), password: PASSWORD, name: 'New' } }),
    'POST /request-password-reset': () => http(client, 'POST', '/request-password-reset', { body: { email: ada.user.email } }),
    'POST /send-verification-email': () => http(client, 'POST', '/send-verification-email', { body: { email: ada.user.email }, cookie }),
    'POST /change-email': () => http(client, 'POST', '/change-email', { body: { newEmail: freshEmail() }, cookie }),
    'POST /delete-user': () => http(client, 'POST', '/delete-user', { body: {}, cookie }),
  };
  for (const [name, ask] of Object.entries(asks)) {
    await client.query('DELETE FROM better_auth.mail_outbox');
    const answer = JSON.stringify(await ask());
    const [{ id, token }, ...others] = (await client.query('SELECT id, token FROM better_auth.mail_outbox')).rows;
    assert.deepEqual(others, [], name);
    assert.ok(!answer.includes(token) && !answer.includes(id), `${name}: ${answer}`);
    // Nor is it kept anywhere else in clear, but under the identifier that the flow looks it up by.
    const { mail_outbox: _, verification, ...rest } = await contents(client);
    assert.ok(!JSON.stringify(rest).includes(token), name);
    assert.ok((verification ?? []).every((row) => !row.value.includes(token)), name);
  }
});

describe('a mail that a worker has', () => {
  test('is nobody else’s: two at once get none twice, and neither waits', async (t) => {
    const { database, client } = await configured(t, MAIL);
    const ids = await fill(client, 10);
    const [first, second] = await database.connectMany(2);
    await first.query('BEGIN');
    const firsts = await claim(first, 5);
    await second.query(`SET lock_timeout = '60s'`);
    const seconds = await claim(second, 10);
    assert.equal(firsts.length, 5);
    assert.deepEqual([...firsts, ...seconds].sort(), [...ids].sort());
    await first.query('COMMIT');
    assert.deepEqual(await claim(second), []);
  });

  test('is given out again when that dies in its transaction', async (t) => {
    const { database, client } = await configured(t, MAIL);
    const ids = await fill(client, 3);
    const worker = await database.connect();
    await worker.query('BEGIN');
    assert.equal((await claim(worker)).length, 3);
    await terminate(client, worker);
    const again = await client.query('SELECT id, attempts FROM better_auth.claim_mail() ORDER BY id');
    assert.deepEqual(again.rows, ids.map((id) => ({ id, attempts: 1 })));
  });

  test('is given out again after the time-out when that dies after its transaction', async (t) => {
    const { database, client } = await configured(t, { ...MAIL, mail_visibility_timeout: 3600 });
    const ids = await fill(client, 3);
    const worker = await database.connect();
    assert.equal((await claim(worker)).length, 3);
    await worker.end();
    assert.deepEqual(await claim(client), []);
    // Some minutes before the hour is over, and when it is.
    const pass = (time) => client.query('UPDATE better_auth.mail_outbox SET available_at = available_at - $1::interval', [time]);
    await pass('55 minutes');
    assert.deepEqual(await claim(client), []);
    await pass('5 minutes');
    const again = (await client.query('SELECT id, attempts FROM better_auth.claim_mail() ORDER BY id')).rows;
    assert.deepEqual(again, ids.map((id) => ({ id, attempts: 2 })));
    // Who was slow may still complete it.
    assert.equal(await client.call('complete_mail', { id: ids[0] }), true);
    assert.equal(await client.call('fail_mail', { id: ids[0], error: 'x' }), null);
  });

  test('is not given out after its last attempt, and goes away with its token', async (t) => {
    const { client } = await configured(t, { ...MAIL, mail_visibility_timeout: 0, mail_max_attempts: 3 });
    await fill(client, 1);
    const rounds = [];
    for (let round = 0; round < 5; round += 1) {
      rounds.push((await claim(client)).length);
    }
    assert.deepEqual(rounds, [1, 1, 1, 0, 0]);
    await client.query(`UPDATE better_auth.mail_outbox SET expires_at = now() - interval '1 second'`);
    assert.deepEqual(await claim(client), []);
    assert.deepEqual(await client.column(IDS), []);
  });
});

describe('a thousand mails', () => {
  const COUNT = 1000;

  test('are each sent once by four workers', async (t) => {
    const { database, client } = await configured(t, MAIL);
    const ids = await fill(client, COUNT);
    const sent = [];
    const work = async (worker) => {
      for (;;) {
        const mails = await claim(worker, 7);
        if (mails.length === 0) {
          return;
        }
        sent.push(...mails);
        for (const id of mails) {
          assert.equal(await worker.call('complete_mail', { id }), true);
        }
      }
    };
    await Promise.all((await database.connectMany(4)).map(work));
    assert.deepEqual(sent.sort(), ids);
    assert.deepEqual(await client.column(IDS), []);
  });

  test('are each sent at least once though workers die', async (t) => {
    const { database, client } = await configured(t, { ...MAIL, mail_visibility_timeout: 1, mail_max_attempts: 1000 });
    const ids = await fill(client, COUNT);
    const sent = new Map(ids.map((id) => [id, 0]));
    let deaths = 0;
    /** A worker that dies in each of its three moments: before it sends, after that, and in its transaction. */
    const work = async (observer, number) => {
      const isEmpty = async () => (await observer.value('SELECT count(*)::int FROM better_auth.mail_outbox')) === 0;
      for (let life = number; ; life += 1) {
        const worker = await database.connect();
        const lives = 20 + 5 * (life % 4);
        const inTransaction = life % 3 === 2;
        for (let round = 0; round < lives; round += 1) {
          if (inTransaction) {
            await worker.query('BEGIN');
          }
          const mails = await claim(worker, 4);
          if (mails.length === 0) {
            if (await isEmpty()) {
              await worker.end();
              return;
            }
            await sleep(50);
          }
          const dies = round === lives - 1;
          for (const [index, id] of mails.entries()) {
            if (dies && index === 1) {
              break;
            }
            sent.set(id, sent.get(id) + 1);
            if (!dies || life % 3 === 0) {
              await worker.call('complete_mail', { id });
            }
          }
          if (dies) {
            break;
          }
          if (inTransaction) {
            await worker.query('COMMIT');
          }
        }
        deaths += 1;
        await terminate(observer, worker);
      }
    };
    await Promise.all((await database.connectMany(4)).map(work));
    assert.ok(deaths > 4, `${deaths} deaths`);
    assert.deepEqual([...sent].filter(([, times]) => times === 0), []);
    assert.deepEqual(await client.column(IDS), []);
  });
});

test('an outbox that is not to be trusted, or missing, tells nobody whether there was somebody to send to', async (t) => {
  const role = await server.role(t, 'owner');
  const { client } = await configured(t, MAIL);
  const { user } = await signUp(client);
  const asks = {
    handler: async (email) => (await http(client, 'POST', '/request-password-reset', { body: { email } })).status,
    request_password_reset: (email) => client.call('request_password_reset', { email }).catch(({ message }) => message),
    send_verification_email: (email) => client.call('send_verification_email', { email }).catch(({ message }) => message),
  };
  for (const ddl of [
    `GRANT CREATE ON SCHEMA better_auth TO ${role}; ALTER TABLE better_auth.mail_outbox OWNER TO ${role}`,
    'ALTER TABLE better_auth.mail_outbox OWNER TO CURRENT_USER; ALTER TABLE better_auth.mail_outbox ADD CHECK (false) NOT VALID',
    'DROP TABLE better_auth.mail_outbox',
  ]) {
    await client.query(ddl);
    for (const [name, ask] of Object.entries(asks)) {
      assert.deepEqual(await ask(user.email), await ask(freshEmail()), `${name} after ${ddl}`);
    }
  }
});

describe('send_mail_function', () => {
  const SEND = `CREATE FUNCTION public.send(mail jsonb) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the mail server is down' USING ERRCODE = 'PT503', DETAIL = 'MAIL_DOWN'; END $$`;

  test('that fails refuses the request with its own status, and leaves nothing', async (t) => {
    const { client } = await configured(t, MAIL);
    await client.query(SEND);
    const { user, token } = await signUp(client);
    const cookie = await cookieOf(client, token);
    await set(client, { send_verification_on_sign_up: 'on', send_mail_function: 'public.send' });
    for (const [path, body] of [
      ['/sign-up/email', { email: freshEmail(), password: PASSWORD, name: 'New' }],
      ['/send-verification-email', { email: user.email }],
      ['/delete-user', {}],
    ]) {
      const { status, json, cookies } = await unchanged(client, () => http(client, 'POST', path, { body, cookie }));
      assert.deepEqual({ path, status, json, cookies }, { path, status: 503, json: { message: 'the mail server is down', code: 'MAIL_DOWN' }, cookies: [] });
    }
  });

  test('that fails, or is missing, tells nobody whether there was somebody to send to', async (t) => {
    const { client } = await configured(t, { ...MAIL, send_mail_function: 'public.send' });
    const { user } = await signUp(client);
    const ask = async (email) => {
      const answers = [];
      for (const path of ['/request-password-reset', '/send-verification-email']) {
        answers.push(await http(client, 'POST', path, { body: { email } }));
      }
      answers.push(await client.call('request_password_reset', { email }), await client.call('send_verification_email', { email }));
      return answers;
    };
    const missing = await unchanged(client, () => ask(user.email));
    await client.query(SEND);
    const failing = await unchanged(client, () => ask(user.email));
    const nobody = await unchanged(client, () => ask(freshEmail()));
    assert.deepEqual(missing, nobody);
    assert.deepEqual(failing, nobody);
    assert.deepEqual(nobody.map(({ status }) => status), [200, 200, true, true]);
  });

  test('is not asked where there is nobody to send to', async (t) => {
    const { client } = await configured(t, { ...MAIL, send_mail_function: 'public.send' });
    await client.query(SEND);
    await client.call('request_password_reset', { email: freshEmail() });
    await refused(client.call('send_verification_email', { email: 'nope' }), { code: '22023' });
  });
});
