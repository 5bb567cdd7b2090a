// The organization plugin: organizations and members. Calls of the server's own, two at once, limits, hooks, PostgREST,
// and what is large.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cookieOf, http, set } from './http.mjs';
import { PASSWORD, refused, signUp, until, untilBlocked } from './lib.mjs';
import { api, rowsOf } from './organizations.mjs';
import { withPlugins, withRpc } from './plugins.mjs';

const ONLY_OWNER = { code: '22023', detail: 'YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER' };
const WITHOUT_OWNER = { code: '22023', detail: 'YOU_CANNOT_LEAVE_THE_ORGANIZATION_WITHOUT_AN_OWNER' };
const NOT_FOUND = { code: '22023', detail: 'MEMBER_NOT_FOUND' };

const call = (client, endpoint, body = {}, by = null) => api(client, endpoint, { body }, by?.token);
const ask = (client, endpoint, query, by = null) => api(client, endpoint, { query }, by?.token);

let slugs = 0;
const create = (client, by, more = {}) => call(client, 'createOrganization', { name: 'Acme', slug: `acme-${++slugs}`, ...more }, by);
const add = (client, organization, who, role = 'member', more = {}) => call(client, 'addMember', { userId: who.user.id, organizationId: organization.id, role, ...more });

/** A database with the plugin on, an organization that was created by its route, and its owner. */
async function withCreated(t, settings = {}) {
  const { database, client } = await withPlugins(t, 'organization', settings);
  const owner = await signUp(client);
  const organization = await create(client, owner);
  return { database, client, owner, organization };
}

const roles = (client, organization) => client.column('SELECT role FROM better_auth.member WHERE "organizationId" = $1 ORDER BY "createdAt", id', [organization.id]);
const memberOf = (client, organization, { user }) => client.value('SELECT id FROM better_auth.member WHERE "organizationId" = $1 AND "userId" = $2', [organization.id, user.id]);

/** Runs these at once, each in a connection of its own, all of them waiting for the organization before any goes on. */
async function atOnce(database, client, organization, works) {
  const connections = await database.connectMany(works.length);
  await client.query('BEGIN');
  await client.query('SELECT 1 FROM better_auth.organization WHERE id = $1 FOR UPDATE', [organization.id]);
  const ends = works.map((work, index) => {
    const promise = work(connections[index]);
    promise.catch(() => {});
    return promise;
  });
  const observer = await database.connect();
  for (const connection of connections) await untilBlocked(observer, connection);
  return { ends, connections, go: () => client.query('COMMIT') };
}

async function settled(ends) {
  const all = await Promise.allSettled(ends);
  return {
    won: all.filter(({ status }) => status === 'fulfilled').map(({ value }) => value),
    lost: all.filter(({ status }) => status === 'rejected').map(({ reason }) => reason.detail ?? reason.message),
  };
}

// ── The server's own calls ───────────────────────────────────────────────────────────────────────

