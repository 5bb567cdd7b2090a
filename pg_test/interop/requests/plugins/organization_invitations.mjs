// The organization plugin: invitations.

import { createAccessControl } from 'better-auth/plugins/access';
import { defaultStatements } from 'better-auth/plugins/organization/access';
import { GET, POST } from '../../http.mjs';
import { PASSWORD, VERIFY_ADA, aged, differs, each, named, oddBodies, oddFields } from '../common.mjs';
import {
  ACME, BLUE, BY, EXPIRED, FOREIGN, IN, INVITATION, OTHER, RED, TABLES, TEAMS, WITH_TEAMS,
  active, after, get, invitation, member, more, place, plugin, post, routes, teams, toAda, world,
} from './organization_common.mjs';

const columns = TEAMS;
const group = (name, cases, more) => ({ name: `organization invitations: ${name}`, columns, cases, ...more });
const withOptions = (name, options, settings, cases) =>
  group(name, cases, { options: (send) => ({ plugins: [plugin({ ...WITH_TEAMS, ...options }, send)] }), settings });

const ADA = { by: 'ada' };
const GINA = { by: 'gina' };
const NEW = { email: 'new@example.com', role: 'member' };
const THIS = { invitationId: INVITATION };
const invite = (fields, options) => post('invite-member', { ...NEW, ...IN, ...fields }, options);
const accept = (options = GINA) => post('accept-invitation', THIS, options);
const reject = (options = GINA) => post('reject-invitation', THIS, options);
const cancel = (options = BY) => post('cancel-invitation', THIS, options);
const look = (options = GINA) => get('get-invitation', { id: INVITATION }, options);
const list = (options = BY) => get('list-invitations', IN, options);
const mine = (options = GINA) => get('list-user-invitations', {}, options);

const IN_BROWSER = POST('/sign-in/email', { email: 'vera@example.com', password: PASSWORD });
const toVera = (fields) => invitation({ email: 'vera@example.com', organizationId: OTHER, inviterId: '{{gina.id}}', ...fields });

const ROUTES = (where = IN, options = BY) => ({
  'invite-member': post('invite-member', { ...NEW, ...where }, options),
  'accept-invitation': accept(options),
  'reject-invitation': reject(options),
  'cancel-invitation': cancel(options),
  'get-invitation': look(options),
  'list-invitations': get('list-invitations', where, options),
  'list-user-invitations': mine(options),
});

// ── Who may ──────────────────────────────────────────────────────────────────────────────────────

const INVITED = [...teams(), invitation()];
const access = {
  ...named('without a session', routes(INVITED, ROUTES(IN, {}))),
  ...named('with a dead session', routes(INVITED, ROUTES(IN, { cookie: 'better-auth.session_token=x.y' }))),
  ...named('in an expired session', routes([...INVITED, aged('-1 minute', '-7 days', 'vera')], ROUTES())),
  ...Object.assign(
    {},
    ...['owner', 'admin', 'member', 'nobody', 'member, admin', 'Owner', ''].map((role) => named(`as ${role || 'no role'}`, routes([...teams(role || ' '), invitation()], ROUTES(IN, ADA)))),
  ),
  ...named('as a stranger', routes(INVITED, ROUTES(IN, ADA))),
  ...named('as who is invited', routes(INVITED, ROUTES(IN, GINA))),
  ...named('as who is invited, unverified', routes([...teams(), toAda()], ROUTES(IN, ADA))),
  ...named('as who invites, and is invited elsewhere', routes([...teams(), invitation({ email: 'vera@example.com', organizationId: OTHER, inviterId: '{{gina.id}}' })], ROUTES())),
  ...named('in the organization of the session', routes([...INVITED, active('vera')], ROUTES({}))),
  ...named('in no organization', routes(INVITED, ROUTES({}))),
  ...named('in one with an empty id', routes([...INVITED, active('vera')], ROUTES({ organizationId: '' }))),
  ...named('in one that there is none', routes([...INVITED, active('vera')], ROUTES({ organizationId: 'nothing' }))),
  ...named('in another', routes([...INVITED, active('vera')], ROUTES({ organizationId: OTHER }))),
  ...named('in the session’s, which is another’s', routes([...INVITED, active('vera', OTHER)], ROUTES({}))),
  'a wrong method': [...INVITED, get('invite-member'), post('list-invitations', {}), post('get-invitation', {}), get('accept-invitation')],
  'from another origin': [...INVITED, { ...accept(), headers: { origin: 'https://elsewhere.example' } }],
  'without an origin': [...INVITED, { ...cancel(), headers: { origin: null } }],
};

