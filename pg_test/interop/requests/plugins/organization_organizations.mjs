// The organization plugin: organizations, and what the requests to these and to members share.

import { organization } from 'better-auth/plugins';
import { createAccessControl } from 'better-auth/plugins/access';
import { ID, GET, POST } from '../../http.mjs';
import { PASSWORD, aged, differs, each, named, oddBodies, oddFields, uncached } from '../common.mjs';

// ── Two organizations ────────────────────────────────────────────────────────────────────────────

export const id = (name) => name.padEnd(32, 'Z9');
export const ago = (minutes) => `now() - interval '${minutes} minutes'`;
const literal = (value) => (value === null ? 'NULL' : /^now\(\)/.test(value) ? value : `'${String(value).replaceAll("'", "''")}'`);
export const insert = (table, row) => `INSERT INTO "${table}" (${Object.keys(row).map((name) => `"${name}"`)}) VALUES (${Object.values(row).map(literal)})`;
export const ACME = id('orgAcme');
export const OTHER = id('orgOther');
export const MEMBER = { ada: id('memberAda'), vera: id('memberVera'), otto: id('memberOtto'), gina: id('memberGina') };
const OTTO = id('Otto');
export const member = (user, role, organizationId = ACME, minutes = 30) =>
  insert('member', { id: MEMBER[user], organizationId, userId: ID[user] ?? OTTO, role, createdAt: ago(minutes) });
export const ORGANIZATIONS = [
  insert('organization', { id: ACME, name: 'Acme', slug: 'acme', logo: 'https://example.com/acme.png', createdAt: ago(60), metadata: '{"plan":"pro"}' }),
  insert('organization', { id: OTHER, name: 'Other', slug: 'other', createdAt: ago(59) }),
  insert('user', { id: OTTO, name: 'Otto', email: 'otto@example.com', emailVerified: true, image: 'https://example.com/otto.png', createdAt: ago(50), updatedAt: ago(50) }),
];
/** Ada owns Acme, Otto is a member of it, Gina owns the other; Vera is in Acme as she is said to be. */
export const world = (role) => [
  ...ORGANIZATIONS,
  member('ada', 'owner', ACME, 40),
  member('otto', 'member', ACME, 39),
  member('gina', 'owner', OTHER, 38),
  ...(role === undefined ? [] : [member('vera', role, ACME, 30)]),
];
/** The same, in an order that two PostgreSQLs agree on: rows that went leave no room. */
export const inOrder = (role) => ['TRUNCATE member, invitation', ...world(role)];
export const active = (organizationId = ACME, user = 'vera') => `UPDATE session SET "activeOrganizationId" = '${organizationId}' WHERE token = '{{${user}.token}}'`;
const invitation = (email, fields) =>
  insert('invitation', { id: id(`invitation${email.split('@')[0]}`), organizationId: ACME, email, role: 'member', status: 'pending', expiresAt: `now() + interval '1 day'`, createdAt: ago(20), inviterId: ID.ada, ...fields });

export const BY = { by: 'vera' };
export const IN = { organizationId: ACME };
export const post = (path, body, options = BY) => POST(`/organization/${path}`, body, options);
export const get = (path, query = {}, options = BY) => {
  const text = typeof query === 'string' ? query : String(new URLSearchParams(query));
  return GET(`/organization/${path}${text && `?${text}`}`, options);
};
/** The cases with steps before each. */
export const after = (steps, cases) => Object.fromEntries(Object.entries(cases).map(([name, then]) => [name, then.reason ? { ...then, steps: [steps, then.steps].flat(Infinity) } : [steps, then].flat(Infinity)]));
export const TABLES = { organization: '"createdAt", slug', member: '"createdAt", "userId"', invitation: 'email, "createdAt"' };
export const columns = { plugins: 'organization', options: () => ({ plugins: [organization()] }), tables: TABLES };
export const withOptions = (name, options, settings, cases, more) => ({ name: `organization: ${name}`, columns, options: () => ({ plugins: [organization(options)] }), settings, cases, ...more });

