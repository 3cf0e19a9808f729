/** All faults, by the word that the command line and a faults file have for them. */
import { FtcError } from '../../src/errors.ts';
import { closest } from '../../src/job/closest.ts';
import type { Fault } from './fault.ts';
import { kill } from './kill.ts';
import { pause } from './pause.ts';
import { restart } from './restart.ts';
import { stop } from './stop.ts';

export const faults: readonly Fault[] = [kill, stop, restart, pause];

/** @throws FtcError FTC_USAGE that names the nearest */
export function faultNamed(name: string): Fault {
  const found = faults.find(fault => fault.name === name);
  if (found) return found;
  const names = faults.map(fault => fault.name);
  const near = closest(name, names);
  throw new FtcError('FTC_USAGE', `there is no fault "${name}"`, {
    hint: near === null ? `There are ${names.join(', ')}.` : `Did you mean "${near}"?`,
  });
}
