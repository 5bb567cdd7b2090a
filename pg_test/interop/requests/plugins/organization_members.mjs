// The organization plugin: members.

import { organization } from 'better-auth/plugins';
import { GET, POST } from '../../http.mjs';
import { differs, each, named } from '../common.mjs';
import {
  ACME, BY, CUSTOM, IN, MEMBER, MEMBER_ROUTES, OTHER, TABLES, TEAMS,
  accessOf, active, after, bodiesOf, columns, get, inOrder, member, post, withOptions, withTeams, world,
} from './organization_organizations.mjs';

const SESSION = GET('/get-session', BY);
const MEMBERS = (by = BY) => get('list-members', { ...IN, sortBy: 'createdAt' }, by);
const ADA = { by: 'ada' };

// ── Removing and leaving ─────────────────────────────────────────────────────────────────────────

const remove = (memberIdOrEmail, more = IN, options = BY) => post('remove-member', { memberIdOrEmail, ...more }, options);
const role = (user, role) => `UPDATE member SET role = '${role}' WHERE id = '${MEMBER[user]}'`;
const WHO = { 'by id': MEMBER.otto, 'by email': 'otto@example.com', 'by email in capitals': 'OTTO@Example.COM', 'oneself': MEMBER.vera, 'oneself by email': 'vera@example.com', 'the owner': MEMBER.ada, 'the owner by email': 'ada@example.com', 'of another': MEMBER.gina, 'of another by email': 'gina@example.com', 'nobody': 'nobody', 'nobody by email': 'nobody@example.com', 'an at sign': '@', 'empty': '', 'a user': '{{ada.id}}' };
const removing = Object.assign(
  {},
  ...['owner', 'admin', 'member', 'admin,owner', ' owner ,x'].map((mine) => named(`remove-member as ${mine}`, after([...world(mine), active()], each(WHO, (who) => [remove(who), SESSION])))),
  named('remove-member', {
    'the only owner by who is none': [...world('admin'), remove(MEMBER.ada)],
    'one of two owners': [...world('owner'), remove(MEMBER.ada), remove(MEMBER.vera), get('list', {}, ADA)],
    'both owners': [...world('owner'), remove(MEMBER.vera, IN, ADA), remove(MEMBER.ada, IN, ADA)],
    'an owner by another’s role with spaces': [...world('owner'), role('ada', ' owner , x'), remove(MEMBER.ada)],
    'of a role that only begins so': [...world('owner'), role('ada', 'owners'), remove(MEMBER.ada), remove(MEMBER.vera)],
    'the active one of somebody else': [...world('owner'), active(ACME, 'ada'), remove(MEMBER.ada), GET('/get-session', ADA)],
    'twice': [...world('admin'), remove(MEMBER.otto), remove(MEMBER.otto)],
    'and then nothing goes': [...world('admin'), remove(MEMBER.vera), MEMBERS(), get('get-organization', IN)],
    'an owner of another organization': [...world('owner'), remove(MEMBER.gina)],
    'an owner of another, as the only owner': [...world('member'), remove(MEMBER.gina, IN, ADA)],
  }),
  named('leave', {
    ...Object.assign({}, ...['owner', 'admin', 'member', 'nobody', 'member,owner'].map((mine) => after([...world(mine), active()], { [mine]: [post('leave', IN), SESSION, post('leave', IN)] }))),
    'the only owner': [...world('member'), post('leave', IN, ADA)],
    'both owners': [...world('owner'), post('leave', IN), post('leave', IN, ADA)],
    'the last member': [...world(), `DELETE FROM member WHERE id <> '${MEMBER.ada}'`, post('leave', IN, ADA)],
    'of another': [...world('member'), post('leave', { organizationId: OTHER })],
    'while another is active': [...world('member'), active(OTHER), post('leave', IN), SESSION],
  }),
);

// ── Roles ────────────────────────────────────────────────────────────────────────────────────────

