// A load of GET /api/auth/get-session on 4 kept-alive connections: load.mjs <url> <seconds>, with the
// Cookie headers as JSON on standard input. Prints requests per second.
import { Agent, get } from 'node:http';
import { text } from 'node:stream/consumers';

const [, , base, seconds] = process.argv;
const cookies = JSON.parse(await text(process.stdin));
const connections = 4;
const agent = new Agent({ keepAlive: true, maxSockets: connections });

function once(cookie) {
    return new Promise((resolve, reject) => {
        get(`${base}/api/auth/get-session`, { agent, headers: { cookie } }, async (response) => {
            const body = await text(response);
            const found = response.statusCode === 200 && body.startsWith('{');
            found ? resolve() : reject(new Error(`get-session: ${response.statusCode} ${body}`));
        }).on('error', reject);
    });
}

let done = 0;
const start = performance.now();
const end = start + seconds * 1000;
await Promise.all(Array.from({ length: connections }, async (_, connection) => {
    for (let turn = connection; performance.now() < end; turn += connections) {
        await once(cookies[turn % cookies.length]);
        done += 1;
    }
}));
console.log(done / ((performance.now() - start) / 1000));
agent.destroy();
