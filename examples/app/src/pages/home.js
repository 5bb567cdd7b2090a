import { client, dataOf } from '../auth.js';
import { dateText } from '../dates.js';
import { attempt } from '../messages.js';
import { signOutEverywhere, watchSession } from '../session.js';

const set = (id, text) => { document.getElementById(id).textContent = text; };

export function home() {
  document.querySelector('#everywhere').addEventListener('click', () => attempt(signOutEverywhere));
  watchSession({
    onUser({ user, session }) {
      set('name', user.name);
      set('email', user.email);
      set('since', dateText(user.createdAt));
      set('until', dateText(session.expiresAt));
      showSessions(session);
    },
  });
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
