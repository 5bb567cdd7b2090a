// What policies ask of organizations and teams: requesting_organization_id() and its relatives.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { configured, ORIGIN, set } from './http.mjs';
import { betterAuthDdl, ident, server, signUp } from './lib.mjs';

const SETTINGS = { base_url: ORIGIN, rate_limit: 'off', plugins: 'organization, admin', organization_teams: 'on' };
const DYNAMIC = { organization_dynamic_access_control: 'on', organization_access_control: JSON.stringify({ ac: ['read'], project: ['create', 'share'] }) };

/**
 * Organizations a, b and c; Ada owns a and is a member of b, Vera is an admin of b, Gina is nowhere. `act(name, claims)`
 * has somebody ask.
 */
async function withOrganizations(t, settings = {}) {
  const { database, client } = await configured(t, { ...SETTINGS, ...settings });
  await client.query('SELECT * FROM better_auth.migrate()');
  const people = {};
  for (const name of ['ada', 'vera', 'gina']) {
    const { user } = await signUp(client);
    people[name] = { id: user.id, sid: await client.value('SELECT id FROM better_auth.session WHERE "userId" = $1', [user.id]) };
  }
  const { ada, vera } = people;
  await client.query(`
    SET search_path = public, better_auth;
    INSERT INTO organization (id, name, slug, "createdAt") SELECT n, n, n, now() FROM unnest('{a,b,c}'::text[]) n;
    INSERT INTO member (id, "organizationId", "userId", role, "createdAt") VALUES
      ('1', 'a', '${ada.id}', 'owner', now()), ('2', 'b', '${ada.id}', 'member', now()), ('3', 'b', '${vera.id}', 'admin , editor', now());
    INSERT INTO team (id, name, "memberCount", "organizationId", "createdAt") VALUES ('ta', 'ta', 1, 'a', now()), ('tb', 'tb', 2, 'b', now()), ('tc', 'tc', 1, 'c', now());
    INSERT INTO "teamMember" (id, "teamId", "userId") VALUES ('1', 'ta', '${ada.id}'), ('2', 'tb', '${ada.id}'), ('3', 'tb', '${vera.id}'), ('4', 'tc', '${ada.id}')`);
  const claims = (name, more = {}) => JSON.stringify({ sub: people[name].id, sid: people[name].sid, ...more });
  const act = (name, { on = client, ...more } = {}) => say(on, name === null ? '' : claims(name, more));
  const active = (name, organization, team = null) =>
    client.query('UPDATE better_auth.session SET "activeOrganizationId" = $2, "activeTeamId" = $3 WHERE id = $1', [people[name].sid, organization, team]);
  return { database, client, people, act, active, claims };
}

const say = (client, claims) => client.query(`SELECT set_config('request.jwt.claims', $1, false)`, [claims]);
/** All that there is to ask. */
const ALL = `SELECT jsonb_build_object('id', public.requesting_organization_id(), 'team', public.requesting_team_id(),
  'ids', (SELECT coalesce(string_agg(i, ',' ORDER BY i), '') FROM public.requesting_organization_ids() i),
  'teams', (SELECT coalesce(string_agg(i, ',' ORDER BY i), '') FROM public.requesting_team_ids() i),
  'role', public.requesting_organization_role('b'), 'may', public.requesting_user_has_permission('b', '{"member": ["create"]}'))`;
const NOTHING = { id: null, team: null, ids: '', teams: '', role: null, may: null };
const NOWHERE = { ...NOTHING, may: false };
const ask = (client) => client.value(ALL);
const may = (client, organization, permissions) =>
  client.value('SELECT public.requesting_user_has_permission($1, $2)', [organization, typeof permissions === 'string' ? permissions : JSON.stringify(permissions)]);