describe('calls of the server’s own', () => {
  test('make an organization for a user, whatever users may', async (t) => {
    const { client } = await withPlugins(t, 'organization', { organization_allow_user_to_create_organization: 'off' });
    const owner = await signUp(client);
    await refused(create(client, owner), { code: '42501', detail: 'YOU_ARE_NOT_ALLOWED_TO_CREATE_A_NEW_ORGANIZATION' });
    const made = await create(client, null, { userId: owner.user.id, logo: null, metadata: { a: 1 } });
    assert.deepEqual([made.members[0].userId, made.members[0].role, made.metadata, made.logo], [owner.user.id, 'owner', { a: 1 }, null]);
    // The session of the user is about no organization by that.
    assert.equal(await client.value('SELECT "activeOrganizationId" FROM better_auth.session WHERE token = $1', [owner.token]), null);
    for (const userId of [undefined, '', 'nobody', null, 5]) {
      await refused(create(client, null, { userId }), { code: '55000', message: 'Unauthorized' });
    }
    // Who hands headers on acts for who sent them.
    const input = JSON.stringify({ body: { name: 'x', slug: 'x', userId: owner.user.id }, headers: {} });
    await refused(client.call('api', { endpoint: 'createOrganization', input }), { message: 'Unauthorized' });
  });

  test('look at a slug without a session', async (t) => {
    const { client, organization } = await withCreated(t);
    assert.deepEqual(await call(client, 'checkOrganizationSlug', { slug: 'free' }), { status: true });
    await refused(call(client, 'checkOrganizationSlug', { slug: organization.slug }), { code: '23505', detail: 'ORGANIZATION_SLUG_ALREADY_TAKEN' });
    assert.equal((await http(client, 'POST', '/organization/check-slug', { body: { slug: 'free' } })).status, 401);
  });

  test('add members, without asking anybody', async (t) => {
    const { client, owner, organization } = await withCreated(t);
    const [ada, bob] = [await signUp(client), await signUp(client)];
    const added = await add(client, organization, ada, ['admin', ' member , editor ', '']);
    assert.deepEqual([added.role, added.userId, added.organizationId], ['admin,member,editor', ada.user.id, organization.id]);
    await refused(add(client, organization, ada), { code: '23505', detail: 'USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION' });
    await refused(add(client, organization, { user: { id: 'nobody' } }), { detail: 'USER_NOT_FOUND' });
    await refused(add(client, { id: 'nothing' }, bob), { detail: 'ORGANIZATION_NOT_FOUND' });
    await refused(add(client, { id: '' }, bob), { detail: 'NO_ACTIVE_ORGANIZATION' });
    await refused(add(client, organization, bob, 'member', { teamId: 'x' }), { message: 'Teams are not enabled' });
    await refused(add(client, organization, bob, { admin: true }), { detail: 'VALIDATION_ERROR' });
    // In the organization that a session is about.
    const byActive = await call(client, 'addMember', { userId: bob.user.id, role: 'member' }, owner);
    assert.equal(byActive.organizationId, organization.id);
    // Nobody reaches it by HTTP.
    for (const path of ['/organization/add-member', '/organization/addMember', '/', '']) {
      assert.equal((await http(client, 'POST', path, { body: { userId: ada.user.id, role: 'owner' }, cookie: await cookieOf(client, owner.token) })).status, 404, path);
    }
  });

  test('add members with fields of a team’s own, and to teams', async (t) => {
    const { client, organization } = await withCreated(t, { organization_teams: 'on' });
    await client.query('ALTER TABLE better_auth.member ADD title text, ADD level integer');
    await set(client, { organization_member_additional_fields: 'title, level:readonly' });
    const [ada, bob, eve] = [await signUp(client), await signUp(client), await signUp(client)];
    const [team] = await client.column('SELECT id FROM better_auth.team WHERE "organizationId" = $1', [organization.id]);
    const added = await add(client, organization, ada, 'member', { title: 'Dr.', level: 5, teamId: team });
    assert.deepEqual([added.title, added.level], ['Dr.', null]);
    assert.equal(await client.value('SELECT "memberCount" FROM better_auth.team'), 2);
    await refused(add(client, organization, bob, 'member', { title: 5 }), { detail: 'VALIDATION_ERROR' });
    await refused(add(client, organization, bob, 'member', { teamId: 'nothing' }), { detail: 'TEAM_NOT_FOUND' });
    await set(client, { organization_maximum_members_per_team: 2 });
    await refused(add(client, organization, bob, 'member', { teamId: team }), { code: '53400', detail: 'TEAM_MEMBER_LIMIT_REACHED' });
    await client.query(`CREATE FUNCTION public.most(jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT to_jsonb(2.5) $$`);
    await set(client, { organization_maximum_members_per_team_function: 'public.most' });
    await refused(add(client, organization, bob, 'member', { teamId: team }), { message: 'Unauthorized' });
    const owner = await client.value('SELECT token FROM better_auth.session ORDER BY "createdAt" LIMIT 1');
    const third = { userId: bob.user.id, organizationId: organization.id, role: 'member', teamId: team };
    assert.equal((await call(client, 'addMember', third, { token: owner })).userId, bob.user.id);
    await refused(call(client, 'addMember', { ...third, userId: eve.user.id }, { token: owner }), { detail: 'TEAM_MEMBER_LIMIT_REACHED' });
    // Whoever found no seat is no member either.
    assert.equal(await memberOf(client, organization, eve), undefined);
    assert.deepEqual((await client.query('SELECT "memberCount", (SELECT count(*)::int FROM better_auth."teamMember") AS members FROM better_auth.team')).rows, [{ memberCount: 3, members: 3 }]);
  });
});

// ── Two at once ──────────────────────────────────────────────────────────────────────────────────

