// Organizations in the demo app: a board that its members share, whoever they are by now. What somebody may not do the
// page lets them try; it is the database that refuses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alertOf, fill, newUser, screenshot, signIn, signUp, untilSignIn, useBrowser, withApp } from './lib.mjs';

useBrowser();

const BOARD_REFUSED = 'The database refused it';

/** The board's page, once it shows what there is. */
async function openBoard(page) {
  await page.goto('/board');
  await untilShown(page);
  return page;
}

async function untilShown(page) {
  await page.waitForURL('**/board');
  await page.locator('#organization[aria-busy=false]').waitFor({ state: 'attached' });
}

async function found(page, name) {
  await fill(page.locator('#new-organization'), { 'A new one': name });
  await page.getByRole('button', { name: 'Create the organization' }).click();
  await page.getByRole('heading', { name: `The board of ${name}` }).waitFor();
}

async function write(page, text) {
  await fill(page.locator('#new-note'), { Text: text });
  await page.getByRole('button', { name: 'Put it on the board' }).click();
  await note(page, text).waitFor();
}

const note = (page, text) => page.getByRole('article').filter({ hasText: text });
const notes = (page) => page.locator('#notes .body').allTextContents();
const members = (page) => page.locator('#members .name').allTextContents();

/** Invites somebody; the link that is mailed. */
async function invite(page, { email }, role = 'member') {
  const form = page.locator('#invite');
  await fill(form, { Email: email });
  await form.getByLabel('Role').selectOption(role);
  await form.getByRole('button', { name: 'Send the invitation' }).click();
  await page.getByText(`${email} is invited.`).waitFor();
  const mails = await page.context().newPage();
  await mails.goto('/mails');
  const mail = mails.locator('#mails li').filter({ hasText: email }).first();
  await mail.getByRole('heading', { name: 'You are invited to an organization' }).waitFor();
  const link = await mail.getByRole('link').getAttribute('href');
  await mails.close();
  return link;
}

/** Somebody who has come by the link. */
async function accept(page, link) {
  await page.goto(link);
  await page.getByRole('button', { name: 'Accept' }).click();
  await untilShown(page);
  return page;
}

/** What PostgREST answers to a request that no page makes, with the token of who is signed in. */
const ask = (page, method, query = '', body = undefined) =>
  page.evaluate(async ([method, query, body]) => {
    const { token } = await (await fetch('/api/insforge-token')).json();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', prefer: 'return=representation' };
    const response = await fetch(`/rest/board?select=body${query}`, { method, headers, body: body && JSON.stringify(body) });
    const answer = await response.json();
    return [response.status, answer.code ?? answer.map((row) => row.body)];
  }, [method, query, body]);

