// better-auth/react with the real React, in jsdom: what a page shows of the session, and of errors.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { JSDOM } from 'jsdom';
import { PASSWORD, cleanup, freshEmail, until } from '../server/lib.mjs';
import { WAYS, done, site } from './clients.mjs';

process.env.NODE_ENV = 'production'; // React and Better Auth read it when they are imported
const { createElement: h, useState } = await import('react');
const { createRoot } = await import('react-dom/client');
const { createAuthClient: createPlainClient } = await import('better-auth/client');
const { createAuthClient } = await import('better-auth/react');
const { organizationClient } = await import('better-auth/client/plugins');

/** A page of the application in a browser: who is signed in, and a form to sign in with, or other parts. */
async function open(t, app, parts = [Session, SignIn], plugins = []) {
  const browser = app.browser();
  const { window } = new JSDOM('<!doctype html><div id="root"></div>', { url: app.url, pretendToBeVisual: true });
  Object.assign(globalThis, { window, document: window.document });
  const auth = createAuthClient({ baseURL: app.url, plugins, fetchOptions: { customFetchImpl: browser.fetch } });
  const root = createRoot(window.document.getElementById('root'));
  root.render(h('main', null, ...parts.map((part) => h(part, { auth }))));
  cleanup(t, () => {
    root.unmount();
    window.close();
    delete globalThis.window;
    delete globalThis.document;
  });
  const shown = (selector) => window.document.querySelector(selector)?.textContent;
  const shows = (selector, text) =>
    until(() => shown(selector) === text, `${selector} says ${shown(selector)}, not ${text}`);
  return { auth, browser, window, shown, shows };
}

function Session({ auth }) {
  const { data, error, isPending } = auth.useSession();
  const who = data ? `${data.user.name}, until ${data.session.expiresAt.getUTCFullYear()}` : 'nobody';
  return h('output', null, isPending ? 'pending' : error ? `${who}, error ${error.status}` : who);
}

function SignIn({ auth }) {
  const [message, setMessage] = useState('');
  const submit = async (event) => {
    event.preventDefault();
    const [email, password] = event.target.elements;
    const { error } = await auth.signIn.email({ email: email.value, password: password.value });
    setMessage(error ? `${error.message} (${error.code})` : '');
  };
  return h(
    'form',
    { onSubmit: submit },
    h('input', { name: 'email' }),
    h('input', { name: 'password' }),
    h('button'),
    h('p', { role: 'alert' }, message),
  );
}

/** The organization that the session is about, whose it is, and all that there are. */
function Organizations({ auth }) {
  const { data: active } = auth.useActiveOrganization();
  const { data: all } = auth.useListOrganizations();
  const { data: role } = auth.useActiveMemberRole();
  const names = (rows) => rows?.map((row) => row.name ?? row.user.name).sort().join(' and ');
  return h('output', null, `${active ? `${active.name} of ${names(active.members)}` : 'none'} as ${role?.role ?? 'nobody'}; ${names(all)}`);
}

/** Fills in the form and sends it, as a user does. */
function send({ document, Event }, email, password) {
  const form = document.querySelector('form');
  Object.assign(form.elements.email, { value: email });
  Object.assign(form.elements.password, { value: password });
  form.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
}

const YEAR = new Date(Date.now() + 7 * 86_400_000).getUTCFullYear();

