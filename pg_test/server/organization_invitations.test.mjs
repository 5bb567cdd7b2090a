// Invitations: their mail, hooks, calls of the server's own, PostgREST, and what two do at once.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { betterAuthDdl, freshEmail, refused, server, signUp, untilBlocked } from './lib.mjs';
import { configure, cookieOf, http, ORIGIN, set } from './http.mjs';
import { api, failed, hooks, memberIn, rowsOf, together, withOrganization } from './organizations.mjs';
import { withRpc } from './plugins.mjs';

const mails = (client) => client.query('SELECT * FROM better_auth.mail_outbox ORDER BY created_at, id').then(({ rows }) => rows);
const members = (client, organizationId) => client.value('SELECT count(*)::int FROM better_auth.member WHERE "organizationId" = $1', [organizationId]);
const statusOf = (client, id) => client.value('SELECT status FROM better_auth.invitation WHERE id = $1', [id]);

/** The same with somebody to invite, whose email is verified. */
async function withGuest(t, settings = {}) {
  const world = await withOrganization(t, settings);
  const guest = await verified(world.client, await signUp(world.client));
  const invite = (fields = {}, { by = world.owner, on = world.client } = {}) =>
    api(on, 'createInvitation', { body: { email: guest.user.email, role: 'member', organizationId: world.id, ...fields } }, by.token);
  const say = (endpoint, invitation, { by = guest, on = world.client } = {}) => api(on, endpoint, { body: { invitationId: invitation.id } }, by.token);
  return { ...world, guest, invite, say };
}

async function verified(client, user) {
  await client.query('UPDATE better_auth."user" SET "emailVerified" = true WHERE id = $1', [user.user.id]);
  return user;
}

describe('the mail', () => {
  test('tells what Better Auth tells its sender, and links to the page that a setting names', async (t) => {
    const { client, id, owner, guest, invite } = await withGuest(t, { organization_teams: 'on', organization_invitation_url: 'https://app.example/join?from=mail#top' });
    const invitation = await invite({ email: guest.user.email.toUpperCase(), role: ['admin', 'member'] });
    const [mail, ...others] = await mails(client);
    assert.deepEqual(others, []);
    assert.deepEqual([mail.kind, mail.channel, mail.recipient, mail.token], ['organization-invitation', 'mail', guest.user.email, invitation.id]);
    assert.equal(mail.url, `https://app.example/join?from=mail&id=${invitation.id}#top`);
    assert.equal(mail.expires_at.toISOString(), invitation.expiresAt);
    assert.deepEqual(Object.keys(mail.data).sort(), ['invitation', 'inviter', 'organization', 'role']);
    assert.deepEqual(mail.data.invitation, invitation);
    assert.equal(mail.data.role, 'admin,member');
    assert.deepEqual([mail.data.organization.id, mail.data.organization.slug], [id, 'acme']);
    assert.deepEqual([mail.data.inviter.role, mail.data.inviter.organizationId, mail.data.inviter.userId], ['owner', id, owner.user.id]);
    assert.deepEqual(mail.data.inviter.user, owner.user);
  });

  test('has no link where there is no such setting, and goes out once more', async (t) => {
    const { client, invite } = await withGuest(t);
    const invitation = await invite();
    await client.query(`UPDATE better_auth.invitation SET "expiresAt" = now() + interval '1 minute'`);
    const again = await invite({ resend: true });
    assert.equal(again.id, invitation.id);
    const sent = await mails(client);
    assert.deepEqual(sent.map(({ url, token }) => [url, token]), [['', invitation.id], ['', invitation.id]]);
    assert.ok(Date.parse(again.expiresAt) > Date.now() + 47 * 3_600_000);
    assert.equal(sent[1].expires_at.toISOString(), again.expiresAt);
    assert.equal((await client.query('SELECT * FROM better_auth.claim_mail(10)')).rows.length, 2);
  });

  test('is a function’s, whose refusal makes no invitation', async (t) => {
    const { client, invite } = await withGuest(t);
    await client.query(`
      CREATE TABLE public.sent (mail jsonb);
      CREATE FUNCTION public.send(mail jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
        IF mail ->> 'role' = 'admin' THEN RAISE EXCEPTION 'no' USING ERRCODE = 'P0001'; END IF;
        INSERT INTO public.sent VALUES (mail);
      END $$`);
    await set(client, { send_mail_function: 'public.send' });
    const invitation = await invite();
    const mail = await client.value('SELECT mail FROM public.sent');
    assert.deepEqual([mail.kind, mail.token, mail.invitation.id, mail.expiresAt], ['organization-invitation', invitation.id, invitation.id, invitation.expiresAt]);
    await refused(invite({ email: freshEmail(), role: 'admin' }), { message: 'no' });
    assert.equal(await client.value('SELECT count(*)::int FROM better_auth.invitation'), 1);
    assert.deepEqual(await mails(client), []);
  });
});

