// A CLI's device login, end to end, as Better Auth's own demo plays it: the CLI has better-auth/client with its
// deviceAuthorizationClient and no cookies, its user a browser with another one; through every way in.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PASSWORD, freshEmail } from '../server/lib.mjs';
import { WAYS, done, site } from './clients.mjs';

process.env.NODE_ENV = 'production'; // Better Auth reads it when it is imported
const { createAuthClient } = await import('better-auth/client');
const { deviceAuthorizationClient } = await import('better-auth/client/plugins');

const grant_type = 'urn:ietf:params:oauth:grant-type:device_code';
const client_id = 'demo-cli';
const OPTIONS = { settings: { plugins: 'device-authorization' }, sql: () => `SET better_auth.plugins = 'device-authorization'; SELECT better_auth.migrate()` };

const client = (app, fetchOptions) => createAuthClient({ baseURL: app.url, plugins: [deviceAuthorizationClient()], fetchOptions });

/** A browser with a client in it, and somebody signed in. */
async function person(app) {
  const browser = app.browser();
  const auth = client(app, { customFetchImpl: browser.fetch });
  const email = freshEmail();
  const { error } = await auth.signUp.email({ email, password: PASSWORD, name: 'Ada' });
  assert.equal(error, null);
  return { auth, email };
}

/** A program without a browser: it has no cookies, and says no origin. */
function cli(app) {
  const auth = client(app, { headers: { 'user-agent': 'demo-cli/1.0' } });
  const poll = ({ device_code }) => auth.device.token({ grant_type, device_code, client_id });
  return { auth, poll };
}

/** As if the interval had passed. */
const wait = (app) => app.client.query(`UPDATE better_auth."deviceCode" SET "lastPolledAt" = now() - interval '1 hour'; SELECT better_auth.forget_rate_limits()`);

async function refused(call, status, code) {
  const { data, error } = await call;
  assert.deepEqual([data, error?.status, error?.error], [null, status, code]);
}

for (const [way, start] of Object.entries(WAYS)) {
  describe(way, () => {
    test('a CLI signs in', async (t) => {
      const app = await site(t, start, OPTIONS);
      const { auth, poll } = cli(app);
      const code = await done(auth.device.code({ client_id, scope: 'openid profile email' }));
      assert.equal(code.verification_uri, `${app.url}/device`);
      assert.equal(code.verification_uri_complete, `${app.url}/device?user_code=${code.user_code}`);
      assert.deepEqual([code.expires_in, code.interval], [1800, 5]);
      await refused(poll(code), 400, 'authorization_pending');
      await refused(poll(code), 400, 'slow_down');

      // The user opens the page, types the code in with a dash, and signs in.
      const typed = `${code.user_code.slice(0, 4)}-${code.user_code.slice(4)}`.toLowerCase();
      assert.deepEqual(await done(client(app).device({ query: { user_code: typed } })), { user_code: typed, status: 'pending' });
      const { auth: page, email } = await person(app);
      const seen = await done(page.device({ query: { user_code: typed } }));
      assert.deepEqual(seen, { user_code: typed, status: 'pending', client_id, scope: 'openid profile email' });
      assert.deepEqual(await done(page.device.approve({ userCode: typed })), { success: true });

      await wait(app);
      const token = await done(poll(code));
      assert.deepEqual([token.token_type, token.scope], ['Bearer', 'openid profile email']);
      assert.ok(token.expires_in > 604_000 && token.expires_in <= 604_800);
      await refused(poll(code), 400, 'invalid_grant');

      // What the CLI got is a session of that user's, which the user sees and can end.
      const session = await app.client.call('get_session', { session_token: token.access_token });
      assert.equal(session.user.email, email);
      assert.equal(session.session.userAgent, 'demo-cli/1.0');
      const own = (await done(page.listSessions())).map((one) => one.token);
      assert.ok(own.includes(token.access_token));
      assert.deepEqual(await done(page.revokeSession({ token: token.access_token })), { status: true });
      assert.equal(await app.client.call('get_session', { session_token: token.access_token }), null);
    });

    test('its user says no', async (t) => {
      const app = await site(t, start, OPTIONS);
      const { auth, poll } = cli(app);
      const code = await done(auth.device.code({ client_id }));
      const { auth: page } = await person(app);
      await refused(page.device.deny({ userCode: code.user_code }), 400, 'invalid_request');
      await done(page.device({ query: { user_code: code.user_code } }));
      assert.deepEqual(await done(page.device.deny({ userCode: code.user_code })), { success: true });
      await refused(poll(code), 400, 'access_denied');
      await refused(poll(code), 400, 'invalid_grant');
      assert.equal(await app.count('deviceCode', 'true'), 0);
    });

    test('nobody says anything', async (t) => {
      const app = await site(t, start, OPTIONS);
      const { auth, poll } = cli(app);
      const code = await done(auth.device.code({ client_id }));
      await app.client.query(`UPDATE better_auth."deviceCode" SET "expiresAt" = now() - interval '1 second'`);
      const { auth: page } = await person(app);
      await refused(page.device({ query: { user_code: code.user_code } }), 400, 'expired_token');
      await refused(poll(code), 400, 'expired_token');
      await refused(poll(code), 400, 'invalid_grant');
    });

    test('somebody else’s code', async (t) => {
      const app = await site(t, start, OPTIONS);
      const { auth } = cli(app);
      const code = await done(auth.device.code({ client_id }));
      const [{ auth: first }, { auth: second }] = [await person(app), await person(app)];
      await done(first.device({ query: { user_code: code.user_code } }));
      assert.deepEqual(await done(second.device({ query: { user_code: code.user_code } })), { user_code: code.user_code, status: 'pending' });
      await refused(second.device.approve({ userCode: code.user_code }), 403, 'access_denied');
      await refused(client(app).device.approve({ userCode: code.user_code }), 401, 'unauthorized');
      assert.deepEqual(await done(first.device.approve({ userCode: code.user_code })), { success: true });
    });
  });
}