const setRole = (role, memberId = MEMBER.otto, more = IN, options = BY) => post('update-member-role', { memberId, role, ...more }, options);
const GIVEN = ['member', 'admin', 'owner', 'wizard', '', ' ', ',', 'admin,member', ' admin , owner ', 'member,,admin', 'Owner', ['admin'], ['admin', 'member'], ['member,owner'], [], [''], [' '], ['wizard', 'witch', 'admin'], 'constructor', 'member,member'];
const OF = { 'a member': MEMBER.otto, 'an owner': MEMBER.ada, 'oneself': MEMBER.vera, 'one of another': MEMBER.gina, 'nobody': 'nobody' };
const roles = {
  ...Object.assign({}, ...['owner', 'admin', 'member', 'admin,owner'].map((mine) => named(`update-member-role as ${mine}`, after(world(mine), each(GIVEN, (given) => [setRole(given), MEMBERS()]))))),
  ...Object.assign({}, ...['owner', 'admin', 'member'].flatMap((mine) => ['member', 'admin', 'owner'].map((given) => named(`update-member-role to ${given} as ${mine}`, after(world(mine), each(OF, (of) => [setRole(given, of), MEMBERS()])))))),
  ...named('update-member-role', {
    'the only owner demotes itself': [...world('member'), setRole('admin', MEMBER.ada, IN, ADA)],
    'the only owner keeps the role': [...world('member'), setRole('owner,admin', MEMBER.ada, IN, ADA)],
    'both owners demote themselves': [...world('owner'), setRole('admin', MEMBER.vera), setRole('admin', MEMBER.ada, IN, ADA)],
    'owners demote each other': [...world('owner'), setRole('member', MEMBER.ada), setRole('member', MEMBER.vera, IN, ADA)],
    'and then more goes': [...world('member'), post('update', { data: { name: 'x' }, ...IN }), setRole('admin', MEMBER.vera, IN, ADA), post('update', { data: { name: 'x' }, ...IN })],
    'without a role, in no organization': [...world('owner'), setRole('', MEMBER.otto, {})],
    'a role of blanks, in no organization': [...world('owner'), setRole(' ', MEMBER.otto, {})],
    ...named('a role', each([null, 5, {}, [5], ['admin', null], true], (given) => [...world('owner'), setRole(given)])),
  }),
};

// ── Looking ──────────────────────────────────────────────────────────────────────────────────────

const MANY = `INSERT INTO "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
  SELECT 'many' || n, 'Many ' || n, 'many' || n || '@example.com', true, now(), now() FROM generate_series(1, 120) n;
  INSERT INTO member (id, "organizationId", "userId", role, "createdAt")
  SELECT 'many' || lpad(n::text, 3, '0'), '${ACME}', 'many' || n, CASE n % 3 WHEN 0 THEN 'admin' ELSE 'member' END, timestamptz '2015-01-01Z' + n * interval '1 day' FROM generate_series(1, 120) n`;
