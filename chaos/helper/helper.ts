/** A helper container: it looks, waits for a word, does its act, and puts it right by its own clock if nobody asks it to sooner. */
import { z } from 'zod';
import type { FaultHands, HelperProcess, HelperSpec } from '../../src/runtime/faults.ts';
import { within } from '../../src/shared/within.ts';
import { FtcError } from '../../src/errors.ts';
import type { Draft, FaultRecord, World } from '../faults/fault.ts';
import type { Act } from './act.ts';

/** What the container is like in which it happens. */
export type Place = Pick<HelperSpec, 'network' | 'processes' | 'capabilities' | 'mounts' | 'user'>;

export interface Looked<Before> {
  readonly before: Before;
  /** Does it; resolves when it is in force. @throws FtcError FTC_CANNOT, FTC_NO_TARGET */
  readonly go: (decision?: object) => Promise<void>;
  /** The same, for what the act tells of it. */
  readonly ask: (decision?: object) => Promise<unknown>;
  readonly cancel: () => Promise<void>;
}

const ANSWER_MS = 30_000;
/** The helper's own clock is behind ours: it is only for when we are gone. */
const SLACK_S = 2;
/** Nothing is held for longer than a day without anybody. */
const MOST_S = 86_400;

const Line = z.union([
  z.object({ before: z.unknown() }),
  z.object({ ready: z.unknown() }),
  z.object({ done: z.literal(true) }),
  z.object({ cannot: z.string() }),
  z.object({ absent: z.string() }),
]);

/** @param data what the record will have, as far as it is known; for the label */
export async function look<Before>(
  world: World,
  draft: Draft,
  act: Act,
  place: Place,
  Before: z.ZodType<Before>,
  data: object = {},
): Promise<Looked<Before>> {
  const seconds = draft.forMs === null ? null : Math.min(MOST_S, draft.forMs / 1000 + SLACK_S);
  const spec = { ...act, id: draft.id, seconds };
  const helper = await spawn(world.faults, draft, ['apply', JSON.stringify(spec)], place, data);
  const cancel = async (): Promise<void> => {
    helper.release();
    await world.faults.dismiss(helper.id);
  };
  try {
    const line = await next(helper, draft.fault);
    const before = Before.parse('before' in line ? line.before : undefined);
    const ask = async (decision: object = {}): Promise<unknown> => {
      helper.send(JSON.stringify({ ...(before as object), ...decision }));
      const answer = await next(helper, draft.fault);
      helper.release();
      return 'ready' in answer ? answer.ready : undefined;
    };
    const go = async (decision?: object): Promise<void> => {
      await ask(decision);
    };
    return { before, cancel, ask, go };
  } catch (error) {
    await cancel();
    throw error;
  }
}

/** Looks, and does nothing. */
export async function peek<T>(
  faults: FaultHands,
  act: Act,
  place: Place,
  Before: z.ZodType<T>,
  project: string,
): Promise<T> {
  const draft = { project, id: 'probe-0', fault: act.act };
  const helper = await spawn(faults, draft, ['look', JSON.stringify(act)], place, {});
  try {
    const line = await next(helper, act.act);
    return Before.parse('before' in line ? line.before : undefined);
  } finally {
    helper.release();
  }
}

/**
 * Undoes what a helper did. One that is still there puts it right itself; where there is none any more, another one does.
 * @param act what it was told, with what it saw before
 */
export async function undo(world: World, record: FaultRecord, act: Act, place: Place): Promise<void> {
  const mine = (await world.faults.helpers(record.project)).filter(h => h.fault === record.id);
  const done = [];
  for (const helper of mine) done.push(await world.faults.dismiss(helper.id));
  if (done.length > 0 && done.every(Boolean)) return;
  const spec = { ...act, id: record.id, seconds: null };
  const helper = await spawn(world.faults, record, ['revert', JSON.stringify(spec)], place, {});
  await next(helper, record.fault);
  helper.release();
}

async function spawn(
  faults: FaultHands,
  draft: Pick<Draft, 'project' | 'id' | 'fault'>,
  command: readonly string[],
  place: Place,
  data: object,
): Promise<HelperProcess> {
  const { project, id: fault } = draft;
  const record = JSON.stringify({ ...draft, data });
  return faults.spawn({ command, project, fault, record, ...place });
}

async function next(helper: HelperProcess, fault: string): Promise<z.output<typeof Line>> {
  const failed = (why: string): FtcError =>
    new FtcError(
      'FTC_ENGINE_FAILED',
      `the helper container for ${fault} failed: ${helper.complaint() || why}`,
    );
  const text = await within(ANSWER_MS, helper.line()).catch(() => {
    throw failed(`no word from it for ${ANSWER_MS / 1000} s`);
  });
  const line = Line.safeParse(text === null ? null : parseJson(text));
  if (!line.success)
    throw failed(text === null ? 'it ended without a word' : `it said ${text.slice(0, 200)}`);
  if ('cannot' in line.data)
    throw new FtcError('FTC_CANNOT', `${fault} cannot be done here: ${line.data.cannot}`, {
      hint: '"ftc chaos list" shows what this machine can do.',
    });
  if ('absent' in line.data) throw new FtcError('FTC_NO_TARGET', `${fault}: ${line.data.absent}`);
  return line.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
