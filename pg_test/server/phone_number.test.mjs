// The phone-number plugin: guesses, races, and accounts that somebody else made with a victim's number.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cookieOf, http } from './http.mjs';
import { freshEmail, PASSWORD, patiently, refused, signIn, signUp, untilBlocked } from './lib.mjs';
import { withPlugins, withRpc } from './plugins.mjs';

const PHONE = '+15551234567';
const WRONG = '0000000'; // of no length that a code has

const withPlugin = (t, settings) => withPlugins(t, 'phone-number', { phone_number_sign_up_on_verification: 'on', ...settings });

const send = (client, phoneNumber = PHONE) => http(client, 'POST', '/phone-number/send-otp', { body: { phoneNumber } });
const verify = (client, code, fields = {}, options = {}) =>
  http(client, 'POST', '/phone-number/verify', { body: { phoneNumber: PHONE, code, ...fields }, ...options });
const forget = (client) => http(client, 'POST', '/phone-number/request-password-reset', { body: { phoneNumber: PHONE } });
const reset = (client, otp, newPassword = 'a new password') =>
  http(client, 'POST', '/phone-number/reset-password', { body: { phoneNumber: PHONE, otp, newPassword } });
/** The code of the last SMS, which is taken out of the outbox. */
const code = (client) => client.value('DELETE FROM better_auth.mail_outbox RETURNING token');
const count = (client, table) => client.value(`SELECT count(*)::int FROM better_auth."${table}"`);
const told = ({ status, json }) => [status, json?.code];

/** Runs `work` in so many connections at once. */
async function race(database, number, work) {
  const connections = await database.connectMany(number);
  return Promise.all(connections.map((one, index) => patiently(() => work(one, index))));
}

/** Runs `work` in a transaction that is rolled back, as a caller of PostgREST can have it. */
async function undone(client, work) {
  await client.query('BEGIN');
  try {
    return await work();
  } finally {
    await client.query('ROLLBACK');
  }
}

test('an SMS waits in the outbox, for who asks for its channel', async (t) => {
  const { client } = await withPlugin(t);
  await send(client);
  const { rows } = await client.query('SELECT kind, channel, recipient, url, token, data FROM better_auth.mail_outbox');
  assert.equal(rows.length, 1);
  const [{ token, ...sms }] = rows;
  assert.match(token, /^\d{6}$/);
  assert.deepEqual(sms, { kind: 'phone-number-otp', channel: 'sms', recipient: PHONE, url: '', data: { phoneNumber: PHONE } });
});

