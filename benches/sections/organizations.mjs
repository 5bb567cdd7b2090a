// Organizations: what policies by membership cost, against literals and what the guides of others have people write; and
// the plugin's requests against Better Auth's.
import { cookieSecret, handler, server, signedCookie } from '../http.mjs';
import { connection, db, inTurns, seconds } from '../measure.mjs';
import { here } from '../programs.mjs';
import { part, times } from '../table.mjs';

/** How many; each has a hundred members and a thousand rows. Fewer for a first try: BENCH_ORGANIZATIONS=500, and no fewer. */
const count = Number(process.env.BENCH_ORGANIZATIONS ?? 10_000);
const many = (number) => (number >= 1e6 ? `${number / 1e6} M` : String(number));
const database = `${process.env.PGDATABASE}_organizations`;
/** Every user is in ten. */
const users = count * 10;
const organization = (number) => String(number).padStart(32, 'O');
const user = (number) => String(number).padStart(32, 'U');
/** The first one that a user is in. */
const first = (number) => Math.ceil(number / 100);
/** All that user 1 is in. */
const own = Array.from({ length: 10 }, (_, index) => organization(1 + (index * count) / 10));

/** Who sees the rows, and by which policy. */
const POLICIES = {
    active: 'organization_id = public.requesting_organization_id()',
    literal: `organization_id = '${organization(1)}'`,
    all: 'organization_id IN (SELECT public.requesting_organization_ids())',
    literals: `organization_id IN (${own.map((id) => `'${id}'`)})`,
    permission: `organization_id IN (SELECT public.requesting_organization_ids()) AND public.requesting_user_has_permission(organization_id, '{"member": ["create"]}')`,
    // InsForge's: the sub-select sees one's own memberships, by a policy on that table.
    insforge: 'organization_id IN (SELECT m.organization_id FROM public.membership m)',
    // Supabase's, before and after its advice on performance, and by a function that goes around policies.
    supabase_rows: 'public.uid() IN (SELECT m.user_id FROM private.membership m WHERE m.organization_id = doc.organization_id)',
    supabase: 'organization_id IN (SELECT m.organization_id FROM private.membership m WHERE m.user_id = (SELECT public.uid()))',
    supabase_function: 'public.is_member(organization_id)',
};
const ROLES = Object.keys(POLICIES).map((name) => `better_auth_bench_org_${name}`);

const SETUP = `
    CREATE EXTENSION better_auth;
    ALTER DATABASE ${database} SET better_auth.plugins = 'organization';
    ALTER DATABASE ${database} SET better_auth.rate_limit = off;
    ALTER DATABASE ${database} SET better_auth.base_url = 'http://127.0.0.1:3000';
    ALTER DATABASE ${database} SET jit = off;
    ALTER DATABASE ${database} SET max_parallel_workers_per_gather = 0`;

const FILL = `
    SELECT better_auth.migrate();
    SELECT better_auth.set_secret('cookie', '${cookieSecret}');
    INSERT INTO better_auth."user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
        SELECT lpad(i::text, 32, 'U'), 'User ' || i, 'user' || i || '@example.com', true, now(), now() FROM generate_series(1, ${users}) i;
    INSERT INTO better_auth.session (id, "expiresAt", token, "createdAt", "updatedAt", "userId", "activeOrganizationId")
        SELECT lpad(i::text, 32, 'S'), now() + interval '7 days', lpad(i::text, 32, 'A'), now(), now(), lpad(i::text, 32, 'U'), lpad(ceil(i / 100.0)::text, 32, 'O')
        FROM generate_series(1, ${users}) i;
    INSERT INTO better_auth.organization (id, name, slug, "createdAt")
        SELECT lpad(o::text, 32, 'O'), 'Organization ' || o, 'organization-' || o, now() FROM generate_series(1, ${count}) o;
    INSERT INTO better_auth.member (id, "organizationId", "userId", role, "createdAt")
        SELECT lpad((o * 100 + j)::text, 32, 'M'), lpad(o::text, 32, 'O'), lpad(((o - 1) * 100 + j) % ${users} + 1 || '', 32, 'U'), CASE j WHEN 0 THEN 'owner' ELSE 'member' END, now()
        FROM generate_series(1, ${count}) o, generate_series(0, 99) j;
    CREATE TABLE public.doc (id int, organization_id text, body text);
    INSERT INTO public.doc SELECT i, lpad((i * 7919::bigint % ${count} + 1)::text, 32, 'O'), 'a note of some words' FROM generate_series(1, ${count * 1000}) i;
    CREATE INDEX ON public.doc (organization_id);
    ALTER TABLE public.doc ENABLE ROW LEVEL SECURITY;
    CREATE TABLE public.membership AS SELECT "organizationId" AS organization_id, "userId" AS user_id FROM better_auth.member;
    ALTER TABLE public.membership ADD PRIMARY KEY (user_id, organization_id);
    CREATE INDEX ON public.membership (organization_id);
    CREATE SCHEMA private;
    CREATE TABLE private.membership AS TABLE public.membership;
    ALTER TABLE private.membership ADD PRIMARY KEY (user_id, organization_id);
    CREATE INDEX ON private.membership (organization_id);
    CREATE FUNCTION public.uid() RETURNS text LANGUAGE sql STABLE AS $$ SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub' $$;
    CREATE FUNCTION public.is_member(id text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$ SELECT EXISTS (SELECT FROM private.membership m WHERE m.organization_id = id AND m.user_id = public.uid()) $$;
    ALTER TABLE public.membership ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON public.membership USING (user_id = public.requesting_user_id());
    ${ROLES.map((role) => `CREATE ROLE ${role}`).join(';\n')};
    GRANT SELECT ON public.doc, public.membership, private.membership TO ${ROLES};
    GRANT USAGE ON SCHEMA private TO ${ROLES};
    ${Object.entries(POLICIES).map(([name, using]) => `CREATE POLICY of_${name} ON public.doc TO better_auth_bench_org_${name} USING (${using})`).join(';\n')};
    VACUUM ANALYZE`;