test('two users share a board; what the second may not do is refused by the database', async (t) => {
  const { open, client } = await withApp(t);
  const stored = () => client.column('SELECT body FROM board ORDER BY id');
  const ada = await openBoard(await signUp(open));
  await found(ada, 'Acme');
  await ada.getByText('Nothing here yet').waitFor();
  await ada.getByLabel('Keep it on top').check();
  await write(ada, 'The rules');
  await write(ada, 'Hello');
  assert.deepEqual(await notes(ada), ['The rules', 'Hello'], 'what is kept on top is');
  const user = newUser('Grace');
  const link = await invite(ada, user);

  // She has no account yet: the link leads there, and back to the invitation.
  const grace = await open(link);
  await grace.getByRole('link', { name: 'Sign in' }).last().click();
  await grace.getByRole('main').getByRole('link', { name: 'Create an account' }).click();
  await fill(grace, { Name: user.name, Email: user.email, Password: user.password });
  await grace.getByRole('button', { name: 'Create the account' }).click();
  await grace.getByText('invites you to Acme as member').waitFor();
  await grace.getByRole('button', { name: 'Accept' }).click();
  await untilShown(grace);
  await grace.getByRole('heading', { name: 'The board of Acme' }).waitFor();
  assert.deepEqual(await notes(grace), ['The rules', 'Hello']);
  assert.deepEqual(await members(grace), ['Ada', 'Grace']);
  await write(grace, 'Thank you');

  const refused = async () => {
    await alertOf(grace).filter({ hasText: BOARD_REFUSED }).first().waitFor();
    await grace.reload();
    await untilShown(grace);
  };
  const before = await stored();
  await note(grace, 'The rules').getByRole('button', { name: 'Delete' }).click();
  await refused();
  await note(grace, 'Hello').getByRole('button', { name: 'Keep on top' }).click();
  await refused();
  await grace.getByLabel('Keep it on top').check();
  await fill(grace.locator('#new-note'), { Text: 'Me first' });
  await grace.getByRole('button', { name: 'Put it on the board' }).click();
  await screenshot(grace, 'board-refused');
  await refused();
  assert.deepEqual(await stored(), before);
  await grace.getByLabel('Role of Grace').selectOption('owner');
  await alertOf(grace).filter({ hasText: 'You are not allowed to update this member' }).waitFor();
  assert.equal(await grace.getByLabel('Role of Grace').inputValue(), 'member');
  await grace.getByRole('button', { name: 'Remove Ada' }).click();
  await alertOf(grace).waitFor();
  await fill(grace.locator('#invite'), { Email: 'eve@example.com' });
  await grace.getByRole('button', { name: 'Send the invitation' }).click();
  await alertOf(grace.locator('#invite')).filter({ hasText: 'not allowed to invite' }).waitFor();

  // Without the page.
  const organizationId = await client.value('SELECT id FROM better_auth.organization');
  assert.deepEqual(await ask(grace, 'POST', '', { body: 'x', is_pinned: true }), [403, '42501']);
  assert.deepEqual(await ask(grace, 'POST', '', { body: 'x', organization_id: organizationId }), [403, '42501'], 'whose it is nobody says');
  assert.deepEqual(await ask(grace, 'PATCH', '&id=gt.0', { is_pinned: true }), [403, '42501']);
  assert.deepEqual(await ask(grace, 'PATCH', '&id=gt.0', { body: 'rewritten' }), [403, '42501']);
  assert.deepEqual(await ask(grace, 'DELETE', '&id=gt.0'), [200, ['Thank you']], 'but for what is hers');
  assert.deepEqual(await stored(), ['The rules', 'Hello']);

  // With another role she may, this instant: her page and her token are what they were.
  await grace.reload();
  await untilShown(grace);
  await ada.reload();
  await untilShown(ada);
  await ada.getByLabel('Role of Grace').selectOption('admin');
  await ada.getByText('Grace is now administrator.').waitFor();
  await note(grace, 'Hello').getByRole('button', { name: 'Delete' }).click();
  await grace.getByText('“Hello” was deleted.').waitFor();
  await note(grace, 'The rules').getByRole('button', { name: 'Not on top' }).click();
  await grace.getByRole('button', { name: 'Keep on top “The rules”' }).waitFor();
  assert.deepEqual(await client.column('SELECT is_pinned FROM board'), [false]);

  // And once she is removed, nothing.
  await ada.getByRole('button', { name: 'Remove Grace' }).click();
  await ada.getByText('Grace was removed.').waitFor();
  assert.deepEqual(await members(ada), ['Ada']);
  await fill(grace.locator('#new-note'), { Text: 'Still here' });
  await grace.getByRole('button', { name: 'Put it on the board' }).click();
  await alertOf(grace.locator('#new-note')).filter({ hasText: /./ }).waitFor();
  assert.deepEqual(await ask(grace, 'GET'), [200, []]);
  assert.deepEqual(await stored(), ['The rules']);
});