// ── What each takes ──────────────────────────────────────────────────────────────────────────────

const BODIES = {
  'invite-member': { ...NEW, ...IN, resend: false, teamId: RED },
  'accept-invitation': THIS,
  'reject-invitation': THIS,
  'cancel-invitation': THIS,
};
const surrogate = /^\/organization\/invite-member, role: a lone surrogate$/;
const bodies = after(
  INVITED,
  Object.fromEntries(
    Object.entries(
      Object.assign(
        {},
        ...Object.entries(BODIES).map(([name, body]) => oddFields(`/organization/${name}`, body, name === 'invite-member' ? BY : GINA)),
        ...Object.keys(BODIES).map((name) => oddBodies(`/organization/${name}`, BY)),
      ),
    ).filter(([name]) => !surrogate.test(name)),
  ),
);
const queries = after(INVITED, {
  ...named('get-invitation', each({ 'no id': {}, 'an empty id': { id: '' }, 'an unknown id': { id: 'nothing' }, 'a quote': { id: `${INVITATION}'` }, 'a space': { id: `${INVITATION} ` } }, (query) => get('get-invitation', query, GINA))),
  'get-invitation: two ids': GET('/organization/get-invitation?id=a&id=b', GINA),
  'list-invitations: two ids': GET('/organization/list-invitations?organizationId=a&organizationId=b', BY),
  'list-user-invitations: an email': get('list-user-invitations', { email: 'gina@example.com' }, GINA),
  'list-user-invitations: an email without a session': get('list-user-invitations', { email: 'gina@example.com' }, {}),
  'list-user-invitations: an empty email': get('list-user-invitations', { email: '' }, GINA),
  'list-user-invitations: two emails': GET('/organization/list-user-invitations?email=a&email=b', GINA),
  'unknown ids': [post('accept-invitation', { invitationId: 'nothing' }, GINA), post('reject-invitation', { invitationId: '' }, GINA), post('cancel-invitation', { invitationId: ACME })],
});

// ── Making one ───────────────────────────────────────────────────────────────────────────────────

const ROLE_NAMES = ['member', 'admin', 'owner', 'Owner', 'wizard', '', ' ', ',', 'member,admin', ' member , admin ', 'member,,wizard', 'owner,member', ['member', 'admin'], ['member,admin'], [' owner '], [], [''], ['wizard', 'witch'], 'constructor'];
const making = {
  ...named('email', after(teams(), each(['NEW@Example.COM', 'ada@example.com', 'Ada@Example.com', 'vera@example.com', 'VERA@example.com', 'new', 'new@', 'a b@example.com', 'new@example.com ', "o'neil@example.com", `${'x'.repeat(64)}@example.com`], (email) => [invite({ email }), list()]))),
  ...named('role', after(teams(), each(ROLE_NAMES, (role) => invite({ role })))),
  ...named('role, by an admin', after(teams('admin'), each(ROLE_NAMES, (role) => invite({ role }, ADA)))),
  ...named('by', Object.assign({}, ...['owner', 'admin', 'member', 'member,admin', 'admin,owner', 'wizard'].map((role) => ({ [role]: [...teams(role), invite({}, ADA), invite({ email: 'other@example.com', role: 'owner' }, ADA), invite({ email: 'third@example.com', role: 'admin' }, ADA)] })))),
  ...named('organizationId', after([...teams(), active('vera')], each({ missing: undefined, empty: '', unknown: 'nothing', 'another’s': OTHER, 'with a space': `${ACME} ` }, (organizationId) => invite({ organizationId })))),
  'again': [...teams(), invite(), invite(), invite({ email: 'NEW@example.com' }), list()],
  'again, in the other organization': [...teams(), invite(), post('invite-member', { ...NEW, organizationId: OTHER }, GINA), list()],
  'a member': [...teams('member'), invite({ email: 'ada@example.com' })],
  'oneself': [...teams(), invite({ email: 'vera@example.com' })],
  ...named('resend', {
    'one that waits': [...teams(), invite(), `UPDATE invitation SET "expiresAt" = now() + interval '1 minute'`, invite({ resend: true }), list()],
    'none that waits': [...teams(), invite({ resend: true }), list()],
    'with another role': [...teams(), invite(), invite({ resend: true, role: 'admin' }), list()],
    'with teams': [...teams(), invite(), invite({ resend: true, teamId: RED })],
    'with an unknown role': [...teams(), invite(), invite({ resend: true, role: 'wizard' })],
    'an owner’s, by an admin': [...teams('admin'), invite({ role: 'owner' }), invite({ resend: true }, ADA)],
    'an owner’s, by an owner': [...teams('admin,owner'), invite({ role: 'owner' }), invite({ resend: true }, ADA)],
    'another’s, by an admin': [...teams('admin'), invite(), invite({ resend: true }, ADA), list()],
    'one that has expired': [...teams(), invitation({ email: NEW.email, ...EXPIRED }), invite({ resend: true }), list()],
    'false': [...teams(), invite(), invite({ resend: false })],
  }),
  ...named('after one that is', each({ expired: EXPIRED, accepted: { status: 'accepted' }, rejected: { status: 'rejected' }, canceled: { status: 'canceled' }, pending: {} }, (fields) => [...teams(), invitation({ email: NEW.email, ...fields }), invite(), list()])),
  ...named('teamId', after(teams(), each({ 'one': RED, 'in an array': [RED], 'two': [RED, BLUE], 'twice': [RED, RED], 'none': [], 'empty': '', 'empty in an array': [''], 'unknown': 'nothing', 'unknown beside another': [RED, 'nothing'], 'another’s': FOREIGN, 'another’s beside another': [RED, FOREIGN], 'a comma': `${RED},${BLUE}`, 'a comma in an array': [RED, `x,${BLUE}`], 'a number': 5, 'numbers': [5], 'null': null }, (teamId) => [invite({ teamId }), list()]))),
  'fields that are none': [...teams(), invite({ status: 'accepted', inviterId: '{{ada.id}}', id: INVITATION, teamIds: [RED], createdAt: '2020-01-01T00:00:00.000Z', expiresAt: '2099-01-01T00:00:00.000Z' }), list()],
};

