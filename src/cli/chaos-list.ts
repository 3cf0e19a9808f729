/** `ftc chaos list`: each fault in a line, and which of them cannot be done here. */
import type { Fault } from '../../chaos/faults/fault.ts';
import { faults } from '../../chaos/faults/index.ts';
import { type Abilities, probe, whyNot } from '../../chaos/probe.ts';
import type { Capability } from '../runtime/faults.ts';
import { openRuntime } from '../runtime/pick.ts';
import { FtcError } from '../errors.ts';
import { table } from './view/format.ts';
import { stderr, stdout } from './print.ts';

export async function run(options: { json?: boolean }): Promise<undefined> {
  const able = await abilities();
  const rows = faults.map(fault => ({ ...described(fault), ...possible(fault, able) }));
  if (options.json) {
    stdout.json(rows, 2);
    return;
  }
  const lines = table(
    ['FAULT', 'LASTS', 'WHAT IT DOES'],
    rows.map(r => [r.name, r.lasts, r.summary]),
  );
  const not = rows.flatMap(r => (r.reason === null ? [] : [`  ${r.name}: ${r.reason}`]));
  if (not.length > 0)
    lines.push('', able instanceof FtcError ? 'Not known:' : 'Not on this machine:', ...not);
  lines.push('', 'ftc chaos FAULT --help tells what each can be aimed at, and its parameters.');
  stdout.lines(...lines);
}

interface Able {
  readonly kernel: Abilities;
  readonly runtime: ReadonlySet<Capability>;
}

/** Without an engine, what could be done is told all the same. */
async function abilities(): Promise<Able | FtcError> {
  try {
    const hands = (await openRuntime()).faults(line => stderr.lines(line));
    return { kernel: await probe(hands), runtime: hands.capabilities };
  } catch (error) {
    if (error instanceof FtcError) return error;
    throw error;
  }
}

function described({ name, summary, targets, lasting }: Fault) {
  return { name, summary, targets, lasts: typeof lasting === 'object' ? 'yes' : lasting };
}

/** `possible` is null where that is not known. */
function possible(fault: Fault, able: Able | FtcError): { possible: boolean | null; reason: string | null } {
  if (!(able instanceof FtcError)) {
    const reason = whyNot(fault, able.kernel, able.runtime);
    return { possible: reason === null, reason };
  }
  if (fault.impossible !== undefined) return { possible: false, reason: fault.impossible };
  return fault.needs === undefined
    ? { possible: true, reason: null }
    : { possible: null, reason: able.message.split('\n')[0] ?? '' };
}
