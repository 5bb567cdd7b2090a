// Two servers, one database, one secret, one provider: a sign-in that begins on the real Better Auth ends on ours, and the
// reverse, and what one keeps of a provider's tokens the other reads.

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { Client, GET, POST, merge, ourDatabase, ourSide, realSide } from './http.mjs';
import { BASE_URL, PASSWORD } from './lib.mjs';
import { Provider, within } from './provider.mjs';
import { PROVIDERS, SITES, link, posted, start } from './requests/social/common.mjs';
import { agrees, realProviders, sentOn, setUp } from './social.mjs';

const database = await ourDatabase();
const provider = new Provider();
await setUp(database, PROVIDERS);

/** Both sides on the one database. */
async function open() {
  await database.configure({ base_url: BASE_URL, password_hash: 'scrypt', rate_limit: 'off', encrypt_oauth_tokens: 'on' });
  const options = () => merge(realProviders(PROVIDERS), { account: { encryptOAuthTokens: true }, emailAndPassword: { password: undefined } });
  const real = within(provider, () => realSide(database, options));
  const { fetch } = real;
  real.fetch = (request) => within(provider, () => fetch(request));
  const ours = Object.assign(ourSide(database, options), { provider });
  real.provider = provider;
  return { 'ours, then Better Auth': [ours, real], 'Better Auth, then ours': [real, ours] };
}

/** A browser: `on(side, ...steps)` takes the steps there; the last answer. */
function browser() {
  const client = new Client();
  return async (side, ...steps) => {
    for (const step of steps.flat()) await (typeof step === 'function' ? step({ side, client }) : client.ask(side, { jar: true, ...step }));
    return client.last;
  };
}
const back = (site) =>
  site === 'apple' ? [{ ...posted('apple'), jar: undefined }, sentOn, { method: 'GET', url: '{{location}}' }] : GET(`/callback/${site}?code={{code}}&state={{state}}`);
const location = ({ headers }) => headers.find(([name]) => name === 'location')?.[1];
const emailOf = (answer) => JSON.parse(answer.body)?.user.email;
const accounts = () => database.sql('SELECT * FROM account ORDER BY "createdAt"');

beforeEach(async () => {
  provider.reset();
  await database.sql('DELETE FROM "user"; DELETE FROM verification');
});

for (const [direction, [first, second]] of Object.entries(await open())) {
  describe(direction, () => {
    for (const site of SITES) {
      test(`${site}: a sign-in`, async () => {
        const on = browser();
        await on(first, start(site), agrees());
        assert.equal(location(await on(second, back(site))), '/hello');
        for (const side of [first, second]) assert.equal(emailOf(await on(side, GET('/get-session'))), 'nora@example.org');
        // Once more, the other way round: the same account.
        await on(second, start(site), agrees());
        assert.equal(location(await on(first, back(site))), '/welcome');
        assert.deepEqual((await accounts()).map(({ providerId }) => providerId), [site]);
      });
    }

    test('a state is used up for both', async () => {
      const on = browser();
      await on(first, start('google'), agrees());
      await on(first, back('google'));
      assert.equal(location(await on(second, back('google'))), `${BASE_URL}/api/auth/error?error=state_mismatch`);
    });

    test('a state is another browser’s for both', async () => {
      const on = browser();
      await on(first, start('google'), agrees(), ({ client }) => { client.jar = {}; });
      assert.equal(location(await on(second, back('google'))), '/oops?error=state_mismatch');
    });

    const signUp = POST('/sign-up/email', { email: 'nora@example.org', password: PASSWORD, name: 'Nora' });
    const linking = { ...link('google'), by: undefined };
    test('an account is linked', async () => {
      const on = browser();
      await on(first, signUp, linking, agrees());
      assert.equal(location(await on(second, back('google'))), '/linked');
      assert.deepEqual((await accounts()).map(({ providerId }) => providerId), ['credential', 'google']);
    });

    test('an account isn’t linked by a session that has ended', async () => {
      const on = browser();
      await on(first, signUp, linking, agrees(), POST('/sign-out'));
      assert.equal(location(await on(second, back('google'))), '/oops?error=unable_to_link_account');
      assert.deepEqual((await accounts()).map(({ providerId }) => providerId), ['credential']);
    });

    test('encrypted tokens are read, and renewed', async () => {
      const on = browser();
      await on(first, start('google'), agrees(), back('google'));
      const [{ id: accountId, accessToken }] = await accounts();
      assert.match(accessToken, /^[0-9a-f]{80,}$/);
      const token = async (side, path) => JSON.parse((await on(side, POST(path, { accountId }))).body).accessToken;
      assert.equal(await token(second, '/get-access-token'), 'google-access-2');
      const renewed = await token(second, '/refresh-token');
      assert.notEqual(renewed, 'google-access-2');
      assert.equal(await token(first, '/get-access-token'), renewed);
      await database.sql(`UPDATE account SET "accessTokenExpiresAt" = now()`);
      const again = await token(first, '/get-access-token');
      assert.notEqual(again, renewed);
      assert.equal(await token(second, '/get-access-token'), again);
    });
  });
}
