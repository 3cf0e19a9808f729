/** A run over time: the steps, the faults, and what each worker was doing. SVG, drawn with the page's colours. */
import { duration } from '../../src/shared/duration.ts';
import { stepsLost } from '../evidence/holders.ts';
import type { Doing, Evidence, SeenFault } from '../evidence/evidence.ts';
import { axis, round, seconds, type Axis } from './axis.ts';
import { html, type Html } from './html.ts';
import { controlRows, rowsOf, silences, thinned, windowOf, type Row } from './timeline.ts';

const WIDTH = 1_080;
const LEFT = 96;
const RIGHT = 14;
const MARKS = 34;
const PLOT = 190;
const ROW = 22;
const GAP = 16;
const FOOT = 26;
const MOST_POINTS = 1_500;

/** Height, as a share of the row, and name: colours alone say nothing. */
const looks: Readonly<Record<Doing, { readonly height: number; readonly name: string }>> = {
  computing: { height: 1, name: 'computing' },
  waiting: { height: 0.62, name: 'waiting for others' },
  regrouping: { height: 0.8, name: 'regrouping' },
  starting: { height: 0.42, name: 'starting' },
  standby: { height: 0.26, name: 'standby, ready' },
  dead: { height: 0.12, name: 'not running' },
  done: { height: 0.8, name: 'done' },
  unknown: { height: 0.8, name: 'not known: the master is silent' },
};

export function drawing(e: Evidence): Html {
  const x = axis(windowOf(e), [LEFT, WIDTH - RIGHT], 12);
  const top = MARKS + PLOT + GAP;
  const rows = [...controlRows(e), ...rowsOf(e)];
  const bottom = top + rows.length * (ROW + 6);
  const height = bottom + FOOT;
  const base = e.firstStep ?? 0;
  // Ticks are round seconds since the first step.
  const ticks = axis([x.from - base, x.to - base], [x.at(x.from), x.at(x.to)], 12);
  return html`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${summary(e)}">
    <defs>
      <pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <line x1="0" y1="0" x2="0" y2="5" stroke="var(--soft)" stroke-width="1.4" opacity=".55" />
      </pattern>
    </defs>
    ${ticks.ticks.map(t => html`<line x1="${ticks.at(t)}" x2="${ticks.at(t)}" y1="${MARKS}" y2="${bottom}" stroke="var(--line)" /><text x="${ticks.at(t)}" y="${bottom + 17}" text-anchor="middle">${seconds(t)}</text>`)}
    ${outages(e, x)}${stepsLine(e, x)} ${rows.map((row, i) => rowOf(row, x, top + i * (ROW + 6)))}
    ${e.faults.map((fault, i) => mark(fault, i + 1, e, x, bottom))}
  </svg>`;
}

export function legend(e: Evidence): Html {
  const seen = new Set(e.lanes.flatMap(l => l.spans.map(s => s.doing)));
  const shown = (Object.keys(looks) as Doing[]).filter(doing => seen.has(doing));
  return html`<ul class="legend">
    <li>
      <svg viewBox="0 0 26 12">
        <path d="M1 11 L10 6 L25 1" fill="none" stroke="var(--steps)" stroke-width="2" /></svg
      >committed steps
    </li>
    <li>
      <svg viewBox="0 0 26 12"><rect width="26" height="12" fill="var(--dead)" opacity=".2" /></svg>from a
      loss to the next step
    </li>
    <li>
      <svg viewBox="0 0 26 12">
        <line x1="7" x2="7" y1="0" y2="12" stroke="var(--bad)" stroke-width="1.5" />
        <rect x="7" width="17" height="12" fill="url(#hatch)" /></svg
      >a fault, and how long it lasts
    </li>
    ${shown.map(doing => html`<li><svg viewBox="0 0 26 12">${bar(doing, 0, 26, 0, 12)}</svg>${looks[doing].name}</li>`)}
  </ul>`;
}

function summary(e: Evidence): string {
  const { lost } = stepsLost(e.recoveries, e.holders);
  const last = e.steps.findLast(([, step]) => step !== null)?.[1] ?? 0;
  return `Steps over time, up to step ${last}, with ${e.faults.length} faults and ${e.recoveries.length} recoveries; ${lost} steps lost. The tables below say the same.`;
}

