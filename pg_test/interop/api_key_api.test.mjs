// What HTTP doesn't reach of API keys, beside the real one's `auth.api`: both on one database, so that a key made there
// is used here and the other way round.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { apiKey } from '@better-auth/api-key';
import { organization } from 'better-auth/plugins';
import { ourDatabase, realSide } from './http.mjs';
import { BASE_URL } from './lib.mjs';

const database = await ourDatabase();
const CONFIGURATIONS = [
  { configId: 'default', enableMetadata: true },
  { configId: 'free', rateLimit: { enabled: false }, defaultPrefix: 'free_', disableKeyHashing: true },
  { configId: 'org', references: 'organization', permissions: { defaultPermissions: { files: ['read'] } } },
];
await database.configure({ base_url: BASE_URL, plugins: 'organization, api-key', api_key_configurations: JSON.stringify(CONFIGURATIONS) });
await database.sql('SELECT better_auth.migrate()');
const { auth } = realSide(database, () => ({ plugins: [organization(), apiKey(CONFIGURATIONS)] }));

const theirs = async (endpoint, body) => {
  try {
    return JSON.parse(JSON.stringify(await auth.api[endpoint]({ body })));
  } catch (error) {
    return { refused: error.body?.code };
  }
};
const ours = async (endpoint, body) => {
  try {
    return await database.value('SELECT better_auth.api($1, $2)', [endpoint, JSON.stringify({ body })]);
  } catch (error) {
    return { refused: error.detail };
  }
};
const SIDES = { 'ours, then Better Auth': [ours, theirs], 'Better Auth, then ours': [theirs, ours] };

const user = await database.value(`SELECT better_auth.sign_up_email('ada@example.com', 'correct horse battery', 'Ada')->'user'->>'id'`);
const ORG = 'organization2organization2organi';
await database.sql(`
  INSERT INTO organization (id, name, slug, "createdAt") VALUES ('${ORG}', 'Org', 'org', now());
  INSERT INTO member (id, "organizationId", "userId", role, "createdAt") VALUES ('m', '${ORG}', '${user}', 'owner', now())`);
const change = (id, set) => database.sql(`UPDATE apikey SET ${set} WHERE id = '${id}'`);
const rowOf = async (id) => (await database.sql(`SELECT * FROM apikey WHERE id = '${id}'`))[0];

/** Without what differs from key to key and from one moment to the next. */
const shown = (value) =>
  JSON.parse(JSON.stringify(value), (name, one) =>
    name === 'tryAgainIn' ? Math.round(one / 100_000) : ['id', 'key', 'start'].includes(name) && typeof one === 'string' ? `<${name}>` : /At$|lastRequest/.test(name) && typeof one === 'string' ? '<time>' : one);

for (const [name, [make, use]] of Object.entries(SIDES)) {
  describe(name, () => {
    const made = (body) => make('createApiKey', { userId: user, ...body });

    test('a key made there is used here', async () => {
      for (const configId of ['default', 'free']) {
        const { key, id } = await made({ configId, name: 'CI', remaining: 2, permissions: { files: ['read', 'write'] }, ...(configId === 'default' && { metadata: { a: { b: [1] } } }) });
        const first = await use('verifyApiKey', { key, configId, permissions: { files: ['write'] } });
        assert.deepEqual([first.valid, first.key.remaining, first.key.metadata], [true, 1, configId === 'default' ? { a: { b: [1] } } : null]);
        assert.equal((await make('verifyApiKey', { key, configId })).key.remaining, 0);
        assert.equal((await use('verifyApiKey', { key, configId })).error.code, 'USAGE_EXCEEDED');
        assert.equal(await rowOf(id), undefined);
      }
    });

    test('one is counted by both', async () => {
      const { key } = await made({ rateLimitMax: 4, rateLimitTimeWindow: 100_000_000 });
      for (let n = 0; n < 2; n += 1) for (const side of [make, use]) assert.equal((await side('verifyApiKey', { key })).valid, true);
      for (const side of [make, use]) assert.equal((await side('verifyApiKey', { key })).error.code, 'RATE_LIMITED');
    });

    test('changed and deleted there', async () => {
      const { key, id } = await made({});
      await use('updateApiKey', { userId: user, keyId: id, enabled: false });
      assert.equal((await make('verifyApiKey', { key })).error.code, 'KEY_DISABLED');
      await make('updateApiKey', { userId: user, keyId: id, enabled: true, refillAmount: 3, refillInterval: 1, remaining: 1 });
      await change(id, `"createdAt" = now() - interval '1 day', remaining = 0`);
      assert.equal((await use('verifyApiKey', { key })).key.remaining, 2);
    });

    test('an organization’s', async () => {
      const { key, permissions } = await make('createApiKey', { configId: 'org', organizationId: ORG, userId: user });
      assert.deepEqual(permissions, { files: ['read'] });
      assert.equal((await use('verifyApiKey', { key, permissions: { files: ['read'] } })).valid, true);
      assert.equal((await use('verifyApiKey', { key, configId: 'default' })).error.code, 'INVALID_API_KEY');
    });
  });
}

