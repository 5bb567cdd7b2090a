// Accounts and sessions that an HTTP layer opens: the cookies' signature, and who must not get in.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { configured, http, set, unchanged } from './http.mjs';
import { freshEmail, PASSWORD, refused, signIn, signUp, UNAUTHORIZED } from './lib.mjs';

const SETTINGS = { base_url: 'http://localhost:3000', rate_limit: 'off' };
const SECRET = 'a cookie secret of more than 32 characters';

const link = (client, more = {}) =>
  client.call('link_account', { provider_id: 'github', account_id: '1', email: freshEmail(), name: 'Ada', email_verified: true, ...more });

describe('session_cookies()', () => {
  /** better-call's signed cookie. */
  const signed = (name, value, secret = SECRET) =>
    `${name}=${encodeURIComponent(`${value}.${createHmac('sha256', secret).update(value).digest('base64')}`)}`;
  const values = async (client, args) => (await client.call('session_cookies', args)).map((cookie) => cookie.split(';')[0]);

  test('are signed with the cookie secret, and handler() takes them', async (t) => {
    const { client } = await configured(t, SETTINGS);
    await client.call('set_secret', { name: 'cookie', value: SECRET });
    const { token, user } = await link(client);
    assert.deepEqual(await values(client, { session_token: token }), [signed('better-auth.session_token', token)]);
    assert.deepEqual(await values(client, { session_token: token, remember_me: false }), [
      signed('better-auth.session_token', token),
      signed('better-auth.dont_remember', 'true'),
    ]);
    const session = (cookie) => http(client, 'GET', '/get-session', { cookie });
    assert.equal((await session(signed('better-auth.session_token', token))).json.user.id, user.id);
    assert.equal((await session(signed('better-auth.session_token', token, `${SECRET}x`))).json, null);
    // A new secret signs; the old one verifies for as long as it is kept.
    await client.call('set_secret', { name: 'cookie', value: 'another', keep: '1 hour' });
    assert.deepEqual(await values(client, { session_token: token }), [signed('better-auth.session_token', token, 'another')]);
    assert.equal((await session(signed('better-auth.session_token', token))).json.user.id, user.id);
  });

  test('hold the session itself where it is cached, signed as well', async (t) => {
    const { client } = await configured(t, { ...SETTINGS, cookie_cache: 'on' });
    await client.call('set_secret', { name: 'cookie', value: SECRET });
    const { token, user } = await link(client);
    const [, cached] = await values(client, { session_token: token });
    const { session, expiresAt, signature } = JSON.parse(Buffer.from(cached.replace('better-auth.session_data=', ''), 'base64url'));
    assert.equal(session.user.id, user.id);
    assert.equal(session.session.token, token);
    assert.equal(signature, createHmac('sha256', SECRET).update(JSON.stringify({ ...session, expiresAt })).digest('base64url'));
    assert.ok(Math.abs(expiresAt - Date.now() - 300_000) < 60_000);
  });

  test('need a live session', async (t) => {
    const { client } = await configured(t, SETTINGS);
    const { token } = await link(client);
    await client.call('sign_out', { session_token: token });
    await refused(client.call('session_cookies', { session_token: token }), UNAUTHORIZED);
  });
});

describe('link_account()', () => {
  test('is no way around the password: "credential" is no provider', async (t) => {
    const { client } = await configured(t, SETTINGS);
    const { user, token } = await signUp(client);
    const args = { provider_id: 'credential', account_id: user.id, email: user.email };
    await unchanged(client, () => refused(link(client, args), { code: '22023' }));
    await unchanged(client, () => refused(link(client, { ...args, account_id: 'x', session_token: token }), { code: '22023' }));
  });

  test('opens a session that is as good as one by password', async (t) => {
    const { client } = await configured(t, SETTINGS);
    const { token, user } = await link(client, { ip_address: '10.0.0.1', user_agent: 'test' });
    const { session } = await client.call('get_session', { session_token: token });
    assert.deepEqual([session.userId, session.ipAddress, session.userAgent], [user.id, '10.0.0.1', 'test']);
    await client.call('set_password', { session_token: token, new_password: 'a new password' });
    assert.equal((await signIn(client, user.email, 'a new password')).user.id, user.id);
  });

  test('takes no text of a size that only an attack has', async (t) => {
    const { client } = await configured(t, SETTINGS);
    for (const name of ['provider_id', 'account_id', 'name', 'ip_address', 'user_agent']) {
      await unchanged(client, () => refused(link(client, { [name]: 'x'.repeat(65_537) }), { code: '22023', detail: 'VALIDATION_ERROR' }));
    }
  });

  test('does what it is for where its account points to a user who is gone', async (t) => {
    const { client } = await configured(t, SETTINGS);
    await client.query('ALTER TABLE better_auth.account DROP CONSTRAINT "account_userId_fkey"');
    const { user } = await link(client);
    await client.query('DELETE FROM better_auth."user"');
    await unchanged(client, () => refused(link(client, { email: user.email }), { code: '42501', detail: 'OAUTH_LINK_ERROR' }));
  });

  test('finds its users by their email in any case', async (t) => {
    const { client } = await configured(t, SETTINGS);
    const { user } = await link(client, { email: 'Ada@Example.com' });
    assert.equal(user.email, 'ada@example.com');
    assert.equal((await link(client, { provider_id: 'google', email: 'ADA@EXAMPLE.COM' })).user.id, user.id);
  });
});

test('whoever opens a session, what is told of the client is bounded', async (t) => {
  const { client } = await configured(t, { ...SETTINGS, auto_sign_in_after_verification: 'on' });
  const { user, token } = await signUp(client);
  await client.call('send_verification_email', { email: user.email });
  const verification = await client.value('SELECT token FROM better_auth.mail_outbox');
  const long = 'x'.repeat(65_537);
  for (const name of ['ip_address', 'user_agent']) {
    for (const open of [
      () => signUp(client, { [name]: long }),
      () => client.call('sign_in_email', { email: user.email, password: PASSWORD, [name]: long }),
      () => client.call('change_password', { session_token: token, current_password: PASSWORD, new_password: PASSWORD, revoke_other_sessions: true, [name]: long }),
      () => client.call('verify_email', { token: verification, [name]: long }),
    ]) {
      await unchanged(client, () => refused(open(), { code: '22023', detail: 'VALIDATION_ERROR' }));
    }
  }
});

test('a user who is banned keeps no way in', async (t) => {
  const { client } = await configured(t, { ...SETTINGS, auto_sign_in_after_verification: 'on' });
  const { user } = await link(client, { email_verified: false });
  await client.call('send_verification_email', { email: user.email });
  const token = await client.value('SELECT token FROM better_auth.mail_outbox');
  await client.query('ALTER TABLE better_auth."user" ADD banned boolean');
  await client.query('UPDATE better_auth."user" SET banned = true');
  const BANNED = { code: '42501', detail: 'BANNED_USER' };
  await unchanged(client, () => refused(link(client), BANNED));
  await unchanged(client, () => refused(client.call('verify_email', { token }), BANNED));
  const sessions = await client.column('SELECT id FROM better_auth.session');
  const answer = await http(client, 'GET', `/verify-email?token=${token}`);
  assert.deepEqual([answer.status, answer.json.code, answer.cookies], [403, 'BANNED_USER', []]);
  assert.deepEqual(await client.column('SELECT id FROM better_auth.session'), sessions);
  await set(client, { require_local_email_verified: 'off' });
  await unchanged(client, () => refused(link(client, { provider_id: 'google', email: user.email }), BANNED));
});
