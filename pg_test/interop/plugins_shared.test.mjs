// Two servers with the same plugins on one database: each goes on with what the other began.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Client, GET, POST, ourDatabase, ourSide, realSide, totp } from './http.mjs';
import { BASE_URL, PASSWORD } from './lib.mjs';
import { expo } from '@better-auth/expo';
import { passkey } from '@better-auth/passkey';
import { Passkey } from './authenticator.mjs';
import * as plugins from 'better-auth/plugins';
import { createAccessControl } from 'better-auth/plugins/access';
import { adminAc, defaultStatements, memberAc, ownerAc } from 'better-auth/plugins/organization/access';

const database = await ourDatabase();

/** Both sides with a plugin on the one database, which gets its columns and tables. */
async function open(id, { settings = {}, options = () => ({}) }, plugin) {
  await database.configure({ base_url: BASE_URL, password_hash: 'scrypt', rate_limit: 'off', plugins: id, ...settings });
  await database.sql('SELECT better_auth.migrate()');
  const both = (send) => ({ plugins: [plugin(send)], ...options(send), emailAndPassword: { password: undefined } });
  const [real, ours] = [realSide(database, both), ourSide(database, both)];
  return { 'ours, then Better Auth': [ours, real], 'Better Auth, then ours': [real, ours] };
}

let count = 0;
const newUser = (fields) => ({ name: 'Ada', email: `user${++count}@example.com`, password: PASSWORD, ...fields });
const signIn = (user, options) => POST('/sign-in/email', { email: user.email, password: user.password }, options);
/** A browser whose user has signed up on a side; the session is `me`, or `as`. */
async function signedUp(side, { client = new Client(), as = 'me', ...fields } = {}) {
  const user = newUser(fields);
  const answer = await client.ask(side, POST('/sign-up/email', user, { as, jar: Object.keys(client.jar).length > 0 }));
  const { user: seen } = JSON.parse(answer.body);
  return { client, user, seen, answer, ask: (on, step) => client.ask(on, { jar: true, ...step }) };
}

const SESSION = GET('/get-session');
const bodyOf = (answer) => JSON.parse(answer.body);
const headerOf = (answer, name) => new Map(answer.headers).get(name);
/** What a session is to a side: its user's email, or null. */
const emailOf = (answer) => bodyOf(answer)?.user.email ?? null;
const by = (token) => ({ headers: { authorization: `Bearer ${token}`, origin: null } });

// ── Organizations ──

/** The plugin, with as much of it as is named. */
const organization = ({ teams = false, roles = false } = {}) => {
  const statements = { ...defaultStatements, project: ['create', 'delete'] };
  const ac = createAccessControl(statements);
  const grown = (role, project) => ({ ...role.statements, project });
  const allowed = { owner: grown(ownerAc, ['create', 'delete']), admin: grown(adminAc, ['create', 'delete']), member: grown(memberAc, []) };
  return {
    id: 'organization',
    plugin: (send) =>
      plugins.organization({
        teams: { enabled: teams, maximumMembersPerTeam: 2 },
        dynamicAccessControl: { enabled: roles },
        ...(roles ? { ac, roles: Object.fromEntries(Object.entries(allowed).map(([name, role]) => [name, ac.newRole(role)])) } : {}),
        sendInvitationEmail: ({ id: token, email: recipient }) => send.message({ kind: 'organization-invitation', recipient, token }),
      }),
    settings: {
      organization_teams: teams,
      organization_maximum_members_per_team: 2,
      organization_dynamic_access_control: roles,
      ...(roles ? { organization_access_control: JSON.stringify(statements), organization_roles: JSON.stringify(allowed) } : {}),
    },
  };
};

/** Somebody whose requests are to the routes of organizations: `get` and `post(side, path, ...)` answer the parsed body. */
async function person(side) {
  const one = await signedUp(side);
  const answer = async (on, step) => {
    const { status, body } = await one.ask(on, step);
    const parsed = body ? bodyOf({ body }) : null;
    return status === 200 ? parsed : { status, code: parsed?.code };
  };
  const path = (name, query = {}) => `/organization/${name}${Object.keys(query).length > 0 ? `?${new URLSearchParams(query)}` : ''}`;
  return {
    ...one,
    get: (on, name, query) => answer(on, GET(path(name, query))),
    post: (on, name, body) => answer(on, POST(path(name), body)),
  };
}

/** Asserts that both sides answer alike, and returns that. */
async function alike(sides, ask) {
  const [one, other] = [await ask(sides[0]), await ask(sides[1])];
  assert.deepEqual(one, other);
  return one;
}

/** Rows that neither side sorts. */
const inOrder = (rows) => rows.sort((one, other) => (one.id < other.id ? -1 : 1));

/** An owner, an organization of hers that is the active one, and somebody whom she has invited on `first`. */
async function founded(first, second, invitation = {}) {
  const [owner, guest] = [await person(first), await person(second)];
  const slug = `acme-${++count}`;
  const made = await owner.post(first, 'create', { name: 'Acme', slug, metadata: { plan: 'pro' } });
  const invited = await owner.post(first, 'invite-member', { email: guest.user.email, role: 'member', ...invitation });
  assert.equal(invited.status, 'pending', JSON.stringify(invited));
  const sent = owner.client.known['mail.token'];
  assert.equal(sent, invited.id);
  return { owner, guest, organizationId: made.id, made, slug, invitationId: invited.id };
}

/** The same once the guest has accepted, on `second`. */
async function joined(first, second) {
  const all = await founded(first, second);
  const { member } = await all.guest.post(second, 'accept-invitation', { invitationId: all.invitationId });
  assert.deepEqual([member.userId, member.role], [all.guest.seen.id, 'member']);
  return { ...all, memberId: member.id };
}

const FORBIDDEN_TO_UPDATE = { status: 403, code: 'YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_ORGANIZATION' };

