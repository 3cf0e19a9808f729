/** What is waited for: a spinner on a terminal, a line elsewhere. To stderr. */
import ora from 'ora';
import type { Stages } from '../../runtime/job.ts';
import { duration } from '../../shared/duration.ts';
import { shown, stderr } from '../print.ts';

export function createStages(): Stages {
  return process.stderr.isTTY ? spinners() : lines();
}

function lines(): Stages {
  return {
    async stage(title, work) {
      stderr.lines(`${title} …`);
      const begun = performance.now();
      await work(() => undefined);
      stderr.lines(`${title.replace(/ \(.*\)$/, '')}: ${duration(performance.now() - begun)}`);
    },
  };
}

function spinners(): Stages {
  return {
    async stage(title, work) {
      const spinner = ora({ text: shown(title), stream: process.stderr, discardStdin: false }).start();
      const begun = performance.now();
      try {
        await work(line => {
          if (spinner.isSpinning) spinner.suffixText = shown(fit(line));
        });
      } catch (error) {
        spinner.suffixText = '';
        spinner.fail();
        throw error;
      }
      spinner.suffixText = '';
      spinner.succeed(shown(`${title.replace(/ \(.*\)$/, '')}: ${duration(performance.now() - begun)}`));
    },
  };
}

/** The end of a line of Compose that fits behind the title. */
function fit(line: string): string {
  const room = Math.max(0, (process.stderr.columns || 80) - 70);
  const text = line.trim();
  return room < 10 ? '' : text.length > room ? `… ${text.slice(-room)}` : text;
}
