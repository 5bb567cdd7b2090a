// Sign-in with a provider: by an id token, and by a callback without the provider's own time, against Better Auth on Node.
import { generateKeyPairSync, sign } from 'node:crypto';
import { connection, db, inTurns, seconds } from '../measure.mjs';
import { here, output, script } from '../programs.mjs';
import { times } from '../table.mjs';

const database = `${process.env.PGDATABASE}_social`;
const USERS = 1000;
const CLIENT = 'bench.apps.googleusercontent.com';

/** RS256, as Google signs. */
function google() {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const now = Math.floor(Date.now() / 1000);
    const token = (n) => {
        const claims = {
            iss: 'https://accounts.google.com', aud: CLIENT, azp: CLIENT, sub: String(1e20 + n), email: `user${n}@example.com`,
            email_verified: true, name: `User ${n}`, picture: `https://lh3.example/${n}.jpg`, given_name: 'User', family_name: String(n),
            iat: now, exp: now + 3600,
        };
        const signed = `${encode({ alg: 'RS256', kid: 'bench', typ: 'JWT' })}.${encode(claims)}`;
        return `${signed}.${sign('sha256', signed, privateKey).toString('base64url')}`;
    };
    const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'bench', use: 'sig', alg: 'RS256' }] };
    return { jwks, tokens: Array.from({ length: USERS }, (_, n) => token(n + 1)) };
}

/** What a layer sends and gets, in SQL: a step of a callback is a statement, as the layer's are. */
const FUNCTIONS = `
    CREATE SCHEMA bench;
    CREATE TABLE bench.token (n int PRIMARY KEY, token text NOT NULL);
    CREATE FUNCTION bench.request(method text, url text, body jsonb, cookie text) RETURNS jsonb LANGUAGE sql AS $$
        SELECT jsonb_build_object('method', method, 'url', url, 'fetch', true, 'body', body::text, 'headers', jsonb_strip_nulls(
            jsonb_build_object('host', '127.0.0.1:3000', 'content-type', 'application/json', 'x-forwarded-for', '203.0.113.7', 'cookie', cookie)))
    $$;
    CREATE FUNCTION bench.by_token(n int) RETURNS jsonb LANGUAGE sql AS $$
        SELECT bench.request('POST', '/api/auth/sign-in/social', jsonb_build_object('provider', 'google',
            'idToken', jsonb_build_object('token', t.token)), NULL) FROM bench.token t WHERE t.n = by_token.n
    $$;
    CREATE FUNCTION bench.begin() RETURNS jsonb LANGUAGE sql AS $$
        SELECT bench.request('POST', '/api/auth/sign-in/social', '{"provider": "google", "callbackURL": "/"}', NULL)
    $$;
    CREATE FUNCTION bench.back(answer jsonb) RETURNS jsonb LANGUAGE sql AS $$
        SELECT bench.request('GET', '/api/auth/callback/google?code=4/0Ab&state='
            || substring((answer ->> 'body')::jsonb ->> 'url' FROM '[?&]state=([^&]+)'), NULL,
            (SELECT split_part(header ->> 1, ';', 1) FROM jsonb_array_elements(answer -> 'headers') header WHERE header ->> 0 = 'set-cookie' LIMIT 1))
    $$;
    CREATE FUNCTION bench.tokens(n int) RETURNS jsonb LANGUAGE sql AS $$
        SELECT jsonb_build_object('status', 200, 'headers', '{}'::jsonb, 'body', jsonb_build_object('access_token', 'ya29.a0AfB', 'expires_in', 3599,
            'scope', 'openid email profile', 'token_type', 'Bearer', 'id_token', t.token)::text) FROM bench.token t WHERE t.n = tokens.n
    $$;
    CREATE FUNCTION bench.expect(answer jsonb, status int) RETURNS int LANGUAGE plpgsql AS $$
        BEGIN
            IF (answer ->> 'status')::int IS DISTINCT FROM status THEN RAISE EXCEPTION 'not %: %', status, answer; END IF;
            RETURN status;
        END
    $$`;

export async function social() {
    const forget = () => db.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
    await forget();
    await db.query(`CREATE DATABASE ${database} ENCODING 'UTF8' TEMPLATE template0`);
    try {
        const client = await connection({ database });
        await client.query('CREATE EXTENSION better_auth');
        await client.query(`LOAD 'better_auth'`);
        for (const [name, value] of Object.entries({ rate_limit: 'off', base_url: 'http://127.0.0.1:3000' })) {
            await client.query(`ALTER DATABASE ${database} SET better_auth.${name} = '${value}'`);
        }
        const { jwks, tokens } = google();
        await client.query(`SELECT better_auth.set_secret('cookie', 'a cookie secret of the benchmarks, 45 bytes..')`);
        await client.query(`SELECT better_auth.set_oauth_provider('google', $1, 'secret')`, [CLIENT]);
        await client.query(`SELECT better_auth.set_provider_keys('https://accounts.google.com', $1)`, [JSON.stringify(jwks)]);
        await client.query(FUNCTIONS);
        await client.query('INSERT INTO bench.token SELECT * FROM unnest($1::int[], $2::text[])', [tokens.map((_, n) => n + 1), tokens]);
        await client.end();
        const filled = await connection({ database }); // with the settings
        // Everybody has an account: what is measured is a sign-in.
        await filled.query('SELECT bench.expect(better_auth.handler(bench.by_token(n)), 200) FROM bench.token');
        await filled.query('VACUUM (ANALYZE)');
        await filled.end();
        const node = (kind) => async (time) => Number(await output(process.execPath, [here('social-node.mjs'), kind, String(time)], {
            env: { ...process.env, PGDATABASE: database, NODE_ENV: 'production', BENCH_JWKS: JSON.stringify(jwks), BENCH_CLIENT: CLIENT },
        }));
        for (const [kind, figure, least] of [
            ['id_token', 'sign-in/social with an id token | Better Auth on Node', 15],
            ['callback', 'sign-in/social and its callback, without the provider’s time | Better Auth on Node', 5],
        ]) {
            const [ours, theirs] = [script(`social_${kind}`, { database }), node(kind)];
            for (const task of [ours, theirs]) await task(1);
            const rate = await inTurns(5, { ours: () => ours(seconds), theirs: () => theirs(seconds) });
            times(figure, '/s', rate.ours, rate.theirs, rate.ours / rate.theirs, least);
        }
    } finally {
        await forget();
    }
}