describe('what there is to ask', () => {
  test('tells where a user is, and nothing of anybody without one', async (t) => {
    const { client, act, active, people, claims } = await withOrganizations(t);
    await act('ada');
    const ada = { id: null, team: null, ids: 'a,b', teams: 'ta,tb', role: 'member', may: false };
    assert.deepEqual(await ask(client), ada);
    await active('ada', 'a', 'ta');
    assert.deepEqual(await ask(client), { ...ada, id: 'a', team: 'ta' });
    await act('ada', { sid: undefined });
    assert.deepEqual(await ask(client), ada, 'nothing says which session it is');
    await act('ada', { sid: people.vera.sid });
    assert.deepEqual(await ask(client), ada, 'another user’s session');
    await act('ada', { sid: 5 });
    assert.deepEqual(await ask(client), ada);
    await active('vera', 'b', 'tb');
    await act('vera');
    assert.deepEqual(await ask(client), { id: 'b', team: 'tb', ids: 'b', teams: 'tb', role: 'admin,editor', may: true });
    await active('vera', 'a', 'ta');
    assert.deepEqual(await ask(client), { id: null, team: null, ids: 'b', teams: 'tb', role: 'admin,editor', may: true }, 'no member of what the session is about');
    await act('gina');
    assert.deepEqual(await ask(client), NOWHERE);
    for (const other of ['', 'x', '{}', '[]', '{"sub": null}', '{"sub": ""}', '{"sub": {}}', '{"sub": "nobody"}', `{"sub": "${people.ada.id}'"}`, 'x'.repeat(2_000_000)]) {
      await say(client, other);
      assert.deepEqual(await ask(client), NOTHING, other.slice(0, 30));
    }
    await say(client, claims('ada'));
    assert.equal((await ask(client)).id, 'a');
  });

  test('ends with the session, the membership, the ban and the user', async (t) => {
    const { client, act, active, people } = await withOrganizations(t);
    const { ada, vera } = people;
    await active('ada', 'b', 'tb');
    await act('ada');
    const here = await ask(client);
    assert.deepEqual([here.id, here.team], ['b', 'tb']);
    await client.query(`BEGIN; UPDATE session SET "expiresAt" = now() - interval '1 second'`);
    assert.deepEqual(await ask(client), { ...here, id: null, team: null });
    await client.query(`ROLLBACK; BEGIN; DELETE FROM session`);
    assert.deepEqual(await ask(client), { ...here, id: null, team: null });
    await client.query(`ROLLBACK; BEGIN; DELETE FROM member WHERE id = '2'`);
    assert.deepEqual(await ask(client), { id: null, team: null, ids: 'a', teams: 'ta', role: null, may: false });
    await client.query(`ROLLBACK; BEGIN; DELETE FROM "teamMember" WHERE id = '2'`);
    assert.deepEqual(await ask(client), { ...here, team: null, teams: 'ta' });
    await client.query(`ROLLBACK; BEGIN; UPDATE "user" SET banned = true WHERE id = '${ada.id}'`);
    assert.deepEqual(await ask(client), NOTHING);
    await client.query(`UPDATE "user" SET "banExpires" = now() - interval '1 second'`);
    assert.deepEqual(await ask(client), here);
    await client.query(`ROLLBACK; BEGIN; DELETE FROM "user" WHERE id = '${ada.id}'`);
    assert.deepEqual(await ask(client), NOTHING);
    await client.query('ROLLBACK');
    assert.deepEqual(await ask(client), here);
    await act('vera', { sub: vera.id });
    assert.equal((await ask(client)).may, true);
  });

  test('is nothing, and no error, where there are no tables, and with other types and names', async (t) => {
    const { client, act, people } = await withOrganizations(t);
    await act('ada');
    for (const gone of ['"teamMember", team', 'invitation, member', 'session', '"user" CASCADE; DROP TABLE member']) {
      await client.query(`BEGIN; DROP TABLE ${gone} CASCADE`);
      assert.equal(typeof (await ask(client)), 'object', gone);
      await client.query('ROLLBACK');
    }
    await client.query(`BEGIN; ALTER TABLE session DROP COLUMN "activeOrganizationId"`);
    assert.equal((await ask(client)).ids, 'a,b');
    await client.query('ROLLBACK');
    const plain = await server.emptyDatabase(t);
    const fresh = await plain.connect();
    await fresh.query(`CREATE EXTENSION better_auth`);
    await say(fresh, JSON.stringify({ sub: people.ada.id, sid: 'x' }));
    assert.deepEqual(await ask(fresh), NOTHING);

    const old = await (await server.emptyDatabase(t)).connect();
    await old.query(betterAuthDdl.replaceAll('\n    id text NOT NULL', '\n    id uuid NOT NULL').replaceAll('"userId" text NOT NULL', '"userId" uuid NOT NULL'));
    await old.query('CREATE EXTENSION better_auth');
    await set(old, { plugins: 'organization' });
    await old.query('SELECT better_auth.migrate()');
    await old.query(`INSERT INTO better_auth."user" (id, name, email, "emailVerified", "createdAt", "updatedAt") VALUES ('00000000-0000-4000-8000-00000000000a', 'x', 'x@example.com', true, now(), now());
      INSERT INTO better_auth.organization (id, name, slug, "createdAt") VALUES ('00000000-0000-4000-8000-00000000000b', 'x', 'x', now());
      INSERT INTO better_auth.member ("organizationId", "userId", role, "createdAt") SELECT o.id, u.id, 'owner', now() FROM better_auth.organization o, better_auth."user" u`);
    await say(old, '{"sub": "00000000-0000-4000-8000-00000000000a"}');
    assert.deepEqual(await old.column('SELECT requesting_organization_ids()'), ['00000000-0000-4000-8000-00000000000b']);
    assert.equal(await old.value(`SELECT requesting_organization_role(id::text) FROM better_auth.organization`), 'owner');
  });
});

