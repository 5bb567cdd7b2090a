// Posts in the demo app: everybody has their own, and nothing that users write or servers do breaks the page.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addPost, alertOf, fill, newUser, signIn, signOut, signUp, titles, untilLoaded, untilSignIn, useBrowser, withApp } from './lib.mjs';

useBrowser();

test('the first user writes posts, the second sees none of them', async (t) => {
  const { open, client } = await withApp(t);
  const ada = await signUp(open);
  assert.equal(await ada.title(), 'Your posts · better_auth demo');
  await ada.getByText('Nothing here yet').waitFor();
  await addPost(ada, 'On the Analytical Engine', 'It weaves algebraical patterns.');
  await addPost(ada, 'Note G');
  const isReady = await ada.getByLabel('Title').evaluate((field) => field === document.activeElement);
  assert.equal(isReady, true, 'for the next post');
  assert.deepEqual(await titles(ada), ['Note G', 'On the Analytical Engine']);
  const grace = await signUp(open, newUser('Grace'));
  await grace.getByText('Nothing here yet').waitFor();
  assert.deepEqual(await titles(grace), []);
  await addPost(grace, 'Compilers');
  await ada.reload();
  await untilLoaded(ada);
  assert.deepEqual(await titles(ada), ['Note G', 'On the Analytical Engine']);
  assert.equal(await client.value('SELECT count(DISTINCT user_id)::int FROM posts'), 2);
});

