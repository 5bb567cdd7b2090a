// The admin plugin: the list of a million users, and what requesting_user_is() costs in a policy.
import { cookieSecret, signedCookie } from '../http.mjs';
import { connection, db, inTurns } from '../measure.mjs';
import { part } from '../table.mjs';

/** How many users, and rows under a policy. Fewer for a first try: BENCH_USERS=10000. */
const users = Number(process.env.BENCH_USERS ?? 1_000_000);
const many = users === 1_000_000 ? '1 M' : String(users);
const database = `${process.env.PGDATABASE}_admin`;
/** As signedCookie(1) carries it. */
const token = '1'.padStart(32, 'A');

const SETUP = `
    CREATE EXTENSION better_auth;
    ALTER DATABASE ${database} SET better_auth.plugins = 'admin';
    ALTER DATABASE ${database} SET better_auth.rate_limit = off;
    ALTER DATABASE ${database} SET better_auth.base_url = 'http://127.0.0.1';
    ALTER DATABASE ${database} SET jit = off;
    ALTER DATABASE ${database} SET max_parallel_workers_per_gather = 0`;

const FILL = `
    SELECT better_auth.migrate();
    SELECT better_auth.set_secret('cookie', '${cookieSecret}');
    INSERT INTO better_auth."user" (id, name, email, "emailVerified", role, banned, "createdAt", "updatedAt")
        SELECT lpad(i::text, 32, 'U'), 'User ' || i, 'user' || i || '@example.com', i % 2 = 0,
            CASE WHEN i = 1 THEN 'admin' WHEN i % 1000 = 0 THEN 'support' ELSE 'user' END, i % 100 = 0,
            timestamptz '2020-01-01' + i * interval '1 minute', now()
        FROM generate_series(1, ${users}) i;
    INSERT INTO better_auth.session (id, "expiresAt", token, "createdAt", "updatedAt", "userId")
        VALUES ('${token}', now() + interval '7 days', '${token}', now(), now(), lpad('1', 32, 'U'));
    CREATE TABLE public.note (id int, user_id text);
    INSERT INTO public.note SELECT i, lpad(i::text, 32, 'U') FROM generate_series(1, ${users}) i;
    ALTER TABLE public.note ENABLE ROW LEVEL SECURITY;
    ${['is', 'selected', 'literal'].map((role) => `CREATE ROLE better_auth_bench_admin_${role}; GRANT SELECT ON public.note TO better_auth_bench_admin_${role};`).join('\n')}
    CREATE POLICY "is" ON public.note TO better_auth_bench_admin_is USING (public.requesting_user_is('admin'));
    CREATE POLICY selected ON public.note TO better_auth_bench_admin_selected USING ((SELECT public.requesting_user_is('admin')));
    CREATE POLICY literal ON public.note TO better_auth_bench_admin_literal USING (id > 0);
    VACUUM ANALYZE better_auth."user"; VACUUM ANALYZE public.note`;

/** What is asked of the list, and the same in plain SQL: a page, and how many there are in all. */
const LISTS = {
    'filter, sort and page': {
        query: 'filterField=role&filterValue=support&sortBy=createdAt&sortDirection=desc&limit=20&offset=40',
        where: `role = 'support'`, order: 'ORDER BY "createdAt" DESC', page: 'LIMIT 20 OFFSET 40',
    },
    'search, filter, sort and page': {
        query: 'searchField=email&searchOperator=contains&searchValue=99%40&filterField=banned&filterValue=false&sortBy=name&limit=20',
        where: `email LIKE '%99@%' AND banned = false`, order: 'ORDER BY name', page: 'LIMIT 20',
    },
    'sort by an index, a page': { query: 'sortBy=email&limit=20&offset=1000', where: 'true', order: 'ORDER BY email', page: 'LIMIT 20 OFFSET 1000' },
};

async function listing(client) {
    const cookie = signedCookie(1);
    for (const [name, { query, where, order, page }] of Object.entries(LISTS)) {
        const asked = JSON.stringify({
            method: 'GET', url: `http://127.0.0.1/api/auth/admin/list-users?${query}`, headers: { cookie }, body: null,
        });
        const ours = async () => {
            const { rows: [{ answer }] } = await client.query({ name: 'handler', text: 'SELECT better_auth.handler($1) AS answer', values: [asked] });
            return JSON.parse(answer.body);
        };
        const plain = async () => {
            const text = `SELECT * FROM better_auth."user" WHERE ${where} ${order} ${page}`;
            const { rows } = await client.query({ name: `rows ${name}`, text });
            const { rows: [{ count }] } = await client.query({ name: `count ${name}`, text: `SELECT count(id) FROM better_auth."user" WHERE ${where}` });
            return { users: rows, total: Number(count) };
        };
        const [mine, theirs] = [await ours(), await plain()];
        const seen = ({ users, total }) => JSON.stringify([total, users.map(({ id }) => id)]);
        if (seen(mine) !== seen(theirs)) throw new Error(`${name}: ${seen(mine)} is not ${seen(theirs)}`);
        const timed = (work) => async () => {
            const start = performance.now();
            await work();
            return performance.now() - start;
        };
        const took = await inTurns(11, { ours: timed(ours), plain: timed(plain) });
        part(`admin/list-users, ${many} users: ${name} | plain SQL`, 'ms', took.ours, took.plain, 2);
    }
}

async function policies(client) {
    await client.query(`SELECT set_config('request.jwt.claims', $1, false)`, [JSON.stringify({ sub: '1'.padStart(32, 'U') })]);
    const counted = (role) => async () => {
        await client.query(`SET ROLE better_auth_bench_admin_${role}`);
        const start = performance.now();
        const { rows: [{ count }] } = await client.query('SELECT count(*) FROM public.note');
        const took = performance.now() - start;
        if (Number(count) !== users) throw new Error(`${role} sees ${count} rows`);
        await client.query('RESET ROLE');
        return took;
    };
    const took = await inTurns(21, { is: counted('is'), selected: counted('selected'), literal: counted('literal') });
    part(`policy with requesting_user_is(), ${many} rows | one with id > 0`, 'ms', took.is, took.literal);
    part('  (SELECT requesting_user_is()) by hand | one with id > 0', 'ms', took.selected, took.literal);
}

export async function admin() {
    const forget = async () => {
        await db.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
        for (const role of ['is', 'selected', 'literal']) await db.query(`DROP ROLE IF EXISTS better_auth_bench_admin_${role}`);
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
        const client = await open();
        await listing(client);
        await policies(client);
    } finally {
        for (const client of clients) await client.end();
        await forget();
    }
}
