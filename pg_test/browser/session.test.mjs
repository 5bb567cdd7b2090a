// How sessions end in the demo app, and what is seen then.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../server/lib.mjs';
import { addPost, fill, newUser, signIn, signOut, signUp, titles, untilLoaded, untilSignIn, useBrowser, withApp } from './lib.mjs';

useBrowser();

test('after sign-out the back button shows nothing of the user', async (t) => {
  const { open } = await withApp(t);
  const page = await signUp(open);
  await addPost(page, 'Secret of Ada');
  await page.goto('/');
  await page.getByText('Hello, Ada').waitFor();
  await signOut(page);
  await untilSignIn(page, 'You are signed out.');
  const seen = [];
  await page.exposeFunction('seen', (text) => seen.push(text));
  await page.addInitScript(() => {
    const note = () => window.seen(document.body?.innerText ?? '');
    const changes = new MutationObserver(note);
    addEventListener('DOMContentLoaded', () => changes.observe(document, { subtree: true, childList: true }));
    addEventListener('pageshow', note);
  });
  await page.goBack();
  await untilSignIn(page, 'Sign in to see this page.');
  await page.goBack().catch(() => {});
  assert.ok(seen.length > 0);
  assert.doesNotMatch(seen.join(), /Secret of Ada|Hello, Ada/);
});

test('a page that the browser has kept whole is empty and made anew', async (t) => {
  const { open } = await withApp(t);
  const page = await signUp(open);
  await addPost(page, 'Secret of Ada');
  // Whether a browser keeps a page is its own decision, so the events are sent by hand.
  const kept = await page.evaluate(() => {
    dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }));
    return document.querySelector('main').innerText;
  });
  assert.equal(kept, '');
  await page.context().clearCookies();
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await untilSignIn(page, 'Sign in to see this page.');
});

test('answers about a user are in no cache', async (t) => {
  const { open } = await withApp(t);
  const page = await signUp(open);
  for (const path of ['/api/insforge-token', '/api/auth/list-sessions', '/api/auth/get-session', '/rest/posts', '/demo/mails']) {
    const control = await page.evaluate(async (one) => (await fetch(one)).headers.get('cache-control'), path);
    assert.equal(control, 'no-store', path);
  }
});

test('a session that has expired leads to the sign-in page, and back', async (t) => {
  const { open, client } = await withApp(t);
  const user = newUser();
  const page = await signUp(open, user);
  await addPost(page, 'Before');
  const expire = () => client.query(`UPDATE better_auth.session SET "expiresAt" = now() - interval '1 second'`);
  await expire();
  await fill(page.locator('#new-post'), { Title: 'Too late' });
  await page.getByRole('button', { name: 'Add the post' }).click();
  await untilSignIn(page, 'You are no longer signed in here.');
  assert.deepEqual(await client.column('SELECT title FROM posts'), ['Before']);
  await signIn(page, user);
  await untilLoaded(page);
  assert.deepEqual(await titles(page), ['Before']);
  await expire();
  await page.reload();
  await untilSignIn(page, 'Sign in to see this page.');
});

test('sign-out in one tab is noticed in the other', async (t) => {
  const { open } = await withApp(t);
  const first = await signUp(open);
  await addPost(first, 'Secret of Ada');
  const second = await first.context().newPage();
  await second.goto('/posts');
  await untilLoaded(second);
  await signOut(first);
  await untilSignIn(first, 'You are signed out.');
  await untilSignIn(second, 'You are no longer signed in here.');
  assert.doesNotMatch(await second.innerText('body'), /Secret of Ada/);
});

test('sign-in as somebody else in one tab makes the other theirs', async (t) => {
  const { open } = await withApp(t);
  const grace = newUser('Grace');
  await signUp(open, grace);
  const page = await signUp(open);
  await addPost(page, 'Secret of Ada');
  // Without the signal that tabs send each other, as after a crash.
  const cookies = await page.evaluate(async ({ email, password }) => {
    const options = { method: 'POST', headers: { 'content-type': 'application/json' } };
    await fetch('/api/auth/sign-out', { ...options, body: '{}' });
    return (await fetch('/api/auth/sign-in/email', { ...options, body: JSON.stringify({ email, password }) })).status;
  }, grace);
  assert.equal(cookies, 200);
  await fill(page.locator('#new-post'), { Title: 'Whose?' });
  await page.getByRole('button', { name: 'Add the post' }).click();
  await page.getByText('Nothing here yet').waitFor();
  assert.deepEqual(await titles(page), []);
});

test('sessions are listed and ended, one by one and everywhere', async (t) => {
  const { open, client } = await withApp(t);
  const user = newUser();
  const desk = await signUp(open, user);
  const elsewhere = async () => {
    const page = await open('/sign-in');
    await signIn(page, user);
    await untilLoaded(page);
    return page;
  };
  const phone = await elsewhere();
  const laptop = await elsewhere();
  await desk.goto('/');
  await desk.locator('.badge:visible').waitFor();
  assert.equal(await desk.getByRole('listitem').filter({ hasText: 'Chrome on' }).count(), 3);
  const others = desk.getByRole('main').getByRole('button', { name: /^Sign out Chrome/ });
  await others.first().click();
  await until(async () => (await others.count()) === 1, 'one row less');
  assert.equal(await client.value('SELECT count(*)::int FROM better_auth.session'), 2);
  await desk.getByRole('button', { name: 'Sign out everywhere' }).click();
  await untilSignIn(desk, 'You are signed out everywhere.');
  assert.equal(await client.value('SELECT count(*)::int FROM better_auth.session'), 0);
  for (const page of [phone, laptop]) {
    await fill(page.locator('#new-post'), { Title: 'Still here?' });
    await page.getByRole('button', { name: 'Add the post' }).click();
    await untilSignIn(page, 'You are no longer signed in here.');
  }
  assert.equal(await client.value('SELECT count(*)::int FROM posts'), 0);
});

test('sign-in leads to pages of this application alone', async (t) => {
  const { open, url } = await withApp(t);
  const user = newUser();
  await signUp(open, user);
  for (const next of ['https://evil.example/', '//evil.example', 'javascript:alert(1)', '/\\evil.example']) {
    const page = await open(`/sign-in?next=${encodeURIComponent(next)}&reason=%3Cb%3E`);
    await signIn(page, user);
    await untilLoaded(page);
    assert.equal(page.url(), `${url}/posts`);
  }
  const page = await open('/sign-in?next=%2F&reason=constructor');
  assert.equal(await page.locator('#reason').textContent(), 'Welcome back.');
  await signIn(page, user);
  await page.getByText('Hello, Ada').waitFor();
});
