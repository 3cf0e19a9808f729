/** The commands about checkpoints: what they are called and take. */
import type { Command } from 'commander';
import { closest } from '../job/closest.ts';
import { whichJob } from './job-options.ts';
import { lazy } from './lazy.ts';

const examples = `
Examples:
  ftc checkpoints                          step, age, size, and whether each is whole
  ftc checkpoints verify                   read all of them, and compare their SHA-256
  ftc checkpoints prune --dry-run          what would be removed
  ftc checkpoints export latest model.pt   for torch.load(…, weights_only=True)

They work while the job runs, and also after "ftc down": then a container that has only the volume looks into it.`;

export function addCheckpoints(program: Command): void {
  const checkpoints = program
    .command('checkpoints')
    .description("list, verify, prune and export the job's checkpoints")
    .addHelpText('after', examples)
    .hook('preSubcommand', (command, chosen) => {
      const [word = '-'] = command.args;
      if (chosen.name() !== 'list' || word === 'list' || word.startsWith('-')) return;
      const guess = closest(
        word,
        command.commands.map(one => one.name()),
      );
      command.error(`error: unknown command '${word}'${guess === null ? '' : `\n(Did you mean ${guess}?)`}`);
    });
  whichJob(checkpoints.command('list', { isDefault: true }))
    .description('what there is, newest first; also without the word')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  ftc checkpoints')
    .action(lazy(() => import('./checkpoints-list.ts')));
  whichJob(checkpoints.command('verify'))
    .description('read checkpoints whole, and compare them with their manifests')
    .argument('[step]', 'one of them, or latest; all without it')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  ftc checkpoints verify\n  ftc checkpoints verify 100\n\nExit code 0: all that were looked at are valid. 8: one is not.',
    )
    .action(lazy(() => import('./checkpoints-verify.ts')));
  whichJob(checkpoints.command('prune'))
    .description('remove what the retention rules release; damaged and quarantined checkpoints stay')
    .option('--keep <n>', "keep so many of the newest (default: the job's checkpoint.keep)")
    .option('--keep-every <n>', "keep every so-many-th, too (default: the job's checkpoint.keepEvery)")
    .option('--dry-run', 'only say what would be removed')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExamples:\n  ftc checkpoints prune --dry-run\n  ftc checkpoints prune --keep 1')
    .action(lazy(() => import('./checkpoints-prune.ts')));
  whichJob(checkpoints.command('export'))
    .description('copy a checkpoint out of the volume, verified as it comes')
    .argument('<step>', 'its step, or latest')
    .argument('<file>', 'x.tar gets manifest and all files, any other name state.pt; - is stdout')
    .option('--force', 'replace the file if it is there')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  ftc checkpoints export latest model.pt\n  ftc checkpoints export 100 step-100.tar\n  ftc checkpoints export 100 - | sha256sum\n\nExit code 8: the checkpoint is damaged, and no file was written.',
    )
    .action(lazy(() => import('./checkpoints-export.ts')));
}
