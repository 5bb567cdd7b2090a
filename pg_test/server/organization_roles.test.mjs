// Roles of an organization's own: what two do at once, input of all kinds, calls from SQL, PostgREST.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cookieOf, http, set } from './http.mjs';
import { refused, untilBlocked } from './lib.mjs';
import { api, failed, memberIn, together, withOrganization } from './organizations.mjs';
import { withRpc } from './plugins.mjs';

const SETTINGS = {
  organization_dynamic_access_control: 'on',
  organization_access_control: JSON.stringify({ ac: ['create', 'read', 'update', 'delete'], member: ['create'], project: ['create', 'share'] }),
  organization_roles: JSON.stringify({
    owner: { ac: ['create', 'read', 'update', 'delete'], member: ['create', 'update', 'delete'], project: ['create', 'share'] },
    admin: { ac: ['create', 'read', 'update', 'delete'], project: ['create'] },
    member: { ac: ['read'] },
  }),
};

async function withRoles(t, settings = {}) {
  const world = await withOrganization(t, { ...SETTINGS, ...settings });
  const { client, id, owner } = world;
  const ask = (endpoint, body, { by = owner, on = client } = {}) => api(on, endpoint, { body: { organizationId: id, ...body } }, by.token);
  const create = (role, permission = { project: ['create'] }, options) => ask('createOrgRole', { role, permission }, options);
  const names = () => client.column('SELECT role FROM better_auth."organizationRole" ORDER BY role');
  return { ...world, ask, create, names };
}

describe('two at once', () => {
  test('make a role of one name, or rename two to it', async (t) => {
    const { database, ask, create, names } = await withRoles(t);
    assert.deepEqual(failed(await together(database, [1, 2, 3, 4].map(() => (on) => create('Writer', {}, { on })))), Array(3).fill('ROLE_NAME_IS_ALREADY_TAKEN'));
    await create('a');
    await create('b');
    const ends = await together(database, ['a', 'b'].map((roleName) => (on) => ask('updateOrgRole', { roleName, data: { roleName: 'c' } }, { on })));
    assert.deepEqual(failed(ends), ['ROLE_NAME_IS_ALREADY_TAKEN']);
    assert.deepEqual((await names()).filter((name) => name === 'c'), ['c']);
  });

  test('make the last role', async (t) => {
    const { database, create, names } = await withRoles(t, { organization_maximum_roles_per_organization: 2 });
    assert.deepEqual(failed(await together(database, [1, 2, 3, 4].map((n) => (on) => create(`r${n}`, {}, { on })))), Array(2).fill('TOO_MANY_ROLES'));
    assert.equal((await names()).length, 2);
  });

  test('delete a role and give it to a member: nobody has what isn’t there', async (t) => {
    const { database, client, id, ask, create } = await withRoles(t);
    for (let round = 0; round < 5; round += 1) {
      await create(`r${round}`);
      const { user } = await memberIn(client, id, 'member');
      const memberId = await client.value('SELECT id FROM better_auth.member WHERE "userId" = $1', [user.id]);
      const [deleted, given] = await together(database, [
        (on) => ask('deleteOrgRole', { roleName: `r${round}` }, { on }),
        (on) => ask('updateMemberRole', { memberId, role: `r${round}` }, { on }),
      ]);
      assert.ok((deleted === 'ROLE_IS_ASSIGNED_TO_MEMBERS') !== (given === 'ROLE_NOT_FOUND'), `${JSON.stringify(deleted)} ${JSON.stringify(given)}`);
    }
  });

  test('who loses the right while waiting makes nothing', async (t) => {
    const { database, client, id, create, names } = await withRoles(t);
    const admin = await memberIn(client, id, 'admin');
    const [demoting, making] = await database.connectMany(2);
    await demoting.query('BEGIN');
    await demoting.query('SELECT FROM better_auth.organization WHERE id = $1 FOR NO KEY UPDATE', [id]);
    await demoting.query(`UPDATE better_auth.member SET role = 'member' WHERE "userId" = $1`, [admin.user.id]);
    const made = create('x', {}, { by: admin, on: making });
    made.catch(() => {});
    await untilBlocked(client, making);
    await demoting.query('COMMIT');
    await refused(made, { code: '42501', detail: 'YOU_ARE_NOT_ALLOWED_TO_CREATE_A_ROLE' });
    assert.deepEqual(await names(), []);
    // Who is no member waits for nobody.
    const stranger = await memberIn(client, id, 'member');
    await client.query(`DELETE FROM better_auth.member WHERE "userId" = $1`, [stranger.user.id]);
    await demoting.query('BEGIN');
    await demoting.query('SELECT FROM better_auth.organization WHERE id = $1 FOR UPDATE', [id]);
    await refused(create('x', {}, { by: stranger, on: making }), { detail: 'YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION' });
    await demoting.query('ROLLBACK');
  });
});