describe('who accepts', () => {
  /** Asserts that it is refused, and changes nothing. */
  async function nothing(client, work, expected) {
    const before = await rowsOf(client);
    await refused(work(), expected);
    assert.deepEqual(await rowsOf(client), before);
  }

  test('has to be who was invited, in time, once', async (t) => {
    const { client, id, owner, guest, invite, say } = await withGuest(t, { organization_teams: 'on' });
    const [stranger, second] = [await verified(client, await signUp(client)), await verified(client, await signUp(client))];
    const invitation = await invite();
    const missing = { code: '22023', detail: 'INVITATION_NOT_FOUND' };
    const another = { code: '42501', detail: 'YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION' };
    for (const by of [stranger, owner]) {
      await nothing(client, () => say('acceptInvitation', invitation, { by }), another);
      await nothing(client, () => say('rejectInvitation', invitation, { by }), another);
      await nothing(client, () => api(client, 'getInvitation', { query: { id: invitation.id } }, by.token), another);
    }
    await client.query(`UPDATE better_auth.invitation SET "expiresAt" = now() - interval '1 second'`);
    await nothing(client, () => say('acceptInvitation', invitation), missing);
    const late = await invite();
    await say('cancelInvitation', late, { by: owner });
    await nothing(client, () => say('acceptInvitation', late), missing);
    const last = await invite();
    assert.equal((await say('acceptInvitation', last)).member.userId, guest.user.id);
    await nothing(client, () => say('acceptInvitation', last), missing);
    await nothing(client, () => say('rejectInvitation', last), { ...missing, message: 'Invitation not found!' });
    assert.equal(await members(client, id), 2);
    // Who takes the email over is who is invited.
    const taken = await invite({ email: second.user.email });
    await client.query(`UPDATE better_auth."user" SET email = 'x' || email WHERE id = $1`, [second.user.id]);
    await client.query(`UPDATE better_auth."user" SET email = $2 WHERE id = $1`, [stranger.user.id, second.user.email]);
    await nothing(client, () => say('acceptInvitation', taken, { by: second }), another);
  });

  test('gets no team of another organization, no place where there is none, and nothing of the rest then', async (t) => {
    const { client, id, owner, guest, invite, say } = await withGuest(t, { organization_teams: 'on', organization_maximum_members_per_team: 1 });
    const team = (name) => api(client, 'createTeam', { body: { name, organizationId: id } }, owner.token);
    const [red, blue] = [await team('Red'), await team('Blue')];
    const invitation = await invite({ teamId: [red.id, blue.id] });
    await api(client, 'addTeamMember', { body: { teamId: blue.id, userId: owner.user.id, organizationId: id } }, owner.token);
    await nothing(client, () => say('acceptInvitation', invitation), { code: '53400', detail: 'TEAM_MEMBER_LIMIT_REACHED' });
    // The same by HTTP, where a refusal commits.
    const before = await rowsOf(client);
    const answer = await http(client, 'POST', '/organization/accept-invitation', { body: { invitationId: invitation.id }, cookie: await cookieOf(client, guest.token) });
    assert.deepEqual([answer.status, answer.json.code], [403, 'TEAM_MEMBER_LIMIT_REACHED']);
    assert.deepEqual(await rowsOf(client), before);
    await client.query(`INSERT INTO better_auth.organization (id, name, slug, "createdAt") VALUES ('other', 'Other', 'other', now())`);
    await client.query(`UPDATE better_auth.team SET "organizationId" = 'other' WHERE id = $1`, [blue.id]);
    await nothing(client, () => say('acceptInvitation', invitation), { detail: 'TEAM_NOT_FOUND' });
    await refused(invite({ email: freshEmail(), teamId: blue.id }), { detail: 'TEAM_NOT_FOUND' });
    await client.query(`UPDATE better_auth.invitation SET "teamId" = $1`, [red.id]);
    assert.equal((await say('acceptInvitation', invitation)).invitation.status, 'accepted');
    assert.deepEqual(await client.query('SELECT "activeOrganizationId", "activeTeamId" FROM better_auth.session WHERE token = $1', [guest.token]).then(({ rows }) => rows[0]), { activeOrganizationId: id, activeTeamId: red.id });
    assert.deepEqual(await client.column('SELECT "memberCount" FROM better_auth.team ORDER BY name'), [1, 1]);
  });

  test('isn’t brought in by somebody who is no member any more', async (t) => {
    const { client, id, owner, guest, invite, say } = await withGuest(t);
    const admin = await memberIn(client, id, 'admin');
    const gone = { detail: 'INVITER_IS_NO_LONGER_A_MEMBER_OF_THE_ORGANIZATION' };
    const invitation = await invite({}, { by: admin });
    await client.query('DELETE FROM better_auth.member WHERE "userId" = $1', [admin.user.id]);
    await nothing(client, () => say('acceptInvitation', invitation), gone);
    await refused(api(client, 'getInvitation', { query: { id: invitation.id } }, guest.token), gone);
    // Another member has to.
    await say('cancelInvitation', invitation, { by: owner });
    await say('acceptInvitation', await invite());
  });

  test('isn’t made an owner by somebody who is none any more', async (t) => {
    const { client, id, invite, say } = await withGuest(t);
    const second = await memberIn(client, id, 'owner');
    const invitation = await invite({ role: ['member', 'owner'] }, { by: second });
    const role = (value) => client.query('UPDATE better_auth.member SET role = $2 WHERE "userId" = $1', [second.user.id, value]);
    await role('admin');
    await nothing(client, () => say('acceptInvitation', invitation), { code: '42501', detail: 'YOU_ARE_NOT_ALLOWED_TO_INVITE_USER_WITH_THIS_ROLE' });
    await role('admin, owner');
    assert.equal((await say('acceptInvitation', invitation)).member.role, 'member,owner');
  });

  test('is not made a member twice', async (t) => {
    const { client, id, guest, invite, say } = await withGuest(t);
    const invitation = await invite();
    await client.query(`INSERT INTO better_auth.member (id, "organizationId", "userId", role, "createdAt") VALUES ('m', $1, $2, 'member', now())`, [id, guest.user.id]);
    await nothing(client, () => say('acceptInvitation', invitation), { code: '23505', detail: 'USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION' });
  });

  test('has to have verified the email where ids can be guessed, or the setting says so', async (t) => {
    const { client, invite, say } = await withGuest(t);
    const guest = await signUp(client);
    const invitation = await invite({ email: guest.user.email });
    const by = { by: guest };
    const needed = { code: '42501', detail: 'EMAIL_VERIFICATION_REQUIRED_BEFORE_ACCEPTING_OR_REJECTING_INVITATION' };
    await set(client, { organization_require_email_verification_on_invitation: 'on' });
    await nothing(client, () => say('acceptInvitation', invitation, by), needed);
    await nothing(client, () => say('rejectInvitation', invitation, by), needed);
    await refused(api(client, 'getInvitation', { query: { id: invitation.id } }, guest.token), { detail: 'EMAIL_VERIFICATION_REQUIRED_FOR_INVITATION' });
    await set(client, { organization_require_email_verification_on_invitation: 'auto' });
    assert.equal((await api(client, 'getInvitation', { query: { id: invitation.id } }, guest.token)).id, invitation.id);
    await client.query(`
      CREATE SEQUENCE public.counted;
      ALTER TABLE better_auth.invitation ALTER id SET DEFAULT nextval('public.counted')::text`);
    await nothing(client, () => say('acceptInvitation', invitation, by), needed);
    const counted = await invite({ email: freshEmail() });
    assert.equal(counted.id, '1');
    await set(client, { organization_require_email_verification_on_invitation: 'off' });
    assert.equal((await say('acceptInvitation', invitation, by)).member.role, 'member');
  });
});

