// What a backend keeps.
import { bridge, getSession, request, signedCookie } from '../http.mjs';
import { lazilyFree, ownMemory, residentMemory } from '../linux.mjs';
import { backendOf, connection } from '../measure.mjs';
import { part } from '../table.mjs';

export async function memory() {
    await afterSignIns();
    await afterRequests();
}

/** What 1,000 sign-ins leave in a backend, against what ten have. */
async function afterSignIns() {
    const backend = await connection();
    const pid = await backendOf(backend);
    const measured = async (count) => {
        for (let done = 0; done < count; done += 1) {
            await backend.query(`SELECT better_auth.sign_in_email('ada@example.com', 'correct horse battery')`);
        }
        return { resident: residentMemory(pid), own: ownMemory(pid), lazy: lazilyFree(pid) };
    };
    const early = await measured(10);
    const late = await measured(990);
    await backend.end();
    if (Number.isNaN(early.resident)) return;
    part('sign_in_email, a backend\'s resident memory after 1,000 | 10', 'MB', late.resident, early.resident, 1.1);
    part('  its own, without shared buffers and files', 'MB', late.own, early.own);
    part('  and without what the kernel may take', 'MB', late.own - late.lazy, early.own - early.lazy);
}

/** What 100,000 requests leave in a backend, against what the first thousand have. */
async function afterRequests() {
    const backend = await connection();
    const pid = await backendOf(backend);
    const signIn = (body) => request('/api/auth/sign-in/email', 1, { method: 'POST', cookie: null, body });
    // With the status and how the body begins.
    const failing = [
        [request(getSession, 1, { cookie: `${signedCookie(1)}x` }), '200 n'],
        [request(getSession, 1, { cookie: 'better-auth.session_token=%zz; =; ;' }), '200 n'],
        [request(getSession, 5001), '200 n'], // well signed, no such session
        [request(bridge, 5001), '401 {'],
        [request('/api/auth/nowhere', 1), '404 '],
        [request('/elsewhere', 1), '404 '],
        [signIn('{"email":'), '400 {'],
        [signIn('[]'), '400 {'],
        [signIn('{"email": "nobody"}'), '400 {'],
        [signIn('{"email": "nobody", "password": "a password"}'), '400 {'],
    ];
    let count = 0;
    const upTo = async (last) => {
        for (; count < last; count += 1) {
            // One in ten fails; the rest goes through all sessions.
            const [text, outcome] = count % 10 === 9
                ? failing[Math.floor(count / 10) % failing.length]
                : [request(count % 2 ? getSession : bridge, count % 5000 + 1), '200 {'];
            const { rows: [{ response }] } = await backend.query({
                name: 'handler', text: 'SELECT better_auth.handler($1) AS response', values: [text],
            });
            if (`${response.status} ${response.body.slice(0, 1)}` !== outcome) {
                throw new Error(`${JSON.stringify(response)} to ${text}`);
            }
        }
    };
    await upTo(1_000);
    const early = ownMemory(pid);
    await upTo(100_000);
    if (!Number.isNaN(early)) part('handler, a backend\'s memory after 100,000 | 1,000', 'MB', ownMemory(pid), early, 1.05);
    await backend.end();
}
