import { z } from 'zod';
import { starts } from '../../src/runtime/faults.ts';
import { fault } from './fault.ts';
import { signal } from './params.ts';

export const EngineData = z.object({
  how: z.enum(starts),
  /** Older records are of the system's own engine. */
  socket: z.string().default('/run/docker.sock'),
});

/** The process of the engine ends, and with it most often every container of the machine; then it is started again. */
export const engine = fault({
  name: 'engine',
  summary: 'the engine itself is ended and started again, with all that runs on it',
  asks: ['engine'],
  targets: ['engine'],
  lasting: 'no',
  example: 'ftc chaos engine --restart-engine',
  consent: {
    flag: '--restart-engine',
    key: 'restartEngine',
    help: "ends every container on this machine, other people's too",
  },
  params: z.strictObject({ signal: signal('what ends it', 'SIGTERM') }),
  data: EngineData,
  async prepare({ faults }, _, __, p) {
    const { run, end } = await faults.engine.look();
    const apply = async (): Promise<void> => {
      await end(p.signal);
      await faults.engine.start(run);
    };
    return { data: run, apply };
  },
  async revert({ faults }, _, run) {
    await faults.engine.start(run);
    return null;
  },
});
