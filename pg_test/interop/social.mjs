// Sides with a provider of their own (provider.mjs), and the steps that are no requests: what browsers do there, and what
// tests decide on.

import assert from 'node:assert/strict';
import { genericOAuth } from 'better-auth/plugins/generic-oauth';
import { PUBLIC_KEYS, merge } from './http.mjs';
import { CLIENT, ISSUER, Provider, appleSecret, publicKeys, within } from './provider.mjs';

for (const [kid, jwk] of publicKeys()) PUBLIC_KEYS.set(kid, jwk);

const APPLE_SECRET = await appleSecret(CLIENT.id);
export const DISCOVERY = `${ISSUER}/.well-known/openid-configuration`;
export const BUILT_IN = ['google', 'github', 'apple', 'microsoft', 'discord'];

/** A group's providers, `{id: options}` by Better Auth's names, with the client that the provider knows. */
const complete = (providers) =>
  Object.entries(providers).map(([id, options]) => {
    const { clientId = CLIENT.id, clientSecret = id === 'apple' ? APPLE_SECRET : CLIENT.secret, ...rest } = options;
    return { id, clientId, clientSecret: clientSecret ?? undefined, ...rest };
  });

/** Better Auth's options for them. */
export function realProviders(providers) {
  const all = complete(providers);
  const builtIn = all.filter(({ id }) => BUILT_IN.includes(id)).map(({ id, ...options }) => [id, options]);
  const generic = all.filter(({ id }) => !BUILT_IN.includes(id)).map(({ id: providerId, ...options }) => ({ providerId, ...options }));
  return { socialProviders: Object.fromEntries(builtIn), plugins: generic.length > 0 ? [genericOAuth({ config: generic })] : [] };
}

/** The same for ours, in place of those that were there. */
export async function setUp(database, providers) {
  await database.sql('DELETE FROM better_auth.oauth_provider');
  for (const { id, clientId, clientSecret, ...options } of complete(providers)) {
    const [first, ...others] = [clientId].flat();
    const all = others.length > 0 ? { ...options, clientId } : options;
    await database.sql('SELECT better_auth.set_oauth_provider($1, $2, $3, $4)', [id, first, clientSecret, JSON.stringify(all)]);
  }
}

/** Both sides, each with a provider of its own. A side is `[database, make]`. */
export async function reaching(providers, options, ...sides) {
  const all = (send) => {
    const [own, real] = [options(send), realProviders(providers)];
    return { ...merge(own, real), plugins: [...(own.plugins ?? []), ...real.plugins] };
  };
  return Promise.all(
    sides.map(async ([database, make]) => {
      const provider = new Provider();
      const side = within(provider, () => make(database, all));
      side.provider = provider;
      if (side.auth) {
        const { fetch } = side;
        side.fetch = (request) => within(provider, () => fetch(request));
        side.begin = () => provider.reset();
      } else {
        await setUp(database, providers);
        side.begin = async () => {
          provider.reset();
          await database.sql('DELETE FROM better_auth.provider_key');
        };
      }
      return side;
    }),
  );
}

// ── Steps ────────────────────────────────────────────────────────────────────────────────────────

/** What the provider is told: a person, `{email: …}`, or a function of it. */
export const has = (change) => ({ side: { provider } }) => {
  if (typeof change === 'function') return change(provider);
  provider.person = Object.fromEntries(Object.entries({ ...provider.person, ...change }).filter(([, value]) => value !== undefined));
};

/** An endpoint answers something else: see Provider.tells. */
export const tells = (endpoint, answer) => has((provider) => provider.tells(endpoint, answer));

/** An id token, known by that name. `options` are those of Provider.mint, or a function of the provider. */
export const mints = (site, options = {}, name = 'idToken') => async ({ side: { provider }, client }) => {
  client.known[name] = await provider.mint(site, typeof options === 'function' ? options(provider) : options);
};

const addressOf = ({ headers, body }) => headers.find(([name]) => name === 'location')?.[1] ?? JSON.parse(body).url;

/** The browser goes where the last answer leads, and agrees there: `state`, `code` and `fields` are known from here on. */
export const agrees = (options) => async ({ side, client }) => {
  const address = addressOf(client.last);
  assert.ok(address, `${side.name} leads nowhere: ${client.last.status} ${client.last.body}`);
  const { state, code, location, form } = await side.provider.authorize(address, options);
  client.known.state = state;
  if (code) client.known.code = code;
  client.known.location = location;
  client.known.fields = form?.fields;
};

/** The browser is sent on by the last answer: `{{location}}`. */
export const sentOn = ({ client }) => {
  client.known.location = addressOf(client.last);
};

/** The id of the account at a provider, `{{account}}`. */
export const account = (providerId, name = 'account') => async ({ side: { database }, client }) => {
  client.known[name] = await database.value('SELECT id FROM account WHERE "providerId" = $1 ORDER BY "createdAt" DESC LIMIT 1', [providerId]);
};

/** What is kept of the sign-in that has begun becomes what `change` makes of it, or goes by `{name: undefined}`. */
export const keptState = (change) => async ({ side: { database } }) => {
  const [{ id, value }] = await database.sql(`SELECT id, value FROM verification WHERE identifier LIKE 'auth-state:%'`);
  const kept = JSON.parse(value);
  const changed = typeof change === 'function' ? change(kept) : { ...kept, ...change };
  await database.sql('UPDATE verification SET value = $1 WHERE id = $2', [JSON.stringify(changed), id]);
};
