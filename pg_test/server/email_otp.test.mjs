// The plugin email-otp under attack: codes that are guessed, raced for, rolled back and asked for again.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ORIGIN, configured, cookieOf, http, set } from './http.mjs';
import { PASSWORD, freshEmail, patiently, refused, server, signIn, signUp, untilBlocked } from './lib.mjs';

const SETTINGS = { base_url: ORIGIN, rate_limit: 'off', plugins: 'email-otp' };
const INVALID_OTP = { code: '28P01', detail: 'INVALID_OTP', message: 'Invalid OTP' };

const post = (client, path, body, options) => http(client, 'POST', path, { body, ...options });
const ask = (client, email, type = 'sign-in') => post(client, '/email-otp/send-verification-otp', { email, type });
const enter = (client, email, otp, options) => post(client, '/sign-in/email-otp', { email, otp }, options);
const check = (client, email, otp, type = 'sign-in') => post(client, '/email-otp/check-verification-otp', { email, otp, type });
const mailed = (client) => client.value('SELECT token FROM better_auth.mail_outbox ORDER BY created_at DESC, id LIMIT 1');
const count = (client, table) => client.value(`SELECT count(*)::int FROM better_auth."${table}"`);
const codes = (answers) => answers.map(({ json }) => json.code ?? 'OK');

/** Asks for a code, and gives what the mail says. */
async function codeFor(client, email, type) {
  const asked = await ask(client, email, type);
  assert.deepEqual([asked.status, asked.text], [200, '{"success":true}']);
  return mailed(client);
}

/** `work` in so many connections at once. */
async function race(database, number, work) {
  const connections = await database.connectMany(number);
  return Promise.all(connections.map((one, index) => patiently(() => work(one, index))));
}

describe('a code is good for one', () => {
  test('of ten sign-ins', async (t) => {
    const { database, client } = await configured(t, SETTINGS);
    const email = freshEmail();
    const otp = await codeFor(client, email);
    const answers = await race(database, 10, (one) => enter(one, email, otp));
    assert.deepEqual(codes(answers).sort(), [...Array(9).fill('INVALID_OTP'), 'OK']);
    assert.deepEqual([await count(client, 'user'), await count(client, 'session'), await count(client, 'verification')], [1, 1, 0]);
  });

  test('of ten resets', async (t) => {
    const { database, client } = await configured(t, SETTINGS);
    const { user } = await signUp(client);
    const otp = await codeFor(client, user.email, 'forget-password');
    const answers = await race(database, 10, (one, index) => post(one, '/email-otp/reset-password', { email: user.email, otp, password: `password number ${index}` }));
    assert.deepEqual(codes(answers).sort(), [...Array(9).fill('INVALID_OTP'), 'OK']);
    await signIn(client, user.email, `password number ${codes(answers).indexOf('OK')}`);
  });

  test('of ten changes of email', async (t) => {
    const { database, client } = await configured(t, { ...SETTINGS, email_otp_change_email_enabled: 'on' });
    const { token } = await signUp(client);
    const cookie = await cookieOf(client, token);
    await post(client, '/email-otp/request-email-change', { newEmail: 'new@example.com' }, { cookie });
    const otp = await mailed(client);
    const answers = await race(database, 10, (one) => post(one, '/email-otp/change-email', { newEmail: 'new@example.com', otp }, { cookie }));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.equal(await client.value('SELECT email FROM better_auth."user"'), 'new@example.com');
  });

  test('two who change to one address: one has it', async (t) => {
    const { database, client } = await configured(t, { ...SETTINGS, email_otp_change_email_enabled: 'on' });
    const sides = [];
    for (const { token } of [await signUp(client), await signUp(client)]) {
      const cookie = await cookieOf(client, token);
      await post(client, '/email-otp/request-email-change', { newEmail: 'new@example.com' }, { cookie });
      sides.push({ cookie, otp: await mailed(client) });
    }
    const answers = await race(database, 2, (one, index) => post(one, '/email-otp/change-email', { newEmail: 'new@example.com', otp: sides[index].otp }, { cookie: sides[index].cookie }));
    assert.deepEqual(answers.map(({ text }) => text).sort(), ['{"message":"Email already in use"}', '{"success":true}']);
  });
});