describe('two at once', () => {
  test('the last two owners: one stays, whatever they do', async (t) => {
    const { database, client, owner, organization: first } = await withCreated(t);
    const other = await signUp(client);
    const leave = (who) => (one, organization) => call(one, 'leaveOrganization', { organizationId: organization.id }, who);
    const demote = (who, whom) => async (one, organization) =>
      call(one, 'updateMemberRole', { organizationId: organization.id, memberId: await memberOf(one, organization, whom), role: 'member' }, who);
    const remove = (who, whom) => (one, organization) => call(one, 'removeMember', { organizationId: organization.id, memberIdOrEmail: whom.user.email }, who);
    const cases = {
      'both leave': [[leave(owner), leave(other)], [ONLY_OWNER.detail]],
      'both demote themselves': [[demote(owner, owner), demote(other, other)], [WITHOUT_OWNER.detail]],
      'each demotes the other': [[demote(owner, other), demote(other, owner)], ['YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER']],
      'each removes the other': [[remove(owner, other), remove(other, owner)], ['MEMBER_NOT_FOUND']],
      'one leaves, the other demotes itself': [[leave(owner), demote(other, other)], [ONLY_OWNER.detail, WITHOUT_OWNER.detail]],
      'one leaves, and is demoted': [[leave(owner), demote(other, owner)], ['MEMBER_NOT_FOUND']],
    };
    assert.equal(first.members.length, 1);
    for (const [name, [works, expected]] of Object.entries(cases)) {
      const organization = await create(client, owner);
      await add(client, organization, other, 'owner');
      const { ends, go } = await atOnce(database, client, organization, works.map((work) => (one) => work(one, organization)));
      await go();
      const { lost } = await settled(ends);
      assert.ok((await roles(client, organization)).includes('owner'), name);
      assert.ok(lost.length <= 1 && lost.every((code) => expected.includes(code)), `${name}: ${lost}`);
    }
  });

  test('who is demoted while waiting may not any more', async (t) => {
    const { database, client, organization } = await withCreated(t);
    const [admin, member, owner2] = [await signUp(client), await signUp(client), await signUp(client)];
    await add(client, organization, admin, 'admin');
    await add(client, organization, member, 'member');
    await add(client, organization, owner2, 'owner');
    const target = await memberOf(client, organization, member);
    const { ends, go } = await atOnce(database, client, organization, [
      (one) => call(one, 'removeMember', { organizationId: organization.id, memberIdOrEmail: target }, admin),
      (one) => call(one, 'updateMemberRole', { organizationId: organization.id, memberId: target, role: 'admin' }, admin),
      (one) => call(one, 'deleteOrganization', { organizationId: organization.id }, owner2),
    ]);
    await client.query(`UPDATE better_auth.member SET role = 'member' WHERE "userId" IN ($1, $2)`, [admin.user.id, owner2.user.id]);
    await go();
    const { won, lost } = await settled(ends);
    assert.deepEqual([won, lost.sort()], [[], ['YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_MEMBER', 'YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_ORGANIZATION', 'YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER']]);
  });

  test('who is no member waits for nobody', async (t) => {
    const { client, database, organization } = await withCreated(t);
    const stranger = await signUp(client);
    const other = await database.connect();
    await client.query('BEGIN');
    await client.query('SELECT 1 FROM better_auth.organization FOR UPDATE');
    await other.query(`SET lock_timeout = '1ms'`);
    const where = { organizationId: organization.id };
    await refused(call(other, 'leaveOrganization', where, stranger), NOT_FOUND);
    await refused(call(other, 'removeMember', { ...where, memberIdOrEmail: 'x' }, stranger), NOT_FOUND);
    await refused(call(other, 'updateMemberRole', { ...where, memberId: 'x', role: 'admin' }, stranger), NOT_FOUND);
    await refused(call(other, 'deleteOrganization', where, stranger), { detail: 'USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION' });
    await client.query('COMMIT');
  });

  test('members beyond the limit', async (t) => {
    const { database, client, organization } = await withCreated(t, { organization_membership_limit: 4 });
    const users = [];
    for (let n = 0; n < 8; n += 1) users.push(await signUp(client));
    const { ends, go } = await atOnce(database, client, organization, users.map((user) => (one) => add(one, organization, user)));
    await go();
    const { won, lost } = await settled(ends);
    assert.deepEqual([won.length, lost], [3, Array(5).fill('ORGANIZATION_MEMBERSHIP_LIMIT_REACHED')]);
    assert.equal((await roles(client, organization)).length, 4);
    // Any number, and the usual one.
    await set(client, { organization_membership_limit: -1 });
    await add(client, organization, users[0]).catch(() => {});
    await set(client, { organization_membership_limit: 0 });
    for (const user of users) await add(client, organization, user).catch(() => {});
    assert.equal((await roles(client, organization)).length, 9);
  });

  test('the same user added twice', async (t) => {
    const { database, client, organization } = await withCreated(t);
    const user = await signUp(client);
    const { ends, go } = await atOnce(database, client, organization, Array(4).fill((one) => add(one, organization, user)));
    await go();
    assert.deepEqual((await settled(ends)).lost, Array(3).fill('USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION'));
  });

  test('organizations beyond a user’s limit', async (t) => {
    const { database, client } = await withPlugins(t, 'organization', { organization_organization_limit: 2 });
    const user = await signUp(client);
    const connections = await database.connectMany(8);
    const { won, lost } = await settled(connections.map((one) => create(one, user)));
    assert.deepEqual([won.length, lost], [2, Array(6).fill('YOU_HAVE_REACHED_THE_MAXIMUM_NUMBER_OF_ORGANIZATIONS')]);
  });

  test('one slug', async (t) => {
    const { database, client } = await withPlugins(t, 'organization');
    const users = [];
    for (let n = 0; n < 6; n += 1) users.push(await signUp(client));
    const connections = await database.connectMany(6);
    const made = await settled(connections.map((one, n) => create(one, users[n], { slug: 'one' })));
    assert.deepEqual([made.won.length, made.lost], [1, Array(5).fill('ORGANIZATION_ALREADY_EXISTS')]);
    const mine = [];
    for (const [n, user] of users.entries()) mine.push(await create(client, user, { slug: `mine-${n}` }));
    const renamed = await settled(connections.map((one, n) => call(one, 'updateOrganization', { organizationId: mine[n].id, data: { slug: 'two' } }, users[n])));
    assert.deepEqual([renamed.won.length, renamed.lost], [1, Array(5).fill('ORGANIZATION_SLUG_ALREADY_TAKEN')]);
    // Those of another transaction that isn't done yet.
    await client.query('BEGIN');
    await create(client, users[0], { slug: 'three' });
    const waiting = [create(connections[0], users[1], { slug: 'three' }), call(connections[1], 'updateOrganization', { organizationId: mine[2].id, data: { slug: 'three' } }, users[2])];
    waiting.forEach((one) => one.catch(() => {}));
    for (const one of connections.slice(0, 2)) await untilBlocked(connections[3], one);
    await client.query('COMMIT');
    assert.deepEqual((await settled(waiting)).lost, ['ORGANIZATION_ALREADY_EXISTS', 'ORGANIZATION_SLUG_ALREADY_TAKEN']);
  });
});

// ── What is large, or odd ────────────────────────────────────────────────────────────────────────

