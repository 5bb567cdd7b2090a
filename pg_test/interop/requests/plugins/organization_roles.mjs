// The organization plugin: what members may do, and roles of an organization's own. Organizations and members are made
// by SQL.

import { organization } from 'better-auth/plugins';
import { createAccessControl } from 'better-auth/plugins/access';
import { defaultStatements } from 'better-auth/plugins/organization/access';
import { GET, POST } from '../../http.mjs';
import { aged, differs, each, named, oddBodies, oddFields } from '../common.mjs';

const STATEMENTS = { ...defaultStatements, project: ['create', 'share', 'delete'] };
const ROLES = {
  owner: { ...defaultStatements, project: ['create', 'share', 'delete'] },
  admin: { organization: ['update'], ac: ['create', 'read', 'update', 'delete'], project: ['create', 'share'] },
  member: { ac: ['read'], project: [] },
};
const TABLES = { organization: 'slug', member: '"organizationId", "userId", role', organizationRole: '"organizationId", role, id' };

/** The options as both take them: the real one's, and the settings of ours. */
const configured = ({ ac, roles, creatorRole, dynamic = true, ...dynamicAccessControl } = {}) => {
  const control = createAccessControl(ac ?? STATEMENTS);
  const theirs = (more = {}) => ({
    ...(ac === null ? {} : { ac: control }),
    ...(roles ? { roles: Object.fromEntries(Object.entries(roles).map(([name, allowed]) => [name, control.newRole(allowed)])) } : {}),
    ...(creatorRole ? { creatorRole } : {}),
    ...(dynamic ? { dynamicAccessControl: { enabled: true, ...dynamicAccessControl } } : {}),
    ...more,
  });
  const settings = {
    ...(ac === null ? {} : { organization_access_control: JSON.stringify(ac ?? STATEMENTS) }),
    ...(roles ? { organization_roles: JSON.stringify(roles) } : {}),
    ...(creatorRole ? { organization_creator_role: creatorRole } : {}),
  };
  return { options: (more) => ({ plugins: [organization(theirs(more))] }), settings };
};
const DYNAMIC = configured({ roles: ROLES });
const columns = {
  plugins: 'organization',
  options: () => DYNAMIC.options(),
  settings: { organization_dynamic_access_control: 'on' },
  tables: TABLES,
};
const group = (name, { options, settings }, cases, more = {}) => ({
  name: `organization roles: ${name}`,
  columns,
  options: () => options(),
  settings,
  cases,
  ...more,
});

// ── The organizations ────────────────────────────────────────────────────────────────────────────

const ACME = 'orgAcmeZ9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z';
const OTHER = 'orgOtherZ9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z9';
const HOUR = `now() - interval '1 hour'`;
const ORGANIZATIONS = `INSERT INTO organization (id, name, slug, "createdAt") VALUES ('${ACME}', 'Acme', 'acme', ${HOUR}), ('${OTHER}', 'Other', 'other', ${HOUR})`;
const id = (name) => name.padEnd(32, 'Z9');
const member = (user, role, organizationId = ACME) =>
  `INSERT INTO member (id, "organizationId", "userId", role, "createdAt") VALUES ('${id(`${user}${organizationId.slice(3, 7)}`)}', '${organizationId}', '{{${user}.id}}', '${role}', ${HOUR})`;
const active = (user, organizationId = ACME) => `UPDATE session SET "activeOrganizationId" = '${organizationId}' WHERE token = '{{${user}.token}}'`;
const own = (role, permission, organizationId = ACME, name = role.replace(/\W/g, '')) =>
  `INSERT INTO "organizationRole" (id, "organizationId", role, permission, "createdAt") VALUES ('${id(`role${name}`)}', '${organizationId}', '${role}', '${typeof permission === 'string' ? permission : JSON.stringify(permission)}', ${HOUR})`;
const EDITOR = own('editor', { project: ['create'] });
const EDITOR_ID = id('roleeditor');
/** Vera owns Acme, Gina owns the other; Ada is in Acme as she is said to be. */
const WORLD = [ORGANIZATIONS, member('vera', 'owner'), member('gina', 'owner', OTHER)];
const world = (role) => [...WORLD, ...(role ? [member('ada', role)] : [])];

const BY = { by: 'vera' };
const post = (path, body, options = BY) => POST(`/organization/${path}`, body, options);
const get = (path, query = {}, options = BY) => GET(`/organization/${path}?${new URLSearchParams(query)}`, options);
const IN = { organizationId: ACME };

