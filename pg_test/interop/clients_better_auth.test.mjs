// better-auth/client, as it comes from npm, through every way in: each flow of the core.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PASSWORD, freshEmail } from '../server/lib.mjs';
import { WAYS, done, refused, site } from './clients.mjs';

process.env.NODE_ENV = 'production'; // Better Auth reads it when it is imported
const { createAuthClient } = await import('better-auth/client');
const { inferAdditionalFields } = await import('better-auth/client/plugins');

const NEW_PASSWORD = 'staple and some more';
const DAY = 86_400;

/** A browser with a client in it. */
function open(app, options = {}) {
  const browser = app.browser();
  const auth = createAuthClient({
    baseURL: app.url,
    ...options,
    fetchOptions: { customFetchImpl: browser.fetch, ...options.fetchOptions },
  });
  return { browser, auth };
}

async function signedUp(app, more = {}) {
  const { browser, auth } = open(app);
  const email = freshEmail();
  const { user, token } = await done(auth.signUp.email({ email, password: PASSWORD, name: 'Ada', ...more }));
  return { browser, auth, email, user, token };
}

async function signedIn(app, email, password = PASSWORD) {
  const { browser, auth } = open(app);
  const { token } = await done(auth.signIn.email({ email, password }));
  return { browser, auth, token };
}

/** Opens the link in a mail, and answers where it leads. */
async function follow(browser, url) {
  const response = await browser.fetch(url);
  assert.equal(response.status, 302);
  return response.headers.get('location');
}