describe('guesses', () => {
  test('of a code are three, though each one’s transaction is rolled back', async (t) => {
    const { client } = await withPlugin(t);
    await send(client);
    const right = await code(client);
    for (let guess = 0; guess < 3; guess += 1) {
      assert.deepEqual(told(await undone(client, () => verify(client, WRONG))), [400, 'INVALID_OTP']);
    }
    assert.deepEqual(told(await undone(client, () => verify(client, right))), [403, 'TOO_MANY_ATTEMPTS']);
    assert.deepEqual(told(await verify(client, right)), [403, 'TOO_MANY_ATTEMPTS']);
    assert.deepEqual(told(await verify(client, right)), [400, 'OTP_NOT_FOUND']);
  });

  test('of a reset’s code too', async (t) => {
    const { client } = await withPlugin(t);
    await send(client);
    await verify(client, await code(client));
    await forget(client);
    const right = await code(client);
    for (let guess = 0; guess < 3; guess += 1) {
      assert.deepEqual(told(await undone(client, () => reset(client, WRONG))), [400, 'INVALID_OTP']);
    }
    assert.deepEqual(told(await undone(client, () => reset(client, right))), [403, 'TOO_MANY_ATTEMPTS']);
  });

  test('of SQL callers too, whose refusals are exceptions that undo the count in the row', async (t) => {
    const { client } = await withPlugin(t);
    await send(client);
    const right = await code(client);
    const consume = (otp) => client.value(`SELECT better_auth.api('consumePhoneNumberOTP', $1)`, [{ body: { phoneNumber: PHONE, code: otp } }]);
    for (let guess = 0; guess < 3; guess += 1) {
      await refused(consume(WRONG), { code: '28P01', detail: 'INVALID_OTP' });
    }
    await refused(consume(right), { detail: 'TOO_MANY_ATTEMPTS' });
  });

  test('that were right don’t count', async (t) => {
    const { client } = await withPlugin(t);
    for (let round = 0; round < 40; round += 1) {
      await send(client);
      assert.equal((await verify(client, await code(client))).status, 200);
    }
  });

  test('at once are three as well', async (t) => {
    const { database, client } = await withPlugin(t);
    await send(client);
    const right = await code(client);
    const answers = await race(database, 12, (one) => verify(one, WRONG));
    for (const answer of answers) assert.notEqual(answer.status, 200);
    const attempts = await client.value(`SELECT split_part(value, ':', 2)::int FROM better_auth.verification`);
    assert.ok(attempts === undefined || attempts <= 3, `${attempts}`);
    assert.ok(answers.filter(({ json }) => json.code === 'INVALID_OTP').length >= Math.min(3, attempts ?? 3));
    // Whoever was too late has guessed nothing.
    for (let guess = attempts ?? 3; guess < 3; guess += 1) await verify(client, WRONG);
    assert.notEqual((await verify(client, right)).status, 200);
  });

  test('of a reset at once are three as well', async (t) => {
    const { database, client } = await withPlugin(t);
    await send(client);
    await verify(client, await code(client));
    await forget(client);
    await race(database, 12, (one) => reset(one, WRONG));
    const attempts = await client.value(`SELECT split_part(value, ':', 2)::int FROM better_auth.verification`);
    assert.ok(attempts === undefined || attempts <= 3, `${attempts}`);
  });

  test('of one number end, though it asks for codes again and again', async (t) => {
    const { client } = await withPlugin(t);
    let refusedAt;
    for (let round = 1; round <= 12 && !refusedAt; round += 1) {
      await send(client);
      for (let guess = 0; guess < 3; guess += 1) {
        const [, why] = told(await verify(client, WRONG));
        if (why === 'TOO_MANY_ATTEMPTS') refusedAt ??= [round, guess];
      }
    }
    assert.deepEqual(refusedAt, [11, 0]);
    await client.query('DELETE FROM better_auth.mail_outbox');
    await send(client);
    const right = await code(client);
    assert.deepEqual(told(await verify(client, right)), [403, 'TOO_MANY_ATTEMPTS']);
    // Another number has its own.
    await send(client, '+44');
    const other = await code(client);
    assert.equal((await http(client, 'POST', '/phone-number/verify', { body: { phoneNumber: '+44', code: other } })).status, 200);
  });
});

