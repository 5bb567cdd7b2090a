// The one table: what was measured, beside its peer, and whether the bar is met.

/** The rows: `cells` to print; of those with a bar, `score`, which is 1 at the bar and more when it is better. */
export const rows = [];

export const digits = (value) => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
const quantity = (value, unit) => `${digits(value)} ${unit}`;

function add(figure, unit, ours, peer, ratio, bar, score) {
    const barCells = bar ? [bar, score >= 1 ? 'yes' : 'NO'] : ['', ''];
    rows.push({ cells: [figure, quantity(ours, unit), quantity(peer, unit), ratio, ...barCells], score: bar && score });
}

/** `ratio` is how many times better ours is; `least` is the bar. */
export function times(figure, unit, ours, peer, ratio, least) {
    add(figure, unit, ours, peer, `${digits(ratio)}×`, least && `≥ ${least}×`, ratio / least);
}

/** Ours as a part of the peer's, of what is better when it is less; `most` is the bar. */
export function part(figure, unit, ours, peer, most) {
    add(figure, unit, ours, peer, (ours / peer).toFixed(ours / peer < 10 ? 3 : 1), most && `≤ ${most}`, most * peer / ours);
}

/** How much more ours is; `most` is the bar, in the unit. */
export function over(figure, unit, ours, peer, most) {
    const more = ours - peer;
    const score = more > 0 ? most / more : Infinity;
    const difference = `${more < 0 ? '−' : '+'}${quantity(Math.abs(more), unit)}`;
    add(figure, unit, ours, peer, difference, most && `≤ +${most} ${unit}`, score);
}

/** A row without a peer to measure. */
export function notGiven(figure, ours, why) {
    rows.push({ cells: [figure, ours, 'not given', '', '', '', why] });
}

export function print() {
    const table = [['figure: ours | peer', 'ours', 'peer', 'ratio', 'bar', 'met?'], ...rows.map(({ cells }) => cells)];
    const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
    const line = (row) => row.map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column] ?? 0)).join('   ').trimEnd();
    console.log(line(table[0]));
    console.log('─'.repeat(line(table[0]).length));
    for (const row of table.slice(1)) console.log(line(row));
}
