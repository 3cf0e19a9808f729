/** The flags by which commands are told which job, and what it should be like. */
import { type Command, Option } from 'commander';
import { jobFlags } from '../job/settings.ts';

/** All that a job file can say too; for commands that render the job. `without` are how flags begin that mean nothing, or something else. */
export function jobOptions(command: Command, without: readonly string[] = []): Command {
  const flags = jobFlags.filter(({ flag }) => !without.some(name => flag.startsWith(name)));
  return flags.reduce((it, { flag, help, repeat }) => {
    const option = new Option(flag, help);
    if (repeat) option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
    return it.addOption(option);
  }, command);
}

/** Which job, for commands that act on one that is there. `-f` is taken where a command follows something. */
export function whichJob(command: Command, fileFlag = '-f, --file <path>'): Command {
  return command
    .option(fileFlag, 'job file (default: ./ftc.yaml, then ./ftc.yml, then the default job)')
    .option('--name <name>', "the job's name, where it is not the file's");
}
