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

export async function signInByPasskey() {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await get('generate-authenticate-options'));
  const response = await fromBrowser(navigator.credentials.get({ publicKey }));
  return post('verify-authentication', { response });
}
