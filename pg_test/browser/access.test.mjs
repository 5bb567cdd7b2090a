// The demo app by keyboard, by axe's rules, in light and dark and on a phone; target/screenshots keeps what it looks like.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { until } from '../server/lib.mjs';
import { addPost, fill, newUser, screenshot, signUp, titles, untilLoaded, untilSignIn, useBrowser, withApp } from './lib.mjs';

useBrowser();

test('everything can be done with the keyboard', async (t) => {
  const { open } = await withApp(t);
  const page = await open('/');
  await page.getByRole('heading', { name: /Your posts, and/ }).waitFor();
  const focused = () => page.evaluate(() => {
    const { activeElement } = document;
    return (activeElement.labels?.[0] ?? activeElement).textContent.trim();
  });
  const tabTo = async (name) => {
    for (let presses = 0; presses < 40; presses += 1) {
      await page.keyboard.press('Tab');
      if ((await focused()) === name) {
        const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
        return assert.notEqual(outline, 'none', `the focus is seen on ${name}`);
      }
    }
    assert.fail(`Tab doesn't lead to ${name}`);
  };
  const type = (text) => page.keyboard.type(text);
  await tabTo('Skip to the content');
  await page.keyboard.press('Enter');
  await tabTo('Create an account');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/sign-up');
  await until(async () => (await focused()) === 'Name', 'the first field has the focus');
  const user = newUser();
  await type(user.name);
  await tabTo('Email');
  await type(user.email);
  await tabTo('Password');
  await type(user.password);
  await page.keyboard.press('Enter');
  await untilLoaded(page);
  await tabTo('Title');
  await type('By keyboard');
  await page.keyboard.press('Enter');
  await page.getByText('“By keyboard” was added.').waitFor();
  assert.equal(await focused(), 'Title');
  await tabTo('Edit “By keyboard”');
  await page.keyboard.press('Enter');
  assert.equal(await focused(), 'Title');
  await type(', edited');
  await page.keyboard.press('Enter');
  await page.getByText('was saved.').waitFor();
  assert.match(await focused(), /^Edit “.*, edited.*”$/);
  const title = (await titles(page))[0];
  await tabTo(`Delete “${title}”`);
  await page.keyboard.press('Enter');
  assert.equal(await focused(), 'Keep it');
  await page.keyboard.press('Escape');
  assert.equal(await focused(), `Delete “${title}”`);
  await page.keyboard.press('Enter');
  await tabTo('Delete');
  await page.keyboard.press('Enter');
  await page.getByText('was deleted.').waitFor();
  assert.equal(await focused(), 'Your posts');
  await tabTo('Sign out');
  await page.keyboard.press('Enter');
  await untilSignIn(page, 'You are signed out.');
});

test('axe finds nothing, nothing moves, and phones need not scroll sideways', async (t) => {
  const { open } = await withApp(t);
  const axe = readFileSync(new URL('../../examples/app/node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
  const check = async (page, name) => {
    await page.evaluate(axe);
    const found = await page.evaluate(async () => {
      const { violations } = await window.axe.run();
      return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
    });
    assert.deepEqual(found, [], name);
    const wide = await page.evaluate(() => [...document.querySelectorAll('html, h1, h2, p, dd, li, label, button')]
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
      .map(({ outerHTML }) => outerHTML.slice(0, 200)));
    assert.deepEqual(wide, [], name);
    assert.equal(await page.locator('h1:visible').count(), 1, name);
    await screenshot(page, name);
  };
  const shifts = (page) => page.evaluate(() => new Promise((resolve) => {
    const observer = new PerformanceObserver(() => {});
    observer.observe({ type: 'layout-shift', buffered: true });
    setTimeout(() => resolve(observer.takeRecords().reduce((sum, { value }) => sum + value, 0)), 200);
  }));
  const looks = {
    light: { colorScheme: 'light', viewport: { width: 1100, height: 800 } },
    dark: { colorScheme: 'dark', viewport: { width: 1100, height: 800 } },
    phone: { viewport: { width: 360, height: 720 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  };
  const guestPages = {
    welcome: '/',
    'sign-in': '/sign-in',
    'sign-up': '/sign-up',
    'forgot-password': '/forgot-password',
    'bad-link': '/reset-password',
    'reset-password': '/reset-password?token=x',
    invitation: '/invitation?id=x',
    'not-found': '/nowhere',
  };
  for (const [look, options] of Object.entries(looks)) {
    const named = (name) => `${look}-${name}`;
    const user = newUser('Ada Lovelace');
    const guest = await open('/', options);
    for (const [name, path] of Object.entries(guestPages)) {
      await guest.goto(path);
      await guest.getByRole('link', { name: 'Sign up' }).waitFor();
      assert.equal(await shifts(guest), 0, named(name));
      await check(guest, named(name));
    }
    await guest.goto('/sign-up');
    await guest.getByRole('button', { name: 'Create the account' }).click();
    await check(guest, named('sign-up-errors'));
    const page = await signUp(open, user, options);
    await check(page, named('posts-empty'));
    const text = 'It weaves algebraical patterns\njust as the Jacquard loom weaves flowers and leaves.';
    await addPost(page, 'On the Analytical Engine', text);
    await addPost(page, `Note ${'G'.repeat(120)}`);
    await check(page, named('posts'));
    await page.getByRole('button', { name: 'Edit “On the' }).click();
    await check(page, named('edit'));
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Delete “On the' }).click();
    await check(page, named('delete'));
    await page.keyboard.press('Escape');
    await page.goto('/posts');
    await untilLoaded(page);
    assert.equal(await shifts(page), 0, named('posts'));
    await page.goto('/board');
    await page.locator('#organization[aria-busy=false]').waitFor({ state: 'attached' });
    await check(page, named('board-none'));
    assert.equal(await shifts(page), 0, named('board-none'));
    await fill(page, { 'A new one': 'The Analytical Society of Cambridge' });
    await page.getByRole('button', { name: 'Create the organization' }).click();
    await page.getByRole('heading', { name: 'The board of The Analytical' }).waitFor();
    await page.getByText('Nothing here yet').waitFor();
    await check(page, named('board-empty'));
    await fill(page.locator('#new-note'), { Text: `${text}\n${'G'.repeat(120)}` });
    await page.getByLabel('Keep it on top').check();
    await page.getByRole('button', { name: 'Put it on the board' }).click();
    await page.getByRole('article').waitFor();
    await fill(page.locator('#invite'), { Email: `${'g'.repeat(60)}@example.com` });
    await page.getByRole('button', { name: 'Send the invitation' }).click();
    await page.getByRole('button', { name: 'Take back' }).waitFor();
    await check(page, named('board'));
    await page.goto('/');
    await page.locator('.badge:visible').waitFor();
    await check(page, named('home'));
    await page.goto('/forgot-password');
    await fill(page, { Email: user.email });
    await page.getByRole('button', { name: 'Send the link' }).click();
    await page.getByRole('heading', { name: 'Look into your mail' }).waitFor();
    await page.goto('/mails');
    await page.getByText(user.email).waitFor();
    await check(page, named('mails'));
  }
});