describe('hostile input', () => {
  test('metadata of a megabyte, or of more than a list has room for', async (t) => {
    const { client, owner } = await withCreated(t);
    const cookie = await cookieOf(client, owner.token);
    const post = (metadata) => http(client, 'POST', '/organization/create', { body: { name: 'Big', slug: `big-${++slugs}`, metadata }, cookie });
    const large = await post({ text: 'x'.repeat(65_525) });
    assert.deepEqual([large.status, large.json.metadata.text.length], [200, 65_525]);
    assert.equal((await http(client, 'GET', '/organization/get-organization', { cookie })).json.metadata.length, 65_536);
    assert.equal((await post({ text: 'x'.repeat(65_526) })).status, 400);
    assert.equal((await post({ text: 'x'.repeat(1_000_000) })).status, 400);
    assert.equal((await post({ text: 'x'.repeat(1_048_576) })).status, 413);
    assert.deepEqual([(await post({ many: Array(20_000).fill(1) })).status, (await post({ many: Array(10_000).fill(1) })).status], [400, 200]);
    const deep = (depth) => JSON.parse('{"a":'.repeat(depth) + '1' + '}'.repeat(depth));
    assert.deepEqual([(await post(deep(100))).status, (await post(deep(130))).status], [200, 400]);
    assert.equal((await post({ 'a\0b': 'c\0d' })).status, 200);
    await refused(create(client, owner, { metadata: { text: 'x'.repeat(1_048_576) } }), { code: '22023' });
  });

  test('slugs that differ by case or width are others', async (t) => {
    const { client, owner } = await withCreated(t);
    const made = {};
    for (const slug of ['case', 'Case', 'CASE', 'ｃａｓｅ', 'case ', 'cäse', 'ca\u0308se']) made[slug] = (await create(client, owner, { slug })).id;
    assert.equal(new Set(Object.values(made)).size, 7);
    for (const [organizationSlug, id] of Object.entries(made)) {
      assert.equal((await call(client, 'setActiveOrganization', { organizationSlug }, owner)).id, id, organizationSlug);
    }
    await refused(create(client, owner, { slug: 'x'.repeat(2_049) }), { detail: 'VALIDATION_ERROR' });
  });

  test('a column that compares without case has one of them', async (t) => {
    const { client, owner } = await withCreated(t);
    await client.query('CREATE EXTENSION citext; ALTER TABLE better_auth.organization ALTER slug TYPE public.citext');
    await create(client, owner, { slug: 'Case' });
    await refused(create(client, owner, { slug: 'cASE' }), { detail: 'ORGANIZATION_ALREADY_EXISTS' });
    assert.equal((await ask(client, 'getOrganization', { organizationSlug: 'CASE' }, owner)).slug, 'Case');
  });

  test('a look by who is no member, where nothing can be written', async (t) => {
    const { database, client, owner, organization } = await withCreated(t);
    const stranger = await signUp(client);
    const cookies = { owner: await cookieOf(client, owner.token), stranger: await cookieOf(client, stranger.token) };
    const reader = await database.connect({ set: { default_transaction_read_only: 'on' } });
    for (const path of ['get-organization', 'get-full-organization']) {
      const look = (cookie) => http(reader, 'GET', `/organization/${path}?organizationId=${organization.id}`, { cookie });
      assert.equal((await look(cookies.owner)).json.id, organization.id);
      assert.deepEqual((await look(cookies.stranger)).json, { message: 'User is not a member of the organization', code: 'USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION' });
    }
    assert.equal((await http(reader, 'GET', '/organization/list', { cookie: cookies.owner })).json.length, 1);
    assert.equal((await http(reader, 'POST', '/organization/set-active', { cookie: cookies.owner, body: {} })).status, 503);
  });
});

describe('an organization with 100,000 members', () => {
  const MANY = 100_000;
  /** Fills an organization; the first of them have sessions. */
  async function crowd(client, organization) {
    await client.query(
      `INSERT INTO better_auth."user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
         SELECT 'm' || n, 'Member', 'm' || n || '@example.com', true, now(), now() FROM generate_series(1, ${MANY}) n`,
    );
    await client.query(
      `INSERT INTO better_auth.member (id, "organizationId", "userId", role, "createdAt")
         SELECT 'm' || n, $1, 'm' || n, 'member', now() FROM generate_series(1, ${MANY}) n`,
      [organization.id],
    );
    await client.query(
      `INSERT INTO better_auth.session (id, token, "userId", "expiresAt", "createdAt", "updatedAt", "activeOrganizationId")
         SELECT 's' || n, 'token' || n, 'm' || n, now() + interval '1 day', now(), now(), $1 FROM generate_series(1, 10) n`,
      [organization.id],
    );
    await client.query('ANALYZE better_auth.member, better_auth."user"');
  }
  const worker = (n) => ({ token: `token${n + 1}` });

  test('is looked at a page at a time, and deleted while they work', async (t) => {
    const { database, client, owner, organization } = await withCreated(t);
    await crowd(client, organization);
    const full = await ask(client, 'getFullOrganization', { membersLimit: '5000' }, owner);
    assert.deepEqual([full.members.length, (await ask(client, 'getFullOrganization', {}, owner)).members.length], [1_000, 100]);
    const listed = await ask(client, 'listMembers', { limit: '50000', sortBy: 'id', offset: '99990' }, owner);
    assert.deepEqual([listed.members.length, listed.total], [11, MANY + 1]);
    assert.equal((await ask(client, 'listMembers', { limit: '50000' }, owner)).members.length, 1_000);
    // The one owner among them all.
    await refused(call(client, 'leaveOrganization', { organizationId: organization.id }, owner), ONLY_OWNER);

    const deleter = await database.connect();
    const connections = await database.connectMany(10);
    let isGone = false;
    const work = async (one, n) => {
      const ends = new Set();
      while (!isGone) {
        for (const step of [
          () => call(one, 'setActiveOrganization', { organizationId: organization.id }, worker(n)),
          () => ask(one, 'getFullOrganization', { organizationId: organization.id }, worker(n)),
          () => ask(one, 'getActiveMember', {}, worker(n)),
          () => (n === 0 ? call(one, 'leaveOrganization', { organizationId: organization.id }, worker(n)) : null),
        ]) {
          await Promise.resolve(step()).then(() => ends.add('done'), (error) => ends.add(error.detail ?? error.message));
        }
      }
      return [...ends];
    };
    const working = connections.map(work);
    const deleted = await call(deleter, 'deleteOrganization', { organizationId: organization.id }, owner);
    isGone = true;
    assert.equal(deleted.id, organization.id);
    const known = ['done', 'USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION', 'NO_ACTIVE_ORGANIZATION', 'MEMBER_NOT_FOUND', 'ORGANIZATION_NOT_FOUND'];
    for (const ends of await Promise.all(working)) assert.deepEqual(ends.filter((end) => !known.includes(end)), []);
    assert.deepEqual([await client.value('SELECT count(*)::int FROM better_auth.member'), await client.value('SELECT count(*)::int FROM better_auth.organization')], [0, 0]);
    assert.equal(await client.value('SELECT "activeOrganizationId" FROM better_auth.session WHERE token = $1', [owner.token]), null);
  });

  test('whose deletion is cancelled is as it was', async (t) => {
    const { database, client, owner, organization } = await withCreated(t);
    await crowd(client, organization);
    const deleter = await database.connect();
    const deleting = call(deleter, 'deleteOrganization', { organizationId: organization.id }, owner);
    deleting.catch(() => {});
    await until(() => client.value(`SELECT state = 'active' FROM pg_stat_activity WHERE pid = $1`, [deleter.processID]), 'the deletion');
    const isHeld = () => client.value(`SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND relation = 'better_auth.member'::regclass AND mode = 'RowExclusiveLock')`, [deleter.processID]);
    await until(isHeld, 'the first row');
    await client.query('SELECT pg_cancel_backend($1)', [deleter.processID]);
    await refused(deleting, { code: '57014' });
    assert.equal(await client.value('SELECT count(*)::int FROM better_auth.member'), MANY + 1);
    assert.equal((await ask(client, 'getOrganization', {}, owner)).id, organization.id);
  });
});

