// "Continue with Google", by Better Auth's client: the providers are those that the server was told of.

import { client, dataOf, Failure } from './auth.js';
import { attempt } from './messages.js';
import { nextPath } from './session.js';

/** `{id, name, idTokens?}` of each. */
export const providers = JSON.parse(document.body.dataset.providers);

/** What a provider's callback came back with. */
const ERRORS = {
  access_denied: 'You have not agreed.',
  account_not_linked: 'There is an account with this email already. Sign in to it as you did before.',
  email_not_found: 'The provider doesn’t tell your email.',
  state_mismatch: 'This took too long, or was begun in another browser. Try again.',
};

/** A button for each, and what went wrong where the browser has been there. */
export function offerProviders(place) {
  place.hidden = providers.length === 0;
  document.querySelector('#by-id-token').hidden = !providers.some(({ idTokens }) => idTokens);
  for (const { id, name } of providers) {
    const button = document.createElement('button');
    Object.assign(button, { type: 'button', className: 'quiet', textContent: `Continue with ${name}` });
    button.addEventListener('click', () => attempt(() => leaveFor(id)));
    place.append(button);
  }
  const query = new URLSearchParams(location.search);
  const error = query.get('error');
  if (!error) return;
  query.delete('error');
  query.delete('error_description');
  history.replaceState(null, '', `${location.pathname}${query.size > 0 ? `?${query}` : ''}`); // once is enough
  attempt(() => {
    const known = Object.hasOwn(ERRORS, error);
    throw new Failure(known ? ERRORS[error] : 'The provider could not sign you in. Try again, or another way.');
  });
}

/** The client itself sends the browser there. */
const leaveFor = (provider) =>
  dataOf(client.signIn.social({ provider, callbackURL: nextPath(), errorCallbackURL: `/sign-in${location.search}` }));