describe('guesses', () => {
  test('of thirty at once are three, and then the right code is none', async (t) => {
    const { database, client } = await configured(t, SETTINGS);
    const { user } = await signUp(client);
    const otp = await codeFor(client, user.email);
    const answers = [];
    for (let round = 0; round < 3; round += 1) answers.push(...(await race(database, 10, (one) => check(one, user.email, 'wrong'))));
    assert.ok(codes(answers).every((code) => ['INVALID_OTP', 'TOO_MANY_ATTEMPTS'].includes(code)));
    // However many of them got as far as the row: the code is worth no more guesses than it has.
    const [row] = await client.column(`SELECT split_part(value, ':', 2)::int FROM better_auth.verification`);
    const left = row === undefined ? 0 : 3 - row;
    for (let guess = 0; guess < left; guess += 1) await check(client, user.email, 'wrong');
    assert.notEqual((await enter(client, user.email, otp)).status, 200);
    assert.equal(await count(client, 'verification'), 0);
  });

  test('that are rolled back stay counted', async (t) => {
    const { client } = await configured(t, SETTINGS);
    const { user } = await signUp(client);
    const otp = await codeFor(client, user.email);
    for (let guess = 0; guess < 3; guess += 1) {
      await client.query('BEGIN');
      assert.equal((await check(client, user.email, 'wrong')).json.code, 'INVALID_OTP');
      await client.query('ROLLBACK');
    }
    assert.equal(await client.value('SELECT value FROM better_auth.verification'), `${otp}:0`);
    const refusal = await enter(client, user.email, otp);
    assert.deepEqual([refusal.status, refusal.text], [403, '{"message":"Too many attempts","code":"TOO_MANY_ATTEMPTS"}']);
    // A new code is a new one.
    assert.equal((await enter(client, user.email, await codeFor(client, user.email))).status, 200);
  });

  test('of SQL callers, whose exceptions undo what they write, are counted too', async (t) => {
    const { client } = await configured(t, SETTINGS);
    const { user } = await signUp(client);
    const otp = await codeFor(client, user.email);
    const guess = (code) => client.call('api', { endpoint: 'signInEmailOTP', input: { body: { email: user.email, otp: code } } });
    for (let round = 0; round < 3; round += 1) await refused(guess('wrong'), INVALID_OTP);
    await refused(guess(otp), { code: '53400', detail: 'TOO_MANY_ATTEMPTS' });
  });

  test('right ones, rolled back or not, take none away', async (t) => {
    const { client } = await configured(t, SETTINGS);
    const { user } = await signUp(client);
    const otp = await codeFor(client, user.email);
    for (let round = 0; round < 10; round += 1) assert.equal((await check(client, user.email, otp)).status, 200);
    await client.query('BEGIN');
    assert.equal((await enter(client, user.email, otp)).status, 200);
    await client.query('ROLLBACK');
    assert.equal((await enter(client, user.email, otp)).status, 200);
  });

  test('do not come anew without end with new codes', async (t) => {
    const { client } = await configured(t, SETTINGS);
    const { user } = await signUp(client);
    let guesses = 0;
    let otp;
    for (let refusals = 0; refusals < 3; ) {
      otp = await codeFor(client, user.email);
      const answers = [];
      for (let guess = 0; guess < 3; guess += 1) answers.push(await check(client, user.email, 'wrong'));
      guesses += codes(answers).filter((code) => code === 'INVALID_OTP').length;
      refusals = codes(answers).includes('TOO_MANY_ATTEMPTS') ? refusals + 1 : 0;
      assert.ok(guesses < 100, 'no limit');
    }
    assert.ok(guesses >= 27, `${guesses}`);
    otp = await codeFor(client, user.email);
    assert.equal((await enter(client, user.email, otp)).json.code, 'TOO_MANY_ATTEMPTS');
    // Others have theirs.
    const other = freshEmail();
    assert.equal((await enter(client, other, await codeFor(client, other))).status, 200);
  });

  test('of a code that is sent again stay counted', async (t) => {
    const { client } = await configured(t, { ...SETTINGS, email_otp_resend_strategy: 'reuse' });
    const { user } = await signUp(client);
    const otp = await codeFor(client, user.email);
    for (let guess = 0; guess < 3; guess += 1) {
      assert.equal(await codeFor(client, user.email), otp);
      await client.query('BEGIN');
      assert.equal((await check(client, user.email, 'wrong')).json.code, 'INVALID_OTP');
      await client.query('ROLLBACK');
    }
    assert.equal((await enter(client, user.email, otp)).json.code, 'TOO_MANY_ATTEMPTS');
  });
});