describe('a code is good for one', () => {
  test('of ten verifications, which make one user', async (t) => {
    const { database, client } = await withPlugin(t);
    await send(client);
    const otp = await code(client);
    const answers = await race(database, 10, (one) => verify(one, otp));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.deepEqual([await count(client, 'user'), await count(client, 'session')], [1, 1]);
  });

  test('of ten resets', async (t) => {
    const { database, client } = await withPlugin(t);
    await send(client);
    await verify(client, await code(client));
    await forget(client);
    const otp = await code(client);
    const answers = await race(database, 6, (one, index) => reset(one, otp, `password number ${index}`));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1, JSON.stringify(answers.map(told)));
    assert.equal(await count(client, 'account'), 1);
  });

  test('of a verification and what consumes it', async (t) => {
    const { database, client } = await withPlugin(t);
    await send(client);
    const otp = await code(client);
    const answers = await race(database, 8, async (one, index) =>
      index % 2
        ? verify(one, otp)
        : one.value(`SELECT better_auth.api('consumePhoneNumberOTP', $1)`, [{ body: { phoneNumber: PHONE, code: otp } }]).then(
            () => ({ status: 200 }),
            ({ detail }) => ({ status: 400, json: { code: detail } }),
          ),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  });

  test('of two users who add one number at once', async (t) => {
    const { database, client } = await withPlugin(t);
    const up = async () => (await http(client, 'POST', '/sign-up/email', { body: { name: 'A', email: freshEmail(), password: PASSWORD } })).cookie;
    const cookies = [await up(), await up()];
    // Two codes, so that it isn't the code that decides.
    await client.query(`INSERT INTO better_auth.verification (id, identifier, value, "expiresAt", "createdAt", "updatedAt")
      VALUES ('v', 'phone-number-otp-${PHONE}', '111111:0', now() + interval '1 hour', now(), now())`);
    const pair = await database.connectMany(2);
    await pair[0].query('BEGIN');
    const first = await verify(pair[0], '111111', { updatePhoneNumber: true }, { cookie: cookies[0] });
    await client.query(`INSERT INTO better_auth.verification (id, identifier, value, "expiresAt", "createdAt", "updatedAt")
      VALUES ('w', 'phone-number-otp-${PHONE}', '222222:0', now() + interval '1 hour', now() + interval '1 minute', now())`);
    const second = verify(pair[1], '222222', { updatePhoneNumber: true }, { cookie: cookies[1] });
    await pair[0].query('COMMIT');
    assert.equal(first.status, 200);
    assert.notEqual((await second).status, 200);
    assert.equal(await client.value(`SELECT count(*)::int FROM better_auth."user" WHERE "phoneNumber" IS NOT NULL`), 1);
  });
});

