// What the browser tests share: the demo app on a database of its own, Chromium, and what a user does.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { startApp } from '../../examples/app/server.mjs';
import { startStandIn } from '../postgrest/stand-in.mjs';
import { PASSWORD, cleanup, freshEmail, ident, server } from '../server/lib.mjs';
import { configure } from '../server/http.mjs';

const SETUP = fileURLToPath(new URL('../../examples/app/setup.sql', import.meta.url));
const SCREENSHOTS = fileURLToPath(new URL('../../target/screenshots/', import.meta.url));
const ROLES = ['web', 'mailer', 'authenticator', 'anon', 'authenticated']; // of setup.sql

const rolesThere = () =>
  server.admin((admin) => admin.column('SELECT rolname FROM pg_roles WHERE rolname = ANY ($1)', [ROLES]));

/** To be called once by a file of tests: the roles that setup.sql makes for the whole server go when all is over. */
export function useRoles() {
  let older; // those that were there before
  before(async () => {
    older = await rolesThere();
  });
  after(async () => {
    const made = (await rolesThere()).filter((role) => !older.includes(role));
    if (made.length > 0) await server.admin((admin) => admin.query(`DROP ROLE ${made.map(ident).join(', ')}`));
  });
}

let browser;

/** The same with Chromium. */
export function useBrowser() {
  useRoles();
  before(async () => {
    mkdirSync(SCREENSHOTS, { recursive: true });
    // Without its option that switches the back/forward cache off, which people's browsers have on.
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      ignoreDefaultArgs: ['--disable-back-forward-cache'],
    });
  });
  after(async () => {
    await browser?.close();
  });
}

/** A database as examples/app/setup.sql makes it. */
export async function appDatabase(t) {
  const database = await server.emptyDatabase(t);
  await database.run('psql', '--no-psqlrc', '--quiet', '--file', SETUP);
  return database;
}

/** The demo app on a fresh database; `{url, client, open}`. `options` are more of the app's. */
export async function withApp(t, settings = {}, options = {}) {
  const database = await appDatabase(t);
  const client = await database.connect();
  await client.query(`LOAD 'better_auth'`);
  await configure(client, database, { rate_limit: 'off', ...settings });
  const as = (user) => ({ host: server.host, port: server.port, database: database.name, user });
  const postgrest = await startStandIn({
    connection: as('authenticator'),
    jwtSecret: await client.value(`SELECT value FROM better_auth.signing_secret WHERE name = 'jwt'`),
    preRequest: 'public.pre_request',
  });
  cleanup(t, () => postgrest.stop());
  const app = await startApp({ web: as('web'), mailer: as('mailer'), postgrest: postgrest.url, port: 0, ...options });
  cleanup(t, () => app.stop());

  /** A page in a browser of its own, as of another person. What goes wrong in the page's script fails the test. */
  const open = async (path = '/', options) => {
    const context = await browser.newContext({ baseURL: app.url, ...options });
    context.setDefaultTimeout(120_000);
    const faults = [];
    cleanup(t, async () => {
      await context.close();
      assert.deepEqual(faults, []);
    });
    context.on('weberror', (fault) => faults.push(String(fault.error())));
    context.on('console', (message) => {
      if (/Content Security Policy/.test(message.text())) faults.push(message.text());
    });
    const page = await context.newPage();
    await page.goto(path);
    return page;
  };
  return { ...app, client, open };
}

export const newUser = (name = 'Ada') => ({ name, email: freshEmail(), password: PASSWORD });

/** Somebody signed up, whose posts are shown. */
export async function signUp(open, user = newUser(), options) {
  const page = await open('/sign-up', options);
  await fill(page, { Name: user.name, Email: user.email, Password: user.password });
  await page.getByRole('button', { name: 'Create the account' }).click();
  await untilLoaded(page);
  return page;
}

/** Signs somebody in on the sign-in page. */
export async function signIn(page, { email, password }) {
  await fill(page, { Email: email, Password: password });
  await page.getByRole('button', { name: 'Sign in' }).click();
}

export async function fill(page, values) {
  for (const [label, value] of Object.entries(values)) await page.getByLabel(label).fill(value);
}

/** Waits until the posts page shows what there is. */
export async function untilLoaded(page) {
  await page.waitForURL('**/posts');
  await page.locator('#posts[aria-busy=false]').waitFor();
}

export async function addPost(page, title, text = '') {
  await fill(page.locator('#new-post'), { Title: title, Text: text });
  await page.getByRole('button', { name: 'Add the post' }).click();
  await page.getByRole('article').filter({ hasText: title }).first().waitFor();
}

/** The posts that are shown, from the top. */
export const titles = (page) => page.locator('article h2').allTextContents();

export const signOut = (page) => page.getByRole('banner').getByRole('button', { name: 'Sign out' }).click();

/** Waits for the sign-in page that says this. */
export async function untilSignIn(page, reason) {
  await page.waitForURL(/\/sign-in/);
  await page.getByRole('status').filter({ hasText: reason }).waitFor();
}

/** What a screen reader is alarmed by. */
export const alertOf = (scope) => scope.getByRole('alert').filter({ hasText: /./ });

/** The requests that a page sends to a path from now on, as it sends them. */
export function requestsTo(page, path) {
  const requests = [];
  page.on('request', (request) => { if (new URL(request.url()).pathname === path) requests.push(request); });
  return requests;
}

export const screenshot = (page, name) => page.screenshot({ path: `${SCREENSHOTS}${name}.png`, fullPage: true });
