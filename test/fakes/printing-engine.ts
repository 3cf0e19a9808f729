import { FakeEngine } from './fake-engine.ts';

/** A fake engine whose containers print a line on each stream when they start for the first time. */
export class PrintingEngine extends FakeEngine {
  override async start(id: string): Promise<void> {
    const before = await this.inspect(id);
    await super.start(id);
    if (before?.state === 'created') for (const line of ['out', 'err']) this.print(id, line);
  }
}
