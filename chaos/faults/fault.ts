/** What is done to containers, and how it is undone. */
import type { Container, Engine } from '../../src/docker/engine.ts';

export interface Fault {
  apply(engine: Engine, container: Container): Promise<void>;
  /** Puts right what does not mend itself. Harmless where there is nothing to put right. */
  revert(engine: Engine, container: Container): Promise<void>;
}
