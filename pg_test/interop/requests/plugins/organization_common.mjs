// What the requests to invitations and teams share: two organizations, their members and teams, made by SQL.

import { organization } from 'better-auth/plugins';
import { createHash } from 'node:crypto';
import { ID } from '../../http.mjs';
import { each } from '../common.mjs';
import { ACME, OTHER, after, ago, id, insert } from './organization_organizations.mjs';

export { ACME, BY, IN, OTHER, after, get, post } from './organization_organizations.mjs';

/** When what is made by SQL was made; what lists are sorted by has a time of its own. */
const HOUR = ago(60);
export const [RED, BLUE, FOREIGN] = ['teamRed', 'teamBlue', 'teamForeign'].map(id);
export const INVITATION = id('invitation');
const userId = (user) => ID[user];

export const member = (user, role, organizationId = ACME) =>
  insert('member', { id: id(`${user}${organizationId.slice(3, 7)}`), organizationId, userId: userId(user), role, createdAt: HOUR });
const team = (teamId, name, organizationId, minutes) =>
  insert('team', { id: teamId, name, memberCount: '0', organizationId, createdAt: ago(minutes), updatedAt: ago(minutes) });
/** A place in a team, as the plugin makes it. */
export const place = (user, teamId) => [
  insert('teamMember', {
    id: id(`${user}${teamId.slice(4, 9)}`),
    teamId,
    userId: userId(user),
    membershipKey: createHash('sha256').update(JSON.stringify([teamId, userId(user)])).digest('base64url'),
    createdAt: ago({ ada: 60, vera: 50, gina: 40 }[user]),
  }),
  `UPDATE team SET "memberCount" = "memberCount" + 1 WHERE id = '${teamId}'`,
];
/** An invitation of Vera's to Gina, but for some fields. */
export const invitation = (fields = {}) =>
  insert('invitation', {
    id: INVITATION, organizationId: ACME, email: 'gina@example.com', role: 'member', status: 'pending',
    expiresAt: `now() + interval '1 day'`, createdAt: HOUR, inviterId: userId('vera'), ...fields,
  });
/** Others, each younger than the one before. */
export const more = (number, fields) => invitation({ id: `invitation${number}`, createdAt: ago(60 - number), ...fields });
export const EXPIRED = { expiresAt: `now() - interval '1 minute'` };
export const toAda = (fields) => invitation({ email: 'ada@example.com', ...fields });

/** What a session is about. */
export const active = (user, organizationId = ACME, teamId = null) => {
  const [organization, team] = [organizationId, teamId].map((one) => (one === null ? 'NULL' : `'${one}'`));
  return `UPDATE session SET "activeOrganizationId" = ${organization}, "activeTeamId" = ${team} WHERE token = '{{${user}.token}}'`;
};

const ORGANIZATIONS = [
  insert('organization', { id: ACME, name: 'Acme', slug: 'acme', logo: 'https://example.com/acme.png', createdAt: HOUR, metadata: '{"plan":"pro"}' }),
  insert('organization', { id: OTHER, name: 'Other', slug: 'other', createdAt: HOUR }),
];
/** Vera owns Acme, Gina owns the other; Ada is in Acme as she is said to be. */
export const world = (role) => [...ORGANIZATIONS, member('vera', 'owner'), member('gina', 'owner', OTHER), ...(role ? [member('ada', role)] : [])];
/** The same with two teams in Acme and one in the other. */
export const teams = (role) => [...world(role), team(RED, 'Red', ACME, 60), team(BLUE, 'Blue', ACME, 50), team(FOREIGN, 'Foreign', OTHER, 40)];

/** A case for each of some routes, after the same steps. */
export const routes = (steps, all) => after(steps, each(all, (step) => step));

/** The plugin as both are configured. */
export const plugin = (options, send) =>
  organization({
    sendInvitationEmail: async ({ id: token, email: recipient, role, organization, inviter, invitation }) =>
      send?.message?.({ kind: 'organization-invitation', recipient, token, role, organization, inviter, invitation }),
    ...options,
  });
export const WITH_TEAMS = { teams: { enabled: true } };
export const TABLES = {
  organization: 'slug',
  member: '"organizationId", "userId", "createdAt"',
  invitation: '"createdAt", email, role, status',
};
export const TEAM_TABLES = { ...TABLES, team: '"createdAt", name', teamMember: '"userId", "teamId"' };
/** Databases where there are teams. */
export const TEAMS = {
  plugins: 'organization',
  options: (send) => ({ plugins: [plugin(WITH_TEAMS, send)] }),
  settings: { organization_teams: 'on' },
  tables: TEAM_TABLES,
};