const organizations = {
  async 'an organization'(first, second) {
    const { owner, guest, organizationId, made, slug } = await founded(first, second);
    const sides = [first, second];
    assert.deepEqual(made.metadata, { plan: 'pro' });
    const { session } = await alike(sides, async (side) => bodyOf(await owner.ask(side, SESSION)));
    assert.equal(session.activeOrganizationId, organizationId);
    const full = await alike(sides, (side) => owner.get(side, 'get-full-organization'));
    assert.deepEqual([full.slug, full.members.map(({ user }) => user.email), full.invitations.length], [slug, [owner.user.email], 1]);
    assert.equal((await alike(sides, (side) => owner.get(side, 'list'))).length, 1);
    for (const side of [second, first]) {
      assert.equal((await guest.post(side, 'create', { name: 'Other', slug })).code, 'ORGANIZATION_ALREADY_EXISTS');
      assert.deepEqual(await guest.post(side, 'set-active', { organizationId }), { status: 403, code: 'USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION' });
    }
    const data = { name: 'Acme & Sons', slug: `${slug}-sons`, metadata: { plan: 'free', seats: [1, 2] } };
    assert.deepEqual((await owner.post(second, 'update', { organizationId, data })).metadata, data.metadata);
    assert.equal((await alike(sides, (side) => owner.get(side, 'get-organization', { organizationSlug: data.slug }))).name, data.name);
    assert.equal(await owner.post(second, 'set-active', { organizationId: null }), null);
    assert.equal(bodyOf(await owner.ask(first, SESSION)).session.activeOrganizationId, null);
    assert.equal((await owner.post(first, 'set-active', { organizationSlug: data.slug })).id, organizationId);
    assert.equal((await owner.post(second, 'delete', { organizationId })).id, organizationId);
    assert.deepEqual(await alike(sides, (side) => owner.get(side, 'list')), []);
    assert.equal(bodyOf(await owner.ask(first, SESSION)).session.activeOrganizationId, null);
    const left = await database.sql('SELECT FROM member WHERE "organizationId" = $1 UNION ALL SELECT FROM invitation WHERE "organizationId" = $1', [organizationId]);
    assert.equal(left.length, 0);
  },
  async 'an invitation'(first, second) {
    const { owner, guest, organizationId, invitationId } = await founded(first, second, { role: ['member', 'admin'] });
    const sides = [first, second];
    const stranger = await person(first);
    const mine = (side) => guest.get(side, 'list-user-invitations');
    assert.deepEqual(await alike(sides, mine), { status: 403, code: 'EMAIL_VERIFICATION_REQUIRED_FOR_INVITATION' });
    await database.sql('UPDATE "user" SET "emailVerified" = true WHERE id = $1', [guest.seen.id]);
    assert.deepEqual((await alike(sides, mine)).map(({ id }) => id), [invitationId]);
    assert.equal((await alike(sides, (side) => guest.get(side, 'get-invitation', { id: invitationId }))).inviterEmail, owner.user.email);
    for (const side of sides) {
      assert.equal((await stranger.post(side, 'accept-invitation', { invitationId })).code, 'YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION');
    }
    const { member, invitation } = await guest.post(second, 'accept-invitation', { invitationId });
    assert.deepEqual([member.role, invitation.status], ['member,admin', 'accepted']);
    assert.equal(bodyOf(await guest.ask(first, SESSION)).session.activeOrganizationId, organizationId);
    for (const side of sides) assert.equal((await guest.post(side, 'accept-invitation', { invitationId })).code, 'INVITATION_NOT_FOUND');
    assert.equal((await owner.post(second, 'invite-member', { email: guest.user.email, role: 'member' })).code, 'USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION');

    const { id } = await owner.post(first, 'invite-member', { email: stranger.user.email, role: 'member' });
    assert.equal((await owner.post(second, 'invite-member', { email: stranger.user.email, role: 'member' })).code, 'USER_IS_ALREADY_INVITED_TO_THIS_ORGANIZATION');
    assert.equal((await owner.post(second, 'invite-member', { email: stranger.user.email, role: 'member', resend: true })).id, id);
    assert.equal((await owner.post(second, 'cancel-invitation', { invitationId: id })).status, 'canceled');
    assert.equal((await stranger.post(first, 'accept-invitation', { invitationId: id })).code, 'INVITATION_NOT_FOUND');
    const again = await owner.post(first, 'invite-member', { email: stranger.user.email, role: 'member' });
    assert.equal((await stranger.post(second, 'reject-invitation', { invitationId: again.id })).invitation.status, 'rejected');
    const old = await owner.post(second, 'invite-member', { email: stranger.user.email, role: 'member' });
    await database.sql(`UPDATE invitation SET "expiresAt" = now() - interval '1 second' WHERE id = $1`, [old.id]);
    for (const side of sides) assert.equal((await stranger.post(side, 'accept-invitation', { invitationId: old.id })).code, 'INVITATION_NOT_FOUND');
    const listed = await alike(sides, async (side) => inOrder(await owner.get(side, 'list-invitations')));
    assert.deepEqual(listed.map(({ status }) => status).sort(), ['accepted', 'canceled', 'pending', 'rejected']);
  },
  async 'members'(first, second) {
    const { owner, guest, organizationId, memberId } = await joined(first, second);
    const sides = [first, second];
    const of = (query) => ({ organizationId, sortBy: 'role', ...query });
    const { members, total } = await alike(sides, (side) => guest.get(side, 'list-members', of()));
    assert.deepEqual([members.map(({ role }) => role), total], [['member', 'owner'], 2]);
    assert.equal((await alike(sides, (side) => guest.get(side, 'list-members', of({ filterField: 'role', filterValue: 'owner' })))).total, 1);
    const data = { name: 'Taken over' };
    for (const side of sides) assert.deepEqual(await guest.post(side, 'update', { organizationId, data }), FORBIDDEN_TO_UPDATE);
    const may = (side) => guest.post(side, 'has-permission', { organizationId, permissions: { organization: ['update'] } });
    assert.equal((await alike(sides, may)).success, false);
    assert.equal((await owner.post(second, 'update-member-role', { memberId, role: ['admin', 'member'], organizationId })).role, 'admin,member');
    assert.equal((await alike(sides, may)).success, true);
    assert.equal((await alike(sides, (side) => guest.get(side, 'get-active-member-role'))).role, 'admin,member');
    assert.equal((await guest.post(first, 'update', { organizationId, data })).name, data.name);
    for (const side of sides) {
      assert.equal((await owner.post(side, 'leave', { organizationId })).code, 'YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER');
    }
    await owner.post(first, 'update-member-role', { memberId, role: 'owner', organizationId });
    assert.equal((await owner.post(second, 'leave', { organizationId })).userId, owner.seen.id);
    assert.deepEqual(await alike(sides, (side) => owner.get(side, 'list')), []);
    assert.equal((await alike(sides, (side) => guest.get(side, 'get-active-member'))).role, 'owner');
  },
  async 'a member who is removed'(first, second) {
    const { owner, guest, organizationId } = await joined(first, second);
    assert.equal((await guest.get(first, 'get-full-organization')).id, organizationId);
    assert.equal((await owner.post(first, 'remove-member', { memberIdOrEmail: guest.user.email, organizationId })).member.userId, guest.seen.id);
    for (const side of [second, first]) {
      assert.equal((await guest.get(side, 'list-members', { organizationId })).code, 'YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION');
      assert.deepEqual(await guest.get(side, 'list'), []);
    }
  },
};

