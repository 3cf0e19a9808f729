/** `ftc chaos …`: a command for each fault, made from what the fault says of itself. */
import type { Command } from 'commander';
import type { Fault } from '../../chaos/faults/fault.ts';
import { faults } from '../../chaos/faults/index.ts';
import { metaOf } from '../../chaos/faults/params.ts';
import { duration } from '../shared/duration.ts';
import { addScenarios } from './chaos-scenario-commands.ts';
import { whichJob } from './job-options.ts';
import { lazy } from './lazy.ts';

const examples = `
Examples:
  ftc chaos kill worker
  ftc chaos partition worker --rank 1 --for 20s
  ftc chaos kill worker --every 10s..30s --for 5m --seed 7
  ftc chaos kill master --when phase=checkpoint
  ftc chaos heal`;

export function addChaos(program: Command): void {
  const chaos = program
    .command('chaos')
    .description('break the job on purpose, and see it recover')
    .addHelpText('after', examples);
  for (const fault of faults) addFault(chaos, fault);
  addScenarios(chaos);
  chaos
    .command('list')
    .description('what can be broken, and what this machine cannot do')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  ftc chaos list')
    .action(lazy(() => import('./chaos-list.ts')));
  whichJob(chaos.command('heal'))
    .description('put right what a command that was killed has left')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  ftc chaos heal')
    .action(lazy(() => import('./chaos-heal.ts')));
}

function addFault(chaos: Command, fault: Fault): void {
  const [usual = 'worker'] = fault.targets;
  const command = whichJob(chaos.command(fault.name))
    .description(fault.summary)
    .argument('[target]', `${fault.targets.join(', ')} (default: ${usual})`);
  for (const [key, schema] of Object.entries(fault.params.shape)) {
    const { value, help, usual: otherwise } = metaOf(schema);
    const rest = otherwise === undefined ? '' : ` (default: ${otherwise})`;
    command.option(`--${key} <${value}>`, help + rest);
  }
  if (fault.consent) command.option(fault.consent.flag, fault.consent.help);
  selection(command, fault);
  timing(command, fault);
  command
    .option('--dry-run', 'print what would be hit, and change nothing')
    .option('--timeout <seconds>', 'how long to watch the recovery (default: 120)')
    .option('--json', 'print one JSON object')
    .addHelpText('after', `\nExamples:\n  ${fault.example}\n  ftc chaos ${fault.name} --dry-run`)
    .action(
      lazy(async () => {
        const { run } = await import('./chaos-fault.ts');
        return { run: (options: never, target: never) => run(options, target, fault.name) };
      }),
    );
}

function selection(command: Command, { targets }: Fault): void {
  if (targets.includes('worker')) command.option('--rank <list>', 'the workers that hold these ranks: 0,2');
  if (targets.includes('engine')) return;
  command
    .option('--container <id>', 'the container with this name or id')
    .option('--label <name[=value]>', 'only containers with this label')
    .option('--random', 'one, chosen at random (this is what happens if nothing is said)')
    .option('--count <n>', 'this many, chosen at random')
    .option('--percent <n>', 'this share of them, chosen at random')
    .option('--all', 'all of them')
    .option('--seed <n>', 'makes the random choice repeatable');
}

function timing(command: Command, { lasting }: Fault): void {
  const usual =
    typeof lasting === 'object'
      ? ` (default: ${duration(lasting.usualMs)})`
      : lasting === 'maybe'
        ? ' (default: it is not undone)'
        : '';
  const what =
    lasting === 'no'
      ? 'with --every: how long to go on'
      : `how long it lasts; with --every, how long to go on`;
  command
    .option('--for <duration>', what + usual)
    .option('--every <duration>', 'again and again, so far apart: 10s, or between 10s..30s')
    .option('--times <n>', 'that often');
  if (lasting !== 'no') command.option('--lasts <duration>', `with --every: how long each lasts${usual}`);
  command
    .option('--min-interval <duration>', 'never sooner after the last one')
    .option('--max-concurrent <n>', 'never more containers that are broken at one time')
    .option('--when <step=n|phase=p>', 'not before this: step=100, phase=checkpoint, phase=regroup');
}
