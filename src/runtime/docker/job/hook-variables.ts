/** How Compose is told of the file with the URLs of a job's hooks. */
import { hookFileVariable } from '../../../../compose/hooks.ts';
import { hasHookUrls, hookFilePath } from '../../../client/hook-file.ts';

/** The variable of Compose's environment that names the file, where there is one. @throws FtcError FTC_NOT_TRUSTED */
export const hookVariables = (directory: string, name: string): Readonly<Record<string, string>> =>
  hasHookUrls(directory, name) ? { [hookFileVariable]: hookFilePath(directory, name) } : {};