describe('an account that somebody else signed up with the address', () => {
  test('has neither password nor sessions for them once its owner comes by a code', async (t) => {
    const { client } = await configured(t, SETTINGS);
    const { token, user } = await signUp(client);
    await client.call('link_account', { provider_id: 'github', account_id: '1', email: user.email, name: 'Mallory', session_token: token, email_verified: false }).catch(() => {});
    const answer = await enter(client, user.email, await codeFor(client, user.email));
    assert.deepEqual([answer.json.user.id, answer.json.user.emailVerified], [user.id, true]);
    assert.equal(await client.call('get_session', { session_token: token }), null);
    await refused(signIn(client, user.email), { detail: 'INVALID_EMAIL_OR_PASSWORD' });
    assert.deepEqual([await count(client, 'account'), await count(client, 'session')], [0, 1]);
  });

  test('nor by a sign-in that is under way', async (t) => {
    const { database, client } = await configured(t, SETTINGS);
    const { user } = await signUp(client);
    const otp = await codeFor(client, user.email);
    const [theirs, mine] = await database.connectMany(2);
    await theirs.query('BEGIN');
    const { token } = await signIn(theirs, user.email);
    const entering = enter(mine, user.email, otp);
    await untilBlocked(client, mine);
    await theirs.query('COMMIT');
    const { json } = await entering;
    assert.equal(await client.call('get_session', { session_token: token }), null);
    assert.deepEqual(await client.column('SELECT token FROM better_auth.session'), [json.token]);
  });

  test('nor by one that waits for it', async (t) => {
    const { database, client } = await configured(t, SETTINGS);
    const { user } = await signUp(client);
    const otp = await codeFor(client, user.email);
    const [theirs, mine] = await database.connectMany(2);
    await mine.query('BEGIN');
    const { json } = await enter(mine, user.email, otp);
    const signing = signIn(theirs, user.email).catch((error) => error);
    await untilBlocked(client, theirs);
    await mine.query('COMMIT');
    assert.equal((await signing).detail, 'INVALID_EMAIL_OR_PASSWORD');
    assert.deepEqual(await client.column('SELECT token FROM better_auth.session'), [json.token]);
  });

  test('nor can a link that they asked for before give it another address', async (t) => {
    const { client } = await configured(t, { ...SETTINGS, change_email_enabled: 'on' });
    const { token: session_token, user } = await signUp(client);
    await client.call('change_email', { session_token, new_email: 'mallory@example.com' });
    const token = await mailed(client);
    const { json } = await enter(client, user.email, await codeFor(client, user.email));
    await refused(client.call('verify_email', { token }), { code: '28000', detail: 'INVALID_TOKEN' });
    assert.equal(await client.value('SELECT email FROM better_auth."user"'), user.email);
    // The owner's own are good, unless they are of that very second.
    await client.query(`UPDATE better_auth.verification SET value = value::bigint - 1 WHERE identifier = $1`, [`change-email-void-${user.id}`]);
    await client.call('change_email', { session_token: json.token, new_email: 'new@example.com' });
    await client.call('verify_email', { token: await mailed(client) });
    assert.equal(await client.value('SELECT email FROM better_auth."user"'), 'new@example.com');
  });

  test('two codes of two types at once leave one owner', async (t) => {
    const { database, client } = await configured(t, SETTINGS);
    const { user } = await signUp(client);
    const signInOtp = await codeFor(client, user.email);
    const verifyOtp = await codeFor(client, user.email, 'email-verification');
    const [first, second] = await race(database, 2, (one, index) =>
      index === 0 ? enter(one, user.email, signInOtp) : post(one, '/email-otp/verify-email', { email: user.email, otp: verifyOtp }),
    );
    assert.deepEqual([first.status, second.status], [200, 200]);
    assert.equal(await client.value('SELECT "emailVerified" FROM better_auth."user"'), true);
  });
});