/** Every route of these, with a request that is right. */
export const ROUTES = (where = IN, options = BY) => ({
  create: post('create', { name: 'New', slug: 'new', metadata: { a: 1 } }, options),
  'check-slug': post('check-slug', { slug: 'new' }, options),
  update: post('update', { data: { name: 'Renamed' }, ...where }, options),
  delete: post('delete', { organizationId: '', ...where }, options),
  'get-organization': get('get-organization', where, options),
  'get-full-organization': get('get-full-organization', where, options),
  'set-active': post('set-active', where, options),
  list: get('list', {}, options),
});
export const MEMBER_ROUTES = (where = IN, options = BY) => ({
  'remove-member': post('remove-member', { memberIdOrEmail: MEMBER.otto, ...where }, options),
  'update-member-role': post('update-member-role', { memberId: MEMBER.otto, role: 'admin', ...where }, options),
  leave: post('leave', { organizationId: '', ...where }, options),
  'list-members': get('list-members', { sortBy: 'createdAt', ...where }, options),
  'get-active-member': get('get-active-member', {}, options),
  'get-active-member-role': get('get-active-member-role', where, options),
});

/** Who may: these routes as everybody. */
export const accessOf = (routes) => ({
  ...named('without a session', after(world('owner'), routes(IN, {}))),
  ...named('with a dead session', after(world('owner'), routes(IN, { cookie: 'better-auth.session_token=x.y' }))),
  ...named('in an expired session', after([...world('owner'), aged('-1 minute', '-7 days', 'vera')], routes())),
  ...Object.assign(
    {},
    ...['owner', 'admin', 'member', 'nobody', 'member, admin', ' owner', 'Owner', ',', ''].map((role) => named(`as ${role || 'no role'}`, after(world(role), routes()))),
  ),
  ...named('as a stranger', after(world(), routes())),
  ...named('as the owner of another', after(world(), routes(IN, { by: 'gina' }))),
  ...named('in the organization of the session', after([...world('admin'), active()], routes({}))),
  ...named('in the session’s, which is another’s', after([...world('owner'), active(OTHER)], routes({}))),
  ...named('in the session’s, which is gone', after([...world('owner'), active('gone')], routes({}))),
  ...named('in no organization', after(world('owner'), routes({}))),
  ...named('in one with an empty id', after([...world('owner'), active()], routes({ organizationId: '' }))),
  ...named('in one that there is none', after([...world('owner'), active()], routes({ organizationId: 'nothing' }))),
  ...named('in another', after([...world('owner'), active()], routes({ organizationId: OTHER }))),
  ...named('in one with a quote', after(world('owner'), routes({ organizationId: `${ACME}' OR '1'='1` }))),
  ...named('from another origin', after(world('owner'), each(routes(), (step) => ({ ...step, headers: { origin: 'https://elsewhere.example' } })))),
});
/** Odd bodies and fields of these routes. `change` replaces or removes cases. */
export const bodiesOf = (routes, change = {}) => {
  const posts = Object.entries(routes()).filter(([, { method }]) => method === 'POST');
  const all = Object.assign({}, ...posts.map(([name, { body }]) => ({ ...oddFields(`/organization/${name}`, body, BY), ...oddBodies(`/organization/${name}`, BY) })));
  return after([...world('owner'), active()], Object.fromEntries(Object.entries({ ...all, ...change }).filter(([, entry]) => entry)));
};

// ── Creation ─────────────────────────────────────────────────────────────────────────────────────

