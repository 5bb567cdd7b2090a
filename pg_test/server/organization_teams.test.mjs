// Teams: their hooks, calls of the server's own, PostgREST, and what two do at once.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { http, cookieOf, set } from './http.mjs';
import { refused, signUp, untilBlocked } from './lib.mjs';
import { api, failed, hooks, memberIn, rowsOf, together, withOrganization } from './organizations.mjs';
import { withRpc } from './plugins.mjs';

/** An organization with a member, and what its owner does. */
async function withTeams(t, settings = {}) {
  const world = await withOrganization(t, { organization_teams: 'on', ...settings });
  const { client, id, owner } = world;
  const member = await memberIn(client, id, 'member');
  const ask = (endpoint, body, { by = owner, on = client } = {}) => api(on, endpoint, { body: { organizationId: id, ...body } }, by.token);
  const create = (name, options) => ask('createTeam', { name }, options);
  const add = (team, user, options) => ask('addTeamMember', { teamId: team.id, userId: user.user.id }, options);
  return { ...world, member, ask, create, add };
}

const counts = (client) => client.query('SELECT name, "memberCount" AS count, (SELECT count(*)::int FROM better_auth."teamMember" WHERE "teamId" = t.id) AS members FROM better_auth.team t ORDER BY name').then(({ rows }) => rows.map(({ name, count, members }) => [name, count, members]));

describe('two at once', () => {
  test('make the last team', async (t) => {
    const { database, client, create } = await withTeams(t, { organization_maximum_teams: 2 });
    const ends = await together(database, [1, 2, 3, 4].map((n) => (on) => create(`Team ${n}`, { on })));
    assert.deepEqual(failed(ends), Array(2).fill('YOU_HAVE_REACHED_THE_MAXIMUM_NUMBER_OF_TEAMS'));
    assert.equal((await counts(client)).length, 2);
  });

  test('remove the last two: one stays', async (t) => {
    const { database, client, ask, create } = await withTeams(t);
    const teams = [await create('Red'), await create('Blue')];
    const ends = await together(database, teams.map(({ id }) => (on) => ask('removeTeam', { teamId: id }, { on })));
    assert.deepEqual(failed(ends), ['UNABLE_TO_REMOVE_LAST_TEAM']);
    assert.equal((await counts(client)).length, 1);
  });

  test('put somebody in the last place', async (t) => {
    const { database, client, id, create, add } = await withTeams(t, { organization_maximum_members_per_team: 2 });
    const team = await create('Red');
    const users = await Promise.all([1, 2, 3, 4].map(() => memberIn(client, id, 'member')));
    const ends = await together(database, users.map((user) => (on) => add(team, user, { on })));
    assert.deepEqual(failed(ends), Array(2).fill('TEAM_MEMBER_LIMIT_REACHED'));
    assert.deepEqual(await counts(client), [['Red', 2, 2]]);
  });

  test('put one in, and take the same one out', async (t) => {
    const { database, client, member, ask, create, add } = await withTeams(t);
    const team = await create('Red');
    const puts = await together(database, Array.from({ length: 4 }, () => (on) => add(team, member, { on })));
    assert.deepEqual([failed(puts), new Set(puts.map(({ id }) => id)).size, await counts(client)], [[], 1, [['Red', 1, 1]]]);
    const takes = await together(database, Array.from({ length: 4 }, () => (on) => ask('removeTeamMember', { teamId: team.id, userId: member.user.id }, { on })));
    assert.deepEqual([failed(takes), await counts(client)], [Array(3).fill('USER_IS_NOT_A_MEMBER_OF_THE_TEAM'), [['Red', 0, 0]]]);
  });

  test('accept an invitation to a team that is being removed: it is to none then', async (t) => {
    const { database, client, id, ask, create } = await withTeams(t);
    const [red] = [await create('Red'), await create('Blue')];
    const guest = await signUp(client);
    const invitation = await ask('createInvitation', { email: guest.user.email, role: 'member', teamId: red.id });
    const [removing, accepting] = await database.connectMany(2);
    await removing.query('BEGIN');
    await ask('removeTeam', { teamId: red.id }, { on: removing });
    const accepted = ask('acceptInvitation', { invitationId: invitation.id }, { by: guest, on: accepting });
    await untilBlocked(client, accepting);
    await removing.query('COMMIT');
    assert.deepEqual([(await accepted).invitation.teamId, (await accepted).member.organizationId], [null, id]);
    assert.deepEqual(await counts(client), [['Blue', 0, 0]]);
  });

  test('remove a team while somebody is thrown out: it waits, and is refused', async (t) => {
    const { database, client, id, ask, create } = await withTeams(t);
    const [red] = [await create('Red'), await create('Blue')];
    const admin = await memberIn(client, id, 'admin');
    const [throwing, removing] = await database.connectMany(2);
    await throwing.query('BEGIN');
    await throwing.query('SELECT FROM better_auth.organization WHERE id = $1 FOR NO KEY UPDATE', [id]);
    await throwing.query(`UPDATE better_auth.member SET role = 'member' WHERE "userId" = $1`, [admin.user.id]);
    const removed = ask('removeTeam', { teamId: red.id }, { by: admin, on: removing });
    removed.catch(() => {});
    await untilBlocked(client, removing);
    await throwing.query('COMMIT');
    await refused(removed, { detail: 'YOU_ARE_NOT_ALLOWED_TO_DELETE_TEAMS_IN_THIS_ORGANIZATION' });
    assert.equal((await counts(client)).length, 2);
  });

  test('a stranger makes nobody wait', async (t) => {
    const { database, client, id, ask, create } = await withTeams(t);
    const team = await create('Red');
    const stranger = await signUp(client);
    const holding = await database.connect();
    await holding.query('BEGIN');
    await holding.query('SELECT FROM better_auth.organization WHERE id = $1 FOR UPDATE', [id]);
    for (const [endpoint, body] of [
      ['createTeam', { name: 'x' }],
      ['removeTeam', { teamId: team.id }],
      ['updateTeam', { teamId: team.id, data: { organizationId: id, name: 'x' } }],
      ['addTeamMember', { teamId: team.id, userId: stranger.user.id }],
      ['removeTeamMember', { teamId: team.id, userId: stranger.user.id }],
      ['createInvitation', { email: 'x@example.com', role: 'member' }],
      ['acceptInvitation', { invitationId: 'x' }],
    ]) {
      await refused(ask(endpoint, body, { by: stranger }), { detail: /./ });
    }
    await holding.query('ROLLBACK');
  });
});