// ── What becomes of one ──────────────────────────────────────────────────────────────────────────

const STATES = {
  'that waits': {},
  'that has expired': EXPIRED,
  'that was accepted': { status: 'accepted' },
  'that was rejected': { status: 'rejected' },
  'that was canceled': { status: 'canceled' },
  'of an unknown status': { status: 'else' },
  'in capitals': { email: 'GINA@Example.com' },
  'to another email': { email: 'ada@example.com' },
  'as owner': { role: 'owner' },
  'with two roles': { role: ' member, admin ,' },
  'with an unknown role': { role: 'wizard' },
  'to a team': { teamId: RED },
  'to two teams': { teamId: `${RED},${BLUE}` },
  'to no team': { teamId: '' },
};
const REJOINED = [member('gina', 'member')];
const becoming = {
  ...named('accept one', each(STATES, (fields) => [...teams(), invitation(fields), accept(), GET('/get-session', GINA), list()])),
  ...named('reject one', each(STATES, (fields) => [...teams(), invitation(fields), reject(), GET('/get-session', GINA), list()])),
  ...named('cancel one', each(STATES, (fields) => [...teams(), invitation(fields), cancel(), list()])),
  ...named('get one', each(STATES, (fields) => [...teams(), invitation(fields), look()])),
  ...named('list one', each(STATES, (fields) => [...teams(), invitation(fields), mine(), list()])),
  ...named('cancel, as an admin, one', each(STATES, (fields) => [...teams('admin'), invitation(fields), cancel(ADA), list(ADA)])),
  ...named('accept', {
    'twice': [...teams(), invitation(), accept(), accept()],
    'and reject': [...teams(), invitation(), accept(), reject()],
    'and cancel': [...teams(), invitation(), accept(), cancel(), accept()],
    'and look': [...teams(), invitation(), accept(), look(), mine()],
    'after it was canceled': [...teams(), invitation(), cancel(), accept(), look(), mine()],
    'after it was rejected': [...teams(), invitation(), reject(), accept()],
    'after another': [...teams(), invitation(), `UPDATE "user" SET email = 'else@example.com' WHERE id = '{{gina.id}}'`, accept(), look(), mine()],
    'in a session that is about another': [...teams(), invitation({ teamId: RED }), active('gina', OTHER, FOREIGN), accept(), GET('/get-session', GINA)],
    'in a session that is about another’s team': [...teams(), invitation(), active('gina', OTHER, FOREIGN), accept(), GET('/get-session', GINA)],
    'with a team, in a browser': [...teams(), toVera({ teamId: FOREIGN }), IN_BROWSER, post('accept-invitation', THIS, { jar: true }), GET('/get-session', { jar: true })],
    'to a team that is gone': [...teams(), invitation({ teamId: `${RED},${BLUE}` }), `DELETE FROM team WHERE id = '${BLUE}'`, accept(), list()],
    'to a team of another organization': [...teams(), invitation({ teamId: FOREIGN }), accept(), list()],
    'to a team twice': [...teams(), invitation({ teamId: `${RED},${RED}` }), accept(), list()],
    'to a team with a place that is left over': [...teams(), ...place('gina', RED), invitation({ teamId: RED }), accept()],
    'after the inviter may invite no more': differs('rolesAbove', [...teams('member'), invitation({ inviterId: '{{ada.id}}', role: 'member' }), accept()], [200, undefined], [403, 'YOU_ARE_NOT_ALLOWED_TO_INVITE_USERS_TO_THIS_ORGANIZATION']),
    'after the role is gone': [...teams(), invitation({ role: 'editor' }), accept()],
    'what was made here': [...teams(), invite({ email: 'gina@example.com', teamId: [RED, BLUE], role: ['admin', 'member'] }), post('accept-invitation', { invitationId: '{{mail.token}}' }, GINA), list(GINA)],
  }),
  ...named('cancel', each(['owner', 'admin', 'member', 'wizard'], (role) => [...teams(role), invitation(), cancel(ADA), cancel(ADA)])),
  'cancel: by the owner of another organization': [...teams(), invitation({ email: 'new@example.com' }), cancel(GINA)],
  'cancel: by who is invited': [...teams(), invitation(), cancel(GINA)],
  'get: after the inviter has left': [...teams('admin'), invitation({ inviterId: '{{ada.id}}' }), `DELETE FROM member WHERE "userId" = '{{ada.id}}'`, look(), mine()],
};
const listing = {
  'those of owners are for owners': [...teams('admin'), invite(), invite({ email: 'b@example.com', role: 'owner' }), invite({ email: 'c@example.com', role: ['member', 'owner'] }), list(), list(ADA)],
  'to several': [...teams(), invitation(), more(1, { organizationId: OTHER, inviterId: '{{gina.id}}', status: 'canceled' }), more(2, { ...EXPIRED }), mine(), list()],
  'an unverified user': [...teams(), toAda(), mine(ADA), VERIFY_ADA, mine(ADA)],
  'nothing': [...teams(), mine(), list()],
};

