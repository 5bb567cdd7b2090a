// How figures are taken: in turns with their peer, A B B A …, and medians of that, so that what else the machine
// does hits both alike.
import { load } from './node_modules.mjs';

const { default: pg } = await load('pg');

/** How long one measurement of requests lasts: a whole number, for pgbench. */
export const seconds = Number(process.env.BENCH_SECONDS ?? 2);

/** A connection of its own, as libpq's variables have it. */
export async function connection(config) {
    const client = new pg.Client(config);
    await client.connect();
    return client;
}

export const db = await connection();
await db.query('SET jit = off; SET max_parallel_workers_per_gather = 0');

/** Half of the values are below it; or another part, as 0.99. */
export function percentile(values, part = 0.5) {
    const sorted = values.toSorted((a, b) => a - b);
    const at = (sorted.length - 1) * part;
    const low = Math.floor(at);
    return sorted[low] + (sorted[Math.ceil(at)] - sorted[low]) * (at - low);
}

/** Runs each of `tasks` once a round, every other round backwards; the median of what each gives. */
export async function inTurns(rounds, tasks) {
    const results = Object.fromEntries(Object.keys(tasks).map((name) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
        const names = Object.keys(tasks);
        for (const name of round % 2 ? names.reverse() : names) results[name].push(await tasks[name]());
    }
    return Object.fromEntries(Object.entries(results).map(([name, values]) => [name, percentile(values)]));
}

/** Milliseconds that the server takes to execute a query, without planning it and sending its result. */
export async function execution(query) {
    const { rows: [row] } = await db.query(`EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${query}`);
    return row['QUERY PLAN'][0]['Execution Time'];
}

/** The process that serves a connection. */
export async function backendOf(client) {
    const { rows: [{ pid }] } = await client.query('SELECT pg_backend_pid() AS pid');
    return pid;
}

/** Puts the calls, which are SQL expressions, in turns in one backend, each a transaction of its own; the median
 * of the milliseconds of each. The first twenty rounds warm up. */
export async function callsInTurns(rounds, calls) {
    const names = Object.keys(calls);
    await db.query(`TRUNCATE bench.duration`);
    await db.query(`DO $do$
        DECLARE
            names constant text[] := '{${names}}';
            name text;
            start timestamptz;
            took interval;
        BEGIN
            FOR round IN 1..${rounds + 20} LOOP
                FOR turn IN 0..${names.length - 1} LOOP
                    name := names[(round + turn) % ${names.length} + 1];
                    start := clock_timestamp();
                    CASE name
                        ${names.map((name) => `WHEN '${name}' THEN PERFORM ${calls[name]};`).join('\n')}
                    END CASE;
                    took := clock_timestamp() - start;
                    INSERT INTO bench.duration VALUES (round, name, extract(epoch FROM took) * 1000);
                    COMMIT;
                END LOOP;
            END LOOP;
        END $do$`);
    const { rows } = await db.query(
        `SELECT what, percentile_cont(0.5) WITHIN GROUP (ORDER BY took) AS took
         FROM bench.duration WHERE round > 20 GROUP BY what`);
    return Object.fromEntries(rows.map((row) => [row.what, row.took]));
}
