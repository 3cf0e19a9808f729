/**
 * The checkpoints of a job whose master does not run: HTTP over stdin and stdout, for `ftc` that started this container with
 * nothing but the volume. It ends when `ftc` does.
 */
import { createServer } from 'node:http';
import { Duplex } from 'node:stream';
import { z } from 'zod';
import { Manager } from './manager.ts';
import { CheckpointEnvironment, policyOf } from './policy.ts';
import { serveCheckpoints } from './routes.ts';

const Environment = CheckpointEnvironment.extend({ JOB_ID: z.string().min(1) });
const e = Environment.parse(process.env);
const manager = new Manager(policyOf(e, e.JOB_ID), e.JOB_ID);

const server = createServer((request, response) => {
  serveCheckpoints(manager, request, response, { files: true }).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    if (!response.headersSent) response.writeHead(500, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify({ error: String(error) })}\n`);
  });
});
const line = Duplex.from({ readable: process.stdin, writable: process.stdout });
line.on('error', () => process.exit(1));
process.stdin.on('end', () => process.exit(0));
server.emit('connection', line);