async function policies(client) {
    await client.query(`SELECT set_config('request.jwt.claims', $1, false)`, [JSON.stringify({ sub: user(1), sid: '1'.padStart(32, 'S'), role: 'authenticated' })]);
    const seen = (name, expected, { where = '', what = 'count(body)' } = {}) => async () => {
        await client.query(`SET ROLE better_auth_bench_org_${name}`);
        const start = performance.now();
        const { rows: [row] } = await client.query(`SELECT ${what} AS seen FROM public.doc ${where}`);
        const took = performance.now() - start;
        await client.query('RESET ROLE');
        if (Number(row.seen) !== expected) throw new Error(`${name} sees ${row.seen} rows`);
        return took;
    };
    const counted = { what: 'count(*)' };
    const tasks = {
        active: seen('active', 1_000), literal: seen('literal', 1_000), all: seen('all', 10_000), literals: seen('literals', 10_000),
        permission: seen('permission', 10_000), countedActive: seen('active', 1_000, counted), countedLiteral: seen('literal', 1_000, counted),
    };
    for (const task of Object.values(tasks)) await task();
    const fast = await inTurns(101, tasks);
    const rows = many(count * 1000);
    part(`= requesting_organization_id(), ${rows} rows | a literal`, 'ms', fast.active, fast.literal, 1.1);
    part('  the rows counted in the index alone | a literal', 'ms', fast.countedActive, fast.countedLiteral);
    part('IN (SELECT requesting_organization_ids()), ten | ten literals', 'ms', fast.all, fast.literals, 1.1);
    part('  and requesting_user_has_permission() | ten literals', 'ms', fast.permission, fast.literals);
    const peers = ['insforge', 'supabase', 'supabase_function'];
    const slow = await inTurns(3, { all: tasks.all, ...Object.fromEntries(peers.map((name) => [name, seen(name, 10_000)])) });
    const report = (figure, name) => times(`IN (SELECT requesting_organization_ids()) | ${figure}`, 'ms', slow.all, slow[name], slow[name] / slow.all, 10);
    report('InsForge’s, IN (SELECT ... FROM members)', 'insforge');
    report('Supabase’s, IN (SELECT ... WHERE user_id = (SELECT uid()))', 'supabase');
    report('a SECURITY DEFINER is_member(organization_id)', 'supabase_function');
    // It takes a third of a millisecond for a row.
    const where = 'WHERE id <= 10000';
    const { rows: [{ sees }] } = await client.query(`SELECT count(*)::int AS sees FROM public.doc ${where} AND ${POLICIES.literals}`);
    const by_row = await inTurns(3, { all: seen('all', sees, { where }), rows: seen('supabase_rows', sees, { where }) });
    times('  10,000 of the rows | Supabase’s, uid() IN (SELECT ... of the row’s)', 'ms', by_row.all, by_row.rows, by_row.rows / by_row.all, 10);
}

const path = (name) => `/api/auth/organization/${name}`;
const REQUESTS = {
    'has-permission': [path('has-permission'), { method: 'POST', body: (session) => JSON.stringify({ organizationId: organization(first(session)), permissions: { member: ['create'] } }) }],
    'set-active': [path('set-active'), { method: 'POST', body: (session) => JSON.stringify({ organizationId: organization(first(session)) }) }],
    'get-full-organization': [(session) => `${path('get-full-organization')}?organizationId=${organization(first(session))}`, {}],
};

async function requests() {
    const node = await server(signedCookie, process.execPath, [here('better-auth-server.mjs')], {
        NODE_ENV: 'production', PGDATABASE: database, BENCH_ORGANIZATIONS: 'on',
    });
    try {
        for (const [name, [at, options]] of Object.entries(REQUESTS)) {
            const tasks = { ours: handler(at, [], { ...options, database }), node: node.load(at, options) };
            for (const task of Object.values(tasks)) await task(1); // warms up
            const { ours, node: theirs } = await inTurns(5, { ours: () => tasks.ours(seconds), node: () => tasks.node(seconds) });
            times(`${name}, ${many(count * 100)} members | Better Auth 1.7.25 on Node`, '/s', ours, theirs, ours / theirs, 15);
        }
    } finally {
        node.stop();
    }
}

export async function organizations() {
    const forget = async () => {
        await db.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
        for (const role of ROLES) await db.query(`DROP ROLE IF EXISTS ${role}`);
    };
    await forget();
    const clients = [];
    const open = async () => {
        clients.push(await connection({ database }));
        return clients.at(-1);
    };
    try {
        await db.query(`CREATE DATABASE ${database} ENCODING 'UTF8' TEMPLATE template0`);
        for (const statements of [SETUP, FILL]) {
            const client = await open();
            for (const one of statements.split(/;\s*\n|; /)) await client.query(one);
        }
        await policies(await open());
        await requests();
    } finally {
        for (const client of clients) await client.end();
        await forget();
    }
}
