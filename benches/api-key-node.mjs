// Better Auth on Node verifies API keys, four at once, for so many seconds; prints how many a second. By `auth.api`: an
// HTTP server around it would only add to it.
import { load } from './node_modules.mjs';

const { betterAuth } = await load('better-auth');
const { apiKey } = await load('@better-auth/api-key');
const { default: pg } = await load('pg');
const { createHash } = await import('node:crypto');

const pool = new pg.Pool({ options: '-c search_path=better_auth,public', max: 4 });
const auth = betterAuth({
    baseURL: 'http://127.0.0.1:3000',
    secret: 'a cookie secret of the benchmarks, 45 bytes..',
    database: pool,
    plugins: [apiKey({ rateLimit: { enabled: false } })],
    logger: { disabled: true },
    telemetry: { enabled: false },
});
const md5 = (text) => createHash('md5').update(text).digest('hex');
const end = performance.now() + Number(process.argv[2]) * 1000;
const start = performance.now();
let count = 0;
await Promise.all(Array.from({ length: 4 }, async () => {
    while (performance.now() < end) {
        const n = 1 + Math.floor(Math.random() * 1000);
        const { valid, error } = await auth.api.verifyApiKey({ body: { key: md5(`k${n}`) + md5(`l${n}`) } });
        if (!valid) throw new Error(JSON.stringify(error));
        count += 1;
    }
}));
console.log(count / ((performance.now() - start) / 1000));
await pool.end();