const teams = {
  async 'teams'(first, second) {
    const { owner, guest, organizationId } = await joined(first, second);
    const sides = [first, second];
    const team = await owner.post(first, 'create-team', { name: 'Red', organizationId });
    const names = async (side) => (await owner.get(side, 'list-teams', { organizationId })).map(({ name }) => name).sort();
    assert.deepEqual(await alike(sides, names), ['Acme', 'Red']);
    for (const side of sides) assert.equal((await guest.post(side, 'set-active-team', { teamId: team.id })).code, 'USER_IS_NOT_A_MEMBER_OF_THE_TEAM');
    const added = await owner.post(second, 'add-team-member', { teamId: team.id, userId: guest.seen.id, organizationId });
    assert.deepEqual([added.teamId, added.userId], [team.id, guest.seen.id]);
    // Once more on the other side: it is the same place.
    assert.equal((await owner.post(first, 'add-team-member', { teamId: team.id, userId: guest.seen.id, organizationId })).id, added.id);
    assert.deepEqual(await database.sql('SELECT "memberCount" FROM team WHERE id = $1', [team.id]), [{ memberCount: 1 }]);
    assert.deepEqual((await alike(sides, (side) => guest.get(side, 'list-user-teams'))).map(({ id }) => id), [team.id]);
    assert.equal((await guest.post(first, 'set-active-team', { teamId: team.id })).id, team.id);
    assert.equal(bodyOf(await guest.ask(second, SESSION)).session.activeTeamId, team.id);
    assert.equal((await alike(sides, (side) => guest.get(side, 'list-team-members'))).length, 1);
    assert.equal((await owner.post(second, 'update-team', { teamId: team.id, data: { name: 'Scarlet' } })).name, 'Scarlet');
    assert.deepEqual(await alike(sides, names), ['Acme', 'Scarlet']);
    await owner.post(first, 'remove-team-member', { teamId: team.id, userId: guest.seen.id, organizationId });
    assert.deepEqual(await alike(sides, (side) => guest.get(side, 'list-user-teams')), []);
    assert.deepEqual(await database.sql('SELECT "memberCount" FROM team WHERE id = $1', [team.id]), [{ memberCount: 0 }]);
    await owner.post(second, 'remove-team', { teamId: team.id, organizationId });
    assert.deepEqual(await alike(sides, names), ['Acme']);
  },
  async 'the seats of a team'(first, second) {
    const { owner, guest, organizationId } = await joined(first, second);
    const third = await person(second);
    const invited = await owner.post(second, 'invite-member', { email: third.user.email, role: 'member', organizationId });
    await third.post(first, 'accept-invitation', { invitationId: invited.id });
    const { id: teamId } = await owner.post(first, 'create-team', { name: 'Red', organizationId });
    const add = (side, { seen }) => owner.post(side, 'add-team-member', { teamId, userId: seen.id, organizationId });
    const taken = async () => (await database.sql('SELECT "memberCount" FROM team WHERE id = $1', [teamId]))[0].memberCount;
    await add(first, guest);
    await add(second, owner);
    for (const side of [first, second]) assert.equal((await add(side, third)).code, 'TEAM_MEMBER_LIMIT_REACHED');
    await owner.post(second, 'remove-team-member', { teamId, userId: owner.seen.id, organizationId });
    assert.equal((await add(first, third)).userId, third.seen.id);
    assert.equal(await taken(), 2);
    await owner.post(second, 'remove-member', { memberIdOrEmail: guest.user.email, organizationId });
    assert.equal(await taken(), 1);
  },
  async 'an invitation to teams'(first, second) {
    const { owner, organizationId } = await founded(first, second);
    const guest = await person(second);
    const made = [];
    for (const name of ['Red', 'Blue']) made.push((await owner.post(first, 'create-team', { name, organizationId })).id);
    const { id, teamId } = await owner.post(first, 'invite-member', { email: guest.user.email, role: 'member', teamId: made });
    assert.equal(teamId, made.join(','));
    await guest.post(second, 'accept-invitation', { invitationId: id });
    const listed = await alike([first, second], async (side) => inOrder(await guest.get(side, 'list-user-teams')));
    assert.deepEqual(listed.map((team) => team.id), made.sort());
    // Who leaves the organization leaves its teams.
    await guest.post(first, 'leave', { organizationId });
    assert.deepEqual(await database.sql('SELECT FROM "teamMember" WHERE "userId" = $1', [guest.seen.id]), []);
  },
};

