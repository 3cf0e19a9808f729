/**
 * The checkpoints and step metrics of a job whose master does not run: HTTP over stdin and stdout, for `ftc` that started this container with
 * nothing but the volume. It ends when `ftc` does.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Duplex } from 'node:stream';
import { routes } from '../api/routes.ts';
import { serveSteps } from '../metrics/route.ts';
import { Manager } from './manager.ts';
import { JobId } from './names.ts';
import { CheckpointEnvironment, policyOf } from './policy.ts';
import { serveCheckpoints } from './routes.ts';

const Environment = CheckpointEnvironment.extend({ JOB_ID: JobId });
const e = Environment.parse(process.env);
const manager = new Manager(policyOf(e, e.JOB_ID), e.JOB_ID);

function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url?.split('?')[0] === routes.steps.path)
    return serveSteps(manager.policy.directory, request, response);
  return serveCheckpoints(manager, request, response, { files: true });
}

const server = createServer((request, response) => {
  serve(request, response).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    if (!response.headersSent) response.writeHead(500, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify({ error: String(error) })}\n`);
  });
});
const line = Duplex.from({ readable: process.stdin, writable: process.stdout });
line.on('error', () => process.exit(1));
process.stdin.on('end', () => process.exit(0));
server.emit('connection', line);