describe('requesting_user_has_permission()', () => {
  test('knows the roles, joined ones and those of an organization’s own', async (t) => {
    const { client, act, people } = await withOrganizations(t, DYNAMIC);
    await act('vera');
    const project = { project: ['create'] };
    assert.equal(await may(client, 'b', project), false);
    await client.query(`INSERT INTO "organizationRole" (id, "organizationId", role, permission) VALUES ('r', 'b', 'editor', '{"project": ["create"]}'), ('r2', 'a', 'editor', '{"project": ["share"]}')`);
    assert.deepEqual([await may(client, 'b', project), await may(client, 'b', { project: ['share'] }), await may(client, 'a', project)], [true, false, false]);
    assert.equal(await may(client, 'b', { project: ['create'], member: ['create'] }), false, 'one role has to allow all');
    assert.deepEqual(await client.column(`SELECT public.requesting_user_has_permission(o, p::jsonb) FROM unnest('{a,b,c}'::text[]) o, unnest(ARRAY['{"project": ["create"]}', '{"member": ["create"]}']) p ORDER BY o, p`),
      [false, false, true, true, false, false]);
    await client.query(`UPDATE "organizationRole" SET permission = '{"project": ["create", "share"]}' WHERE id = 'r'`);
    assert.equal(await may(client, 'b', { project: ['share'] }), true);
    for (const stored of ['x', '[]', '{"project": "share"}', '{"project": [5]}', '']) {
      await client.query(`UPDATE "organizationRole" SET permission = $1 WHERE id = 'r'`, [stored]);
      assert.deepEqual([await may(client, 'b', project), await may(client, 'b', { member: ['create'] })], [false, true], stored);
    }
    await client.query(`UPDATE "organizationRole" SET permission = '{"project": ["create"]}' WHERE id = 'r'`);
    await set(client, { organization_dynamic_access_control: 'off' });
    assert.equal(await may(client, 'b', project), false);
    await set(client, { organization_dynamic_access_control: 'on' });
    assert.equal(await may(client, 'b', project), true);
    await set(client, { organization_roles: JSON.stringify({ admin: { project: ['share'] } }) });
    assert.deepEqual([await may(client, 'b', { project: ['share'] }), await may(client, 'b', { member: ['create'] })], [true, false]);
    // Within one statement.
    assert.deepEqual(await client.column(`SELECT public.requesting_user_has_permission('b', '{"member": ["create"]}')
      FROM (SELECT set_config('better_auth.organization_roles', r, false) FROM unnest(ARRAY['{"admin": {"member": ["create"]}}', '{"admin": {}}', '{"admin": {"member": ["create"]}}']) r OFFSET 0) s`), [true, false, true]);
    await client.query('DROP TABLE "organizationRole"');
    assert.equal(await may(client, 'b', { member: ['create'] }), true, people.vera.id);
  });

  test('takes whatever it is given', async (t) => {
    const { client, act } = await withOrganizations(t);
    await act('ada');
    for (const odd of ['null', '5', '"x"', '[]', '["x"]', '{}', '{"member": "create"}', '{"member": []}', '{"member": [5]}', '{"member": [["create"]]}', '{"member": {"create": true}}', '{"": ["x"]}', '{"member": [null]}']) {
      assert.equal(await may(client, 'a', odd), false, odd);
    }
    assert.equal(await may(client, 'a', { member: ['create', 'update'], organization: ['delete'] }), true);
    assert.deepEqual([await may(client, null, '{}'), await client.value(`SELECT public.requesting_user_has_permission('a', NULL)`), await client.value('SELECT public.requesting_organization_role(NULL)')], [null, null, null]);
    assert.equal(await client.value(`SELECT bool_and(public.requesting_user_has_permission('a', jsonb_build_object('member', jsonb_build_array('create'), repeat('x', n), '[]'::jsonb)) IS FALSE) FROM generate_series(1, 200) n`), true);
    assert.equal(await client.value(`SELECT public.requesting_user_has_permission('a', jsonb_build_object('member', jsonb_agg('create'::text))) FROM generate_series(1, 100000)`), true);
  });
});