// Every route, with a request that is right; `in` is the organization.
const ROUTES = (where = IN, options = BY) => ({
  'has-permission': post('has-permission', { ...where, permissions: { project: ['create'] } }, options),
  'create-role': post('create-role', { ...where, role: 'writer', permission: { project: ['create'], ac: [] } }, options),
  'list-roles': get('list-roles', where, options),
  'get-role': get('get-role', { ...where, roleName: 'editor' }, options),
  'update-role': post('update-role', { ...where, roleName: 'editor', data: { permission: { project: ['share'] } } }, options),
  'delete-role': post('delete-role', { ...where, roleName: 'editor' }, options),
});
const routes = (before, where, options) => each(ROUTES(where, options), (step) => [before, step].flat());

const access = {
  ...named('without a session', routes([world(), EDITOR].flat(), IN, {})),
  ...named('with a dead session', routes([world(), EDITOR].flat(), IN, { cookie: 'better-auth.session_token=x.y' })),
  ...named('in an expired session', routes([...world(), EDITOR, aged('-1 minute', '-7 days', 'vera')])),
  ...Object.assign({}, ...['owner', 'admin', 'member', 'editor', 'nobody', 'member,editor', 'member, admin', ',', 'Owner'].map((role) =>
    named(`as ${role}`, routes([...world(role), EDITOR], IN, { by: 'ada' })))),
  ...named('as somebody else', routes([...world(), EDITOR], IN, { by: 'ada' })),
  ...named('as the owner of another organization', routes([...world(), EDITOR], IN, { by: 'gina' })),
  ...named('in the organization of the session', routes([...world(), EDITOR, active('vera')], {})),
  ...named('in no organization', routes([...world(), EDITOR], {})),
  ...named('in one with an empty id', routes([...world(), EDITOR, active('vera')], { organizationId: '' })),
  ...named('in one that there is none', routes([...world(), EDITOR, active('vera')], { organizationId: 'nothing' })),
  ...named('in another than the session’s', routes([...world(), EDITOR, active('vera', OTHER)], IN)),
  ...named('in the session’s, which is another’s', routes([...world(), EDITOR, active('vera', OTHER)], {})),
  ...named('of another organization', routes([...world(), own('editor', { project: ['create'] }, OTHER)])),
  'a wrong method': [...world(), get('create-role'), POST('/organization/list-roles', IN, BY), get('has-permission')],
  'from another origin': [...world(), EDITOR, { ...post('delete-role', { ...IN, roleName: 'editor' }), headers: { origin: 'https://elsewhere.example' } }],
};

// ── What each takes ──────────────────────────────────────────────────────────────────────────────

const BODIES = {
  'has-permission': { ...IN, permissions: { project: ['create'] } },
  'create-role': { ...IN, role: 'writer', permission: { project: ['create'] }, additionalFields: {} },
  'update-role': { ...IN, roleName: 'editor', roleId: EDITOR_ID, data: { permission: { project: ['share'] } } },
  'delete-role': { ...IN, roleName: 'editor', roleId: EDITOR_ID },
};
const after = (steps, cases) => Object.fromEntries(Object.entries(cases).map(([name, then]) => [name, [steps, then].flat()]));
const bodies = after(
  [...world(), EDITOR],
  Object.assign(
    {},
    ...Object.entries(BODIES).map(([name, body]) => oddFields(`/organization/${name}`, body, BY)),
    ...Object.keys(BODIES).map((name) => oddBodies(`/organization/${name}`, BY)),
    named('get-role', each(
      {
        'nothing': {}, 'by id': { roleId: EDITOR_ID }, 'both': { roleName: 'editor', roleId: 'x' }, 'an empty name': { roleName: '' }, 'an empty id': { roleId: '' },
        'an empty name and an id': { roleName: '', roleId: EDITOR_ID }, 'both empty': { roleName: '', roleId: '' }, 'a name in capitals': { roleName: 'Editor' },
        'one that all have': { roleName: 'owner' }, 'none': { roleName: 'nothing' }, 'an id of none': { roleId: 'nothing' },
      },
      (query) => get('get-role', { ...IN, ...query }),
    )),
    named('queries', {
      'get-role without any': GET('/organization/get-role', BY),
      'get-role, twice': GET(`/organization/get-role?organizationId=${ACME}&roleName=a&roleName=b`, BY),
      'list-roles without any': GET('/organization/list-roles', BY),
      'list-roles, twice': GET(`/organization/list-roles?organizationId=${ACME}&organizationId=x`, BY),
      'list-roles, something else': GET('/organization/list-roles?limit=1', BY),
    }),
  ),
);

