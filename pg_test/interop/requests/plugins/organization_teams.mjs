// The organization plugin: teams and who is in them.

import { createAccessControl } from 'better-auth/plugins/access';
import { defaultStatements } from 'better-auth/plugins/organization/access';
import { GET, POST } from '../../http.mjs';
import { PASSWORD, aged, each, named, oddBodies, oddFields, uncached } from '../common.mjs';
import {
  ACME, BLUE, BY, EXPIRED, FOREIGN, IN, OTHER, RED, TEAMS, TEAM_TABLES, WITH_TEAMS,
  active, after, get, invitation, member, more, place, plugin, post, routes, teams, world,
} from './organization_common.mjs';

const columns = TEAMS;
const group = (name, cases, more) => ({ name: `organization teams: ${name}`, columns, cases, ...more });
const withOptions = (name, options, settings, cases) =>
  group(name, cases, { options: (send) => ({ plugins: [plugin({ ...WITH_TEAMS, ...options }, send)] }), settings });

const ADA = { by: 'ada' };
const GINA = { by: 'gina' };
const IN_BROWSER = POST('/sign-in/email', { email: 'vera@example.com', password: PASSWORD });
const HER = { userId: '{{ada.id}}' };
const create = (fields, options) => post('create-team', { name: 'Green', ...IN, ...fields }, options);
const list = (options = BY, where = IN) => get('list-teams', where, options);
const remove = (fields, options) => post('remove-team', { teamId: RED, ...IN, ...fields }, options);
const update = (data, options, teamId = RED) => post('update-team', { teamId, data: { ...IN, ...data } }, options);
const activate = (teamId, options = ADA) => post('set-active-team', { teamId }, options);
const ofUser = (query, options = ADA) => get('list-user-teams', query, options);
const members = (query = { teamId: RED }, options = ADA) => get('list-team-members', query, options);
const add = (fields, options) => post('add-team-member', { teamId: RED, ...HER, ...IN, ...fields }, options);
const take = (fields, options) => post('remove-team-member', { teamId: RED, ...HER, ...IN, ...fields }, options);
const session = (options = ADA) => GET('/get-session', options);

// Every route, with a request that is right; `where` is the organization.
const ROUTES = (where = IN, options = BY, teamId = RED) => ({
  'create-team': post('create-team', { name: 'Green', ...where }, options),
  'list-teams': list(options, where),
  'remove-team': post('remove-team', { teamId, ...where }, options),
  'update-team': post('update-team', { teamId, data: { name: 'Crimson', ...where } }, options),
  'set-active-team': activate(teamId, options),
  'list-user-teams': ofUser(where, options),
  'list-user-teams of another': ofUser({ ...where, userId: '{{ada.id}}' }, options),
  'list-team-members': members({ teamId }, options),
  'add-team-member': post('add-team-member', { teamId, ...HER, ...where }, options),
  'remove-team-member': post('remove-team-member', { teamId, ...HER, ...where }, options),
});
/** Ada is in Red, and Vera as well. */
const FILLED = (role = 'member') => [...teams(role), place('ada', RED), place('vera', RED), active('vera')];

// ── Who may ──────────────────────────────────────────────────────────────────────────────────────