describe('the moment', () => {
  test('follows the tables and the claims, within a transaction too', async (t) => {
    const { client, act, people, claims } = await withOrganizations(t);
    await act('ada');
    const seen = () => client.value(`SELECT concat_ws('/', public.requesting_organization_role('b'), (SELECT string_agg(i, '' ORDER BY i) FROM public.requesting_organization_ids() i))`);
    const change = (text) => client.query(text);
    await change('BEGIN');
    assert.equal(await seen(), 'member/ab');
    await change(`SAVEPOINT s; UPDATE member SET role = 'admin' WHERE id = '2'`);
    assert.equal(await seen(), 'admin/ab');
    await change('ROLLBACK TO s');
    assert.equal(await seen(), 'member/ab');
    await change(`DELETE FROM member WHERE id = '2'`);
    assert.equal(await seen(), 'a');
    await act('vera');
    assert.equal(await seen(), 'admin,editor/b');
    await act('ada');
    assert.equal(await seen(), 'a');
    await change('ROLLBACK');
    assert.equal(await seen(), 'member/ab');

    await change(`
      CREATE TABLE public.seen (n int GENERATED ALWAYS AS IDENTITY, what text);
      CREATE PROCEDURE public.look(ada text, vera text) LANGUAGE plpgsql AS $$
      DECLARE simple text;
      BEGIN
        FOR turn IN 1..2 LOOP
          INSERT INTO public.seen (what) VALUES (public.requesting_organization_role('b'));
          DELETE FROM better_auth.member WHERE id = '2';
          INSERT INTO public.seen (what) VALUES (public.requesting_organization_role('b'));
          BEGIN
            INSERT INTO better_auth.member (id, "organizationId", "userId", role, "createdAt") VALUES ('2', 'b', ada::json ->> 'sub', 'admin', now());
            simple := public.requesting_organization_role('b');
            RAISE division_by_zero;
          EXCEPTION WHEN division_by_zero THEN
            INSERT INTO public.seen (what) VALUES (simple);
            simple := public.requesting_organization_role('b');
            INSERT INTO public.seen (what) VALUES (simple);
          END;
          PERFORM set_config('request.jwt.claims', vera, false);
          simple := public.requesting_organization_role('b');
          INSERT INTO public.seen (what) VALUES (simple);
          PERFORM set_config('request.jwt.claims', ada, false);
          INSERT INTO better_auth.member (id, "organizationId", "userId", role, "createdAt") VALUES ('2', 'b', ada::json ->> 'sub', 'member', now());
          COMMIT;
        END LOOP;
      END $$`);
    await client.query('CALL public.look($1, $2)', [claims('ada'), claims('vera')]);
    const turn = ['member', null, 'admin', null, 'admin,editor'];
    assert.deepEqual(await client.column('SELECT what FROM public.seen ORDER BY n'), [...turn, ...turn]);
    assert.ok(people.ada.id);
  });

  test('another session’s change counts from the next statement on', async (t) => {
    const { database, client, act } = await withOrganizations(t);
    const other = await database.connect();
    await act('ada');
    assert.equal((await ask(client)).ids, 'a,b');
    await client.query('BEGIN');
    assert.equal((await ask(client)).ids, 'a,b');
    await other.query(`DELETE FROM better_auth.member WHERE id = '2'`);
    assert.equal((await ask(client)).ids, 'a');
    await client.query('COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ');
    assert.equal((await ask(client)).ids, 'a');
    await other.query(`DELETE FROM better_auth.member WHERE id = '1'`);
    assert.equal((await ask(client)).ids, 'a');
    await client.query('COMMIT');
    assert.equal((await ask(client)).ids, '');
  });
});

