/** The command line of the benchmarks. */
import { parseArgs } from 'node:util';

export const names = ['recovery', 'throughput', 'loader', 'check', 'checkpoint', 'membership'] as const;
export type Name = (typeof names)[number];

export const recoveryParts = ['kept', 'kills', 'double', 'pause', 'master', 'standby', 'torchrun'] as const;
type RecoveryPart = (typeof recoveryParts)[number];

export interface Options {
  readonly run: readonly Name[];
  readonly json: string | null;
  readonly kills: number;
  readonly torchrunKills: number;
  readonly pairs: number;
  readonly quick: boolean;
  readonly parts: readonly RecoveryPart[];
  readonly seed: number;
  /** What it was called with, for the page. */
  readonly command: string;
}

export const help = `Usage: npm run bench -- <name> [options]

Measures ftc on this machine and writes the figures into docs/benchmarks.md, a section a name.

Names:
  recovery     from a kill to the next committed step, beside torchrun; about 12 minutes
  throughput   samples a second without faults, beside DistributedDataParallel under torchrun; about 8 minutes
  loader       the same with samples that are costly to prepare, through a DataLoader; about 4 minutes
  check        what the comparison of the replicas costs in a step; about 4 minutes
  checkpoint   what a checkpoint costs and how fast it is resumed from, beside torch.save and async_save; about 26 minutes
  membership   the membership's function with thousands of simulated workers; needs no engine
  all          all of them

Options:
  --kills N            kills of ftc's workers, without standby and again with one (default: 30)
  --torchrun-kills N   kills of torchrun's containers (default: 3)
  --pairs N            pairs of throughput and loader runs for each model, rounds of checkpoints, a quarter of the
                       pairs of stretches with and without the check (default: 5)
  --parts LIST         of recovery only these, and print instead of writing: ${recoveryParts.join(',')}
  --seed N             of the random choices (default: 1)
  --quick              small counts, to see that everything works; print instead of writing
  --json FILE          also write every single figure as JSON
  --help               this text

Leave the machine alone meanwhile. Containers are called ftcb-…; they are removed at the end, and on Ctrl+C.`;

/** Thrown with a sentence for the person. */
export class Usage extends Error {}

/** Null when help is asked for. @throws Usage */
export function readOptions(args: readonly string[]): Options | null {
  const { values, positionals } = parse(args);
  if (values.help === true) return null;
  const [name, ...more] = positionals;
  if (name === undefined) throw new Usage(`name a benchmark: ${names.join(', ')}, all`);
  if (more.length > 0) throw new Usage(`one name at a time; "${more.join(' ')}" is too many`);
  const run = name === 'all' ? names : names.filter(known => known === name);
  if (run.length === 0) throw new Usage(`there is no benchmark "${name}": ${names.join(', ')}, all`);
  const quick = values.quick === true;
  return {
    run,
    json: values.json ?? null,
    kills: count('kills', values.kills, quick ? 3 : 30),
    torchrunKills: count('torchrun-kills', values['torchrun-kills'], quick ? 1 : 3),
    pairs: count('pairs', values.pairs, quick ? 1 : 5),
    quick,
    parts: parts(values.parts),
    seed: count('seed', values.seed, 1),
    command: `npm run bench -- ${measuring(args).join(' ')}`,
  };
}

/** What decides the figures: not where else they are written. */
function measuring(args: readonly string[]): string[] {
  return args.filter((arg, i) => !arg.startsWith('--json') && args[i - 1] !== '--json');
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'string' },
        kills: { type: 'string' },
        'torchrun-kills': { type: 'string' },
        pairs: { type: 'string' },
        parts: { type: 'string' },
        seed: { type: 'string' },
        quick: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new Usage((error as Error).message);
  }
}

function count(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new Usage(`--${name} takes a whole number, 1 or more, not "${text}"`);
  return Number(text);
}

function parts(text: string | undefined): readonly RecoveryPart[] {
  if (text === undefined) return recoveryParts;
  const wanted = text.split(',');
  const wrong = wanted.find(part => !recoveryParts.some(known => known === part));
  if (wrong !== undefined) throw new Usage(`--parts: "${wrong}" is none of ${recoveryParts.join(', ')}`);
  return recoveryParts.filter(part => wanted.includes(part));
}