describe('input', () => {
  test('of all kinds is taken as it is, or refused', async (t) => {
    const { client, id, owner, create, names } = await withRoles(t);
    const cookie = await cookieOf(client, owner.token);
    const post = (path, body) => http(client, 'POST', `/organization/${path}`, { body: { organizationId: id, ...body }, cookie });
    const odd = [`"; drop table better_auth.member; --`, `' or 1=1 --`, '$1', '%', '\\', 'ａｄｍｉｎ', '👩‍🚀', 'constructor', '__proto__'];
    for (const role of odd) await create(role);
    assert.deepEqual((await names()).sort(), [...odd].sort());
    for (const role of odd) assert.equal((await http(client, 'GET', `/organization/get-role?${new URLSearchParams({ organizationId: id, roleName: role })}`, { cookie })).json.role, role);
    const before = await names();
    const refusals = {
      'a NUL': { role: 'x\0', permission: {} },
      'a NUL in a permission': { role: 'x', permission: { 'project\0': ['create'] } },
      'a long name': { role: 'x'.repeat(70_000), permission: {} },
      'a name that no index takes': { role: Array.from({ length: 20_000 }, (_, n) => String.fromCodePoint(0x4e00 + ((n * 7919) % 20_000))).join(''), permission: {} },
      'many actions': { role: 'x', permission: { project: Array(2000).fill('create') } },
      'many resources': { role: 'x', permission: Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`r${n}`, []])) },
      'much that is missing': { role: 'x', permission: { project: Array.from({ length: 900 }, (_, n) => `no${n}`) } },
      'nested': { role: 'x', permission: { project: [['create']] } },
    };
    for (const [what, body] of Object.entries(refusals)) {
      const { status, text } = await post('create-role', body);
      assert.ok([400, 403].includes(status), `${what}: ${status}`);
      assert.ok(text.length < 100_000, what);
    }
    assert.deepEqual(await names(), before);
    assert.deepEqual((await post('create-role', refusals['much that is missing'])).json.missingPermissions.length, 900);
    assert.equal((await post('has-permission', { permissions: { project: ['create', 'x'.repeat(100_000)] } })).json.success, false);
  });

  test('of columns of a team’s own, and a limit that a function knows', async (t) => {
    const { client, ask, id } = await withRoles(t);
    await client.query(`
      ALTER TABLE better_auth."organizationRole" ADD COLUMN color text, ADD COLUMN level int NOT NULL, ADD COLUMN secret text DEFAULT 'x';
      CREATE FUNCTION public.most(told jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT CASE WHEN told ->> 'organizationId' = '${id}' THEN '1' ELSE '0' END::jsonb $$`);
    await set(client, { organization_role_additional_fields: 'color, level, secret:readonly', organization_maximum_roles_per_organization_function: 'public.most' });
    const make = (additionalFields, role = 'a') => ask('createOrgRole', { role, permission: {}, additionalFields });
    for (const [fields, detail] of [[undefined, 'MISSING_FIELD'], [{}, 'MISSING_FIELD'], [{ level: 'x' }, 'VALIDATION_ERROR'], [{ level: 1, secret: 'y' }, 'FIELD_NOT_ALLOWED'], [5, 'VALIDATION_ERROR']]) {
      await refused(make(fields), { detail });
    }
    const { roleData } = await make({ level: 1, color: 'red', other: 1 });
    assert.deepEqual([roleData.level, roleData.color, roleData.secret, roleData.other], [1, 'red', 'x', undefined]);
    await refused(make({ level: 1 }, 'b'), { detail: 'TOO_MANY_ROLES' });
    const { roleData: changed } = await ask('updateOrgRole', { roleName: 'a', data: { color: null, level: 2, permission: { project: ['share'] } } });
    assert.deepEqual([changed.color, changed.level, changed.permission, changed.role], [null, 2, { project: ['share'] }, 'a']);
    await refused(ask('updateOrgRole', { roleName: 'a', data: { secret: 'y' } }), { detail: 'FIELD_NOT_ALLOWED' });
    await set(client, { organization_maximum_roles_per_organization_function: 'public.nothing' });
    await refused(make({ level: 1 }, 'b'), { code: '55000' });
  });
});

