/** An engine in memory, with the contract of a real one: see test/contracts/engine-contract.ts, which both pass. */
import { randomBytes } from 'node:crypto';
import type { Container, ContainerEvent, Engine } from '../../src/runtime/docker/engine.ts';
import type { Blueprint } from '../../src/runtime/replica.ts';
import { FAVOURED } from '../../src/runtime/docker/weight.ts';
import type { Role } from '../../src/shared/names.ts';
import { FtcError } from '../../src/errors.ts';

type Listener = (event: ContainerEvent | 'connected' | 'gone') => void;

export interface FakeContainer {
  readonly role: Role;
  readonly project: string;
  readonly number?: number;
  readonly job?: string;
  readonly state?: Container['state'];
  readonly labels?: Container['labels'];
}

const order: readonly Role[] = ['master', 'supervisor', 'worker'];

export class FakeEngine implements Engine {
  readonly #containers = new Map<string, Container>();
  readonly #logs = new Map<string, string[]>();
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #now: () => number;
  #gone = false;
  #pid = 1000;
  /** Every call that changes something, such as `start 0123456789ab`, in order. */
  readonly calls: string[] = [];

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Makes a container, as Compose would. */
  add({
    role,
    project,
    number = 1,
    job = project,
    state = 'created',
    labels = {},
  }: FakeContainer): Container {
    const id = randomBytes(32).toString('hex');
    const runs = state === 'running' || state === 'paused';
    const container: Container = {
      kind: 'container',
      id,
      hostname: id.slice(0, 12),
      name: `${project}-${role}-${number}`,
      role,
      job,
      project,
      number,
      image: `ftc-${role}`,
      state,
      startedAt: state === 'created' ? null : this.#now(),
      finishedAt: state === 'exited' ? this.#now() : null,
      exitCode: state === 'exited' ? 0 : null,
      oomKilled: false,
      pid: runs ? (this.#pid += 1) : null,
      attached: true,
      favoured: false,
      folder: null,
      cpuShares: 0,
      labels,
      ports: {},
    };
    this.#containers.set(id, container);
    this.#emit(container, 'create');
    return container;
  }

  /** Its first process ends by itself. */
  exit(id: string, exitCode: number, { oomKilled = false } = {}): void {
    const container = this.#get(id, 'exit');
    this.#containers.set(id, {
      ...container,
      state: 'exited',
      finishedAt: this.#now(),
      exitCode,
      oomKilled,
      pid: null,
    });
    if (oomKilled) this.#emit(container, 'oom');
    this.#emit(container, 'die', exitCode);
  }

  /** Somebody cuts it off from its network. */
  cutOff(id: string): void {
    this.#containers.set(id, { ...this.#get(id, 'cut off'), attached: false });
  }

  print(id: string, line: string): void {
    this.#logs.set(id, [...(this.#logs.get(id) ?? []), line]);
  }

  /** Until `comeBack`, every call fails and event streams are cut. With the engine die its containers, as on a reboot. */
  goAway({ containersDie = false } = {}): void {
    if (containersDie)
      for (const { id, state } of this.#containers.values())
        if (state === 'running' || state === 'paused') this.exit(id, 137);
    this.#gone = true;
    for (const listeners of this.#listeners.values()) for (const listener of listeners) listener('gone');
  }

  comeBack(): void {
    this.#gone = false;
    for (const listeners of this.#listeners.values()) for (const listener of listeners) listener('connected');
  }

  async list(project: string): Promise<Container[]> {
    await this.#reach('list containers');
    return [...this.#containers.values()]
      .filter(container => container.project === project)
      .sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role) || a.number - b.number);
  }

  async inspect(id: string): Promise<Container | null> {
    await this.#reach('inspect');
    return this.#containers.get(id) ?? null;
  }

  async start(id: string): Promise<void> {
    await this.#reach(`start ${id.slice(0, 12)}`);
    const container = this.#get(id, 'start');
    if (container.state === 'running') return;
    if (container.state === 'paused') throw refused(`start ${container.name}: it is paused`);
    const { finishedAt } = container;
    this.#containers.set(id, {
      ...container,
      state: 'running',
      startedAt: this.#now(),
      finishedAt,
      exitCode: null,
      oomKilled: false,
      pid: (this.#pid += 1),
    });
    this.#emit(container, 'start');
  }

  async kill(id: string, signal = 'SIGKILL'): Promise<void> {
    await this.#reach(`kill ${id.slice(0, 12)} ${signal}`);
    const container = this.#containers.get(id);
    if (container?.pid === undefined || container.pid === null) return;
    this.#emit(container, 'kill', null, signal);
    if (signal === 'SIGKILL') this.exit(id, 137);
    // Frozen processes get their signals when they thaw.
    else if (signal === 'SIGTERM' && container.state === 'running') this.exit(id, 143);
  }

  async pause(id: string): Promise<void> {
    await this.#reach(`pause ${id.slice(0, 12)}`);
    const container = this.#get(id, 'pause');
    if (container.state === 'paused') return;
    if (container.state !== 'running') throw refused(`pause ${container.name}: it is not running`);
    this.#containers.set(id, { ...container, state: 'paused' });
    this.#emit(container, 'pause');
  }

  async unpause(id: string): Promise<void> {
    await this.#reach(`unpause ${id.slice(0, 12)}`);
    const container = this.#containers.get(id);
    if (container?.state !== 'paused') return;
    this.#containers.set(id, { ...container, state: 'running' });
    this.#emit(container, 'unpause');
  }

  async remove(id: string): Promise<void> {
    await this.#reach(`remove ${id.slice(0, 12)}`);
    const container = this.#containers.get(id);
    if (!container) return;
    if (container.pid !== null) {
      this.#emit(container, 'kill', null, 'SIGKILL');
      this.exit(id, 137);
    }
    this.#containers.delete(id);
    this.#emit(container, 'destroy');
  }

  async blueprint(id: string): Promise<Blueprint | null> {
    await this.#reach('inspect');
    const container = this.#containers.get(id);
    return container ? { name: container.name, body: { ...container } } : null;
  }

  async create({ name, body }: Blueprint): Promise<string> {
    await this.#reach(`create ${name}`);
    if ([...this.#containers.values()].some(c => c.name === name)) throw refused(`make ${name}: it is there`);
    const { role, project, number, job, labels } = body as unknown as Container;
    return this.add({ role, project, number, job, labels }).id;
  }

  async weigh(id: string, cpuShares: number): Promise<void> {
    await this.#reach(`weigh ${id.slice(0, 12)} ${cpuShares}`);
    this.#containers.set(id, { ...this.#get(id, 'weigh'), cpuShares, favoured: cpuShares === FAVOURED });
  }

  async attach(id: string): Promise<void> {
    await this.#reach(`attach ${id.slice(0, 12)}`);
    this.#containers.set(id, { ...this.#get(id, 'attach'), attached: true });
  }

  async tail(id: string, lines: number): Promise<string> {
    await this.#reach('logs');
    this.#get(id, 'read the log of');
    const last = (this.#logs.get(id) ?? []).slice(-lines);
    return last.map(line => `${line}\n`).join('');
  }

  async *events(project: string, signal: AbortSignal): AsyncGenerator<ContainerEvent | 'connected'> {
    const queue: (ContainerEvent | 'connected')[] = this.#gone ? [] : ['connected'];
    let wake = () => {};
    const listener: Listener = event => {
      if (event !== 'gone') queue.push(event);
      wake();
    };
    const listeners = this.#listeners.get(project) ?? new Set();
    this.#listeners.set(project, listeners.add(listener));
    const onAbort = () => wake();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        const next = queue.shift();
        if (next !== undefined) yield next;
        else await new Promise<void>(resolve => (wake = resolve));
      }
    } finally {
      listeners.delete(listener);
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #reach(call: string): Promise<void> {
    await Promise.resolve();
    if (this.#gone) throw new FtcError('FTC_ENGINE_GONE', `the container engine went away (${call})`);
    if (/^(start|kill|pause|unpause|remove|attach|create)/.test(call)) this.calls.push(call);
  }

  #get(id: string, doing: string): Container {
    const container = this.#containers.get(id);
    if (!container) throw new FtcError('FTC_NO_TARGET', `cannot ${doing}: the container is gone`);
    return container;
  }

  #emit(
    { id, role, project }: Container,
    action: string,
    exitCode: number | null = null,
    signal: string | null = null,
  ): void {
    // An engine that is away tells nothing, and forgets.
    if (this.#gone) return;
    const event = { action, id, role, at: this.#now(), exitCode, signal };
    for (const listener of this.#listeners.get(project) ?? []) listener(event);
  }
}

function refused(what: string): FtcError {
  return new FtcError('FTC_NOT_RUNNING', `cannot ${what}`);
}
