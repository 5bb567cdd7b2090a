// How long a sign-in waits while a million expired sessions go.
import { connection, db, percentile } from '../measure.mjs';
import { over } from '../table.mjs';

const expired = 1_000_000;

/** How long each sign-in takes on one connection as long as `goes()`, in milliseconds; the first twenty warm up. */
async function signIns(goes) {
    const backend = await connection();
    const took = [];
    for (let count = 0; count < 20 || goes(); count += 1) {
        const start = performance.now();
        await backend.query(`SELECT better_auth.sign_in_email('ada@example.com', 'correct horse battery')`);
        if (count >= 20) took.push(performance.now() - start);
    }
    await backend.end();
    return took;
}

/** Batch by batch until all are gone, as pg_cron does but without its pauses; the seconds it took. */
async function purgeAll() {
    const purging = await connection();
    const start = performance.now();
    let gone = 0;
    for (let last = 1; last > 0; gone += last) {
        const { rows: [{ count }] } = await purging.query('SELECT better_auth.purge_expired() AS count');
        last = Number(count);
    }
    await purging.end();
    if (gone < expired) throw new Error(`purge_expired() took ${gone} sessions`);
    return (performance.now() - start) / 1000;
}

export async function purge() {
    await db.query(`
        SET session_replication_role = replica;
        INSERT INTO better_auth.session (id, "expiresAt", token, "createdAt", "updatedAt", "userId")
        SELECT md5('expired' || i), now() - '1 day'::interval, md5('token' || i), now(), now(), lpad('1', 32, 'U')
        FROM generate_series(1, ${expired}) i;
        RESET session_replication_role;
        ANALYZE better_auth.session`);
    await db.query('CHECKPOINT');
    const end = performance.now() + 10_000;
    const usual = await signIns(() => performance.now() < end);

    let isPurging = true;
    const [took, during] = await Promise.all([
        purgeAll().finally(() => { isPurging = false; }), signIns(() => isPurging),
    ]);
    over(`longest sign-in during a purge of 1 M sessions, ${Math.round(took)} s | median`, 'ms',
        Math.max(...during), percentile(usual), 50);
    over('  longest without a purge | median', 'ms', Math.max(...usual), percentile(usual));
}