const list = (query) => get('list-members', { sortBy: 'createdAt', ...IN, ...query });
const raw = (query) => get('list-members', `organizationId=${ACME}&sortBy=createdAt&${query}`);
const OPERATORS = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in', 'not_in', 'contains', 'starts_with', 'ends_with'];
const FILTERS = { id: 'many007', role: 'admin', userId: 'many9', organizationId: ACME, createdAt: '2015-01-20T00:00:00.000Z' };
/** Those that make a statement of Better Auth's fail: what Better Auth answers with 500. */
const FAILS = { id: ['in'], role: ['in'], userId: ['in'], organizationId: ['in'], createdAt: ['in', 'contains', 'starts_with', 'ends_with'] };
const oddPage = (step) => differs('oddPages', [inOrder('member'), MANY, step], [500, ''], [400, 'VALIDATION_ERROR']);
const listing = {
  ...after([...inOrder('member'), MANY], {
    ...named('list-members', {
      'at all': list(),
      'unsorted': get('list-members', IN),
      ...named('limit', each(['1', '0', '', 'x', '5', ' 7 ', '0x10', '1e1', '119', '120', '5000'], (limit) => list({ limit }))),
      ...named('offset', each(['1', '0', '', 'x', '119', '500', '0x10'], (offset) => list({ offset, limit: 3 }))),
      ...named('sortBy', each(['id', 'role', 'userId', 'createdAt', 'organizationId'], (sortBy) => [list({ sortBy, filterField: 'id', filterValue: 'many007' }), list({ sortBy, sortDirection: 'desc', filterField: 'id', filterOperator: 'gt', filterValue: 'many118' })])),
      ...named('sortDirection', each(['asc', 'desc', 'ASC', 'up', ''], (sortDirection) => list({ sortDirection, limit: 3 }))),
      'two limits': raw('limit=1&limit=2'),
      'two offsets': raw('offset=1&offset=2'),
      'two fields': raw('filterField=id&filterField=role&filterValue=x'),
      'an unknown parameter': list({ x: 1, limit: 1 }),
      ...Object.assign({}, ...Object.entries(FILTERS).map(([filterField, filterValue]) => named(`filter ${filterField}`, each(OPERATORS.filter((operator) => !FAILS[filterField].includes(operator)), (filterOperator) => [
        list({ filterField, filterOperator, filterValue, limit: 5 }),
      ])))),
      ...named('filter by several', each(['in', 'not_in'], (filterOperator) => raw(`filterField=role&filterOperator=${filterOperator}&filterValue=admin&filterValue=x&limit=5`))),
      ...named('filter operator', each(['EQ', 'like', '', '='], (filterOperator) => list({ filterField: 'id', filterOperator, filterValue: 'x' }))),
      'an empty field': list({ filterField: '', filterValue: 'x', limit: 2 }),
      'a value alone': list({ filterValue: 'admin', limit: 2 }),
      ...named('filter value', each(['', '%', `'`, ' admin', 'ADMIN', '_dmin'], (filterValue) => [list({ filterField: 'role', filterValue, limit: 2 }), list({ filterField: 'role', filterOperator: 'contains', filterValue, limit: 2 })])),
      ...named('organization', each({ 'by slug': { organizationSlug: 'acme' }, 'by another’s slug': { organizationSlug: 'other' }, 'by no slug': { organizationSlug: '' }, 'by a slug of none': { organizationSlug: 'x' }, 'by slug and id': { organizationSlug: 'acme', organizationId: OTHER }, 'none': {} }, (where) => get('list-members', { sortBy: 'createdAt', limit: 2, ...where }))),
    }),
  }),
  ...after(
    [...world('member'), active()],
    named('get-active-member-role', {
      ...each({ 'nothing': {}, 'id': IN, 'another': { organizationId: OTHER }, 'slug': { organizationSlug: 'acme' }, 'slug of another': { organizationSlug: 'other' }, 'slug of none': { organizationSlug: 'x' }, 'a user': { userId: '{{ada.id}}' }, 'a user of another': { userId: '{{gina.id}}' }, 'nobody': { userId: 'nobody' }, 'no user': { userId: '' }, 'a user, by slug': { userId: '{{ada.id}}', organizationSlug: 'acme' } }, (query) => get('get-active-member-role', Object.entries(query).map((pair) => pair.join('=')).join('&'))),
      'two users': get('get-active-member-role', 'userId=a&userId=b'),
    }),
  ),
  ...named('get-active-member', Object.assign({}, ...['owner', 'member', ' x, y'].map((mine) => ({ [mine]: [...world(mine), active(), get('get-active-member')] })))),
};
const differing = named('list-members', {
  ...named('limit', each(['-1', '1.5', 'Infinity', '1e30'], (limit) => oddPage(list({ limit })))),
  ...named('offset', each(['-1', '1.5', 'Infinity'], (offset) => oddPage(list({ offset })))),
  ...named('sortBy', each(['nothing', 'user', 'user.name', 'Role', `role"; --`, 'constructor'], (sortBy) => oddPage(list({ sortBy })))),
  ...named('filter field', each(['nothing', 'user', 'email', `role"`, 'rolE'], (filterField) => oddPage(list({ filterField, filterValue: 'x' })))),
  ...Object.assign({}, ...Object.entries(FAILS).map(([filterField, operators]) => named(`filter ${filterField}`, each(operators, (filterOperator) => oddPage(list({ filterField, filterOperator, filterValue: FILTERS[filterField] })))))),
  'a date that is none': oddPage(list({ filterField: 'createdAt', filterValue: 'yesterdayish' })),
});

// ── Options ──────────────────────────────────────────────────────────────────────────────────────

