// Cookies as browsers have them: some of several forms, some too large, each set once.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configured, cookieOf, ORIGIN, set } from './http.mjs';
import { freshEmail, PASSWORD, signIn, signUp } from './lib.mjs';

const SITE = 'https://app.example.com';
const SETTINGS = { base_url: ORIGIN, rate_limit: 'off' };
const DOMAIN = { base_url: SITE, rate_limit: 'off', cookie_domain: 'example.com', cross_sub_domain_cookies: 'on', trusted_origins: ORIGIN };
const NAME = '__Secure-better-auth.session_token';

/** Set-Cookie headers as `[name, 'value' or '', domain]`; the same name and domain never twice. */
async function ask(client, method, path, options) {
  const answer = await client.value('SELECT better_auth.handler($1)', [
    JSON.stringify({ method, url: `${ORIGIN}/api/auth${path}`, headers: { origin: ORIGIN, 'content-type': 'application/json', ...(options?.cookie && { cookie: options.cookie }) }, body: options?.body && JSON.stringify(options.body) }),
  ]);
  const raw = answer.headers.filter(([name]) => name === 'set-cookie').map(([, value]) => value);
  const cookies = raw.map((cookie) => {
    const [, name, value] = /^([^=]*)=([^;]*)/.exec(cookie);
    return { name, value, domain: /; Domain=([^;]*)/.exec(cookie)?.[1] ?? null, isGone: cookie.includes('; Max-Age=0;') };
  });
  const keys = cookies.map(({ name, domain }) => `${name} ${domain}`);
  assert.equal(new Set(keys).size, keys.length, `set twice: ${keys}`);
  return { status: answer.status, body: answer.body === '' ? null : JSON.parse(answer.body), cookies, raw };
}

/** A browser: keeps what it is told, and sends the cookies that it has had for longest first. */
class Browser {
  jar = [];
  constructor(client) {
    this.client = client;
  }
  get header() {
    return this.jar.map(({ name, value }) => `${name}=${value}`).join('; ');
  }
  async ask(method, path, body) {
    const answer = await ask(this.client, method, path, { cookie: this.header || undefined, body });
    for (const cookie of answer.cookies) {
      const at = this.jar.findIndex(({ name, domain }) => name === cookie.name && domain === cookie.domain);
      if (cookie.isGone && at >= 0) this.jar.splice(at, 1);
      else if (!cookie.isGone && at >= 0) this.jar[at] = cookie;
      else if (!cookie.isGone) this.jar.push(cookie);
    }
    return answer;
  }
  tokens() {
    return this.jar.filter(({ name }) => name === NAME).map(({ domain }) => domain);
  }
}

