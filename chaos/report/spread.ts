/** How long recoveries took: each as a dot, and the quantiles. */
import { duration } from '../../src/shared/duration.ts';
import { percentile } from '../evidence/percentile.ts';
import { axis, round } from './axis.ts';
import { html, type Html } from './html.ts';

const WIDTH = 720;
const LEFT = 8;
const RADIUS = 4;
const FOOT = 24;

export interface Series {
  readonly name: string;
  /** Milliseconds. */
  readonly values: readonly number[];
}

const quantiles = [
  ['fastest', 0],
  ['median', 50],
  ['p90', 90],
  ['p99', 99],
  ['slowest', 100],
] as const;

/** A table of quantiles and a drawing for each that has values; null where none has. */
export function spread(series: readonly Series[]): Html | null {
  const full = series.filter(s => s.values.length > 0);
  if (full.length === 0) return null;
  return html`<div class="scroll">
      <table>
        <tr>
          <th></th>
          <th class="n">count</th>
          ${quantiles.map(([name]) => html`<th class="n">${name}</th>`)}
        </tr>
        ${full.map(
          ({ name, values }) =>
            html`<tr>
              <td>${name}</td>
              <td class="n">${values.length}</td>
              ${quantiles.map(([, p]) => html`<td class="n">${duration(percentile(values, p) ?? 0)}</td>`)}
            </tr>`,
        )}
      </table>
    </div>
    ${full.map(dots)}`;
}

/** Dots that would lie on each other are stacked. */
function dots({ name, values }: Series): Html {
  const x = axis([0, Math.max(...values) * 1.04], [LEFT + 4, WIDTH - 12], 8);
  const placed: { x: number; level: number }[] = [];
  for (const value of [...values].sort((a, b) => a - b)) {
    const at = x.at(value);
    const taken = new Set(placed.filter(p => Math.abs(p.x - at) < 2 * RADIUS).map(p => p.level));
    let level = 0;
    while (taken.has(level)) level += 1;
    placed.push({ x: at, level });
  }
  const levels = Math.max(...placed.map(p => p.level)) + 1;
  const step = Math.min(2 * RADIUS, 120 / levels);
  const floor = round(14 + levels * step);
  const median = x.at(percentile(values, 50) ?? 0);
  return html`<p class="note">${name}, each as a dot; the line is the median</p>
    <div class="scroll">
      <svg
        class="small"
        viewBox="0 0 ${WIDTH} ${floor + FOOT}"
        role="img"
        aria-label="${name}: ${values.length} values, as in the table above"
      >
        <line x1="${LEFT}" x2="${WIDTH - 8}" y1="${floor}" y2="${floor}" stroke="var(--line)" />
        ${x.ticks.map(t => html`<line x1="${x.at(t)}" x2="${x.at(t)}" y1="${floor}" y2="${floor + 4}" stroke="var(--soft)" /><text x="${x.at(t)}" y="${floor + 17}" text-anchor="${t === 0 ? 'start' : 'middle'}">${t === 0 ? '0' : duration(t)}</text>`)}
        <line x1="${median}" x2="${median}" y1="4" y2="${floor}" stroke="var(--accent)" stroke-width="2" />
        ${placed.map(p => html`<circle cx="${p.x}" cy="${round(floor - RADIUS - 1 - p.level * step)}" r="${RADIUS}" fill="var(--steps)" fill-opacity=".65" />`)}
      </svg>
    </div>`;
}