const access = {
  ...named('without a session', routes(FILLED(), ROUTES(IN, {}))),
  ...named('without a session and an organization', routes(FILLED(), ROUTES({}, {}))),
  ...named('with a dead session', routes(FILLED(), ROUTES(IN, { cookie: 'better-auth.session_token=x.y' }))),
  ...named('in an expired session', routes([...FILLED(), aged('-1 minute', '-7 days', 'vera')], ROUTES())),
  ...Object.assign(
    {},
    ...['owner', 'admin', 'member', 'nobody', 'member, admin', 'Owner', ' '].map((role) => named(`as ${role.trim() || 'no role'}`, routes([...FILLED(role), active('ada')], ROUTES(IN, ADA)))),
  ),
  ...named('as the owner', routes(FILLED(), ROUTES())),
  ...named('as a stranger', routes([...teams(), place('ada', RED), active('ada')], ROUTES(IN, ADA))),
  ...named('as the owner of another organization', routes([...FILLED(), active('gina', OTHER)], ROUTES(IN, GINA))),
  ...named('in the organization of the session', routes(FILLED(), ROUTES({}))),
  ...named('in no organization', routes([...teams('member'), place('ada', RED), place('vera', RED)], ROUTES({}))),
  ...named('in one with an empty id', routes(FILLED(), ROUTES({ organizationId: '' }))),
  ...named('in one that there is none', routes(FILLED(), ROUTES({ organizationId: 'nothing' }))),
  ...named('in another', routes(FILLED(), ROUTES({ organizationId: OTHER }))),
  ...named('in the session’s, which is another’s', routes([...teams('member'), place('ada', RED), place('vera', RED), active('vera', OTHER)], ROUTES({}))),
  ...named('a team of another organization', routes(FILLED(), ROUTES(IN, BY, FOREIGN))),
  ...named('a team of another organization that one is in', routes([...FILLED(), member('vera', 'member', OTHER), place('vera', FOREIGN), place('ada', FOREIGN)], ROUTES(IN, BY, FOREIGN))),
  ...named('an unknown team', routes(FILLED(), ROUTES(IN, BY, 'nothing'))),
  'a wrong method': [...FILLED(), get('create-team'), post('list-teams', IN), get('set-active-team'), post('list-user-teams', {}), get('add-team-member')],
  'from another origin': [...FILLED(), { ...remove(), headers: { origin: 'https://elsewhere.example' } }],
  'without an origin': [...FILLED(), { ...activate(RED, BY), headers: { origin: null } }],
};

// ── What each takes ──────────────────────────────────────────────────────────────────────────────

const BODIES = {
  'create-team': { name: 'Green', ...IN },
  'remove-team': { teamId: RED, ...IN },
  'update-team': { teamId: RED, data: { name: 'Crimson' } },
  'set-active-team': { teamId: RED },
  'add-team-member': { teamId: RED, ...HER, ...IN },
  'remove-team-member': { teamId: RED, ...HER, ...IN },
};
const bodies = after(
  FILLED(),
  Object.assign(
    {},
    ...Object.entries(BODIES).map(([name, body]) => oddFields(`/organization/${name}`, body, BY)),
    ...Object.keys(BODIES).map((name) => oddBodies(`/organization/${name}`, BY)),
    named('update-team, data', each(
      {
        'empty': {},
        'an empty name': { name: '' },
        'no text as name': { name: 5 },
        'null as name': { name: null },
        'no text as organizationId': { name: 'x', organizationId: 5 },
        'two mistakes': { name: '', organizationId: 5 },
        'what is none': { name: 'x', id: 'y', memberCount: 7, createdAt: '2020-01-01T00:00:00.000Z', updatedAt: '2020-01-01T00:00:00.000Z' },
      },
      (data) => post('update-team', { teamId: RED, data }),
    )),
    named('userId', each({ 'a number': 5, 'an array': ['{{ada.id}}'], 'with a space': '{{ada.id}} ', 'in capitals': '{{ada.token}}' }, (userId) => [add({ userId }), take({ userId })])),
  ),
);
const queries = after(FILLED(), {
  'list-teams: two': GET('/organization/list-teams?organizationId=a&organizationId=b', BY),
  'list-user-teams: two users': GET('/organization/list-user-teams?userId=a&userId=b', BY),
  'list-user-teams: two organizations': GET('/organization/list-user-teams?organizationId=a&organizationId=b', BY),
  'list-team-members: two': GET('/organization/list-team-members?teamId=a&teamId=b', BY),
  'empty ones': [list(BY, { organizationId: '' }), ofUser({ userId: '', organizationId: '' }, BY), members({ teamId: '' }, BY)],
  'none': [list(BY, {}), ofUser({}, BY), members({}, BY)],
});

// ── Teams ────────────────────────────────────────────────────────────────────────────────────────

