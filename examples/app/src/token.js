// The bridge token: kept in this variable and nowhere else, renewed before it expires.

import { Failure, failureOf } from './auth.js';
import { checkSession, isMine } from './session.js';

let current; // {token, renewAt}
let pending; // the request for a new one

/** fetch() with the token. A token that is refused, as after a change of the secret, is renewed once. */
export async function fetchWithToken(url, options = {}) {
  for (let isFirst = true; ; isFirst = false) {
    const token = await getToken();
    const headers = new Headers(options.headers);
    headers.set('authorization', `Bearer ${token}`);
    const response = await fetch(url, { ...options, headers, credentials: 'omit' });
    if (response.status !== 401 || !isFirst) return response;
    if (current?.token === token) current = undefined;
  }
}

async function getToken() {
  if (current && Date.now() < current.renewAt) return current.token;
  pending ??= renew().finally(() => { pending = undefined; });
  return (await pending).token;
}

async function renew() {
  const response = await fetch('/api/insforge-token');
  if (response.status === 401) {
    checkSession();
    throw new Failure('You are no longer signed in.');
  }
  if (!response.ok) throw failureOf({}, response.status);
  const { token } = await response.json();
  const { sub, iat, exp } = JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')));
  if (!isMine(sub)) {
    checkSession(); // another tab has signed somebody else in
    throw new Failure('Somebody else is signed in by now.');
  }
  // A fifth of its life before it ends, a minute at most. Counted from now: this device's clock may be wrong.
  const lifetime = exp - iat;
  current = { token, renewAt: Date.now() + (lifetime - Math.min(60, lifetime / 5)) * 1000 };
  return current;
}
