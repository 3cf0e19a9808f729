/** Has the SDK look at each answer before it reads it: ./answer.ts decides. */
import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { isText, LOOKED_AT, notS3 } from './answer.ts';

interface Response {
  statusCode: number;
  headers: Record<string, string>;
  body?: unknown;
}

/** More than this no text of a store has. */
const MOST = 16 * 2 ** 20;

/** From now on the client throws NotS3 where an answer is no store's. */
export function refuseOthers(client: S3Client): void {
  const middleware =
    <Args, Result extends { response?: unknown }>(
      next: (args: Args) => Promise<Result>,
      { commandName = '' }: { commandName?: string },
    ) =>
    async (args: Args): Promise<Result> => {
      const result = await next(args);
      await look(commandName, result.response as Response);
      return result;
    };
  const place = { relation: 'after', toMiddleware: 'deserializerMiddleware', name: 'refuseOthers' } as const;
  client.middlewareStack.addRelativeTo(middleware, place);
}

async function look(command: string, response: Response): Promise<void> {
  const { statusCode: status, body } = response;
  const headers = Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  let beginning = '';
  if (isText(command, status) && body instanceof Readable) {
    const text = await whole(body);
    beginning = text.toString('utf8', 0, LOOKED_AT);
    response.body = Readable.from([text], { objectMode: false });
  }
  const wrong = notS3({ command, status, headers, body: beginning });
  if (wrong === null) return;
  // What is left on the way is of no use to anybody.
  if (response.body instanceof Readable) response.body.destroy();
  throw wrong;
}

async function whole(body: Readable): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    parts.push(part as Buffer);
    bytes += (part as Buffer).length;
    if (bytes > MOST) throw new Error(`an answer of more than ${MOST} bytes`);
  }
  return Buffer.concat(parts);
}