function stepsLine({ steps, totalSteps, end }: Evidence, x: Axis): Html {
  const most = Math.max(totalSteps ?? 0, ...steps.map(([, step]) => step ?? 0), 1);
  const y = axis([0, most], [MARKS + PLOT, MARKS + 8], 5);
  const known = steps.flatMap(([at, step]) => (step === null || at < x.from ? [] : [[at, step] as const]));
  const points = thinned(known, MOST_POINTS);
  const last = points.at(-1);
  const line = [...points, ...(last ? [[end, last[1]] as const] : [])]
    .map(([at, step], i) => (i === 0 ? `M${x.at(at)} ${y.at(step)}` : `H${x.at(at)}V${y.at(step)}`))
    .join('');
  return html`<g>
    ${y.ticks.map(t => html`<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y.at(t)}" y2="${y.at(t)}" stroke="var(--faint)" /><text x="${LEFT - 8}" y="${y.at(t) + 4}" text-anchor="end">${t}</text>`)}
    <text class="name" x="4" y="${MARKS + 12}">step</text>
    ${silences(steps, end).map(([from, to]) => html`<rect x="${x.at(from)}" y="${MARKS}" width="${width(x, from, to)}" height="${PLOT}" fill="url(#hatch)" opacity=".35"><title>the master did not answer for ${duration(to - from)}</title></rect>`)}
    <path d="${line}" fill="none" stroke="var(--steps)" stroke-width="2" stroke-linejoin="round" />
  </g>`;
}

/** From the first sign of a loss to the next committed step. */
function outages({ recoveries, origin, end }: Evidence, x: Axis): Html[] {
  return recoveries.map(r => {
    const from = r.at - origin;
    const to = r.resumedMs === null ? end : from + r.resumedMs;
    const said = r.resumedMs === null ? 'training did not resume' : `resumed after ${duration(r.resumedMs)}`;
    return html`<rect
      x="${x.at(from)}"
      y="${MARKS}"
      width="${Math.max(1.5, width(x, from, to))}"
      height="${PLOT}"
      fill="var(--dead)"
      opacity=".2"
      ><title>rank ${r.lostRanks.join(', ')} lost (${r.cause}): ${said}</title></rect
    >`;
  });
}

function rowOf({ name, spans, faults }: Row, x: Axis, y: number): Html {
  return html`<g>
    <text class="name" x="${LEFT - 8}" y="${y + ROW / 2 + 4}" text-anchor="end">${shown(name)}</text>
    <line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y + ROW}" y2="${y + ROW}" stroke="var(--line)" />
    ${spans.filter(s => s.to > x.from).map(s => html`<g>${bar(s.doing, x.at(s.from), width(x, s.from, s.to), y, ROW)}<title>${name}: ${looks[s.doing].name} for ${duration(s.to - s.from)}</title></g>`)}
    ${faults.map(({ n, fault }) => struck(fault, n, x, y))}
  </g>`;
}

/** A bar that stands on the bottom of its row. */
function bar(doing: Doing, x: number, w: number, y: number, h: number): Html {
  const height = round(h * looks[doing].height);
  const fill = doing === 'unknown' ? 'url(#hatch)' : `var(--${doing})`;
  return html`<rect
    x="${x}"
    y="${round(y + h - height)}"
    width="${Math.max(0.6, w)}"
    height="${height}"
    fill="${fill}"
  />`;
}

function struck(fault: SeenFault, n: number, x: Axis, y: number): Html {
  const from = x.at(fault.at);
  const lasts = fault.until !== null && fault.until > fault.at;
  return html`<g
    ><title>${n}: ${fault.text}</title>${
      lasts
        ? html`<rect
            x="${from}"
            y="${y}"
            width="${width(x, fault.at, fault.until ?? fault.at)}"
            height="${ROW}"
            fill="url(#hatch)"
            stroke="var(--bad)"
            stroke-width="1"
          />`
        : null
    }<path d="M${from - 5} ${y - 3} h10 l-5 8 z" fill="var(--bad)"
  /></g>`;
}

/** A line through all of it, and a number on top. */
function mark(fault: SeenFault, n: number, e: Evidence, x: Axis, bottom: number): Html {
  const at = x.at(fault.at);
  const before = e.faults.slice(0, n - 1);
  const crowded = before.filter(f => Math.abs(x.at(f.at) - at) < 18).length % 2;
  const y = crowded === 0 ? 11 : 25;
  return html`<g
    ><line
      x1="${at}"
      x2="${at}"
      y1="${y}"
      y2="${bottom}"
      stroke="var(--bad)"
      stroke-width="1"
      stroke-dasharray="2 3"
    />
    <circle cx="${at}" cy="${y}" r="8.5" fill="var(--bad)" /><text
      class="number"
      x="${at}"
      y="${y + 3.5}"
      text-anchor="middle"
      >${n}</text
    >
    <title>${n}: ${fault.text}, at step ${fault.step}</title></g
  >`;
}

const width = (x: Axis, from: number, to: number): number => round(Math.max(0, x.at(to) - x.at(from)));
const LONGEST = 14;
const shown = (name: string): string => (name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name);
