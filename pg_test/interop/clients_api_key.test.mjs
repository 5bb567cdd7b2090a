// better-auth/client with the plugin for API keys, through every way in.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiKeyClient } from '@better-auth/api-key/client';
import { PASSWORD, freshEmail } from '../server/lib.mjs';
import { WAYS, done, refused, site } from './clients.mjs';

process.env.NODE_ENV = 'production'; // Better Auth reads it when it is imported
const { createAuthClient } = await import('better-auth/client');

const OPTIONS = { settings: { plugins: 'api-key', api_key_enable_metadata: 'on' }, sql: () => `SET better_auth.plugins = 'api-key'; SELECT better_auth.migrate()` };

for (const [way, start] of Object.entries(WAYS)) {
  test(`${way}: keys are made, looked at, changed and deleted`, async (t) => {
    const app = await site(t, start, OPTIONS);
    const browser = app.browser();
    const auth = createAuthClient({ baseURL: app.url, plugins: [apiKeyClient()], fetchOptions: { customFetchImpl: browser.fetch } });
    await refused(auth.apiKey.create({ name: 'CI' }), 401, 'UNAUTHORIZED_SESSION');
    await done(auth.signUp.email({ email: freshEmail(), password: PASSWORD, name: 'Ada' }));
    const made = await done(auth.apiKey.create({ name: 'CI', prefix: 'ci_', expiresIn: 7 * 86_400, metadata: { a: 1 } }));
    assert.match(made.key, /^ci_[A-Za-z]{64}$/);
    assert.deepEqual([made.name, made.start, made.metadata], ['CI', made.key.slice(0, 6), { a: 1 }]);
    const seen = await done(auth.apiKey.get({ query: { id: made.id } }));
    assert.deepEqual([seen.id, seen.key, seen.metadata], [made.id, undefined, { a: 1 }]);
    assert.equal((await done(auth.apiKey.update({ keyId: made.id, name: 'CD', enabled: false }))).name, 'CD');
    await refused(auth.apiKey.update({ keyId: made.id, remaining: 5 }), 400, 'SERVER_ONLY_PROPERTY');
    const { apiKeys, total } = await done(auth.apiKey.list({ query: { limit: 10 } }));
    assert.deepEqual([apiKeys.map(({ name, enabled }) => [name, enabled]), total], [[['CD', false]], 1]);
    assert.deepEqual(await done(auth.apiKey.delete({ keyId: made.id })), { success: true });
    await refused(auth.apiKey.get({ query: { id: made.id } }), 404, 'KEY_NOT_FOUND');
  });
}

