// Measures and prints the table. Every figure is taken in turns with its peer, A B B A …, and both are
// medians: what else the machine does hits both alike.
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { bridge, getSession, handler, jwtSecret, pgbench, plainCookie, request, server, signedCookie } from './http.mjs';
import { busy, busyWithChildren, ownMemory, parent } from './linux.mjs';
import { load } from './node_modules.mjs';

const { default: pg } = await load('pg');
const here = (file) => join(import.meta.dirname, file);
const seconds = Number(process.env.BENCH_SECONDS ?? 3);

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

/** The process that serves a connection. */
async function backendOf(connection) {
    const { rows: [{ pid }] } = await connection.query('SELECT pg_backend_pid() AS pid');
    return pid;
}

const script = (name) => (time) => pgbench(time, ['-f', here(`pgbench/${name}.sql`)]);

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
        ours: () => script('sign_jwt')(seconds),
        peer: () => script('pgjwt_sign')(seconds),
    });
    times('  one token a statement, by pgbench', '/s', rate.ours, rate.peer, rate.ours / rate.peer);
}

async function signIn() {
    const body = JSON.stringify({ email: 'ada@example.com', password: 'correct horse battery' });
    const post = db.escapeLiteral(request('/api/auth/sign-in/email', 1, { method: 'POST', cookie: null, body }));
    const calls = {
        hash: `better_auth.hash_password('correct horse battery')`,
        signIn: `better_auth.sign_in_email('ada@example.com', 'correct horse battery')`,
        handler: `better_auth.handler(${post})`,
    };
    const { rows: [{ status }] } = await db.query(`SELECT ${calls.handler}->>'status' AS status`);
    if (status !== '200') throw new Error(`signing in through handler() gives ${status}`);

    // In the server, each call a transaction of its own, in turns: the first twenty rounds warm up.
    await db.query(`DO $do$
        DECLARE
            calls constant text[] := '{hash,signIn,handler}';
            call text;
            start timestamptz;
            took interval;
        BEGIN
            FOR round IN 1..220 LOOP
                FOR turn IN 0..2 LOOP
                    call := calls[(round + turn) % 3 + 1];
                    start := clock_timestamp();
                    CASE call
                        ${Object.entries(calls).map(([name, text]) => `WHEN '${name}' THEN PERFORM ${text};`).join('\n')}
                    END CASE;
                    took := clock_timestamp() - start;
                    INSERT INTO bench.duration VALUES (round, call, extract(epoch FROM took) * 1000);
                    COMMIT;
                END LOOP;
            END LOOP;
        END $do$`);
    const { rows: medians } = await db.query(
        `SELECT what, percentile_cont(0.5) WITHIN GROUP (ORDER BY took) AS took
         FROM bench.duration WHERE round > 20 GROUP BY what`);
    const took = Object.fromEntries(medians.map((row) => [row.what, row.took]));

    // Other work on the machine isn't in a process's own time on a processor.
    const backend = await backendOf(db);
    const spent = { hash: [], signIn: [], handler: [] };
    const statement = (name) => async () => {
        const [start, busyBefore] = [performance.now(), busy(backend)];
        await db.query({ name, text: `SELECT ${calls[name]}` });
        spent[name].push(busy(backend) - busyBefore);
        return performance.now() - start;
    };
    const seen = await inTurns(80, Object.fromEntries(Object.keys(calls).map((name) => [name, statement(name)])));
    const busied = Object.fromEntries(Object.entries(spent).map(([name, values]) => [name, median(values)]));

    const report = (name, figure) => {
        over(`${figure} | hash_password`, 'ms', took[name], took.hash, 5);
        if (!Number.isNaN(busied.hash)) over('  the same in processor time', 'ms', busied[name], busied.hash);
        over('  as the client sees it, commit included', 'ms', seen[name], seen.hash);
    };
    report('signIn', 'sign_in_email');
    report('handler', 'handler, sign-in');
    over('handler, sign-in | sign_in_email', 'ms', took.handler, took.signIn);
}

