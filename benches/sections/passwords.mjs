// Hashes and sign-ins.
import { request } from '../http.mjs';
import { busy } from '../linux.mjs';
import { backendOf, callsInTurns, db, inTurns, percentile } from '../measure.mjs';
import { notGiven, part } from '../table.mjs';

export async function passwords() {
    await hash();
    await signIn();
}

const password = `'correct horse battery'`;

async function hash() {
    const figure = 'hash_password, argon2id | Debian\'s libargon2';
    try {
        if (process.env.BENCH_C_FAULT) throw new Error(process.env.BENCH_C_FAULT);
        // Each verifies what the other makes, or one does less.
        const { rows: [{ same }] } = await db.query(
            `SELECT better_auth.verify_password_hash(${password}, bench.libargon2(${password})) AS same`);
        if (!same) throw new Error('libargon2 makes another hash');
    } catch ({ message }) {
        notGiven(figure, '', message);
        return;
    }
    const took = await callsInTurns(100, {
        ours: `better_auth.hash_password(${password})`, peer: `bench.libargon2(${password})`,
    });
    part(figure, 'ms', took.ours, took.peer, 0.75);
}

async function signIn() {
    const body = JSON.stringify({ email: 'ada@example.com', password: 'correct horse battery' });
    const post = db.escapeLiteral(request('/api/auth/sign-in/email', 1, { method: 'POST', cookie: null, body }));
    const calls = {
        hash: `better_auth.hash_password(${password})`,
        signIn: `better_auth.sign_in_email('ada@example.com', ${password})`,
        handler: `better_auth.handler(${post})`,
    };
    const { rows: [{ status }] } = await db.query(`SELECT ${calls.handler}->>'status' AS status`);
    if (status !== '200') throw new Error(`signing in through handler() gives ${status}`);

    await besideHash(calls, { signIn: ['sign_in_email', 1.03], handler: ['handler, sign-in', 1.05] });
}

/** Measures sign-ins, which are SQL expressions, against `calls.hash`: a row each of `figures`, with its bar. */
export async function besideHash(calls, figures) {
    const took = await callsInTurns(200, calls);

    // Other work on the machine isn't in a process's own time on a processor.
    const backend = await backendOf(db);
    const spent = Object.fromEntries(Object.keys(calls).map((name) => [name, []]));
    const statement = (name) => async () => {
        const [start, busyBefore] = [performance.now(), busy(backend)];
        await db.query({ name: `beside ${calls[name].length} ${name}`, text: `SELECT ${calls[name]}` });
        spent[name].push(busy(backend) - busyBefore);
        return performance.now() - start;
    };
    const seen = await inTurns(80, Object.fromEntries(Object.keys(calls).map((name) => [name, statement(name)])));
    const busied = Object.fromEntries(Object.entries(spent).map(([name, values]) => [name, percentile(values)]));
    for (const [name, [figure, most]] of Object.entries(figures)) {
        part(`${figure} | hash_password`, 'ms', took[name], took.hash, most);
        if (!Number.isNaN(busied.hash)) part('  the same in processor time', 'ms', busied[name], busied.hash);
        part('  as the client sees it, commit included', 'ms', seen[name], seen.hash);
    }
}
