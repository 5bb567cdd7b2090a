// A sign-in with PostgREST alone: the browser gets an id token from the provider, and the database verifies it. No cookie
// is set: the session's token is in a variable of this page, and gone with it.

import { Failure, failureOf } from '../auth.js';
import { attempt } from '../messages.js';
import { providers } from '../providers.js';
import { watchSession } from '../session.js';

const KEPT = 'id-token'; // in sessionStorage: what the sign-in was begun with

const find = (selector) => document.querySelector(selector);

export function idToken() {
  watchSession();
  for (const provider of providers.filter(({ idTokens }) => idTokens)) {
    const button = document.createElement('button');
    Object.assign(button, { type: 'button', textContent: `Ask ${provider.name} for an id token` });
    button.addEventListener('click', () => leaveFor(provider));
    find('#providers').append(button);
  }
  const answer = new URLSearchParams(location.hash.slice(1));
  if (answer.size === 0) return;
  history.replaceState(null, '', location.pathname); // the token isn't to stay in the address
  attempt(() => signIn(answer));
}

/** OpenID Connect's implicit flow, with nothing but an id token. */
function leaveFor({ id, idTokens: { url, clientId } }) {
  const random = () => crypto.randomUUID().replaceAll('-', '');
  const begun = { provider: id, nonce: random(), state: random() };
  sessionStorage.setItem(KEPT, JSON.stringify(begun));
  location.href = `${url}?${new URLSearchParams({
    response_type: 'id_token',
    response_mode: 'fragment',
    client_id: clientId,
    redirect_uri: `${location.origin}/id-token`,
    scope: 'openid email profile',
    nonce: begun.nonce,
    state: begun.state,
  })}`;
}

async function signIn(answer) {
  const begun = JSON.parse(sessionStorage.getItem(KEPT) ?? 'null');
  sessionStorage.removeItem(KEPT);
  if (!begun || answer.get('state') !== begun.state) throw new Failure('This sign-in was not begun here. Try again.');
  if (!answer.get('id_token')) throw new Failure('The provider gave no id token.');
  const { provider, nonce } = begun;
  const { token: session_token, user } = await call('sign_in_social', { provider, id_token: answer.get('id_token'), nonce });
  const { token } = await call('bridge_token', { session_token });
  const posts = await rest('/rest/posts?select=title&order=id.desc', { headers: { authorization: `Bearer ${token}` } });
  const result = find('#result');
  result.querySelector('h2').textContent = `Hello, ${user.name}`;
  find('#posts').textContent = posts.length === 0 ? 'You have no posts.' : `Your posts: ${posts.map(({ title }) => title).join(', ')}.`;
  result.querySelector('button').addEventListener('click', () => attempt(async () => {
    await call('sign_out', { session_token });
    result.hidden = true;
  }));
  result.hidden = false;
}

const call = (name, args) =>
  rest(`/rest/rpc/${name}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(args) });

async function rest(url, options) {
  const response = await fetch(url, { ...options, credentials: 'omit' }).catch(() => { throw failureOf({}); });
  const data = await response.json().catch(() => ({}));
  if (!response.ok) throw failureOf(data, response.status);
  return data;
}
