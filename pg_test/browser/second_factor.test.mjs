// A second factor in the demo app: set up, asked for at sign-in, passed by a backup code and by a trusted browser, given up.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { totp } from '../interop/http.mjs';
import { alertOf, fill, newUser, screenshot, signIn, signOut, signUp, untilLoaded, untilSignIn, useBrowser, withApp } from './lib.mjs';

useBrowser();

/** Sets an authenticator app up on the home page; its URI, and the backup codes. */
async function setUp(page, user) {
  await page.goto('/');
  const section = page.locator('#second-factor');
  await section.getByLabel('Your password').first().fill(user.password);
  await section.getByRole('button', { name: 'Set it up' }).click();
  const uri = await section.getByRole('link', { name: 'Open it in your authenticator app' }).getAttribute('href');
  const backupCodes = await section.locator('li').allTextContents();
  await fill(section, { 'What the app shows': '000000x' });
  await section.getByRole('button', { name: 'Turn it on' }).click();
  await section.getByText('That is not the code of this secret now.').waitFor();
  await screenshot(page, 'second-factor');
  await fill(section, { 'What the app shows': totp(uri) });
  await section.getByRole('button', { name: 'Turn it on' }).click();
  await section.getByRole('button', { name: 'Turn it off' }).waitFor();
  return { uri, backupCodes };
}

test('a second factor is set up, asked for, and given up', async (t) => {
  const { open, client } = await withApp(t);
  const user = newUser();
  const page = await signUp(open, user);
  const { uri, backupCodes } = await setUp(page, user);
  assert.equal(backupCodes.length, 10);
  await signOut(page);
  await untilSignIn(page, 'You are signed out.');

  await signIn(page, user);
  await page.waitForURL(/\/second-factor/);
  assert.equal(await client.value('SELECT count(*)::int FROM better_auth.session'), 0);
  await page.getByLabel('Code').fill('000000x');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('That is none of your codes now.').waitFor();
  await page.getByLabel('Code').fill(totp(uri, 1));
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('Hello, Ada').waitFor(); // where it was signed out

  const other = await open('/sign-in');
  await signIn(other, user);
  await other.waitForURL(/\/second-factor/);
  await other.getByLabel('Code').fill(backupCodes[4]);
  await other.getByLabel('Don’t ask for it again in this browser').check();
  await other.getByRole('button', { name: 'Go on' }).click();
  await untilLoaded(other);
  await signOut(other);
  await untilSignIn(other, 'You are signed out.');
  await signIn(other, user); // trusted
  await untilLoaded(other);

  await other.goto('/');
  const section = other.locator('#second-factor');
  await section.getByRole('button', { name: 'Turn it off' }).waitFor();
  await section.getByLabel('Your password').last().fill('wrong password');
  await section.getByRole('button', { name: 'Turn it off' }).click();
  await section.getByText('That is not your password.').waitFor();
  await section.getByLabel('Your password').last().fill(user.password);
  await section.getByRole('button', { name: 'Turn it off' }).click();
  await section.getByRole('button', { name: 'Set it up' }).waitFor();
  const third = await open('/sign-in');
  await signIn(third, user);
  await untilLoaded(third);
});

test('a challenge that is over leads back to the password', async (t) => {
  const { open, client } = await withApp(t);
  const user = newUser();
  const page = await signUp(open, user);
  const { uri } = await setUp(page, user);
  const other = await open('/sign-in?next=/board');
  await signIn(other, user);
  await other.waitForURL(/\/second-factor/);
  await client.query('DELETE FROM better_auth.verification');
  await other.getByLabel('Code').fill(totp(uri, 1));
  await other.getByRole('button', { name: 'Go on' }).click();
  await untilSignIn(other, 'Begin again with your password.');
  await signIn(other, user);
  await other.waitForURL(/\/second-factor/);
  await other.getByLabel('Code').fill(totp(uri, 1));
  await other.getByRole('button', { name: 'Go on' }).click();
  await other.waitForURL('**/board');
  assert.equal(await alertOf(other).count(), 0);
});
