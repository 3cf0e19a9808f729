/** The commands of `ftc`: what they are called and take. What they do is in a file each, loaded when called. */
import { Command } from 'commander';
import { ownPackage } from '../package.ts';
import { addChaos } from './chaos-commands.ts';
import { jobOptions, whichJob } from './job-options.ts';
import { addCheckpoints } from './program-checkpoints.ts';
import { lazy } from './lazy.ts';
import { stderr, stdout } from './print.ts';

const examples = `
Examples:
  ftc init                        write ftc.yaml and train.py that run as they are
  ftc up --scale worker=3         build, start, and watch the job to its end
  ftc chaos kill worker           kill a worker, and see the job recover
  ftc verify                      prove that faults change no bit of the result
  ftc status --json               where the job is
  ftc down                        remove its containers; checkpoints stay

Without an ftc.yaml in this folder, the job is the default one: a small CNN on Fashion-MNIST.
The command line wins over the environment, which wins over ftc.yaml.`;

export function createProgram(): Command {
  const program = new Command('ftc')
    .description(
      'Distributed PyTorch training, as a Compose project that survives the loss of any container.',
    )
    .version(ownPackage().version, '-V, --version')
    .addHelpText('after', examples)
    .exitOverride()
    .configureOutput({
      writeOut: text => stdout.text(text),
      writeErr: text => stderr.text(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'ftc: ')),
    })
    .showHelpAfterError('     (ftc --help shows what there is)');

  addRunning(program);
  addLooking(program);
  addChaos(program);
  addProof(program);
  addPreparing(program);
  return program;
}

function addRunning(program: Command): void {
  jobOptions(program.command('up'))
    .description('start the job and watch it to its end; Ctrl+C stops it with a checkpoint')
    .option('-d, --detach', 'return when the first step has committed')
    .option('--json', 'print the result as one JSON object')
    .option('--adopt', "resume another folder's or another script's job of this name")
    .addHelpText(
      'after',
      '\nExamples:\n  ftc up --scale worker=3\n  ftc up -d --script train.py --steps 1000',
    )
    .action(lazy(() => import('./up.ts')));
  whichJob(program.command('watch'))
    .description('show a running job as "up" does; Ctrl+C leaves it running')
    .option('--json', 'print the final status as JSON')
    .addHelpText('after', '\nExample:\n  ftc watch')
    .action(lazy(() => import('./watch.ts')));
  whichJob(program.command('scale'))
    .description('change how many workers a running job has')
    .argument('<service=n...>', 'how many: worker=5')
    .option('--json', 'print the status as JSON')
    .addHelpText('after', '\nExample:\n  ftc scale worker=5')
    .action(lazy(() => import('./scale.ts')));
  whichJob(program.command('wait'))
    .description("wait until the job has ended; the exit code is the job's")
    .option('--json', 'print the final status as JSON')
    .addHelpText('after', '\nExample:\n  ftc up -d && ftc wait')
    .action(lazy(() => import('./wait.ts')));
  whichJob(program.command('down'))
    .description("remove the job's containers; its checkpoints stay")
    .option('--volumes', 'remove the checkpoints too')
    .addHelpText(
      'after',
      '\nExamples:\n  ftc down                  resume from the newest checkpoint with "ftc up"\n  ftc down --volumes        start over with "ftc up"',
    )
    .action(lazy(() => import('./down.ts')));
}

function addLooking(program: Command): void {
  whichJob(program.command('status'))
    .description('where the job is: step, workers, recoveries')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  ftc status\n  ftc status --json')
    .action(lazy(() => import('./status.ts')));
  whichJob(program.command('ps'))
    .description("the job's containers")
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  ftc ps')
    .action(lazy(() => import('./ps.ts')));
  whichJob(program.command('logs'), '--file <path>')
    .description('what the containers print')
    .argument('[service]', 'master, supervisor or worker; all without it')
    .option('-f, --follow', 'go on as more is printed')
    .option('-n, --tail <lines>', 'only the last lines of each container')
    .option('--raw', 'JSON lines of master and supervisor as they are')
    .addHelpText('after', '\nExamples:\n  ftc logs -f worker\n  ftc logs -n 20')
    .action(lazy(() => import('./logs.ts')));
  whichJob(program.command('metrics'), '--file <path>')
    .description('what the script logged with job.log, step by step')
    .option('--csv', 'all steps as CSV with a head')
    .option('--json', 'all steps as JSON: a list; with --follow a line each')
    .option('-f, --follow', 'go on as steps commit, until the job has ended')
    .option('--last <n>', 'only the last steps (default: 20 in a table)')
    .addHelpText(
      'after',
      '\nExamples:\n  ftc metrics\n  ftc metrics --csv > metrics.csv\n  ftc metrics -f --last 5\n\nAlso after "ftc down": then a container that has only the volume reads it.',
    )
    .action(lazy(() => import('./metrics.ts')));
  addCheckpoints(program);
}

function addProof(program: Command): void {
  // Each run takes a free port and a volume of its own, and leaves the bucket alone.
  jobOptions(program.command('verify'), ['--seed', '--port', '--checkpoint-dir', '--s3-'])
    .description(
      'run the job without faults and then under faults, beside your own, and compare the results bit by bit',
    )
    .option('--workers <list>', 'run it under faults with each of these numbers of workers: 1,2,3,6')
    .option('--faults <path>', 'what to break and when, instead of kills, pauses and a dead master')
    .option('--seed <n>', 'makes the faults repeatable (the seed of the job is FTC_SEED, or in its file)')
    .option('--keep', 'leave the containers and volumes of the runs for a look at them')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  ftc verify                            the job of this folder, or the default one
  ftc verify --steps 200                a shorter run proves as much as it has faults
  ftc verify --workers 1,2,3,6          the same bits, however many workers
  ftc verify --faults faults.yaml       - { at: step 40, kill: worker }
                                        - { every: 3s, kill: worker, rank: 1 }
                                        - { at: 10s, pause: worker, for: 2s }

Exit code 0: the same bits, and no committed step lost. 7: not so, or no fault hit. 4: the job failed.
A job of the same name that runs is not touched.`,
    )
    .action(lazy(() => import('./verify.ts')));
}

function addPreparing(program: Command): void {
  jobOptions(program.command('config'))
    .description('print the Compose project that "up" runs')
    .addHelpText('after', '\nExample:\n  ftc config --scale worker=5 > docker-compose.yml')
    .action(lazy(() => import('./config.ts')));
  program
    .command('init')
    .description('write a job file and a training script that run')
    .option('--dir <path>', 'where to', '.')
    .addHelpText('after', '\nExample:\n  ftc init --dir my-job')
    .action(lazy(() => import('./init.ts')));
  jobOptions(program.command('doctor'))
    .description('look at engine, Compose, images, disk, memory and port; say what to do')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  ftc doctor')
    .action(lazy(() => import('./doctor.ts')));
}