for (const [way, start] of Object.entries(WAYS)) {
  describe(way, () => {
    test('useSession() follows sign-up, changes, sign-out, sign-in', async (t) => {
      const app = await site(t, start);
      const { auth, window, shown, shows } = await open(t, app);
      await shows('output', 'nobody');
      const email = freshEmail();
      await auth.signUp.email({ email, password: PASSWORD, name: 'Ada' });
      await shows('output', `Ada, until ${YEAR}`);
      await auth.updateUser({ name: 'Countess' });
      await shows('output', `Countess, until ${YEAR}`);
      await auth.signOut();
      await shows('output', 'nobody');
      assert.equal(await app.count('session', 'true'), 0);

      send(window, email, 'wrong password');
      await shows('[role=alert]', 'Invalid email or password (INVALID_EMAIL_OR_PASSWORD)');
      assert.equal(shown('output'), 'nobody');
      send(window, 'no address', PASSWORD);
      await shows('[role=alert]', 'Invalid email (INVALID_EMAIL)');
      send(window, email, PASSWORD);
      await shows('output', `Countess, until ${YEAR}`);
      await shows('[role=alert]', '');
      const { data } = await auth.changePassword({
        currentPassword: PASSWORD,
        newPassword: 'staple and some more',
        revokeOtherSessions: true,
      });
      assert.equal((await auth.getSession()).data.session.token, data.token);
      assert.equal(await app.count('session', 'token = $1', [data.token]), 1);
      await auth.revokeSessions();
      await shows('output', 'nobody');
    });

    test('a session that is ended elsewhere is seen when the page is looked at again', async (t) => {
      const app = await site(t, start);
      const page = await open(t, app);
      const email = freshEmail();
      await page.auth.signUp.email({ email, password: PASSWORD, name: 'Ada' });
      await page.shows('output', `Ada, until ${YEAR}`);
      const other = createPlainClient({ baseURL: app.url, fetchOptions: { customFetchImpl: app.browser().fetch } });
      const { data } = await other.signIn.email({ email, password: PASSWORD });
      assert.equal((await other.revokeOtherSessions()).error, null);
      assert.deepEqual(await app.client.column('SELECT token FROM better_auth.session'), [data.token]);
      assert.equal(page.shown('output'), `Ada, until ${YEAR}`, 'nobody has told the page');
      page.window.document.dispatchEvent(new page.window.Event('visibilitychange'));
      await page.shows('output', 'nobody');
      const { error } = await page.auth.listSessions();
      assert.deepEqual([error.status, error.code], [401, 'UNAUTHORIZED']);
    });

    test('a failure is shown, and what was known is kept', async (t) => {
      const app = await site(t, start);
      const { auth, shows } = await open(t, app);
      await auth.signUp.email({ email: freshEmail(), password: PASSWORD, name: 'Ada' });
      await shows('output', `Ada, until ${YEAR}`);
      await app.client.query('ALTER TABLE better_auth.session RENAME TO gone');
      await auth.updateUser({ name: 'Eve' });
      auth.$store.notify('$sessionSignal');
      await shows('output', `Ada, until ${YEAR}, error 500`);
      await app.client.query('ALTER TABLE better_auth.gone RENAME TO session');
      auth.$store.notify('$sessionSignal');
      await shows('output', `Ada, until ${YEAR}`);
    });

    test('the active organization and its like follow what is done', async (t) => {
      const app = await site(t, start, { settings: { plugins: 'organization' } });
      await (await app.database.connect()).query('SELECT better_auth.migrate()');
      const plugins = [organizationClient()];
      const { auth, shows } = await open(t, app, [Organizations], plugins);
      await done(auth.signUp.email({ email: freshEmail(), password: PASSWORD, name: 'Ada' }));
      await shows('output', 'none as nobody; undefined'); // it looks for all of them once some have changed
      const acme = await done(auth.organization.create({ name: 'Acme', slug: 'acme' }));
      await shows('output', 'Acme of Ada as owner; Acme');
      await done(auth.organization.create({ name: 'Other', slug: 'other' }));
      await shows('output', 'Other of Ada as owner; Acme and Other');
      const email = freshEmail();
      const guest = createPlainClient({ baseURL: app.url, plugins, fetchOptions: { customFetchImpl: app.browser().fetch } });
      await done(guest.signUp.email({ email, password: PASSWORD, name: 'Grace' }));
      const { id } = await done(auth.organization.inviteMember({ email, role: 'admin', organizationId: acme.id }));
      await done(guest.organization.acceptInvitation({ invitationId: id }));
      await done(auth.organization.setActive({ organizationId: acme.id }));
      await shows('output', 'Acme of Ada and Grace as owner; Acme and Other');
      await done(auth.organization.update({ data: { name: 'Acme & Sons' } }));
      await shows('output', 'Acme & Sons of Ada and Grace as owner; Acme & Sons and Other');
      await done(auth.organization.setActive({ organizationId: null }));
      await shows('output', 'none as owner; Acme & Sons and Other'); // a role that can’t be told is what it was
    });

    test('deletion of the user', async (t) => {
      const app = await site(t, start, { settings: { delete_user_enabled: 'on' } });
      const { auth, shows } = await open(t, app);
      await auth.signUp.email({ email: freshEmail(), password: PASSWORD, name: 'Ada' });
      await shows('output', `Ada, until ${YEAR}`);
      await auth.deleteUser({ password: PASSWORD });
      await shows('output', 'nobody');
      assert.equal(await app.count('user', 'true'), 0);
    });
  });
}
