// Asks each generated query twice, where me() is requesting_user_id() and where it is a function in SQL of the same
// meaning, in one of the ways that a query can be run, and compares what came of it.

import { readFileSync } from 'node:fs';
import { MAJOR, lacks } from '../server/lib.mjs';
import { Queries, random } from './queries.mjs';

const SCHEMA = readFileSync(new URL('schema.sql', import.meta.url), 'utf8');
const HELPER = `CREATE FUNCTION me() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT nullif(nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub', '') $$`;
export const OURS = `CREATE FUNCTION me() RETURNS text LANGUAGE c STABLE LEAKPROOF PARALLEL SAFE
  AS '$libdir/better_auth', 'requesting_user_id_wrapper'`;

const PLANNER = ['enable_nestloop', 'enable_hashjoin', 'enable_mergejoin', 'enable_indexscan', 'enable_bitmapscan', 'enable_seqscan', 'enable_hashagg', 'enable_sort', 'enable_material'];
const PARALLEL = { parallel_setup_cost: 0, parallel_tuple_cost: 0, min_parallel_table_scan_size: 0, min_parallel_index_scan_size: 0, max_parallel_workers_per_gather: 2 };
const JIT = { jit: 'on', jit_above_cost: 0, jit_inline_above_cost: 0, jit_optimize_above_cost: 0 };
// Which of these a statement meets first is the plan's to say.
const REFUSED = new Set(['42501', '23505', '21000', '44000', '23514']);

/** The tables, twice, in schemas `ours` and `helper`. `me` makes the function in the first. */
export async function prepare(client, role, me) {
  const [local, file] = [!lacks('postgres_fdw'), !lacks('file_fdw')];
  const { host, port } = client;
  const database = await client.value('SELECT current_database()');
  for (const [schema, how] of [['ours', me], ['helper', HELPER]]) {
    await client.query(`CREATE SCHEMA ${schema}; SET search_path = ${schema}, public; ${how}; ${SCHEMA}`);
    if (MAJOR >= 15) await client.query(`CREATE VIEW invoker WITH (security_invoker) AS SELECT * FROM by_user WHERE user_id = me() OR id < 20`);
    if (local) {
      await client.query(`CREATE EXTENSION IF NOT EXISTS postgres_fdw SCHEMA public;
        CREATE SERVER loop_${schema} FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '${host}', port '${port}', dbname '${database}');
        CREATE USER MAPPING FOR PUBLIC SERVER loop_${schema} OPTIONS (user '${client.user}', password_required 'false');
        CREATE FOREIGN TABLE remote (id int, user_id text, grp int, val text) SERVER loop_${schema} OPTIONS (schema_name '${schema}', table_name 'remote_rows')`);
    }
    if (file) {
      await client.query(`CREATE EXTENSION IF NOT EXISTS file_fdw SCHEMA public;
        CREATE SERVER files_${schema} FOREIGN DATA WRAPPER file_fdw;
        CREATE FOREIGN TABLE file (id int, user_id text, grp int, val text) SERVER files_${schema}
        OPTIONS (format 'csv', program 'printf "1,u1,1,v1\\n2,u2,2,\\n3,u1,3,v3\\n40,7,4,v4\\n"')`);
    }
    await client.query(`GRANT USAGE ON SCHEMA ${schema} TO ${role}; GRANT ALL ON ALL TABLES IN SCHEMA ${schema} TO ${role}; ANALYZE`);
  }
  const tables = ['plain', 'plain', 'bare', 'by_user', 'by_user', 'by_id', 'by_hash', 'parent', 'barrier', 'united', 'checked'];
  return [...tables, ...(MAJOR >= 15 ? ['invoker'] : []), ...(local ? ['remote'] : []), ...(file ? ['file'] : [])];
}

const claimsOf = (user) => (user === null ? '' : JSON.stringify({ sub: user, role: 'app' }));
const set = (settings) => Object.entries(settings).map(([name, value]) => `SET LOCAL ${name} = ${value};`).join(' ');
const sorted = (rows) => rows.map((row) => JSON.stringify(row)).sort();

/** What came of it: rows, in no order, or an error's code. */
async function outcome(work) {
  try {
    return { rows: await work() };
  } catch (error) {
    if (!error.code) throw error;
    return { code: REFUSED.has(error.code) ? 'refused' : error.code, message: error.message };
  }
}

/** The rows of each statement that has some. */
const rowsOf = (results) => [results].flat().flatMap(({ rows }) => rows ?? []);
const ask = (client, text) => client.query({ text, rowMode: 'array' });

export class Comparison {
  constructor({ database, client, role, tables, seed }) {
    Object.assign(this, { database, client, role, seed, failures: [], asked: 0, errors: 0, rows: 0 });
    this.queries = new Queries(random(seed), { tables, major: MAJOR });
  }

