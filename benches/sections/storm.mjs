// get_session while somebody else changes roles and functions of their own, a thousand times a second.
import { setTimeout } from 'node:timers/promises';
import { db, inTurns, seconds } from '../measure.mjs';
import { script } from '../programs.mjs';
import { times } from '../table.mjs';

const STORMS = {
    'ALTER ROLE': 'storm_role',
    'CREATE OR REPLACE FUNCTION': 'storm_function',
};

/** The rate of a script, beside a storm if there is one. */
const rate = (name, storm) => async () => {
    if (!storm) return script(name)(seconds);
    const [result] = await Promise.all([
        setTimeout(300).then(() => script(name)(seconds)),
        script(storm, { clients: 1, args: ['--rate=1000'] })(seconds + 1),
    ]);
    return result;
};

export async function storm() {
    await db.query('CREATE ROLE better_auth_bench_others; CREATE SCHEMA others');
    try {
        for (const [what, storm] of Object.entries(STORMS)) {
            const { quiet, stormy, quietFloor, stormyFloor } = await inTurns(5, {
                quiet: rate('get_session'), stormy: rate('get_session', storm),
                quietFloor: rate('floor'), stormyFloor: rate('floor', storm),
            });
            times(`get_session beside 1,000 ${what} a second | in quiet`, '/s', stormy, quiet, stormy / quiet, 0.8);
            times('  floor: the same rows in plain SQL', '/s', stormyFloor, quietFloor, stormyFloor / quietFloor);
        }
    } finally {
        await db.query('DROP SCHEMA others CASCADE; DROP ROLE better_auth_bench_others');
    }
}
