/** The recovery table: what was measured, beside what is asked for. Pure. */
import type { Recovered } from '../analysis.ts';
import { duration } from '../markdown.ts';
import { median, summarize } from '../stats.ts';
import type { Blow } from './blow.ts';
import type { Kept } from './kept.ts';
import type { MasterKill } from './master.ts';

export interface Results {
  /** Single kills without a standby, those of the stretches with a kill every ten seconds included. */
  readonly kills: readonly Blow[];
  readonly double: readonly Blow[];
  readonly pauses: readonly Blow[];
  readonly standby: readonly Blow[];
  readonly kept: Kept | null;
  readonly master: readonly MasterKill[];
  readonly torchrun: readonly Recovered[];
  /** Milliseconds after which a silent worker is lost. */
  readonly timeoutMs: number;
}

export const head = ['measure', 'n', 'median', 'p99', 'max', 'target', 'met'];

interface Target {
  readonly text: string;
  readonly met: boolean;
}

export function rows(r: Results): string[][] {
  const resumed = r.kills.map(b => b.resumedMs);
  const single = summarize(resumed);
  const torchrun = summarize(r.torchrun.map(t => t.resumedMs));
  const factor = torchrun.median / single.median;
  const all = [...r.kills, ...r.double, ...r.pauses, ...r.standby];
  return [
    times('ftc: kill → next step committed by the survivors', resumed, {
      text: 'median ≤ 200 ms, p99 ≤ 500 ms',
      met: single.median <= 200 && single.p99 <= 500,
    }),
    times(
      'ftc: kill → next step at full size, no standby',
      r.kills.map(b => b.wholeMs),
      atMost(3000),
    ),
    times(
      'ftc: kill → next step of the survivors, one standby',
      r.standby.map(b => b.resumedMs),
      null,
    ),
    times(
      'ftc: kill → next step at full size, one standby',
      r.standby.map(b => b.wholeMs),
      atMost(300),
    ),
    times(
      'ftc: two of three killed at once → next step',
      r.double.map(b => b.resumedMs),
      null,
    ),
    times(
      `ftc: worker paused → next step, less the heartbeat timeout (${duration(r.timeoutMs)})`,
      r.pauses.map(b => b.resumedMs - r.timeoutMs),
      atMost(200),
    ),
    ...master(r.master),
    ...(all.length > 0 ? [lost(all)] : []),
    ...keptRow(r.kept),
    times(
      'torchrun: kill → next step',
      r.torchrun.map(t => t.resumedMs),
      null,
    ),
    ...(r.torchrun.length > 0 ? [torchrunLost(r.torchrun)] : []),
    ...(Number.isFinite(factor)
      ? [
          line('torchrun ÷ ftc: kill → next step, medians', '', `${factor.toFixed(0)} ×`, '', '', {
            text: '≥ 100 ×',
            met: factor >= 100,
          }),
        ]
      : []),
  ].filter(row => row.length > 0);
}

function times(
  what: string,
  values: readonly number[],
  target: Target | ((s: number) => Target) | null,
): string[] {
  if (values.length === 0) return [];
  const s = summarize(values);
  const wanted = typeof target === 'function' ? target(s.median) : target;
  return line(what, String(s.n), duration(s.median), duration(s.p99), duration(s.max), wanted);
}

function atMost(ms: number): (median: number) => Target {
  return value => ({ text: `median ≤ ${duration(ms)}`, met: value <= ms });
}

function line(
  what: string,
  n: string,
  mid: string,
  p99: string,
  max: string,
  target: Target | null,
): string[] {
  return [what, n, mid, p99, max, target?.text ?? '', target ? (target.met ? 'yes' : '**no**') : ''];
}

/** Standing still is what goes beyond the pauses that the machine makes by itself. */
function master(kills: readonly MasterKill[]): string[][] {
  if (kills.length === 0) return [];
  const still = kills.map(k => Math.max(0, k.longestMs - k.undisturbedLongestMs));
  const step = median(kills.map(k => k.undisturbedMedianMs));
  return [
    times(
      'ftc: master killed: longest time between two steps until it is back',
      kills.map(k => k.longestMs),
      null,
    ),
    times(
      '– the same in an equally long undisturbed stretch before',
      kills.map(k => k.undisturbedLongestMs),
      null,
    ),
    times('– the difference: training stands still for', still, value => ({
      text: `0 (median within a step, ${duration(step)})`,
      met: value <= step,
    })),
  ];
}

function lost(blows: readonly Blow[]): string[] {
  const total = blows.reduce((sum, b) => sum + b.lost, 0);
  return line(
    'ftc: committed steps lost, all kills and pauses together',
    String(blows.length),
    String(total),
    '',
    '',
    {
      text: '0',
      met: total === 0,
    },
  );
}

function torchrunLost(kills: readonly Recovered[]): string[] {
  const s = summarize(kills.map(k => k.lost));
  return line(
    'torchrun: committed steps lost, a kill',
    String(s.n),
    String(s.median),
    '',
    String(s.max),
    null,
  );
}

function keptRow(found: Kept | null): string[][] {
  if (!found) return [];
  const { ratios } = found;
  const all = ratios.map(ratio => ratio.toFixed(2)).join(', ');
  return [
    line(
      `ftc: speed kept with one kill every 10 s, ${found.kills} kills (pairs: ${all})`,
      String(ratios.length),
      median(ratios).toFixed(2),
      '',
      '',
      {
        text: '≥ 0.90',
        met: median(ratios) >= 0.9,
      },
    ),
  ];
}