for (const [way, start] of Object.entries(WAYS)) {
  describe(way, () => {
    test('sign-up, session, sign-out', async (t) => {
      const app = await site(t, start);
      const { browser, auth, email, user, token } = await signedUp(app, { image: 'https://example.com/ada.png' });
      assert.deepEqual(
        [user.email, user.name, user.image, user.emailVerified],
        [email, 'Ada', 'https://example.com/ada.png', false],
      );
      const cookie = await browser.sessionCookie();
      assert.deepEqual(
        [cookie.key, cookie.httpOnly, cookie.sameSite, cookie.path, cookie.secure, cookie.maxAge],
        ['better-auth.session_token', true, 'lax', '/', false, 7 * DAY],
      );

      const { session, user: again } = await done(auth.getSession());
      assert.equal(session.token, token);
      assert.ok(session.expiresAt instanceof Date && again.createdAt instanceof Date, 'the client makes dates of them');
      assert.deepEqual(
        await app.client.value(`SELECT id FROM better_auth.session WHERE token = $1 AND "userId" = $2`, [
          token,
          again.id,
        ]),
        session.id,
      );
      assert.equal(await done(open(app).auth.getSession()), null, 'of another browser');

      assert.deepEqual(await done(auth.signOut()), { success: true });
      assert.equal(await browser.sessionCookie(), undefined);
      assert.equal(await done(auth.getSession()), null);
      assert.equal(await app.count('session', 'true'), 0);
    });

    test('sign-in, and the errors of both', async (t) => {
      const app = await site(t, start);
      const { email } = await signedUp(app);
      const { browser, auth } = open(app);
      const error = await refused(
        auth.signIn.email({ email, password: 'wrong password' }),
        401,
        'INVALID_EMAIL_OR_PASSWORD',
      );
      assert.equal(error.message, 'Invalid email or password');
      await refused(auth.signIn.email({ email: freshEmail(), password: PASSWORD }), 401, 'INVALID_EMAIL_OR_PASSWORD');
      await refused(auth.signIn.email({ email: 'no address', password: PASSWORD }), 400, 'INVALID_EMAIL');
      await refused(
        auth.signUp.email({ email, password: PASSWORD, name: 'Eve' }),
        422,
        'USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL',
      );
      await refused(
        auth.signUp.email({ email: freshEmail(), password: 'short', name: 'Eve' }),
        400,
        'PASSWORD_TOO_SHORT',
      );
      await refused(auth.signUp.email({ email: freshEmail(), password: PASSWORD }), 400, 'VALIDATION_ERROR');
      await refused(auth.listSessions(), 401, 'UNAUTHORIZED');
      await refused(auth.signIn.social({ provider: 'github' }), 404, 'PROVIDER_NOT_FOUND');
      await refused(
        auth.signIn.email({ email, password: PASSWORD }, { headers: { origin: 'https://evil.example' } }),
        403,
        'INVALID_ORIGIN',
      );
      assert.equal(await browser.sessionCookie(), undefined);
      assert.equal(await app.count('session', 'true'), 1, 'that of the sign-up');
      const { user, redirect } = await done(auth.signIn.email({ email: email.toUpperCase(), password: PASSWORD }));
      assert.deepEqual([user.email, redirect], [email, false]);
      assert.equal((await done(auth.getSession())).user.email, email);
    });

    test('rememberMe: false lasts as long as the browser', async (t) => {
      const app = await site(t, start);
      const { email } = await signedUp(app);
      const { browser, auth } = open(app);
      const { token } = await done(auth.signIn.email({ email, password: PASSWORD, rememberMe: false }));
      assert.equal((await browser.sessionCookie()).maxAge, null);
      const lifetime = await app.client.value(
        `SELECT extract(epoch FROM "expiresAt" - "createdAt")::int FROM better_auth.session WHERE token = $1`,
        [token],
      );
      assert.ok(Math.abs(lifetime - DAY) < 60, `${lifetime} s`);
      assert.equal((await done(auth.getSession())).session.token, token);
      browser.restart();
      assert.equal(await done(auth.getSession()), null);
      const remembered = await signedIn(app, email);
      remembered.browser.restart();
      assert.equal((await done(remembered.auth.getSession())).session.token, remembered.token);
    });

    test('update of the user', async (t) => {
      const app = await site(t, start);
      const { auth, email, user } = await signedUp(app);
      const other = await signedIn(app, email);
      assert.deepEqual(await done(auth.updateUser({ name: 'Countess', image: null })), { status: true });
      assert.equal((await done(other.auth.getSession())).user.name, 'Countess');
      await refused(auth.updateUser({ email: freshEmail() }), 400, 'EMAIL_CAN_NOT_BE_UPDATED');
      await refused(open(app).auth.updateUser({ name: 'Eve' }), 401, 'UNAUTHORIZED');
      assert.equal(await app.count('user', 'id = $1 AND name = $2 AND email = $3', [user.id, 'Countess', email]), 1);
    });

    test('change of the password', async (t) => {
      const app = await site(t, start);
      const { browser, auth, email, token } = await signedUp(app);
      const other = await signedIn(app, email);
      assert.deepEqual(await done(auth.verifyPassword({ password: PASSWORD })), { status: true });
      await refused(auth.verifyPassword({ password: 'wrong password' }), 400, 'INVALID_PASSWORD');
      await refused(
        auth.changePassword({ currentPassword: 'wrong password', newPassword: NEW_PASSWORD }),
        400,
        'INVALID_PASSWORD',
      );
      await refused(
        auth.changePassword({ currentPassword: PASSWORD, newPassword: 'short' }),
        400,
        'PASSWORD_TOO_SHORT',
      );
      const changed = await done(
        auth.changePassword({ currentPassword: PASSWORD, newPassword: NEW_PASSWORD, revokeOtherSessions: true }),
      );
      assert.notEqual(changed.token, token);
      assert.equal(decodeURIComponent((await browser.sessionCookie()).value).split('.')[0], changed.token);
      assert.equal((await done(auth.getSession())).session.token, changed.token);
      assert.equal(await done(other.auth.getSession()), null);
      await refused(other.auth.signIn.email({ email, password: PASSWORD }), 401, 'INVALID_EMAIL_OR_PASSWORD');
      await signedIn(app, email, NEW_PASSWORD);
    });

    test('a forgotten password', async (t) => {
      const app = await site(t, start);
      const { email } = await signedUp(app);
      const { browser, auth } = open(app);
      const known = await done(auth.requestPasswordReset({ email, redirectTo: '/new-password' }));
      assert.deepEqual(
        await done(auth.requestPasswordReset({ email: freshEmail(), redirectTo: '/new-password' })),
        known,
        'nobody learns who is known',
      );
      assert.equal(await app.count('mail_outbox', 'true'), 1);
      const mail = await app.mail('reset-password');
      assert.equal(mail.recipient, email);
      const page = new URL(await follow(browser, mail.url), app.url);
      assert.deepEqual([page.pathname, page.searchParams.get('token')], ['/new-password', mail.token]);
      await refused(auth.resetPassword({ newPassword: 'short', token: mail.token }), 400, 'PASSWORD_TOO_SHORT');
      assert.deepEqual(await done(auth.resetPassword({ newPassword: NEW_PASSWORD, token: mail.token })), {
        status: true,
      });
      await refused(auth.resetPassword({ newPassword: PASSWORD, token: mail.token }), 400, 'INVALID_TOKEN');
      assert.match(await follow(browser, mail.url), /error=INVALID_TOKEN/);
      await refused(auth.signIn.email({ email, password: PASSWORD }), 401, 'INVALID_EMAIL_OR_PASSWORD');
      await signedIn(app, email, NEW_PASSWORD);
      await refused(
        auth.requestPasswordReset({ email, redirectTo: 'https://evil.example/' }),
        403,
        'INVALID_REDIRECT_URL',
      );
    });

    test('verification of the email', async (t) => {
      const app = await site(t, start, {
        settings: { require_email_verification: 'on', auto_sign_in_after_verification: 'on' },
      });
      const { browser, auth, email, user, token } = await signedUp(app, { callbackURL: '/welcome' });
      assert.deepEqual([token, await browser.sessionCookie()], [null, undefined]);
      await refused(auth.signIn.email({ email, password: PASSWORD }), 403, 'EMAIL_NOT_VERIFIED');
      await refused(auth.verifyEmail({ query: { token: 'x' } }), 401, 'INVALID_TOKEN');
      assert.equal(await follow(browser, (await app.mail('verification-email')).url), '/welcome');
      assert.equal((await done(auth.getSession())).user.emailVerified, true);
      assert.equal(await app.count('user', 'id = $1 AND "emailVerified"', [user.id]), 1);

      const other = await signedUp(app);
      assert.deepEqual(await done(other.auth.sendVerificationEmail({ email: other.email })), { status: true });
      const verified = await done(
        other.auth.verifyEmail({ query: { token: (await app.mail('verification-email')).token } }),
      );
      assert.equal(verified.status, true);
      await signedIn(app, other.email);
    });

    test('change of the email', async (t) => {
      const app = await site(t, start, { settings: { change_email_enabled: 'on' } });
      const { browser, auth, email, user } = await signedUp(app);
      const email2 = freshEmail();
      assert.deepEqual(await done(auth.changeEmail({ newEmail: email2, callbackURL: '/profile' })), { status: true });
      assert.equal((await done(auth.getSession())).user.email, email, 'not before the new address has said yes');
      const mail = await app.mail('verification-email');
      assert.equal(mail.recipient, email2);
      assert.equal(await follow(browser, mail.url), '/profile');
      assert.equal((await done(auth.getSession())).user.email, email2);
      await refused(open(app).auth.signIn.email({ email, password: PASSWORD }), 401, 'INVALID_EMAIL_OR_PASSWORD');
      await signedIn(app, email2);
      assert.equal(await app.count('user', 'id = $1 AND email = $2', [user.id, email2]), 1);
      const off = await site(t, start);
      await refused((await signedUp(off)).auth.changeEmail({ newEmail: freshEmail() }), 400, 'CHANGE_EMAIL_DISABLED');
    });

    test('the list of sessions, and the end of one, of the others, of all', async (t) => {
      const app = await site(t, start);
      const first = await signedUp(app);
      const others = [];
      for (let index = 0; index < 3; index += 1) others.push(await signedIn(app, first.email));
      const eve = await signedUp(app);
      const isAlive = async ({ auth }) => (await done(auth.getSession())) !== null;
      const tokens = (await done(first.auth.listSessions())).map(({ token }) => token);
      assert.deepEqual(new Set(tokens), new Set([first, ...others].map(({ token }) => token)));
      assert.deepEqual(await done(first.auth.revokeSession({ token: others[0].token })), { status: true });
      assert.deepEqual(await Promise.all([first, ...others].map(isAlive)), [true, false, true, true]);
      await done(first.auth.revokeSession({ token: eve.token }));
      assert.equal(await isAlive(eve), true, 'nobody ends what is another one’s');
      await done(others[1].auth.revokeOtherSessions());
      assert.deepEqual(await Promise.all([first, ...others].map(isAlive)), [false, false, true, false]);
      await done(others[1].auth.revokeSessions());
      assert.equal(await isAlive(others[1]), false);
      assert.deepEqual(await app.client.column('SELECT token FROM better_auth.session'), [eve.token]);
    });

    test('accounts', async (t) => {
      const app = await site(t, start);
      const { auth, user, token, email } = await signedUp(app);
      await app.client.query(`UPDATE better_auth."user" SET "emailVerified" = true`);
      await app.client.call('link_account', {
        provider_id: 'github',
        account_id: '42',
        email,
        name: 'Ada',
        email_verified: true,
        session_token: token,
      });
      const accounts = await done(auth.listAccounts());
      assert.deepEqual(new Set(accounts.map(({ providerId }) => providerId)), new Set(['credential', 'github']));
      assert.ok(!JSON.stringify(accounts).includes('password'));
      await refused(auth.linkSocial({ provider: 'github' }), 404, 'PROVIDER_NOT_FOUND');
      const [github] = accounts.filter(({ providerId }) => providerId === 'github');
      await refused(auth.getAccessToken({ accountId: github.id }), 400, 'PROVIDER_NOT_SUPPORTED');
      await refused(auth.accountInfo({ query: { accountId: github.id } }), 400, 'PROVIDER_NOT_CONFIGURED');
      assert.deepEqual(await done(auth.unlinkAccount({ providerId: 'github', accountId: github.id })), {
        status: true,
      });
      const [last] = await done(auth.listAccounts());
      await refused(
        auth.unlinkAccount({ providerId: 'credential', accountId: last.id }),
        400,
        'FAILED_TO_UNLINK_LAST_ACCOUNT',
      );
      assert.equal(await app.count('account', '"userId" = $1', [user.id]), 1);
    });

    test('deletion, with the password and by mail', async (t) => {
      const app = await site(t, start, { settings: { delete_user_enabled: 'on' } });
      const { browser, auth, user } = await signedUp(app);
      await refused(auth.deleteUser({ password: 'wrong password' }), 400, 'INVALID_PASSWORD');
      assert.equal((await done(auth.deleteUser({ password: PASSWORD }))).success, true);
      assert.equal(await browser.sessionCookie(), undefined);
      for (const [table, column] of [
        ['user', 'id'],
        ['session', 'userId'],
        ['account', 'userId'],
      ]) {
        assert.equal(await app.count(table, `"${column}" = $1`, [user.id]), 0);
      }
      const mailing = await site(t, start, {
        settings: { delete_user_enabled: 'on', send_delete_account_verification: 'on' },
      });
      const leaving = await signedUp(mailing);
      assert.deepEqual(await done(leaving.auth.deleteUser({ callbackURL: '/goodbye' })), {
        success: true,
        message: 'Verification email sent',
      });
      assert.equal(await mailing.count('user', 'true'), 1);
      assert.equal(await follow(leaving.browser, (await mailing.mail('delete-account')).url), '/goodbye');
      assert.equal(await mailing.count('user', 'true'), 0);
    });

    test('additional fields, by inferAdditionalFields()', async (t) => {
      const app = await site(t, start, {
        settings: { user_additional_fields: 'nickname, plan:readonly', session_additional_fields: 'theme' },
        sql: () =>
          `ALTER TABLE better_auth."user" ADD nickname text, ADD plan text DEFAULT 'free'; ALTER TABLE better_auth.session ADD theme text`,
      });
      const plugin = inferAdditionalFields({
        user: { nickname: { type: 'string' }, plan: { type: 'string', input: false } },
        session: { theme: { type: 'string' } },
      });
      const { auth } = open(app, { plugins: [plugin] });
      const { user } = await done(
        auth.signUp.email({ email: freshEmail(), password: PASSWORD, name: 'Ada', nickname: 'Countess' }),
      );
      assert.deepEqual([user.nickname, user.plan], ['Countess', 'free']);
      await done(auth.updateUser({ nickname: 'Enchantress' }));
      await refused(auth.updateUser({ plan: 'paid' }), 400, 'FIELD_NOT_ALLOWED');
      assert.equal((await done(auth.updateSession({ theme: 'dark' }))).session.theme, 'dark');
      const now = await done(auth.getSession());
      assert.deepEqual([now.user.nickname, now.user.plan, now.session.theme], ['Enchantress', 'free', 'dark']);
      assert.equal(await app.count('user', 'nickname = $1 AND plan = $2', ['Enchantress', 'free']), 1);
    });

    test('too many requests', async (t) => {
      const app = await site(t, start, { settings: { rate_limit: 'on', rate_limit_storage: 'database' } });
      const waits = [];
      const { auth } = open(app, {
        fetchOptions: { onError: ({ response }) => waits.push(response.headers.get('x-retry-after')) },
      });
      const statuses = [];
      for (let tries = 0; tries < 4; tries += 1) {
        const { error } = await auth.signIn.email({ email: freshEmail(), password: PASSWORD });
        statuses.push(error.status);
      }
      assert.deepEqual(statuses, [401, 401, 401, 429]);
      assert.match(waits[3], /^\d+$/);
      assert.equal(await app.count('rateLimit', 'key = $1 AND count = 3', ['127.0.0.1|/sign-in/email']), 1);
    });

    test('over https: cookies that http never sees', async (t) => {
      const app = await site(t, start, { origin: 'https://app.example' });
      const { browser, auth } = await signedUp(app);
      const cookie = await browser.sessionCookie();
      assert.deepEqual([cookie.key, cookie.secure], ['__Secure-better-auth.session_token', true]);
      assert.equal(await browser.sessionCookie('http://app.example'), undefined);
      assert.equal((await done(auth.getSession())).user.name, 'Ada');
    });

    test('the bridge token', async (t) => {
      const app = await site(t, start);
      const { browser, auth, user } = await signedUp(app);
      const response = await browser.fetch('/api/insforge-token');
      assert.deepEqual([response.status, response.headers.get('cache-control')], [200, 'no-store']);
      const { token } = await response.json();
      const claims = await app.client.call('verify_jwt', { token });
      assert.deepEqual([claims.sub, claims.role, claims.aud], [user.id, app.user, 'insforge-api']);
      await done(auth.signOut());
      const gone = await browser.fetch('/api/insforge-token');
      assert.deepEqual([gone.status, await gone.json()], [401, { error: 'not signed in' }]);
    });
  });
}
