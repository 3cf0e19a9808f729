/** `ftc chaos run` and `soak`: scenarios, random ones included, and a verdict on each. */
import type { Command } from 'commander';
import { faults } from '../../chaos/faults/index.ts';
import { lazy } from './lazy.ts';

const RUN = `
Examples:
  ftc chaos run --list                         what there is
  ftc chaos run rolling-kills                  one, on a small job of ftc's own
  ftc chaos run all --seed 7 --report chaos    all, with a page to look at for each
  ftc chaos run storm --repeat 10              seeds one after the other
  ftc chaos run mine.yaml -f ftc.yaml          your scenario, on your job

Exit code 0: every hypothesis holds. 9: one is broken. 10: none is, and not all could be judged: a fault
never hit, or this machine cannot do it. 130: interrupted. A job of yours that runs is not touched.`;

const SOAK = `
Examples:
  ftc chaos soak                                for ten minutes
  ftc chaos soak --for 30m --seed 7
  ftc chaos soak --faults 200 --report soak
  ftc chaos soak --kinds kill,pause,partition --for 5m

It ends with the time or the number of faults, or at the first broken hypothesis: then the folder of the report
has the page, every container's log, and a scenario that does the same faults again. Without --report that is
./chaos-soak-SEED. Exit codes are those of "ftc chaos run".`;

export function addScenarios(chaos: Command): void {
  const run = chaos
    .command('run')
    .description('run scenarios on jobs of their own, and judge what is claimed of each')
    .argument('[scenario...]', 'names of scenarios that come with ftc, paths, or all')
    .option('-f, --file <path>', "your job, instead of a small one of ftc's own")
    .option('--name <name>', 'what the runs are called after (default: ftc, or your job)')
    .option('--seed <n>', 'makes everything that is drawn repeatable')
    .option('--repeat <n>', 'so often, with this seed and those that follow it', '1')
    .option('--report <dir>', 'write a page to look at, and JSON, for each run')
    .option('--list', 'print the scenarios that come with ftc')
    .option('--json', 'print one JSON object')
    .addHelpText('after', RUN)
    .action(
      lazy(async () => {
        const module = await import('./chaos-run.ts');
        return { run: (options: never, wanted: never) => module.run(options, wanted) };
      }),
    );
  for (const { consent } of faults)
    if (consent) run.option(consent.flag, `${consent.help}: for scenarios that do`);
  chaos
    .command('soak')
    .description('random faults, job after job, until a hypothesis breaks or the time is over')
    .option('-f, --file <path>', "your job, instead of a small one of ftc's own")
    .option('--name <name>', 'what the runs are called after (default: ftc, or your job)')
    .option('--for <duration>', 'no fault begins after it (default: 10m, or no end with --faults)')
    .option('--faults <n>', 'end after so many')
    .option('--kinds <list>', 'only these, such as kill,pause (default: all that this machine can do)')
    .option('--seed <n>', 'makes everything that is drawn repeatable')
    .option('--report <dir>', 'write a page to look at, and JSON, for each round')
    .option('--json', 'print one JSON object')
    .addHelpText('after', SOAK)
    .action(lazy(() => import('./chaos-soak.ts')));
}