test('a banned user gets no session by a code', async (t) => {
  const { client } = await configured(t, SETTINGS);
  await client.query('ALTER TABLE better_auth."user" ADD banned boolean, ADD "banExpires" timestamptz');
  const { user } = await signUp(client);
  await client.query('UPDATE better_auth."user" SET banned = true, "emailVerified" = true');
  await client.query('DELETE FROM better_auth.session');
  const answer = await enter(client, user.email, await codeFor(client, user.email));
  assert.deepEqual([answer.status, answer.json.code, answer.cookies], [403, 'BANNED_USER', []]);
  assert.equal(await count(client, 'session'), 0);
});

test('known and unknown addresses are told and guessed alike', async (t) => {
  const { client } = await configured(t, { ...SETTINGS, email_otp_disable_sign_up: 'on' });
  const { user } = await signUp(client);
  for (const type of ['sign-in', 'email-verification', 'forget-password']) {
    const talks = [];
    for (const email of [user.email, freshEmail()]) {
      const talk = [await ask(client, email, type)];
      for (let guess = 0; guess < 5; guess += 1) talk.push(await check(client, email, 'wrong', type));
      talks.push(talk.map(({ status, text }) => [status, text]));
    }
    assert.deepEqual(talks[1], talks[0], type);
  }
  assert.equal(await client.value(`SELECT count(*)::int FROM better_auth.mail_outbox WHERE recipient <> $1`, [user.email]), 0);
});

test('codes are in no answer, and in no table but as the setting says', async (t) => {
  const { client } = await configured(t, SETTINGS);
  for (const store of ['hashed', 'encrypted']) {
    await set(client, { email_otp_store_otp: store });
    const email = freshEmail();
    const asked = await ask(client, email);
    const otp = await mailed(client);
    assert.match(otp, /^\d{6}$/);
    assert.ok(!JSON.stringify(asked).includes(otp));
    assert.ok(!(await client.value('SELECT value FROM better_auth.verification')).includes(otp), store);
    const wrong = await check(client, email, `${otp}0`);
    assert.ok(!JSON.stringify(wrong).includes(otp));
    const answer = await enter(client, email, otp);
    assert.equal(answer.status, 200, answer.text);
    assert.ok(!answer.text.includes(otp));
  }
});

test('an encrypted code outlives a rotation of the secret as long as the secret is kept', async (t) => {
  const { client } = await configured(t, { ...SETTINGS, email_otp_store_otp: 'encrypted' });
  const [kept, dropped] = [freshEmail(), freshEmail()];
  const first = await codeFor(client, kept);
  await client.query(`SELECT better_auth.rotate_secret('cookie', '1 hour')`);
  assert.equal((await enter(client, kept, first)).status, 200);
  const second = await codeFor(client, dropped);
  await client.query(`SELECT better_auth.rotate_secret('cookie', '0')`);
  assert.equal((await enter(client, dropped, second)).json.code, 'INVALID_OTP');
});