test('ids are compared as they are stored: a uuid in capitals is the same', async (t) => {
  const ddl = betterAuthDdl.replaceAll('\n    id text NOT NULL', '\n    id uuid NOT NULL').replaceAll('"userId" text NOT NULL', '"userId" uuid NOT NULL');
  const database = await server.emptyDatabase(t);
  const installing = await database.connect();
  await configure(installing, database, { base_url: ORIGIN, rate_limit: 'off', plugins: 'organization', organization_teams: 'on' });
  const client = await database.connect();
  await client.query(ddl);
  await client.query('CREATE EXTENSION better_auth');
  await client.query('SELECT * FROM better_auth.migrate()');
  const owner = await signUp(client);
  const guest = await verified(client, await signUp(client));
  const id = await client.value(`INSERT INTO better_auth.organization (id, name, slug, "createdAt") VALUES (gen_random_uuid()::text, 'Acme', 'acme', now()) RETURNING id`).catch(() =>
    client.value(`INSERT INTO better_auth.organization (id, name, slug, "createdAt") VALUES (gen_random_uuid(), 'Acme', 'acme', now()) RETURNING id::text`),
  );
  await client.query(`INSERT INTO better_auth.member (id, "organizationId", "userId", role, "createdAt") SELECT $1::text::${await client.value(`SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'better_auth.member'::regclass AND attname = 'id'`)}, $2, $3, 'owner', now()`, [
    '00000000-0000-4000-8000-000000000001', id, owner.user.id,
  ]);
  const organizationId = id.toUpperCase();
  const [red, blue] = [await api(client, 'createTeam', { body: { name: 'Red', organizationId } }, owner.token), await api(client, 'createTeam', { body: { name: 'Blue', organizationId } }, owner.token)];
  assert.equal(red.organizationId, id);
  const invitation = await api(client, 'createInvitation', { body: { email: guest.user.email, role: 'member', organizationId, teamId: [red.id.toUpperCase(), blue.id] } }, owner.token);
  assert.deepEqual([invitation.organizationId, invitation.teamId], [id, `${red.id},${blue.id}`]);
  await api(client, 'removeTeam', { body: { teamId: blue.id.toUpperCase(), organizationId } }, owner.token);
  const accepted = await api(client, 'acceptInvitation', { body: { invitationId: invitation.id.toUpperCase() } }, guest.token);
  assert.deepEqual([accepted.invitation.teamId, accepted.member.organizationId], [red.id, id]);
  assert.deepEqual(await client.query('SELECT "activeOrganizationId"::text AS o, "activeTeamId"::text AS t FROM better_auth.session WHERE token = $1', [guest.token]).then(({ rows }) => rows[0]), { o: id, t: red.id });
  await refused(api(client, 'removeTeam', { body: { teamId: red.id.toUpperCase(), organizationId } }, guest.token), { detail: 'YOU_ARE_NOT_ALLOWED_TO_DELETE_TEAMS_IN_THIS_ORGANIZATION' });
});

