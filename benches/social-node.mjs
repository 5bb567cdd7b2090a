// Better Auth on Node signs in with Google, four at once, for so many seconds; prints how many a second. By `auth.handler`:
// an HTTP server around it would only add to it. Google answers at once.
import { load } from './node_modules.mjs';

const { betterAuth } = await load('better-auth');
const { default: pg } = await load('pg');

const [kind, time] = process.argv.slice(2);
const { BENCH_JWKS, BENCH_CLIENT } = process.env;
const pool = new pg.Pool({ options: '-c search_path=better_auth,public', max: 4 });
const { rows: tokens } = await pool.query('SELECT token FROM bench.token ORDER BY n');
const json = (text) => new Response(text, { headers: { 'content-type': 'application/json' } });
globalThis.fetch = async (input, init) => {
    const url = String(input.url ?? input);
    if (url.startsWith('https://www.googleapis.com/oauth2/v3/certs')) return json(BENCH_JWKS);
    if (!url.startsWith('https://oauth2.googleapis.com/token')) throw new Error(`nobody is at ${url}`);
    const token = tokens[Number(new URLSearchParams(String(init.body)).get('code')) - 1].token;
    return json(JSON.stringify({ access_token: 'ya29.a0AfB', expires_in: 3599, scope: 'openid email profile', token_type: 'Bearer', id_token: token }));
};
const auth = betterAuth({
    baseURL: 'http://127.0.0.1:3000',
    secret: 'a cookie secret of the benchmarks, 45 bytes..',
    database: pool,
    socialProviders: { google: { clientId: BENCH_CLIENT, clientSecret: 'secret' } },
    rateLimit: { enabled: false },
    logger: { disabled: true },
    telemetry: { enabled: false },
});
const ORIGIN = 'http://127.0.0.1:3000';
const ask = async (path, init, status) => {
    const response = await auth.handler(new Request(`${ORIGIN}/api/auth${path}`, init));
    if (response.status !== status) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
};
const post = (body) => ask('/sign-in/social', { method: 'POST', headers: { 'content-type': 'application/json', origin: ORIGIN }, body: JSON.stringify(body) }, 200);

const TASKS = {
    id_token: (n) => post({ provider: 'google', idToken: { token: tokens[n - 1].token } }),
    async callback(n) {
        const begun = await post({ provider: 'google', callbackURL: '/' });
        const [cookie] = begun.headers.getSetCookie();
        const state = new URL((await begun.json()).url).searchParams.get('state');
        const response = await ask(`/callback/google?code=${n}&state=${state}`, { headers: { cookie: cookie.split(';', 1)[0] } }, 302);
        if (response.headers.get('location') !== '/') throw new Error(response.headers.get('location'));
    },
};
const end = performance.now() + Number(time) * 1000;
const start = performance.now();
let count = 0;
await Promise.all(Array.from({ length: 4 }, async () => {
    while (performance.now() < end) {
        await TASKS[kind](1 + Math.floor(Math.random() * tokens.length));
        count += 1;
    }
}));
console.log(count / ((performance.now() - start) / 1000));
await pool.end();