const roles = {
  async 'a role of its own'(first, second) {
    const { owner, guest, organizationId, memberId } = await joined(first, second);
    const sides = [first, second];
    const { roleData } = await owner.post(first, 'create-role', { organizationId, role: 'Editor', permission: { project: ['create'] } });
    assert.equal(roleData.role, 'editor');
    assert.equal((await owner.post(second, 'create-role', { organizationId, role: 'editor', permission: {} })).code, 'ROLE_NAME_IS_ALREADY_TAKEN');
    const may = (permissions) => alike(sides, (side) => guest.post(side, 'has-permission', { organizationId, permissions })).then(({ success }) => success);
    assert.equal(await may({ project: ['create'] }), false);
    assert.equal((await owner.post(second, 'update-member-role', { memberId, role: 'editor', organizationId })).role, 'editor');
    assert.equal(await may({ project: ['create'] }), true);
    assert.equal(await may({ project: ['delete'] }), false);
    const data = { permission: { project: ['create', 'delete'] }, roleName: 'chief' };
    await owner.post(second, 'update-role', { organizationId, roleName: 'editor', data });
    assert.deepEqual(await alike(sides, (side) => owner.get(side, 'get-role', { organizationId, roleId: roleData.id })).then(({ role, permission }) => [role, permission]), ['chief', data.permission]);
    await owner.post(first, 'update-member-role', { memberId, role: 'chief', organizationId });
    assert.equal(await may({ project: ['delete'] }), true);
    for (const side of sides) assert.equal((await owner.post(side, 'delete-role', { organizationId, roleName: 'chief' })).code, 'ROLE_IS_ASSIGNED_TO_MEMBERS');
    await owner.post(first, 'update-member-role', { memberId, role: 'member', organizationId });
    assert.deepEqual(await owner.post(second, 'delete-role', { organizationId, roleName: 'chief' }), { success: true });
    assert.deepEqual(await alike(sides, (side) => owner.get(side, 'list-roles', { organizationId })), []);
  },
};