describe('two at once', () => {
  test('accept one invitation: one does', async (t) => {
    const { database, client, id, guest, invite, say } = await withGuest(t);
    const invitation = await invite();
    const ends = await together(database, Array.from({ length: 6 }, () => (on) => say('acceptInvitation', invitation, { on })));
    assert.deepEqual(failed(ends), Array(5).fill('INVITATION_NOT_FOUND'));
    assert.equal(await members(client, id), 2);
    assert.equal(await client.value('SELECT count(*)::int FROM better_auth.member WHERE "userId" = $1', [guest.user.id]), 1);
  });

  test('accept while it is canceled: it waits, and is refused', async (t) => {
    const { database, client, id, owner, invite, say } = await withGuest(t);
    const invitation = await invite();
    const [canceling, accepting] = await database.connectMany(2);
    await canceling.query('BEGIN');
    await say('cancelInvitation', invitation, { by: owner, on: canceling });
    const accepted = say('acceptInvitation', invitation, { on: accepting });
    accepted.catch(() => {});
    await untilBlocked(client, accepting);
    await canceling.query('COMMIT');
    await refused(accepted, { detail: 'INVITATION_NOT_FOUND' });
    assert.deepEqual([await members(client, id), await statusOf(client, invitation.id)], [1, 'canceled']);
  });

  test('accept, and reject meanwhile: the first one counts', async (t) => {
    const { database, client, id, invite, say } = await withGuest(t);
    const invitation = await invite();
    const [accepting, rejecting] = await database.connectMany(2);
    await accepting.query('BEGIN');
    await say('acceptInvitation', invitation, { on: accepting });
    const rejected = say('rejectInvitation', invitation, { on: rejecting });
    rejected.catch(() => {});
    await untilBlocked(client, rejecting);
    await accepting.query('COMMIT');
    await refused(rejected, { detail: 'INVITATION_NOT_FOUND' });
    assert.deepEqual([await members(client, id), await statusOf(client, invitation.id)], [2, 'accepted']);
  });

  test('accept the last place: one is a member', async (t) => {
    const { database, client, id, invite, say } = await withGuest(t, { organization_membership_limit: 3 });
    const guests = await Promise.all(Array.from({ length: 4 }, () => signUp(client)));
    const invitations = [];
    for (const { user } of guests) invitations.push(await invite({ email: user.email }));
    const ends = await together(database, guests.map((by, index) => (on) => say('acceptInvitation', invitations[index], { by, on })));
    assert.deepEqual(failed(ends), Array(2).fill('ORGANIZATION_MEMBERSHIP_LIMIT_REACHED'));
    assert.equal(await members(client, id), 3);
  });

  test('accept the last place of a team', async (t) => {
    const { database, client, id, owner, invite, say } = await withGuest(t, { organization_teams: 'on', organization_maximum_members_per_team: 1 });
    const team = await api(client, 'createTeam', { body: { name: 'Red', organizationId: id } }, owner.token);
    const guests = await Promise.all(Array.from({ length: 4 }, () => signUp(client)));
    const invitations = [];
    for (const { user } of guests) invitations.push(await invite({ email: user.email, teamId: team.id }));
    const ends = await together(database, guests.map((by, index) => (on) => say('acceptInvitation', invitations[index], { by, on })));
    assert.deepEqual(failed(ends), Array(3).fill('TEAM_MEMBER_LIMIT_REACHED'));
    assert.equal(await members(client, id), 2);
    assert.equal(await client.value('SELECT count(*)::int FROM better_auth."teamMember"'), 1);
    assert.equal(await client.value(`SELECT count(*)::int FROM better_auth.invitation WHERE status = 'pending'`), 3);
  });

  test('invite one email: one invitation', async (t) => {
    const { database, client, id, invite } = await withGuest(t);
    const admin = await memberIn(client, id, 'admin');
    const ends = await together(database, [1, 2, 3, 4, 5].map((n) => (on) => invite({}, n > 2 ? { by: admin, on } : { on })));
    assert.deepEqual(failed(ends), Array(4).fill('USER_IS_ALREADY_INVITED_TO_THIS_ORGANIZATION'));
    assert.equal((await mails(client)).length, 1);
  });

  test('invite one email again and again, where that cancels: one waits', async (t) => {
    const { database, client, invite } = await withGuest(t, { organization_cancel_pending_invitations_on_re_invite: 'on' });
    const ends = await together(database, [1, 2, 3, 4].map(() => (on) => invite({}, { on })));
    assert.deepEqual(failed(ends), []);
    assert.deepEqual((await client.column('SELECT status FROM better_auth.invitation')).sort(), ['canceled', 'canceled', 'canceled', 'pending']);
  });

  test('invite up to the limit', async (t) => {
    const { database, client, invite } = await withGuest(t, { organization_invitation_limit: 2 });
    const ends = await together(database, [1, 2, 3, 4, 5].map(() => (on) => invite({ email: freshEmail() }, { on })));
    assert.deepEqual(failed(ends), Array(3).fill('INVITATION_LIMIT_REACHED'));
    assert.equal((await mails(client)).length, 2);
  });

  test('invite while one is thrown out: it waits, and is refused', async (t) => {
    const { database, client, id, invite } = await withGuest(t);
    const admin = await memberIn(client, id, 'admin');
    const [throwing, inviting] = await database.connectMany(2);
    await throwing.query('BEGIN');
    await throwing.query('SELECT FROM better_auth.organization WHERE id = $1 FOR NO KEY UPDATE', [id]);
    await throwing.query('DELETE FROM better_auth.member WHERE "userId" = $1', [admin.user.id]);
    const invited = invite({}, { by: admin, on: inviting });
    invited.catch(() => {});
    await untilBlocked(client, inviting);
    await throwing.query('COMMIT');
    await refused(invited, { detail: 'MEMBER_NOT_FOUND' });
    assert.deepEqual(await mails(client), []);
  });

  test('accept in one session that is due: nobody waits for both', async (t) => {
    const { database, client, id, invite, say } = await withGuest(t, { session_update_age: 0 });
    const invitation = await invite();
    const ends = await together(database, [1, 2, 3, 4].map(() => (on) => say('acceptInvitation', invitation, { on })));
    assert.deepEqual(failed(ends), Array(3).fill('INVITATION_NOT_FOUND'));
    assert.equal(await members(client, id), 2);
  });
});

