// Each plugin's columns and tables: what the real `better-auth migrate` and ours make are the same, to the last detail,
// and each is content with the other's.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TABLES, createDatabase, createExtensionDatabase, createRealDatabase, realMigrate, realPlan } from './lib.mjs';
import { PLUGINS, SETTINGS, offeredPlugins } from './open_api.mjs';
import { define, migrate, tablesOf } from './schema.mjs';

const OURS = ['fetch_outbox', 'mail_outbox', 'oauth_provider', 'provider_key', 'rateLimit', 'signing_secret'];

const offered = await offeredPlugins(await createExtensionDatabase());
const ids = Object.keys(PLUGINS).filter((id) => offered.includes(id));

/** Plugins in the order of the ids. */
const options = (on) => ({ plugins: on.map((id) => PLUGINS[id]()) });

/** A database of ours with plugins on. */
async function ours(on, database, settings) {
  database ??= await createExtensionDatabase();
  await database.configure({ plugins: on.join(', '), ...SETTINGS, ...settings });
  return database;
}

/** What there is with some plugins: their ids, what the real one is told, and ours besides. */
const configurations = [...ids.map((id) => [id]), ids, ids.toReversed()].map((on) => ({
  name: on.length === 1 ? on[0] : `all: ${on}`,
  on,
  options: () => options(on),
}));

/** An organization's tables that settings switch on. */
const organizations = (teams, roles) => ({
  name: `organization, teams ${teams}, roles ${roles}`,
  on: ['organization'],
  options: () => ({ plugins: [PLUGINS.organization({ teams: { enabled: teams }, dynamicAccessControl: { enabled: roles } })] }),
  settings: { organization_teams: teams, organization_dynamic_access_control: roles },
});
const [none, ...some] = [organizations(false, false), organizations(true, false), organizations(false, true)];

for (const { name, on, options, settings } of [...configurations, none, ...some]) {
  describe(name, () => {
    test('ours is the real one’s', async () => {
      const [mine, real] = [await ours(on, undefined, settings), await createRealDatabase(options())];
      await migrate(mine);
      const tables = await tablesOf(real);
      assert.deepEqual(await tablesOf(mine), [...tables, ...OURS].sort());
      // A column that is added stands last, whoever adds it.
      const added = await createRealDatabase();
      await realMigrate(added, options());
      assert.deepEqual(await define(mine, tables), await define(added, tables));
      assert.deepEqual(await migrate(mine), []);
    });

    test('the real migrate finds nothing to do on ours', async () => {
      const mine = await ours(on, undefined, settings);
      await migrate(mine);
      const { run, ...plan } = await realPlan(mine, options());
      assert.deepEqual(plan, { created: [], added: [], warnings: [] });
    });

    test('ours has nothing to add to the real one’s', async () => {
      const database = await createDatabase();
      await database.sql('CREATE SCHEMA better_auth');
      await realMigrate(database, options());
      const tables = await tablesOf(database);
      const before = await define(database, tables);
      await database.sql('CREATE EXTENSION better_auth');
      await ours(on, database, settings);
      const done = await migrate(database);
      assert.deepEqual(done.filter((step) => !/_(search|folded)_idx|^create trigger jwks_/.test(step)), []);
      assert.deepEqual(await define(database, tables), before);
      assert.ok(TABLES.every((table) => tables.includes(table)));
    });
  });
}

describe('tables of organizations that are switched on later', () => {
  for (const later of [...some, organizations(true, true)]) {
    test(later.name, async () => {
      const [mine, real] = [await ours(none.on, undefined, none.settings), await createRealDatabase()];
      await migrate(mine);
      await realMigrate(real, none.options());
      await ours(later.on, mine, later.settings);
      await migrate(mine);
      await realMigrate(real, later.options());
      const tables = await tablesOf(real);
      assert.deepEqual(await define(mine, tables), await define(real, tables));
      const { run, ...plan } = await realPlan(mine, later.options());
      assert.deepEqual(plan, { created: [], added: [], warnings: [] });
      // And switched off again they stay, and nobody minds.
      await ours(none.on, mine, none.settings);
      assert.deepEqual(await migrate(mine), []);
      assert.deepEqual(await define(mine, tables), await define(real, tables));
    });
  }
});
