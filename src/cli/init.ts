/** `ftc init`: a job file and a training script that run as they are. */
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { basename, join, relative, resolve, sep } from 'node:path';
import { Folder } from '../disk/folder.ts';
import { FtcError } from '../errors.ts';
import { shortPath } from '../job/file.ts';
import { validName } from '../job/resolve.ts';
import { ownPackage } from '../package.ts';
import { jobFile, trainingScript } from './init-files.ts';
import { stderr } from './print.ts';

export function run({ dir = '.' }: { dir?: string }): Promise<undefined> {
  const folder = resolve(dir);
  const files = {
    'ftc.yaml': jobFile(validName(basename(folder)), schemaFor(folder)),
    'train.py': trainingScript,
  };
  const shown = (name: string) => shortPath(join(folder, name), process.cwd());
  const there = [...Object.keys(files), 'ftc.yml'].filter(name => isThere(join(folder, name)));
  if (there.length > 0)
    throw new FtcError(
      'FTC_FILE_EXISTS',
      `${there.map(shown).join(' and ')} exist${there.length > 1 ? '' : 's'} already; nothing was written`,
      {
        hint: 'Move it out of the way, or choose another folder: ftc init --dir my-job',
      },
    );

  const made = mkdirSync(folder, { recursive: true }) !== undefined;
  // Workers run as a user of their own: the script must be readable for others, whatever the umask.
  if (made) chmodSync(folder, 0o755);
  const inside = new Folder(folder, { follow: true, modes: { folder: 0o755, file: 0o644 } });
  for (const [name, text] of Object.entries(files)) inside.create(name, text);
  const cd = folder === process.cwd() ? '' : `cd ${shortPath(folder, process.cwd())} && `;
  stderr.lines(
    `Wrote ${Object.keys(files).map(shown).join(' and ')}.`,
    `Run it: ${cd}npx ftc up`,
    `Break it, meanwhile: ${cd}npx ftc chaos kill worker`,
  );
  return Promise.resolve(undefined);
}

/** A link that leads nowhere is there, too. */
const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** The schema in the package beside the job, or its address where the package may move. */
function schemaFor(folder: string): string {
  const { root, version } = ownPackage();
  const path = relative(folder, join(root, 'schema/ftc.schema.json')).split(sep).join('/');
  const near = resolve(folder).startsWith(root + sep) || (!path.startsWith('..') && !path.startsWith('/'));
  return near
    ? path.startsWith('.')
      ? path
      : `./${path}`
    : `https://unpkg.com/fault-tolerant-compose@${version}/schema/ftc.schema.json`;
}