// ── Hooks ────────────────────────────────────────────────────────────────────────────────────────

/** A database whose functions note what they are told, and answer what a test says. */
async function withHooks(t, settings = {}) {
  const names = [
    ['before_create_organization', 'after_create_organization', 'before_update_organization', 'after_update_organization', 'before_delete_organization', 'after_delete_organization'],
    ['before_add_member', 'after_add_member', 'before_remove_member', 'after_remove_member', 'before_update_member_role', 'after_update_member_role'],
    ['before_create_team', 'after_create_team'],
  ].flat();
  const { database, client } = await withPlugins(t, 'organization', settings);
  await client.query('CREATE TABLE public.told (n serial, name text, told jsonb); CREATE TABLE public.say (name text, answer jsonb)');
  for (const name of names) {
    await client.query(
      `CREATE FUNCTION public.${name}(told jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
         INSERT INTO public.told (name, told) VALUES ('${name}', told);
         IF EXISTS (SELECT FROM public.say WHERE name = '${name}' AND answer = '"no"') THEN
           RAISE EXCEPTION 'not so' USING DETAIL = 'NOT_SO', ERRCODE = '42501';
         END IF;
         RETURN (SELECT answer FROM public.say WHERE name = '${name}'); END $$`,
    );
  }
  await set(client, Object.fromEntries(names.map((name) => [`organization_${name}_function`, `public.${name}`])));
  const told = async () => {
    const { rows } = await client.query('WITH gone AS (DELETE FROM public.told RETURNING *) SELECT name, told FROM gone ORDER BY n');
    return rows.map(({ name, told }) => [name, told]);
  };
  const say = (answers) => client.query('DELETE FROM public.say').then(() => client.query('INSERT INTO public.say SELECT * FROM jsonb_each($1)', [JSON.stringify(answers)]));
  return { database, client, told, say };
}

