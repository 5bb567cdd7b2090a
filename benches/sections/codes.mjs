// A code of email-otp is checked, and a one-time token taken, under a million rows in `verification` against a thousand.
import { connection, db, inTurns } from '../measure.mjs';
import { part } from '../table.mjs';

const sizes = { small: 1_000, large: 1_000_000 };
/** How many of the codes are of users, and how many calls a measurement has. */
const users = 1_000;
const calls = 1_000;
const database = (name) => `${process.env.PGDATABASE}_codes_${name}`;

/** A database with so many codes, and a connection to it. */
async function prepare(name) {
    await db.query(`CREATE DATABASE ${database(name)} ENCODING 'UTF8' TEMPLATE template0`);
    const filling = await connection({ database: database(name) });
    await filling.query(`CREATE EXTENSION better_auth`);
    await filling.query(`LOAD 'better_auth'`);
    for (const setting of [`plugins = 'email-otp, one-time-token'`, 'rate_limit = off', `base_url = 'http://localhost:3000'`]) {
        await filling.query(`ALTER DATABASE ${database(name)} SET better_auth.${setting}`);
    }
    await filling.query(`
        INSERT INTO better_auth."user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
        SELECT md5('u' || i), 'User', 'user' || i || '@example.com', true, now(), now() FROM generate_series(1, ${users}) i;
        INSERT INTO better_auth.verification (id, identifier, value, "expiresAt", "createdAt", "updatedAt")
        SELECT md5('v' || i), 'sign-in-otp-user' || i || '@example.com', lpad(i::text, 6, '0') || ':0', now() + '1 day' + i * '1 ms'::interval, now(), now()
        FROM generate_series(1, ${sizes[name]}) i`);
    await filling.query('VACUUM (ANALYZE)');
    await filling.end();
    return connection({ database: database(name) });
}

/** Asks handler() so often; microseconds each. */
async function ask(client, path, body, expected) {
    const start = performance.now();
    for (let call = 0; call < calls; call += 1) {
        const request = {
            method: 'POST', url: `http://localhost:3000/api/auth${path}`, headers: { 'content-type': 'application/json' },
            body: JSON.stringify(body(call)),
        };
        const { rows: [{ answer }] } = await client.query({
            name: 'ask', text: 'SELECT better_auth.handler($1::text) AS answer', values: [JSON.stringify(request)],
        });
        if (answer.status !== expected) throw new Error(`${path}: ${answer.status} ${answer.body}`);
    }
    return (performance.now() - start) * 1e3 / calls;
}

const number = (call) => (call * 7919) % users + 1;
const user = (call) => `user${number(call)}@example.com`;
const code = (call) => String(number(call)).padStart(6, '0');

export async function codes() {
    const clients = {};
    try {
        for (const name of Object.keys(sizes)) clients[name] = await prepare(name);
        await db.query('CHECKPOINT');
        const compare = async (figure, path, body, expected) => {
            const task = (name) => () => ask(clients[name], path, body, expected);
            for (const name of Object.keys(sizes)) await task(name)();
            const took = await inTurns(5, { small: task('small'), large: task('large') });
            part(figure, 'µs', took.large, took.small, 1.2);
        };
        const type = 'sign-in';
        await compare('email-otp: a right code, 1 M codes | 1,000', '/email-otp/check-verification-otp',
            (call) => ({ email: user(call), type, otp: code(call) }), 200);
        await compare('  a code that was not asked for', '/email-otp/check-verification-otp',
            (call) => ({ email: `nobody${call}@example.com`, type, otp: '123456' }), 400);
        await compare('  a code is sent', '/email-otp/send-verification-otp',
            (call) => ({ email: user(call), type: 'email-verification' }), 200);
        await compare('one-time-token: an unknown token', '/one-time-token/verify', (call) => ({ token: `x${call}` }), 400);
    } finally {
        for (const name of Object.keys(sizes)) {
            await clients[name]?.end();
            await db.query(`DROP DATABASE IF EXISTS ${database(name)} WITH (FORCE)`);
        }
    }
}
