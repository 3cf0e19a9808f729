/** pino as every TypeScript process of a job uses it: JSON lines on stdout. `ftc logs` makes them readable. */
import { pino, type Logger } from 'pino';
import { harmless } from './visible.ts';

export type { Logger };

export function createLogger(name: string, job: string): Logger {
  const file = pino.destination({ dest: process.stdout.fd, sync: true });
  return pino(
    {
      level: process.env['LOG_LEVEL'] ?? 'info',
      base: { name, job },
      formatters: { level: label => ({ level: label }) },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
    },
    // Whoever reads the log with `docker logs` has a terminal, too.
    { write: line => void file.write(harmless(line)) },
  );
}