const LONG = 'x'.repeat(20_000);
bodies['/organization/create-role, role: huge'] = differs(
  'longRole', [...world(), post('create-role', { ...BODIES['create-role'], role: LONG })], [200, undefined], [400, 'VALIDATION_ERROR'],
);
bodies['/organization/update-role, a huge new name'] = differs(
  'longRole', [...world(), EDITOR, post('update-role', { ...IN, roleName: 'editor', data: { roleName: LONG } })], [200, undefined], [400, 'VALIDATION_ERROR'],
);

const PERMISSIONS = {
  'none': {}, 'no actions': { project: [] }, 'several': { project: ['create', 'share'] }, 'one too many': { project: ['create', 'burn'] },
  'of two resources': { project: ['create'], member: ['create'] }, 'and an empty one': { project: ['create'], member: [] }, 'twice': { project: ['create', 'create'] },
  'of no such resource': { nothing: ['create'] }, 'an action that is no text': { project: [5] }, 'actions that are no list': { project: 'create' },
  'two mistakes': { project: [5, null], member: 'x', ac: {} }, 'a resource without a name': { '': ['x'] }, 'a list': ['x'], 'a text': 'project', 'null': null,
  'in capitals': { Project: ['create'] }, 'a comma': { project: ['create,share'] }, 'with an object': { project: { actions: ['create'] } },
};
const permissions = {
  ...named('has-permission, owner', each(PERMISSIONS, (wanted) => [...world(), post('has-permission', { ...IN, permissions: wanted })])),
  ...named('has-permission, member', each(PERMISSIONS, (wanted) => [...world('member,editor'), EDITOR, post('has-permission', { ...IN, permissions: wanted }, { by: 'ada' })])),
  ...named('has-permission, the old name', each(PERMISSIONS, (wanted) => [...world(), post('has-permission', { ...IN, permission: wanted })])),
  'has-permission by both names': [...world(), post('has-permission', { ...IN, permission: { ac: ['read'] }, permissions: { ac: ['read'] } })],
  'has-permission by both, one wrong': [...world(), post('has-permission', { ...IN, permission: 5, permissions: { ac: ['read'] } }), post('has-permission', { ...IN, permission: { ac: ['read'] }, permissions: 5 })],
  ...named('create-role, owner', each(PERMISSIONS, (permission) => [...world(), post('create-role', { ...IN, role: 'writer', permission })])),
  ...named('create-role, admin', each(PERMISSIONS, (permission) => [...world('admin'), post('create-role', { ...IN, role: 'writer', permission }, { by: 'ada' })])),
  ...named('update-role, owner', each(PERMISSIONS, (permission) => [...world(), EDITOR, post('update-role', { ...IN, roleName: 'editor', data: { permission } })])),
  ...named('update-role, admin', each(PERMISSIONS, (permission) => [...world('admin'), EDITOR, post('update-role', { ...IN, roleName: 'editor', data: { permission } }, { by: 'ada' })])),
};

// ── The rules ────────────────────────────────────────────────────────────────────────────────────

