/** Which runtime: the one place that knows all of them. None is loaded before it is asked for. */
import type { Kind, Runtime, RuntimeModule } from './runtime.ts';

const modules: Readonly<Record<Kind, () => Promise<RuntimeModule>>> = {
  docker: async () => (await import('./docker/runtime.ts')).docker,
};

export const pick = (kind: Kind = 'docker'): Promise<RuntimeModule> => modules[kind]();

/** @throws FtcError FTC_NO_ENGINE, FTC_ENGINE_PERMISSION */
export const openRuntime = async (): Promise<Runtime> => (await pick()).open();
