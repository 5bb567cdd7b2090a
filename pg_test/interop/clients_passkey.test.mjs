// better-auth/client with its plugin for passkeys, through every way in. The browser's WebAuthn is one in software.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PASSWORD, freshEmail } from '../server/lib.mjs';
import { Passkey, b64 } from './authenticator.mjs';
import { WAYS, done, site } from './clients.mjs';

process.env.NODE_ENV = 'production'; // Better Auth reads it when it is imported
const { createAuthClient } = await import('better-auth/client');
const { passkeyClient } = await import('@better-auth/passkey/client');

const options = {
  settings: { plugins: 'passkey' },
  sql: () => `SET better_auth.plugins = 'passkey'; SELECT better_auth.migrate()`,
};

/** `navigator.credentials` of a device that has what was made on it. */
class Device {
  passkeys = [];

  constructor(origin) {
    this.origin = origin;
  }

  #credential({ id, response, ...rest }, more) {
    const bytes = Object.fromEntries(Object.entries(response).map(([name, value]) => [name, typeof value === 'string' ? new Uint8Array(Buffer.from(value, 'base64url')).buffer : value]));
    return {
      ...rest,
      id,
      rawId: new Uint8Array(Buffer.from(id, 'base64url')).buffer,
      response: { ...bytes, ...more(response) },
      getClientExtensionResults: () => ({}),
    };
  }

  create = async ({ publicKey }) => {
    const known = publicKey.excludeCredentials.map(({ id }) => b64(id));
    if (this.passkeys.some(({ credentialId }) => known.includes(credentialId))) throw Object.assign(new Error('there already'), { name: 'InvalidStateError' });
    const passkey = new Passkey({ rpId: publicKey.rp.id, origin: this.origin, handle: b64(publicKey.user.id) });
    this.passkeys.push(passkey);
    const made = passkey.register(b64(publicKey.challenge));
    return this.#credential(made, ({ transports }) => ({ getTransports: () => transports, transports: undefined }));
  };

  get = async ({ publicKey }) => {
    const wanted = publicKey.allowCredentials?.map(({ id }) => b64(id));
    const passkey = this.passkeys.findLast(({ credentialId }) => !wanted?.length || wanted.includes(credentialId));
    return this.#credential(passkey.authenticate(b64(publicKey.challenge), { userHandle: passkey.handle }), () => ({}));
  };
}

for (const [way, start] of Object.entries(WAYS)) {
  describe(way, () => {
    test('registered, used without a name, named, deleted', async (t) => {
      const app = await site(t, start, options);
      const device = new Device(new URL(app.url).origin);
      globalThis.PublicKeyCredential = class {};
      Object.defineProperty(globalThis, 'navigator', { value: { credentials: device }, configurable: true });
      const browser = app.browser();
      const auth = createAuthClient({ baseURL: app.url, plugins: [passkeyClient()], fetchOptions: { customFetchImpl: browser.fetch } });
      const user = { email: freshEmail(), password: PASSWORD };
      await done(auth.signUp.email({ ...user, name: 'Ada' }));
      const made = await done(auth.passkey.addPasskey({ name: 'laptop' }));
      assert.deepEqual([made.name, made.transports, made.deviceType], ['laptop', 'internal,hybrid', 'singleDevice']);
      assert.equal((await auth.passkey.addPasskey({})).error.code, 'ERROR_AUTHENTICATOR_PREVIOUSLY_REGISTERED');

      await done(auth.signOut());
      assert.equal(await done(auth.getSession()), null);
      assert.equal((await done(auth.signIn.passkey())).user.email, user.email);
      assert.equal((await done(auth.getSession())).user.email, user.email);
      assert.equal((await done(auth.passkey.updatePasskey({ id: made.id, name: 'phone' }))).passkey.name, 'phone');
      const list = await done(auth.$fetch('/passkey/list-user-passkeys'));
      assert.deepEqual(list.map(({ id, name }) => [id, name]), [[made.id, 'phone']]);
      await done(auth.passkey.deletePasskey({ id: made.id }));
      await done(auth.signOut());
      assert.equal((await auth.signIn.passkey()).error.code, 'PASSKEY_NOT_FOUND');
    });
  });
}
