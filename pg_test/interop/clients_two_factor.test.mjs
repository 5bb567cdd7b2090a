// better-auth/client with its plugin for second factors, through every way in.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PASSWORD, freshEmail } from '../server/lib.mjs';
import { WAYS, done, refused, site } from './clients.mjs';
import { totp } from './http.mjs';

process.env.NODE_ENV = 'production'; // Better Auth reads it when it is imported
const { createAuthClient } = await import('better-auth/client');
const { twoFactorClient } = await import('better-auth/client/plugins');

const options = {
  settings: { plugins: 'two-factor', two_factor_send_otp: 'mail', two_factor_issuer: 'The App' },
  sql: () => `SET better_auth.plugins = 'two-factor'; SELECT better_auth.migrate()`,
};

/** A browser with a client in it, and what that was told of second factors. */
function open(app) {
  const browser = app.browser();
  const asked = [];
  const plugins = [twoFactorClient({ onTwoFactorRedirect: (context) => void asked.push(context.twoFactorMethods) })];
  return { browser, asked, auth: createAuthClient({ baseURL: app.url, plugins, fetchOptions: { customFetchImpl: browser.fetch } }) };
}

for (const [way, start] of Object.entries(WAYS)) {
  describe(way, () => {
    test('set up, asked for, trusted, given up', async (t) => {
      const app = await site(t, start, options);
      const { asked, auth, browser } = open(app);
      const user = { email: freshEmail(), password: PASSWORD };
      await done(auth.signUp.email({ ...user, name: 'Ada' }));
      const { totpURI, backupCodes } = await done(auth.twoFactor.enable({ password: PASSWORD }));
      assert.match(totpURI, /^otpauth:\/\/totp\/The%20App:/);
      await refused(auth.twoFactor.verifyTotp({ code: '0' }), 401, 'INVALID_CODE');
      await done(auth.twoFactor.verifyTotp({ code: totp(totpURI) }));
      assert.equal((await done(auth.getSession())).user.twoFactorEnabled, true);
      assert.equal(new URL((await done(auth.twoFactor.getTotpUri({ password: PASSWORD }))).totpURI).search.split('&')[0], new URL(totpURI).search.split('&')[0]);

      await done(auth.signOut());
      assert.equal((await done(auth.signIn.email(user))).twoFactorRedirect, true);
      assert.deepEqual(asked, [['totp', 'otp']]);
      assert.equal(await done(auth.getSession()), null);
      await done(auth.twoFactor.verifyTotp({ code: totp(totpURI, 1), trustDevice: true }));
      assert.equal((await done(auth.getSession())).user.email, user.email);
      await done(auth.signOut());
      assert.equal((await done(auth.signIn.email(user))).user.email, user.email); // trusted
      assert.ok(await browser.sessionCookie());

      const other = open(app);
      await done(other.auth.signIn.email(user));
      await done(other.auth.twoFactor.sendOtp());
      await done(other.auth.twoFactor.verifyOtp({ code: (await app.mail('two-factor-otp')).token }));
      const anew = await done(other.auth.twoFactor.generateBackupCodes({ password: PASSWORD }));
      const third = open(app);
      await done(third.auth.signIn.email(user));
      await refused(third.auth.twoFactor.verifyBackupCode({ code: backupCodes[0] }), 401, 'INVALID_BACKUP_CODE');
      await done(third.auth.twoFactor.verifyBackupCode({ code: anew.backupCodes[0] }));
      assert.deepEqual(await done(third.auth.twoFactor.disable({ password: PASSWORD })), { status: true });
      assert.equal((await done(open(app).auth.signIn.email(user))).user.email, user.email);
    });
  });
}
