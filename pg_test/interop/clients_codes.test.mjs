// better-auth/client with its plugins for codes, links and one-time tokens, through every way in.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PASSWORD, freshEmail } from '../server/lib.mjs';
import { WAYS, done, refused, site } from './clients.mjs';

process.env.NODE_ENV = 'production'; // Better Auth reads it when it is imported
const { createAuthClient } = await import('better-auth/client');
const { emailOTPClient, magicLinkClient, oneTimeTokenClient } = await import('better-auth/client/plugins');

const settings = { plugins: 'email-otp, magic-link, one-time-token', email_otp_change_email_enabled: 'on' };

/** A browser with a client in it. */
function open(app) {
  const browser = app.browser();
  const plugins = [emailOTPClient(), magicLinkClient(), oneTimeTokenClient()];
  return { browser, auth: createAuthClient({ baseURL: app.url, plugins, fetchOptions: { customFetchImpl: browser.fetch } }) };
}

for (const [way, start] of Object.entries(WAYS)) {
  describe(way, () => {
    test('codes: up, in, verified, another password, another email', async (t) => {
      const app = await site(t, start, { settings });
      const { browser, auth } = open(app);
      const email = freshEmail();
      const code = async () => (await app.mail('verification-otp')).token;
      assert.deepEqual(await done(auth.emailOtp.sendVerificationOtp({ email, type: 'sign-in' })), { success: true });
      await refused(auth.signIn.emailOtp({ email, otp: 'wrong' }), 400, 'INVALID_OTP');
      const { user } = await done(auth.signIn.emailOtp({ email, otp: await code(), name: 'Ada' }));
      assert.deepEqual([user.email, user.name, user.emailVerified], [email, 'Ada', true]);
      assert.ok(await browser.sessionCookie());
      assert.equal((await done(auth.getSession())).user.email, email);

      await done(auth.emailOtp.sendVerificationOtp({ email, type: 'email-verification' }));
      assert.equal((await done(auth.emailOtp.verifyEmail({ email, otp: await code() }))).status, true);

      await done(auth.emailOtp.requestPasswordReset({ email }));
      assert.deepEqual(await done(auth.emailOtp.resetPassword({ email, otp: await code(), password: PASSWORD })), { success: true });
      await done(auth.signIn.email({ email, password: PASSWORD }));

      const newEmail = freshEmail();
      await done(auth.emailOtp.requestEmailChange({ newEmail }));
      assert.deepEqual(await done(auth.emailOtp.changeEmail({ newEmail, otp: await code() })), { success: true });
      assert.equal((await done(auth.getSession())).user.email, newEmail);
    });

    test('a link', async (t) => {
      const app = await site(t, start, { settings });
      const { browser, auth } = open(app);
      const email = freshEmail();
      const asked = await done(auth.signIn.magicLink({ email, name: 'Ada', callbackURL: '/home', newUserCallbackURL: '/welcome' }));
      assert.deepEqual(asked, { status: true });
      const { url } = await app.mail('magic-link');
      const response = await browser.fetch(url);
      assert.deepEqual([response.status, response.headers.get('location')], [302, `${app.url}/welcome`]);
      assert.equal((await done(auth.getSession())).user.name, 'Ada');
      const second = open(app);
      await done(second.auth.signIn.magicLink({ email }));
      const { token } = await app.mail('magic-link');
      assert.equal((await done(second.auth.magicLink.verify({ query: { token } }))).user.email, email);
      assert.ok(await second.browser.sessionCookie());
    });

    test('a one-time token hands the session on', async (t) => {
      const app = await site(t, start, { settings });
      const { auth } = open(app);
      await done(auth.signUp.email({ email: freshEmail(), password: PASSWORD, name: 'Ada' }));
      const { token } = await done(auth.oneTimeToken.generate());
      const other = open(app);
      const { session } = await done(other.auth.oneTimeToken.verify({ token }));
      assert.equal((await done(other.auth.getSession())).session.id, session.id);
      await refused(open(app).auth.oneTimeToken.verify({ token }), 400, undefined);
    });
  });
}
