/** Gives the build of a job's requirements what pip needs on this machine, in files that are gone when it has ended. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipVariables } from '../../../../compose/requirements.ts';
import type { ComposeProject } from '../compose.ts';
import { pipSettings } from './pip-settings.ts';

/** Calls `build` with the project, and with variables that name those files where it installs requirements. */
export async function buildWithPip(
  project: ComposeProject,
  build: (project: ComposeProject) => Promise<void>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  if (project.yaml?.includes(`\${${pipVariables.settings}:-`) !== true) return build(project);
  const folder = await mkdtemp(join(tmpdir(), 'ftc-pip-')); // for this user's eyes only
  try {
    const { text, certificates } = pipSettings(env, readIfThere);
    const settings = join(folder, 'pip.conf');
    await writeFile(settings, text, { mode: 0o600 });
    await build({
      ...project,
      variables: {
        ...project.variables,
        [pipVariables.settings]: settings,
        ...(certificates !== null && { [pipVariables.certificates]: certificates }),
      },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
