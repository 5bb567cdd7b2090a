// The plugin oauth-proxy between two servers: one is the real Better Auth, the other ours, each in either part.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { oAuthProxy } from 'better-auth/plugins';
import { Client, GET, ID, POST, SHARED_SECRET, TOKEN, ourDatabase, ourSide, play, realDatabase, realSide } from './http.mjs';
import { BASE_URL } from './lib.mjs';
import { PERSON } from './provider.mjs';
import { DISCOVERY, reaching } from './social.mjs';

// Both play either part: the preview's address counts where one begins, that of production where the provider leads.
const PREVIEW = 'http://preview.example';
const SITES = ['google', 'github', 'apple', 'microsoft', 'discord', 'example'];
const PROVIDERS = { ...Object.fromEntries(SITES.map((site) => [site, {}])), example: { discoveryUrl: DISCOVERY, scopes: ['email', 'profile'] } };
const PLACES = { currentURL: PREVIEW, productionURL: BASE_URL };

const mine = await ourDatabase({ plugins: 'oauth-proxy' });
const theirs = await realDatabase();

async function both(secret) {
  await mine.configure({ base_url: BASE_URL, rate_limit: 'off', plugins: 'oauth-proxy', oauth_proxy_current_url: PREVIEW, oauth_proxy_production_url: BASE_URL });
  await mine.sql(secret ? `SELECT better_auth.set_secret('oauth_proxy', '${secret}')` : `DELETE FROM better_auth.signing_secret WHERE name = 'oauth_proxy'`);
  return reaching(PROVIDERS, () => ({ plugins: [oAuthProxy({ ...PLACES, ...(secret && { secret }) })] }), [theirs, realSide], [mine, ourSide]);
}

/** A browser goes the whole way: what each server has answered, and the account that the preview has now. */
async function through(preview, production, site, begin) {
  for (const side of [preview, production]) await play(side, []);
  const [here, there] = [new Client(), new Client()];
  await here.ask(preview, begin(here));
  const { url } = JSON.parse(here.last.body);
  const { code, state, form } = await production.provider.authorize(url);
  const path = `/callback/${site}`;
  if (form) {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    await there.ask(production, { ...POST(path), raw: String(new URLSearchParams(form.fields)), headers });
  } else {
    await there.ask(production, GET(`${path}?${new URLSearchParams({ code, state })}`));
  }
  const [[, location]] = there.last.headers.filter(([name]) => name === 'location');
  assert.ok(location.startsWith(`${PREVIEW}/api/auth/callback/${site}/oauth-proxy?callbackURL=%2F`), location);
  assert.deepEqual(there.last.setCookies, []);
  await here.ask(preview, { method: 'GET', url: location, jar: true });
  const { status, headers } = here.last;
  const ended = [status, headers.find(([name]) => name === 'location')?.[1]];
  const session = JSON.parse((await here.ask(preview, GET('/get-session', { jar: true }))).body);
  // What has come by counts once.
  await new Client().ask(preview, { method: 'GET', url: location }).then((again) => {
    assert.deepEqual(again.headers.find(([name]) => name === 'location')[1], '/oops?error=state_mismatch');
    assert.deepEqual(again.setCookies, []);
  });
  const asked = preview.provider.asked.filter(({ endpoint }) => !['discovery', 'jwks'].includes(endpoint));
  assert.deepEqual(asked, [], 'the preview asks nobody');
  assert.equal(await production.database.value(`SELECT count(*)::int FROM "user" WHERE email NOT LIKE '%@example.com'`), 0);
  const [account] = await preview.database.sql(
    `SELECT "accountId", "accessToken", "refreshToken", "idToken" IS NOT NULL AS "hasIdToken", scope, "userId",
            round(extract(epoch FROM "accessTokenExpiresAt" - now()) / 60)::int AS minutes
     FROM account WHERE "providerId" = $1 ORDER BY "createdAt" DESC LIMIT 1`,
    [site],
  );
  return { ended, session, account };
}

const signIn = (site) => () => POST('/sign-in/social', { provider: site, callbackURL: '/welcome', newUserCallbackURL: '/hello', errorCallbackURL: '/oops', disableRedirect: true });
const link = (site) => (client) => {
  client.known['vera.token'] = TOKEN.vera;
  return POST('/link-social', { provider: site, callbackURL: '/linked', errorCallbackURL: '/oops', disableRedirect: true }, { by: 'vera' });
};

for (const [secret, name] of [[undefined, 'of one cookie secret'], [SHARED_SECRET, 'that share a secret']]) {
  describe(`two servers ${name}`, () => {
    let sides;
    before(async () => { sides = await both(secret); });
    /** Ours by way of the real one, and the other way round. */
    const eachWay = async (work) => {
      const [real, ours] = sides;
      return [await work(ours, real), await work(real, ours)];
    };

    for (const site of secret ? ['google'] : SITES) {
      test(`${site}: sign-in`, async () => {
        const accounts = await eachWay(async (preview, production) => {
          const { ended, session, account } = await through(preview, production, site, signIn(site));
          assert.deepEqual(ended, [302, '/hello'], preview.name);
          assert.equal(session.user.email, PERSON.email);
          const { userId, ...rest } = account;
          assert.equal(userId, session.user.id);
          assert.match(rest.accessToken, new RegExp(`^${site}-access-`));
          return rest;
        });
        assert.deepEqual(accounts[0], accounts[1]);
      });
    }

    test('google: link', async () => {
      await eachWay(async (preview, production) => {
        const { ended, account } = await through(preview, production, 'google', (client) => {
          production.provider.person = { ...PERSON, email: 'vera@example.com' };
          return link('google')(client);
        });
        assert.deepEqual(ended, [302, '/linked'], preview.name);
        assert.equal(account.userId, ID.vera);
      });
    });

    test('a state of another secret is none', async () => {
      await eachWay(async (preview, production) => {
        await play(preview, []);
        const here = new Client();
        await here.ask(preview, signIn('google')());
        const state = new URL(JSON.parse(here.last.body).url).searchParams.get('state');
        const there = new Client();
        await there.ask(production, GET(`/callback/google?code=x&state=${state.replace(/.$/, (last) => (last === '0' ? '1' : '0'))}`));
        assert.deepEqual(there.last.headers.find(([header]) => header === 'location')[1], `${BASE_URL}/api/auth/error?error=state_mismatch`);
      });
    });
  });
}
