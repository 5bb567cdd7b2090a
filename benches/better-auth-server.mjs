// Better Auth on Node, as its documentation sets it up, on the same tables, and the InsForge scaffold's
// bridge route. Prints its URL. BENCH_RATE_LIMIT: with rate limits kept in the database, too high to reach.
// BENCH_ORGANIZATIONS: with its organization plugin.
import { createServer } from 'node:http';
import { load } from './node_modules.mjs';

const { betterAuth } = await load('better-auth');
const { organization } = await load('better-auth/plugins');
const { fromNodeHeaders, toNodeHandler } = await load('better-auth/node');
const { default: jwt } = await load('jsonwebtoken');
const { default: pg } = await load('pg');

const { BENCH_COOKIE_SECRET, BENCH_JWT_SECRET, BENCH_RATE_LIMIT, BENCH_ORGANIZATIONS } = process.env;
let auth, handler;

async function bridge(request, response) {
    const session = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) });
    const token = session && jwt.sign({ sub: session.user.id, role: 'authenticated', aud: 'insforge-api' },
        BENCH_JWT_SECRET, { algorithm: 'HS256', expiresIn: '1h' });
    response.writeHead(token ? 200 : 401, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify(token ? { token } : { error: 'not signed in' }));
}

const server = createServer((request, response) =>
    request.url === '/api/insforge-token' ? bridge(request, response) : handler(request, response));
server.listen(0, '127.0.0.1', () => {
    const url = `http://127.0.0.1:${server.address().port}`;
    auth = betterAuth({
        baseURL: url,
        secret: BENCH_COOKIE_SECRET,
        database: new pg.Pool({ options: '-c search_path=better_auth,public' }),
        emailAndPassword: { enabled: true },
        plugins: BENCH_ORGANIZATIONS ? [organization()] : [],
        rateLimit: BENCH_RATE_LIMIT ? { enabled: true, storage: 'database', max: 1_000_000 } : { enabled: false },
        logger: { disabled: true },
        telemetry: { enabled: false },
    });
    handler = toNodeHandler(auth);
    console.log(url);
});
