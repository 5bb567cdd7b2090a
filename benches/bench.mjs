// Measures, prints the table and writes the plot. `bench.mjs [SECTION...]` measures these alone.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { db } from './measure.mjs';
import { plot } from './plot.mjs';
import { here } from './programs.mjs';
import { admin } from './sections/admin.mjs';
import { apiKeys } from './sections/api_keys.mjs';
import { codes } from './sections/codes.mjs';
import { flood } from './sections/flood.mjs';
import { growth } from './sections/growth.mjs';
import { memory } from './sections/memory.mjs';
import { organizations } from './sections/organizations.mjs';
import { passwords } from './sections/passwords.mjs';
import { plugins } from './sections/plugins.mjs';
import { postgrest } from './sections/postgrest.mjs';
import { purge } from './sections/purge.mjs';
import { requests } from './sections/requests.mjs';
import { rowSecurity } from './sections/row_security.mjs';
import { search } from './sections/search.mjs';
import { social } from './sections/social.mjs';
import { storm } from './sections/storm.mjs';
import { tokens } from './sections/tokens.mjs';
import { username } from './sections/username.mjs';
import { print, rows } from './table.mjs';

const sections = {
    rowSecurity, tokens, passwords, username, requests, postgrest, memory, flood, growth, purge, storm, search, plugins, codes, admin, organizations, apiKeys, social,
};
const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(sections);
for (const name of wanted) {
    if (!(name in sections)) throw new Error(`no section ${name}; there are ${Object.keys(sections).join(', ')}`);
}

const { rows: [{ version }] } = await db.query(`SELECT current_setting('server_version') AS version`);
const loadNow = () => loadavg()[0].toFixed(2);
const machine = `PostgreSQL ${version}, Node ${process.version}, ${cpus().length} CPUs`;
const before = loadNow();
for (const name of wanted) {
    const start = performance.now();
    await sections[name]();
    console.error(`${name}: ${Math.round((performance.now() - start) / 1000)} s`);
}
await db.end();

console.log(`${machine}; load ${before} before, ${loadNow()} after. Above the number of CPUs, other work blurs the figures.`);
console.log(`pgjwt: ${process.env.PGJWT_SQL ?? 'pgjwt-equivalent.sql'}\n`);
print();
mkdirSync(here('../target/bench'), { recursive: true });
writeFileSync(here('../target/bench/bench.svg'), plot(rows, machine));
console.log('\nThe plot: target/bench/bench.svg');
