/** `npm run bench -- <name>`: measures, and writes what it measured into docs/benchmarks.md. */
import { writeFileSync } from 'node:fs';
import { connect } from '../src/runtime/docker/connect.ts';
import { FtcError } from '../src/errors.ts';
import { check } from './check.ts';
import { checkpoint } from './checkpoint/checkpoint.ts';
import type { Context, Section } from './context.ts';
import { Invalid } from './invalid.ts';
import { loader } from './loader.ts';
import { run as membership } from './membership.ts';
import { help, readOptions, recoveryParts, Usage, type Name, type Options } from './options.ts';
import { writeSection } from './page.ts';
import { recovery } from './recovery/recovery.ts';
import { removeLeftovers } from './remove.ts';
import { throughput } from './throughput.ts';

/** Far more than any of them takes on a machine that is fit to be measured on. Milliseconds. */
const limitMs: Record<Name, number> = {
  recovery: 25 * 60_000,
  throughput: 18 * 60_000,
  loader: 10 * 60_000,
  check: 15 * 60_000,
  checkpoint: 40 * 60_000,
  membership: 15 * 60_000,
};

const benchmarks: Record<Name, (context: Context) => Promise<Section>> = {
  recovery,
  throughput,
  loader,
  check,
  checkpoint,
  membership: async () => ({ body: await membership(), data: null }),
};

async function main(options: Options): Promise<void> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(130);
      console.error('bench: interrupted; removing what was started (once more to leave it)');
      stop.abort();
    });
  const connection = await connect();
  const removed = await removeLeftovers(connection);
  const startedAt = performance.now();
  const say = (text: string): void =>
    console.error(`[${((performance.now() - startedAt) / 1000).toFixed(0).padStart(4)} s] ${text}`);
  if (removed > 0) say(`removed what ${removed} earlier runs had left`);

  const data: Record<string, unknown> = {};
  for (const name of options.run) {
    const limit = AbortSignal.timeout(limitMs[name]);
    const signal = AbortSignal.any([stop.signal, limit]);
    const section = await benchmarks[name]({ options, connection, signal, say }).catch((error: unknown) => {
      throw limit.aborted
        ? new Invalid(`${name} was not done within ${limitMs[name] / 60_000} minutes`)
        : error;
    });
    data[name] = section.data;
    if (options.json !== null) writeFileSync(options.json, `${JSON.stringify(data, null, 2)}\n`);
    if (options.quick || (name === 'recovery' && options.parts.length < recoveryParts.length))
      console.log(section.body);
    else {
      await writeSection(name, section.body);
      say(`wrote the section "${name}" of docs/benchmarks.md`);
    }
  }
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === null) console.log(help);
  else await main(options);
} catch (error) {
  process.exitCode = 1;
  if (error instanceof Usage) {
    console.error(`bench: ${error.message}\n\n${help}`);
    process.exitCode = 2;
  } else if (error instanceof Invalid) console.error(`bench: not valid: ${error.message}`);
  else if (error instanceof FtcError)
    console.error(`bench: ${error.message}${error.hint ? `\n${error.hint}` : ''}`);
  else if ((error as Error).name === 'AbortError') process.exitCode = 130;
  else throw error;
}