/** What each side answers, of a key of its own, and what its row is afterwards. */
async function same(body, set, asked) {
  const run = async (side) => {
    const made = await side('createApiKey', { userId: user, ...body });
    if (set) await change(made.id, set);
    const answers = [made];
    for (const one of asked) answers.push(await side('verifyApiKey', { key: made.key, ...one }));
    const row = made.id && (await rowOf(made.id));
    return shown([answers, row && { ...row, createdAt: 'x' }]);
  };
  // One after the other: making a key takes some away that have expired.
  const real = await run(theirs);
  assert.deepEqual(await run(ours), real);
}

describe('the same answers', () => {
  const often = (times, one = {}) => Array.from({ length: times }, () => one);
  for (const [name, [body, set, asked]] of Object.entries({
    'plain': [{}, null, often(2)],
    'named': [{ name: 'CI', prefix: 'ci_', metadata: { a: 1 } }, null, often(1)],
    'uses': [{ remaining: 2 }, null, often(4)],
    'no use': [{ remaining: 0 }, null, often(2)],
    'uses and a window': [{ remaining: 5, rateLimitMax: 1, rateLimitTimeWindow: 100_000_000 }, null, often(3)],
    'a window that is over': [{ rateLimitMax: 1, rateLimitTimeWindow: 1000 }, `"lastRequest" = now() - interval '1 hour', "requestCount" = 9`, often(2)],
    'a window of nothing': [{ rateLimitMax: 0, rateLimitTimeWindow: 100_000_000 }, null, often(2)],
    'no window': [{}, '"rateLimitTimeWindow" = NULL', often(2)],
    'no maximum': [{}, '"rateLimitMax" = NULL', often(2)],
    'limits off': [{ rateLimitEnabled: false, rateLimitMax: 1 }, null, often(3)],
    'limits off by configuration': [{ configId: 'free', rateLimitMax: 1, rateLimitEnabled: true }, null, often(3, { configId: 'free' })],
    'no count': [{}, '"requestCount" = NULL', often(2)],
    'a refill that is due': [{ remaining: 0, refillAmount: 2, refillInterval: 1000 }, `"createdAt" = now() - interval '1 hour'`, often(3)],
    'a refill that is due again': [{ remaining: 1, refillAmount: 2, refillInterval: 1000 }, `"lastRefillAt" = date_trunc('milliseconds', now() - interval '1 hour')`, often(1)],
    'a refill that isn’t due': [{ remaining: 1, refillAmount: 2, refillInterval: 100_000_000 }, null, often(3)],
    'a refill without a number of uses': [{ refillAmount: 2, refillInterval: 1 }, `"createdAt" = now() - interval '1 hour'`, often(2)],
    'off': [{}, 'enabled = false', often(1)],
    'neither on nor off': [{}, 'enabled = NULL', often(1)],
    'expired': [{}, `"expiresAt" = now() - interval '1 second'`, often(2)],
    'expiring': [{ expiresIn: 200_000 }, null, often(1)],
    'of another configuration': [{}, `"configId" = 'free'`, [{}, { configId: 'default' }]],
    'of a configuration there isn’t': [{}, `"configId" = 'gone'`, [{}, { configId: 'gone' }, { configId: 'default' }]],
    'by configuration': [{}, null, [{ configId: 'default' }, { configId: '' }, { configId: 'nope' }, { configId: 'free' }, { configId: 'org' }]],
    'permissions': [{ permissions: { files: ['read', 'write'], users: [] } }, null, [{ permissions: { files: ['read'] } }, { permissions: { files: ['read', 'write'] } }, { permissions: { files: ['x'] } }, { permissions: { files: [] } }, { permissions: {} }, { permissions: { users: ['list'] } }]],
    'no permissions': [{}, null, [{ permissions: { files: ['read'] } }, { permissions: {} }]],
    'permissions that are none': [{}, `permissions = 'x'`, [{}, { permissions: { files: ['read'] } }]],
    'permissions that don’t matter any more': [{ remaining: 0, permissions: { a: ['b'] } }, null, [{ permissions: { a: ['c'] } }]],
    'refused: an amount alone': [{ refillAmount: 5 }, null, []],
    'refused: an interval alone': [{ refillInterval: 5 }, null, []],
    'refused: nobody’s': [{ userId: '' }, null, []],
    'refused: an organization’s, of none': [{ configId: 'org' }, null, []],
    'refused: an organization’s, by a stranger': [{ configId: 'org', organizationId: ORG, userId: 'nobody' }, null, []],
    'refused: metadata': [{ configId: 'free', metadata: { a: 1 } }, null, []],
  })) {
    test(name, () => same(body, set, asked));
  }
});
