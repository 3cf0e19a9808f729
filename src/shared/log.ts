/** pino as every TypeScript process of a job uses it: JSON lines on stdout. `ftc logs` makes them readable. */
import { pino, type Logger } from 'pino';

export type { Logger };

export function createLogger(name: string, job: string): Logger {
  return pino({
    level: process.env['LOG_LEVEL'] ?? 'info',
    base: { name, job },
    formatters: { level: label => ({ level: label }) },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
  });
}