describe('an account that somebody else made', () => {
  const preregister = async (client, more = '') => {
    const { cookie, json } = await http(client, 'POST', '/sign-up/email', { body: { name: 'Mallory', email: 'mallory@example.com', password: PASSWORD } });
    // As an import, or an older Better Auth, may have left it: no route takes a number that wasn't proven.
    await client.query(`UPDATE better_auth."user" SET "phoneNumber" = $1, "phoneNumberVerified" = false ${more} WHERE id = $2`, [PHONE, json.user.id]);
    return { cookie, user: json.user };
  };

  test('with a victim’s number is the victim’s once it is proven: no password and no session of before', async (t) => {
    const { client } = await withPlugin(t);
    const { cookie, user } = await preregister(client);
    await send(client);
    const answer = await verify(client, await code(client));
    assert.deepEqual([answer.status, answer.json.user.id, answer.json.user.phoneNumberVerified], [200, user.id, true]);
    assert.equal((await http(client, 'GET', '/get-session', { cookie })).text, 'null');
    await refused(signIn(client, 'mallory@example.com'), { detail: 'INVALID_EMAIL_OR_PASSWORD' });
    assert.deepEqual([await count(client, 'session'), await count(client, 'account')], [1, 0]);
  });

  test('nor one that is being opened, nor a way back by its email: a link that was mailed, a new one, a change', async (t) => {
    const { database, client } = await withPlugin(t, { plugins: 'phone-number, magic-link', change_email_enabled: 'on' });
    const { user } = await preregister(client);
    const mailed = (kind) => client.value('DELETE FROM better_auth.mail_outbox WHERE kind = $1 RETURNING token', [kind]);
    await client.call('request_password_reset', { email: user.email });
    const resetToken = await mailed('reset-password');
    const { token: session_token } = await signIn(client, user.email);
    await client.call('change_email', { session_token, new_email: 'other@example.com' });
    const change = await client.value('DELETE FROM better_auth.mail_outbox RETURNING token');
    await send(client);
    const otp = await code(client);
    const [theirs, mine] = await database.connectMany(2);
    await theirs.query('BEGIN');
    await signIn(theirs, user.email);
    const proving = verify(mine, otp);
    await untilBlocked(client, mine);
    await theirs.query('COMMIT');
    const { json } = await proving;
    assert.equal(json.user.id, user.id);
    assert.match(json.user.email, /^[a-z0-9]{32}@phone-number\.placeholder\.invalid$/);
    assert.deepEqual(await client.column('SELECT token FROM better_auth.session'), [json.token]);
    await refused(client.call('reset_password', { token: resetToken, new_password: 'a new password' }), { detail: 'INVALID_TOKEN' });
    await refused(client.call('verify_email', { token: change }), { code: '28000' });
    await client.call('request_password_reset', { email: user.email });
    assert.equal(await mailed('reset-password'), undefined);
    await http(client, 'POST', '/sign-in/magic-link', { body: { email: user.email } });
    const { json: back } = await http(client, 'GET', `/magic-link/verify?token=${await mailed('magic-link')}`);
    assert.notEqual(back.user.id, user.id);
  });

  test('gets the email that the setting has for such users, unless somebody has it', async (t) => {
    const { client } = await withPlugin(t, { phone_number_temp_email: '{digits}@temporary.example' });
    const { user } = await preregister(client);
    await send(client);
    const { json } = await verify(client, await code(client));
    assert.deepEqual([json.user.id, json.user.email, json.user.emailVerified], [user.id, '15551234567@temporary.example', false]);
    await client.query(`UPDATE better_auth."user" SET "phoneNumber" = NULL, "phoneNumberVerified" = NULL`);
    await preregister(client);
    await send(client);
    assert.match((await verify(client, await code(client))).json.user.email, /^[a-z0-9]{32}@phone-number\.placeholder\.invalid$/);
  });

  test('is not who is signed in where the number is taken away while it is proven', async (t) => {
    const { database, client } = await withPlugin(t);
    await preregister(client);
    await send(client);
    const otp = await code(client);
    const [theirs, mine] = await database.connectMany(2);
    await theirs.query('BEGIN');
    await theirs.query('UPDATE better_auth."user" SET "phoneNumber" = NULL');
    const proving = verify(mine, otp);
    await untilBlocked(client, mine);
    await theirs.query('COMMIT');
    assert.equal((await proving).json.code, 'FAILED_TO_UPDATE_USER');
  });

  test('keeps what it has where its email is proven, or its own session proves the number', async (t) => {
    const { client } = await withPlugin(t);
    const { cookie } = await preregister(client, ', "emailVerified" = true');
    await send(client);
    assert.equal((await verify(client, await code(client))).status, 200);
    assert.notEqual((await http(client, 'GET', '/get-session', { cookie })).text, 'null');
    await client.query(`UPDATE better_auth."user" SET "emailVerified" = false, "phoneNumberVerified" = NULL`);
    await send(client);
    assert.equal((await verify(client, await code(client), {}, { cookie })).status, 200);
    assert.equal(await count(client, 'account'), 1);
  });

  test('can’t come to be: no route takes a number that wasn’t proven', async (t) => {
    const { client } = await withPlugin(t, { user_additional_fields: 'phoneNumber, phoneNumberVerified' });
    const body = { name: 'Mallory', email: 'mallory@example.com', password: PASSWORD };
    assert.deepEqual(told(await http(client, 'POST', '/sign-up/email', { body: { ...body, phoneNumber: PHONE } })), [400, 'PHONE_NUMBER_CANNOT_BE_SET']);
    assert.deepEqual(told(await http(client, 'POST', '/sign-up/email', { body: { ...body, phoneNumber: PHONE, phoneNumberVerified: true } })), [400, 'FIELD_NOT_ALLOWED']);
    const { cookie } = await http(client, 'POST', '/sign-up/email', { body });
    const update = (fields) => http(client, 'POST', '/update-user', { cookie, body: fields });
    assert.deepEqual(told(await update({ phoneNumber: PHONE })), [400, 'PHONE_NUMBER_CANNOT_BE_UPDATED']);
    assert.deepEqual(told(await update({ phoneNumberVerified: true })), [400, 'FIELD_NOT_ALLOWED']);
    await refused(
      client.call('update_user', { session_token: (await signIn(client, body.email)).token, additional_fields: { phoneNumber: PHONE } }),
      { detail: 'PHONE_NUMBER_CANNOT_BE_UPDATED' },
    );
    assert.equal(await client.value(`SELECT count(*)::int FROM better_auth."user" WHERE "phoneNumber" IS NOT NULL`), 0);
  });

  test('with the temporary email of a number keeps nobody out', async (t) => {
    const { client } = await withPlugin(t);
    await http(client, 'POST', '/sign-up/email', { body: { name: 'M', email: '15551234567@phone-number.placeholder.invalid', password: PASSWORD } });
    await send(client);
    const { status, json } = await verify(client, await code(client));
    assert.equal(status, 200);
    assert.match(json.user.email, /^[a-z0-9]{32}@phone-number\.placeholder\.invalid$/);
  });
});