describe('hooks', () => {
  const NAMES = ['before_create_team', 'after_create_team', 'before_update_team', 'after_update_team', 'before_delete_team', 'after_delete_team', 'before_add_team_member', 'after_add_team_member', 'before_remove_team_member', 'after_remove_team_member'];

  /** Does everything once. */
  async function everything({ client, id, owner, member, ask, create, add }) {
    await create('Blue');
    const red = await create('Red');
    const crimson = await ask('updateTeam', { teamId: red.id, data: { organizationId: id, name: 'Crimson' } });
    const place = await add(red, member);
    await ask('removeTeamMember', { teamId: red.id, userId: member.user.id });
    await ask('removeTeam', { teamId: red.id });
    return { red, crimson, place, owner, client };
  }

  test('are told what Better Auth tells its own', async (t) => {
    const world = await withTeams(t);
    const heard = await hooks(world.client, NAMES);
    const { red, crimson, place, owner } = await everything(world);
    const told = (await heard()).slice(2);
    assert.deepEqual(told.map(({ hook, told }) => [hook, Object.keys(told).sort().join()]), [
      ['before_create_team', 'organization,team,user'],
      ['after_create_team', 'organization,team,user'],
      ['before_update_team', 'organization,team,updates,user'],
      ['after_update_team', 'organization,team,user'],
      ['before_add_team_member', 'organization,team,teamMember,user'],
      ['after_add_team_member', 'organization,team,teamMember,user'],
      ['before_remove_team_member', 'organization,team,teamMember,user'],
      ['after_remove_team_member', 'organization,team,teamMember,user'],
      ['before_delete_team', 'organization,team,user'],
      ['after_delete_team', 'organization,team,user'],
    ]);
    const [creating, created, updating, updated, adding, added, taking] = told.map(({ told }) => told);
    assert.deepEqual([creating.team, creating.user], [{ name: 'Red', organizationId: world.id }, owner.user]);
    assert.deepEqual(created.team, red);
    assert.deepEqual([updating.team, updating.updates, updated.team], [red, { name: 'Crimson' }, crimson]);
    assert.deepEqual([adding.teamMember, adding.user], [{ teamId: red.id, userId: world.member.user.id }, world.member.user]);
    assert.deepEqual([added.teamMember, taking.teamMember], [place, place]);
  });

  test('may refuse, and then nothing is done', async (t) => {
    const world = await withTeams(t);
    const { client } = world;
    await client.query(`CREATE FUNCTION public.refuse(told jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$`);
    for (const name of NAMES) {
      await client.query('DELETE FROM better_auth.team');
      await set(client, { [`organization_${name}_function`]: 'public.refuse' });
      await refused(everything(world), { message: 'not today' });
      await set(client, { [`organization_${name}_function`]: '' });
    }
    await client.query('DELETE FROM better_auth.team');
    await set(client, { organization_before_create_team_function: 'public.refuse' });
    const answer = await http(client, 'POST', '/organization/create-team', { body: { name: 'Red', organizationId: world.id }, cookie: await cookieOf(client, world.owner.token) });
    assert.deepEqual([answer.status, answer.json], [400, { message: 'not today' }]);
    assert.deepEqual(await counts(client), []);
  });

  test('that come before may change a team', async (t) => {
    const { client, id, ask, create } = await withTeams(t);
    await client.query(`
      ALTER TABLE better_auth.team ADD note text;
      CREATE FUNCTION public.change(told jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"data": {"name": "Changed", "note": "by a hook"}}'::jsonb $$;
      CREATE FUNCTION public.note(told jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"data": {"note": "alone"}}'::jsonb $$`);
    await set(client, { organization_team_additional_fields: 'note:readonly', organization_before_create_team_function: 'public.change', organization_before_update_team_function: 'public.note' });
    const team = await create('Red');
    assert.deepEqual([team.name, team.note], ['Changed', 'by a hook']);
    const updated = await ask('updateTeam', { teamId: team.id, data: { organizationId: id, name: 'Crimson' } });
    assert.deepEqual([updated.name, updated.note], ['Changed', 'alone'], 'in place of what was asked for');
  });

  test('limits may be functions', async (t) => {
    const { client, owner, member, create, add } = await withTeams(t);
    await client.query(`
      CREATE FUNCTION public.teams(told jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
        IF told -> 'session' -> 'session' ? 'token' OR told #>> '{session,user,id}' IS NULL OR told ->> 'organizationId' IS NULL THEN RAISE 'badly told: %', told; END IF;
        RETURN '1'; END $$;
      CREATE FUNCTION public.places(told jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
        IF told ->> 'teamId' IS NULL OR told #>> '{session,user,id}' IS NULL THEN RAISE 'badly told: %', told; END IF;
        RETURN '1'; END $$`);
    await set(client, { organization_maximum_teams_function: 'public.teams', organization_maximum_members_per_team_function: 'public.places' });
    const team = await create('Red');
    await refused(create('Blue'), { code: '53400', detail: 'YOU_HAVE_REACHED_THE_MAXIMUM_NUMBER_OF_TEAMS' });
    await add(team, member);
    await refused(add(team, owner), { code: '53400', detail: 'TEAM_MEMBER_LIMIT_REACHED' });
    await add(team, member);
  });
});

