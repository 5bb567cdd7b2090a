// What plugins cost the calls that every request makes: all that are offered on, against none.
import { connection, db, inTurns, percentile } from '../measure.mjs';
import { request } from '../http.mjs';
import { part } from '../table.mjs';

const database = `${process.env.PGDATABASE}_plugins`;
const CALLS = 2_000;

/** All that can be switched on, as the refusal of another one lists them. */
async function offered(client) {
    const { detail } = await client.query(`SET better_auth.plugins = 'none'`).catch((error) => error);
    return /there are (.*)\./.exec(detail)[1];
}

/** Connections of each kind, in turns: what a backend's memory happens to look like is no plugin's cost. */
const PAIRS = 6;

export async function plugins() {
    await db.query(`CREATE DATABASE ${database} ENCODING 'UTF8' TEMPLATE template0`);
    const clients = [];
    const open = async () => {
        clients.push(await connection({ database }));
        return clients.at(-1);
    };
    try {
        const owner = await open();
        await owner.query('CREATE EXTENSION better_auth');
        const on = `SET better_auth.plugins = '${await offered(owner)}'`;
        await owner.query(on);
        await owner.query('SELECT better_auth.migrate()');
        await owner.query('RESET better_auth.plugins');
        const { rows: [{ token }] } = await owner.query(
            `SELECT better_auth.sign_up_email('ada@example.com', 'correct horse battery', 'Ada') ->> 'token' AS token`);
        const site = `SET better_auth.base_url = 'http://127.0.0.1:3000'; SET better_auth.rate_limit = off`;
        await owner.query(site);
        const { rows: [{ cookie }] } = await owner.query(
            `SELECT split_part((better_auth.session_cookies($1))[1], ';', 1) AS cookie`, [token]);
        // So that no plan changes on the way.
        await owner.query('ANALYZE');
        const asked = request('/api/auth/get-session', 1, { cookie });
        const calls = {
            'get_session': `better_auth.get_session('${token}' || left(i::text, 0))`,
            'handler, get-session': `better_auth.handler((${db.escapeLiteral(asked)} || left(i::text, 0))::jsonb)`,
        };
        const took = Object.fromEntries(Object.keys(calls).map((figure) => [figure, { none: [], all: [] }]));
        for (let pair = 0; pair < PAIRS; pair++) {
            const [none, all] = [await open(), await open()];
            await all.query(`LOAD 'better_auth'`);
            await all.query(on);
            for (const client of [none, all]) {
                await client.query(site);
                // What is measured answers with the session.
                const { rows: [{ body }] } = await client.query(`SELECT better_auth.handler($1::jsonb) ->> 'body' AS body`, [asked]);
                if (!JSON.parse(body)?.user) throw new Error(`get-session answers ${body}`);
            }
            /** Microseconds a call. */
            const task = (client, call) => async () => {
                const { rows: [{ took }] } = await client.query(
                    `SELECT extract(epoch FROM clock_timestamp() - statement_timestamp()) AS took
                     FROM (SELECT count(${call}) FROM generate_series(1, ${CALLS}) i OFFSET 0) calls`);
                return took * 1e6 / CALLS;
            };
            for (const [figure, call] of Object.entries(calls)) {
                const cost = await inTurns(7, { none: task(none, call), all: task(all, call) });
                took[figure].none.push(cost.none);
                took[figure].all.push(cost.all);
            }
        }
        for (const [figure, { all, none }] of Object.entries(took)) {
            part(`${figure}, all plugins | none`, 'µs', percentile(all), percentile(none), 1.1);
        }
    } finally {
        for (const client of clients) await client.end();
        await db.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
    }
}