test('from SQL, without tables, and through PostgREST', async (t) => {
  const { database, client, id, owner, ask } = await withRoles(t);
  await refused(api(client, 'createOrgRole', { body: { role: 'x', permission: {} } }), { code: '28000' });
  await refused(api(client, 'listOrgRoles', {}, owner.token), { detail: 'NO_ACTIVE_ORGANIZATION' });
  await refused(ask('createOrgRole', { role: 'x', permission: { member: ['delete'], project: ['burn'] } }), { code: '42501', detail: 'YOU_ARE_NOT_ALLOWED_TO_CREATE_A_ROLE' });
  const ada = await memberIn(client, id, 'member');
  const call = await withRpc(t, database, client);
  const rpc = async (name, args, by = owner) => {
    const { status, json } = await call(`organization_${name}`, { organization_id: id, ...args, session_token: by.token });
    return status === 200 ? json : [status, json.code];
  };
  const permission = JSON.stringify({ project: ['create'] });
  const { roleData, statements } = await rpc('create_role', { role: 'Writer', permission });
  assert.deepEqual([roleData.role, roleData.permission, statements], ['writer', { project: ['create'] }, { project: ['create'] }]);
  assert.deepEqual(await rpc('create_role', { role: 'x', permission }, ada), [403, 'YOU_ARE_NOT_ALLOWED_TO_CREATE_A_ROLE']);
  assert.deepEqual(await rpc('has_permission', { permissions: permission }), { error: null, success: true });
  assert.deepEqual(await rpc('has_permission', { permissions: permission }, ada), { error: null, success: false });
  assert.deepEqual(await rpc('has_permission', { permissions: '5' }), [400, 'VALIDATION_ERROR']);
  assert.deepEqual((await rpc('list_roles', {}, ada)).map(({ role }) => role), ['writer']);
  assert.equal((await rpc('get_role', { role_id: roleData.id })).role, 'writer');
  assert.equal((await rpc('update_role', { role_name: 'writer', data: '{"roleName": "Editor"}' })).roleData.role, 'editor');
  assert.deepEqual(await rpc('get_role', { role_name: 'writer' }), [400, 'ROLE_NOT_FOUND']);
  assert.deepEqual(await rpc('delete_role', { role_name: 'editor' }, ada), [403, 'YOU_ARE_NOT_ALLOWED_TO_DELETE_A_ROLE']);
  assert.deepEqual(await rpc('delete_role', { role_name: 'editor' }), { success: true });
  await set(client, { organization_access_control: '' });
  await refused(ask('createOrgRole', { role: 'x', permission: {} }), { code: '55000', detail: 'MISSING_AC_INSTANCE' });
  await client.query('DROP TABLE better_auth."organizationRole"');
  assert.deepEqual(await ask('hasPermission', { permissions: { project: ['create'] } }), { error: null, success: true });
});
