// Better Auth on Node, as its documentation sets it up, on the same tables. Prints its URL.
import { createServer } from 'node:http';
import { load } from './node_modules.mjs';

const { betterAuth } = await load('better-auth');
const { toNodeHandler } = await load('better-auth/node');
const { default: pg } = await load('pg');

let handler;
const server = createServer((request, response) => handler(request, response));
server.listen(0, '127.0.0.1', () => {
    const url = `http://127.0.0.1:${server.address().port}`;
    handler = toNodeHandler(betterAuth({
        baseURL: url,
        secret: process.env.BENCH_COOKIE_SECRET,
        database: new pg.Pool({ options: '-c search_path=better_auth,public' }),
        emailAndPassword: { enabled: true },
        rateLimit: { enabled: false },
        logger: { disabled: true },
        telemetry: { enabled: false },
    }));
    console.log(url);
});
