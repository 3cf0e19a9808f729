import { FtcError } from '../errors.ts';
import { closest } from './closest.ts';

const services = ['worker', 'master', 'supervisor'];
const most = 1000;

/**
 * Reads `--scale worker=3`; the last one wins.
 * @returns how many workers; null when nothing was said
 */
export function parseScale(values: readonly string[]): number | null {
  return values.reduce<number | null>((_, value) => parseOne(value), null);
}

function parseOne(value: string): number {
  const [, service, count] = /^([^=]*)=(.*)$/s.exec(value) ?? [];
  if (service === undefined || count === undefined || service === '')
    throw wrong(`scale ${value}: this is not service=number`, 'Write it as worker=3.');
  if (!services.includes(service)) {
    const guess = closest(service, services);
    throw wrong(
      `scale ${value}: there is no service "${service}"`,
      guess === null ? 'Only "worker" can be scaled.' : `Did you mean ${guess}=${count}?`,
    );
  }
  if (service !== 'worker')
    throw wrong(`scale ${value}: a job has exactly one ${service}`, 'Only "worker" can be scaled.');
  if (!/^[+-]?\d+$/.test(count))
    throw wrong(`scale ${value}: "${count}" is not a whole number`, 'Write it as worker=3.');
  const workers = Number(count);
  if (workers < 1)
    throw wrong(
      `scale ${value}: a job needs at least one worker`,
      'To stop the job, use "ftc down"; its checkpoints stay.',
    );
  if (workers > most)
    throw wrong(`scale ${value}: at most ${most} workers`, `Choose a number from 1 to ${most}.`);
  return workers;
}

function wrong(message: string, hint: string): FtcError {
  return new FtcError('FTC_SCALE', message, { hint });
}
