// requesting_user_id(): in a policy, once a statement, and called by PL/pgSQL.
import { db, execution, inTurns, seconds } from '../measure.mjs';
import { pgbench, pgbenchTables } from '../programs.mjs';
import { notGiven, part, times } from '../table.mjs';

export async function rowSecurity() {
    // As PostgREST sets them; bench.note has a thousand rows of this user.
    await db.query(`SELECT set_config('request.jwt.claims', jsonb_build_object('sub', user_id, 'role', 'authenticated',
        'aud', 'insforge-api', 'iat', 1795424400, 'exp', 1795428000, 'sid', md5('sid'))::text, false)
        FROM bench.note WHERE id = 1`);
    await scans();
    await partitions();
    await calls();
    await others();
}

/** A sequential scan of a million rows under a role's policy, in milliseconds. */
const scan = (role, rewrite = 'on') => async () => {
    await db.query(`SET better_auth.enable_initplan = ${rewrite}; SET ROLE better_auth_bench_${role}`);
    const start = performance.now();
    const { rows: [{ count }] } = await db.query('SELECT count(*) FROM bench.note');
    const took = performance.now() - start;
    await db.query('RESET ROLE; RESET better_auth.enable_initplan');
    if (count !== '1000') throw new Error(`${role} sees ${count} rows`);
    return took;
};

async function scans() {
    const fast = await inTurns(21, {
        ours: scan('ours'), literal: scan('literal'), selected: scan('selected'), everyRow: scan('ours', 'off'),
    });
    part('policy with requesting_user_id(), 1 M rows | a literal', 'ms', fast.ours, fast.literal, 1.05);
    part('  the same | (SELECT requesting_user_id()) by hand', 'ms', fast.ours, fast.selected);
    part('  called for each row | a literal', 'ms', fast.everyRow, fast.literal, 1.25);

    const fault = await neon();
    const slow = await inTurns(5, {
        ours: scan('ours'), scaffold: scan('scaffold'), supabase: scan('supabase'), ...!fault && { neon: scan('neon') },
    });
    const report = (figure, peer, least) => times(`policy with requesting_user_id() | ${figure}`, 'ms', slow.ours, peer, peer / slow.ours, least);
    report('InsForge scaffold\'s SQL helper', slow.scaffold, 10);
    report('Supabase\'s auth.uid()', slow.supabase, 20);
    if (fault) notGiven('policy with requesting_user_id() | pg_session_jwt\'s auth.user_id()', '', fault);
    else report('pg_session_jwt\'s auth.user_id()', slow.neon, 6);
}

/** Gives pg_session_jwt's function a policy; why not, where it can't be had. */
async function neon() {
    const library = process.env.PG_SESSION_JWT;
    if (!library) return 'PG_SESSION_JWT is not set';
    try {
        await db.query(`CREATE FUNCTION bench.user_id() RETURNS text LANGUAGE c STABLE PARALLEL SAFE
            AS ${db.escapeLiteral(library)}, 'user_id_wrapper'`);
        await db.query('CREATE POLICY neon ON bench.note TO better_auth_bench_neon USING (user_id = bench.user_id())');
        await scan('neon')();
        return undefined;
    } catch ({ message }) {
        await db.query('RESET ROLE');
        return message;
    }
}

/** A prepared query of one of a thousand partitions by user. */
async function partitions() {
    await db.query(`
        CREATE TABLE bench.split (user_id text, id int) PARTITION BY LIST (user_id);
        DO $$ BEGIN FOR i IN 1..1000 LOOP
            EXECUTE format('CREATE TABLE bench.split_%s PARTITION OF bench.split FOR VALUES IN (%L)', i, 'user' || i);
        END LOOP; END $$;
        SET plan_cache_mode = force_generic_plan;
        SET better_auth.enable_initplan = on;
        PREPARE once AS SELECT count(*) FROM bench.split WHERE user_id = public.requesting_user_id();
        EXECUTE once;
        SET better_auth.enable_initplan = off;
        PREPARE called AS SELECT count(*) FROM bench.split WHERE user_id = public.requesting_user_id();
        EXECUTE called;
        RESET better_auth.enable_initplan`);
    const executed = (name) => async () => {
        const start = performance.now();
        for (let i = 0; i < 50; i += 1) await db.query(`EXECUTE ${name}`);
        return (performance.now() - start) / 50;
    };
    const { once, called } = await inTurns(21, { once: executed('once'), called: executed('called') });
    part('a prepared query of 1,000 partitions by user | the same call as any stable one', 'ms', once, called, 1.1);
    await db.query('DEALLOCATE ALL; RESET plan_cache_mode; DROP TABLE bench.split');
}

/** What others' queries pay for the library, which a connection loads at its start or not at all. */
async function others() {
    const database = 'better_auth_bench_others';
    await db.query(`CREATE DATABASE ${database}`);
    await pgbenchTables(database, 4);
    const rate = (kind, settings) => () => pgbench(seconds, ['--protocol=simple', `--builtin=${kind}`], { database, settings });
    for (const [kind, name] of [['select-only', 'pgbench -S'], ['tpcb-like', 'pgbench, TPC-B']]) {
        const { ours, peer } = await inTurns(9, { ours: rate(kind, ['session_preload_libraries=better_auth']), peer: rate(kind, []) });
        times(`${name}, with the library | without`, '/s', ours, peer, ours / peer, 0.99);
    }
    await db.query(`DROP DATABASE ${database}`);
}

async function calls() {
    if (process.env.BENCH_C_FAULT) {
        notGiven('requesting_user_id() in PL/pgSQL | a no-op in C', '', process.env.BENCH_C_FAULT);
        return;
    }
    const functions = { nothing: `''`, noop: 'bench.noop()', notext: 'bench.notext()', ours: 'public.requesting_user_id()' };
    const [n, tasks] = [200_000, {}];
    for (const [name, call] of Object.entries(functions)) {
        await db.query(`CREATE FUNCTION bench.loop_${name}(n int) RETURNS void LANGUAGE plpgsql AS
            $$ DECLARE result text; BEGIN FOR i IN 1..n LOOP result := ${call}; END LOOP; END $$`);
        tasks[name] = async () => (await execution(`SELECT bench.loop_${name}(${n})`)) * 1e6 / n;
    }
    const { nothing, noop, notext, ours } = await inTurns(31, tasks);
    part('requesting_user_id() in PL/pgSQL | a no-op in C, text', 'ns', ours, notext, 1.5);
    part('  the same | one that returns NULL', 'ns', ours, noop);
    part('  the same | text, both without the loop itself', 'ns', ours - nothing, notext - nothing);
}
