/** What is waited for: a spinner on a terminal, a line elsewhere. To stderr. */
import ora from 'ora';
import type { Stages } from '../../client/launch.ts';
import { duration } from '../../shared/duration.ts';

export function createStages(): Stages {
  return process.stderr.isTTY ? spinners() : lines();
}

function lines(): Stages {
  return {
    async stage(title, work) {
      process.stderr.write(`${title} …\n`);
      const begun = performance.now();
      await work(() => undefined);
      process.stderr.write(`${title.replace(/ \(.*\)$/, '')}: ${duration(performance.now() - begun)}\n`);
    },
  };
}

function spinners(): Stages {
  return {
    async stage(title, work) {
      const spinner = ora({ text: title, stream: process.stderr, discardStdin: false }).start();
      const begun = performance.now();
      try {
        await work(line => {
          if (spinner.isSpinning) spinner.suffixText = fit(line);
        });
      } catch (error) {
        spinner.suffixText = '';
        spinner.fail();
        throw error;
      }
      spinner.suffixText = '';
      spinner.succeed(`${title.replace(/ \(.*\)$/, '')}: ${duration(performance.now() - begun)}`);
    },
  };
}

/** The end of a line of Compose that fits behind the title. */
function fit(line: string): string {
  const room = Math.max(0, (process.stderr.columns || 80) - 70);
  const text = line.trim();
  return room < 10 ? '' : text.length > room ? `… ${text.slice(-room)}` : text;
}
