// Everything that an organization's people do, by several at once: nobody waits for who waits for them, no answer is a
// fault, and in the end the numbers are right.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signUp } from './lib.mjs';
import { api, memberIn, withOrganization } from './organizations.mjs';

const [WORKERS, STEPS] = [6, 80];

/** The same numbers each time. */
function dice(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

test('a storm of invitations, members and teams', async (t) => {
  const { database, client, id, owner } = await withOrganization(t, {
    organization_teams: 'on',
    organization_maximum_teams: 4,
    organization_maximum_members_per_team: 3,
    organization_membership_limit: 6,
    organization_invitation_limit: 4,
    session_update_age: 0,
  });
  const second = await memberIn(client, id, 'owner');
  const people = [];
  for (let n = 0; n < 8; n += 1) people.push(await signUp(client));
  const owners = [owner, second];
  const everybody = [...owners, ...people];
  await client.query(`INSERT INTO better_auth.organization (id, name, slug, "createdAt") VALUES ('other', 'Other', 'other', now())`);
  const ids = async (on, text) => on.column(text, [id]);
  const invite = (inviters) => async (on, roll) => api(on, 'createInvitation', { body: { organizationId: id, email: people[roll(8)].user.email, role: ['member', 'admin', 'owner'][roll(3)], resend: roll(2) === 0, teamId: (await ids(on, 'SELECT id FROM better_auth.team WHERE "organizationId" = $1 LIMIT 2')).slice(0, roll(3)) } }, inviters[roll(inviters.length)].token);
  const OPS = [
    ...[[owner], owners, everybody].map(invite),
    ...['acceptInvitation', 'acceptInvitation', 'rejectInvitation', 'cancelInvitation'].map((endpoint) => async (on, roll) => {
      const { rows } = await on.query(`SELECT i.id, s.token FROM better_auth.invitation i JOIN better_auth."user" u USING (email) JOIN better_auth.session s ON s."userId" = u.id WHERE status = 'pending' OFFSET $1 LIMIT 1`, [roll(3)]);
      const [{ id: invitationId, token } = { id: 'nothing', token: owner.token }] = rows;
      return api(on, endpoint, { body: { invitationId } }, endpoint === 'cancelInvitation' ? owners[roll(2)].token : token);
    }),
    async (on, roll) => api(on, 'createTeam', { body: { organizationId: id, name: `Team ${roll(100)}` } }, owners[roll(2)].token),
    ...['removeTeam', 'updateTeam', 'setActiveTeam', 'addTeamMember', 'addTeamMember', 'removeTeamMember'].map((endpoint) => async (on, roll) => {
      const teams = await ids(on, 'SELECT id FROM better_auth.team WHERE "organizationId" = $1');
      const body = { organizationId: id, teamId: teams[roll(teams.length || 1)] ?? 'nothing', userId: everybody[roll(10)].user.id, data: { organizationId: id, name: `Renamed ${roll(100)}` } };
      return api(on, endpoint, { body }, (endpoint === 'setActiveTeam' ? everybody[roll(10)] : owners[roll(2)]).token);
    }),
    async (on, roll) => api(on, 'removeMember', { body: { organizationId: id, memberIdOrEmail: everybody[1 + roll(9)].user.email } }, owners[roll(2)].token),
    async (on, roll) => api(on, 'leaveOrganization', { body: { organizationId: id } }, people[roll(8)].token),
    async (on, roll) => {
      const { rows } = await on.query('SELECT id FROM better_auth.member WHERE "organizationId" = $1 AND "userId" <> $2', [id, owner.user.id]);
      const members = rows.map((row) => row.id);
      return api(on, 'updateMemberRole', { body: { organizationId: id, memberId: members[roll(members.length || 1)] ?? 'nothing', role: ['member', 'admin', 'owner'][roll(3)] } }, owners[roll(2)].token);
    },
    async (on, roll) => api(on, 'setActiveOrganization', { body: { organizationId: [id, 'other', null][roll(3)] } }, everybody[roll(10)].token),
    async (on, roll) => api(on, 'getFullOrganization', { query: { organizationId: id } }, everybody[roll(10)].token),
  ];
  const done = new Map();
  const connections = await database.connectMany(WORKERS);
  const faults = [];
  await Promise.all(
    connections.map(async (on, worker) => {
      const roll = dice(worker + 1);
      for (let step = 0; step < STEPS; step += 1) {
        const op = roll(OPS.length);
        try {
          await OPS[op](on, roll);
          done.set(op, (done.get(op) ?? 0) + 1);
        } catch (error) {
          // What is refused says so, and has a class of its own; a deadlock, a conflict or a missing row has not.
          if (!/^(22023|42501|53400|23505|28000)$/.test(error.code) || (error.code === '23505' && !error.detail)) faults.push(`${op}: ${error.code} ${error.message}`);
        }
      }
    }),
  );
  assert.deepEqual(faults, []);
  assert.ok(done.size > OPS.length / 2, `${done.size} of ${OPS.length} did something`);

  const rows = async (text) => (await client.query(text)).rows;
  assert.deepEqual(await rows(`SELECT "userId" FROM better_auth.member GROUP BY "organizationId", "userId" HAVING count(*) > 1`), [], 'one membership each');
  assert.deepEqual(await rows(`SELECT "userId" FROM better_auth."teamMember" GROUP BY "teamId", "userId" HAVING count(*) > 1`), [], 'one place each');
  assert.deepEqual(await rows(`SELECT t.id FROM better_auth.team t WHERE "memberCount" <> (SELECT count(*) FROM better_auth."teamMember" m WHERE m."teamId" = t.id)`), [], 'teams count right');
  assert.deepEqual(await rows(`SELECT m.id FROM better_auth."teamMember" m JOIN better_auth.team t ON t.id = m."teamId" WHERE NOT EXISTS (SELECT FROM better_auth.member o WHERE o."userId" = m."userId" AND o."organizationId" = t."organizationId")`), [], 'no place outside');
  assert.deepEqual(await rows(`SELECT "teamId" FROM better_auth."teamMember" GROUP BY "teamId" HAVING count(*) > 3`), []);
  assert.deepEqual(await rows(`SELECT email FROM better_auth.invitation WHERE status = 'pending' GROUP BY email HAVING count(*) > 1`), [], 'one invitation each');
  const [{ members, owners: left, teams, pending }] = await rows(`SELECT
    (SELECT count(*)::int FROM better_auth.member) AS members, (SELECT count(*)::int FROM better_auth.member WHERE role ~ 'owner') AS owners,
    (SELECT count(*)::int FROM better_auth.team) AS teams, (SELECT count(*)::int FROM better_auth.invitation WHERE status = 'pending') AS pending`);
  assert.ok(members <= 6 && left >= 1 && teams <= 4 && pending <= 4, JSON.stringify({ members, left, teams, pending }));
});
