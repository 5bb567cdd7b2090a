// The rows that have a bar, as an SVG: how far each is beyond its bar, on a logarithmic scale.

const [left, width, right, rowHeight, top, bottom] = [470, 400, 190, 26, 70, 40];
const escaped = (text) => text.replace(/[&<>]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign]);

/** `rows` as table.mjs has them; `title` says what was measured on. */
export function plot(rows, title) {
    // What is better than that is cut off, and so is what is worse.
    const [worst, best] = [1 / 4, 16];
    const x = (score) => {
        const clamped = Math.min(best, Math.max(worst, score));
        return left + width * Math.log(clamped / worst) / Math.log(best / worst);
    };
    const barred = rows.filter(({ score }) => score !== undefined);
    const height = top + barred.length * rowHeight + bottom;
    const scale = [1 / 4, 1 / 2, 1, 2, 4, 8, 16].map((score) => {
        const label = score === 1 ? 'the bar' : score < 1 ? `1/${1 / score}` : `${score}×`;
        const [at, end] = [x(score).toFixed(1), height - bottom];
        return `<line class="${score === 1 ? 'limit' : 'grid'}" x1="${at}" x2="${at}" y1="${top - 8}" y2="${end}"/>
<text class="scale" x="${at}" y="${end + 18}">${label}</text>`;
    });
    const bars = barred.map(({ cells: [figure, , , ratio, bar], score }, index) => {
        const y = top + index * rowHeight;
        const [from, to] = [x(1), x(score)].toSorted((a, b) => a - b);
        const size = `width="${Math.max(2, to - from).toFixed(1)}" height="${rowHeight - 8}"`;
        return `<text class="figure" x="${left - 12}" y="${y + 14}">${escaped(figure.trim())}</text>
<rect class="${score >= 1 ? 'met' : 'missed'}" x="${from.toFixed(1)}" y="${y}" ${size}/>
<text x="${left + width + 12}" y="${y + 14}">${escaped(ratio)} <tspan class="faint">(bar ${escaped(bar)})</tspan></text>`;
    });
    const whole = left + width + right;
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${whole} ${height}" width="${whole}" height="${height}">
<title>better_auth: benchmarks against their bars</title>
<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 } .figure { text-anchor: end } .scale { text-anchor: middle }
.faint, .scale, .note { fill: #59636e } .ground { fill: #ffffff } .grid { stroke: #d1d9e0 }
.limit { stroke: #1f2328; stroke-width: 2 }
.met { fill: #1a7f64 } .missed { fill: #c4501b }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .faint, .scale, .note { fill: #9198a1 } .ground { fill: #0d1117 } .grid { stroke: #30363d }
.limit { stroke: #e6edf3 }
.met { fill: #3fb68b } .missed { fill: #e8814d }
}
</style>
<rect class="ground" width="100%" height="100%"/>
<text class="title" x="16" y="28">How far beyond its bar each figure is (to the right is better)</text>
<text class="note" x="16" y="48">${escaped(title)}</text>
${scale.join('\n')}
${bars.join('\n')}
</svg>
`;
}
