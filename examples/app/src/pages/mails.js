import { showTime } from '../dates.js';
import { watchSession } from '../session.js';

const SUBJECTS = {
  'reset-password': 'Choose a new password',
  'organization-invitation': 'You are invited to an organization',
};
// The pages that mails lead to whose link no setting knows: better_auth.organization_invitation_url would.
const PAGES = { 'organization-invitation': '/invitation?id=' };
const EVERY = 2_000; // milliseconds

/** The demo's mails, as the server's worker collects them. */
export function mails() {
  watchSession();
  const list = document.querySelector('#mails');
  const shown = new Set();
  const show = async () => {
    if (document.hidden) return;
    const response = await fetch('/demo/mails').catch(() => null);
    if (!response?.ok) return;
    const fresh = (await response.json()).filter(({ id }) => !shown.has(id));
    for (const { id } of fresh) shown.add(id);
    list.prepend(...fresh.map(itemOf));
    document.querySelector('#empty').hidden = shown.size > 0;
  };
  show();
  setInterval(show, EVERY);
}

function itemOf({ kind, recipient, url: given, at }) {
  const url = kind in PAGES && !/^https?:/.test(given) ? `${location.origin}${PAGES[kind]}${encodeURIComponent(given)}` : given;
  const item = document.querySelector('#mail').content.cloneNode(true);
  const link = item.querySelector('a');
  item.querySelector('h2').textContent = SUBJECTS[kind] ?? kind;
  item.querySelector('.recipient').textContent = recipient;
  showTime(item.querySelector('time'), at);
  link.textContent = url;
  if (/^https?:/.test(url)) link.href = url;
  return item;
}
