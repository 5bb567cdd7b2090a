// Sign-in by username.
import { request } from '../http.mjs';
import { db } from '../measure.mjs';
import { besideHash } from './passwords.mjs';

export async function username() {
    const password = 'correct horse battery';
    await db.query(`SET better_auth.plugins = 'username'`);
    try {
        await db.query('SELECT * FROM better_auth.migrate()');
        await db.query(`UPDATE better_auth."user" SET username = 'ada' WHERE email = 'ada@example.com'`);
        const post = (name) => {
            const body = JSON.stringify({ username: name, password });
            return `better_auth.handler(${db.escapeLiteral(request('/api/auth/sign-in/username', 1, { method: 'POST', cookie: null, body }))})`;
        };
        const calls = { hash: `better_auth.hash_password('${password}')`, known: post('ada'), unknown: post('nobody') };
        for (const [name, status] of [['known', '200'], ['unknown', '401']]) {
            const { rows } = await db.query(`SELECT ${calls[name]}->>'status' AS status`);
            if (rows[0].status !== status) throw new Error(`sign-in/username gives ${rows[0].status}, not ${status}`);
        }
        await besideHash(calls, {
            known: ['handler, sign-in/username', 1.03],
            unknown: ['handler, sign-in/username of an unknown name', 1.03],
        });
    } finally {
        await db.query('RESET better_auth.plugins');
    }
}