// Each plugin: both sides' configuration, and what `first` begins and `second` goes on with.
const PLUGINS = {
  bearer: {
    plugin: () => plugins.bearer(),
    cases: {
      async 'set-auth-token'(first, second) {
        const { client, user, answer } = await signedUp(first);
        const token = headerOf(answer, 'set-auth-token');
        for (const one of [token, encodeURIComponent(token), token.split('.')[0]]) {
          assert.equal(emailOf(await client.ask(second, GET('/get-session', by(one)))), user.email);
        }
        const updated = await client.ask(second, POST('/update-user', { name: 'Augusta' }, by(token)));
        assert.equal(headerOf(updated, 'set-auth-token'), token);
        await client.ask(second, POST('/sign-out', {}, by(token)));
        for (const side of [first, second]) assert.equal((await client.ask(side, GET('/get-session', by(token)))).body, 'null');
      },
    },
  },
  'bearer, requireSignature': {
    id: 'bearer',
    plugin: () => plugins.bearer({ requireSignature: true }),
    settings: { bearer_require_signature: 'on' },
    cases: {
      async 'only signed ones'(first, second) {
        const { client, user, answer } = await signedUp(first);
        const token = headerOf(answer, 'set-auth-token');
        assert.equal(emailOf(await client.ask(second, GET('/get-session', by(token)))), user.email);
        assert.equal((await client.ask(second, GET('/get-session', by(token.split('.')[0])))).body, 'null');
      },
    },
  },
  'multi-session': {
    plugin: () => plugins.multiSession(),
    cases: {
      async 'the device'(first, second) {
        const one = await signedUp(first);
        const other = await signedUp(second, { client: one.client, as: 'other' });
        const { ask } = one;
        const list = GET('/multi-session/list-device-sessions');
        assert.deepEqual(bodyOf(await ask(second, list)).map(({ user }) => user.email), [one.user.email, other.user.email]);
        assert.deepEqual((await ask(first, list)).body, (await ask(second, list)).body);
        const active = POST('/multi-session/set-active', { sessionToken: '{{me.token}}' });
        assert.equal(emailOf(await ask(second, active)), one.user.email);
        assert.equal(emailOf(await ask(first, SESSION)), one.user.email);
        const revoke = POST('/multi-session/revoke', { sessionToken: '{{me.token}}' });
        assert.equal((await ask(first, revoke)).status, 200);
        assert.equal(emailOf(await ask(second, SESSION)), other.user.email);
        await ask(second, POST('/sign-out', {}));
        assert.deepEqual([(await ask(first, list)).body, Object.keys(one.client.jar)], ['[]', []]);
      },
      async 'one account has one session on a device'(first, second) {
        const { ask, client, user } = await signedUp(first);
        await ask(second, signIn(user, { as: 'again' }));
        assert.equal(Object.keys(client.jar).length, 2, 'that of the session, and its own on the device');
        for (const side of [first, second]) assert.equal((await client.ask(side, { ...SESSION, by: 'me' })).body, 'null');
      },
    },
  },
  'last-login-method': {
    plugin: () => plugins.lastLoginMethod({ storeInDatabase: true }),
    settings: { last_login_method_store_in_database: 'on' },
    cases: {
      async 'the column'(first, second) {
        const { ask, client, seen, user } = await signedUp(first);
        assert.equal(seen.lastLoginMethod, 'email');
        assert.deepEqual((await ask(second, SESSION)).body, (await ask(first, SESSION)).body);
        await database.sql(`UPDATE "user" SET "lastLoginMethod" = 'google' WHERE id = $1`, [seen.id]);
        assert.equal(bodyOf(await ask(second, SESSION)).user.lastLoginMethod, 'google');
        await ask(second, signIn(user));
        assert.equal(bodyOf(await ask(first, SESSION)).user.lastLoginMethod, 'email');
        assert.equal(client.jar['better-auth.last_used_login_method'], 'email');
      },
    },
  },
  username: {
    plugin: () => plugins.username(),
    cases: {
      async 'a name, and how it is shown'(first, second) {
        const username = `Ada_${++count}`;
        const { ask, client, seen } = await signedUp(first, { username });
        assert.deepEqual([seen.username, seen.displayUsername], [username.toLowerCase(), username]);
        assert.equal((await client.ask(second, POST('/is-username-available', { username }))).body, '{"available":false}');
        const into = await client.ask(second, POST('/sign-in/username', { username: username.toUpperCase(), password: PASSWORD }));
        assert.deepEqual(bodyOf(into).user, seen);
        assert.equal((await client.ask(second, POST('/sign-up/email', newUser({ username })))).status, 400);
        await ask(second, POST('/update-user', { username: `${username}_b` }));
        assert.equal((await client.ask(first, POST('/sign-in/username', { username: `${username}_B`, password: PASSWORD }))).status, 200);
        assert.equal((await client.ask(first, POST('/sign-in/username', { username, password: PASSWORD }))).status, 401);
      },
      async 'a name'(first, second) {
        const username = `Ada_${++count}`;
        const { client, seen, ask } = await signedUp(first, { username });
        assert.equal(seen.username, username.toLowerCase());
        const into = (name) => POST('/sign-in/username', { username: name, password: PASSWORD });
        for (const side of [second, first]) {
          assert.equal(bodyOf(await client.ask(side, into(username.toUpperCase()))).user.id, seen.id);
          assert.equal((await client.ask(side, POST('/sign-up/email', newUser({ username })))).status, 400, 'it is taken');
          assert.deepEqual(bodyOf(await client.ask(side, POST('/is-username-available', { username }))), { available: false });
        }
        const other = `${username}.x`;
        assert.equal((await ask(second, POST('/update-user', { username: other }))).status, 200);
        assert.deepEqual((await ask(first, SESSION)).body, (await ask(second, SESSION)).body);
        assert.equal(bodyOf(await client.ask(first, into(other))).user.id, seen.id);
        assert.deepEqual(bodyOf(await client.ask(first, POST('/is-username-available', { username }))), { available: true });
      },
    },
  },
  'phone-number': {
    plugin: (send) => {
      const sent = (kind) => ({ phoneNumber, code }) => send.message({ kind, recipient: phoneNumber, token: code });
      const signUpOnVerification = { getTempEmail: (number) => `${number.slice(1)}@phone.example` };
      return plugins.phoneNumber({ sendOTP: sent('phone-number-otp'), sendPasswordResetOTP: sent('phone-number-password-reset'), signUpOnVerification });
    },
    settings: { phone_number_sign_up_on_verification: 'on', phone_number_temp_email: '{digits}@phone.example' },
    cases: {
      async 'a code'(first, second) {
        const [phoneNumber, client] = [`+1555${++count}`, new Client()];
        const verify = (code) => POST('/phone-number/verify', { phoneNumber, code });
        await client.ask(first, POST('/phone-number/send-otp', { phoneNumber }));
        // A wrong guess on each side is one of the three.
        for (const side of [second, first]) assert.equal(bodyOf(await client.ask(side, verify('wrong'))).code, 'INVALID_OTP');
        const { status, user } = bodyOf(await client.ask(second, verify('{{mail.token}}')));
        assert.deepEqual([status, user.email, user.phoneNumber], [true, `1555${count}@phone.example`, phoneNumber]);
        assert.equal(emailOf(await client.ask(first, { ...SESSION, jar: true })), user.email);
        assert.equal(bodyOf(await client.ask(first, verify('{{mail.token}}'))).code, 'OTP_NOT_FOUND');
      },
      async 'guesses'(first, second) {
        const [phoneNumber, client] = [`+1555${++count}`, new Client()];
        const verify = (code) => POST('/phone-number/verify', { phoneNumber, code });
        await client.ask(first, POST('/phone-number/send-otp', { phoneNumber }));
        for (let guess = 0; guess < 3; guess += 1) await client.ask(first, verify('wrong'));
        assert.equal(bodyOf(await client.ask(second, verify('{{mail.token}}'))).code, 'TOO_MANY_ATTEMPTS');
      },
      async 'a password'(first, second) {
        const [phoneNumber, client] = [`+1555${++count}`, new Client()];
        await client.ask(first, POST('/phone-number/send-otp', { phoneNumber }));
        await client.ask(second, POST('/phone-number/verify', { phoneNumber, code: '{{mail.token}}' }));
        await client.ask(first, POST('/phone-number/request-password-reset', { phoneNumber }));
        const reset = { phoneNumber, otp: '{{mail.token}}', newPassword: PASSWORD };
        assert.equal((await client.ask(second, POST('/phone-number/reset-password', reset))).status, 200);
        assert.equal((await client.ask(first, POST('/phone-number/reset-password', reset))).status, 400);
        for (const side of [first, second]) assert.equal((await client.ask(side, POST('/sign-in/phone-number', { phoneNumber, password: PASSWORD }))).status, 200);
      },
      async 'a number'(first, second) {
        const phoneNumber = `+1555000${1000 + ++count}`;
        const client = new Client();
        await client.ask(first, POST('/phone-number/send-otp', { phoneNumber }));
        const verified = bodyOf(await client.ask(second, POST('/phone-number/verify', { phoneNumber, code: '{{mail.token}}' })));
        assert.deepEqual([verified.status, verified.user.phoneNumber], [true, phoneNumber]);
        const session = { ...SESSION, jar: true };
        assert.deepEqual((await client.ask(first, session)).body, (await client.ask(second, session)).body);
        await client.ask(second, POST('/phone-number/request-password-reset', { phoneNumber }));
        await client.ask(first, POST('/phone-number/reset-password', { phoneNumber, otp: '{{mail.token}}', newPassword: PASSWORD }));
        const signIn = POST('/sign-in/phone-number', { phoneNumber, password: PASSWORD });
        for (const side of [first, second]) assert.equal(bodyOf(await client.ask(side, signIn)).user.id, verified.user.id);
      },
    },
  },
  anonymous: {
    plugin: () => plugins.anonymous(),
    cases: {
      async 'who signs up'(first, second) {
        const client = new Client();
        const { user } = bodyOf(await client.ask(first, POST('/sign-in/anonymous')));
        assert.deepEqual(bodyOf(await client.ask(second, { ...SESSION, jar: true })).user, user);
        assert.equal((await client.ask(second, POST('/sign-in/anonymous', undefined, { jar: true }))).status, 400);
        await signedUp(second, { client });
        assert.equal(await database.value('SELECT count(*)::int FROM "user" WHERE id = $1', [user.id]), 0);
      },
      async 'who is deleted'(first, second) {
        const client = new Client();
        const { user } = bodyOf(await client.ask(first, POST('/sign-in/anonymous')));
        assert.equal((await client.ask(second, POST('/delete-anonymous-user', undefined, { jar: true }))).body, '{"success":true}');
        assert.equal(await database.value('SELECT count(*)::int FROM "user" WHERE id = $1', [user.id]), 0);
      },
      async 'a user who becomes somebody'(first, second) {
        const client = new Client();
        const { user } = bodyOf(await client.ask(first, POST('/sign-in/anonymous', {})));
        assert.equal(emailOf(await client.ask(second, { ...SESSION, jar: true })), user.email);
        const one = await signedUp(second, { client });
        assert.deepEqual(await database.sql('SELECT id FROM "user" WHERE id = ANY ($1)', [[user.id, one.seen.id]]), [{ id: one.seen.id }]);
        assert.equal(emailOf(await one.ask(first, SESSION)), one.user.email);
      },
    },
  },
  admin: {
    plugin: () => plugins.admin(),
    cases: {
      async 'an impersonation'(first, second) {
        const { client, seen, ask, user } = await signedUp(first);
        const other = await signedUp(second);
        await database.sql(`UPDATE "user" SET role = 'admin' WHERE id = $1`, [seen.id]);
        const begun = await ask(first, POST('/admin/impersonate-user', { userId: other.seen.id }));
        assert.deepEqual([begun.status, bodyOf(begun).session.impersonatedBy], [200, seen.id]);
        for (const side of [first, second]) assert.equal(emailOf(await ask(side, SESSION)), other.user.email);
        assert.equal(bodyOf(await other.ask(second, GET('/list-sessions'))).length, 1);
        const over = await ask(second, POST('/admin/stop-impersonating', {}));
        assert.deepEqual([over.status, Object.keys(client.jar)], [200, ['better-auth.session_token']]);
        for (const side of [first, second]) assert.equal(emailOf(await ask(side, SESSION)), user.email);
      },
      async 'a ban'(first, second) {
        const { seen, ask } = await signedUp(first);
        const other = await signedUp(second);
        await database.sql(`UPDATE "user" SET role = 'admin' WHERE id = $1`, [seen.id]);
        const { id } = other.seen;
        assert.equal((await ask(first, POST('/admin/ban-user', { userId: id, banExpiresIn: 3600 }))).status, 200);
        for (const side of [first, second]) {
          assert.equal((await other.ask(side, SESSION)).body, 'null');
          assert.equal(bodyOf(await other.ask(side, signIn(other.user))).code, 'BANNED_USER');
        }
        await database.sql(`UPDATE "user" SET "banExpires" = now() - interval '1 second' WHERE id = $1`, [id]);
        assert.equal((await other.ask(second, signIn(other.user))).status, 200);
        const [{ banned, banReason, banExpires }] = await database.sql(`SELECT * FROM "user" WHERE id = $1`, [id]);
        assert.deepEqual([banned, banReason, banExpires], [false, null, null]);
      },
      async 'users and roles'(first, second) {
        const { seen, ask } = await signedUp(first);
        await database.sql(`UPDATE "user" SET role = 'admin' WHERE id = $1`, [seen.id]);
        const { email } = newUser();
        const { user } = bodyOf(await ask(first, POST('/admin/create-user', { email, name: 'New', password: PASSWORD, role: ['user', 'editor'] })));
        const list = GET(`/admin/list-users?filterField=role&filterValue=user,editor&sortBy=createdAt&limit=5`);
        assert.deepEqual((await ask(second, list)).body, (await ask(first, list)).body);
        assert.equal(bodyOf(await ask(second, GET(`/admin/get-user?id=${user.id}`))).role, 'user,editor');
        assert.equal((await new Client().ask(second, signIn({ email, password: PASSWORD }))).status, 200);
        await ask(second, POST('/admin/set-user-password', { userId: user.id, newPassword: 'another password' }));
        assert.equal((await new Client().ask(first, signIn({ email, password: 'another password' }))).status, 200);
        assert.equal((await ask(second, POST('/admin/remove-user', { userId: user.id }))).status, 200);
        assert.equal((await ask(first, GET(`/admin/get-user?id=${user.id}`))).status, 404);
      },
      async 'a ban, and what an administrator does'(first, second) {
        const [boss, she] = [await signedUp(first), await signedUp(second)];
        await database.sql(`UPDATE "user" SET role = 'admin' WHERE id = $1`, [boss.seen.id]);
        const userId = she.seen.id;
        const ask = (side, path, body) => boss.ask(side, body ? POST(`/admin/${path}`, body) : GET(`/admin/${path}`));
        const list = 'list-users?sortBy=createdAt&sortDirection=desc&limit=2';
        assert.deepEqual((await ask(second, list)).body, (await ask(first, list)).body);
        assert.equal((await ask(first, 'ban-user', { userId, banReason: 'spam', banExpiresIn: 60 })).status, 200);
        for (const side of [second, first]) {
          assert.equal((await she.client.ask(side, { ...SESSION, by: 'me' })).body, 'null');
          assert.deepEqual([(await she.client.ask(side, signIn(she.user))).status], [403]);
        }
        assert.equal((await ask(second, 'unban-user', { userId })).status, 200);
        assert.equal((await she.client.ask(first, signIn(she.user, { as: 'me' }))).status, 200);
        assert.equal(bodyOf(await ask(first, 'set-role', { userId, role: ['admin', 'user'] })).user.role, 'admin,user');
        assert.equal((await she.client.ask(second, GET('/admin/list-users', { by: 'me' }))).status, 200, 'she is one on the other side');
        await ask(first, 'set-role', { userId, role: 'user' });
        assert.equal((await she.client.ask(second, GET('/admin/list-users', { by: 'me' }))).status, 403);
        // Who impersonates on one side comes back on the other.
        assert.equal((await ask(first, 'impersonate-user', { userId })).status, 200);
        assert.equal(emailOf(await boss.ask(second, SESSION)), she.user.email);
        assert.deepEqual((await boss.ask(first, SESSION)).body, (await boss.ask(second, SESSION)).body);
        assert.equal((await ask(second, 'stop-impersonating', {})).status, 200);
        assert.equal(emailOf(await boss.ask(first, SESSION)), boss.user.email);
        assert.equal((await ask(second, 'set-user-password', { userId, newPassword: 'another password' })).status, 200);
        assert.equal((await she.client.ask(first, signIn({ ...she.user, password: 'another password' }))).status, 200);
        const sessions = async (side) => bodyOf(await ask(side, 'list-user-sessions', { userId })).sessions.map(({ id }) => id).sort();
        assert.deepEqual(await sessions(second), await sessions(first));
        assert.equal((await ask(second, 'remove-user', { userId })).status, 200);
        assert.equal((await she.client.ask(first, signIn({ ...she.user, password: 'another password' }))).status, 401);
      },
    },
  },
  organization: { ...organization(), cases: organizations },
  'organization, teams': { ...organization({ teams: true }), cases: { ...organizations, ...teams } },
  'organization, roles': { ...organization({ roles: true }), cases: { ...organizations, ...roles } },
  'organization, teams and roles': { ...organization({ teams: true, roles: true }), cases: { ...organizations, ...teams, ...roles } },
  'device-authorization': {
    plugin: () => plugins.deviceAuthorization({ interval: '1s' }),
    settings: { device_authorization_interval: 1 },
    cases: {
      async 'the whole way'(first, second) {
        const { ask, client, user } = await signedUp(first);
        const { device_code, user_code } = bodyOf(await client.ask(first, POST('/device/code', { client_id: 'cli', scope: 'a' })));
        const poll = POST('/device/token', { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code, client_id: 'cli' });
        assert.equal(bodyOf(await client.ask(second, poll)).error, 'authorization_pending');
        assert.equal(bodyOf(await client.ask(first, poll)).error, 'slow_down');
        assert.equal(bodyOf(await client.ask(second, poll)).error, 'slow_down');
        const seen = await ask(second, GET(`/device?user_code=${user_code.toLowerCase()}`));
        assert.deepEqual(bodyOf(seen), { user_code: user_code.toLowerCase(), status: 'pending', client_id: 'cli', scope: 'a' });
        assert.deepEqual(bodyOf(await ask(first, POST('/device/approve', { userCode: user_code }))), { success: true });
        assert.equal(bodyOf(await ask(second, POST('/device/deny', { userCode: user_code }))).error, 'invalid_request');
        await database.sql(`UPDATE "deviceCode" SET "lastPolledAt" = now() - interval '2 seconds'`);
        await database.sql('SELECT better_auth.forget_rate_limits()');
        const { access_token } = bodyOf(await client.ask(second, poll));
        client.known['device.token'] = access_token;
        for (const side of [first, second]) assert.equal(emailOf(await client.ask(side, { ...SESSION, by: 'device' })), user.email);
        assert.equal(bodyOf(await client.ask(first, poll)).error, 'invalid_grant');
      },
    },
  },
  passkey: {
    plugin: () => passkey(),
    cases: {
      async 'asked for, registered and used on either side'(first, second) {
        const { client, user, ask } = await signedUp(first);
        const key = new Passkey({ origin: BASE_URL, rpId: new URL(BASE_URL).hostname, counter: 1 });
        const asked = async (side, name) => bodyOf(await ask(side, GET(`/passkey/generate-${name}-options`))).challenge;
        const made = bodyOf(await ask(second, POST('/passkey/verify-registration', { response: key.register(await asked(first, 'register')), name: 'laptop' })));
        assert.equal(made.credentialID, key.credentialId);
        for (const side of [first, second]) {
          assert.deepEqual(bodyOf(await ask(side, GET('/passkey/list-user-passkeys'))), [made]);
          assert.deepEqual(bodyOf(await ask(side, GET('/passkey/generate-register-options'))).excludeCredentials.map(({ id }) => id), [key.credentialId]);
        }
        for (const [from, to] of [[first, second], [second, first], [first, first], [second, second]]) {
          client.jar = {};
          const challenge = await asked(from, 'authenticate');
          assert.equal(emailOf(await ask(to, POST('/passkey/verify-authentication', { response: key.authenticate(challenge) }))), user.email);
          assert.equal(emailOf(await ask(from, SESSION)), user.email);
        }
        // What one side has counted the other one knows.
        const challenge = await asked(first, 'authenticate');
        const old = key.authenticate(challenge, { counter: key.counter });
        assert.equal(bodyOf(await ask(second, POST('/passkey/verify-authentication', { response: old }))).code, 'AUTHENTICATION_FAILED');
        assert.equal(bodyOf(await ask(second, POST('/passkey/update-passkey', { id: made.id, name: 'phone' }))).passkey.name, 'phone');
        assert.deepEqual(bodyOf(await ask(first, POST('/passkey/delete-passkey', { id: made.id }))), { status: true });
        assert.equal(bodyOf(await ask(second, POST('/passkey/verify-authentication', { response: key.authenticate(await asked(second, 'authenticate')) }))).code, 'PASSKEY_NOT_FOUND');
      },
    },
  },
  'two-factor': {
    plugin: (send) => plugins.twoFactor({ otpOptions: { sendOTP: ({ user, otp }) => send.message({ kind: 'two-factor-otp', recipient: user.email, token: otp }) } }),
    settings: { two_factor_send_otp: 'mail' },
    cases: {
      async 'an app'(first, second) {
        const { client, user, ask } = await signedUp(first);
        const { totpURI } = bodyOf(await ask(first, POST('/two-factor/enable', { password: PASSWORD })));
        assert.equal((await ask(second, POST('/two-factor/verify-totp', { code: totp(totpURI) }))).status, 200);
        for (const side of [first, second]) {
          assert.equal(bodyOf(await ask(side, POST('/two-factor/get-totp-uri', { password: PASSWORD }))).totpURI, totpURI);
          assert.equal(bodyOf(await ask(side, SESSION)).user.twoFactorEnabled, true);
        }
        client.jar = {};
        assert.deepEqual(bodyOf(await ask(second, signIn(user))), { twoFactorRedirect: true, twoFactorMethods: ['totp', 'otp'] });
        assert.equal(emailOf(await ask(first, POST('/two-factor/verify-totp', { code: totp(totpURI, 1) }))), user.email);
        for (const side of [first, second]) assert.equal(emailOf(await ask(side, SESSION)), user.email);
        assert.equal((await ask(second, POST('/two-factor/disable', { password: PASSWORD }))).status, 200);
        client.jar = {};
        assert.equal(emailOf(await ask(first, signIn(user))), user.email);
      },
      async 'backup codes, and a trusted browser'(first, second) {
        const { client, user, ask } = await signedUp(first);
        const { totpURI, backupCodes } = bodyOf(await ask(first, POST('/two-factor/enable', { password: PASSWORD })));
        await ask(second, POST('/two-factor/verify-totp', { code: totp(totpURI) }));
        const enter = async (from, to, code, more) => {
          client.jar = {};
          await ask(from, signIn(user));
          return ask(to, POST('/two-factor/verify-backup-code', { code, ...more }));
        };
        assert.equal((await enter(second, first, backupCodes[0])).status, 200);
        assert.equal((await enter(first, second, backupCodes[0])).status, 401);
        assert.equal((await enter(first, second, backupCodes[1], { trustDevice: true })).status, 200);
        for (const side of [first, second, first]) {
          delete client.jar['better-auth.session_token'];
          assert.equal(emailOf(await ask(side, signIn(user))), user.email);
        }
        const { backupCodes: anew } = bodyOf(await ask(second, POST('/two-factor/generate-backup-codes', { password: PASSWORD })));
        assert.equal((await enter(second, first, backupCodes[2])).status, 401);
        assert.equal((await enter(second, first, anew[2])).status, 200);
      },
      async 'a code by mail, and a lock'(first, second) {
        const { client, user, ask } = await signedUp(first);
        const { totpURI } = bodyOf(await ask(first, POST('/two-factor/enable', { password: PASSWORD })));
        await ask(second, POST('/two-factor/verify-totp', { code: totp(totpURI) }));
        client.jar = {};
        await ask(first, signIn(user));
        await ask(second, POST('/two-factor/send-otp', {}));
        assert.equal(bodyOf(await ask(first, POST('/two-factor/verify-otp', { code: '0' }))).code, 'INVALID_CODE');
        assert.equal(emailOf(await ask(first, POST('/two-factor/verify-otp', { code: '{{mail.token}}' }))), user.email);
        for (let round = 0; round < 2; round += 1) {
          client.jar = {};
          await ask(first, signIn(user));
          for (let guess = 0; guess < 5; guess += 1) await ask([first, second][guess % 2], POST('/two-factor/verify-totp', { code: '0' }));
        }
        for (const side of [first, second]) {
          client.jar = {};
          await ask(second, signIn(user));
          assert.equal(bodyOf(await ask(side, POST('/two-factor/verify-totp', { code: totp(totpURI, 1) }))).code, 'ACCOUNT_TEMPORARILY_LOCKED');
        }
      },
    },
  },
  expo: {
    plugin: () => expo(),
    settings: { trusted_origins: 'myapp://', auto_sign_in_after_verification: 'on' },
    options: () => ({ trustedOrigins: ['myapp://'], emailVerification: { autoSignInAfterVerification: true } }),
    cases: {
      async 'the cookie in the URL'(first, second) {
        const { client, user, ask } = await signedUp(first);
        await ask(first, POST('/send-verification-email', { email: user.email, callbackURL: 'myapp://home' }));
        const answer = await new Client().ask(second, { method: 'GET', url: client.known['mail.url'] });
        const cookie = new URL(headerOf(answer, 'location')).searchParams.get('cookie').split(';')[0];
        for (const side of [first, second]) {
          const app = { cookie, headers: { origin: null, 'expo-origin': 'myapp://' } };
          assert.equal(emailOf(await client.ask(side, GET('/get-session', app))), user.email);
          assert.equal((await client.ask(side, POST('/update-user', { name: 'Augusta' }, app))).status, 200);
        }
      },
      async 'the state'(first, second) {
        const url = `https://accounts.example.com/auth?state=${'aB3-_'.repeat(7).slice(0, 32)}`;
        const proxy = GET(`/expo-authorization-proxy?authorizationURL=${encodeURIComponent(url)}`);
        const [one, other] = [await new Client().ask(first, proxy), await new Client().ask(second, proxy)];
        assert.equal(one.status, 302);
        assert.deepEqual(other, one);
      },
    },
  },
};

for (const [name, { id = name, plugin, cases, ...configuration }] of Object.entries(PLUGINS)) {
  describe(name, () => {
    let sides;
    for (const [what, run] of Object.entries(cases)) {
      for (const direction of ['ours, then Better Auth', 'Better Auth, then ours']) {
        test(`${what}: ${direction}`, async () => {
          sides ??= await open(id, configuration, plugin);
          await run(...sides[direction]);
        });
      }
    }
  });
}
