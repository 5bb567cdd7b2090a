// The HTTP layer without a database: the bridge of examples/http-layer on a pool that has BENCH_ANSWER for every
// request. Prints its URL.
import { createServer } from 'node:http';
import { authHandler } from '../examples/http-layer/bridge.mjs';

const client = {
    on() {},
    off() {},
    release() {},
    query: async () => ({ rows: [{ answer: JSON.parse(process.env.BENCH_ANSWER) }] }),
};
const pool = { waitingCount: 0, connect: async () => client };
const server = createServer((request, response) => authHandler(pool, request, response));
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