describe('in policies', () => {
  /** 30,000 rows of 300 organizations, each a tenth of a page or so; the four policies by role. */
  async function withRows(t) {
    const roles = {};
    for (const name of ['active', 'all', 'either', 'none']) roles[name] = await server.role(t);
    const world = await withOrganizations(t);
    const { client, database } = world;
    await client.query(`
      CREATE TABLE public.doc (id int, organization_id text, pad text DEFAULT repeat('x', 100));
      INSERT INTO public.doc SELECT n, CASE n % 300 WHEN 0 THEN 'a' WHEN 1 THEN 'b' ELSE 'o' || n % 300 END FROM generate_series(1, 30000) n;
      INSERT INTO public.doc (id, organization_id) VALUES (0, NULL), (-1, 'c');
      CREATE INDEX ON public.doc (organization_id); CREATE INDEX ON public.doc (id);
      ALTER TABLE public.doc ENABLE ROW LEVEL SECURITY;
      CREATE POLICY active ON public.doc TO ${ident(roles.active)} USING (organization_id = public.requesting_organization_id());
      CREATE POLICY al ON public.doc TO ${ident(roles.all)} USING (organization_id IN (SELECT public.requesting_organization_ids()));
      CREATE POLICY either ON public.doc TO ${ident(roles.either)} USING (organization_id IN (SELECT public.requesting_organization_ids()) OR id = -1);
      CREATE POLICY non ON public.doc TO ${ident(roles.none)} USING (NOT organization_id IN (SELECT public.requesting_organization_ids()));
      GRANT SELECT, UPDATE, DELETE ON public.doc TO ${Object.values(roles).map(ident)};
      ANALYZE public.doc`);
    await world.active('ada', 'a');
    const as = async (name, { who = 'ada', preloaded = true } = {}) => {
      const app = await database.connect({ user: roles[name] });
      if (preloaded) await app.query('SELECT public.requesting_user_id()');
      await world.act(who, { on: app });
      return app;
    };
    return { ...world, roles, as };
  }
  const explained = async (client, text = 'SELECT count(*) FROM public.doc') => (await client.column(`EXPLAIN (COSTS OFF) ${text}`)).join('\n');
  const count = (client) => client.value('SELECT count(*)::int FROM public.doc');

  test('are planned with the index, and ask once', async (t) => {
    const { client, as } = await withRows(t);
    const expected = { active: 100, all: 200, either: 201, none: 29_801 };
    for (const [name, rows] of Object.entries(expected)) {
      const app = await as(name);
      assert.equal(await count(app), rows, name);
      const plan = await explained(app);
      if (name !== 'none') assert.match(plan, /Bitmap|Index/, plan);
      if (name !== 'none') assert.doesNotMatch(plan, /Seq Scan|hashed SubPlan/, plan);
      for (const sql of ['UPDATE public.doc SET pad = pad', 'DELETE FROM public.doc']) {
        if (name !== 'none') assert.doesNotMatch(await explained(app, sql), /Seq Scan|hashed SubPlan/, sql);
        await app.query('BEGIN');
        assert.equal((await app.query(sql)).rowCount, rows, `${name}: ${sql}`);
        await app.query('ROLLBACK');
      }
      // From an unprepared connection, whose first statement has no hook yet.
      const first = await as(name, { preloaded: false });
      assert.equal(await count(first), rows, name);
    }
    const app = await as('all', { who: 'gina' });
    assert.equal(await count(app), 0);
    // What PostgreSQL makes of it by itself.
    assert.match(await explained(await as('all', { preloaded: false })), /hashed SubPlan/);
    const scans = `SELECT coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0)::int FROM pg_stat_xact_all_tables WHERE schemaname = 'better_auth' AND relname = 'user'`;
    for (const name of ['active', 'all']) {
      const own = await as(name);
      await own.query('SET enable_indexscan = off; SET enable_bitmapscan = off; BEGIN');
      await count(own);
      const before = await own.value(scans);
      await count(own);
      assert.ok((await own.value(scans)) - before <= 1, name);
      await own.query('COMMIT');
    }
    assert.ok(client);
  });

  test('mean the same wherever they stand', async (t) => {
    const { client, as, roles } = await withRows(t);
    await client.query(`
      CREATE VIEW public.docs WITH (security_barrier) AS SELECT * FROM public.doc;
      CREATE TABLE public.wide (id int, organization_id varchar(40), other text, tags text[]);
      INSERT INTO public.wide VALUES (1, 'a', 'x', '{a}'), (2, 'b', NULL, '{b}'), (3, 'c', 'x', '{c}'), (4, NULL, 'x', NULL);
      CREATE INDEX ON public.wide (organization_id); ALTER TABLE public.wide ENABLE ROW LEVEL SECURITY;
      GRANT SELECT, INSERT ON public.wide TO ${ident(roles.all)}; ALTER VIEW public.docs OWNER TO ${ident(roles.all)}`);
    const app = await as('all');
    const wide = async (using) => {
      await client.query(`DROP POLICY IF EXISTS one ON public.wide; CREATE POLICY one ON public.wide USING (${using})`);
      return app.value(`SELECT coalesce(string_agg(id::text, '' ORDER BY id), '') FROM public.wide`);
    };
    const set = 'SELECT public.requesting_organization_ids()';
    for (const [using, expected] of Object.entries({
      [`organization_id IN (${set})`]: '12',
      [`organization_id NOT IN (${set})`]: '3',
      [`(organization_id IN (${set})) IS NOT TRUE`]: '34',
      [`(organization_id IN (${set})) IS NULL`]: '4',
      [`organization_id IN (${set}) AND other = 'x'`]: '1',
      [`organization_id IN (${set}) OR other = 'x'`]: '1234',
      [`(other = 'x' AND (organization_id IN (${set}) OR id = 3)) OR id = 4`]: '134',
      [`organization_id IN (SELECT i FROM public.requesting_organization_ids() i)`]: '12',
      [`organization_id IN (SELECT i FROM public.requesting_organization_ids() i WHERE i <> 'a')`]: '2',
      [`organization_id IN (SELECT i FROM public.requesting_organization_ids() i WHERE id = 1)`]: '1',
      [`organization_id IN (SELECT public.requesting_organization_ids() UNION SELECT 'c')`]: '123',
      [`organization_id IN (SELECT public.requesting_organization_ids() LIMIT 0)`]: '',
      [`organization_id = ANY (${set})`]: '12',
      [`organization_id <> ALL (${set})`]: '3',
      [`organization_id >= ANY (${set})`]: '123',
      [`organization_id = (SELECT min(i) FROM public.requesting_organization_ids() i)`]: '1',
      [`tags[1] IN (${set})`]: '12',
      [`(organization_id, id) IN (SELECT i, 1 FROM public.requesting_organization_ids() i)`]: '1',
      [`EXISTS (SELECT FROM public.requesting_organization_ids() i WHERE i = organization_id)`]: '12',
      [`organization_id IN (SELECT d.organization_id FROM public.doc d WHERE d.organization_id IN (${set}))`]: '12',
    })) {
      assert.equal(await wide(using), expected, using);
    }
    await wide(`organization_id IN (${set})`);
    for (const [text, expected] of Object.entries({
      'SELECT count(*)::int FROM public.docs': 200,
      'WITH w AS (SELECT * FROM public.doc) SELECT count(*)::int FROM w': 200,
      'WITH w AS MATERIALIZED (SELECT * FROM public.doc) SELECT count(*)::int FROM w a JOIN w b USING (id)': 200,
      'SELECT (SELECT count(*)::int FROM public.doc)': 200,
      'SELECT count(*)::int FROM public.wide WHERE EXISTS (SELECT FROM public.doc d WHERE d.organization_id = wide.organization_id)': 2,
      'SELECT count(*)::int FROM (SELECT id FROM public.doc UNION ALL SELECT id FROM public.wide) s': 202,
      'SELECT count(*)::int FROM public.doc a LEFT JOIN public.wide b USING (organization_id)': 200,
      'SELECT count(*)::int FROM public.wide w, LATERAL (SELECT * FROM public.doc d WHERE d.organization_id = w.organization_id LIMIT 1) l': 2,
    })) {
      assert.equal(await app.value(text), expected, text);
    }
    await app.query(`PREPARE p AS SELECT count(*)::int FROM public.doc WHERE id > $1; SET plan_cache_mode = force_generic_plan`);
    assert.deepEqual([await app.value('EXECUTE p (-5)'), await app.value('EXECUTE p (100000)')], [200, 0]);
  });

  test('hold for whoever asks now: prepared statements, cursors, SET ROLE', async (t) => {
    const { database, client, act, roles } = await withRows(t);
    const app = await database.connect();
    await client.query(`GRANT SELECT ON public.doc TO ${ident(roles.all)}`);
    await app.query(`SELECT public.requesting_user_id(); SET plan_cache_mode = force_generic_plan; PREPARE p AS SELECT count(*)::int FROM public.doc`);
    for (const [name, role, expected] of [['ada', 'all', 200], ['vera', 'all', 100], ['ada', 'active', 100], ['gina', 'all', 0], ['ada', 'all', 200], [null, 'all', 0], ['vera', 'active', 0]]) {
      await act(name, { on: app });
      await app.query(`SET ROLE ${ident(roles[role])}`);
      assert.equal(await app.value('EXECUTE p'), expected, `${name} as ${role}`);
      await app.query('RESET ROLE');
    }
    for (const [role, how] of [['active', 'off'], ['active', 'on'], ['all', 'on']]) {
      await act('ada', { on: app });
      await app.query(`SET ROLE ${ident(roles[role])}; SET enable_seqscan = ${how}; BEGIN; DECLARE c CURSOR FOR SELECT organization_id FROM public.doc`);
      const first = await app.column('FETCH 10 c');
      await act('vera', { on: app });
      for (let turn = 0; turn < 50; turn += 1) await app.query(`SELECT public.requesting_organization_id(), public.requesting_organization_ids()`);
      const rest = await app.column('FETCH ALL c');
      assert.equal(first.length + rest.length, role === 'active' ? 100 : 200);
      assert.ok(rest.every((id) => ['a', 'b'].includes(id)));
      await app.query('COMMIT; RESET ROLE');
    }
  });

  test('work in parallel workers', async (t) => {
    const { as } = await withRows(t);
    const parallel = `SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
      SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off`;
    for (const leads of ['on', 'off']) {
      for (const [name, rows] of Object.entries({ active: 100, all: 200, either: 201 })) {
        const app = await as(name);
        await app.query(`${parallel}; SET parallel_leader_participation = ${leads}`);
        assert.match(await explained(app), /Workers Planned: 2/);
        assert.equal(await count(app), rows, `${name} ${leads}`);
        assert.equal(await app.value(`SELECT count(*)::int FROM public.doc WHERE public.requesting_organization_role(organization_id) = 'owner'`), 100);
        assert.equal(await app.value(`SELECT count(*)::int FROM public.doc WHERE public.requesting_user_has_permission(organization_id, '{"member": ["create"]}')`), 100);
      }
    }
  });
});

