// What pre_request() adds to a request of PostgREST's.
import { inTurns, seconds } from '../measure.mjs';
import { script } from '../programs.mjs';
import { part } from '../table.mjs';

export async function postgrest() {
    // One client, so that a transaction's time is the inverse of the rate.
    const task = (name) => async () => 1e6 / await script(name, { clients: 1 })(seconds);
    const { checked, plain } = await inTurns(5, { checked: task('pre_request'), plain: task('request') });
    part('PostgREST\'s transaction with pre_request() | without', 'µs', checked, plain);
}