/** Makes a handler() in another database that gives one answer of ours, and nothing more; that answer. */
async function fixHandler(database) {
    const { rows: [{ answer }] } = await db.query('SELECT better_auth.handler($1)::text AS answer', [request(getSession, 1)]);
    const other = new pg.Client({ database });
    await other.connect();
    await other.query(`
        CREATE SCHEMA better_auth;
        CREATE FUNCTION better_auth.handler(request jsonb) RETURNS jsonb LANGUAGE sql
            AS $$ SELECT ${other.escapeLiteral(answer)}::jsonb $$`);
    await other.end();
    return answer;
}

async function sessions() {
    const servers = [];
    const started = async (...args) => {
        servers.push(await server(...args));
        return servers.at(-1);
    };
    try {
        const node = (env) => started(signedCookie, process.execPath, [here('better-auth-server.mjs')], {
            NODE_ENV: 'production', ...env,
        });
        const [plain, limited] = [await node(), await node({ BENCH_RATE_LIMIT: 'on' })];
        const layer = (env) => started(signedCookie, process.execPath, [here('../examples/http-layer/server.mjs')], {
            PORT: '0', ...env,
        });
        const fixedAnswer = await fixHandler(process.env.BENCH_FIXED_DATABASE);
        const layers = {
            plain: await layer(),
            prepared: await layer({ PREPARE: 'on' }),
            fixed: await layer({ PGDATABASE: process.env.BENCH_FIXED_DATABASE }),
            alone: await started(signedCookie, process.execPath, [here('http-floor.mjs')], { BENCH_ANSWER: fixedAnswer }),
        };
        const tasks = {
            session: script('get_session'),
            floor: script('floor'),
            bridge: script('bridge_token'),
            handler: handler(getSession),
            handlerBridge: handler(bridge),
            // Better Auth's limits, but for their height.
            handlerLimited: handler(getSession, ['-c better_auth.rate_limit=on', '-c better_auth.rate_limit_max=1000000']),
            node: plain.load(getSession),
            nodeBridge: plain.load(bridge),
            nodeLimited: limited.load(getSession),
            layer: layers.plain.load(getSession),
            layerBridge: layers.plain.load(bridge),
            layerPrepared: layers.prepared.load(getSession),
            layerFixed: layers.fixed.load(getSession),
            layerAlone: layers.alone.load(getSession),
        };
        const fault = process.env.BENCH_PEER_FAULT;
        if (!fault) {
            const rust = await started(plainCookie, process.env.BENCH_PEER, [], {
                PGDATABASE: process.env.BENCH_PEER_DATABASE,
            });
            tasks.rust = rust.load(getSession);
            tasks.rustBridge = rust.load(bridge);
        }
        for (const task of Object.values(tasks)) await task(1); // warms up
        // All that a request costs is below these two: backends, servers, and what loads them.
        const postmaster = parent(await backendOf(db));
        const busyAll = () => busyWithChildren(postmaster) + busyWithChildren(process.pid);
        const spent = Object.fromEntries(Object.keys(tasks).map((name) => [name, []]));
        const measured = (name, task) => async () => {
            const before = busyAll();
            const rate = await task(seconds);
            spent[name].push((busyAll() - before) * 1000 / (rate * seconds));
            return rate;
        };
        const rate = await inTurns(5, Object.fromEntries(
            Object.entries(tasks).map(([name, task]) => [name, measured(name, task)])));
        // Microseconds a request. A child that ends while it is looked at costs one measurement.
        const cost = Object.fromEntries(Object.entries(spent).map(([name, values]) =>
            [name, median(values.filter((value) => !Number.isNaN(value)))]));

        const report = (figure, ours, peer, least) =>
            times(figure, '/s', rate[ours], rate[peer], rate[ours] / rate[peer], least);
        const reportRequests = (figure, ours, peer, least) => {
            if (peer in tasks) {
                report(figure, ours, peer, least);
                if (cost[ours]) times('  the same in processor time', 'µs', cost[ours], cost[peer], cost[peer] / cost[ours]);
            } else {
                rows.push([figure, `${fixed(rate[ours])} /s`, 'not given', '', '', '', fault]);
            }
        };
        report('get_session | Better Auth 1.7.25 on Node', 'session', 'node', 20);
        report('  get_session | its two rows in plain SQL', 'session', 'floor');
        report('  bridge_token | the same rows in plain SQL', 'bridge', 'floor');
        reportRequests('handler, get-session | Better Auth 1.7.25 on Node', 'handler', 'node', 15);
        reportRequests('handler, get-session | better-auth-rs 0.10.0', 'handler', 'rust', 2);
        report('  handler, get-session | two rows in plain SQL', 'handler', 'floor');
        report('  with a rate limit | Node with one', 'handlerLimited', 'nodeLimited');
        reportRequests('handler, bridge route | Better Auth 1.7.25 on Node', 'handlerBridge', 'nodeBridge', 15);
        reportRequests('handler, bridge route | better-auth-rs 0.10.0', 'handlerBridge', 'rustBridge', 2);
        reportRequests('HTTP layer, get-session | Better Auth 1.7.25 on Node', 'layer', 'node', 4);
        reportRequests('HTTP layer, get-session | better-auth-rs 0.10.0', 'layer', 'rust');
        reportRequests('HTTP layer, bridge route | Better Auth 1.7.25 on Node', 'layerBridge', 'nodeBridge', 4);
        reportRequests('HTTP layer, bridge route | better-auth-rs 0.10.0', 'layerBridge', 'rustBridge');
        reportRequests('HTTP layer, statement prepared | not prepared', 'layerPrepared', 'layer');
        reportRequests('HTTP layer, a handler() that does nothing | ours', 'layerFixed', 'layer');
        reportRequests('HTTP layer, no database at all | ours', 'layerAlone', 'layer');
    } finally {
        for (const { stop } of servers) stop();
    }
}

