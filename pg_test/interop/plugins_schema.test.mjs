// Each plugin's columns and tables: what the real `better-auth migrate` and ours make are the same, to the last detail,
// and each is content with the other's.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TABLES, createDatabase, createExtensionDatabase, createRealDatabase, realMigrate, realPlan } from './lib.mjs';
import { PLUGINS, offeredPlugins } from './open_api.mjs';
import { define, migrate, tablesOf } from './schema.mjs';

// The plugins whose options decide on columns.
const SETTINGS = { last_login_method_store_in_database: 'on' };
const OURS = ['mail_outbox', 'rateLimit', 'signing_secret'];

const offered = await offeredPlugins(await createExtensionDatabase());
const ids = Object.keys(PLUGINS).filter((id) => offered.includes(id));

/** Plugins in the order of the ids. */
const options = (on) => ({ plugins: on.map((id) => PLUGINS[id]()) });

/** A database of ours with plugins on. */
async function ours(on, database) {
  database ??= await createExtensionDatabase();
  await database.configure({ plugins: on.join(', '), ...SETTINGS });
  return database;
}

for (const on of [...ids.map((id) => [id]), ids, ids.toReversed()]) {
  describe(on.length === 1 ? on[0] : `all: ${on}`, () => {
    test('ours is the real one’s', async () => {
      const [mine, real] = [await ours(on), await createRealDatabase(options(on))];
      await migrate(mine);
      const tables = await tablesOf(real);
      assert.deepEqual(await tablesOf(mine), [...tables, ...OURS].sort());
      // A column that is added stands last, whoever adds it.
      const added = await createRealDatabase();
      await realMigrate(added, options(on));
      assert.deepEqual(await define(mine, tables), await define(added, tables));
      assert.deepEqual(await migrate(mine), []);
    });

    test('the real migrate finds nothing to do on ours', async () => {
      const mine = await ours(on);
      await migrate(mine);
      const { run, ...plan } = await realPlan(mine, options(on));
      assert.deepEqual(plan, { created: [], added: [], warnings: [] });
    });

    test('ours has nothing to add to the real one’s', async () => {
      const database = await createDatabase();
      await database.sql('CREATE SCHEMA better_auth');
      await realMigrate(database, options(on));
      const tables = await tablesOf(database);
      const before = await define(database, tables);
      await database.sql('CREATE EXTENSION better_auth');
      await ours(on, database);
      const done = await migrate(database);
      assert.deepEqual(done.filter((step) => !/_(search|folded)_idx/.test(step)), []);
      assert.deepEqual(await define(database, tables), before);
      assert.ok(TABLES.every((table) => tables.includes(table)));
    });
  });
}
