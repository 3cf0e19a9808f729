/** Mends a job while somebody watches it: ./parts.ts says what is to be done. */
import type { Restoring, RunningJob } from '../runtime/job.ts';
import type { Replica } from '../runtime/replica.ts';
import { FtcError } from '../errors.ts';
import type { Status } from '../api/status.ts';
import { hearParts, isStopped, mending, seeParts, type Mending, type Parts } from './parts.ts';

/** So many looks in a row must find nothing that runs: an engine that comes back starts its containers one by one. */
const STOPPED_LOOKS = 3;

export class PartKeeper {
  readonly #job: RunningJob;
  readonly #restoring: Restoring;
  readonly #closed = new AbortController();
  #parts: Parts = new Map();
  #missingSince: number | null = null;
  #stoppedLooks = 0;

  constructor(job: RunningJob, restoring: Restoring) {
    this.#job = job;
    this.#restoring = restoring;
    // Without events less is known of who was asked to stop; looking goes on.
    this.#listen().catch(() => undefined);
  }

  close(): void {
    this.#closed.abort();
  }

  /**
   * @param status the newest; null where the master does not answer
   * @returns what was done, for people; null where nothing was
   * @throws FtcError as the engine does; somebody else may have made a container first
   */
  async look(status: Status | null): Promise<string | null> {
    const now = Date.now();
    const { name, hands } = this.#job;
    const containers = (await hands.list()).filter(({ job }) => job === name);
    this.#parts = seeParts(this.#parts, containers, now);
    await this.#remember();
    const missing = containers.length > 0 && !containers.some(({ role }) => role === 'supervisor');
    this.#missingSince = missing ? (this.#missingSince ?? now) : null;
    const cut = containers.find(c => c.role !== 'worker' && c.state === 'running' && !c.attached);
    // A worker is killed for its silence, and gets its network back when it is started again.
    if (cut !== undefined) {
      await hands.attach(cut.id);
      return `${cut.name} was cut off from its network, and is put back onto it`;
    }
    const mend = mending(this.#parts, this.#missingSince, now, status?.target ?? null);
    if (mend !== null) return this.#mend(mend, containers, status);
    this.#stoppedLooks = containers.length > 0 && isStopped(containers) ? this.#stoppedLooks + 1 : 0;
    return null;
  }

  /** What it means that nothing runs and nothing will start it: somebody has stopped the job. Null while that is not so. */
  get stopped(): FtcError | null {
    if (this.#stoppedLooks < STOPPED_LOOKS) return null;
    const { name } = this.#job;
    return new FtcError('FTC_NOT_RUNNING', `the containers of "${name}" were stopped`, {
      hint: '"ftc up" resumes from the newest checkpoint, "ftc down" removes the containers.',
    });
  }

  /** Made anew as they were, so that ports, logins and names stay. */
  async #remember(): Promise<void> {
    for (const [id, part] of this.#parts) {
      if (part.blueprint !== null || part.goneAt !== null) continue;
      const blueprint = await this.#job.hands.blueprint(id);
      this.#parts = new Map(this.#parts).set(id, { ...(this.#parts.get(id) ?? part), blueprint });
    }
  }

  async #mend(
    { make, start, fromFile }: Mending,
    containers: readonly Replica[],
    status: Status | null,
  ): Promise<string> {
    const { hands } = this.#job;
    for (const { container, blueprint } of make) {
      if (blueprint !== null) await hands.start(await hands.create(blueprint));
      this.#parts = new Map([...this.#parts].filter(([id]) => id !== container.id));
    }
    const made = make.map(({ container }) => container.name).join(', ');
    if (fromFile) return this.#makeFromFile(containers, status);
    if (start === null) return `${made}: removed by somebody, and made anew`;
    await hands.start(start.id);
    const also = made === '' ? '' : `; ${made}: removed by somebody, and made anew`;
    return `the supervisor was down and is started again${also}`;
  }

  /** What is there stays as it is. */
  async #makeFromFile(containers: readonly Replica[], status: Status | null): Promise<string> {
    this.#missingSince = Date.now();
    const present = containers.filter(({ role }) => role === 'worker').length;
    if (!(await this.#restoring.restore(present, status?.target ?? null)))
      return `the supervisor of "${this.#job.name}" is gone, and so is the file that it was made from: "ftc down", then "ftc up" resumes the job`;
    return 'the supervisor was removed by somebody; what was missing is made anew';
  }

  async #listen(): Promise<void> {
    const { signal } = this.#closed;
    const changes = this.#job.hands.changes(signal);
    for await (const change of changes) if (change !== 'relist') this.#parts = hearParts(this.#parts, change);
  }
}
