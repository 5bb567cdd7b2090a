// The requests that all sides get, and the sides that are servers.
import { execFile, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const cookieSecret = 'a cookie secret of the benchmarks, 45 bytes..';
export const jwtSecret = 'a jwt secret of the benchmarks, 42 bytes..';
export const getSession = '/api/auth/get-session';
export const bridge = '/api/insforge-token';

/** What a program prints, given `input`. */
async function output(command, args, { input = '', ...options } = {}) {
    const running = promisify(execFile)(command, args, options);
    running.child.stdin.end(input);
    try {
        return (await running).stdout;
    } catch ({ code, signal, stderr }) {
        throw new Error(`${command} ended with ${code ?? signal}: ${stderr}`); // its arguments are long
    }
}

const token = (session) => String(session).padStart(32, 'A');

/** Better Auth's cookie. */
export function signedCookie(session) {
    const signature = createHmac('sha256', cookieSecret).update(token(session)).digest('base64');
    return `better-auth.session_token=${encodeURIComponent(`${token(session)}.${signature}`)}`;
}

/** better-auth-rs doesn't sign its cookie. */
export const plainCookie = (session) => `better-auth.session-token=${token(session)}`;

const headers = (host, session, cookie) => ({
    host,
    'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
    accept: '*/*',
    'x-forwarded-for': `10.0.${session >> 8}.${session & 255}`,
    ...cookie && { cookie },
});

/** A request as an HTTP layer hands it to handler(). */
export function request(path, session, { method = 'GET', cookie = signedCookie(session), body = null } = {}) {
    const host = '127.0.0.1:3000'; // as setup.sql has it in base_url
    const type = body === null ? {} : { 'content-type': 'application/json' };
    return JSON.stringify({
        method, url: `http://${host}${path}`, headers: { ...headers(host, session, cookie), ...type }, body,
    });
}

// Each is a script of its own to pgbench, which a hundred of them would slow down.
const sessions = Array.from({ length: 25 }, (_, index) => index * 200 + 1);

/** Calls handler() by pgbench, each of the requests a parameter as text; gives requests a second. */
export function handler(path, options = []) {
    const variables = sessions.flatMap((session, index) => ['-D', `request${index}=${request(path, session)}`]);
    return async (time) => {
        const directory = mkdtempSync(join(tmpdir(), 'better_auth_bench.'));
        try {
            const scripts = sessions.flatMap((_, index) => {
                const file = join(directory, `${index}.sql`);
                writeFileSync(file, `SELECT better_auth.handler(:request${index});\n`);
                return ['-f', file];
            });
            return await pgbench(time, [...variables, ...scripts], options);
        } finally {
            rmSync(directory, { recursive: true });
        }
    };
}

/** Transactions a second. */
export async function pgbench(time, args, options = []) {
    const result = await output(join(process.env.PGBIN, 'pgbench'), [
        '--no-vacuum', '--protocol=prepared', '--client=4', `--time=${time}`, ...args,
    ], { env: { ...process.env, PGOPTIONS: [process.env.PGOPTIONS, ...options].join(' ') } });
    if (!/number of failed transactions: 0 /.test(result)) throw new Error(`pgbench failed: ${result}`);
    return Number(/^tps = ([\d.]+)/m.exec(result)[1]);
}

/** A server that prints its URL, with other words before it: `load(path)` gives what loads it, `stop()` ends it. */
export async function server(cookie, command, args, env) {
    const child = spawn(command, args, {
        env: { ...process.env, BENCH_COOKIE_SECRET: cookieSecret, BENCH_JWT_SECRET: jwtSecret, ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}`);
    const { host } = new URL(String(line).trim().split(' ').at(-1));
    const load = (path) => {
        const requests = sessions.map((session) => {
            const lines = Object.entries(headers(host, session, cookie(session))).map(([name, value]) => `${name}: ${value}\r\n`);
            return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
        });
        return async (time) =>
            Number(await output(process.env.BENCH_LOAD, [host, String(time)], { input: requests.join('') }));
    };
    return { load, stop: () => child.kill() };
}