describe('who signed up with a victim’s email and a number of their own', () => {
  const OTHERS = '+49';
  /** The account, the mail of who proves the email, and how that is done. */
  const preregister = async (t) => {
    const { database, client } = await withPlugin(t, { plugins: 'phone-number, magic-link, email-otp' });
    const { user, token } = await signUp(client);
    const cookie = await cookieOf(client, token);
    const add = async (on = client) => {
      await send(client, OTHERS);
      return verify(on, await code(client), { phoneNumber: OTHERS, updatePhoneNumber: true }, { cookie });
    };
    const come = async (on = client) => {
      await http(client, 'POST', '/sign-in/magic-link', { body: { email: user.email } });
      return http(on, 'GET', `/magic-link/verify?token=${await code(client)}`);
    };
    return { database, client, user, add, come };
  };

  test('has neither once the email is proven by a link', async (t) => {
    const { client, user, add, come } = await preregister(t);
    assert.equal((await add()).status, 200);
    await http(client, 'POST', '/phone-number/request-password-reset', { body: { phoneNumber: OTHERS } });
    const otp = await code(client);
    const { json } = await come();
    assert.deepEqual([json.user.id, json.user.emailVerified, json.user.phoneNumber, json.user.phoneNumberVerified], [user.id, true, null, false]);
    const answer = await http(client, 'POST', '/phone-number/reset-password', { body: { phoneNumber: OTHERS, otp, newPassword: 'a new password' } });
    assert.equal(answer.status, 400);
    await send(client, OTHERS);
    const own = await verify(client, await code(client), { phoneNumber: OTHERS });
    assert.notEqual(own.json.user.id, user.id);
  });

  test('nor by a code', async (t) => {
    const { client, user, add } = await preregister(t);
    await add();
    await http(client, 'POST', '/email-otp/send-verification-otp', { body: { email: user.email, type: 'sign-in' } });
    const { json } = await http(client, 'POST', '/sign-in/email-otp', { body: { email: user.email, otp: await code(client) } });
    assert.deepEqual([json.user.id, json.user.phoneNumber, json.user.phoneNumberVerified], [user.id, null, false]);
  });

  test('can’t add it while the email is proven', async (t) => {
    const { database, client, user, add, come } = await preregister(t);
    const [theirs, mine] = await database.connectMany(2);
    await mine.query('BEGIN');
    assert.equal((await come(mine)).json.user.id, user.id);
    const adding = add(theirs);
    await untilBlocked(client, theirs);
    await mine.query('COMMIT');
    assert.deepEqual(told(await adding), [401, 'USER_NOT_FOUND']);
    assert.equal(await client.value('SELECT "phoneNumber" FROM better_auth."user"'), null);
  });

  test('keeps a number where the email was proven before', async (t) => {
    const { client, add, come } = await preregister(t);
    await client.query('UPDATE better_auth."user" SET "emailVerified" = true');
    await add();
    assert.equal((await come()).json.user.phoneNumber, OTHERS);
  });
});

test('a reset by a number voids the links that were mailed', async (t) => {
  const { client } = await withPlugin(t);
  const { user } = await signUp(client);
  await client.query('UPDATE better_auth."user" SET "phoneNumber" = $1, "phoneNumberVerified" = true', [PHONE]);
  await client.call('request_password_reset', { email: user.email });
  const token = await code(client);
  await forget(client);
  assert.equal((await reset(client, await code(client))).status, 200);
  await refused(client.call('reset_password', { token, new_password: 'another password' }), { detail: 'INVALID_TOKEN' });
});