describe('hooks', () => {
  test('are told what Better Auth’s are, in its order', async (t) => {
    const { client, told } = await withHooks(t, { organization_teams: 'on' });
    const owner = await signUp(client);
    const { members, ...organization } = await create(client, owner, { metadata: { a: 1 } });
    const { user } = owner;
    assert.deepEqual(members.map(({ userId }) => userId), [user.id]);
    const [[, before], [, beforeMember], [, afterMember], [, beforeTeam], [, afterTeam], [, after]] = await told().then((all) => {
      assert.deepEqual(all.map(([name]) => name), ['before_create_organization', 'before_add_member', 'after_add_member', 'before_create_team', 'after_create_team', 'after_create_organization']);
      return all;
    });
    assert.deepEqual(before, { organization: { name: 'Acme', slug: organization.slug, metadata: { a: 1 } }, user });
    assert.deepEqual(beforeMember, { member: { userId: user.id, organizationId: organization.id, role: 'owner' }, user, organization });
    assert.deepEqual(afterMember, { member: members[0], user, organization });
    assert.deepEqual(beforeTeam, { team: { organizationId: organization.id, name: 'Acme' }, user, organization });
    assert.deepEqual([Object.keys(afterTeam.team).sort(), afterTeam.team.name], [['createdAt', 'id', 'name', 'organizationId', 'updatedAt'], 'Acme']);
    assert.deepEqual(after, { organization, user, member: members[0] });

    const stored = { ...organization, metadata: '{"a":1}' };
    const ada = await signUp(client);
    const added = await add(client, organization, ada, 'admin');
    assert.deepEqual(await told(), [
      ['before_add_member', { member: { userId: ada.user.id, organizationId: organization.id, role: 'admin' }, user: ada.user, organization: stored }],
      ['after_add_member', { member: added, user: ada.user, organization: stored }],
    ]);
    const seen = ({ id, name, email, image }) => ({ id, name, email, image });
    const changed = await call(client, 'updateMemberRole', { memberId: added.id, role: ['member', 'admin'] }, owner);
    assert.deepEqual(await told(), [
      ['before_update_member_role', { member: { ...added, user: seen(ada.user) }, newRole: 'member,admin', user: ada.user, organization: stored }],
      ['after_update_member_role', { member: changed, previousRole: 'admin', user: ada.user, organization: stored }],
    ]);
    await call(client, 'removeMember', { memberIdOrEmail: added.id }, owner);
    assert.deepEqual(await told(), ['before_remove_member', 'after_remove_member'].map((name) => [name, { member: changed, user: ada.user, organization: stored }]));
    await add(client, organization, ada);
    await told();
    await call(client, 'removeMember', { memberIdOrEmail: ada.user.email }, owner);
    assert.deepEqual((await told())[0][1].member.user, seen(ada.user));

    const updated = await call(client, 'updateOrganization', { data: { name: 'New' } }, owner);
    const member = { ...members[0], user: seen(user) };
    assert.deepEqual(await told(), [
      ['before_update_organization', { organization: { name: 'New' }, user, member }],
      ['after_update_organization', { organization: updated, user, member }],
    ]);
    await call(client, 'deleteOrganization', { organizationId: organization.id }, owner);
    assert.deepEqual(await told(), ['before_delete_organization', 'after_delete_organization'].map((name) => [name, { organization: { ...stored, name: 'New' }, user }]));
  });

  test('change what is written', async (t) => {
    const { client, say } = await withHooks(t, { organization_teams: 'on' });
    await client.query('ALTER TABLE better_auth.organization ADD plan text; ALTER TABLE better_auth.member ADD title text; ALTER TABLE better_auth.team ADD color text');
    await set(client, { organization_additional_fields: 'plan:readonly', organization_member_additional_fields: 'title', organization_team_additional_fields: 'color' });
    const owner = await signUp(client);
    await say({
      before_create_organization: { data: { id: 'given', name: 'Other', slug: 'other', logo: 'l', metadata: { b: [1] }, plan: 'pro' } },
      before_add_member: { data: { role: 'owner,boss', title: 'Dr.' } },
      before_create_team: { data: { id: 'team', name: 'First', color: 'red' } },
    });
    const { members, createdAt, ...made } = await create(client, owner, { plan: 'free' });
    assert.deepEqual(made, { id: 'given', name: 'Other', slug: 'other', logo: 'l', metadata: { b: [1] }, plan: 'pro' });
    assert.ok(createdAt);
    assert.deepEqual([members[0].role, members[0].title], ['owner,boss', 'Dr.']);
    assert.deepEqual((await client.query('SELECT id, name, color, "memberCount" FROM better_auth.team')).rows, [{ id: 'team', name: 'First', color: 'red', memberCount: 1 }]);
    // The slug that a hook gives may be taken.
    await refused(create(client, owner), { detail: 'ORGANIZATION_ALREADY_EXISTS' });

    await say({ before_update_organization: { data: { name: 'Third', logo: null, metadata: { c: 1 }, plan: null } }, before_update_member_role: { data: { role: 'owner,x' } } });
    const updated = await call(client, 'updateOrganization', { data: { name: 'ignored', slug: 'kept' } }, owner);
    assert.deepEqual([updated.name, updated.slug, updated.logo, updated.metadata, updated.plan], ['Third', 'kept', null, { c: 1 }, null]);
    assert.equal((await call(client, 'updateMemberRole', { memberId: members[0].id, role: 'owner' }, owner)).role, 'owner,x');
    await say({ before_update_organization: { data: { slug: 'first' } } });
    await create(client, owner, { slug: 'first' });
    await refused(call(client, 'updateOrganization', { organizationId: 'given', data: {} }, owner), { detail: 'ORGANIZATION_SLUG_ALREADY_TAKEN' });
    for (const data of [5, [], 'x', { name: 5 }, { slug: {} }]) {
      await say({ before_update_organization: { data } });
      await refused(call(client, 'updateOrganization', { data: { name: 'x' } }, owner), { code: '55000' });
    }
    for (const answer of [null, 5, 'x', {}, { date: {} }]) {
      await say({ before_update_organization: answer });
      assert.equal((await call(client, 'updateOrganization', { data: { name: 'plain' } }, owner)).name, 'plain');
    }
  });

  test('refuse, and nothing is done', async (t) => {
    const { client, say } = await withHooks(t, { organization_teams: 'on' });
    const owner = await signUp(client);
    const organization = await create(client, owner);
    const ada = await signUp(client);
    const member = await add(client, organization, ada);
    const cookie = await cookieOf(client, owner.token);
    const before = await rowsOf(client);
    const steps = {
      create: ['create', { name: 'x', slug: 'x' }, ['before_create_organization', 'after_create_organization', 'before_add_member', 'after_add_member', 'before_create_team', 'after_create_team']],
      update: ['update', { data: { name: 'x' } }, ['before_update_organization', 'after_update_organization']],
      role: ['update-member-role', { memberId: member.id, role: 'admin' }, ['before_update_member_role', 'after_update_member_role']],
      remove: ['remove-member', { memberIdOrEmail: member.id }, ['before_remove_member', 'after_remove_member']],
      delete: ['delete', { organizationId: organization.id }, ['before_delete_organization', 'after_delete_organization']],
    };
    for (const [path, body, names] of Object.values(steps)) {
      for (const name of names) {
        await say({ [name]: 'no' });
        const { status, json } = await http(client, 'POST', `/organization/${path}`, { body, cookie });
        assert.deepEqual([status, json], [403, { message: 'not so', code: 'NOT_SO' }], name);
        assert.deepEqual(await rowsOf(client), before, name);
      }
    }
  });

  test('decide about limits, and make the first team', async (t) => {
    const { client } = await withPlugins(t, 'organization', { organization_teams: 'on' });
    const owner = await signUp(client);
    const define = (name, body) => client.query(`CREATE OR REPLACE FUNCTION public.${name}(told jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT ${body} $$`);
    await define('may', `to_jsonb(told #>> '{user,id}' = '${owner.user.id}')`);
    await define('reached', `to_jsonb((SELECT count(*) FROM better_auth.member WHERE "userId" = told #>> '{user,id}') > 0)`);
    await define('most', `to_jsonb(CASE told #>> '{organization,name}' WHEN 'Acme' THEN 2 ELSE 1 END)`);
    await define('team', `jsonb_build_object('id', 'own', 'name', told #>> '{organization,name}')`);
    await client.query(`CREATE FUNCTION public.made(told jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO better_auth.team (id, name, "memberCount", "organizationId", "createdAt") VALUES ('own', 'Own', 0, told #>> '{organization,id}', now());
      RETURN jsonb_build_object('id', 'own', 'name', 'Own'); END $$`);
    await set(client, {
      organization_allow_user_to_create_organization_function: 'public.may',
      organization_organization_limit_function: 'public.reached',
      organization_membership_limit_function: 'public.most',
      organization_create_default_team_function: 'public.made',
    });
    const ada = await signUp(client);
    await refused(create(client, ada), { detail: 'YOU_ARE_NOT_ALLOWED_TO_CREATE_A_NEW_ORGANIZATION' });
    const organization = await create(client, owner);
    assert.deepEqual((await client.query('SELECT id, name, "memberCount" FROM better_auth.team')).rows, [{ id: 'own', name: 'Own', memberCount: 1 }]);
    assert.equal(await client.value('SELECT "activeTeamId" FROM better_auth.session WHERE token = $1', [owner.token]), 'own');
    await refused(create(client, owner), { detail: 'YOU_HAVE_REACHED_THE_MAXIMUM_NUMBER_OF_ORGANIZATIONS' });
    await add(client, organization, ada);
    await refused(add(client, organization, await signUp(client)), { detail: 'ORGANIZATION_MEMBERSHIP_LIMIT_REACHED' });
    for (const answer of [`'null'`, `'"x"'`, `'[]'`, `NULL`]) {
      await define('most', `${answer}::jsonb`);
      await refused(add(client, organization, await signUp(client)), { code: '55000', message: /has to answer with a number/ });
    }
    await set(client, { organization_organization_limit_function: '', organization_create_default_team_function: 'public.reached' });
    // A boolean is no team, so the usual one is made.
    const usual = await create(client, owner, { name: 'Usual' });
    assert.deepEqual(await client.column('SELECT name FROM better_auth.team WHERE "organizationId" = $1', [usual.id]), ['Usual']);
    await define('reached', `'{"name": "no id"}'::jsonb`);
    await refused(create(client, owner), { code: '55000', message: /has to answer with an id/ });
    await set(client, { organization_create_default_team_function: 'public.nothing' });
    await refused(create(client, owner), { code: '55000', message: /not the name/ });
  });
});

