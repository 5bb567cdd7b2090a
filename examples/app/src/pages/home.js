import { client, dataOf } from '../auth.js';
import { dateText } from '../dates.js';
import { attempt, say } from '../messages.js';
import { addPasskey, arePossible, listPasskeys, removePasskey } from '../passkeys.js';
import { showSecondFactor, watchSecondFactor } from '../second-factor.js';
import { signOutEverywhere, watchSession } from '../session.js';

const set = (id, text) => { document.getElementById(id).textContent = text; };

export function home() {
  document.querySelector('#everywhere').addEventListener('click', () => attempt(signOutEverywhere));
  const add = document.querySelector('#add-passkey');
  add.hidden = !arePossible();
  add.addEventListener('click', () => attempt(async () => {
    await addPasskey(deviceOf(navigator.userAgent));
    await showPasskeys();
    say('This device signs you in from now on.');
  }));
  watchSecondFactor();
  watchSession({
    onUser({ user, session }) {
      set('name', user.name);
      set('email', user.email);
      set('since', dateText(user.createdAt));
      set('until', dateText(session.expiresAt));
      showPasskeys();
      showSecondFactor(user);
      showSessions(session);
    },
  });
}

async function showPasskeys() {
  const list = document.querySelector('#passkeys');
  let items;
  try {
    items = (await listPasskeys()).map(passkeyItem);
  } catch (error) {
    items = [textItem(error.message)];
  }
  list.replaceChildren(...(items.length > 0 ? items : [textItem('None yet. With one you sign in without a password.')]));
  list.setAttribute('aria-busy', 'false');
}

function textItem(text) {
  const item = document.createElement('li');
  item.textContent = text;
  return item;
}

function passkeyItem({ id, name, createdAt }) {
  const item = document.querySelector('#one-passkey').content.cloneNode(true);
  const since = `since ${dateText(createdAt)}`;
  item.querySelector('.name').textContent = name ?? 'A passkey';
  item.querySelector('.details').textContent = since;
  item.querySelector('.visually-hidden').textContent = ` ${name ?? 'a passkey'}, ${since}`;
  item.querySelector('button').addEventListener('click', () => attempt(async () => {
    await removePasskey(id);
    await showPasskeys();
    document.querySelector('#passkeys-heading').focus();
  }));
  return item;
}

async function showSessions(own) {
  const list = document.querySelector('#sessions');
  let items;
  try {
    const sessions = await dataOf(client.listSessions());
    items = sessions
      .sort((one, other) => (other.id === own.id) - (one.id === own.id) || other.updatedAt - one.updatedAt)
      .map((session) => itemOf(session, own));
  } catch (error) {
    const item = document.createElement('li');
    // Better Auth shows the list to those who have signed in within a day.
    item.textContent = error.code === 'SESSION_NOT_FRESH' ? 'Sign out and in again to see them.' : error.message;
    items = [item];
  }
  list.replaceChildren(...items);
  list.setAttribute('aria-busy', 'false');
}

function itemOf(session, own) {
  const item = document.querySelector('#session').content.cloneNode(true);
  const device = deviceOf(session.userAgent ?? '');
  const button = item.querySelector('button');
  item.querySelector('.device').textContent = device;
  item.querySelector('.details').textContent =
    [session.ipAddress, `since ${dateText(session.createdAt)}`].filter(Boolean).join(', ');
  item.querySelector('.visually-hidden').textContent = ` ${device}, since ${dateText(session.createdAt)}`;
  const isOwn = session.id === own.id;
  item.querySelector('.badge').hidden = !isOwn;
  button.hidden = isOwn; // the header's button is for that
  button.addEventListener('click', () => attempt(async () => {
    await dataOf(client.revokeSession({ token: session.token }));
    await showSessions(own);
    document.querySelector('#sessions-heading').focus();
  }));
  return item;
}

const BROWSERS = { Edg: 'Edge', OPR: 'Opera', Firefox: 'Firefox', Chrome: 'Chrome', Safari: 'Safari' };
const SYSTEMS = {
  iPhone: 'iPhone',
  iPad: 'iPad',
  Android: 'Android',
  Windows: 'Windows',
  'Mac OS': 'macOS',
  Linux: 'Linux',
};

/** "Firefox on Linux", as well as the header tells. */
function deviceOf(userAgent) {
  const find = (names) => Object.entries(names).find(([sign]) => userAgent.includes(sign))?.[1];
  return [find(BROWSERS) ?? 'A program', find(SYSTEMS)].filter(Boolean).join(' on ');
}