test('who isn’t invited sees nothing, and can’t come in by another’s link', async (t) => {
  const { open, client } = await withApp(t);
  const ada = await openBoard(await signUp(open));
  await found(ada, 'Acme');
  await write(ada, 'Between us');
  const user = newUser('Grace');
  const link = await invite(ada, user);
  const eve = await signUp(open, newUser('Eve'));
  await eve.goto(link);
  await alertOf(eve).filter({ hasText: 'You are not the recipient of the invitation' }).waitFor();
  assert.equal(await eve.getByRole('button', { name: 'Accept' }).isVisible(), false);
  await openBoard(eve);
  assert.equal(await eve.getByLabel('Working in').inputValue(), '');
  assert.equal(await eve.locator('#organization').isVisible(), false);
  assert.deepEqual(await ask(eve, 'GET'), [200, []]);
  assert.deepEqual(await ask(eve, 'DELETE', '&id=gt.0'), [200, []]);
  assert.notEqual((await ask(eve, 'POST', '', { body: 'x' }))[0], 201);
  assert.deepEqual(await client.column('SELECT body FROM board'), ['Between us']);

  // An invitation that was taken back is one no more, nor is one that was declined.
  const grace = await signUp(open, user);
  await grace.goto(link);
  await grace.getByRole('button', { name: 'Accept' }).waitFor();
  await ada.getByRole('button', { name: `Take back the invitation of ${user.email}` }).click();
  await ada.getByText('was taken back').waitFor();
  await grace.getByRole('button', { name: 'Accept' }).click();
  await alertOf(grace).filter({ hasText: 'Invitation not found' }).waitFor();
  const second = await invite(ada, user);
  await grace.goto(second);
  await grace.getByRole('button', { name: 'Decline' }).click();
  await grace.getByText('Hello, Grace').waitFor();
  await grace.goto(second);
  await alertOf(grace).filter({ hasText: 'Invitation not found' }).waitFor();
  assert.deepEqual(await client.column('SELECT status FROM better_auth.invitation ORDER BY "createdAt"'), ['canceled', 'rejected']);
  assert.equal(await client.value('SELECT count(*)::int FROM better_auth.member'), 1);
});

test('the switch', async (t) => {
  const { open, client } = await withApp(t);
  const evil = '<img src=x onerror="document.title=\'owned\'">';
  const user = newUser();
  const ada = await openBoard(await signUp(open, user));
  await ada.getByRole('button', { name: 'Create the organization' }).click();
  await ada.getByText('Give the organization a name.').waitFor();
  await found(ada, 'Acme');
  await write(ada, 'Of Acme');
  await found(ada, evil);
  assert.deepEqual(await notes(ada), []);
  await write(ada, evil);
  const choose = async (name) => {
    await ada.getByLabel('Working in').selectOption({ label: name });
    await ada.getByRole('heading', { name: name === 'no organization' ? 'Board' : `The board of ${name}`, exact: true }).waitFor();
    await untilShown(ada);
  };
  await choose('Acme');
  assert.deepEqual(await notes(ada), ['Of Acme']);
  await ada.reload();
  await untilShown(ada);
  assert.deepEqual(await notes(ada), ['Of Acme'], 'the session knows');
  // Notes are of the organization that the session is about, whatever a page thinks.
  const other = await ada.context().newPage();
  await openBoard(other);
  await choose(evil);
  assert.deepEqual(await notes(ada), [evil]);
  assert.equal(await ada.title(), 'Board · better_auth demo');
  assert.deepEqual(await ask(other, 'POST', '', { body: 'By another tab' }), [201, ['By another tab']]);
  assert.deepEqual(
    await client.column('SELECT name FROM board JOIN better_auth.organization o ON o.id = organization_id ORDER BY board.id'),
    ['Acme', evil, evil],
  );
  await choose('no organization');
  assert.equal(await ada.locator('#organization').isVisible(), false);
  assert.equal((await ask(ada, 'POST', '', { body: 'Of nobody' }))[1], '42501');
  await choose('Acme');
  await ada.getByRole('button', { name: 'Leave the organization' }).click();
  await alertOf(ada).filter({ hasText: 'as the only owner' }).waitFor();

  const guest = await open('/board');
  await untilSignIn(guest, 'Sign in to see this page.');
  await signIn(guest, user);
  await untilShown(guest);
});