describe('hooks', () => {
  test('are told what Better Auth tells its own', async (t) => {
    const { client, id, owner, guest, invite, say } = await withGuest(t, { organization_teams: 'on' });
    const heard = await hooks(client, ['before_create_invitation', 'after_create_invitation', 'before_accept_invitation', 'after_accept_invitation', 'before_reject_invitation', 'after_reject_invitation', 'before_cancel_invitation', 'after_cancel_invitation']);
    const team = await api(client, 'createTeam', { body: { name: 'Red', organizationId: id } }, owner.token);
    const made = await invite({ teamId: [team.id] });
    const accepted = await say('acceptInvitation', made);
    const other = await signUp(client);
    const rejected = await say('rejectInvitation', await invite({ email: other.user.email }), { by: other });
    const canceled = await say('cancelInvitation', await invite({ email: freshEmail() }), { by: owner });
    const told = await heard();
    const keys = Object.fromEntries(told.map(({ hook, told }) => [hook, Object.keys(told).sort()]));
    assert.deepEqual(keys, {
      before_create_invitation: ['invitation', 'inviter', 'organization'],
      after_create_invitation: ['invitation', 'inviter', 'organization'],
      before_accept_invitation: ['invitation', 'organization', 'user'],
      after_accept_invitation: ['invitation', 'member', 'organization', 'user'],
      before_reject_invitation: ['invitation', 'organization', 'user'],
      after_reject_invitation: ['invitation', 'organization', 'user'],
      before_cancel_invitation: ['cancelledBy', 'invitation', 'organization'],
      after_cancel_invitation: ['cancelledBy', 'invitation', 'organization'],
    });
    const first = (name) => told.find(({ hook }) => hook === name).told;
    assert.deepEqual(first('before_create_invitation').invitation, { role: 'member', email: guest.user.email, organizationId: id, teamIds: [team.id], inviterId: owner.user.id, teamId: team.id });
    assert.deepEqual(first('after_create_invitation').invitation, made);
    assert.deepEqual(first('before_create_invitation').inviter, owner.user);
    assert.equal(first('before_accept_invitation').invitation.status, 'pending');
    assert.deepEqual([first('after_accept_invitation').invitation, first('after_accept_invitation').member], [accepted.invitation, accepted.member]);
    assert.deepEqual(first('after_reject_invitation').invitation, rejected.invitation);
    assert.deepEqual([first('after_cancel_invitation').invitation, first('after_cancel_invitation').cancelledBy], [canceled, owner.user]);
  });

  test('that come before may refuse, and change an invitation', async (t) => {
    const { client, id, owner, guest, invite, say } = await withGuest(t, { organization_teams: 'on' });
    const team = await api(client, 'createTeam', { body: { name: 'Red', organizationId: id } }, owner.token);
    await client.query(`
      ALTER TABLE better_auth.invitation ADD note text;
      CREATE FUNCTION public.change(told jsonb) RETURNS jsonb LANGUAGE sql AS
        $$ SELECT jsonb_build_object('data', jsonb_build_object('role', 'admin', 'note', 'changed', 'teamIds', jsonb_build_array('${team.id}'), 'expiresAt', '2090-01-02T03:04:05.678Z')) $$;
      CREATE FUNCTION public.refuse(told jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today' USING DETAIL = 'NOT_TODAY'; END $$;
      CREATE FUNCTION public.odd(told jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"data": 5}'::jsonb $$`);
    await set(client, { organization_before_create_invitation_function: 'public.change', organization_invitation_additional_fields: 'note:readonly' });
    const made = await invite();
    assert.deepEqual([made.role, made.note, made.teamId, made.expiresAt], ['admin', 'changed', team.id, '2090-01-02T03:04:05.678Z']);
    for (const [name, work] of [
      ['before_create_invitation', () => invite({ email: freshEmail() })],
      ['after_create_invitation', () => invite({ email: freshEmail() })],
      ['before_accept_invitation', () => say('acceptInvitation', made)],
      ['after_accept_invitation', () => say('acceptInvitation', made)],
      ['before_reject_invitation', () => say('rejectInvitation', made)],
      ['after_reject_invitation', () => say('rejectInvitation', made)],
      ['before_cancel_invitation', () => say('cancelInvitation', made, { by: owner })],
      ['after_cancel_invitation', () => say('cancelInvitation', made, { by: owner })],
    ]) {
      await set(client, { [`organization_${name}_function`]: 'public.refuse' });
      const before = await rowsOf(client);
      await refused(work(), { message: 'not today', detail: 'NOT_TODAY' });
      assert.deepEqual(await rowsOf(client), before, name);
      await set(client, { [`organization_${name}_function`]: '' });
    }
    await set(client, { organization_before_create_invitation_function: 'public.odd' });
    await refused(invite({ email: freshEmail() }), { code: '55000', message: /organization_before_create_invitation_function/ });
    await set(client, { organization_before_create_invitation_function: 'public.refuse' });
    const answer = await http(client, 'POST', '/organization/invite-member', { body: { email: freshEmail(), role: 'member', organizationId: id }, cookie: await cookieOf(client, owner.token) });
    assert.deepEqual([answer.status, answer.json], [400, { message: 'not today', code: 'NOT_TODAY' }]);
    assert.equal(guest.user.email, made.email);
  });

  test('limits may be functions', async (t) => {
    const { client, id, owner, guest, invite, say } = await withGuest(t, { organization_invitation_limit: 0 });
    await client.query(`
      CREATE FUNCTION public.invitations(told jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
        IF told #>> '{member,user,id}' IS DISTINCT FROM told #>> '{user,id}' OR told #>> '{organization,id}' IS NULL THEN RAISE 'badly told: %', told; END IF;
        RETURN '1'; END $$;
      CREATE FUNCTION public.members(told jsonb) RETURNS jsonb LANGUAGE sql AS
        $$ SELECT to_jsonb(CASE WHEN told #>> '{user,name}' = 'Ada' AND told #>> '{organization,slug}' = 'acme' THEN 1.5 ELSE 100 END) $$;
      CREATE FUNCTION public.nothing(told jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT NULL::jsonb $$`);
    await refused(invite(), { code: '53400', detail: 'INVITATION_LIMIT_REACHED' });
    await set(client, { organization_invitation_limit_function: 'public.invitations' });
    const invitation = await invite();
    await refused(invite({ email: freshEmail() }), { detail: 'INVITATION_LIMIT_REACHED' });
    await set(client, { organization_membership_limit_function: 'public.members' });
    assert.equal((await say('acceptInvitation', invitation)).member.organizationId, id, 'one is less than one and a half');
    await set(client, { organization_invitation_limit_function: 'public.nothing' });
    await refused(invite({ email: freshEmail() }), { code: '55000', message: /has to answer with a number/ });
    assert.ok(owner.token !== guest.token);
  });
});

