// The demo app signs in with a provider in Chromium: by the HTTP layer, and by an id token with PostgREST alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLIENT, Provider } from '../interop/provider.mjs';

/** It also hands out id tokens alone, in the fragment, as Google does. */
class Example extends Provider {
  async authorize(address, options) {
    const { searchParams } = new URL(address);
    if (searchParams.get('response_type') !== 'id_token') return super.authorize(address, options);
    const location = new URL(searchParams.get('redirect_uri'));
    const id_token = await this.mint('google', { claims: { nonce: searchParams.get('nonce') } });
    location.hash = new URLSearchParams({ state: searchParams.get('state'), ...(options?.error ? options : { id_token }) });
    return { location: location.href };
  }
}

const provider = new Example();
const origin = await provider.listen();
process.env.FETCH_ALLOW = origin; // which the layer reads when it is loaded
const { alertOf, screenshot, signOut, untilLoaded, useBrowser, withApp } = await import('./lib.mjs');

useBrowser();

const OFFERED = [
  { id: 'example', name: 'Example' },
  { id: 'google', name: 'Google', idTokens: { url: `${origin}/authorize`, clientId: CLIENT.id } },
];

async function start(t) {
  provider.reset();
  provider.page = true;
  const app = await withApp(t, {}, { providers: OFFERED });
  const set = (...values) => app.client.query('SELECT better_auth.set_oauth_provider($1, $2, $3, $4)', values);
  const discoveryUrl = `${origin}/.well-known/openid-configuration`;
  await set('example', CLIENT.id, CLIENT.secret, { discoveryUrl, scopes: ['email', 'profile'] });
  await set('google', CLIENT.id, CLIENT.secret, {});
  return app;
}

const button = (page, name) => page.getByRole('button', { name });
const link = (page, name) => page.getByRole('link', { name, exact: true });

test('“Continue with Example” signs up, and in again', async (t) => {
  const app = await start(t);
  const page = await app.open('/sign-in?next=%2Fposts');
  await button(page, 'Continue with Example').click();
  await page.getByRole('heading', { name: 'Example' }).waitFor();
  await link(page, 'Continue').click();
  await untilLoaded(page);
  const rows = () => app.client.query(
    `SELECT u.name, u.email, u."emailVerified", a."providerId", a."accountId" FROM better_auth.account a
     JOIN better_auth."user" u ON u.id = a."userId"`).then(({ rows }) => rows);
  const { name, email, sub } = provider.person;
  const expected = [{ name, email, emailVerified: true, providerId: 'example', accountId: sub }];
  assert.deepEqual(await rows(), expected);
  await signOut(page);
  await page.waitForURL(/\/sign-in/);
  await screenshot(page, 'sign-in-with-providers');
  await button(page, 'Continue with Example').click();
  await link(page, 'Continue').click();
  await untilLoaded(page);
  assert.deepEqual(await rows(), expected);
});

test('who doesn’t agree is told so, once', async (t) => {
  const app = await start(t);
  const page = await app.open('/sign-in');
  await button(page, 'Continue with Example').click();
  await link(page, 'Cancel').click();
  await page.waitForURL(/\/sign-in/);
  await alertOf(page).filter({ hasText: 'You have not agreed.' }).waitFor();
  assert.equal(new URL(page.url()).search, '');
});

test('an account of that email, which isn’t verified here, stays its owner’s', async (t) => {
  const app = await start(t);
  await app.client.query(`SELECT better_auth.sign_up_email($1, 'a password of theirs', 'Somebody')`, [provider.person.email]);
  const page = await app.open('/sign-in');
  await button(page, 'Continue with Example').click();
  await link(page, 'Continue').click();
  await alertOf(page).filter({ hasText: 'There is an account with this email already.' }).waitFor();
  assert.equal(await app.client.value(`SELECT count(*)::int FROM better_auth.account WHERE "providerId" = 'example'`), 0);
});

test('an id token signs in with PostgREST alone', async (t) => {
  const app = await start(t);
  const { keys } = await (await fetch(`${origin}/jwks`)).json();
  await app.client.query('SELECT better_auth.set_provider_keys($1, $2)', ['https://accounts.google.com', JSON.stringify({ keys })]);
  const page = await app.open('/sign-in');
  const toAuth = [];
  await link(page, 'Sign in by an id token alone').click();
  await page.waitForURL(/\/id-token/);
  page.on('request', (request) => { if (/^\/api\/auth\/(?!get-session)/.test(new URL(request.url()).pathname)) toAuth.push(request.url()); });
  await button(page, 'Ask Google for an id token').click();
  await link(page, 'Continue').click();
  await page.getByRole('heading', { name: `Hello, ${provider.person.name}` }).waitFor();
  await page.getByText('You have no posts.').waitFor();
  assert.equal(new URL(page.url()).hash, '', 'the token is not in the address');
  assert.deepEqual(toAuth, [], 'the HTTP layer has no part in it');
  assert.equal(await app.client.value('SELECT count(*)::int FROM better_auth.session'), 1);
  await page.locator('#result').getByRole('button', { name: 'Sign out' }).click();
  await page.locator('#result').waitFor({ state: 'hidden' });
  assert.equal(await app.client.value('SELECT count(*)::int FROM better_auth.session'), 0);
});