const can = (project, options = { by: 'ada' }) => post('has-permission', { ...IN, permissions: { project: [project] } }, options);
const MANAGER = own('manager', { ac: ['create', 'read', 'update', 'delete'], project: ['share'] });
const rules = {
  ...named('create-role, name', each(['owner', 'OWNER', 'Admin', 'member', 'editor', 'EDITOR', ' owner', 'owner ', 'ÄÖ', 'İ', 'ΑΣ', 'a,b', 'x y', "it's", '<b>'], (role) => [
    ...world(), EDITOR, post('create-role', { ...IN, role, permission: { project: ['create'] } }), get('list-roles', IN),
  ])),
  'create-role and use it': [...world('member'), can('create'), post('create-role', { ...IN, role: 'Writer', permission: { project: ['create'] } }),
    `UPDATE member SET role = 'writer' WHERE "userId" = '{{ada.id}}'`, can('create'), can('share')],
  'create-role twice': [...world(), ...Array(2).fill(post('create-role', { ...IN, role: 'writer', permission: {} }))],
  'create-role of the same name elsewhere': [...world(), own('writer', {}, OTHER), post('create-role', { ...IN, role: 'writer', permission: {} })],
  'create-role with more than one’s own': [...world('manager'), MANAGER, post('create-role', { ...IN, role: 'x', permission: { project: ['share', 'delete'], member: ['create'] } }, { by: 'ada' }),
    post('create-role', { ...IN, role: 'x', permission: { project: ['share'] } }, { by: 'ada' })],
  'create-role with what two roles allow together': [...world('manager,editor'), MANAGER, EDITOR, post('create-role', { ...IN, role: 'x', permission: { project: ['share', 'create'] } }, { by: 'ada' })],
  'update-role of one’s own to more': [...world('manager'), MANAGER, post('update-role', { ...IN, roleName: 'manager', data: { permission: { project: ['delete'] } } }, { by: 'ada' })],
  'update-role of one’s own to less': [...world('manager'), MANAGER, post('update-role', { ...IN, roleName: 'manager', data: { permission: {} } }, { by: 'ada' }), get('list-roles', IN, { by: 'ada' })],
  ...named('update-role', each(
    {
      'nothing': {}, 'the name': { roleName: 'Writer' }, 'the same name': { roleName: 'editor' }, 'to a name of all': { roleName: 'ADMIN' }, 'to one that is taken': { roleName: 'manager' },
      'to no name': { roleName: '' }, 'a name that is none': { roleName: 5 }, 'null': { roleName: null, permission: null }, 'both': { roleName: 'x', permission: { project: ['share'] } },
      'both, wrong': { roleName: 'owner', permission: { nothing: ['x'] } }, 'something else': { organizationId: OTHER, id: 'x', createdAt: 5, role: 'owner' },
    },
    (data) => [...world(), EDITOR, MANAGER, post('update-role', { ...IN, roleName: 'editor', data }), get('list-roles', IN)],
  )),
  'update-role by id': [...world(), EDITOR, post('update-role', { ...IN, roleId: EDITOR_ID, data: { roleName: 'writer' } }), post('update-role', { ...IN, roleId: EDITOR_ID, data: {} })],
  'update-role by the id of another organization’s': [...world(), own('editor', {}, OTHER), post('update-role', { ...IN, roleId: EDITOR_ID, data: { roleName: 'x' } })],
  'update-role of one that all have': [...world(), post('update-role', { ...IN, roleName: 'member', data: { permission: { project: ['create'] } } })],
  'update-role that was changed before': [...world(), EDITOR, `UPDATE "organizationRole" SET "updatedAt" = ${HOUR}`, post('update-role', { ...IN, roleName: 'editor', data: { permission: {} } })],
  'update-role that members have': [...world('editor'), EDITOR, post('update-role', { ...IN, roleName: 'editor', data: { roleName: 'writer' } }), can('create')],
  ...named('delete-role', each(
    {
      'by name': { roleName: 'editor' }, 'by id': { roleId: EDITOR_ID }, 'both': { roleName: 'editor', roleId: 'x' }, 'in capitals': { roleName: 'EDITOR' }, 'owner': { roleName: 'owner' },
      'owner in capitals': { roleName: 'Owner' }, 'member': { roleName: 'member' }, 'none': { roleName: 'nothing' }, 'an id of none': { roleId: 'nothing' }, 'nothing': {},
      'an empty name': { roleName: '' }, 'an empty id': { roleId: '' }, 'an empty name and an id': { roleName: '', roleId: EDITOR_ID }, 'both empty': { roleName: '', roleId: '' },
    },
    (by) => [...world(), EDITOR, post('delete-role', { ...IN, ...by }), get('list-roles', IN)],
  )),
  ...named('delete-role that a member has', each(['editor', 'member,editor', 'editor ,member', 'editors', 'chiefeditor', 'member', 'Editor', 'edit_r', '%'], (role) => [
    ...world(role), EDITOR, post('delete-role', { ...IN, roleName: 'editor' }),
  ])),
  'delete-role that a member of another organization has': [...world(), EDITOR, member('ada', 'editor', OTHER), post('delete-role', { ...IN, roleName: 'editor' })],
  'delete-role by the id of another organization’s': [...world(), own('editor', {}, OTHER), post('delete-role', { ...IN, roleId: EDITOR_ID })],
  'delete-role twice': [...world(), EDITOR, ...Array(2).fill(post('delete-role', { ...IN, roleName: 'editor' }))],
  'a role of its own with the name of one that all have': [...world('member'), can('create'), own('member', { project: ['create'] }), can('create'), can('share'),
    post('has-permission', { ...IN, permissions: { ac: ['read'] } }, { by: 'ada' }), post('delete-role', { ...IN, roleName: 'member' })],
  'two roles of one name': [...world('editor'), EDITOR, own('editor', { project: ['share'] }, ACME, 'second'), can('create'), can('share'), post('has-permission', { ...IN, permissions: { project: ['create', 'share'] } }, { by: 'ada' })],
  'the roles of a member that change': [...world('member'), EDITOR, can('create'), `UPDATE member SET role = 'editor'`, can('create'), `DELETE FROM member WHERE "userId" = '{{ada.id}}'`, can('create')],
  'list-roles of several': [...world(), EDITOR, MANAGER, own('writer', {}), own('editor', {}, OTHER, 'editorOther'), get('list-roles', IN)],
  ...named('a stored permission that is none', each(['x', '[]', '{"project": "create"}', '{"project": [5]}', 'null', ''], (stored) => [
    ...world('editor'), own('editor', stored), can('create'), get('list-roles', IN, { by: 'ada' }), get('get-role', { ...IN, roleName: 'editor' }, { by: 'ada' }),
  ])),
  'a stored permission with spaces': [...world(), own('editor', '{ "project" : [ "create" ] }'), get('get-role', { ...IN, roleName: 'editor' })],
};

