// What Linux knows of processes, of those on this machine. NaN where it doesn't say.
import { readFileSync } from 'node:fs';

const orNaN = (read) => {
    try {
        return read();
    } catch {
        return NaN;
    }
};
const file = (pid, name) => readFileSync(`/proc/${pid}/${name}`, 'utf8');
const sum = (values) => values.reduce((total, value) => total + value, 0);

/** /proc/PID/stat from the state on, which is field 3 in proc(5), after a name that may have anything. */
const stat = (pid) => file(pid, 'stat').split(') ').at(-1).split(' ').map(Number);

export const parent = (pid) => orNaN(() => stat(pid)[1]);

/** Milliseconds that a process has been on a processor, to the nanosecond. */
export const busy = (pid) => orNaN(() => Number(file(pid, 'schedstat').split(' ')[0]) / 1e6);

/** Milliseconds that a process and all its children have been on a processor, in steps of 10. */
export const busyWithChildren = (pid) => orNaN(() => {
    const children = file(pid, `task/${pid}/children`).split(' ').filter(Boolean);
    // utime and stime, and of the process those of children that have ended as well.
    return (sum(stat(pid).slice(11, 15)) + sum(children.map((child) => sum(stat(child).slice(11, 13))))) * 10;
});

/** Mebibytes of a process: a line of its `smaps_rollup` or `status`. */
const mebibytes = (name, field) => (pid) => orNaN(() =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(file(pid, name))[1]) / 1024);

/** What it has in memory, shared buffers and files that it has touched included. */
export const residentMemory = mebibytes('status', 'VmRSS');

/** What it has of its own: without shared buffers and files. */
export const ownMemory = mebibytes('status', 'RssAnon');

/** What it has given back, and the kernel takes when it needs it; part of the others until then. */
export const lazilyFree = mebibytes('smaps_rollup', 'LazyFree');