/** What allows more than an editor may. */
const ABOVE = ['boss', 'inviter', 'canceler', 'editor,canceler'];
const options = [
  withOptions('roles, and members', CUSTOM.options, CUSTOM.settings, {
    ...Object.assign({}, ...CUSTOM.names.map((mine) => named(`as ${mine}`, after(world(mine), MEMBER_ROUTES())))),
    ...named('a role', after(world('editor'), each([...CUSTOM.names.filter((name) => !ABOVE.includes(name)), 'unknown', ['boss', 'nobody', 'editor']], (given) => setRole(given)))),
    ...named('a role', each(ABOVE, (given) => differs('rolesAbove', [...world('editor'), setRole(given)].flat(), [200, undefined], [403, 'YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER']))),
  }),
  withOptions('creatorRole, and members', { creatorRole: 'admin' }, { organization_creator_role: 'admin' }, {
    ...Object.assign({}, ...['admin', 'owner', 'member'].map((mine) => named(`as ${mine}`, after(world(mine), MEMBER_ROUTES())))),
    ...named('the only one', { 'leaves': [...world('admin'), post('leave', IN)], 'is demoted': [...world('admin'), setRole('member', MEMBER.vera)], 'is removed': [...world('admin'), remove(MEMBER.vera)], 'makes another': [...world('admin'), setRole('admin'), setRole('member', MEMBER.vera)] }),
  }),
  withOptions('membershipLimit, and the list', { membershipLimit: 3 }, { organization_membership_limit: 3 }, {
    ...after([...inOrder('member'), MANY], named('limit', { 'none': list(), ...each(['0', '2', '10'], (limit) => list({ limit })) })),
  }),
  {
    name: 'organization: additional fields of members',
    columns: {
      plugins: 'organization',
      options: () => ({ plugins: [organization({ schema: { member: { additionalFields: { title: { type: 'string', required: false }, level: { type: 'number', required: false } } } } })] }),
      sql: 'ALTER TABLE member ADD title text, ADD level integer',
      tables: TABLES,
    },
    settings: { organization_member_additional_fields: 'title, level' },
    cases: after([...inOrder('member'), `UPDATE member SET title = 'Dr.', level = 3 WHERE id = '${MEMBER.otto}'`], {
      ...MEMBER_ROUTES(),
      'get-full-organization': get('get-full-organization', IN),
      'by email': [role('vera', 'admin'), remove('otto@example.com')],
      'create': post('create', { name: 'x', slug: 'x', title: 'y' }),
      'filter': [list({ filterField: 'title', filterValue: 'Dr.' }), list({ filterField: 'level', filterOperator: 'gte', filterValue: '2' }), list({ filterField: 'level', filterValue: '3.0', sortBy: 'title' })],
    }),
  },
  withTeams('members of teams', {}, {}, {
    ...Object.assign(
      {},
      ...[['leave', post('leave', { organizationId: '{{new}}' })], ['remove-member', remove('otto@example.com', { organizationId: '{{new}}' }, ADA)]].map(([name, step]) => ({
        [name]: [
          ...world(),
          post('create', { name: 'New', slug: 'new' }, { by: 'ada', keep: { new: 'id' } }),
          `INSERT INTO member (id, "organizationId", "userId", role, "createdAt") VALUES ('v', '{{new}}', '{{vera.id}}', 'member', now() + interval '1 s'), ('o', '{{new}}', (SELECT id FROM "user" WHERE name = 'Otto'), 'member', now() + interval '2 s')`,
          `INSERT INTO team (id, name, "memberCount", "organizationId", "createdAt") VALUES ('t2', 'Second', 2, '{{new}}', now())`,
          `INSERT INTO "teamMember" (id, "teamId", "userId") SELECT 'm' || row_number() OVER (ORDER BY t.name, u.name), t.id, u.id FROM team t, "user" u WHERE u.name IN ('Vera', 'Otto')`,
          step,
        ],
      })),
    ),
  }),
];

export default [
  { name: 'organization: who may, of members', columns, cases: accessOf(MEMBER_ROUTES) },
  { name: 'organization: bodies, of members', columns, cases: bodiesOf(MEMBER_ROUTES, { '/organization/update-member-role, role: a lone surrogate': undefined }) },
  { name: 'organization: members', columns, cases: { ...removing, ...roles } },
  { name: 'organization: lists of members', columns, cases: listing },
  { name: 'organization: lists of members, what differs', columns, cases: differing },
  ...options,
];
