// The requests that all sides get, and the sides that are servers.
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inDirectory, output, pgbench } from './programs.mjs';

export const cookieSecret = 'a cookie secret of the benchmarks, 45 bytes..';
export const jwtSecret = 'a jwt secret of the benchmarks, 42 bytes..';
export const getSession = '/api/auth/get-session';
export const bridge = '/api/insforge-token';

const token = (session) => String(session).padStart(32, 'A');

/** Better Auth's cookie. */
export function signedCookie(session) {
    const signature = createHmac('sha256', cookieSecret).update(token(session)).digest('base64');
    return `better-auth.session_token=${encodeURIComponent(`${token(session)}.${signature}`)}`;
}

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
    const type = body === null ? {} : { origin: `http://${host}`, 'content-type': 'application/json' };
    return JSON.stringify({
        method, url: `http://${host}${path}`, headers: { ...headers(host, session, cookie), ...type }, body,
    });
}

// Each is a script of its own to pgbench, which a hundred of them would slow down.
const sessions = Array.from({ length: 25 }, (_, index) => index * 200 + 1);

/**
 * Calls handler() by pgbench, each of the requests a parameter as text; gives requests a second. `path` and `body` may be
 * functions of the session.
 */
export function handler(path, settings = [], { method, body, ...options } = {}) {
    const variables = sessions.flatMap((session, index) =>
        ['-D', `request${index}=${request(of(path, session), session, { method, body: of(body, session) ?? null })}`]);
    return (time) => inDirectory((directory) => {
        const scripts = sessions.flatMap((_, index) => {
            const file = join(directory, `${index}.sql`);
            writeFileSync(file, `SELECT better_auth.handler(:request${index});\n`);
            return ['-f', file];
        });
        return pgbench(time, [...variables, ...scripts], { settings, ...options });
    });
}
const of = (value, session) => (typeof value === 'function' ? value(session) : value);

/** A server that prints its URL, with other words before it: `load(path)` gives what loads it, `stop()` ends it. */
export async function server(cookie, command, args, env) {
    const child = spawn(command, args, {
        env: { ...process.env, BENCH_COOKIE_SECRET: cookieSecret, BENCH_JWT_SECRET: jwtSecret, ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}`);
    const { host } = new URL(String(line).trim().split(' ').at(-1));
    const load = (path, { method = 'GET', body } = {}) => {
        const requests = sessions.map((session) => {
            const text = of(body, session) ?? '';
            const more = text && { origin: `http://${host}`, 'content-type': 'application/json', 'content-length': text.length };
            const lines = Object.entries({ ...headers(host, session, cookie(session)), ...more }).map(([name, value]) => `${name}: ${value}\r\n`);
            return `${method} ${of(path, session)} HTTP/1.1\r\n${lines.join('')}\r\n${text}`;
        });
        return async (time) =>
            Number(await output(process.env.BENCH_LOAD, [host, String(time)], { input: requests.join('') }));
    };
    return { load, stop: () => child.kill() };
}