test('calls of the server’s own make and remove teams; others need a session', async (t) => {
  const { client, id, owner } = await withTeams(t);
  const own = (endpoint, body, more = {}, token = null) => api(client, endpoint, { body, ...more }, token);
  const [red, blue] = [await own('createTeam', { name: 'Red', organizationId: id }), await own('createTeam', { name: 'Blue', organizationId: id })];
  assert.deepEqual([red.name, red.organizationId], ['Red', id]);
  await refused(own('createTeam', { name: 'Red' }), { detail: 'NO_ACTIVE_ORGANIZATION' });
  await refused(own('createTeam', { name: 'Red', organizationId: 'nothing' }), { detail: 'ORGANIZATION_NOT_FOUND' });
  await refused(own('createTeam', { name: 'Red', organizationId: id }, { headers: {} }), { message: 'Unauthorized' });
  await refused(own('createTeam', { name: 'Red', organizationId: id }, {}, 'x'.repeat(32)), { message: 'Unauthorized' });
  await refused(own('removeTeam', { teamId: red.id, organizationId: id }, { headers: {} }), { message: 'Unauthorized' });
  await refused(own('removeTeam', { teamId: red.id }), { detail: 'NO_ACTIVE_ORGANIZATION' });
  assert.deepEqual(await own('removeTeam', { teamId: red.id, organizationId: id }), { message: 'Team removed successfully.' });
  await refused(own('removeTeam', { teamId: blue.id, organizationId: id }), { detail: 'UNABLE_TO_REMOVE_LAST_TEAM' });
  const input = { teamId: blue.id, userId: owner.user.id, organizationId: id, data: {} };
  for (const endpoint of ['updateTeam', 'setActiveTeam', 'addTeamMember', 'removeTeamMember', 'listOrganizationTeams', 'listUserTeams', 'listTeamMembers']) {
    await refused(own(endpoint, input, { query: { organizationId: id, teamId: blue.id } }), { code: '28000', detail: 'UNAUTHORIZED' });
  }
});