// ── Under other options ──────────────────────────────────────────────────────────────────────────

const CREATE = (role) => post('create-role', { ...IN, role, permission: {} });
const limited = (limit) => {
  const { options, settings } = configured({ roles: ROLES, maximumRolesPerOrganization: limit });
  return { options, settings: { ...settings, organization_maximum_roles_per_organization: limit } };
};

export default [
  group('who may', DYNAMIC, access),
  group('what is taken', DYNAMIC, bodies),
  group('permissions', DYNAMIC, permissions),
  group('rules', DYNAMIC, rules),
  group('Better Auth’s own roles', configured(), {
    ...Object.assign({}, ...['owner', 'admin', 'member'].map((role) => named(`as ${role}`, routes([...world(role), EDITOR], IN, { by: 'ada' })))),
    ...named('default', each(PERMISSIONS, (wanted) => [...world('admin'), post('has-permission', { ...IN, permissions: wanted }, { by: 'ada' })])),
    'all that an owner may': [...world(), post('has-permission', { ...IN, permissions: defaultStatements })],
    'all that an owner may, as an admin': [...world('admin'), post('has-permission', { ...IN, permissions: defaultStatements }, { by: 'ada' })],
    'a role with all that an owner may': [...world(), post('create-role', { ...IN, role: 'x', permission: defaultStatements })],
  }),
  group('another creator', configured({ roles: { boss: ROLES.owner, member: ROLES.member }, creatorRole: 'boss' }), {
    ...Object.assign({}, ...['boss', 'owner', 'member'].map((role) => named(`as ${role}`, routes([...world(role), EDITOR], IN, { by: 'ada' })))),
    'names of roles that there are not': [...world('boss'), ...['owner', 'boss', 'admin'].map((role) => post('create-role', { ...IN, role, permission: {} }, { by: 'ada' }))],
  }),
  group('no access control', configured({ ac: null }), { ...routes([...world(), EDITOR]), ...named('without an organization', routes([...world(), EDITOR], {})), ...named('without a session', routes([...world()], IN, {})) }),
  ...[0, 1, 2].map((limit) => group(`${limit} roles at most`, limited(limit), {
    'one after the other': [...world(), CREATE('a'), CREATE('b'), CREATE('c')],
    'others don’t count': [...world(), own('a', {}, OTHER), CREATE('a')],
  })),
  {
    name: 'organization roles: none of an organization’s own',
    columns: { plugins: 'organization', options: () => ({ plugins: [organization()] }), tables: { organization: 'slug', member: TABLES.member } },
    cases: {
      ...routes(world(), { organizationId: ACME }),
      ...Object.assign({}, ...['owner', 'admin', 'member', 'editor', 'member,admin'].map((role) => ({ [`has-permission as ${role}`]: [...world(role), ...['update', 'delete'].map((action) => post('has-permission', { ...IN, permissions: { organization: [action] } }, { by: 'ada' }))] }))),
    },
  },
];