// ── What differs ─────────────────────────────────────────────────────────────────────────────────

const differing = {
  'accept: by a member': differs('alreadyMember', [...teams(), ...REJOINED, invitation(), accept()], [200, undefined], [400, 'USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION']),
  'accept: after the inviter has left': differs(
    'inviterLeft',
    [...teams('admin'), invitation({ inviterId: '{{ada.id}}' }), `DELETE FROM member WHERE "userId" = '{{ada.id}}'`, accept()],
    [200, undefined],
    [400, 'INVITER_IS_NO_LONGER_A_MEMBER_OF_THE_ORGANIZATION'],
  ),
  'accept: as owner, after the inviter is none any more': differs(
    'inviterLeft',
    [...teams('owner'), invitation({ inviterId: '{{ada.id}}', role: 'member,owner' }), `UPDATE member SET role = 'admin' WHERE "userId" = '{{ada.id}}'`, accept()],
    [200, undefined],
    [403, 'YOU_ARE_NOT_ALLOWED_TO_INVITE_USER_WITH_THIS_ROLE'],
  ),
  'an email that nobody can have': differs('longEmail', [...teams(), invite({ email: `${'x'.repeat(2100)}@example.com` })], [200, undefined], [400, 'INVALID_EMAIL']),
  'a role of half a character': differs(
    'surrogates',
    [...teams(), invite({ role: 'x\ud800' })],
    'ROLE_NOT_FOUND: x\ud800',
    'ROLE_NOT_FOUND: x\ufffd',
    ({ answers }) => JSON.parse(answers.at(-1).body).message,
  ),
};

// ── Its options ──────────────────────────────────────────────────────────────────────────────────