describe('cross_sub_domain_cookies, turned on while browsers have a cookie of the host', () => {
  const began = async (t, fate) => {
    const { database, client } = await configured(t, { ...DOMAIN, cross_sub_domain_cookies: 'off' });
    const email = freshEmail();
    const browser = new Browser(client);
    await browser.ask('POST', '/sign-up/email', { email, password: PASSWORD, name: 'Ada' });
    assert.deepEqual(browser.tokens(), [null]);
    await set(client, { cross_sub_domain_cookies: 'on' });
    await fate?.(client);
    return { database, client, browser, email };
  };
  const dies = (client) => client.query('DELETE FROM better_auth.session');

  test('a session that lives is kept, and signing out ends it', async (t) => {
    const { client, browser, email } = await began(t);
    assert.equal((await browser.ask('GET', '/get-session')).body.user.email, email);
    assert.equal((await browser.ask('POST', '/sign-out', {})).status, 200);
    assert.deepEqual(browser.jar, []);
    assert.equal(await client.value('SELECT count(*)::int FROM better_auth.session'), 0);
  });

  test('a dead one goes, and the next sign-in holds', async (t) => {
    const { browser, email } = await began(t, dies);
    assert.equal((await browser.ask('GET', '/get-session')).body, null);
    assert.deepEqual(browser.jar, []);
    await browser.ask('POST', '/sign-in/email', { email, password: PASSWORD });
    assert.deepEqual(browser.tokens(), ['example.com']);
    assert.equal((await browser.ask('GET', '/get-session')).body.user.email, email);
  });

  test('a sign-in as somebody else replaces both', async (t) => {
    const { client, browser } = await began(t);
    const other = freshEmail();
    await signUp(client, { email: other });
    await browser.ask('POST', '/sign-in/email', { email: other, password: PASSWORD });
    assert.deepEqual(browser.tokens(), ['example.com']);
    assert.equal((await browser.ask('GET', '/get-session')).body.user.email, other);
  });

  for (const [name, path] of [['get-session', '/get-session'], ['the bridge', null], ['list-accounts', '/list-accounts']]) {
    test(`the good cookie counts behind a dead one: ${name}`, async (t) => {
      const { client, browser, email } = await began(t);
      const { token } = await signIn(client, email);
      const [old] = browser.jar;
      const domain = { ...old, value: (await cookieOf(client, token)).split('=')[1], domain: 'example.com' };
      await client.query('DELETE FROM better_auth.session WHERE token <> $1', [token]);
      browser.jar = [old, domain];
      const { status, body } = await browser.ask('GET', path ?? '/../insforge-token');
      assert.deepEqual([status, body !== null], [200, true]);
      // And the dead one is gone.
      assert.deepEqual(browser.tokens(), ['example.com']);
      assert.equal((await browser.ask('GET', '/get-session')).body.user.email, email);
      assert.deepEqual((await browser.ask('GET', '/get-session')).cookies, []);
    });
  }

  test('signing out with two that live ends both', async (t) => {
    const { client, browser, email } = await began(t);
    const { token } = await signIn(client, email);
    browser.jar.push({ ...browser.jar[0], value: (await cookieOf(client, token)).split('=')[1], domain: 'example.com' });
    await browser.ask('POST', '/sign-out', {});
    assert.deepEqual(browser.jar, []);
    assert.equal(await client.value('SELECT count(*)::int FROM better_auth.session'), 0);
  });

  test('dead ones of any kind before the good one, up to a number', async (t) => {
    const { client, email } = await began(t);
    const { token } = await signIn(client, email);
    const good = await cookieOf(client, token);
    const dead = `${NAME}=${'x'.repeat(32)}.${'A'.repeat(43)}%3D`;
    for (const [before, found] of [['', true], [`${NAME}=`, true], [dead, true], [Array(14).fill(dead).join('; '), true], [Array(20).fill(dead).join('; '), false]]) {
      const { body } = await ask(client, 'GET', '/get-session', { cookie: [before, good].filter(Boolean).join('; ') });
      assert.equal(body !== null, found, before);
    }
    // Each that is signed is a look into the table.
    const signed = [];
    for (let count = 0; count < 5; count += 1) {
      signed.push(await cookieOf(client, (await signIn(client, email)).token));
    }
    await client.query('DELETE FROM better_auth.session WHERE token <> $1', [token]);
    for (const [count, found] of [[3, true], [4, false]]) {
      const { body } = await ask(client, 'GET', '/get-session', { cookie: [...signed.slice(0, count), good].join('; ') });
      assert.equal(body !== null, found, `${count} before it`);
    }
  });

  test('turned off again', async (t) => {
    const { client, browser, email } = await began(t);
    const { token } = await signIn(client, email);
    const domain = { ...browser.jar[0], domain: 'example.com' };
    const host = { ...browser.jar[0], value: (await cookieOf(client, token)).split('=')[1] };
    await client.query('DELETE FROM better_auth.session WHERE token <> $1', [token]);
    await set(client, { cross_sub_domain_cookies: 'off' });
    browser.jar = [domain, host];
    assert.equal((await browser.ask('GET', '/get-session')).body.user.email, email);
    assert.deepEqual(browser.tokens(), [null]);
  });

  test('with a cookie cache', async (t) => {
    const { client, browser, email } = await began(t);
    await set(client, { cookie_cache: 'on' });
    const { token } = await signIn(client, email);
    browser.jar.push({ ...browser.jar[0], value: (await cookieOf(client, token)).split('=')[1], domain: 'example.com' });
    await client.query('DELETE FROM better_auth.session WHERE token <> $1', [token]);
    for (let time = 0; time < 3; time += 1) {
      assert.equal((await browser.ask('GET', '/get-session')).body.user.email, email);
    }
    assert.deepEqual(browser.tokens(), ['example.com']);
  });
});

