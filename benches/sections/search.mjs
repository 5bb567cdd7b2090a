// What looks rows up in tables that grow: a million rows in each against none (FAULTS C11).
import { connection, db, inTurns, percentile } from '../measure.mjs';
import { part } from '../table.mjs';

const sizes = { empty: 0, full: 1_000_000 };
const database = (name) => `${process.env.PGDATABASE}_${name}`;

/** The figures: what each does before the clock runs, and what is timed. `i` is another number each time. */
const CALLS = {
    'reset_password': {
        before: (i) => `INSERT INTO better_auth.verification (id, identifier, value, "expiresAt")
            SELECT 'v${i}', 'reset-password:token${i}', id, now() + interval '1 hour' FROM better_auth."user" LIMIT 1`,
        call: (i) => `better_auth.reset_password('token${i}', 'correct horse battery')`,
    },
    'link_account, of a known account': {
        call: () => `better_auth.link_account('github', 'subject', 'ada@example.com', 'Ada')`,
    },
    'handler, a new client, rate limit in the table': {
        call: (i) => `better_auth.handler('{"method": "GET", "url": "/api/auth/ok", "headers": {"x-forwarded-for": "10.${i >> 16}.${(i >> 8) & 255}.${i & 255}"}}'::jsonb)`,
    },
};

async function fill(client, rows) {
    await client.query(`CREATE EXTENSION better_auth;
        SELECT better_auth.sign_up_email('ada@example.com', 'correct horse battery', 'Ada');
        UPDATE better_auth."user" SET "emailVerified" = true;
        SELECT better_auth.link_account('github', 'subject', 'ada@example.com', 'Ada', email_verified => true);
        INSERT INTO better_auth."user" (id, name, email, "emailVerified") SELECT 'u' || i, 'U', 'u' || i || '@example.com', true FROM generate_series(1, ${rows}) i;
        INSERT INTO better_auth.account (id, "accountId", "providerId", "userId", "updatedAt") SELECT 'a' || i, 's' || i, 'github', 'u' || i, now() FROM generate_series(1, ${rows}) i;
        INSERT INTO better_auth.verification (id, identifier, value, "expiresAt") SELECT 'x' || i, 'reset-password:x' || i, 'u' || i, now() + interval '1 hour' FROM generate_series(1, ${rows}) i;
        INSERT INTO better_auth."rateLimit" (id, key, count, "lastRequest")
            SELECT 'r' || i, 'k' || i, 1, (extract(epoch FROM now()) * 1000)::bigint FROM generate_series(1, ${rows}) i;
        SET better_auth.rate_limit_storage = 'database'`);
    await client.query('VACUUM ANALYZE');
}

export async function search() {
    const clients = {};
    try {
        for (const [name, rows] of Object.entries(sizes)) {
            await db.query(`CREATE DATABASE ${database(name)} ENCODING 'UTF8' TEMPLATE template0`);
            clients[name] = await connection({ database: database(name) });
            await fill(clients[name], rows);
        }
        let number = 0;
        const task = (name, { before, call }) => async () => {
            const took = [];
            for (let turn = 0; turn < 11; turn += 1) {
                number += 1;
                if (before) await clients[name].query(before(number));
                const start = performance.now();
                await clients[name].query(`SELECT ${call(number)}`);
                took.push(performance.now() - start);
            }
            return percentile(took);
        };
        for (const [figure, calls] of Object.entries(CALLS)) {
            const { empty, full } = await inTurns(7, { empty: task('empty', calls), full: task('full', calls) });
            part(`${figure}, 1 M rows | none`, 'ms', full, empty, 1.5);
        }
    } finally {
        for (const client of Object.values(clients)) await client.end();
        for (const name of Object.keys(sizes)) await db.query(`DROP DATABASE IF EXISTS ${database(name)} WITH (FORCE)`);
    }
}