// ── Teams of members who go ──────────────────────────────────────────────────────────────────────

test('who leaves is in no team of the organization any more, however many there are', async (t) => {
  const { client, owner, organization } = await withCreated(t, { organization_teams: 'on' });
  const ada = await signUp(client);
  await add(client, organization, ada);
  const elsewhere = await create(client, ada);
  await client.query(
    `INSERT INTO better_auth.team (id, name, "memberCount", "organizationId", "createdAt") SELECT 't' || n, 't' || n, 1, $1, now() FROM generate_series(1, 150) n`,
    [organization.id],
  );
  await client.query(`INSERT INTO better_auth."teamMember" (id, "teamId", "userId") SELECT 'm' || n, 't' || n, $1 FROM generate_series(1, 150) n`, [ada.user.id]);
  await call(client, 'removeMember', { memberIdOrEmail: ada.user.email, organizationId: organization.id }, owner);
  const teams = await client.column('SELECT t."organizationId" FROM better_auth."teamMember" m JOIN better_auth.team t ON t.id = m."teamId" WHERE m."userId" = $1', [ada.user.id]);
  assert.deepEqual(teams, [elsewhere.id]);
  assert.deepEqual(await client.column('SELECT DISTINCT "memberCount" FROM better_auth.team ORDER BY 1'), [0, 1]);
});

test('the last owner is deleted as a user where nobody else would be left without one', async (t) => {
  const { client, owner, organization } = await withCreated(t, { delete_user_enabled: 'on' });
  const ada = await signUp(client);
  const member = await add(client, organization, ada, 'admin');
  const remove = ({ token }) => client.call('delete_user', { session_token: token, password: PASSWORD });
  const LAST = { code: '22023', detail: 'YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER' };
  await refused(remove(owner), LAST);
  // None of the others makes itself the owner; the owner does.
  const where = { organizationId: organization.id, memberId: member.id, role: 'owner' };
  await refused(call(client, 'updateMemberRole', where, ada), { detail: 'YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER' });
  await call(client, 'updateMemberRole', where, owner);
  assert.deepEqual(await remove(owner), { success: true, message: 'User deleted' });
  assert.deepEqual(await roles(client, organization), ['owner']);
  // Who is alone leaves an organization that is nobody's.
  assert.deepEqual(await remove(ada), { success: true, message: 'User deleted' });
  assert.deepEqual(await roles(client, organization), []);
  const { rows } = await client.query('SELECT 1 FROM better_auth.organization WHERE id = $1', [organization.id]);
  assert.equal(rows.length, 1);
});

test('of two last owners who delete themselves at once one stays', async (t) => {
  const { database, client, owner, organization } = await withCreated(t, { delete_user_enabled: 'on' });
  const [ada, bob] = [await signUp(client), await signUp(client)];
  await add(client, organization, ada, 'owner');
  await add(client, organization, bob, 'member');
  const other = await database.connect();
  const remove = (by, { token }) => by.call('delete_user', { session_token: token, password: PASSWORD });
  await client.query('BEGIN');
  await remove(client, owner);
  const second = remove(other, ada);
  second.catch(() => {});
  await untilBlocked(client, other);
  await client.query('COMMIT');
  await refused(second, { detail: 'YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER' });
  assert.deepEqual((await roles(client, organization)).sort(), ['member', 'owner']);
});