test('a banned user proves the number and gets no session', async (t) => {
  const { client } = await withPlugin(t);
  await send(client);
  await verify(client, await code(client));
  await client.query('ALTER TABLE better_auth."user" ADD banned boolean; UPDATE better_auth."user" SET banned = true; DELETE FROM better_auth.session');
  await send(client);
  assert.deepEqual(told(await verify(client, await code(client))), [403, 'BANNED_USER']);
  assert.equal(await count(client, 'session'), 0);
});

test('asking for a reset says nothing, and costs the same writes, where nobody has the number', async (t) => {
  const { client } = await withPlugin(t);
  const answers = [await forget(client)];
  assert.equal(await count(client, 'mail_outbox'), 0);
  await send(client);
  await verify(client, await code(client));
  answers.push(await forget(client));
  assert.equal(await count(client, 'mail_outbox'), 1);
  assert.deepEqual(answers.map(({ status, text }) => [status, text]), [[200, '{"status":true}'], [200, '{"status":true}']]);
});

test('a number is bounded', async (t) => {
  const { client } = await withPlugin(t);
  for (const [size, status] of [[2_048, 200], [2_049, 400], [60_000, 400]]) {
    const phoneNumber = '+'.padEnd(size, '1');
    assert.equal((await send(client, phoneNumber)).status, status, `${size}`);
    assert.equal((await http(client, 'POST', '/phone-number/request-password-reset', { body: { phoneNumber } })).status, status, `${size}`);
  }
});

test('the DBA’s function is told of a number that was proven, and may refuse it', async (t) => {
  const { database, client } = await withPlugin(t, { phone_number_verification_function: 'public.proven' });
  await client.query(`CREATE TABLE seen (what jsonb);
    CREATE FUNCTION public.proven(what jsonb) RETURNS void LANGUAGE sql AS 'INSERT INTO public.seen VALUES (what)'`);
  const other = await database.connect();
  await send(other);
  const { json } = await verify(other, await code(other));
  assert.deepEqual(await client.value('SELECT what FROM seen'), { phoneNumber: PHONE, user: json.user });
  await client.query(`CREATE OR REPLACE FUNCTION public.proven(what jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE 'not you'; END $$`);
  await send(other);
  const answer = await verify(other, await code(other));
  assert.deepEqual([answer.status, answer.json.message], [400, 'not you']);
  assert.equal(await count(client, 'session'), 1);
});

test('PostgREST’s functions do what the routes do', async (t) => {
  const { database, client } = await withPlugin(t);
  const rpc = await withRpc(t, database, client);
  assert.deepEqual((await rpc('send_phone_number_otp', { phone_number: PHONE })).json, { message: 'code sent' });
  const proven = await rpc('verify_phone_number', { phone_number: PHONE, code: await code(client) });
  assert.deepEqual([proven.status, proven.json.user.phoneNumber], [200, PHONE]);
  assert.deepEqual((await rpc('request_password_reset_phone_number', { phone_number: PHONE })).json, { status: true });
  assert.deepEqual((await rpc('reset_password_phone_number', { phone_number: PHONE, otp: await code(client), new_password: 'a new password' })).json, { status: true });
  const into = await rpc('sign_in_phone_number', { phone_number: PHONE, password: 'a new password' });
  assert.equal((await rpc('get_session', {}, { cookie: into.cookie })).json.user.phoneNumber, PHONE);
  await rpc('send_phone_number_otp', { phone_number: '+44' });
  const added = await rpc('verify_phone_number', { phone_number: '+44', code: await code(client), update_phone_number: true, session_token: into.json.token });
  assert.deepEqual([added.status, added.json.token, added.json.user.phoneNumber], [200, into.json.token, '+44']);
  assert.equal((await rpc('verify_phone_number', { phone_number: PHONE, code: WRONG })).json.code, 'OTP_NOT_FOUND');
});