  /** How the next statement is run: the same for both sides. */
  way() {
    const { chance, pick } = this.queries;
    // A scan that is turned off has a cost that would bring in jit, which takes seconds.
    const settings = { jit: 'off' };
    if (chance(0.4)) settings[pick(...PLANNER)] = 'off';
    if (chance(0.2)) settings[pick(...PLANNER)] = 'off';
    if (chance(0.2)) settings.enable_partitionwise_join = 'on';
    if (chance(0.1)) Object.assign(settings, PARALLEL);
    if (chance(0.05)) settings[MAJOR >= 16 ? 'debug_parallel_query' : 'force_parallel_mode'] = 'on';
    if (chance(0.02)) Object.assign(settings, JIT);
    const users = [pick('u1', 'u2', 'u3', 7, 'u9', null), pick('u1', 'u4', 'u5', null)];
    return { settings, users, role: chance(0.7) ? this.role : undefined };
  }

  begin(schema, { settings, users, role }) {
    return `BEGIN; SET LOCAL search_path = ${schema}, public; ${set(settings)} SET LOCAL request.jwt.claims = '${claimsOf(users[0])}';` +
      (role ? ` SET LOCAL ROLE ${role};` : '');
  }

  async both(text, way, run) {
    const results = [];
    for (const schema of ['ours', 'helper']) {
      results.push(await outcome(() => run(schema)));
    }
    const [ours, helper] = results;
    this.asked++;
    if (helper.code) this.errors++;
    this.rows += helper.rows?.flat().length ?? 0;
    if (ours.code !== helper.code || JSON.stringify(ours.rows) !== JSON.stringify(helper.rows)) {
      this.failures.push({ seed: this.seed, number: this.asked, text, way: JSON.stringify(way), ours, helper });
    }
  }

  async inTransaction(schema, way, work) {
    try {
      await this.client.query(this.begin(schema, way));
      return await work();
    } finally {
      await this.client.query('ROLLBACK; DEALLOCATE ALL');
    }
  }

  async select() {
    const text = this.queries.select();
    const how = this.queries.pick('once', 'once', 'once', 'generic', 'custom', 'cursor', 'plpgsql', 'copy', 'table', 'first');
    const way = { ...this.way(), how };
    if (how === 'first' && this.asked % 4 > 0) way.how = 'once';
    await this.both(text, way, (schema) => this.run(schema, way, text));
  }

  run(schema, way, text) {
    const { client } = this;
    const next = `SET LOCAL request.jwt.claims = '${claimsOf(way.users[1])}'`;
    const transaction = (work) => this.inTransaction(schema, way, work);
    switch (way.how) {
      case 'generic':
      case 'custom':
        return transaction(async () => {
          await client.query(`SET LOCAL plan_cache_mode = force_${way.how}_plan; PREPARE q AS ${text}`);
          const first = sorted((await ask(client, 'EXECUTE q')).rows);
          await client.query(next);
          return [first, sorted((await ask(client, 'EXECUTE q')).rows)];
        });
      case 'cursor':
        return transaction(async () => {
          await client.query(`DECLARE c CURSOR FOR ${text}`);
          return [sorted(rowsOf(await ask(client, 'FETCH 3 FROM c; FETCH 1 FROM c; FETCH ALL FROM c')))];
        });
      case 'plpgsql':
        return transaction(async () => [sorted((await ask(client, `SELECT * FROM run($query$${text}$query$)`)).rows), sorted(rowsOf(await ask(client, `${next}; SELECT * FROM run($query$${text}$query$)`)))]);
      case 'table':
        return transaction(async () => [sorted(rowsOf(await ask(client, `CREATE TEMP TABLE made ON COMMIT DROP AS SELECT q::text FROM (${/FOR (UPDATE|SHARE)$/.test(text) ? 'SELECT 1' : text}) q; SELECT * FROM made`)))]);
      case 'first':
        return this.firstStatement(schema, way, text);
      default:
        return transaction(async () => {
          await client.query(`EXPLAIN (VERBOSE, COSTS off) ${text}`);
          return [sorted((await ask(client, text)).rows)];
        });
    }
  }

  /** In a connection that has the library from this statement on. */
  async firstStatement(schema, { settings, users, role }, text) {
    const own = await this.database.connect({ set: { search_path: `${schema},public`, ...settings, 'request.jwt.claims': claimsOf(users[0]), ...(role && { role }) } });
    try {
      return [sorted((await ask(own, text)).rows), sorted((await ask(own, text)).rows)];
    } finally {
      await own.end();
    }
  }

  async write() {
    const { text, table } = this.queries.write();
    const { client } = this;
    const how = this.queries.pick('once', 'once', 'generic');
    const way = { ...this.way(), how };
    await this.both(text, way, (schema) =>
      this.inTransaction(schema, way, async () => {
        let returned;
        if (how === 'generic' && !text.startsWith('MERGE')) {
          await client.query(`SET LOCAL plan_cache_mode = force_generic_plan; PREPARE q AS ${text}`);
          returned = (await ask(client, 'EXECUTE q')).rows;
        } else {
          returned = (await ask(client, text)).rows;
        }
        await client.query('RESET ROLE');
        return [sorted(returned), sorted((await ask(client, `SELECT * FROM ${table}`)).rows)];
      }),
    );
  }
}

/** The first failures, for a person to read. */
export const describe = ({ failures }) =>
  failures.slice(0, 5).map(({ seed, number, text, way, ours, helper }) =>
    `seed ${seed}, statement ${number}: ${text}\n  ${way}\n  ours: ${JSON.stringify(ours).slice(0, 600)}\n  helper: ${JSON.stringify(helper).slice(0, 600)}`).join('\n');
