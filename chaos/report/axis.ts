/** From values to places on a drawing. Pure. */
export interface Axis {
  readonly from: number;
  readonly to: number;
  /** Where a value is, in the drawing's units. */
  at(value: number): number;
  readonly ticks: readonly number[];
}

/** @param wanted how many ticks there should be, more or less */
export function axis(
  domain: readonly [number, number],
  range: readonly [number, number],
  wanted: number,
): Axis {
  const [from, top] = domain;
  const to = top > from ? top : from + 1;
  const width = range[1] - range[0];
  const step = roundStep((to - from) / Math.max(1, wanted));
  const first = Math.ceil(from / step);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return {
    from,
    to,
    at: value => round(range[0] + ((Math.min(Math.max(value, from), to) - from) / (to - from)) * width),
    ticks: Array.from({ length: Math.max(0, count) }, (_, i) => (first + i) * step),
  };
}

/** One, two or five, and zeros. */
function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1e-9)));
  const lead = rough / power;
  return power * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10);
}

export const round = (n: number): number => Math.round(n * 10) / 10;

/** `0 s`, `12 s`, `1:30`, as an axis has them. */
export function seconds(ms: number): string {
  const s = Math.round(ms / 100) / 10;
  if (Math.abs(s) < 100) return `${s} s`;
  return `${Math.floor(s / 60)}:${String(Math.round(s % 60)).padStart(2, '0')}`;
}