const verification = {
  ...named('unverified', after([...teams(), toAda()], { accept: accept(ADA), reject: reject(ADA), get: look(ADA), list: mine(ADA) })),
  ...named('verified', after([...teams(), toAda(), VERIFY_ADA], { accept: accept(ADA), reject: reject(ADA), get: look(ADA), list: mine(ADA) })),
  ...named('another', after([...teams(), invitation()], { accept: accept(ADA), reject: reject(ADA), get: look(ADA) })),
};
const STATEMENTS = { ...defaultStatements, project: ['create'] };
const ROLES = {
  boss: { ...defaultStatements },
  host: { invitation: ['create'] },
  bouncer: { invitation: ['cancel'] },
  guest: { project: ['create'] },
};
const ac = createAccessControl(STATEMENTS);
const roleObjects = Object.fromEntries(Object.entries(ROLES).map(([name, allowed]) => [name, ac.newRole(allowed)]));
const FULL = `INSERT INTO member (id, "organizationId", "userId", role, "createdAt") SELECT 'm' || n, '${ACME}', '{{ada.id}}', 'member', now() - interval '1 hour' + n * interval '10 milliseconds' FROM generate_series(1, 99) n`;
const options = [
  withOptions('verification required', { requireEmailVerificationOnInvitation: true }, { organization_require_email_verification_on_invitation: 'on' }, verification),
  withOptions('verification not required', { requireEmailVerificationOnInvitation: false }, { organization_require_email_verification_on_invitation: 'off' }, verification),
  withOptions('a limit of two', { invitationLimit: 2 }, { organization_invitation_limit: 2 }, {
    'three': [...teams(), invite(), invite({ email: 'b@example.com' }), invite({ email: 'c@example.com' }), invite({ resend: true }), list()],
    'one of which has expired': [...teams(), invite(), invitation(EXPIRED), invite({ email: 'b@example.com' }), invite({ email: 'c@example.com' })],
    'one of which is canceled': [...teams(), invite(), invitation({ status: 'canceled' }), invite({ email: 'b@example.com' }), invite({ email: 'c@example.com' })],
    'elsewhere': [...teams(), invitation({ organizationId: OTHER, inviterId: '{{gina.id}}' }), invite(), invite({ email: 'b@example.com' }), invite({ email: 'c@example.com' })],
    'before the teams': [...teams(), invite(), invite({ email: 'b@example.com' }), invite({ email: 'c@example.com', teamId: 'nothing' })],
  }),
  withOptions('a limit of none', { invitationLimit: 0 }, { organization_invitation_limit: 0 }, { 'one': [...teams(), invite()] }),
  withOptions('re-inviting cancels', { cancelPendingInvitationsOnReInvite: true }, { organization_cancel_pending_invitations_on_re_invite: 'on' }, {
    'again': [...teams(), invite(), invite({ role: 'admin' }), list()],
    'again, and accepted': [...teams(), invitation(), invite({ email: 'gina@example.com' }), accept(), post('accept-invitation', { invitationId: '{{mail.token}}' }, GINA)],
    'resend': [...teams(), invite(), invite({ resend: true }), list()],
    'one that has expired': [...teams(), invitation({ email: NEW.email, ...EXPIRED }), invite(), list()],
    'an owner’s, by an admin': [...teams('admin'), invite({ role: 'owner' }), invite({}, ADA), list()],
  }),
  withOptions('re-inviting cancels, within a limit', { cancelPendingInvitationsOnReInvite: true, invitationLimit: 1 }, { organization_cancel_pending_invitations_on_re_invite: 'on', organization_invitation_limit: 1 }, {
    'again': [...teams(), invite(), invite(), list()],
    'another': [...teams(), invite(), invite({ email: 'b@example.com' }), list()],
    'beyond it': differs(
      'reInviteLimit',
      [...teams(), invitation({ email: NEW.email }), more(1), invite(), list()],
      ['canceled', 'pending'],
      ['pending', 'pending'],
      ({ rows }) => rows.invitation.map(({ status }) => status).sort(),
    ),
  }),
  withOptions('a lifetime', { invitationExpiresIn: 600 }, { organization_invitation_expires_in: 600 }, { 'one': [...teams(), invite(), invite({ resend: true })] }),
  withOptions('a lifetime of nothing', { invitationExpiresIn: 0 }, { organization_invitation_expires_in: 0 }, { 'one': [...teams(), invite()] }),
  withOptions('few members', { membershipLimit: 2 }, { organization_membership_limit: 2 }, {
    'room': [...teams(), invitation(), accept()],
    'no room': [...teams('member'), invitation({ teamId: RED }), accept(), list()],
    'no room, expired': [...teams('member'), invitation(EXPIRED), accept()],
    'inviting': [...teams('member'), invite()],
  }),
  withOptions('members, as usual', { membershipLimit: 0 }, { organization_membership_limit: 0 }, {
    '100': [...teams(), FULL, invitation(), accept()],
  }),
  withOptions('small teams', { teams: { enabled: true, maximumMembersPerTeam: 1 } }, { organization_maximum_members_per_team: 1 }, {
    'invite to a full one': [...teams(), ...place('vera', RED), invite({ teamId: RED }), invite({ teamId: BLUE }), invite({ email: 'b@example.com', teamId: [BLUE, RED] })],
    'accept to a full one': [...teams(), ...place('vera', RED), invitation({ teamId: RED }), accept(), list()],
    'accept to one that is and one that is not': [...teams(), ...place('vera', RED), invitation({ teamId: `${BLUE},${RED}` }), accept(), list()],
    'accept to one with room': [...teams(), invitation({ teamId: RED }), accept()],
    'accept to one that one is in': [...teams(), ...place('gina', RED), invitation({ teamId: RED }), accept()],
    'a count that is behind': [...teams(), ...place('vera', RED), `UPDATE team SET "memberCount" = 0`, invitation({ teamId: RED }), accept()],
  }),
  withOptions('no members in teams', { teams: { enabled: true, maximumMembersPerTeam: 0 } }, { organization_maximum_members_per_team: 0 }, {
    'invite': [...teams(), invite({ teamId: RED })],
    'accept': [...teams(), invitation({ teamId: RED }), accept()],
  }),
  withOptions('other roles', { ac, roles: roleObjects, creatorRole: 'boss' }, { organization_roles: JSON.stringify(ROLES), organization_creator_role: 'boss' }, {
    ...named('each', each(Object.keys(ROLES).filter((role) => role !== 'host'), (role) => [...teams(role), invitation({ role: 'guest' }), invite({ role: 'guest' }, ADA), invite({ email: 'b@example.com', role: 'boss' }, ADA), list(ADA), cancel(ADA)])),
    'a host’s: a role that allows what a host may not': differs('rolesAbove', [...teams('host'), invite({ role: 'guest' }, ADA)], [200, undefined], [403, 'YOU_ARE_NOT_ALLOWED_TO_INVITE_USER_WITH_THIS_ROLE']),
    'accept a host’s: a role that allows what a host may not': differs('rolesAbove', [...teams('host'), invitation({ inviterId: '{{ada.id}}', role: 'guest' }), accept()], [200, undefined], [403, 'YOU_ARE_NOT_ALLOWED_TO_INVITE_USER_WITH_THIS_ROLE']),
    'a host’s: the own role': [...teams('host'), invite({ role: 'host' }, ADA), list(ADA)],
    ...named('role', after(teams('boss'), each(['guest', 'owner', 'admin', 'member', 'boss', 'wizard', 'guest,wizard'], (role) => invite({ role }, ADA)))),
    'resend a boss’s': [...teams('host'), member('gina', 'boss'), invite({ role: 'boss' }, GINA), invite({ role: 'guest', resend: true }, ADA), list(GINA), list(ADA)],
  }),
];

