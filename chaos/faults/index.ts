/** All faults, by the word that the command line and a faults file have for them. */
import { FtcError } from '../../src/errors.ts';
import { closest } from '../../src/job/closest.ts';
import { bitflip } from './bitflip.ts';
import { clock } from './clock.ts';
import { corruptCheckpoint } from './corrupt-checkpoint.ts';
import { corrupt } from './corrupt.ts';
import { cpu } from './cpu.ts';
import { crash } from './crash.ts';
import { delay } from './delay.ts';
import { diskFull } from './disk-full.ts';
import { diskSlow } from './disk-slow.ts';
import { duplicate } from './duplicate.ts';
import { engine } from './engine.ts';
import type { Fault } from './fault.ts';
import { hang } from './hang.ts';
import { kill } from './kill.ts';
import { loss } from './loss.ts';
import { oom } from './oom.ts';
import { partition } from './partition.ts';
import { pause } from './pause.ts';
import { rate } from './rate.ts';
import { remove } from './remove.ts';
import { restart } from './restart.ts';
import { slow } from './slow.ts';
import { stop } from './stop.ts';

export const faults: readonly Fault[] = [
  // The container ends.
  kill,
  stop,
  crash,
  oom,
  restart,
  remove,
  // It is there and does nothing, or little.
  pause,
  hang,
  slow,
  cpu,
  // The network.
  partition,
  loss,
  delay,
  rate,
  duplicate,
  corrupt,
  // The checkpoint volume.
  diskFull,
  diskSlow,
  corruptCheckpoint,
  // A worker's memory.
  bitflip,
  // The machine.
  clock,
  engine,
];

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
