// The programs that measure: pgbench, and whatever prints its result.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A file of the benchmarks. */
export const here = (file) => join(import.meta.dirname, file);

/** What a program prints, given `input`. */
export async function output(command, args, { input = '', ...options } = {}) {
    const running = promisify(execFile)(command, args, options);
    running.child.stdin.end(input);
    try {
        return (await running).stdout;
    } catch ({ code, signal, stderr }) {
        throw new Error(`${command} ended with ${code ?? signal}: ${stderr}`); // its arguments are long
    }
}

/** Calls `use` with a directory that is gone afterwards. */
export async function inDirectory(use) {
    const directory = mkdtempSync(join(tmpdir(), 'better_auth_bench.'));
    try {
        return await use(directory);
    } finally {
        rmSync(directory, { recursive: true });
    }
}

const program = (name) => join(process.env.PGBIN, name);

/** Runs a file by psql; `variables` as psql's `:name`. */
export const psql = (database, file, variables = {}) => output(program('psql'), [
    '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', database, '-f', here(file),
    ...Object.entries(variables).flatMap(([name, value]) => ['-v', `${name}=${value}`]),
]);

/** Runs pgbench for so many seconds; transactions a second. `settings` are PostgreSQL's. */
export async function pgbench(time, args, { clients = 4, database = process.env.PGDATABASE, settings = [] } = {}) {
    const options = [process.env.PGOPTIONS, ...settings.map((setting) => `-c ${setting}`)].join(' ');
    const result = await output(program('pgbench'), [
        '--no-vacuum', '--protocol=prepared', `--client=${clients}`, `--time=${time}`, ...args, database,
    ], { env: { ...process.env, PGOPTIONS: options } });
    if (!/number of failed transactions: 0 /.test(result)) throw new Error(`pgbench failed: ${result}`);
    return Number(/^tps = ([\d.]+)/m.exec(result)[1]);
}

/** Fills a database with pgbench's own tables. */
export const pgbenchTables = (database, scale) => output(program('pgbench'), ['--initialize', '--quiet', `--scale=${scale}`, database]);

const file = (name) => ['-f', here(`pgbench/${name}.sql`)];

/** What runs a script of pgbench/ for so many seconds; transactions a second. */
export const script = (name, { args = [], ...options } = {}) => (time) => pgbench(time, [...args, ...file(name)], options);

/** How long each transaction of a script took, in milliseconds. */
export const latencies = (name, time, { args = [], ...options } = {}) => inDirectory(async (directory) => {
    await pgbench(time, ['--log', `--log-prefix=${join(directory, 'log')}`, ...args, ...file(name)], options);
    return readdirSync(directory).flatMap((log) => readFileSync(join(directory, log), 'utf8').trim().split('\n')
        .map((line) => Number(line.split(' ')[2]) / 1000));
});
