// The plugin two-factor under attack: codes that are guessed, replayed, raced for and rolled back, and all that is not the
// second factor.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { ORIGIN, http, set } from './http.mjs';
import { freshEmail, patiently, PASSWORD, refused, signIn, signUp, UNAUTHORIZED } from './lib.mjs';
import { withPlugins, withRpc } from './plugins.mjs';

const WRONG = '0000000';
const post = (client, path, body, options) => http(client, 'POST', `/two-factor/${path}`, { body, ...options });
const count = (client, table) => client.value(`SELECT count(*)::int FROM better_auth."${table}"`);
const codes = (answers) => answers.map(({ json }) => json.code ?? 'OK');
const codeOf = ({ status, json }) => [status, json?.code];
const enter = (client, email, cookie, password = PASSWORD) => http(client, 'POST', '/sign-in/email', { body: { email, password }, cookie });
const sessionOf = async (client, cookie) => (await http(client, 'GET', '/get-session', { cookie })).json;

/** What an authenticator app shows that has a secret, so many steps from now. */
function app(uri) {
  const letters = new URL(uri).searchParams.get('secret');
  const bits = [...letters].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'));
  const key = Buffer.from(bits.join('').match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  return (steps = 0) => {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
    const hash = createHmac('sha1', key).update(counter).digest();
    return String((hash.readUInt32BE(hash.at(-1) & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
  };
}

/** The cookies that an answer leaves a browser with. */
const jar = ({ cookies }) => cookies.filter((cookie) => !cookie.endsWith('=')).join('; ');

/** A user who has set up an app, without having used a code: what it shows, and the backup codes. */
async function withApp(client, email = freshEmail()) {
  const { token } = await signUp(client, { email });
  await set(client, { two_factor_skip_verification_on_enable: 'on' });
  const { totpURI, backupCodes } = await client.call('api', { endpoint: 'enableTwoFactor', input: { body: { password: PASSWORD } }, session_token: token });
  await set(client, { two_factor_skip_verification_on_enable: 'off' });
  await client.query('DELETE FROM better_auth.session');
  return { email, code: app(totpURI), uri: totpURI, backupCodes };
}

/** A challenge: the cookie of one whose password was right. */
async function challenge(client, email) {
  const answer = await enter(client, email);
  assert.deepEqual([answer.status, answer.json.twoFactorRedirect], [200, true], answer.text);
  return jar(answer);
}

const start = (t, settings) => withPlugins(t, 'two-factor', { two_factor_send_otp: 'mail', ...settings });

async function race(database, number, work) {
  const connections = await database.connectMany(number);
  return Promise.all(connections.map((one, index) => patiently(() => work(one, index))));
}

describe('a code of an app', () => {
  test('is good for one of ten sign-ins', async (t) => {
    const { database, client } = await start(t);
    const { email, code } = await withApp(client);
    const cookies = await Promise.all(Array.from({ length: 10 }, () => challenge(client, email)));
    const now = code();
    const answers = await race(database, 10, (one, index) => post(one, 'verify-totp', { code: now }, { cookie: cookies[index] }));
    assert.deepEqual(codes(answers).sort(), [...Array(9).fill('INVALID_CODE'), 'OK']);
    assert.equal(await count(client, 'session'), 1);
  });

  test('is good once, and the next one is another', async (t) => {
    const { client } = await start(t);
    const { email, code } = await withApp(client);
    const now = code();
    const verify = async (code) => codeOf(await post(client, 'verify-totp', { code }, { cookie: await challenge(client, email) }));
    assert.deepEqual(await verify(now), [200, undefined]);
    assert.deepEqual(await verify(now), [401, 'INVALID_CODE']);
    assert.deepEqual(await verify(code(1)), [200, undefined]);
    assert.deepEqual(await verify(code(1)), [401, 'INVALID_CODE']);
    assert.deepEqual(await verify(code(2)), [401, 'INVALID_CODE']); // too early
  });

  test('that has set the app up is used', async (t) => {
    const { client } = await start(t);
    const email = freshEmail();
    const { token } = await signUp(client, { email });
    const api = (endpoint, body) => client.call('api', { endpoint, input: { body }, session_token: token });
    const { totpURI } = await api('enableTwoFactor', { password: PASSWORD });
    const code = app(totpURI);
    const now = code();
    assert.equal((await api('verifyTOTP', { code: now })).token, token);
    await refused(api('verifyTOTP', { code: now }), { detail: 'INVALID_TWO_FACTOR_COOKIE' }); // the session is another one
    assert.deepEqual(codeOf(await post(client, 'verify-totp', { code: now }, { cookie: await challenge(client, email) })), [401, 'INVALID_CODE']);
  });

  test('of one challenge, at once: one session', async (t) => {
    const { database, client } = await start(t);
    const { email, code } = await withApp(client);
    const cookie = await challenge(client, email);
    const answers = await race(database, 10, (one, index) => post(one, 'verify-totp', { code: code(index % 2) }, { cookie }));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.equal(await count(client, 'session'), 1);
  });

  test('is enabled once by two at once', async (t) => {
    const { database, client } = await start(t);
    const { token } = await signUp(client);
    const all = await race(database, 4, (one) =>
      one.call('api', { endpoint: 'enableTwoFactor', input: { body: { password: PASSWORD } }, session_token: token }).catch((error) => error),
    );
    assert.equal(all.filter(({ totpURI }) => totpURI).length, 4);
    assert.equal(await count(client, 'twoFactor'), 1);
  });
});

describe('guesses', () => {
  test('of one challenge are five, however many come at once', async (t) => {
    const { database, client } = await start(t, { two_factor_account_lockout: 'off' });
    const { email, code } = await withApp(client);
    const cookie = await challenge(client, email);
    const answers = await race(database, 20, (one) => post(one, 'verify-totp', { code: WRONG }, { cookie }));
    assert.equal(codes(answers).filter((code) => code === 'INVALID_CODE').length, 5);
    assert.deepEqual(codeOf(await post(client, 'verify-totp', { code: code() }, { cookie })), [401, 'INVALID_TWO_FACTOR_COOKIE']);
  });

  test('ten thousand, by ever new challenges, are few', async (t) => {
    const { client } = await start(t);
    const { email, code } = await withApp(client);
    let looked = 0;
    for (let round = 0; round < 20; round += 1) {
      const cookie = await challenge(client, email);
      for (let guess = 0; guess < 6; guess += 1) {
        const answer = await post(client, 'verify-totp', { code: WRONG }, { cookie });
        looked += answer.json.code === 'INVALID_CODE' ? 1 : 0;
      }
    }
    assert.equal(looked, 10);
    const locked = await post(client, 'verify-totp', { code: code() }, { cookie: await challenge(client, email) });
    assert.deepEqual(codeOf(locked), [429, 'ACCOUNT_TEMPORARILY_LOCKED']);
    await client.query(`UPDATE better_auth."twoFactor" SET "lockedUntil" = now() - interval '1 second'`);
    assert.equal((await post(client, 'verify-totp', { code: code() }, { cookie: await challenge(client, email) })).status, 200);
    assert.equal(await client.value('SELECT "failedVerificationCount" FROM better_auth."twoFactor"'), 0);
  });

  for (const [what, path, body] of [
    ['codes of an app', 'verify-totp', { code: WRONG }],
    ['backup codes', 'verify-backup-code', { code: 'xxxxx-xxxxx' }],
  ]) {
    test(`that are rolled back stay counted: ${what}`, async (t) => {
      const { client } = await start(t);
      const { email, code } = await withApp(client);
      let looked = 0;
      for (let round = 0; round < 14; round += 1) {
        const cookie = await challenge(client, email);
        for (let guess = 0; guess < 6; guess += 1) {
          await client.query('BEGIN');
          const answer = await post(client, path, body, { cookie });
          looked += answer.status === 401 ? 1 : 0;
          await client.query('ROLLBACK');
        }
      }
      assert.equal(looked, 50);
      assert.deepEqual(codeOf(await post(client, 'verify-totp', { code: code() }, { cookie: await challenge(client, email) })), [429, 'ACCOUNT_TEMPORARILY_LOCKED']);
    });
  }

  test('of codes by mail, at once and rolled back', async (t) => {
    const { database, client } = await start(t, { two_factor_account_lockout: 'off' });
    const { email } = await withApp(client);
    const cookie = await challenge(client, email);
    await post(client, 'send-otp', {}, { cookie });
    const otp = await client.value('SELECT token FROM better_auth.mail_outbox');
    const answers = await race(database, 20, (one) => post(one, 'verify-otp', { code: WRONG }, { cookie }));
    assert.equal(codes(answers).filter((code) => code === 'INVALID_CODE').length, 5);
    assert.notEqual((await post(client, 'verify-otp', { code: otp }, { cookie })).status, 200);
  });

  test('right ones, rolled back or not, take none away', async (t) => {
    const { client } = await start(t);
    const { email, code } = await withApp(client);
    const cookie = await challenge(client, email);
    for (let round = 0; round < 10; round += 1) {
      await client.query('BEGIN');
      assert.equal((await post(client, 'verify-totp', { code: code() }, { cookie })).status, 200);
      await client.query('ROLLBACK');
    }
    assert.equal((await post(client, 'verify-totp', { code: code() }, { cookie })).status, 200);
  });
});

describe('a backup code', () => {
  test('is good for one of ten', async (t) => {
    const { database, client } = await start(t);
    const { email, backupCodes } = await withApp(client);
    const cookies = await Promise.all(Array.from({ length: 10 }, () => challenge(client, email)));
    const answers = await race(database, 10, (one, index) => post(one, 'verify-backup-code', { code: backupCodes[3] }, { cookie: cookies[index] }));
    assert.deepEqual(codes(answers).sort(), [...Array(9).fill('INVALID_BACKUP_CODE'), 'OK']);
    assert.equal(await count(client, 'session'), 1);
  });

  test('of ten at once, each is good', async (t) => {
    const { database, client } = await start(t);
    const { email, backupCodes } = await withApp(client);
    const cookies = await Promise.all(backupCodes.map(() => challenge(client, email)));
    const answers = await race(database, 10, (one, index) => post(one, 'verify-backup-code', { code: backupCodes[index] }, { cookie: cookies[index] }));
    assert.deepEqual(codes(answers), Array(10).fill('OK'));
    const id = await client.value('SELECT "userId" FROM better_auth."twoFactor"');
    assert.deepEqual(await client.call('api', { endpoint: 'viewBackupCodes', input: { body: { userId: id } } }), { status: true, backupCodes: [] });
  });
});

describe('the second factor is not passed by', () => {
  test('a cookie cache of before', async (t) => {
    const { client } = await start(t, { cookie_cache: 'on' });
    const email = freshEmail();
    await signUp(client, { email });
    const before = jar(await enter(client, email));
    await client.query(`UPDATE better_auth."user" SET "twoFactorEnabled" = true; DELETE FROM better_auth.session`);
    const answer = await enter(client, email, before);
    assert.equal(answer.json.twoFactorRedirect, true);
    assert.deepEqual(answer.cookies.filter((cookie) => cookie.includes('session_')), ['better-auth.session_token=', 'better-auth.session_data=']);
    // The copy in the cookie still says who it was; to the second factor that is nobody.
    for (const path of ['verify-totp', 'verify-otp', 'verify-backup-code']) {
      assert.deepEqual(codeOf(await post(client, path, { code: '1' }, { cookie: before })), [401, 'INVALID_TWO_FACTOR_COOKIE'], path);
    }
    assert.equal(await count(client, 'session'), 0);
  });

  test('another user’s trusted browser', async (t) => {
    const { client } = await start(t);
    const [one, other] = [await withApp(client), await withApp(client)];
    const trusted = jar(await post(client, 'verify-totp', { code: one.code(), trustDevice: true }, { cookie: await challenge(client, one.email) }));
    const answer = await enter(client, other.email, trusted);
    assert.equal(answer.json.twoFactorRedirect, true);
    assert.ok(answer.cookies.includes('better-auth.trust_device='));
    // It is still its owner's.
    assert.equal((await enter(client, one.email, trusted)).json.user.email, one.email);
  });

  test('a trusted browser’s cookie twice', async (t) => {
    const { database, client } = await start(t);
    const { email, code } = await withApp(client);
    const trusted = jar(await post(client, 'verify-totp', { code: code(), trustDevice: true }, { cookie: await challenge(client, email) }));
    const answers = await race(database, 5, (one) => enter(one, email, trusted));
    assert.equal(answers.filter(({ json }) => json.token).length, 1);
  });

  test('browsers that were trusted before it was set up anew', async (t) => {
    const { client } = await start(t);
    const { email, code } = await withApp(client);
    const trusted = jar(await post(client, 'verify-totp', { code: code(), trustDevice: true }, { cookie: await challenge(client, email) }));
    const { token } = (await post(client, 'verify-totp', { code: code(1) }, { cookie: await challenge(client, email) })).json;
    await client.call('api', { endpoint: 'disableTwoFactor', input: { body: { password: PASSWORD } }, session_token: token });
    await client.query(`UPDATE better_auth."user" SET "twoFactorEnabled" = true`);
    assert.equal((await enter(client, email, trusted)).json.twoFactorRedirect, true);
  });

  test('a session of somebody else', async (t) => {
    const { client } = await start(t);
    const [one, other] = [await withApp(client), await withApp(client)];
    const session = jar(await post(client, 'verify-totp', { code: other.code() }, { cookie: await challenge(client, other.email) }));
    const both = `${session}; ${await challenge(client, one.email)}`;
    assert.deepEqual(codeOf(await post(client, 'verify-totp', { code: one.code() }, { cookie: both })), [401, 'INVALID_CODE']);
    const answer = await post(client, 'verify-totp', { code: other.code(1) }, { cookie: both });
    assert.equal(answer.json.user.email, other.email);
    assert.deepEqual([answer.cookies, await count(client, 'session')], [[], 1]);
  });

  test('another signed cookie under its name', async (t) => {
    const { client } = await start(t);
    const { email, code } = await withApp(client);
    const trusted = jar(await post(client, 'verify-totp', { code: code(), trustDevice: true }, { cookie: await challenge(client, email) }));
    for (const cookie of trusted.split('; ')) {
      const value = cookie.slice(cookie.indexOf('=') + 1);
      const answer = await post(client, 'verify-totp', { code: code(1) }, { cookie: `better-auth.two_factor=${value}` });
      assert.deepEqual(codeOf(answer), [401, 'INVALID_TWO_FACTOR_COOKIE']);
      assert.equal((await enter(client, email, `better-auth.trust_device=${value.replace('trust-device-', '2fa-')}`)).json.twoFactorRedirect, true);
    }
  });

  test('a challenge of before the password was changed', async (t) => {
    for (const revokes of ['on', 'off']) {
      const { client } = await start(t, { send_reset_password: 'on', revoke_sessions_on_password_reset: revokes });
      const { email, code } = await withApp(client);
      const cookie = await challenge(client, email);
      await client.call('request_password_reset', { email });
      const token = await client.value('SELECT token FROM better_auth.mail_outbox ORDER BY created_at DESC LIMIT 1');
      await client.call('reset_password', { token, new_password: 'another password' });
      assert.deepEqual(codeOf(await post(client, 'verify-totp', { code: code() }, { cookie })), [401, 'INVALID_TWO_FACTOR_COOKIE'], revokes);
    }
  });

  test('a ban', async (t) => {
    const { client } = await withPlugins(t, 'two-factor, admin');
    const { email, code } = await withApp(client);
    const cookie = await challenge(client, email);
    await client.query('UPDATE better_auth."user" SET banned = true');
    assert.deepEqual(codeOf(await post(client, 'verify-totp', { code: code() }, { cookie })), [403, 'BANNED_USER']);
    assert.deepEqual(codeOf(await enter(client, email)), [403, 'BANNED_USER']);
    assert.equal(await count(client, 'session'), 0);
  });

  test('SQL and PostgREST', async (t) => {
    const { database, client } = await start(t);
    const { email, code, backupCodes } = await withApp(client);
    const answer = await signIn(client, email);
    assert.deepEqual({ ...answer, twoFactorToken: typeof answer.twoFactorToken }, { twoFactorRedirect: true, twoFactorMethods: ['totp', 'otp'], twoFactorToken: 'string' });
    assert.equal(await count(client, 'session'), 0);
    const verify = (body) => client.call('api', { endpoint: 'verifyTOTP', input: { body } });
    await refused(verify({ code: code() }), { code: '28000', detail: 'INVALID_TWO_FACTOR_COOKIE' });
    await refused(verify({ code: WRONG, twoFactorToken: answer.twoFactorToken }), { code: '28P01', detail: 'INVALID_CODE' });
    const { token } = await verify({ code: code(), twoFactorToken: answer.twoFactorToken });
    assert.equal((await client.call('get_session', { session_token: token })).user.email, email);
    assert.equal((await client.call('api', { endpoint: 'signInEmail', input: { body: { email, password: PASSWORD } } })).twoFactorRedirect, true);
    // Over HTTP a challenge is a cookie's alone.
    const { twoFactorToken } = await signIn(client, email);
    assert.deepEqual(codeOf(await post(client, 'verify-totp', { code: code(1), twoFactorToken })), [401, 'INVALID_TWO_FACTOR_COOKIE']);

    const rpc = await withRpc(t, database, client);
    const asked = await rpc('sign_in_email', { email, password: PASSWORD });
    assert.deepEqual([asked.status, asked.json], [200, { twoFactorRedirect: true, twoFactorMethods: ['totp', 'otp'] }]);
    const challenged = { cookie: asked.cookie.split('; ').filter((cookie) => !cookie.endsWith('=')).join('; ') };
    assert.deepEqual((await rpc('send_two_factor_otp', {}, challenged)).json, { status: true });
    assert.equal((await rpc('verify_totp', { code: WRONG }, challenged)).status, 401);
    const done = await rpc('verify_totp', { code: code(1), trust_device: true }, challenged);
    assert.deepEqual([done.status, done.json.user.email], [200, email]);
    const session_token = done.json.token;
    assert.match((await rpc('get_totp_uri', { password: PASSWORD, session_token })).json.totpURI, /^otpauth:/);
    assert.equal((await rpc('verify_backup_code', { code: backupCodes[0], session_token })).json.token, session_token);
    assert.equal((await rpc('generate_backup_codes', { password: PASSWORD, session_token })).json.backupCodes.length, 10);
    assert.equal((await rpc('enable_two_factor', { password: PASSWORD, session_token })).json.code, 'TOTP_ALREADY_ENABLED');
    assert.equal((await rpc('verify_two_factor_otp', { code: '1', session_token })).json.code, 'OTP_HAS_EXPIRED');
    assert.deepEqual((await rpc('disable_two_factor', { password: PASSWORD, session_token })).json, { status: true });
    assert.equal((await rpc('sign_in_email', { email, password: PASSWORD })).json.user.email, email);
  });

  test('switching the plugin off', async (t) => {
    const { client } = await start(t);
    const { email } = await withApp(client);
    await set(client, { plugins: '' });
    await refused(signIn(client, email), { code: '0A000' });
    assert.equal((await enter(client, email)).status, 501);
  });
});

describe('the one who has an address', () => {
  test('isn’t asked for the second factor of who signed up with it', async (t) => {
    const { client } = await withPlugins(t, 'two-factor, email-otp');
    const { email } = await withApp(client);
    const body = { email, type: 'sign-in' };
    await http(client, 'POST', '/email-otp/send-verification-otp', { body });
    const otp = await client.value('SELECT token FROM better_auth.mail_outbox ORDER BY created_at DESC LIMIT 1');
    const answer = await http(client, 'POST', '/sign-in/email-otp', { body: { email, otp } });
    assert.deepEqual([answer.status, answer.json.user.twoFactorEnabled, await count(client, 'twoFactor')], [200, false, 0]);
  });
});

describe('secrets', () => {
  test('are read under a cookie secret that was rotated out, and encrypted anew', async (t) => {
    const { client } = await start(t);
    const { email, code, uri, backupCodes } = await withApp(client);
    const sealed = async () => (await client.query('SELECT secret, "backupCodes" FROM better_auth."twoFactor"')).rows[0];
    const before = await sealed();
    await client.query(`SELECT better_auth.rotate_secret('cookie', '1 hour')`);
    assert.equal((await post(client, 'verify-totp', { code: code() }, { cookie: await challenge(client, email) })).status, 200);
    assert.deepEqual(await sealed(), before);
    assert.equal(await client.value('SELECT better_auth.reencrypt_secrets(1)'), '1');
    assert.equal(await client.value('SELECT better_auth.reencrypt_secrets()'), '1');
    assert.equal(await client.value('SELECT better_auth.reencrypt_secrets()'), '0');
    const after = await sealed();
    assert.ok(after.secret !== before.secret && after.backupCodes !== before.backupCodes);
    await client.query(`DELETE FROM better_auth.signing_secret WHERE valid_until IS NOT NULL`);
    const { token } = (await post(client, 'verify-totp', { code: code(1) }, { cookie: await challenge(client, email) })).json;
    assert.equal((await client.call('api', { endpoint: 'getTOTPURI', input: { body: { password: PASSWORD } }, session_token: token })).totpURI, uri);
    assert.equal((await post(client, 'verify-backup-code', { code: backupCodes[9] }, { cookie: await challenge(client, email) })).status, 200);
    await client.query(`SELECT better_auth.set_secret('cookie', 'another secret altogether, for cookies')`);
    await client.query(`DELETE FROM better_auth.signing_secret WHERE valid_until IS NOT NULL`);
    assert.equal(await client.value('SELECT better_auth.reencrypt_secrets()'), '0');
    assert.equal((await post(client, 'verify-totp', { code: code() }, { cookie: await challenge(client, email) })).status, 500);
    await refused(client.query('SELECT better_auth.reencrypt_secrets(0)'), { code: '22023' });
  });

  test('of many rows are encrypted anew in batches', async (t) => {
    const { client } = await start(t);
    const { uri } = await withApp(client);
    await client.query(`
      INSERT INTO better_auth."twoFactor" (id, secret, "backupCodes", "userId", verified)
      SELECT 'id' || n, secret, CASE WHEN n % 2 = 0 THEN '["plain-codes"]' ELSE "backupCodes" END, "userId", true
      FROM better_auth."twoFactor", generate_series(1, 2500) n`);
    await client.query(`SELECT better_auth.rotate_secret('cookie')`);
    assert.equal(await client.value('SELECT better_auth.reencrypt_secrets(3000)'), '3000');
    assert.equal(await client.value('SELECT better_auth.reencrypt_secrets()'), String(2501 + 1251 - 3000));
    assert.equal(await client.value('SELECT better_auth.reencrypt_secrets()'), '0');
    assert.ok(uri);
  });

  test('are in no error and no setting', async (t) => {
    const { client } = await start(t);
    const { email } = await withApp(client);
    await client.query(`UPDATE better_auth."twoFactor" SET secret = 'not sealed'`);
    const answer = await post(client, 'verify-totp', { code: '123456' }, { cookie: await challenge(client, email) });
    assert.deepEqual([answer.status, answer.text], [500, '']);
  });
});

describe('codes that are sent', () => {
  test('go by SMS to a number that is verified', async (t) => {
    const { client } = await withPlugins(t, 'two-factor, phone-number', { two_factor_send_otp: 'sms' });
    const { email } = await withApp(client);
    const methods = async () => (await enter(client, email)).json.twoFactorMethods;
    assert.deepEqual(await methods(), ['totp']);
    assert.deepEqual(codeOf(await post(client, 'send-otp', {}, { cookie: await challenge(client, email) })), [400, 'OTP_NOT_ENABLED']);
    await client.query(`UPDATE better_auth."user" SET "phoneNumber" = '+15551234567', "phoneNumberVerified" = true`);
    assert.deepEqual(await methods(), ['totp', 'otp']);
    const cookie = await challenge(client, email);
    assert.deepEqual((await post(client, 'send-otp', {}, { cookie })).json, { status: true });
    const [sms] = (await client.query('SELECT kind, recipient, token FROM better_auth.claim_sms()')).rows;
    assert.deepEqual([sms.kind, sms.recipient], ['two-factor-otp', '+15551234567']);
    assert.equal((await post(client, 'verify-otp', { code: sms.token }, { cookie })).json.user.email, email);
    // By number, too.
    const answer = await http(client, 'POST', '/sign-in/phone-number', { body: { phoneNumber: '+15551234567', password: PASSWORD } });
    assert.equal(answer.json.twoFactorRedirect, true);
  });

  test('a username is asked for the second factor as well', async (t) => {
    const { client } = await withPlugins(t, 'two-factor, username');
    await http(client, 'POST', '/sign-up/email', { body: { email: 'eve@example.com', password: PASSWORD, name: 'Eve', username: 'eve' } });
    await client.query(`UPDATE better_auth."user" SET "twoFactorEnabled" = true; DELETE FROM better_auth.session`);
    const answer = await http(client, 'POST', '/sign-in/username', { body: { username: 'eve', password: PASSWORD } });
    assert.deepEqual([answer.json, await count(client, 'session')], [{ twoFactorRedirect: true, twoFactorMethods: [] }, 0]);
  });
});

test('who has no session sets nothing up', async (t) => {
  const { client } = await start(t);
  for (const endpoint of ['enableTwoFactor', 'disableTwoFactor', 'getTOTPURI', 'generateBackupCodes']) {
    await refused(client.call('api', { endpoint, input: { body: { password: PASSWORD } } }), UNAUTHORIZED);
  }
  assert.deepEqual(Object.keys(await client.call('api', { endpoint: 'generateTOTP', input: { body: { secret: 'x' } } })), ['code']);
  await refused(client.call('api', { endpoint: 'viewBackupCodes', input: { body: { userId: 'x' } } }), { detail: 'BACKUP_CODES_NOT_ENABLED' });
  assert.equal(await sessionOf(client), null);
  assert.ok(ORIGIN);
});
