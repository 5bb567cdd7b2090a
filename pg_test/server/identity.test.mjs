// Generated queries give the same with requesting_user_id() as with a function in SQL of the same meaning, in policies and
// in their text. A failure names its seed: IDENTITY_SEED=… IDENTITY_QUERIES=… repeats it. `make soak` is the long run.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Comparison, OURS, describe, prepare } from '../identity/compare.mjs';
import { server } from './lib.mjs';

const QUERIES = Number(process.env.IDENTITY_QUERIES ?? 150);
const SEED = Number(process.env.IDENTITY_SEED ?? Math.floor(Math.random() * 2 ** 31));
// Another function in place of ours, to see the test fail: SQL that makes me().
const ME = process.env.IDENTITY_FUNCTION ?? OURS;

async function comparison(t, me, seed) {
  const role = await server.role(t);
  const { database, client } = await server.database(t);
  const tables = await prepare(client, role, me);
  return new Comparison({ database, client, role, tables, seed });
}

for (const kind of ['select', 'write']) {
  test(`${QUERIES} random statements that ${kind}: no error and no row of difference`, { timeout: Infinity }, async (t) => {
    const one = await comparison(t, ME, SEED);
    while (one.asked < QUERIES && one.failures.length < 5) await one[kind]();
    t.diagnostic(`seed ${SEED}: ${one.asked} statements, ${one.rows} values, ${one.errors} refused by both`);
    assert.equal(one.failures.length, 0, describe(one));
    assert.ok(one.errors < one.asked / 3, `too many statements that fail by themselves: ${one.errors} of ${one.asked}`);
  });
}

test('a function that says another user is noticed', async (t) => {
  for (const wrong of [`SELECT 'u1'`, `SELECT current_setting('request.jwt.claims', true)::json ->> 'sub'`]) {
    const one = await comparison(t, `CREATE FUNCTION me() RETURNS text LANGUAGE sql STABLE AS $$ ${wrong} $$`, 1);
    while (one.asked < 100 && one.failures.length === 0) await one.select();
    assert.notEqual(one.failures.length, 0, wrong);
  }
});