describe('in the token', () => {
  /** The claims of Ada's token, and the organization that her session is about. */
  async function withToken(t, settings) {
    const world = await withOrganizations(t, { bridge_organization: 'on', ...settings });
    const { client, people } = world;
    const session = await client.value('SELECT token FROM session WHERE id = $1', [people.ada.sid]);
    const claims = async () => client.call('verify_jwt', { token: await client.call('bridge_token', { session_token: session }) });
    const ours = async () => (({ org_id, org_role, o }) => ({ org_id, org_role, o }))(await claims());
    return { ...world, session, claims, ours };
  }
  const NONE = { org_id: undefined, org_role: undefined, o: undefined };

  test('is the organization that the session is about, of members of it', async (t) => {
    const { client, active, ours, claims } = await withToken(t);
    assert.deepEqual(await ours(), NONE);
    await active('ada', 'b');
    assert.deepEqual(await ours(), { org_id: 'b', org_role: 'member', o: { id: 'b', slug: 'b', role: 'member' } });
    await client.query(`UPDATE member SET role = ' admin,owner ' WHERE id = '2'`);
    assert.deepEqual((await ours()).org_role, 'admin,owner');
    for (const other of ['c', 'nothing', '', null]) {
      await active('ada', other);
      assert.deepEqual(await ours(), NONE, other);
    }
    await active('ada', 'a');
    await client.query(`UPDATE organization SET slug = repeat('x', 2000) WHERE id = 'a'`);
    assert.deepEqual(await ours(), NONE, 'a slug that makes tokens long');
    await active('ada', 'b');
    await client.query(`CREATE FUNCTION public.more(jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"org_role": "guest", "x": 1}'::jsonb $$`);
    await set(client, { bridge_claims_function: 'public.more' });
    assert.deepEqual([(await ours()).org_role, (await claims()).x], ['guest', 1], 'the DBA has the last word');
    await set(client, { bridge_claims_function: '', bridge_organization: 'off' });
    assert.deepEqual(await ours(), NONE);
  });

  test('is turned away by pre_request() once the user has left', async (t) => {
    const roles = [await server.role(t), await server.role(t)];
    const { database, client, active, claims, people } = await withToken(t);
    await client.query(`SELECT better_auth.enable_rpc('public', $1, $2)`, roles);
    await active('ada', 'b');
    const app = await database.connect({ user: roles[1] });
    const token = await claims();
    assert.equal(token.org_id, 'b');
    const passes = async (with_ = token) => {
      await say(app, JSON.stringify(with_));
      return app.query('SELECT public.pre_request()').then(() => true, ({ code }) => {
        assert.equal(code, 'PT401');
        return false;
      });
    };
    assert.equal(await passes(), true);
    await active('ada', 'a');
    assert.equal(await passes(), true, 'the session is about another one, of which the token says nothing');
    await client.query(`UPDATE member SET role = 'other' WHERE id = '2'`);
    assert.equal(await passes(), false, 'a role that the token names is gone');
    await client.query(`UPDATE member SET role = $1 WHERE id = '2'`, [token.org_role]);
    assert.equal(await passes(), true);
    await client.query(`BEGIN; DELETE FROM member WHERE id = '2'; COMMIT`);
    assert.equal(await passes(), false);
    for (const other of [{ org_id: undefined }, { org_id: 'a', org_role: undefined }, { org_id: 5 }, { org_id: null }]) assert.equal(await passes({ ...token, ...other }), true, JSON.stringify(other));
    for (const other of ['', 'c', 'nothing', "b'"]) assert.equal(await passes({ ...token, org_id: other }), false, other);
    assert.equal(await passes({ ...token, sid: people.vera.sid, org_id: 'a' }), false);
    assert.equal(await passes({ sub: token.sub, org_id: 'b' }), true, 'a token without a session is somebody else’s');
    await client.query(`ALTER DATABASE ${ident(database.name)} SET better_auth.bridge_organization = off`);
    const later = await database.connect({ user: roles[1] });
    await say(later, JSON.stringify(token));
    await later.query('SELECT public.pre_request()');
  });
});