const EDITOR = (organizationId = ACME, role = 'editor', permission = '{"invitation":["create"]}') =>
  `INSERT INTO "organizationRole" (id, "organizationId", role, permission, "createdAt") VALUES ('${role.padEnd(8, 'Z')}${organizationId.slice(8)}', '${organizationId}', '${role}', '${permission}', now())`;
const DYNAMIC = { ac: createAccessControl(STATEMENTS), dynamicAccessControl: { enabled: true } };
const dynamic = group(
  'roles of an organization’s own',
  {
    ...named('role', after([...world(), EDITOR(), EDITOR(OTHER, 'wizard')], each(['editor', 'member,editor', ['editor', 'owner'], 'wizard', 'editor,wizard', 'witch,editor,wizard', 'Editor', ' editor ', 'editor,'], (role) => [invite({ role }), list()]))),
    'by one': [...world('editor'), EDITOR(), invite({ role: 'editor' }, ADA), invite({ email: 'b@example.com', role: 'owner' }, ADA), list(ADA), cancel(ADA)],
    'by one that may cancel': [...world('editor'), EDITOR(ACME, 'editor', '{"invitation":["cancel"]}'), invitation(), invite({}, ADA), list(ADA), cancel(ADA)],
    'by one of another organization': [...world('wizard'), EDITOR(OTHER, 'wizard'), invite({}, ADA)],
    'accepted': [...world(), EDITOR(), invite({ email: 'gina@example.com', role: 'editor' }), post('accept-invitation', { invitationId: '{{mail.token}}' }, GINA), invite({}, GINA)],
  },
  {
    columns: {
      plugins: 'organization',
      options: (send) => ({ plugins: [plugin(DYNAMIC, send)] }),
      settings: { organization_dynamic_access_control: 'on' },
      tables: { ...TABLES, organizationRole: '"organizationId", role' },
    },
    settings: { organization_access_control: JSON.stringify(STATEMENTS) },
  },
);

