// Measures and prints the table. Every figure is taken in turns with its peer, A B B A …, and both are
// medians: what else the machine does hits both alike.
import { execFile, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { load } from './node_modules.mjs';

const { default: pg } = await load('pg');
const here = (file) => join(import.meta.dirname, file);
const cookieSecret = 'a cookie secret of the benchmarks, 45 bytes..';
const jwtSecret = 'a jwt secret of the benchmarks, 42 bytes..';
const seconds = Number(process.env.BENCH_SECONDS ?? 5);

const db = new pg.Client();
await db.connect();
await db.query('SET jit = off; SET max_parallel_workers_per_gather = 0');

function median(values) {
    const sorted = values.toSorted((a, b) => a - b);
    const half = sorted.length >> 1;
    return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Runs each of `tasks` once a round, every other round backwards; the median of what each gives. */
async function inTurns(rounds, tasks) {
    const results = Object.fromEntries(Object.keys(tasks).map((name) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
        const names = Object.keys(tasks);
        for (const name of round % 2 ? names.reverse() : names) results[name].push(await tasks[name]());
    }
    return Object.fromEntries(Object.entries(results).map(([name, values]) => [name, median(values)]));
}

const rows = [];
const fixed = (value) => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

/** `ratio` is how many times better ours is; `least` is the bar. */
function times(figure, unit, ours, peer, ratio, least) {
    const bar = least === undefined ? ['', ''] : [`≥ ${least}×`, ratio >= least ? 'yes' : 'NO'];
    rows.push([figure, `${fixed(ours)} ${unit}`, `${fixed(peer)} ${unit}`, `${fixed(ratio)}×`, ...bar]);
}

/** How much longer ours takes than the peer; `most` is the bar, in percent. */
function over(figure, unit, ours, peer, most) {
    const percent = (ours / peer - 1) * 100;
    const bar = most === undefined ? ['', ''] : [`≤ +${most} %`, percent <= most ? 'yes' : 'NO'];
    const ratio = `${percent < 0 ? '' : '+'}${percent.toFixed(1)} %`;
    rows.push([figure, `${fixed(ours)} ${unit}`, `${fixed(peer)} ${unit}`, ratio, ...bar]);
}

/** Milliseconds that the server takes to execute a query, without planning it and sending its result. */
async function execution(query) {
    const { rows: [row] } = await db.query(`EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${query}`);
    return row['QUERY PLAN'][0]['Execution Time'];
}

async function pgbench(script, time) {
    const { stdout } = await promisify(execFile)(join(process.env.PGBIN, 'pgbench'), [
        '--no-vacuum', '--protocol=prepared', '--client=4', `--time=${time}`, `--file=${here(`pgbench/${script}.sql`)}`,
    ]);
    if (!/number of failed transactions: 0 /.test(stdout)) throw new Error(`${script} failed: ${stdout}`);
    return Number(/^tps = ([\d.]+)/m.exec(stdout)[1]);
}

async function signJwt() {
    // Both sign tokens that verify, or the figure would mean nothing.
    await db.query(
        `SELECT better_auth.verify_jwt(better_auth.sign_jwt(ours)),
                better_auth.verify_jwt(pgjwt.sign((peers::jsonb || '{"aud": "insforge-api"}')::json, $1))
         FROM bench.claims`, [jwtSecret]);

    const exp = Math.floor(Date.now() / 1000) + 86_400;
    const object = `build_object('sub', i::text, 'role', 'authenticated', 'exp', ${exp}::bigint)`;
    const sources = {
        built: { ours: `jsonb_${object}`, peers: `json_${object}`, nothing: 'i', from: (n) => `generate_series(1, ${n}) i` },
        column: { ours: 'c.ours', peers: 'c.peers', nothing: 'c.ours', from: (n) => `bench.claims c, generate_series(1, ${n}) i` },
    };
    const cost = {};
    for (const [name, { ours, peers, nothing, from }] of Object.entries(sources)) {
        // Microseconds a row.
        const task = (n, what) => async () => (await execution(`SELECT count(${what}) FROM ${from(n)}`)) * 1000 / n;
        cost[name] = await inTurns(21, {
            ours: task(20_000, `better_auth.sign_jwt(${ours})`),
            peer: task(2_000, `pgjwt.sign(${peers}, '${jwtSecret}', 'HS256')`),
            oursNothing: task(20_000, nothing),
            peerNothing: task(2_000, nothing),
            oursArgument: task(20_000, ours),
            peerArgument: task(20_000, peers),
        });
    }
    const { built, column } = cost;
    const report = (figure, { ours, peer, oursNothing, peerNothing }, least) =>
        times(figure, 'µs', ours - oursNothing, peer - peerNothing, (peer - peerNothing) / (ours - oursNothing), least);
    report('sign_jwt, 3 claims built a row | pgjwt sign', built, 20);
    report('sign_jwt, claims from a column | pgjwt sign', column, 20);
    report('  floor: building 3 claims alone, jsonb | json', {
        ours: built.oursArgument, oursNothing: built.oursNothing, peer: built.peerArgument, peerNothing: built.oursNothing,
    });
    const rate = await inTurns(3, {
        ours: () => pgbench('sign_jwt', seconds),
        peer: () => pgbench('pgjwt_sign', seconds),
    });
    times('  one token a statement, by pgbench', '/s', rate.ours, rate.peer, rate.ours / rate.peer);
}

async function signIn() {
    const hash = `better_auth.hash_password('correct horse battery')`;
    const signIn = `better_auth.sign_in_email('ada@example.com', 'correct horse battery')`;
    // In the server, each pair a transaction of its own: the first twenty warm up.
    await db.query(`DO $$
        DECLARE t0 timestamptz; t1 timestamptz; t2 timestamptz;
        BEGIN
            FOR pair IN -19..200 LOOP
                t0 := clock_timestamp();
                IF pair % 2 = 0 THEN PERFORM ${hash}; ELSE PERFORM ${signIn}; END IF;
                t1 := clock_timestamp();
                IF pair % 2 = 0 THEN PERFORM ${signIn}; ELSE PERFORM ${hash}; END IF;
                t2 := clock_timestamp();
                INSERT INTO bench.duration VALUES
                    (pair, CASE pair % 2 WHEN 0 THEN 'hash' ELSE 'sign_in' END, extract(epoch FROM t1 - t0) * 1000),
                    (pair, CASE pair % 2 WHEN 0 THEN 'sign_in' ELSE 'hash' END, extract(epoch FROM t2 - t1) * 1000);
                COMMIT;
            END LOOP;
        END $$`);
    const { rows: [took] } = await db.query(
        `SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY took) FILTER (WHERE what = 'sign_in') AS sign_in,
                percentile_cont(0.5) WITHIN GROUP (ORDER BY took) FILTER (WHERE what = 'hash') AS hash
         FROM bench.duration WHERE pair > 0`);
    over('sign_in_email | hash_password', 'ms', took.sign_in, took.hash, 5);

    // Linux keeps a process's time on a processor in nanoseconds: other work on the machine isn't in it.
    const { rows: [{ pid }] } = await db.query('SELECT pg_backend_pid() AS pid');
    const busy = () => {
        try {
            return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
        } catch {
            return NaN;
        }
    };
    const spent = { signIn: [], hash: [] };
    const statement = (name, call) => async () => {
        const [start, busyBefore] = [performance.now(), busy()];
        await db.query({ name, text: `SELECT ${call}` });
        spent[name].push(busy() - busyBefore);
        return performance.now() - start;
    };
    const seen = await inTurns(80, { signIn: statement('signIn', signIn), hash: statement('hash', hash) });
    if (!Number.isNaN(busy())) over('  the same in processor time', 'ms', median(spent.signIn), median(spent.hash));
    over('  as the client sees it, commit included', 'ms', seen.signIn, seen.hash);
}

async function sessions() {
    const server = spawn(process.execPath, [here('better-auth-server.mjs')], {
        env: { ...process.env, NODE_ENV: 'production', BENCH_COOKIE_SECRET: cookieSecret },
        stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
        const url = String((await once(server.stdout, 'data'))[0]).trim();
        const cookies = Array.from({ length: 500 }, (_, index) => {
            const token = String(index * 10 + 1).padStart(32, 'A');
            const signature = createHmac('sha256', cookieSecret).update(token).digest('base64');
            return `better-auth.session_token=${encodeURIComponent(`${token}.${signature}`)}`;
        });
        const node = async (time) => {
            const client = spawn(process.execPath, [here('load.mjs'), url, String(time)], {
                stdio: ['pipe', 'pipe', 'inherit'],
            });
            let output = '';
            client.stdout.on('data', (data) => { output += data; });
            client.stdin.end(JSON.stringify(cookies));
            const [status] = await once(client, 'close');
            if (status !== 0) throw new Error('the load of Better Auth failed');
            return Number(output);
        };
        await node(3);
        await pgbench('get_session', 1);
        const rate = await inTurns(3, {
            session: () => pgbench('get_session', seconds),
            node: () => node(seconds),
            floor: () => pgbench('floor', seconds),
            bridge: () => pgbench('bridge_token', seconds),
        });
        times('get_session | Better Auth 1.7.25 on Node', '/s', rate.session, rate.node, rate.session / rate.node, 20);
        times('  get_session | its two rows in plain SQL', '/s', rate.session, rate.floor, rate.session / rate.floor);
        times('  bridge_token | the same rows in plain SQL', '/s', rate.bridge, rate.floor, rate.bridge / rate.floor);
    } finally {
        server.kill();
    }
}

async function rowSecurity() {
    const user = '1'.padStart(32, 'U');
    await db.query(`SELECT set_config('request.jwt.claims', $1, false)`, [
        JSON.stringify({ sub: user, role: 'authenticated', aud: 'insforge-api', iat: 1795424400, exp: 1795428000 }),
    ]);
    const query = 'SELECT count(*) FROM bench.note';
    const scan = (role, text) => async () => {
        await db.query(`SET ROLE ${role}`);
        const took = await execution(text);
        const { rows: [{ count }] } = await db.query(text);
        await db.query('RESET ROLE');
        if (count !== '1000') throw new Error(`${role} sees ${count} rows`);
        return took;
    };
    const took = await inTurns(7, {
        ours: scan('better_auth_bench_ours', query),
        literal: scan('none', `${query} WHERE user_id = '${user}'`),
        scaffold: scan('better_auth_bench_scaffold', query),
    });
    over('requesting_user_id(), scan of 1 M rows | a literal', 'ms', took.ours, took.literal);
    times('requesting_user_id(), the same | scaffold\'s SQL helper', 'ms', took.ours, took.scaffold, took.scaffold / took.ours);
}

function print() {
    const table = [['figure: ours | peer', 'ours', 'peer', 'ratio', 'bar', 'met?'], ...rows];
    const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
    const line = (row) => row.map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])).join('   ').trimEnd();
    console.log(line(table[0]));
    console.log('─'.repeat(line(table[0]).length));
    for (const row of rows) console.log(line(row));
}

const { rows: [{ version }] } = await db.query(`SELECT current_setting('server_version') AS version`);
const loadNow = () => loadavg()[0].toFixed(2);
console.log(`PostgreSQL ${version}, Node ${process.version}, ${cpus().length} CPUs, load ${loadNow()} before; ` +
    `signer: ${process.env.PGJWT_SQL ? 'pgjwt' : 'pgjwt-equivalent.sql'}`);
await signJwt();
await signIn();
await rowSecurity();
await sessions();
await db.end();
print();
console.log(`Load ${loadNow()} after. Above the number of CPUs, other work blurs the figures: run it again.`);
