// The README's recipe for pg_cron.

import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { initialise, lacks, ownServer, signUp } from './lib.mjs';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

test('pg_cron purges what has expired', { skip: lacks('pg_cron') }, async (t) => {
  const [, settings] = /## Maintenance\n([^]*?)```/.exec(README);
  const lines = [...settings.matchAll(/`((?:shared_preload_libraries|cron\.\w+) = [^`]+)`/g)].map(([, line]) => `${line}\n`);
  assert.equal(lines.length, 2);
  const own = await ownServer(t, async (data, as) => {
    await initialise(data, as);
    appendFileSync(join(data, 'postgresql.conf'), lines.join(''));
  });
  const client = await own.connect();
  t.after(() => client.end());
  await client.query('CREATE EXTENSION better_auth');
  const { token } = await signUp(client);
  const { token: kept } = await signUp(client);
  await client.query(`UPDATE better_auth.session SET "expiresAt" = now() - interval '1 day' WHERE token = $1`, [token]);
  const [, recipe] = /```sql\n(CREATE EXTENSION pg_cron;[^]*?)```/.exec(README);
  assert.match(recipe, /\*\/10 \* \* \* \*/);
  await client.query(recipe.replace('*/10 * * * *', '* * * * *'));
  // pg_cron knows no less than a minute.
  const runs = () => client.query('SELECT status, return_message FROM cron.job_run_details WHERE end_time IS NOT NULL');
  let seen = [];
  for (const end = Date.now() + 240_000; Date.now() < end && seen.length === 0; await sleep(1000)) {
    seen = (await runs()).rows;
  }
  assert.equal(seen[0]?.status, 'succeeded', JSON.stringify(seen));
  assert.deepEqual(await client.column('SELECT token FROM better_auth.session'), [kept]);
});