const some = {
  'create': [...teams(), create(), list()],
  'create one of a name that is there': [...teams(), create({ name: 'Red' }), list()],
  'create one without a name': [...teams(), create({ name: '' })],
  'create, with fields that are none': [...teams(), create({ id: 'given', memberCount: 5, createdAt: '2020-01-01T00:00:00.000Z', updatedAt: null, unknown: 1 })],
  'create in one without teams': [...world(), create(), list()],
  'remove': [...FILLED(), remove(), list(), members({ teamId: RED })],
  'remove one twice': [...FILLED(), remove(), remove()],
  'remove the last': [...FILLED(), remove(), remove({ teamId: BLUE }), list()],
  'remove the active one': [...FILLED(), active('vera', ACME, RED), remove(), list()],
  'remove the active one of somebody else': [...FILLED(), active('ada', ACME, RED), remove(), session(), members({})],
  'remove the active one, as a stranger': [...teams(), active('ada', ACME, RED), remove({}, ADA)],
  'remove one that people are invited to': [
    ...FILLED(),
    invitation({ email: 'a@example.com', teamId: RED }),
    more(1, { email: 'b@example.com', teamId: `${BLUE},${RED}` }),
    more(2, { email: 'c@example.com', teamId: `${RED},${BLUE},${RED}` }),
    more(3, { email: 'd@example.com', teamId: BLUE }),
    more(4, { email: 'e@example.com' }),
    more(5, { email: 'f@example.com', teamId: RED, status: 'accepted' }),
    more(6, { email: 'g@example.com', teamId: RED, ...EXPIRED }),
    remove(),
  ],
  'update': [...teams(), update({ name: 'Crimson' }), list()],
  'update nothing': [...teams(), update({}), list()],
  'update, in another organization': [...teams(), update({ name: 'x', organizationId: OTHER }), update({ name: 'x', organizationId: OTHER }, GINA), update({ name: 'x', organizationId: OTHER }, GINA, FOREIGN)],
  'list': [...FILLED(), list(), list(ADA), list(GINA, { organizationId: OTHER }), list(GINA)],
};

// ── The session's, and a user's ──────────────────────────────────────────────────────────────────

const own = {
  ...named('set-active-team', {
    'of the active organization': [...FILLED(), active('ada'), activate(RED), session()],
    'of another': [...FILLED(), active('ada', OTHER), activate(RED), session()],
    'without an active organization': [...FILLED(), activate(RED), session()],
    'that one is not in': [...FILLED(), active('ada'), activate(BLUE), session()],
    'an owner is not in': [...teams(), active('vera'), activate(RED, BY)],
    'null': [...FILLED(), active('ada', ACME, RED), activate(null), session()],
    'null, twice': [...FILLED(), active('ada', ACME, RED), activate(null), activate(null)],
    'null, without an organization': [...FILLED(), active('ada', null, RED), activate(null), session()],
    'none': [...FILLED(), active('ada', ACME, RED), activate(undefined), session()],
    'none, where there is none': [...FILLED(), active('ada'), activate(undefined)],
    'none, where it is another’s': [...FILLED(), active('ada', ACME, FOREIGN), activate(undefined), session()],
    'none, where one is not in it': [...FILLED(), active('ada', ACME, BLUE), activate(undefined), session()],
    'empty': [...FILLED(), active('ada', ACME, RED), activate(''), session()],
    'another than before': [...FILLED(), place('ada', BLUE), active('ada', ACME, RED), activate(BLUE), session()],
    'in a browser': [...FILLED(), IN_BROWSER, `UPDATE session SET "activeOrganizationId" = '${ACME}'`, post('set-active-team', { teamId: RED }, { jar: true }), session({ jar: true })],
    'in a browser that is not remembered': [...FILLED(), { ...IN_BROWSER, body: { ...IN_BROWSER.body, rememberMe: false } }, `UPDATE session SET "activeOrganizationId" = '${ACME}'`, post('set-active-team', { teamId: RED }, { jar: true }), session({ jar: true })],
  }),
  ...named('list-user-teams', {
    'in all': [...FILLED(), member('ada', 'member', OTHER), place('ada', FOREIGN), place('ada', BLUE), ofUser({})],
    'in one': [...FILLED(), member('ada', 'member', OTHER), place('ada', FOREIGN), ofUser(IN), ofUser({ organizationId: OTHER })],
    'in one that is left': [...FILLED(), place('ada', FOREIGN), ofUser({}), ofUser({ organizationId: OTHER })],
    'of oneself by id': [...FILLED(), ofUser({ userId: '{{ada.id}}' }), ofUser({ userId: '{{ada.id}}', ...IN })],
    'of another': [...FILLED(), member('ada', 'member', OTHER), place('ada', FOREIGN), ofUser(HER, BY), ofUser({ ...HER, ...IN }, BY), ofUser({ ...HER, organizationId: OTHER }, GINA)],
    'of another, as a member': [...FILLED(), ofUser({ userId: '{{vera.id}}', ...IN })],
    'of who is no member': [...teams(), ofUser({ userId: '{{gina.id}}', ...IN }, BY), ofUser({ userId: 'nobody', ...IN }, BY)],
    'none': [...teams('member'), ofUser({}), ofUser(IN)],
  }),
};

