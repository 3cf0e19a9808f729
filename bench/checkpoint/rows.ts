/** The tables of the section on checkpoints, with what was wanted beside what was found. Pure. */
import { duration } from '../markdown.ts';
import { median, summarize } from '../stats.ts';
import { figures, resumeOf, ways, type Measured, type Way } from './measured.ts';

const names: Record<Way, string> = {
  none: 'no checkpoints',
  save: '`torch.save` in the loop',
  async: '`dcp.async_save`',
  ftc: 'ftc',
};

export interface Sized {
  readonly megabytes: number;
  readonly measured: Measured;
}

export const head = ['state', 'way', 'step', 'speed kept', 'stall', 'until durable', 'written of due'];

export function rows(sizes: readonly Sized[]): string[][] {
  return sizes.flatMap(({ megabytes, measured }) =>
    ways.map(way => {
      const f = figures(measured, way);
      return [
        `${megabytes} MB`,
        names[way],
        duration(f.stepMs),
        way === 'none' ? '' : `${f.kept.toFixed(3)} (${span(f.keptRange)})`,
        way === 'none' ? '' : duration(f.stallMs),
        way === 'none' ? '' : duration(f.durableMs),
        way === 'none' ? '' : `${f.written} of ${f.due}`,
      ];
    }),
  );
}

export const targetHead = ['measure', 'value', 'target', 'met'];

const span = ([least, most]: readonly [number, number]): string => `${least.toFixed(3)}–${most.toFixed(3)}`;
const yes = (met: boolean): string => (met ? 'yes' : '**no**');

/** `pairs`: speed with checkpoints ÷ without, of whole jobs. */
export function targets(sizes: readonly Sized[], pairs: readonly number[]): string[][] {
  const found = sizes.flatMap(({ megabytes, measured }) => {
    const [ftc, save] = [figures(measured, 'ftc'), figures(measured, 'save')];
    const copy = median(measured.copy);
    const resume = resumeOf(measured);
    const name = `${megabytes} MB`;
    return [
      [
        `${name}: stall ÷ one copy of the state (${duration(copy)})`,
        (ftc.stallMs / copy).toFixed(2),
        '≤ 1.2',
        yes(ftc.stallMs <= 1.2 * copy),
      ],
      [
        `${name}: stall ÷ torch.save (${duration(save.callMs)})`,
        `${((100 * ftc.stallMs) / save.callMs).toFixed(1)} %`,
        '≤ 5 %',
        yes(ftc.stallMs <= 0.05 * save.callMs),
      ],
      ...(megabytes === 100
        ? [
            [
              `${name}: speed kept (${ftc.rounds} rounds, ${span(ftc.keptRange)})`,
              ftc.kept.toFixed(3),
              '≥ 0.97',
              yes(ftc.kept >= 0.97),
            ],
          ]
        : []),
      [
        `${name}: resume (${duration(resume.loadMs)}) ÷ reading and hashing once (${duration(resume.readMs)})`,
        resume.ratio.toFixed(2),
        megabytes === 500 ? '≤ 1.5' : '',
        megabytes === 500 ? yes(resume.ratio <= 1.5) : '',
      ],
    ];
  });
  if (pairs.length === 0) return found;
  const { median: middle, min, max, n } = summarize(pairs);
  const what = `100 MB, three workers on this machine's cores: speed kept (${n} pairs, ${span([min, max])})`;
  return [...found, [what, middle.toFixed(3), '', '']];
}
