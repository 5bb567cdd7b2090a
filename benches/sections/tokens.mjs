// Signing and verifying tokens, against pgjwt, and minting against what it can't do without.
import { jwtSecret } from '../http.mjs';
import { db, execution, inTurns, seconds } from '../measure.mjs';
import { output, script } from '../programs.mjs';
import { notGiven, over, part, times } from '../table.mjs';

export async function tokens() {
    await sign();
    await verify();
    await mint();
}

const net = ({ ours, peer, oursNothing, peerNothing }) => [ours - oursNothing, peer - peerNothing];

function report(figure, cost, least) {
    const [ours, peer] = net(cost);
    times(figure, 'µs', ours, peer, peer / ours, least);
}

async function sign() {
    // Both sign tokens that verify, or the figure would mean nothing.
    await db.query(
        `SELECT better_auth.verify_jwt(better_auth.sign_jwt(ours)),
                better_auth.verify_jwt(pgjwt.sign((peers::jsonb || '{"aud": "insforge-api"}')::json, $1))
         FROM bench.claims`, [jwtSecret]);

    const exp = Math.floor(Date.now() / 1000) + 86_400;
    const object = `build_object('sub', i::text, 'role', 'authenticated', 'exp', ${exp}::bigint)`;
    const sources = {
        built: { ours: `jsonb_${object}`, peers: `json_${object}`, nothing: 'i', from: (n) => `generate_series(1, ${n}) i` },
        column: { ours: 'c.ours', peers: 'c.peers', nothing: 'c.ours', from: (n) => `bench.claims c, generate_series(1, ${n}) i` },
    };
    const cost = {};
    for (const [name, { ours, peers, nothing, from }] of Object.entries(sources)) {
        // Microseconds a row.
        const task = (n, what) => async () => (await execution(`SELECT count(${what}) FROM ${from(n)}`)) * 1000 / n;
        cost[name] = await inTurns(21, {
            ours: task(20_000, `better_auth.sign_jwt(${ours})`),
            peer: task(2_000, `pgjwt.sign(${peers}, '${jwtSecret}', 'HS256')`),
            oursNothing: task(20_000, nothing),
            peerNothing: task(2_000, nothing),
            oursArgument: task(20_000, ours),
            peerArgument: task(20_000, peers),
        });
    }
    const { built, column } = cost;
    report('sign_jwt, claims from a column | pgjwt sign', column, 20);
    report('sign_jwt, 3 claims built a row | pgjwt sign', built, 20);
    report('  floor: building 3 claims alone, jsonb | json', {
        ours: built.oursArgument, oursNothing: built.oursNothing, peer: built.peerArgument, peerNothing: built.oursNothing,
    });
    const rate = await inTurns(3, {
        ours: () => script('sign_jwt')(seconds),
        peer: () => script('pgjwt_sign')(seconds),
    });
    times('  one token a statement, by pgbench', '/s', rate.ours, rate.peer, rate.ours / rate.peer);
}

async function verify() {
    const [all, some] = [20_000, 2_000];
    const pgjwt = `SELECT count(v.payload) FILTER (WHERE v.valid) FROM (SELECT * FROM bench.token LIMIT ${some}) t,
        pgjwt.verify(t.token, '${jwtSecret}', 'HS256') v`;
    const { rows: [{ count }] } = await db.query(pgjwt);
    if (Number(count) !== some) throw new Error(`pgjwt takes ${count} tokens of ${some}`);
    const task = (n, query) => async () => (await execution(query)) * 1000 / n;
    const nothing = (n) => `SELECT count(token) FROM (SELECT * FROM bench.token LIMIT ${n}) t`;
    report('verify_jwt, jsonb out | pgjwt verify', await inTurns(21, {
        ours: task(all, 'SELECT count(better_auth.verify_jwt(token)) FROM bench.token'),
        peer: task(some, pgjwt),
        oursNothing: task(all, nothing(all)),
        peerNothing: task(some, nothing(some)),
    }), 15);
}

/** Ours in nanoseconds a token, as benches/crypto/ measures it with the extension's own source. */
async function mint() {
    const figure = 'a bridge token minted, in Rust | keyed HMAC, base64';
    if (process.env.BENCH_CRYPTO_FAULT) {
        notGiven(figure, '', process.env.BENCH_CRYPTO_FAULT);
        return;
    }
    const { mint, bare, eddsaMint, eddsaBare, totp, hashes, passkey, es256, idToken, rs256 } = JSON.parse(await output(process.env.BENCH_CRYPTO, []));
    part(figure, 'µs', mint / 1000, bare / 1000, 2);
    const n = 20_000;
    const task = (what) => async () =>
        (await execution(`SELECT count(${what}) FROM generate_series(1, ${n}) i`)) * 1000 / n;
    const call = await inTurns(21, { ours: task('better_auth.service_token(i::text)'), nothing: task('i::text') });
    over('a code of an authenticator app verified without its rows, in Rust | nothing', 'µs', totp / 1000, 0, 5);
    part('  the same | its three HMACs', 'µs', totp / 1000, hashes / 1000);
    part('a bridge token by EdDSA, in Rust | the bare signature', 'µs', eddsaMint / 1000, eddsaBare / 1000, 1.2);
    part('a passkey of ES256 verified, in Rust | the bare signature', 'µs', passkey / 1000, es256 / 1000, 1.2);
    part('an id token of RS256 verified, in Rust | the bare signature', 'µs', idToken / 1000, rs256 / 1000, 1.2);
    part('  service_token(), a whole call | the same', 'µs', call.ours - call.nothing, bare / 1000);
}
