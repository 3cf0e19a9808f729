/** All faults that containers can suffer, by the word that a faults file has for them. */
import type { Fault } from './fault.ts';
import { kill } from './kill.ts';
import { pause } from './pause.ts';
import { stop } from './stop.ts';

export const faults = { kill, pause, stop } as const satisfies Record<string, Fault>;
export type FaultName = keyof typeof faults;