/** What 100,000 requests leave in a backend, against what the first thousand have. */
async function memory() {
    const backend = new pg.Client();
    await backend.connect();
    const pid = await backendOf(backend);
    const signIn = (body) => request('/api/auth/sign-in/email', 1, { method: 'POST', cookie: null, body });
    // With the status and how the body begins.
    const failing = [
        [request(getSession, 1, { cookie: `${signedCookie(1)}x` }), '200 n'],
        [request(getSession, 1, { cookie: 'better-auth.session_token=%zz; =; ;' }), '200 n'],
        [request(getSession, 5001), '200 n'], // well signed, no such session
        [request(bridge, 5001), '401 {'],
        [request('/api/auth/nowhere', 1), '404 '],
        [request('/elsewhere', 1), '404 '],
        [signIn('{"email":'), '400 {'],
        [signIn('[]'), '400 {'],
        [signIn('{"email": "nobody"}'), '400 {'],
        [signIn('{"email": "nobody", "password": "a password"}'), '400 {'],
    ];
    let count = 0;
    const upTo = async (last) => {
        for (; count < last; count += 1) {
            // One in ten fails; the rest goes through all sessions.
            const [text, outcome] = count % 10 === 9
                ? failing[Math.floor(count / 10) % failing.length]
                : [request(count % 2 ? getSession : bridge, count % 5000 + 1), '200 {'];
            const { rows: [{ response }] } = await backend.query({
                name: 'handler', text: 'SELECT better_auth.handler($1) AS response', values: [text],
            });
            if (`${response.status} ${response.body.slice(0, 1)}` !== outcome) {
                throw new Error(`${JSON.stringify(response)} to ${text}`);
            }
        }
    };
    await upTo(1_000);
    const early = ownMemory(pid);
    await upTo(100_000);
    if (!Number.isNaN(early)) over('handler, a backend\'s memory after 100,000 | 1,000', 'MB', ownMemory(pid), early, 5);
    await backend.end();
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
        column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column] ?? 0)).join('   ').trimEnd();
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
await memory();
await sessions();
await db.end();
print();
console.log(`Load ${loadNow()} after. Above the number of CPUs, other work blurs the figures: run it again.`);
