// Requests: get-session and the bridge route, against the servers that answer them.
import { bridge, getSession, handler, request, server, signedCookie } from '../http.mjs';
import { busyWithChildren, parent } from '../linux.mjs';
import { backendOf, connection, db, inTurns, percentile, seconds } from '../measure.mjs';
import { here, script } from '../programs.mjs';
import { digits, notGiven, part, times } from '../table.mjs';

/** Makes a handler() in another database that gives one answer of ours, and nothing more; that answer. */
async function fixHandler(database) {
    const { rows: [{ answer }] } = await db.query('SELECT better_auth.handler($1)::text AS answer', [request(getSession, 1)]);
    const other = await connection({ database });
    await other.query(`
        CREATE SCHEMA better_auth;
        CREATE FUNCTION better_auth.handler(request jsonb) RETURNS jsonb LANGUAGE sql
            AS $$ SELECT ${other.escapeLiteral(answer)}::jsonb $$`);
    await other.end();
    return answer;
}

export async function requests() {
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
            handlerLimited: handler(getSession, ['better_auth.rate_limit=on', 'better_auth.rate_limit_max=1000000']),
            handlerLimitedInTable: handler(getSession, [
                'better_auth.rate_limit=on', 'better_auth.rate_limit_max=1000000', 'better_auth.rate_limit_storage=database',
            ]),
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
            const rust = await started(signedCookie, process.env.BENCH_PEER, [], {
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
            [name, percentile(values.filter((value) => !Number.isNaN(value)))]));

        const report = (figure, ours, peer, least) =>
            times(figure, '/s', rate[ours], rate[peer], rate[ours] / rate[peer], least);
        const perClient = (name) => 4e6 / rate[name]; // pgbench has four
        const reportRequests = (figure, ours, peer, least) => {
            if (peer in tasks) {
                report(figure, ours, peer, least);
                if (cost[ours]) times('  the same in processor time', 'µs', cost[ours], cost[peer], cost[peer] / cost[ours]);
            } else {
                notGiven(figure, `${digits(rate[ours])} /s`, fault);
            }
        };
        reportRequests('get_session | Better Auth 1.7.25 on Node', 'session', 'node', 20);
        reportRequests('get_session | better-auth-rs 1.0.0-alpha.5', 'session', 'rust', 3);
        part('get_session | a prepared join of its two rows', 'µs', perClient('session'), perClient('floor'), 1.5);
        reportRequests('bridge_token | Better Auth 1.7.25 on Node, bridge route', 'bridge', 'nodeBridge', 20);
        reportRequests('  bridge_token | better-auth-rs 1.0.0-alpha.5, bridge route', 'bridge', 'rustBridge');
        part('  bridge_token | a prepared join of its two rows', 'µs', perClient('bridge'), perClient('floor'));
        reportRequests('handler, get-session | Better Auth 1.7.25 on Node', 'handler', 'node', 15);
        reportRequests('handler, get-session | better-auth-rs 1.0.0-alpha.5', 'handler', 'rust', 2);
        report('  handler, get-session | two rows in plain SQL', 'handler', 'floor');
        report('  with a rate limit | Node with one', 'handlerLimited', 'nodeLimited');
        report('  with one in the table too | Node with one', 'handlerLimitedInTable', 'nodeLimited');
        reportRequests('handler, bridge route | Better Auth 1.7.25 on Node', 'handlerBridge', 'nodeBridge', 15);
        reportRequests('handler, bridge route | better-auth-rs 1.0.0-alpha.5', 'handlerBridge', 'rustBridge', 2);
        reportRequests('HTTP layer, get-session | Better Auth 1.7.25 on Node', 'layer', 'node', 4);
        reportRequests('HTTP layer, get-session | better-auth-rs 1.0.0-alpha.5', 'layer', 'rust');
        reportRequests('HTTP layer, bridge route | Better Auth 1.7.25 on Node', 'layerBridge', 'nodeBridge', 4);
        reportRequests('HTTP layer, bridge route | better-auth-rs 1.0.0-alpha.5', 'layerBridge', 'rustBridge');
        reportRequests('HTTP layer, statement prepared | not prepared', 'layerPrepared', 'layer');
        reportRequests('HTTP layer, a handler() that does nothing | ours', 'layerFixed', 'layer');
        reportRequests('HTTP layer, no database at all | ours', 'layerAlone', 'layer');
    } finally {
        for (const { stop } of servers) stop();
    }
}