describe('the policies of docs/organizations.md', () => {
  test('let an owner, a member and somebody else do what they say', async (t) => {
    const role = await server.role(t);
    const { database, client, people, claims, active } = await withOrganizations(t, {
      ...DYNAMIC, organization_access_control: JSON.stringify({ invoice: ['approve'] }),
    });
    const page = readFileSync(new URL('../../docs/organizations.md', import.meta.url), 'utf8');
    const blocks = [...page.matchAll(/```sql\n([^`]*)```/g)].map(([, sql]) => sql.replace(/\bauthenticated\b/g, ident(role)));
    assert.equal(blocks.length, 11);
    // Ada owns a, and is a member of b; Vera is an admin of b; Gina is nowhere, and then in c.
    await client.query('SET search_path = public');
    for (const block of blocks) await client.query(block);
    await client.query(`
      INSERT INTO project (organization_id, name) VALUES ('a', 'pa'), ('b', 'pb'), ('c', 'pc');
      INSERT INTO document (organization_id, title, is_public) VALUES ('a', 'da', false), ('b', 'db', false), ('c', 'dc', false), ('c', 'public', true);
      INSERT INTO task (team_id, title) VALUES ('ta', 'ta'), ('tb', 'tb'), ('tc', 'tc');
      INSERT INTO share SELECT id, 'a', 'b' FROM document WHERE title = 'da';
      INSERT INTO share SELECT id, 'a', 'b' FROM document WHERE title = 'dc'; -- somebody else's document
      INSERT INTO audit (organization_id, user_id, what) VALUES ('a', 'x', 'xa'), ('b', 'x', 'xb');
      INSERT INTO invoice (organization_id) VALUES ('a'), ('b'), ('c');
      INSERT INTO draft (organization_id, user_id, body) VALUES ('a', '${people.ada.id}', 'ada a'), ('b', '${people.ada.id}', 'ada b'), ('b', '${people.vera.id}', 'vera b'), ('c', '${people.gina.id}', 'gina c');
      INSERT INTO object (name) VALUES ('a/x'), ('b/x'), ('c/x'), ('ab/x'), ('x');
      INSERT INTO better_auth.invitation (id, "organizationId", email, role, status, "expiresAt", "createdAt", "inviterId")
        SELECT n::text, 'c', u.email, 'member', CASE n WHEN 2 THEN 'canceled' ELSE 'pending' END, now() + (CASE n WHEN 3 THEN -1 ELSE 1 END) * interval '1 day', now(), u.id
        FROM better_auth."user" u, generate_series(1, 3) n WHERE u.id = '${people.gina.id}';
      INSERT INTO better_auth."organizationRole" (id, "organizationId", role, permission) VALUES ('r', 'b', 'editor', '{"invoice": ["approve"]}')`);
    await active('ada', 'a');
    await active('vera', 'b');
    const app = await database.connect({ user: role });
    await app.query('SET search_path = public; SELECT requesting_user_id()');
    const as = async (who, text) => {
      await say(app, claims(who));
      await app.query('BEGIN');
      try {
        const { rows, rowCount, command } = await app.query({ text, rowMode: 'array' });
        return command === 'SELECT' ? rows.flat().sort().join(' ') : rowCount;
      } catch ({ code }) {
        return code;
      } finally {
        await app.query('ROLLBACK');
      }
    };
    const NO = '42501';
    const CASES = [
      ['SELECT name FROM project', 'pa', 'pb', ''],
      [`INSERT INTO project (name) VALUES ('new') RETURNING 1`, 1, 1, NO],
      [`INSERT INTO project (organization_id, name) VALUES ('b', 'new')`, NO, 1, NO],
      [`UPDATE project SET organization_id = 'c'`, NO, NO, 0],
      ['DELETE FROM project', 1, 1, 0],
      ['SELECT title FROM document', 'da db public', 'da db public', 'public'],
      [`INSERT INTO document (organization_id, title) VALUES ('a', 'new')`, 1, NO, NO],
      [`INSERT INTO document (organization_id, title) VALUES ('b', 'new')`, NO, 1, NO],
      [`UPDATE document SET title = 'new'`, 1, 1, 0],
      [`UPDATE document SET organization_id = 'b'`, NO, 1, 0],
      ['DELETE FROM document', 1, 0, 0],
      ['SELECT title FROM task', 'ta tb', 'tb', ''],
      [`INSERT INTO task (team_id, title) VALUES ('tb', 'new')`, 1, 1, NO],
      [`INSERT INTO share SELECT id, 'a', 'c' FROM document WHERE title = 'da'`, 1, NO, 0],
      ['SELECT count(*) FROM share', '2', '2', '0'],
      [`INSERT INTO audit (what) VALUES ('done')`, 1, 1, NO],
      [`INSERT INTO audit (organization_id, what) VALUES ('a', 'done')`, NO, NO, NO],
      ['SELECT what FROM audit', 'xa', '', ''],
      ['UPDATE audit SET what = what', NO, NO, NO],
      ['SELECT organization_id FROM invoice', 'a b', 'b', ''],
      ['UPDATE invoice SET is_approved = true', 0, 1, 0],
      ['SELECT body FROM draft', 'ada a', 'vera b', ''],
      [`INSERT INTO draft (body) VALUES ('x')`, 1, 1, NO],
      [`UPDATE draft SET user_id = '${people.ada.id}'`, 1, NO, 0],
      ['SELECT name FROM object', 'a/x b/x', 'b/x', ''],
      [`INSERT INTO object (name) VALUES ('b/new')`, 1, 1, NO],
      [`INSERT INTO object (name) VALUES ('a/../b')`, 1, NO, NO],
      ['SELECT id FROM my_invitations', '', '', ''],
      ['SELECT * FROM better_auth.invitation', NO, NO, NO],
    ];
    for (const [text, ...expected] of CASES) {
      const seen = [];
      for (const who of ['ada', 'vera', 'gina']) seen.push(await as(who, text));
      assert.deepEqual(seen, expected, text);
    }
    await client.query(`UPDATE better_auth."user" SET "emailVerified" = true`);
    assert.deepEqual([await as('gina', 'SELECT id FROM my_invitations'), await as('ada', 'SELECT id FROM my_invitations')], ['1', '']);
    await client.query(`INSERT INTO better_auth.member (id, "organizationId", "userId", role, "createdAt") VALUES ('9', 'c', '${people.gina.id}', 'member', now())`);
    assert.equal(await as('gina', 'SELECT title FROM document'), 'dc public');
    assert.equal(await as('gina', 'SELECT body FROM draft'), '', 'her session is about none');
    await active('gina', 'c');
    assert.equal(await as('gina', 'SELECT body FROM draft'), 'gina c');
  });
});