// ── Who is in them ───────────────────────────────────────────────────────────────────────────────

const places = {
  ...named('list-team-members', {
    'of one that one is in': [...FILLED(), members(), members({ teamId: RED }, BY)],
    'of the active one': [...FILLED(), active('ada', ACME, RED), members({})],
    'of no active one': [...FILLED(), members({})],
    'of one that one is not in': [...FILLED(), members({ teamId: BLUE }), members({ teamId: BLUE }, BY)],
    'of one that is left': [...teams(), place('ada', RED), members()],
  }),
  ...named('add-team-member', {
    'a member': [...teams('member'), add(), members()],
    'twice': [...teams('member'), add(), add(), members()],
    'oneself': [...teams(), add({ userId: '{{vera.id}}' }), members({ teamId: RED }, BY)],
    'who is no member': [...teams(), add(), add({ userId: 'nobody' })],
    'to one of another organization': [...teams('member'), add({ teamId: FOREIGN }), add({ organizationId: OTHER }, GINA), add({ organizationId: OTHER, teamId: FOREIGN }, GINA)],
    'where the key is lacking': [...teams('member'), place('ada', RED), `UPDATE "teamMember" SET "membershipKey" = NULL`, add(), members()],
    'where the count is behind': [...teams('member'), place('vera', RED), `UPDATE team SET "memberCount" = 0`, add()],
    'where the count is ahead': [...teams('member'), place('vera', RED), `UPDATE team SET "memberCount" = 9`, add()],
  }),
  ...named('remove-team-member', {
    'a member': [...FILLED(), take(), members({ teamId: RED }, BY)],
    'twice': [...FILLED(), take(), take()],
    'oneself': [...FILLED(), take({}, ADA), take({ userId: '{{vera.id}}' })],
    'who is not in it': [...FILLED(), take({ teamId: BLUE })],
    'who is no member': [...teams(), place('ada', RED), take()],
    'of another organization': [...FILLED(), take({ organizationId: OTHER, teamId: FOREIGN }, GINA), take({ teamId: FOREIGN })],
    'whose session is about it': [...FILLED(), active('ada', ACME, RED), take(), session(), members({})],
    'where the count is behind': [...FILLED(), `UPDATE team SET "memberCount" = 0`, take()],
  }),
};

// ── Its options ──────────────────────────────────────────────────────────────────────────────────