describe('calls of the server’s own', () => {
  test('list the invitations of an email', async (t) => {
    const { client, owner, guest, invite } = await withGuest(t);
    const invitation = await invite();
    const own = (query, token = null) => api(client, 'listUserInvitations', { query }, token);
    const expected = [{ ...invitation, organizationName: 'Acme' }];
    assert.deepEqual(await own({ email: guest.user.email.toUpperCase() }), expected);
    assert.deepEqual(await own({ email: freshEmail() }), []);
    assert.deepEqual(await own({ email: freshEmail() }, guest.token), expected, 'a session comes first');
    await refused(own({}), { code: '22023', message: 'Missing session headers, or email query parameter.' });
    await refused(own({ email: guest.user.email }, owner.token), { detail: 'EMAIL_VERIFICATION_REQUIRED_FOR_INVITATION' });
    for (const endpoint of ['listInvitations', 'getInvitation', 'createInvitation', 'acceptInvitation', 'rejectInvitation', 'cancelInvitation']) {
      const input = { query: { id: 'x' }, body: { email: 'a@example.com', role: 'member', invitationId: 'x' } };
      await refused(api(client, endpoint, input), { code: '28000' });
    }
  });
});

test('a list has the newest hundred', async (t) => {
  const { client, id, owner, guest } = await withGuest(t);
  await client.query(`INSERT INTO better_auth.invitation (id, "organizationId", email, role, status, "expiresAt", "createdAt", "inviterId")
    SELECT 'i' || n, $1, $2, 'member', 'pending', now() + interval '1 day', now() - n * interval '1 minute', $3 FROM generate_series(1, 150) n`, [id, guest.user.email, owner.user.id]);
  for (const list of [await api(client, 'listInvitations', { query: { organizationId: id } }, owner.token), await api(client, 'listUserInvitations', {}, guest.token)]) {
    assert.deepEqual([list.length, list.at(-1).id, list[0].id], [100, 'i1', 'i100']);
  }
});