test('posts are edited and deleted', async (t) => {
  const { open, client } = await withApp(t);
  const page = await signUp(open);
  for (const title of ['One', 'Two', 'Three']) await addPost(page, title);
  await page.getByRole('button', { name: 'Edit “Two”' }).click();
  const editor = page.getByRole('form', { name: 'Edit “Two”' });
  await fill(editor, { Title: '', Text: 'A text' });
  await editor.getByRole('button', { name: 'Save' }).click();
  await editor.getByText('Give the post a title.').waitFor();
  await fill(editor, { Title: '2' });
  await editor.getByRole('button', { name: 'Save' }).click();
  await page.getByText('“2” was saved.').waitFor();
  assert.deepEqual(await titles(page), ['Three', '2', 'One']);
  assert.equal(await client.value(`SELECT body FROM posts WHERE title = '2'`), 'A text');
  await page.getByRole('button', { name: 'Edit “One”' }).click();
  await fill(page.getByRole('form', { name: 'Edit “One”' }), { Title: 'dropped' });
  await page.keyboard.press('Escape');
  assert.deepEqual(await titles(page), ['Three', '2', 'One']);

  await page.getByRole('button', { name: 'Delete “2”' }).click();
  await page.getByRole('button', { name: 'Keep it' }).click();
  assert.deepEqual(await titles(page), ['Three', '2', 'One']);
  await page.getByRole('button', { name: 'Delete “2”' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('“2” was deleted.').waitFor();
  assert.deepEqual(await titles(page), ['Three', 'One']);
  assert.deepEqual(await client.column('SELECT title FROM posts ORDER BY id'), ['One', 'Three']);

  await addPost(page, 'Four');
  await page.evaluate(() => {
    const buttons = [...document.querySelectorAll('button')];
    const button = (name) => buttons.find(({ textContent }) => textContent.trim() === name);
    button('Delete “Three”').click();
    document.querySelector('dialog[open]').close();
    button('Delete “Four”').click();
    document.querySelector('dialog[open] [value=delete]').click();
  });
  await page.getByText('“Four” was deleted.').waitFor();
  assert.deepEqual(await titles(page), ['Three', 'One'], 'what was kept before is kept');

  await client.query(`DELETE FROM posts WHERE title = 'One'`);
  await page.getByRole('button', { name: 'Edit “One”' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('This post is gone').waitFor();
});

test('what users write is shown as text', async (t) => {
  const { open } = await withApp(t);
  const evil = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';
  const page = await signUp(open, { ...newUser(), name: evil });
  await addPost(page, evil, evil);
  await page.reload();
  await untilLoaded(page);
  assert.deepEqual(await titles(page), [evil]);
  assert.equal(await page.locator('article .body').textContent(), evil);
  await page.goto('/');
  await page.getByText(`Hello, ${evil}`).waitFor();
  assert.equal(await page.title(), 'Home · better_auth demo');
  assert.equal(await page.locator('main img, main script').count(), 0);
  const policy = (await page.reload()).headers()['content-security-policy'];
  assert.match(policy, /script-src 'self'/);
  assert.doesNotMatch(policy, /unsafe|\*|data:/);
});

test('submitting twice makes one post', async (t) => {
  const { open, client } = await withApp(t);
  const page = await signUp(open);
  let letThrough;
  const held = new Promise((resolve) => { letThrough = resolve; });
  await page.route('**/rest/posts?*', async (route) => {
    if (route.request().method() === 'POST') await held;
    await route.continue();
  });
  await fill(page.locator('#new-post'), { Title: 'Once' });
  const button = page.getByRole('button', { name: 'Add the post' });
  await button.dblclick();
  await page.getByLabel('Title').press('Enter');
  await button.click();
  letThrough();
  await page.getByText('“Once” was added.').waitFor();
  await addPost(page, 'Afterwards');
  assert.deepEqual(await client.column('SELECT title FROM posts ORDER BY id'), ['Once', 'Afterwards']);
});

test('when the server can’t be reached it is said, and nothing is lost', async (t) => {
  const { open } = await withApp(t);
  const user = newUser();
  const page = await signUp(open, user);
  const UNREACHABLE = 'The server can’t be reached.';
  const down = (pattern) => page.route(pattern, (route) => route.abort('connectionrefused'));
  await down('**/rest/**');
  await fill(page.locator('#new-post'), { Title: 'Kept', Text: 'A long text' });
  await page.getByRole('button', { name: 'Add the post' }).click();
  await alertOf(page.locator('#new-post')).filter({ hasText: UNREACHABLE }).waitFor();
  assert.equal(await page.getByLabel('Title').inputValue(), 'Kept');
  await page.unroute('**/rest/**');
  await page.getByRole('button', { name: 'Add the post' }).click();
  await page.getByText('“Kept” was added.').waitFor();

  await down('**/rest/**');
  await page.getByRole('button', { name: 'Delete “Kept”' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await alertOf(page).filter({ hasText: UNREACHABLE }).waitFor();
  assert.deepEqual(await titles(page), ['Kept']);
  await page.reload();
  await alertOf(page.locator('#failed')).filter({ hasText: UNREACHABLE }).waitFor();
  await page.unroute('**/rest/**');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('article').waitFor();

  await down('**/api/auth/**');
  await signOut(page);
  await alertOf(page).filter({ hasText: UNREACHABLE }).waitFor();
  await page.reload();
  await alertOf(page.locator('#unknown')).filter({ hasText: UNREACHABLE }).waitFor();
  await page.unroute('**/api/auth/**');
  await page.getByRole('button', { name: 'Try again' }).click();
  await untilLoaded(page);
  await signOut(page);
  await untilSignIn(page, 'You are signed out.');
  await down('**/api/auth/**');
  await signIn(page, user);
  await alertOf(page).filter({ hasText: UNREACHABLE }).waitFor();
});

test('a server that answers with errors, or PostgREST gone', async (t) => {
  const { open } = await withApp(t);
  const page = await signUp(open);
  await page.route('**/rest/**', (route) => route.fulfill({ status: 502, body: '<html>Bad gateway' }));
  await fill(page.locator('#new-post'), { Title: 'Kept' });
  await page.getByRole('button', { name: 'Add the post' }).click();
  await alertOf(page.locator('#new-post')).filter({ hasText: 'Something went wrong on the server.' }).waitFor();
});
