// A million users and five million sessions against a thousand.
import { db, inTurns, seconds } from '../measure.mjs';
import { psql, script } from '../programs.mjs';
import { part } from '../table.mjs';

const sizes = {
    small: { users: 1_000, sessions: 1_000 },
    large: { users: 1_000_000, sessions: 5_000_000 },
};
const database = (name) => `${process.env.PGDATABASE}_${name}`;

export async function growth() {
    try {
        for (const [name, size] of Object.entries(sizes)) {
            await db.query(`CREATE DATABASE ${database(name)} ENCODING 'UTF8' TEMPLATE template0`);
            await psql(database(name), 'growth.sql', size);
        }
        await db.query('CHECKPOINT');
        const task = (what, name, clients, time) => async () => script(what, {
            clients, database: database(name),
            args: Object.entries(sizes[name]).flatMap(([variable, value]) => ['-D', `${variable}=${value}`]),
        })(time);
        const compare = async (figure, what, { clients = 4, time = seconds * 3, rounds = 3, most } = {}) => {
            const rate = await inTurns(rounds, {
                small: task(what, 'small', clients, time), large: task(what, 'large', clients, time),
            });
            part(figure, 'µs', clients * 1e6 / rate.large, clients * 1e6 / rate.small, most);
        };
        await task('session_of', 'large', 4, seconds * 4)(); // into shared buffers, what isn't there yet
        await compare('get_session, 1 M users, 5 M sessions | 1,000', 'session_of', { most: 1.3 });
        await compare('  floor: the same rows in plain SQL', 'floor_of');
        await compare('  sign_in_email | 1,000', 'sign_in_of', { clients: 1 });
    } finally {
        for (const name of Object.keys(sizes)) await db.query(`DROP DATABASE IF EXISTS ${database(name)} WITH (FORCE)`);
    }
}
