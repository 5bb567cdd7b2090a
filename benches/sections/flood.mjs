// Everybody else's queries while many sign in at once.
import { setTimeout } from 'node:timers/promises';
import { inTurns, percentile, seconds } from '../measure.mjs';
import { latencies, script } from '../programs.mjs';
import { part } from '../table.mjs';

/** The 99th percentile of `SELECT 1` by one client, in microseconds. */
const p99 = async () => percentile(await latencies('select_1', seconds, { clients: 1 }), 0.99) * 1000;

/** The same beside 64 clients that sign in. */
const flooded = (settings) => async () => {
    const flood = script('sign_in', { clients: 64, settings })(seconds + 1);
    const [result] = await Promise.all([setTimeout(500).then(p99), flood]);
    return result;
};

export async function flood() {
    const { none, limited, unlimited } = await inTurns(5, {
        none: p99, limited: flooded([]), unlimited: flooded(['better_auth.max_concurrent_hashes=1024']),
    });
    part('p99 of SELECT 1 under 64 sign-ins | none', 'µs', limited, none, 3);
    part('  with max_concurrent_hashes = 1024 | none', 'µs', unlimited, none);
}