test('hostile input is refused cleanly', async (t) => {
  const { client, id, owner, guest } = await withGuest(t);
  const cookie = await cookieOf(client, owner.token);
  const before = await rowsOf(client);
  const ask = async (body) => {
    const { status, json } = await http(client, 'POST', '/organization/invite-member', { body: typeof body === 'string' ? body : { email: guest.user.email, role: 'member', organizationId: id, ...body }, cookie });
    return [status, json?.code];
  };
  assert.deepEqual(await ask({ role: 'a\0b' }), [400, undefined]);
  assert.deepEqual(await ask({ email: `${'x'.repeat(3_000)}@example.com` }), [400, 'INVALID_EMAIL']);
  assert.deepEqual(await ask({ email: `${'x'.repeat(100_000)}@example.com` }), [400, 'INVALID_EMAIL']);
  assert.deepEqual(await ask({ role: 'x'.repeat(100_000) }), [400, 'VALIDATION_ERROR']);
  assert.deepEqual(await ask({ role: Array(20_000).fill('member') }), [400, 'VALIDATION_ERROR']);
  assert.deepEqual(await ask({ organizationId: 'x'.repeat(900_000) }), [400, 'MEMBER_NOT_FOUND']);
  assert.deepEqual(await ask({ organizationId: `${id}\0` }), [400, 'VALIDATION_ERROR']);
  assert.deepEqual(await ask({ organizationId: `${id}' OR true --` }), [400, 'MEMBER_NOT_FOUND']);
  assert.deepEqual(await ask(JSON.stringify({ email: 'x'.repeat(1 << 20) })), [413, undefined]);
  assert.deepEqual(await rowsOf(client), before);
});