const STATEMENTS = { ...defaultStatements, project: ['create'] };
const ROLES = {
  owner: { ...defaultStatements },
  maker: { team: ['create'] },
  breaker: { team: ['delete'] },
  namer: { team: ['update'] },
  keeper: { member: ['update'] },
  bouncer: { member: ['delete'] },
};
const ac = createAccessControl(STATEMENTS);
const roleObjects = Object.fromEntries(Object.entries(ROLES).map(([name, allowed]) => [name, ac.newRole(allowed)]));
const options = [
  withOptions('three at most', { teams: { enabled: true, maximumTeams: 3 } }, { organization_maximum_teams: 3 }, {
    'one more': [...teams(), create(), create({ name: 'Yellow' }), list()],
    'elsewhere': [...teams(), create({ organizationId: OTHER }, GINA), create({ organizationId: OTHER }, GINA), create({ organizationId: OTHER }, GINA)],
    'after one is gone': [...teams(), create(), remove(), create({ name: 'Yellow' })],
  }),
  withOptions('none at most', { teams: { enabled: true, maximumTeams: 0 } }, { organization_maximum_teams: 0 }, { 'one more': [...teams(), create(), list()] }),
  withOptions('all may go', { teams: { enabled: true, allowRemovingAllTeams: true } }, { organization_allow_removing_all_teams: 'on' }, {
    'the last': [...teams(), remove(), remove({ teamId: BLUE }), list(), create()],
  }),
  withOptions('two in each', { teams: { enabled: true, maximumMembersPerTeam: 2 } }, { organization_maximum_members_per_team: 2 }, {
    'a third': [...FILLED(), member('gina', 'member'), add({ userId: '{{gina.id}}' }), add(), take(), add({ userId: '{{gina.id}}' }), members({ teamId: RED }, BY)],
    'a count that is behind': [...FILLED(), member('gina', 'member'), `UPDATE team SET "memberCount" = 0`, add({ userId: '{{gina.id}}' })],
    'a count that is ahead': [...teams('member'), `UPDATE team SET "memberCount" = 5`, add()],
  }),
  withOptions('nobody in each', { teams: { enabled: true, maximumMembersPerTeam: 0 } }, { organization_maximum_members_per_team: 0 }, { 'one': [...teams('member'), add()] }),
  withOptions('other roles', { ac, roles: roleObjects }, { organization_roles: JSON.stringify(ROLES) }, Object.assign({}, ...Object.keys(ROLES).map((role) => named(role, routes([...FILLED(role), active('ada')], ROUTES(IN, ADA)))))),
];
const cached = group(
  'with the cookie cache',
  {
    'set-active-team': uncached([...FILLED().flat(), IN_BROWSER, `UPDATE session SET "activeOrganizationId" = '${ACME}'`], post('set-active-team', { teamId: RED }, { jar: true }), session({ jar: true })),
  },
  { options: () => ({ session: { cookieCache: { enabled: true } } }), settings: { cookie_cache: 'on' } },
);

const FIELDS = { ...WITH_TEAMS, schema: { team: { additionalFields: { note: { type: 'string', required: false }, level: { type: 'number', required: false }, secret: { type: 'string', required: false, input: false }, why: { type: 'string', required: true } } } } };
const fieldColumns = {
  plugins: 'organization',
  options: (send) => ({ plugins: [plugin(FIELDS, send)] }),
  settings: { organization_teams: 'on' },
  tables: TEAM_TABLES,
  sql: `ALTER TABLE team ADD note text, ADD level int, ADD secret text, ADD why text NOT NULL DEFAULT 'because'; ALTER TABLE team ALTER why DROP DEFAULT`,
};
const additional = group(
  'additional fields',
  {
    'given': [...world(), create({ why: 'x', note: 'hello', level: 3 }), list()],
    'not given': [...world(), create({ why: 'x' }), list()],
    'missing': [...world(), create()],
    'missing, without a name': [...world(), post('create-team', { ...IN, level: 'x' })],
    'null': [...world(), create({ why: null, note: null }), create({ why: 'x', note: null })],
    'of other types': [...world(), create({ why: 5, level: 'x' })],
    'one that no request sets': [...world(), create({ why: 'x', secret: 'mine' })],
    ...named('update', each({ 'one': { note: 'new' }, 'all': { why: 'y', note: 'new', level: 4, name: 'Lime' }, 'null': { note: null }, 'null that is not': { why: null }, 'of other types': { level: 'x', why: 5 }, 'one that no request sets': { secret: 'mine' } }, (data) => [...world(), { ...create({ why: 'x' }), keep: { team: 'id' } }, update(data, BY, '{{team}}'), list()])),
  },
  { columns: fieldColumns, settings: { organization_team_additional_fields: 'note, level, secret:readonly, why' } },
);

const off = group(
  'where there are none',
  routes(world('member'), ROUTES()),
  { columns: { plugins: 'organization', options: (send) => ({ plugins: [plugin({}, send)] }), tables: { organization: 'slug', member: '"organizationId", "userId"' } } },
);

export default [
  group('who may', access),
  group('bodies', { ...bodies, ...queries }),
  group('teams', some),
  group('the session’s, and a user’s', own),
  group('who is in them', places),
  ...options,
  cached,
  additional,
  off,
];
