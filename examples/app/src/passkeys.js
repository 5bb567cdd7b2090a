// Passkeys by what browsers have themselves. With a bundle of npm's it is `passkeyClient()` of @better-auth/passkey.

import { client, dataOf, Failure } from './auth.js';

/** Browsers since 2025 read and write the JSON of WebAuthn. */
export const arePossible = () => typeof globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON === 'function';

const post = (path, body) => dataOf(client.$fetch(`/passkey/${path}`, { method: 'POST', body }));
const get = (path) => dataOf(client.$fetch(`/passkey/${path}`));

/** What the browser answers, or what a page can show. */
async function fromBrowser(asked) {
  try {
    return (await asked).toJSON();
  } catch (error) {
    if (error.name === 'InvalidStateError') throw new Failure('This device has a passkey for your account already.');
    throw new Failure('No passkey was used.');
  }
}

export const listPasskeys = () => get('list-user-passkeys');
export const removePasskey = (id) => post('delete-passkey', { id });

export async function addPasskey(name) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(await get('generate-register-options'));
  const response = await fromBrowser(navigator.credentials.create({ publicKey }));
  return post('verify-registration', { response, name });
}

const wanted = async () => PublicKeyCredential.parseRequestOptionsFromJSON(await get('generate-authenticate-options'));

export async function signInByPasskey() {
  autofill?.abort(); // a browser asks one thing at a time
  const response = await fromBrowser(navigator.credentials.get({ publicKey: await wanted() }));
  return post('verify-authentication', { response });
}

let autofill; // ends the offer

/** Has the browser offer passkeys where it offers passwords; comes back when one has signed in, or never. */
export async function signInByAutofill() {
  if (!arePossible() || !await PublicKeyCredential.isConditionalMediationAvailable?.()) return new Promise(() => {});
  const publicKey = await wanted();
  autofill = new AbortController();
  const { signal } = autofill;
  const credential = await navigator.credentials.get({ publicKey, mediation: 'conditional', signal }).catch(() => null);
  if (!credential) return new Promise(() => {}); // another way was taken
  return post('verify-authentication', { response: credential.toJSON() });
}