test('through PostgREST, each once', async (t) => {
  const { database, client, id, owner, guest } = await withGuest(t, { organization_teams: 'on' });
  const rpc = await withRpc(t, database, client);
  const call = async (name, args, by = owner) => {
    const { status, json } = await rpc(`organization_${name}`, { ...args, session_token: by.token });
    assert.equal(status, 200, JSON.stringify(json));
    return json;
  };
  const [red, blue] = [await call('create_team', { name: 'Red', organization_id: id }), await call('create_team', { name: 'Blue', organization_id: id })];
  const invitation = await call('invite_member', { email: guest.user.email, role: 'member,admin', organization_id: id, team_id: `${red.id}, ${blue.id}` });
  assert.deepEqual([invitation.role, invitation.teamId], ['member,admin', `${red.id},${blue.id}`]);
  assert.equal((await call('invite_member', { email: guest.user.email, role: 'member', organization_id: id, resend: true })).id, invitation.id);
  assert.deepEqual(await call('list_invitations', { organization_id: id }).then((list) => list.map((one) => one.id)), [invitation.id]);
  assert.deepEqual(await call('list_user_invitations', {}, guest).then((list) => list.map((one) => one.organizationName)), ['Acme']);
  assert.equal((await call('get_invitation', { id: invitation.id }, guest)).inviterEmail, owner.user.email);
  assert.equal((await call('accept_invitation', { invitation_id: invitation.id }, guest)).member.role, 'member,admin');
  const other = await signUp(client);
  const second = await call('invite_member', { email: other.user.email, role: 'member', organization_id: id });
  assert.equal((await call('reject_invitation', { invitation_id: second.id }, other)).invitation.status, 'rejected');
  assert.equal((await call('cancel_invitation', { invitation_id: second.id })).status, 'canceled');
  const refusal = await rpc('organization_accept_invitation', { invitation_id: second.id, session_token: other.token });
  assert.deepEqual([refusal.status, refusal.json.code], [400, 'INVITATION_NOT_FOUND']);
  assert.equal((await rpc('organization_list_user_invitations')).status, 400);
});
