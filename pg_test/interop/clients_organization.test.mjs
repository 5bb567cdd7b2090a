// better-auth/client with its organizationClient, as they come from npm, through every way in: organizations, invitations
// by mail, members, teams, roles of an organization's own.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PASSWORD, freshEmail } from '../server/lib.mjs';
import { WAYS, done, refused, site } from './clients.mjs';

process.env.NODE_ENV = 'production'; // Better Auth reads it when it is imported
const { createAuthClient } = await import('better-auth/client');
const { organizationClient } = await import('better-auth/client/plugins');
const { createAccessControl } = await import('better-auth/plugins/access');
const { adminAc, defaultStatements, memberAc, ownerAc } = await import('better-auth/plugins/organization/access');

// What the application's roles allow, as it is written for the client; ours has the same as JSON.
const STATEMENTS = { ...defaultStatements, project: ['create', 'delete'] };
const ac = createAccessControl(STATEMENTS);
const roles = {
  owner: ac.newRole({ ...ownerAc.statements, project: ['create', 'delete'] }),
  admin: ac.newRole({ ...adminAc.statements, project: ['create'] }),
  member: ac.newRole({ ...memberAc.statements }),
};
const SETTINGS = {
  plugins: 'organization',
  organization_teams: 'on',
  organization_dynamic_access_control: 'on',
  organization_access_control: JSON.stringify(STATEMENTS),
  organization_roles: JSON.stringify(Object.fromEntries(Object.entries(roles).map(([name, { statements }]) => [name, statements]))),
  organization_invitation_url: 'https://app.example.com/join?from=mail',
};

/** An application with the plugin, its tables, and as much of it as `settings` say. */
async function open(t, start, settings = SETTINGS) {
  const app = await site(t, start, { settings });
  await (await app.database.connect()).query('SELECT better_auth.migrate()');
  return app;
}

/** Somebody who has signed up in a browser of theirs. */
async function person(app, name = 'Ada', plugin = organizationClient({ ac, roles, teams: { enabled: true }, dynamicAccessControl: { enabled: true } })) {
  const { fetch } = app.browser();
  const auth = createAuthClient({ baseURL: app.url, plugins: [plugin], fetchOptions: { customFetchImpl: fetch } });
  const { user } = await done(auth.signUp.email({ email: freshEmail(), password: PASSWORD, name }));
  return { auth, organization: auth.organization, user, session: async () => (await done(auth.getSession())).session };
}

let count = 0;
const newSlug = () => `acme-${++count}`;
const invitationMail = (app) => app.mail('organization-invitation');

/** An owner, and somebody who has come by an invitation that was mailed. */
async function two(app, role = 'member') {
  const [owner, guest] = [await person(app), await person(app, 'Grace')];
  const acme = await done(owner.organization.create({ name: 'Acme', slug: newSlug() }));
  const invitation = await done(owner.organization.inviteMember({ email: guest.user.email, role }));
  const { member } = await done(guest.organization.acceptInvitation({ invitationId: invitation.id }));
  return { owner, guest, acme, member };
}

