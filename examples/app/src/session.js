// Who is signed in: shown in the header of every page, and noticed when it changes, also in another tab.

import { client, dataOf, failureOf } from './auth.js';
import { attempt } from './messages.js';

const main = document.querySelector('main');

let user; // whose page this is, once it is known; null for nobody
let isLeaving = false;

/** Where one may go on to. */
const PAGES = ['/', '/posts', '/board', '/invitation'];

const REASONS = {
  'needed': 'Sign in to see this page.',
  'ended': 'You are no longer signed in here. Sign in to go on.',
  'signed-out': 'You are signed out.',
  'everywhere': 'You are signed out everywhere.',
  'again': 'Too much time has passed, or too many codes were wrong. Begin again with your password.',
  'new-password': 'Your new password is set. Sign in with it.',
};

/**
 * Calls `onUser({user, session})` or `onGuest()` once that is known, and `onUser` again when something of it changes.
 * Better Auth's client asks again when the page is shown, is online again, or another tab signs out.
 */
export function watchSession({ onUser, onGuest } = {}) {
  document.querySelector('[data-sign-out]').addEventListener('click', () => attempt(signOut));
  const unknown = document.querySelector('#unknown');
  unknown.querySelector('button').addEventListener('click', checkSession);
  client.useSession.subscribe(({ data, error, isPending, isRefetching }) => {
    if (isPending || isRefetching || isLeaving) return;
    unknown.hidden = !error || user !== undefined;
    if (error) {
      unknown.querySelector('[role=alert]').textContent = failureOf(error, error.status).message;
      return;
    }
    const before = user;
    user = data?.user ?? null;
    if (before === undefined) {
      const who = user ? 'user' : 'guest';
      for (const part of document.querySelectorAll('[data-for]')) part.hidden = part.dataset.for !== who;
    } else if (before?.id !== user?.id) {
      // Somebody else by now, or nobody.
      return before && !user ? goToSignIn('ended') : reload();
    }
    if (user) onUser?.(data);
    else if (before === undefined) onGuest?.();
  });
}

/** Asks who is signed in, as when a token was refused. */
export const checkSession = () => client.useSession.get().refetch();

/** Whether that is whom this page is for. */
export const isMine = (userId) => user?.id === userId;

async function signOut() {
  await dataOf(client.signOut());
  goToSignIn('signed-out');
}

export async function signOutEverywhere() {
  isLeaving = true; // it is no surprise that the session ends
  try {
    await dataOf(client.revokeSessions());
    await dataOf(client.signOut()); // the cookie, and the other tabs
  } catch (error) {
    isLeaving = false;
    throw error;
  }
  goToSignIn('everywhere');
}

/** Leaves for the sign-in page, which says why, and comes back here after it. */
export function goToSignIn(reason) {
  isLeaving = true;
  forgetPage();
  const { pathname, search } = location;
  const next = pathname === '/second-factor' ? new URLSearchParams(search).get('next') : `${pathname}${search}`;
  const query = new URLSearchParams({ reason, ...(next === null ? {} : { next }) });
  location.replace(`/sign-in?${query}`);
}

/** The reason that goToSignIn() was given. */
export function showReason() {
  const reason = new URLSearchParams(location.search).get('reason');
  if (Object.hasOwn(REASONS, reason ?? '')) document.querySelector('#reason').textContent = REASONS[reason];
}

/** To where the sign-in page was asked from: pages of this application alone. */
export function goOn() {
  isLeaving = true;
  location.replace(nextPath());
}

/** Where goOn() leads. */
export function nextPath() {
  const next = nextPage();
  return next && PAGES.includes(next.pathname) ? `${next.pathname}${next.search}` : '/posts';
}

/** What `next` names, where that is of this origin. */
function nextPage() {
  try {
    const next = new URL(new URLSearchParams(location.search).get('next'), location.origin);
    return next.origin === location.origin ? next : undefined;
  } catch {
    return undefined;
  }
}

/** Has links to the sign-in and sign-up pages come back here, or to where the page was asked from. */
export function keepNext(next = new URLSearchParams(location.search).get('next')) {
  if (next === null) return;
  for (const link of main.querySelectorAll('a[href="/sign-in"], a[href="/sign-up"]')) {
    link.search = new URLSearchParams({ next });
  }
}

function reload() {
  isLeaving = true;
  forgetPage();
  location.reload();
}

const forgetPage = () => main.replaceChildren();

// Browsers keep whole pages for their back button: what they keep shows nothing, and is made anew when it is shown.
addEventListener('pagehide', (event) => { if (event.persisted) forgetPage(); });
addEventListener('pageshow', (event) => { if (event.persisted) reload(); });
