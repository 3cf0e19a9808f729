/** The `ftc` command. Here, and only here, errors end: with a sentence for the person, or a stack trace for us. */
import { createProgram } from './program.ts';
import { report } from './report.ts';
import { stderr } from './print.ts';

// A reader that has seen enough, as `ftc config | head` has, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

const program = createProgram();
// Node ends a process whose last promise waits for what it does not count as work, with exit code 0 and no word.
const alive = setInterval(() => undefined, 2 ** 30);
try {
  if (process.argv.length <= 2) program.outputHelp();
  else await program.parseAsync();
} catch (error) {
  process.exitCode = report(error, text => stderr.text(text));
} finally {
  clearInterval(alive);
}