test('createVerificationOTP and getVerificationOTP are for SQL callers', async (t) => {
  const { client } = await configured(t, SETTINGS);
  const api = (endpoint, input) => client.call('api', { endpoint, input });
  const body = { email: 'Ada@Example.com', type: 'sign-in' };
  const otp = await api('createVerificationOTP', { body });
  assert.match(otp, /^\d{6}$/);
  assert.deepEqual(await api('getVerificationOTP', { query: body }), { otp });
  assert.deepEqual(await api('getVerificationOTP', { query: { ...body, type: 'change-email' } }), { otp: null });
  await refused(api('createVerificationOTP', { body: { email: 'a@example.com', type: 'x' } }), {
    code: '22023',
    message: '[body.type] Invalid option: expected one of "email-verification"|"sign-in"|"forget-password"|"change-email"',
  });
  assert.equal((await enter(client, body.email, otp)).status, 200);
  await set(client, { email_otp_store_otp: 'hashed' });
  await api('createVerificationOTP', { body });
  await refused(api('getVerificationOTP', { query: body }), { code: '55000', message: 'OTP is hashed, cannot return the plain text OTP' });
  for (const path of ['/email-otp/create-verification-otp', '/email-otp/get-verification-otp']) {
    assert.equal((await post(client, path, body)).status, 404);
  }
});

test('off, it answers nothing', async (t) => {
  const { client } = await configured(t, { ...SETTINGS, plugins: '' });
  assert.equal((await ask(client, freshEmail())).status, 404);
  await refused(client.call('api', { endpoint: 'createVerificationOTP', input: {} }), { message: /there is no endpoint/ });
});

test('its functions for PostgREST', async (t) => {
  const roles = [await server.role(t, 'anon'), await server.role(t, 'user')];
  const { client } = await configured(t, { ...SETTINGS, email_otp_change_email_enabled: 'on' });
  await client.query('SELECT better_auth.enable_rpc($1, $2, $3)', ['public', ...roles]);
  const rpc = async (name, args) => {
    const names = Object.keys(args).map((key, index) => `${key} => $${index + 1}`);
    const body = await client.value(`SELECT public.${name}(${names.join(', ')})`, Object.values(args));
    return { status: Number(await client.value(`SELECT current_setting('response.status', true)`)), body };
  };
  const inTransaction = async (work) => {
    await client.query('BEGIN');
    await client.query(`SELECT set_config('request.headers', $1, true)`, [JSON.stringify({ host: 'localhost:3000', origin: ORIGIN })]);
    const result = await work();
    await client.query('COMMIT');
    return result;
  };
  const call = (name, args) => inTransaction(() => rpc(name, args));
  const email = freshEmail();
  assert.deepEqual(await call('send_verification_otp', { email, type: 'sign-in' }), { status: 200, body: { success: true } });
  assert.equal((await call('sign_in_email_otp', { email, otp: 'wrong' })).body.code, 'INVALID_OTP');
  const signedIn = await call('sign_in_email_otp', { email, otp: await mailed(client), name: 'Ada' });
  assert.deepEqual([signedIn.status, signedIn.body.user.name], [200, 'Ada']);
  const session_token = signedIn.body.token;
  await call('send_verification_otp', { email, type: 'email-verification' });
  const otp = await mailed(client);
  assert.deepEqual((await call('check_verification_otp', { email, type: 'email-verification', otp })).body, { success: true });
  assert.equal((await call('verify_email_otp', { email, otp })).body.status, true);
  for (const name of ['request_password_reset_email_otp', 'forget_password_email_otp']) {
    assert.deepEqual((await call(name, { email })).body, { success: true });
  }
  assert.deepEqual((await call('reset_password_email_otp', { email, otp: await mailed(client), password: PASSWORD })).body, { success: true });
  assert.deepEqual((await call('request_email_change_email_otp', { new_email: 'new@example.com', session_token })).body, { success: true });
  assert.deepEqual((await call('change_email_email_otp', { new_email: 'new@example.com', otp: await mailed(client), session_token })).body, { success: true });
  await signIn(client, 'new@example.com');
});