test('a user who is deleted while being added is no member', async (t) => {
  const { database, client, organization } = await withCreated(t);
  const ada = await signUp(client);
  const other = await database.connect();
  await client.query('BEGIN');
  await client.query('DELETE FROM better_auth."user" WHERE id = $1', [ada.user.id]);
  const adding = add(other, organization, ada);
  adding.catch(() => {});
  await untilBlocked(client, other);
  await client.query('COMMIT');
  await refused(adding, { code: '23503' });
  assert.equal((await roles(client, organization)).length, 1);
});

// ── PostgREST ────────────────────────────────────────────────────────────────────────────────────

test('functions for PostgREST', async (t) => {
  const { database, client } = await withPlugins(t, 'organization', { organization_teams: 'on' });
  const rpc = await withRpc(t, database, client);
  const [owner, ada] = [await signUp(client), await signUp(client)];
  const by = (who, args = {}) => ({ ...args, session_token: who.token });
  const made = await rpc('organization_create', by(owner, { name: 'Acme', slug: 'acme', logo: 'l', metadata: '{"a": 1}' }));
  assert.deepEqual([made.status, made.json.metadata, made.json.members.length], [200, { a: 1 }, 1]);
  const id = made.json.id;
  assert.deepEqual([(await rpc('organization_check_slug', by(owner, { slug: 'free' }))).json, (await rpc('organization_check_slug', by(owner, { slug: 'acme' }))).status], [{ status: true }, 400]);
  assert.equal((await rpc('organization_update', by(owner, { data: '{"name": "Renamed"}', organization_id: id }))).json.name, 'Renamed');
  assert.equal((await rpc('organization_get', by(owner))).json.name, 'Renamed');
  assert.equal((await rpc('organization_get', by(ada, { organization_slug: 'acme' }))).status, 403);
  const full = (await rpc('organization_get_full', by(owner, { organization_slug: 'acme', members_limit: '1' }))).json;
  assert.deepEqual([full.members.length, full.teams.length, full.invitations], [1, 1, []]);
  assert.deepEqual((await rpc('organization_list', by(owner))).json.map(({ slug }) => slug), ['acme']);
  const second = (await rpc('organization_create', by(owner, { name: 'Second', slug: 'second', keep_current_active_organization: true }))).json;
  assert.equal((await rpc('organization_get', by(owner))).json.id, id);
  assert.equal((await rpc('organization_set_active', by(owner, { organization_slug: 'second' }))).json.id, second.id);
  assert.equal((await rpc('organization_get', by(owner))).json.id, second.id);
  assert.equal((await rpc('organization_set_active', by(owner))).json, null);
  assert.equal((await rpc('organization_get', by(owner))).json, null);
  assert.equal((await rpc('organization_set_active', by(owner, { organization_id: id }))).json.id, id);

  const member = await add(client, { id }, ada);
  assert.equal((await rpc('organization_update_member_role', by(owner, { member_id: member.id, role: 'admin, member' }))).json.role, 'admin,member');
  assert.equal((await rpc('organization_get_active_member', by(owner))).json.role, 'owner');
  assert.deepEqual((await rpc('organization_get_active_member_role', by(owner, { user_id: ada.user.id, organization_id: id }))).json, { role: 'admin,member' });
  const listed = await rpc('organization_list_members', by(owner, { '"limit"': '5', '"offset"': '0', sort_by: 'role', sort_direction: 'desc', filter_field: 'role', filter_operator: 'in', filter_value: '["owner", "admin,member"]' }));
  assert.deepEqual([listed.json.total, listed.json.members.map(({ role }) => role)], [2, ['owner', 'admin,member']]);
  assert.equal((await rpc('organization_leave', by(ada, { organization_id: id }))).json.id, member.id);
  const again = await add(client, { id }, ada);
  assert.equal((await rpc('organization_remove_member', by(owner, { member_id_or_email: ada.user.email }))).json.member.id, again.id);
  assert.equal((await rpc('organization_delete', by(owner, { organization_id: id }))).json.id, id);
  for (const name of ['organization_create', 'organization_update', 'organization_delete', 'organization_leave', 'organization_remove_member', 'organization_update_member_role']) {
    const args = { organization_create: { name: 'x', slug: 'x' }, organization_update: { data: '{}' }, organization_remove_member: { member_id_or_email: 'x' }, organization_update_member_role: { member_id: 'x', role: 'x' } }[name] ?? { organization_id: 'x' };
    assert.equal((await rpc(name, args)).status, 401, name);
  }
  // Who may call them needs nothing else.
  assert.equal(await client.value(`SELECT bool_or(has_table_privilege('public', c.oid, 'SELECT')) FROM pg_class c WHERE c.relname IN ('organization', 'member') AND c.relnamespace = 'better_auth'::regnamespace`), false);
});

test('a session that is to be prolonged is none of two who wait for each other', async (t) => {
  const { database, client, owner, organization } = await withCreated(t, { session_update_age: 0 });
  const ada = await signUp(client);
  await add(client, organization, ada, 'owner');
  const where = { organizationId: organization.id };
  const [one, two] = await database.connectMany(2);
  for (let round = 0; round < 5; round += 1) {
    const ends = await settled([
      call(one, 'updateMemberRole', { ...where, memberId: await memberOf(client, organization, ada), role: 'owner' }, owner),
      call(two, 'updateMemberRole', { ...where, memberId: await memberOf(client, organization, owner), role: 'owner' }, ada),
      call(client, 'setActiveOrganization', where, owner),
    ]);
    assert.deepEqual(ends.lost, []);
  }
});