const activeOf = ({ answers }) => {
  const { activeOrganizationId, activeTeamId } = JSON.parse(answers.at(-1).body).session;
  return [activeOrganizationId !== null, activeTeamId !== null];
};
const cached = group(
  'with the cookie cache',
  each(
    { 'accept': [{}, [false, false], [true, false]], 'accept to a team': [{ teamId: FOREIGN }, [false, true], [true, true]] },
    ([fields, theirs, mine]) => differs('acceptedCache', [...teams(), toVera(fields), IN_BROWSER, post('accept-invitation', THIS, { jar: true }), GET('/get-session', { jar: true })], theirs, mine, activeOf),
  ),
  { options: () => ({ session: { cookieCache: { enabled: true } } }), settings: { cookie_cache: 'on' } },
);

const withoutTeams = group(
  'without teams',
  {
    'invite to a team': [...world(), post('invite-member', { ...NEW, ...IN, teamId: RED }), list()],
    'invite to teams': [...world(), post('invite-member', { ...NEW, ...IN, teamId: ['a', 'b,c'] }), list()],
    'accept': [...world(), invitation(), accept(), GET('/get-session', GINA), list()],
    'reject': [...world(), invitation(), reject()],
    'cancel': [...world(), invitation(), cancel()],
    'look': [...world(), invitation(), look(), mine()],
    ...named('routes', routes([...world('admin'), invitation()], ROUTES(IN, ADA))),
  },
  { columns: { plugins: 'organization', options: (send) => ({ plugins: [plugin({}, send)] }), tables: TABLES } },
);

const FIELDS = { schema: { invitation: { additionalFields: { note: { type: 'string', required: false }, level: { type: 'number', required: false }, secret: { type: 'string', required: false, input: false }, why: { type: 'string', required: true } } } } };
const additional = group(
  'additional fields',
  {
    'given': [...world(), invite({ why: 'x', note: 'hello', level: 3 }), list()],
    'not given': [...world(), invite({ why: 'x' }), list()],
    'null': [...world(), invite({ why: 'x', note: null }), list()],
    'one that is missing': [...world(), invite()],
    'one that is missing, as a stranger': [...world(), invite({}, ADA)],
    'one that is null': [...world(), invite({ why: null })],
    'of other types': [...world(), invite({ why: 5, level: 'x', note: true })],
    'one that no request sets': [...world(), invite({ why: 'x', secret: 'mine' }), list()],
    'seen by who is invited': [...world(), invite({ email: 'gina@example.com', why: 'x', note: 'hello' }), mine(), post('accept-invitation', { invitationId: '{{mail.token}}' }, GINA)],
    'resend': [...world(), invite({ why: 'x' }), invite({ why: 'y', resend: true })],
  },
  {
    columns: {
      plugins: 'organization',
      options: (send) => ({ plugins: [plugin(FIELDS, send)] }),
      tables: TABLES,
      sql: 'ALTER TABLE invitation ADD note text, ADD level int, ADD secret text, ADD why text NOT NULL',
    },
    settings: { organization_invitation_additional_fields: 'note, level, secret:readonly, why' },
  },
);

export default [
  group('who may', access),
  group('bodies', { ...bodies, ...queries }),
  group('making', making),
  group('what becomes of them', { ...becoming, ...listing }),
  group('what differs', differing),
  ...options,
  cached,
  dynamic,
  withoutTeams,
  additional,
];