describe('the cookie cache', () => {
  const CACHED = { ...SETTINGS, cookie_cache: 'on' };
  const size = (cookies) => cookies.reduce((sum, { name, value }) => sum + name.length + value.length + 3, 0);
  const picture = (length) => `data:image/png;base64,${'A'.repeat(length)}`;

  for (const strategy of ['compact', 'jwt']) {
    test(`${strategy}: a picture of any size comes back, or is left out`, async (t) => {
      const { client } = await configured(t, { ...CACHED, cookie_cache_strategy: strategy });
      for (const length of [0, 3_000, 6_000, 8_000, 9_000, 20_000, 49_000, 65_000]) {
        const browser = new Browser(client);
        const image = picture(length);
        const up = await browser.ask('POST', '/sign-up/email', { email: freshEmail(), password: PASSWORD, name: 'Ada', image });
        assert.equal(up.status, 200);
        const data = browser.jar.filter(({ name }) => name.includes('session_data'));
        assert.ok(data.length > 0 && size(browser.jar) < 13_000, `${length}: ${size(browser.jar)} bytes`);
        // What is shown is whole, again and again; who only has to be known is known by the cookie.
        for (let time = 0; time < 2; time += 1) {
          assert.ok((await browser.ask('GET', '/get-session')).body.user.image === image, `${length}`);
        }
        await client.query('BEGIN; DELETE FROM better_auth.session');
        const bridge = await browser.ask('GET', '/list-accounts');
        assert.equal(bridge.status, 200, `${length}`);
        await client.query('ROLLBACK');
        assert.equal((await browser.ask('POST', '/update-user', { name: 'Augusta' })).status, 200);
        assert.equal((await browser.ask('POST', '/sign-out', {})).status, 200);
        assert.deepEqual(browser.jar, []);
      }
    });
  }

  test('what is too large without a picture is not cached', async (t) => {
    const { client } = await configured(t, { ...CACHED, user_additional_fields: 'about' });
    await client.query('ALTER TABLE better_auth."user" ADD about text');
    const browser = new Browser(client);
    const about = 'x'.repeat(30_000);
    await browser.ask('POST', '/sign-up/email', { email: freshEmail(), password: PASSWORD, name: 'Ada', about });
    assert.deepEqual(browser.jar.map(({ name }) => name), ['better-auth.session_token']);
    assert.equal((await browser.ask('GET', '/get-session')).body.user.about, about);
    // What was cached before is taken back.
    await browser.ask('POST', '/update-user', { about: 'short' });
    assert.ok(browser.jar.some(({ name }) => name.endsWith('session_data')));
    await browser.ask('POST', '/update-user', { about });
    assert.deepEqual(browser.jar.map(({ name }) => name), ['better-auth.session_token']);
    assert.equal((await browser.ask('GET', '/get-session')).body.user.about, about);
  });

  test('a picture of a provider that is too large is left out', async (t) => {
    const { client } = await configured(t, CACHED);
    const link = { provider_id: 'google', account_id: '1', email: freshEmail(), name: 'Ada', email_verified: true, image: picture(100_000) };
    const first = await client.call('link_account', link);
    assert.equal(first.user.image, null);
    await set(client, { update_user_info_on_link: 'on', trusted_providers: 'github, gitlab' });
    const hasPicture = async (length) => assert.ok(await client.value('SELECT image = $1 FROM better_auth."user"', [picture(length)]), `${length}`);
    await client.call('link_account', { ...link, provider_id: 'github', session_token: first.token, image: picture(50_000) });
    await hasPicture(50_000);
    await client.call('link_account', { ...link, provider_id: 'gitlab', session_token: first.token });
    await hasPicture(50_000);
  });

  test('each cookie is set once', async (t) => {
    const { client } = await configured(t, { ...CACHED, session_additional_fields: 'device', user_additional_fields: 'age' });
    await client.query('ALTER TABLE better_auth.session ADD device text; ALTER TABLE better_auth."user" ADD age integer');
    for (const remember of [true, false]) {
      const browser = new Browser(client);
      const email = freshEmail();
      // `ask` looks at each answer.
      await browser.ask('POST', '/sign-up/email', { email, password: PASSWORD, name: 'Ada', rememberMe: remember, image: picture(6000) });
      const steps = [
        ['POST', '/update-session', { device: 'd' }], ['POST', '/update-user', { name: 'B' }], ['POST', '/update-user', { image: null }], ['GET', '/get-session'],
        ['GET', '/get-session?disableCookieCache=1'], ['GET', '/list-sessions'],
        ['POST', '/change-password', { currentPassword: PASSWORD, newPassword: PASSWORD, revokeOtherSessions: true }],
        ['POST', '/update-session', { device: 'e' }], ['POST', '/revoke-sessions', {}],
      ];
      for (const [method, path, body] of steps) {
        const { status, cookies } = await browser.ask(method, path, body);
        assert.equal(status, 200, path);
        if (path === '/update-session') assert.equal(cookies.filter(({ name, isGone }) => /session_data(\.0)?$/.test(name) && !isGone).length, 1);
      }
      assert.deepEqual(browser.jar, []);
    }
  });
});

test('a session of a changed prefix is none, and the next sign-in holds', async (t) => {
  const { client } = await configured(t, SETTINGS);
  const browser = new Browser(client);
  const email = freshEmail();
  await browser.ask('POST', '/sign-up/email', { email, password: PASSWORD, name: 'Ada' });
  for (const settings of [{ use_secure_cookies: 'on' }, { cookie_prefix: 'mine' }]) {
    await set(client, settings);
    assert.equal((await browser.ask('GET', '/get-session')).body, null);
    await browser.ask('POST', '/sign-in/email', { email, password: PASSWORD });
    assert.equal((await browser.ask('GET', '/get-session')).body.user.email, email);
  }
});