const NEW = { name: 'New', slug: 'new' };
const create = (fields, options) => post('create', { ...NEW, ...fields }, options);
const SESSION = GET('/get-session', BY);
const creating = named('create', {
  ...each(
    {
      'at all': {},
      'with a logo': { logo: 'https://example.com/x.png' },
      'with no logo': { logo: null },
      'with an empty logo': { logo: '' },
      'with a logo of another type': { logo: 5 },
      'with an empty name': { name: '' },
      'with a name of spaces': { name: '  ' },
      'with an empty slug': { slug: '' },
      'with spaces in the slug': { slug: ' a b ' },
      'with a slug in capitals': { slug: 'ACME' },
      'with a wide slug': { slug: 'ａｃｍｅ' },
      'with a taken slug': { slug: 'acme' },
      'with an id': { id: 'given' },
      'with a time': { createdAt: '2020-01-01T00:00:00.000Z' },
      'with a userId': { userId: '{{gina.id}}' },
      'with a userId of another type': { userId: 5 },
      'with a role': { role: 'admin' },
      'and keeps the active one': { keepCurrentActiveOrganization: true },
      'and doesn’t keep it': { keepCurrentActiveOrganization: false },
      'and keeps it as a text': { keepCurrentActiveOrganization: 'true' },
    },
    (fields) => [create(fields), SESSION, get('list')],
  ),
  ...named(
    'metadata',
    each(
      {
        'empty': {},
        'nested': { a: { b: [1, 'x', null, true, { c: {} }] } },
        'numbers': { one: 1.0, half: 0.5, big: 1e21, small: 1e-7, minus: -0 },
        'odd names': { b: 1, 2: 2, 1: 1, '01': 3, 4294967295: 4, 4294967294: 5, '': 6, 'é"\\': 7 },
        'dates': { at: '2024-01-01T00:00:00.000Z' },
        'texts': { a: 'a\nb\t"c"\\ \u2028 é 😀' },
        'JavaScript’s names': { constructor: { x: 1 }, toString: 'x' },
      },
      (metadata) => [create({ metadata }), get('get-organization'), get('get-full-organization')],
    ),
  ),
  ...named('metadata of another type', each(['{"a":1}', [], [1], 5, true, null, ''], (metadata) => create({ metadata }))),
  'twice': [create(), create()],
  'two': [create(), create({ slug: 'new2' }), get('list')],
  'while in another': [...world('member'), active(), create(), SESSION, get('list')],
  'and keeps': [...world('member'), active(), create({ keepCurrentActiveOrganization: true }), SESSION],
  'by a form': { ...post('create', undefined), raw: 'name=a&slug=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
  'and signs out': [create({}, BY), POST('/sign-out', {}, BY), get('list')],
  'and is deleted with its user': [create(), `DELETE FROM "user" WHERE id = '{{vera.id}}'`],
});
const slugs = after(
  world('member'),
  named('check-slug', { ...each(['acme', 'ACME', 'acme ', '', 'new', 'ａｃｍｅ', `acme'`, 'acme\\', '%'], (slug) => post('check-slug', { slug })), 'by a stranger': post('check-slug', { slug: 'acme' }, { by: 'gina' }) }),
);

// ── Change and deletion ──────────────────────────────────────────────────────────────────────────

const update = (data, more = IN) => post('update', { data, ...more });
const updating = after(
  world('owner'),
  named('update', {
    ...each(
      {
        'name': { name: 'Renamed' },
        'an empty name': { name: '' },
        'no name': { name: null },
        'slug': { slug: 'renamed' },
        'the same slug': { slug: 'acme' },
        'the same slug in capitals': { slug: 'Acme' },
        'a taken slug': { slug: 'other' },
        'an empty slug': { slug: '' },
        'slug null': { slug: null },
        'logo': { logo: 'x' },
        'no logo': { logo: null },
        'metadata': { metadata: { a: [1, { b: 2 }], 1: 1 } },
        'metadata empty': { metadata: {} },
        'metadata null': { metadata: null },
        'metadata a text': { metadata: '{}' },
        'metadata an array': { metadata: [] },
        'all': { name: 'N', slug: 'n', logo: 'l', metadata: { m: 1 } },
        'all wrong': { name: 5, slug: '', logo: 5, metadata: 5 },
        'name, and what is none of its fields': { name: 'N', id: 'x', createdAt: '2020-01-01T00:00:00.000Z', unknown: 1 },
      },
      (data) => [update(data), get('get-organization', IN)],
    ),
    ...named('data', each([null, [], 'x', 5], (data) => update(data))),
    'data missing': update(undefined),
    'organizationId null': update({ name: 'x' }, { organizationId: null }),
    'organizationId a number': update({ name: 'x' }, { organizationId: 5 }),
    'metadata that was none': [`UPDATE organization SET metadata = NULL`, update({ name: 'x' })],
    'metadata that was empty': [`UPDATE organization SET metadata = ''`, update({ name: 'x' }), get('get-organization', IN)],
    'by who was demoted': [update({ name: 'x' }), `UPDATE member SET role = 'member' WHERE id = '${MEMBER.vera}'`, update({ name: 'y' })],
  }),
);
const deleting = after(
  world('owner'),
  named('delete', {
    'and then nothing': [post('delete', IN), post('delete', IN), get('get-organization', IN), get('list'), get('list', {}, { by: 'ada' })],
    'the active one': [active(), post('delete', IN), SESSION],
    'while another is active': [active(OTHER), post('delete', IN), SESSION],
    'while it is active elsewhere': [active(ACME, 'ada'), post('delete', IN), GET('/get-session', { by: 'ada' })],
    'with invitations': [invitation('x@example.com'), invitation('y@example.com', { status: 'accepted' }), post('delete', IN)],
    'and make it again': [post('delete', IN), create({ slug: 'acme' })],
  }),
);

// ── A look ───────────────────────────────────────────────────────────────────────────────────────

const INVITATIONS = [
  invitation('a@example.com', { role: 'owner' }),
  invitation('b@example.com', { role: 'member, owner', createdAt: ago(19) }),
  invitation('d@example.com', { status: 'canceled', createdAt: ago(17) }),
  invitation('e@example.com', { expiresAt: `now() - interval '1 day'`, createdAt: ago(16) }),
];
const QUERIES = {
  'nothing': {},
  'id': IN,
  'slug': { organizationSlug: 'acme' },
  'slug in capitals': { organizationSlug: 'ACME' },
  'slug of none': { organizationSlug: 'nothing' },
  'slug of another': { organizationSlug: 'other' },
  'empty slug': { organizationSlug: '' },
  'empty slug and id': { organizationSlug: '', ...IN },
  'slug and id': { organizationSlug: 'acme', organizationId: OTHER },
  'the id as slug': { organizationSlug: ACME },
  'two ids': `organizationId=a&organizationId=b`,
  'two slugs': `organizationSlug=a&organizationSlug=b`,
  'an unknown field': { ...IN, x: 1 },
};
const looking = after(inOrder('member'), {
  ...Object.assign({}, ...['get-organization', 'get-full-organization'].map((path) => named(path, {
    ...each(QUERIES, (query) => get(path, query)),
    ...named('with an active one', each(QUERIES, (query) => [active(), get(path, query), SESSION])),
  }))),
  ...named('get-full-organization, invitations', each(['owner', 'admin', 'member', 'member,admin', 'nobody'], (role) => [INVITATIONS, `UPDATE member SET role = '${role}' WHERE id = '${MEMBER.vera}'`, get('get-full-organization', IN)])),
  ...named('get-full-organization, membersLimit', each(['1', '2', '0', '1.9', ' 2', '2x', '0x2', '+1', 'x', '', '99', 'NaN'], (membersLimit) => get('get-full-organization', { ...IN, membersLimit }))),
  'get-full-organization with two limits': get('get-full-organization', `organizationId=${ACME}&membersLimit=1&membersLimit=2`),
  'list': [member('vera', 'x', OTHER).replace(MEMBER.vera, id('second')), get('list'), get('list', {}, { by: 'ada' }), get('list', {}, { by: 'gina' })],
  'of an organization with odd metadata': [`UPDATE organization SET metadata = 'no JSON'`, get('get-organization', IN), get('get-full-organization', IN), get('list')],
});
const SET_ACTIVE = {
  'id': IN,
  'null': { organizationId: null },
  'null and a slug': { organizationId: null, organizationSlug: 'acme' },
  'nothing': {},
  'empty': { organizationId: '' },
  'empty and a slug': { organizationId: '', organizationSlug: 'acme' },
  'slug': { organizationSlug: 'acme' },
  'slug in capitals': { organizationSlug: 'ACME' },
  'slug null': { organizationSlug: null },
  'empty slug': { organizationSlug: '' },
  'slug and id': { ...IN, organizationSlug: 'other' },
  'slug of none': { organizationSlug: 'nothing' },
  'slug of another': { organizationSlug: 'other' },
  'id of another': { organizationId: OTHER },
  'id of none': { organizationId: 'nothing' },
};
const AS_IN = POST('/sign-in/email', { email: 'vera@example.com', password: PASSWORD }, { as: 'in' });
const activating = named('set-active', {
  ...after(world('member'), {
    ...each(SET_ACTIVE, (body) => [post('set-active', body), SESSION]),
    ...named('with an active one', each(SET_ACTIVE, (body) => [active(), post('set-active', body), SESSION])),
    'without being remembered': [POST('/sign-in/email', { email: 'vera@example.com', password: PASSWORD, rememberMe: false }), post('set-active', IN, { jar: true }), GET('/get-session', { jar: true })],
    'in one of two sessions': [AS_IN, post('set-active', IN), GET('/get-session', { by: 'in' }), SESSION],
    'and is removed': [post('set-active', IN), `DELETE FROM member WHERE id = '${MEMBER.vera}'`, SESSION, post('set-active', {}), SESSION],
    'by update-session': [POST('/update-session', { activeOrganizationId: ACME }, BY), SESSION],
    'by update-session, empty': [active(), POST('/update-session', { activeOrganizationId: '' }, BY), SESSION],
    'at sign-in': [active(), AS_IN, GET('/get-session', { by: 'in' })],
  }),
});

// ── What differs ─────────────────────────────────────────────────────────────────────────────────

const invalid = [400, 'VALIDATION_ERROR'];
const differing = after(world('owner'), {
  'a long slug': differs('longSlug', [create({ slug: 'x'.repeat(20_000) })], [200, undefined], invalid),
  'a long slug at update': differs('longSlug', [update({ slug: 'x'.repeat(20_000) })], [200, undefined], invalid),
  'nothing to change': differs('nothingToChange', [update({})], [500, ''], [200, undefined]),
  'nothing of its fields to change': differs('nothingToChange', [update({ unknown: 1 })], [500, ''], [200, undefined]),
  'a membersLimit below 0': differs('oddPages', [get('get-full-organization', { ...IN, membersLimit: '-1' })], [500, ''], invalid),
  'a date in metadata': differs('metadataDates', [update({ metadata: { at: '1999-01-01T00:00:00Z' } })], '1999-01-01T00:00:00.000Z', '1999-01-01T00:00:00Z', ({ answers }) => JSON.parse(answers.at(-1).body).metadata.at),
  'metadata that is no JSON': differs('metadataDates', [`UPDATE organization SET metadata = 'no JSON'`, update({ name: 'x' })], [500, ''], [200, undefined]),
  'an invitation without a role': differs('nullRole', [invitation('c@example.com', { role: null }), `UPDATE member SET role = 'admin' WHERE id = '${MEMBER.vera}'`, get('get-full-organization', IN)], [500, ''], [200, undefined]),
  'a text with NUL': differs('nul', [create({ name: 'a\0b' })], [500, ''], invalid),
});

// ── Options ──────────────────────────────────────────────────────────────────────────────────────

const ac = createAccessControl({ organization: ['update', 'delete'], member: ['create', 'update', 'delete'], invitation: ['create', 'cancel'], team: [], ac: [] });
const STATEMENTS = {
  owner: { organization: ['update', 'delete'], member: ['create', 'update', 'delete'], invitation: ['create', 'cancel'] },
  boss: { organization: ['update', 'delete'] },
  editor: { organization: ['update'], member: ['update'] },
  inviter: { invitation: ['create'] },
  canceler: { invitation: ['cancel'], member: ['delete'] },
};
export const CUSTOM = {
  options: { ac, roles: Object.fromEntries(Object.entries(STATEMENTS).map(([name, statements]) => [name, ac.newRole(statements)])) },
  settings: { organization_roles: JSON.stringify(STATEMENTS) },
  names: [...Object.keys(STATEMENTS), 'admin', 'member', 'editor,canceler'],
};
const FIELDS = {
  plugins: 'organization',
  options: () => ({
    plugins: [
      organization({
        schema: {
          organization: { additionalFields: { plan: { type: 'string', required: false }, seats: { type: 'number', required: true }, open: { type: 'boolean', required: false, input: false } } },
          member: { additionalFields: { title: { type: 'string', required: false } } },
        },
      }),
    ],
  }),
  sql: 'ALTER TABLE organization ADD plan text, ADD seats integer NOT NULL, ADD open boolean; ALTER TABLE member ADD title text',
  tables: TABLES,
};
const FIELD_SETTINGS = { organization_additional_fields: 'plan, seats, open:readonly', organization_member_additional_fields: 'title' };
const SEATS = `ALTER TABLE organization ALTER seats SET DEFAULT 3`;
export const TEAMS = {
  plugins: 'organization',
  options: () => ({ plugins: [organization({ teams: { enabled: true } })] }),
  settings: { organization_teams: 'on' },
  tables: { ...TABLES, team: 'name, "createdAt"', teamMember: '"userId", "createdAt"' },
};
export const withTeams = (name, options, settings, cases) => ({
  name: `organization: ${name}`,
  columns: TEAMS,
  options: () => ({ plugins: [organization({ ...options, teams: { enabled: true, ...options.teams } })] }),
  settings,
  cases,
});
const ACTIVE_IN = `UPDATE session SET "activeOrganizationId" = '${ACME}'`;
const options = [
  withOptions('roles', CUSTOM.options, CUSTOM.settings, {
    ...Object.assign({}, ...CUSTOM.names.map((role) => named(`as ${role}`, after([...inOrder(role), ...INVITATIONS], ROUTES())))),
  }),
  withOptions('creatorRole', { creatorRole: 'admin' }, { organization_creator_role: 'admin' }, {
    'create': [create(), get('get-full-organization')],
    ...Object.assign({}, ...['admin', 'owner', 'member'].map((role) => named(`as ${role}`, after([...inOrder(role), ...INVITATIONS, invitation('f@example.com', { role: 'admin', createdAt: ago(15) })], ROUTES())))),
  }),
  withOptions('allowUserToCreateOrganization', { allowUserToCreateOrganization: false }, { organization_allow_user_to_create_organization: 'off' }, {
    'create': create(),
    'create, taken': [...world(), create({ slug: 'acme' })],
    'create without a session': create({}, {}),
  }),
  withOptions('organizationLimit', { organizationLimit: 1 }, { organization_organization_limit: 1 }, {
    'one, and another': [create(), create({ slug: 'new2' })],
    'one, and another with its slug': [create(), create()],
    'in one of another’s': [...world('member'), create()],
    'in none any more': [...world('member'), post('leave', IN), create()],
  }),
  withOptions('organizationLimit 0', { organizationLimit: 0 }, { organization_organization_limit: 0 }, { 'create': create() }),
  withOptions('disableOrganizationDeletion', { disableOrganizationDeletion: true }, { organization_disable_organization_deletion: 'on' }, {
    'delete': [...world('owner'), post('delete', IN)],
    'delete without a session': post('delete', IN, {}),
    'delete without an id': post('delete', {}),
  }),
  {
    name: 'organization: additional fields',
    columns: FIELDS,
    settings: FIELD_SETTINGS,
    cases: {
      ...named(
        'create',
        each(
          {
            'all': { plan: 'pro', seats: 5 },
            'the required': { seats: 5 },
            'null': { plan: null, seats: 5 },
            'without the required': { plan: 'pro' },
            'the required null': { seats: null },
            'of other types': { plan: 5, seats: 'x' },
            'one that is no input': { seats: 1, open: true },
            'one of members': { seats: 1, title: 'x' },
            'with a wrong name too': { name: '', plan: 5 },
          },
          (fields) => [create(fields), get('get-organization'), get('list')],
        ),
      ),
      ...after([SEATS, ...world('owner')], named(
        'update',
        each(
          { 'one': { plan: 'pro' }, 'null': { plan: null }, 'the required': { seats: 7 }, 'the required null': { seats: null }, 'of other types': { plan: 5, seats: 'x' }, 'no input': { open: true, name: 'x' }, 'and core ones': { plan: 'x', name: 'y', seats: 1 } },
          (data) => [update(data), get('get-full-organization', IN)],
        ),
      )),
    },
  },
  withTeams('teams', {}, {}, {
    ...creating,
    'create, and the full one': [create(), get('get-full-organization'), SESSION],
    'create, keeping': [create({ keepCurrentActiveOrganization: true }), SESSION],
    'delete with a team': [create({}, { by: 'vera', keep: { new: 'id' } }), post('delete', { organizationId: '{{new}}' }), SESSION],
  }),
  withTeams('teams without a default one', { teams: { defaultTeam: { enabled: false } } }, { organization_default_team: 'off' }, { 'create': [create(), get('get-full-organization'), SESSION] }),
  {
    name: 'organization: with the cookie cache',
    columns,
    options: () => ({ session: { cookieCache: { enabled: true } } }),
    settings: { cookie_cache: 'on' },
    cases: {
      'set-active': uncached([...world('owner'), AS_IN], post('set-active', IN, { jar: true }), GET('/get-session', { jar: true })),
      'set-active null': uncached([...world('owner'), active(), AS_IN, ACTIVE_IN], post('set-active', { organizationId: null }, { jar: true }), GET('/get-session', { jar: true })),
      'a session that was revoked': uncached([...world('owner'), AS_IN, 'DELETE FROM session'], post('create', NEW, { jar: true })),
    },
  },
];

export default [
  { name: 'organization: who may', columns, cases: accessOf(ROUTES) },
  {
    name: 'organization: bodies',
    columns,
    cases: bodiesOf(ROUTES, {
      ...Object.fromEntries(['/organization/create, slug: huge', '/organization/create, slug: an empty array', '/organization/create, name: an empty array', '/organization/update, data: an object'].map((name) => [name, undefined])),
    }),
  },
  { name: 'organization: creation', columns, cases: { ...creating, ...slugs } },
  { name: 'organization: change and deletion', columns, cases: { ...updating, ...deleting } },
  { name: 'organization: a look', columns, cases: { ...looking, ...activating } },
  { name: 'organization: what differs', columns, cases: differing },
  ...options,
];