for (const [way, start] of Object.entries(WAYS)) {
  describe(way, () => {
    test('organizations', async (t) => {
      const app = await open(t, start);
      const { organization, session, user } = await person(app);
      const slug = newSlug();
      assert.deepEqual(await done(organization.checkSlug({ slug })), { status: true });
      const acme = await done(organization.create({ name: 'Acme', slug, logo: 'https://example.com/acme.png', metadata: { plan: 'pro' } }));
      assert.deepEqual([acme.slug, acme.metadata, acme.members.map(({ userId, role }) => [userId, role])], [slug, { plan: 'pro' }, [[user.id, 'owner']]]);
      await refused(organization.checkSlug({ slug }), 400, 'ORGANIZATION_SLUG_ALREADY_TAKEN');
      await refused(organization.create({ name: 'Other', slug }), 400, 'ORGANIZATION_ALREADY_EXISTS');
      assert.equal((await session()).activeOrganizationId, acme.id);
      const other = await done(organization.create({ name: 'Other', slug: newSlug(), keepCurrentActiveOrganization: true }));
      assert.equal((await session()).activeOrganizationId, acme.id);
      assert.deepEqual((await done(organization.list())).map(({ name }) => name).sort(), ['Acme', 'Other']);
      assert.equal((await done(organization.setActive({ organizationSlug: other.slug }))).id, other.id);
      assert.equal((await session()).activeOrganizationId, other.id);
      assert.equal((await done(organization.getFullOrganization())).id, other.id);
      assert.equal((await done(organization.getFullOrganization({ query: { organizationSlug: slug } }))).teams.length, 1);
      assert.equal(await done(organization.setActive({ organizationId: null })), null);
      assert.equal((await session()).activeOrganizationId, null);
      assert.equal(await done(organization.getFullOrganization()), null);
      const renamed = await done(organization.update({ organizationId: acme.id, data: { name: 'Acme & Sons' } }));
      assert.equal(renamed.name, 'Acme & Sons');
      assert.equal((await done(organization.delete({ organizationId: other.id }))).id, other.id);
      assert.deepEqual((await done(organization.list())).map(({ id }) => id), [acme.id]);

      const stranger = await person(app, 'Eve');
      const organizationId = acme.id;
      await refused(stranger.organization.setActive({ organizationId }), 403, 'USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION');
      await refused(stranger.organization.getFullOrganization({ query: { organizationId } }), 403, 'USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION');
      await refused(stranger.organization.delete({ organizationId }), 400, 'USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION');
      assert.deepEqual(await done(stranger.organization.list()), []);
      const nobody = createAuthClient({ baseURL: app.url, plugins: [organizationClient()], fetchOptions: { customFetchImpl: app.browser().fetch } });
      await refused(nobody.organization.list(), 401, 'UNAUTHORIZED');
    });

    test('invitations', async (t) => {
      const app = await open(t, start);
      const [owner, guest, stranger] = [await person(app), await person(app, 'Grace'), await person(app, 'Eve')];
      const { id: organizationId } = await done(owner.organization.create({ name: 'Acme', slug: newSlug() }));
      const { email } = guest.user;
      const invitation = await done(owner.organization.inviteMember({ email, role: ['member', 'admin'] }));
      assert.deepEqual([invitation.email, invitation.role, invitation.status], [email, 'member,admin', 'pending']);
      const mail = await invitationMail(app);
      assert.deepEqual([mail.recipient, mail.token, mail.url], [email, invitation.id, `https://app.example.com/join?from=mail&id=${invitation.id}`]);
      assert.deepEqual([mail.data.organization.name, mail.data.inviter.user.email], ['Acme', owner.user.email]);
      const invitationId = new URL(mail.url).searchParams.get('id');
      await refused(owner.organization.inviteMember({ email, role: 'member' }), 400, 'USER_IS_ALREADY_INVITED_TO_THIS_ORGANIZATION');
      assert.deepEqual((await done(owner.organization.listInvitations())).map(({ id }) => id), [invitationId]);
      await refused(guest.organization.listUserInvitations(), 403, 'EMAIL_VERIFICATION_REQUIRED_FOR_INVITATION');
      await app.client.query('UPDATE better_auth."user" SET "emailVerified" = true');
      assert.deepEqual((await done(guest.organization.listUserInvitations())).map(({ id }) => id), [invitationId]);
      assert.deepEqual(await done(stranger.organization.listUserInvitations()), []);
      assert.equal((await done(guest.organization.getInvitation({ query: { id: invitationId } }))).organizationName, 'Acme');
      await refused(stranger.organization.getInvitation({ query: { id: invitationId } }), 403, 'YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION');
      await refused(stranger.organization.acceptInvitation({ invitationId }), 403, 'YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION');
      await refused(stranger.organization.cancelInvitation({ invitationId }), 400, 'MEMBER_NOT_FOUND');

      const { member } = await done(guest.organization.acceptInvitation({ invitationId }));
      assert.deepEqual([member.userId, member.organizationId, member.role], [guest.user.id, organizationId, 'member,admin']);
      assert.equal((await guest.session()).activeOrganizationId, organizationId);
      await refused(guest.organization.acceptInvitation({ invitationId }), 400, 'INVITATION_NOT_FOUND');

      // One who was just an administrator invites, takes it back, and is told no.
      const second = await done(guest.organization.inviteMember({ email: stranger.user.email, role: 'member' }));
      assert.equal((await done(guest.organization.cancelInvitation({ invitationId: second.id }))).status, 'canceled');
      await refused(stranger.organization.acceptInvitation({ invitationId: second.id }), 400, 'INVITATION_NOT_FOUND');
      const third = await done(guest.organization.inviteMember({ email: stranger.user.email, role: 'member' }));
      assert.equal((await done(stranger.organization.rejectInvitation({ invitationId: third.id }))).invitation.status, 'rejected');
      assert.equal(await app.count('member', '"organizationId" = $1', [organizationId]), 2);
      await refused(guest.organization.inviteMember({ email: freshEmail(), role: 'owner' }), 403, 'YOU_ARE_NOT_ALLOWED_TO_INVITE_USER_WITH_THIS_ROLE');
    });

    test('members and what they may', async (t) => {
      const app = await open(t, start);
      const { owner, guest, acme, member } = await two(app);
      const { members, total } = await done(guest.organization.listMembers({ query: { sortBy: 'role', sortDirection: 'desc' } }));
      assert.deepEqual([members.map(({ role, user }) => [role, user.email]), total], [[['owner', owner.user.email], ['member', guest.user.email]], 2]);
      const filtered = { filterField: 'role', filterOperator: 'eq', filterValue: 'owner', limit: 1 };
      assert.equal((await done(guest.organization.listMembers({ query: filtered }))).total, 1);
      const may = async (permissions) => (await done(guest.organization.hasPermission({ permissions }))).success;
      assert.deepEqual([await may({ organization: ['update'] }), await may({ project: ['create'] })], [false, false]);
      assert.equal(guest.organization.checkRolePermission({ role: 'admin', permissions: { project: ['create'] } }), true);
      await refused(guest.organization.update({ data: { name: 'Mine' } }), 403, 'YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_ORGANIZATION');
      await refused(guest.organization.inviteMember({ email: freshEmail(), role: 'member' }), 403, 'YOU_ARE_NOT_ALLOWED_TO_INVITE_USERS_TO_THIS_ORGANIZATION');
      await refused(guest.organization.updateMemberRole({ memberId: member.id, role: 'admin' }), 403, 'YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER');
      await refused(guest.organization.removeMember({ memberIdOrEmail: owner.user.email }), 400, 'YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER');
      assert.equal((await done(owner.organization.updateMemberRole({ memberId: member.id, role: 'admin' }))).role, 'admin');
      assert.deepEqual([await may({ organization: ['update'] }), await may({ project: ['create'] }), await may({ project: ['delete'] })], [true, true, false]);
      assert.deepEqual(await done(guest.organization.getActiveMemberRole()), { role: 'admin' });
      assert.equal((await done(guest.organization.getActiveMember())).userId, guest.user.id);
      assert.equal((await done(guest.organization.update({ data: { name: 'Ours' } }))).name, 'Ours');
      await refused(guest.organization.delete({ organizationId: acme.id }), 403, 'YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_ORGANIZATION');
      await refused(owner.organization.leave({ organizationId: acme.id }), 400, 'YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER');
      await done(guest.organization.leave({ organizationId: acme.id }));
      assert.deepEqual(await done(guest.organization.list()), []);
      await refused(guest.organization.getFullOrganization({ query: { organizationId: acme.id } }), 403, 'USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION');
    });

    test('teams', async (t) => {
      const app = await open(t, start);
      const { owner, guest, acme } = await two(app);
      const red = await done(owner.organization.createTeam({ name: 'Red' }));
      assert.deepEqual((await done(owner.organization.listTeams())).map(({ name }) => name).sort(), ['Acme', 'Red']);
      await refused(guest.organization.createTeam({ name: 'Blue' }), 403, 'YOU_ARE_NOT_ALLOWED_TO_CREATE_TEAMS_IN_THIS_ORGANIZATION');
      await refused(guest.organization.setActiveTeam({ teamId: red.id }), 403, 'USER_IS_NOT_A_MEMBER_OF_THE_TEAM');
      const place = await done(owner.organization.addTeamMember({ teamId: red.id, userId: guest.user.id }));
      assert.deepEqual([place.teamId, place.userId], [red.id, guest.user.id]);
      assert.equal((await done(guest.organization.setActiveTeam({ teamId: red.id }))).id, red.id);
      assert.equal((await guest.session()).activeTeamId, red.id);
      assert.deepEqual((await done(guest.organization.listUserTeams())).map(({ id }) => id), [red.id]);
      assert.deepEqual((await done(guest.organization.listTeamMembers({ query: {} }))).map(({ userId }) => userId), [guest.user.id]);
      assert.equal((await done(owner.organization.updateTeam({ teamId: red.id, data: { name: 'Scarlet' } }))).name, 'Scarlet');
      const third = await person(app, 'Eve');
      const { id } = await done(owner.organization.inviteMember({ email: third.user.email, role: 'member', teamId: red.id }));
      await done(third.organization.acceptInvitation({ invitationId: id }));
      assert.equal((await third.session()).activeTeamId, red.id, 'who is invited to one team comes to it');
      await done(owner.organization.removeTeamMember({ teamId: red.id, userId: guest.user.id }));
      assert.deepEqual(await done(guest.organization.listUserTeams()), []);
      await done(owner.organization.removeTeam({ teamId: red.id, organizationId: acme.id }));
      assert.deepEqual((await done(owner.organization.listTeams())).map(({ name }) => name), ['Acme']);
    });

    test('roles of an organization’s own', async (t) => {
      const app = await open(t, start);
      const { owner, guest, member } = await two(app);
      const { roleData } = await done(owner.organization.createRole({ role: 'Editor', permission: { project: ['create'] } }));
      assert.deepEqual([roleData.role, roleData.permission], ['editor', { project: ['create'] }]);
      await refused(owner.organization.createRole({ role: 'editor', permission: {} }), 400, 'ROLE_NAME_IS_ALREADY_TAKEN');
      await refused(guest.organization.createRole({ role: 'boss', permission: { organization: ['delete'] } }), 403, 'YOU_ARE_NOT_ALLOWED_TO_CREATE_A_ROLE');
      await done(owner.organization.updateMemberRole({ memberId: member.id, role: ['member', 'editor'] }));
      const may = async (permissions) => (await done(guest.organization.hasPermission({ permissions }))).success;
      assert.deepEqual([await may({ project: ['create'] }), await may({ project: ['delete'] })], [true, false]);
      await done(owner.organization.updateRole({ roleName: 'editor', data: { permission: { project: ['delete'] } } }));
      assert.deepEqual([await may({ project: ['create'] }), await may({ project: ['delete'] })], [false, true]);
      assert.deepEqual((await done(owner.organization.listRoles())).map(({ role }) => role), ['editor']);
      assert.equal((await done(owner.organization.getRole({ query: { roleName: 'editor' } }))).id, roleData.id);
      await refused(owner.organization.deleteRole({ roleName: 'editor' }), 400, 'ROLE_IS_ASSIGNED_TO_MEMBERS');
      await done(owner.organization.updateMemberRole({ memberId: member.id, role: 'member' }));
      assert.deepEqual(await done(owner.organization.deleteRole({ roleName: 'editor' })), { success: true });
      assert.equal(await may({ project: ['delete'] }), false);
    });

    test('without teams and roles of one’s own', async (t) => {
      const app = await open(t, start, { plugins: 'organization' });
      const { organization } = await person(app, 'Ada', organizationClient());
      const acme = await done(organization.create({ name: 'Acme', slug: newSlug() }));
      assert.equal('teams' in (await done(organization.getFullOrganization())), false);
      for (const call of [organization.createTeam({ name: 'Red' }), organization.createRole({ role: 'editor', permission: {} })]) {
        assert.equal((await call).error.status, 404);
      }
      assert.equal((await done(organization.inviteMember({ email: freshEmail(), role: 'member' }))).organizationId, acme.id);
      assert.equal((await invitationMail(app)).url, '', 'an application without a page for it');
    });
  });
}
