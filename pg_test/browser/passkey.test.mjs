// The demo app signs in by a passkey, in Chromium, on its virtual authenticator.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newUser, signOut, signUp, useBrowser, withApp } from './lib.mjs';

useBrowser();

/** The page gets a device that keeps passkeys and knows its user. */
async function withAuthenticator(page, options) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true, ...options },
  });
  return { credentials: async () => (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials };
}

/** Somebody signed up, at a name, since WebAuthn knows no addresses; without autofill unless they have it. */
async function start(t, { hasAutofill = false } = {}) {
  const app = await withApp(t);
  const at = app.url.replace('127.0.0.1', 'localhost');
  const user = newUser();
  const page = await signUp(app.open, user, { baseURL: at });
  // The virtual authenticator takes what autofill offers at once.
  if (!hasAutofill) await page.addInitScript(() => { PublicKeyCredential.isConditionalMediationAvailable = async () => false; });
  return { app, at, user, page };
}

test('a passkey is added, signs in without a name, and is removed', async (t) => {
  const { app, at, user, page } = await start(t);
  const device = await withAuthenticator(page);
  await page.goto(at);
  await page.getByText('None yet.').waitFor();
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.locator('#passkeys').getByText('Chrome on Linux', { exact: true }).waitFor();
  const [kept] = await device.credentials();
  assert.deepEqual([kept.rpId, kept.isResidentCredential], ['localhost', true]);
  const [row] = (await app.client.query('SELECT * FROM better_auth.passkey')).rows;
  assert.deepEqual([row.credentialID, row.name, row.transports], [Buffer.from(kept.credentialId, 'base64').toString('base64url'), 'Chrome on Linux', 'internal']);

  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByRole('alert').filter({ hasText: 'has a passkey for your account already' }).waitFor();

  await signOut(page);
  await page.waitForURL(/\/sign-in/);
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
  await page.waitForLoadState();
  await page.goto(at);
  await page.getByRole('heading', { name: `Hello, ${user.name}` }).waitFor();
  assert.equal(await app.client.value('SELECT count(*)::int FROM better_auth.session'), 1);

  await page.getByRole('button', { name: /^Remove/ }).click();
  await page.getByText('None yet.').waitFor();
  await signOut(page);
  await page.waitForURL(/\/sign-in/);
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.getByRole('alert').filter({ hasText: 'Passkey not found' }).waitFor();
});

test('a passkey signs in by autofill', async (t) => {
  const { app, at, user, page } = await start(t, { hasAutofill: true });
  await withAuthenticator(page);
  await page.goto(at);
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.locator('#passkeys').getByText('Chrome on Linux', { exact: true }).waitFor();
  // Nothing is clicked on the sign-in page: the browser fills it in.
  const filledIn = page.waitForResponse((response) => response.url().endsWith('/passkey/verify-authentication'));
  await signOut(page);
  assert.equal((await filledIn).status(), 200);
  await page.getByRole('heading', { name: `Hello, ${user.name}` }).waitFor();
  assert.equal(await app.client.value('SELECT count(*)::int FROM better_auth.session'), 1);
});
