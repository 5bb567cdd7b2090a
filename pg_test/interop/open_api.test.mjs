// The OpenAPI document of ours is the real one's, to the letter: of the core alone, with each plugin, and with all.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createExtensionDatabase, BASE_URL } from './lib.mjs';
import { PLUGINS, SETTINGS, offeredPlugins, realDocument } from './open_api.mjs';

const database = await createExtensionDatabase();
const offered = await offeredPlugins(database);
const documented = Object.keys(PLUGINS).filter((id) => offered.includes(id));

/** Ours with these plugins on. */
async function ours(ids, settings = {}) {
  await database.configure({ plugins: [...ids, 'open-api'].join(', '), ...SETTINGS, base_url: BASE_URL, rate_limit: 'off', ...settings });
  await database.sql('SELECT better_auth.migrate()');
  const { status, headers, body } = await database.value('SELECT better_auth.handler($1)', [
    JSON.stringify({ method: 'GET', url: '/api/auth/open-api/generate-schema', headers: {} }),
  ]);
  assert.deepEqual([status, headers], [200, [['content-type', 'application/json']]], body);
  return body;
}

/** With plugins by their ids, or made already. */
async function assertSame(plugins, settings, options) {
  const made = plugins.map((plugin) => PLUGINS[plugin]?.() ?? plugin);
  const { document } = await realDocument(made, options);
  const body = await ours(made.map(({ id }) => id), settings);
  assert.deepEqual(JSON.parse(body), document);
  assert.equal(body, JSON.stringify(document));
}

test('of the core alone', () => assertSame([]));

describe('with each plugin', () => {
  for (const id of documented) test(id, () => assertSame([id]));
});

test('with all of them, in this order and the other', async () => {
  await assertSame(documented);
  await assertSame(documented.toReversed());
});

test('every plugin that there is was looked at', () => {
  assert.deepEqual(offered.filter((id) => !documented.includes(id) && id !== 'open-api'), []);
});

test('with additional fields', async () => {
  await database.sql(`ALTER TABLE better_auth."user" ADD plan text, ADD seats int, ADD active boolean, ADD since timestamptz, ADD notes jsonb, ADD "needed" text NOT NULL;
    ALTER TABLE better_auth.session ADD device text`);
  const fields = {
    plan: { type: 'string', required: false, input: false },
    seats: { type: 'number', required: false },
    active: { type: 'boolean', required: false },
    since: { type: 'date', required: false },
    notes: { type: 'json', required: false },
    needed: { type: 'string', required: true },
  };
  await assertSame(
    documented,
    { user_additional_fields: 'plan:readonly, seats, active, since, notes, needed', session_additional_fields: 'device' },
    { user: { additionalFields: fields }, session: { additionalFields: { device: { type: 'string', required: false } } } },
  );
});

describe('an organization’s tables and endpoints are there with what its settings switch on', () => {
  for (const [teams, roles] of [[false, false], [false, true], [true, false]]) {
    test(`teams ${teams}, roles ${roles}`, () => {
      const make = PLUGINS.organization({ teams: { enabled: teams }, dynamicAccessControl: { enabled: roles } });
      return assertSame([make], { organization_teams: teams, organization_dynamic_access_control: roles });
    });
  }
});

test('with additional fields of a plugin’s tables', async () => {
  await ours(['organization']);
  const tables = ['organization', 'member', 'invitation', 'team', 'organizationRole'];
  const columns = 'ADD plan text, ADD seats int NOT NULL, ADD active boolean, ADD since timestamptz, ADD notes jsonb, ADD hidden text';
  for (const table of tables) await database.sql(`ALTER TABLE better_auth."${table}" ${columns}`);
  const additionalFields = () => ({
    plan: { type: 'string', required: false },
    seats: { type: 'number', required: true },
    active: { type: 'boolean', required: false },
    since: { type: 'date', required: false },
    notes: { type: 'json', required: false },
    hidden: { type: 'string', required: false, input: false },
  });
  const schema = Object.fromEntries(tables.map((table) => [table, { additionalFields: additionalFields() }]));
  const listed = 'plan, seats, active, since, notes, hidden:readonly';
  const settings = ['', 'member_', 'invitation_', 'team_', 'role_'].map((name) => [`organization_${name}additional_fields`, listed]);
  await assertSame([PLUGINS.organization({ schema })], Object.fromEntries(settings));
  await database.configure(Object.fromEntries(settings.map(([name]) => [name, ''])));
});

test('the page shows every endpoint, and loads nothing', async () => {
  const document = JSON.parse(await ours(documented));
  const { status, headers, body } = await database.value('SELECT better_auth.handler($1)', [
    JSON.stringify({ method: 'GET', url: '/api/auth/reference', headers: {} }),
  ]);
  assert.equal(status, 200);
  const policy = headers.find(([name]) => name === 'content-security-policy')[1];
  assert.match(policy, /^default-src 'none'; style-src 'sha256-[\w+/]{43}='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/);
  for (const path of Object.keys(document.paths)) assert.ok(body.includes(`<code>${path}</code>`), path);
  assert.doesNotMatch(body, /<(script|link|img|iframe|object|embed|form|base)\b|\s(src|href|style|on\w+)=|url\(|@import/i);
});

test('every endpoint that is documented is there', async () => {
  const { paths } = JSON.parse(await ours(documented));
  for (const [path, methods] of Object.entries(paths)) {
    for (const method of Object.keys(methods)) {
      const request = { method: method.toUpperCase(), url: `/api/auth${path.replace(/\{\w+\}/g, 'x')}`, headers: {} };
      const { status, headers } = await database.value('SELECT better_auth.handler($1)', [JSON.stringify(request)]);
      assert.ok(status !== 404 || headers.length > 0, `${method} ${path}`);
    }
  }
});
