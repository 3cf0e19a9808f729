/** `ftc chaos run`: scenarios, and a verdict on each. */
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
}
