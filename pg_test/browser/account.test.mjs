// Sign-up, sign-in and a forgotten password in the demo app.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PASSWORD } from '../server/lib.mjs';
import { alertOf, fill, newUser, signIn, signOut, signUp, untilLoaded, untilSignIn, useBrowser, withApp } from './lib.mjs';

useBrowser();

test('a forgotten password, by way of the mail', async (t) => {
  const { open } = await withApp(t);
  const user = newUser();
  const page = await signUp(open, user);
  await signOut(page);
  await page.getByRole('link', { name: 'Forgotten your password?' }).click();
  await fill(page, { Email: user.email });
  await page.getByRole('button', { name: 'Send the link' }).click();
  await page.getByRole('heading', { name: 'Look into your mail' }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Look into your mail');
  await page.getByRole('link', { name: 'here is what it would have sent' }).click();
  const mail = page.getByRole('listitem').filter({ hasText: user.email });
  const link = await mail.getByRole('link').getAttribute('href');
  await mail.getByRole('link').click();
  await page.waitForURL('**/reset-password'); // without the token
  await fill(page, { 'New password': 'short' });
  await page.getByRole('button', { name: 'Set the password' }).click();
  await page.getByText('Use at least 8 characters.').waitFor();
  await fill(page, { 'New password': 'another good one' });
  await page.getByRole('button', { name: 'Set the password' }).click();
  await untilSignIn(page, 'Your new password is set.');
  await signIn(page, user);
  await alertOf(page).filter({ hasText: 'Invalid email or password.' }).waitFor();
  await signIn(page, { ...user, password: 'another good one' });
  await untilLoaded(page);
  await page.goto(link);
  await page.getByRole('heading', { name: 'This link doesn’t work' }).waitFor();
});

test('an unknown email gets the same answer, and no mail', async (t) => {
  const { open } = await withApp(t);
  const page = await open('/forgot-password');
  await fill(page, { Email: 'nobody@example.com' });
  await page.getByRole('button', { name: 'Send the link' }).click();
  await page.getByRole('heading', { name: 'Look into your mail' }).waitFor();
  await page.goto('/mails');
  await page.getByText('No mail yet').waitFor();
});

test('wrong passwords, taken emails and empty fields are told beside what they are about', async (t) => {
  const { open } = await withApp(t);
  const user = newUser();
  await signUp(open, user);
  const page = await open('/sign-in');
  await signIn(page, { ...user, password: 'not the password' });
  await alertOf(page).filter({ hasText: 'Invalid email or password.' }).waitFor();
  assert.equal(new URL(page.url()).pathname, '/sign-in');
  assert.equal(await page.getByLabel('Email').inputValue(), user.email);

  await page.goto('/sign-up');
  await page.getByRole('button', { name: 'Create the account' }).click();
  const field = (label) => page.getByLabel(label);
  const problemOf = async (label) => {
    const ids = (await field(label).getAttribute('aria-describedby')).split(' ');
    assert.equal(await field(label).getAttribute('aria-invalid'), 'true');
    return page.locator(`#${ids.at(-1)}`).textContent();
  };
  assert.equal(await problemOf('Name'), 'Enter your name.');
  assert.equal(await problemOf('Email'), 'Enter your email address.');
  assert.equal(await problemOf('Password'), 'Choose a password.');
  assert.equal(await field('Name').evaluate((input) => input === document.activeElement), true);
  await fill(page, { Name: 'Eve', Email: 'no email', Password: '1234567' });
  await page.getByRole('button', { name: 'Create the account' }).click();
  assert.equal(await field('Name').getAttribute('aria-invalid'), null);
  assert.match(await problemOf('Email'), /like ada@example.com/);
  assert.equal(await problemOf('Password'), 'Use at least 8 characters.');
  await fill(page, { Email: user.email.toUpperCase(), Password: PASSWORD });
  await page.getByRole('button', { name: 'Create the account' }).click();
  await page.getByText('User already exists. Use another email.').waitFor();
  assert.match(await problemOf('Email'), /User already exists/);
  assert.equal(await field('Email').evaluate((input) => input === document.activeElement), true);
});

test('password managers find the fields', async (t) => {
  const { open } = await withApp(t);
  const page = await open('/sign-in');
  const [name, email, emailOrPasskey] = [['name', 'text', 'name'], ['email', 'email', 'username'], ['email', 'email', 'username webauthn']];
  const password = (which) => ['password', 'password', which];
  for (const [path, expected] of [
    ['/sign-in', [emailOrPasskey, password('current-password')]],
    ['/sign-up', [name, email, password('new-password')]],
    ['/reset-password', [password('new-password')]],
  ]) {
    await page.goto(path);
    const fields = await page.locator('main form input:not([type=checkbox])').evaluateAll((inputs) =>
      inputs.map((input) => [input.name, input.type, input.autocomplete]));
    assert.deepEqual(fields, expected, path);
  }
});
