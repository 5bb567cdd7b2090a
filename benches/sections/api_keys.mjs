// API keys: their verification, against Better Auth on Node, and a request of PostgREST's with a key, against one with a
// token.
import { connection, db, inTurns, seconds } from '../measure.mjs';
import { here, output, script } from '../programs.mjs';
import { part, times } from '../table.mjs';

const database = `${process.env.PGDATABASE}_api_keys`;
const [anon, user] = ['better_auth_bench_anon', 'better_auth_bench_user'];

const SETTINGS = { plugins: 'api-key', rate_limit: 'off', api_key_rate_limit_enabled: 'off', api_key_pre_request: 'on', jwt_role: user };

/** So many users, each with a session and a key. */
const FILL = `
    SELECT better_auth.migrate();
    SELECT better_auth.enable_rpc('public', '${anon}', '${user}');
    INSERT INTO better_auth."user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
        SELECT lpad(i::text, 32, 'U'), 'User', 'user' || i || '@example.com', true, now(), now() FROM generate_series(1, 1000) i;
    INSERT INTO better_auth.session (id, "expiresAt", token, "createdAt", "updatedAt", "userId")
        SELECT lpad(i::text, 32, 'S'), now() + interval '7 days', lpad(i::text, 32, 'A'), now(), now(), lpad(i::text, 32, 'U') FROM generate_series(1, 1000) i;
    INSERT INTO better_auth.apikey (id, "configId", "referenceId", key, enabled, "rateLimitEnabled", "requestCount", "createdAt", "updatedAt")
        SELECT lpad(i::text, 32, 'K'), 'default', lpad(i::text, 32, 'U'),
            rtrim(translate(encode(sha256((md5('k' || i) || md5('l' || i))::bytea), 'base64'), '+/', '-_'), '='), true, false, 0, now(), now()
        FROM generate_series(1, 1000) i`;

export async function apiKeys() {
    const forget = () => db.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
    await forget();
    await db.query(`CREATE DATABASE ${database} ENCODING 'UTF8' TEMPLATE template0`);
    try {
        const filling = await connection({ database });
        await filling.query('CREATE EXTENSION better_auth');
        await filling.query(`LOAD 'better_auth'`);
        for (const [name, value] of Object.entries(SETTINGS)) {
            await filling.query(`ALTER DATABASE ${database} SET better_auth.${name} = '${value}'`);
        }
        await filling.end();
        const filled = await connection({ database });
        for (const statement of FILL.split(/;\s*\n/)) await filled.query(statement);
        await filled.query('VACUUM (ANALYZE)');
        await filled.end();
        const node = async (time) => Number(await output(process.execPath, [here('api-key-node.mjs'), String(time)], {
            env: { ...process.env, PGDATABASE: database, NODE_ENV: 'production' },
        }));
        const ours = script('verify_api_key', { database });
        for (const task of [ours, node]) await task(1);
        const rate = await inTurns(5, { ours: () => ours(seconds), node: () => node(seconds) });
        times('verify_api_key() | Better Auth on Node, auth.api.verifyApiKey', '/s', rate.ours, rate.node, rate.ours / rate.node, 20);
        // One client, so that a transaction's time is the inverse of the rate.
        const task = (name) => async () => 1e6 / await script(name, { database, clients: 1 })(seconds);
        const took = await inTurns(5, { token: task('token_request'), key: task('key_request'), reading: task('key_read') });
        part('PostgREST\'s GET with a key | with a token', 'µs', took.reading, took.token, 1.3);
        part('PostgREST\'s POST with a key, which is counted | with a token', 'µs', took.key, took.token);
    } finally {
        await forget();
    }
}