test('without teams there are no such endpoints, and what is there of them stays', async (t) => {
  const { client, id, owner, create, add } = await withTeams(t);
  const team = await create('Red');
  await add(team, owner);
  await set(client, { organization_teams: 'off' });
  await refused(create('Blue'), { code: '22023', message: /no endpoint "createTeam"/ });
  const invitation = await api(client, 'createInvitation', { body: { email: 'a@example.com', role: 'member', organizationId: id, teamId: team.id } }, owner.token);
  assert.ok(!('teamId' in invitation));
  assert.equal(await client.value('SELECT "teamId" FROM better_auth.invitation'), null);
  assert.deepEqual(await counts(client), [['Red', 1, 1]]);
});

test('hostile input is refused cleanly', async (t) => {
  const { client, id, owner, create } = await withTeams(t);
  const team = await create('Red');
  const cookie = await cookieOf(client, owner.token);
  const before = await rowsOf(client);
  const ask = async (path, body) => {
    const { status, json } = await http(client, 'POST', `/organization/${path}`, { body: { organizationId: id, ...body }, cookie });
    return [status, json?.code];
  };
  assert.deepEqual(await ask('create-team', { name: 'x'.repeat(100_000) }), [400, 'VALIDATION_ERROR']);
  assert.deepEqual(await ask('create-team', { name: 'a\0b' }), [400, 'VALIDATION_ERROR']);
  assert.deepEqual(await ask('update-team', { teamId: team.id, data: { organizationId: id, name: 'x'.repeat(100_000) } }), [400, 'VALIDATION_ERROR']);
  assert.deepEqual(await ask('update-team', { teamId: `${team.id}\0`, data: { organizationId: id } }), [400, 'VALIDATION_ERROR']);
  assert.deepEqual(await ask('remove-team', { teamId: 'x'.repeat(900_000) }), [400, 'TEAM_NOT_FOUND']);
  assert.deepEqual(await ask('add-team-member', { teamId: team.id, userId: { toString: 5 } }), [400, 'VALIDATION_ERROR']);
  assert.deepEqual(await ask('add-team-member', { teamId: team.id, userId: `' OR true --` }), [400, 'USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION']);
  assert.deepEqual(await rowsOf(client), before);
});

test('through PostgREST, each once', async (t) => {
  const { database, client, id, owner, member } = await withTeams(t);
  const rpc = await withRpc(t, database, client);
  const call = async (name, args, by = owner) => {
    const { status, json } = await rpc(`organization_${name}`, { ...args, session_token: by.token });
    assert.equal(status, 200, JSON.stringify(json));
    return json;
  };
  const where = { organization_id: id };
  const [red, blue] = [await call('create_team', { name: 'Red', ...where }), await call('create_team', { name: 'Blue', ...where })];
  assert.deepEqual((await call('list_teams', where)).map(({ name }) => name).sort(), ['Blue', 'Red']);
  assert.equal((await call('update_team', { team_id: red.id, data: { name: 'Crimson', organizationId: id } })).name, 'Crimson');
  assert.equal((await call('add_team_member', { team_id: red.id, user_id: member.user.id, ...where })).teamId, red.id);
  assert.deepEqual((await call('list_user_teams', {}, member)).map(({ name }) => name), ['Crimson']);
  assert.deepEqual((await call('list_user_teams', { user_id: member.user.id, ...where })).map(({ name }) => name), ['Crimson']);
  await client.query('UPDATE better_auth.session SET "activeOrganizationId" = $1', [id]);
  assert.equal((await call('set_active_team', { team_id: red.id }, member)).id, red.id);
  assert.deepEqual((await call('list_team_members', {}, member)).map(({ userId }) => userId), [member.user.id]);
  assert.equal(await call('set_active_team', {}, member), null);
  assert.deepEqual(await call('remove_team_member', { team_id: red.id, user_id: member.user.id, ...where }), { message: 'Team member removed successfully.' });
  assert.deepEqual(await call('remove_team', { team_id: blue.id, ...where }), { message: 'Team removed successfully.' });
});
