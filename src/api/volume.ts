/** Why a job's volume (or its `checkpoint.dir`) cannot be used, as facts; and what to say and do about it. Pure. */
import { z } from 'zod';
import { bytes } from '../shared/bytes.ts';
import { shellWord } from '../shared/shell.ts';

/** What is in the way. */
const Obstacle = z.object({
  /** Of a file or folder, from the top of the volume; empty is the top itself. */
  path: z.string(),
  folder: z.boolean(),
  problem: z.discriminatedUnion('kind', [
    /** The job's user may not read it, or write to it. `owner` is `uid:gid`, `mode` octal; null where they cannot be seen. */
    z.object({ kind: z.literal('denied'), owner: z.string().nullable(), mode: z.string().nullable() }),
    z.object({ kind: z.literal('readOnly') }),
    /** Bytes. */
    z.object({ kind: z.literal('full'), free: z.number(), size: z.number() }),
    /** Files and folders that there is room for. */
    z.object({ kind: z.literal('noInodes'), free: z.number(), size: z.number() }),
    /** A FIFO, a link, a device or a folder where a file should be; or a file where a folder should be. */
    z.object({ kind: z.literal('odd') }),
    z.object({ kind: z.literal('tooLarge'), bytes: z.number(), most: z.number() }),
    /** Anything else that the file system says. */
    z.object({ kind: z.literal('failing'), code: z.string() }),
  ]),
});
export type Obstacle = z.infer<typeof Obstacle>;

export const VolumePlace = z.object({
  type: z.enum(['volume', 'directory']),
  /** Of the volume, or a path of the host. */
  name: z.string(),
  /** With which a person can look into it. */
  image: z.string(),
});
export type VolumePlace = z.infer<typeof VolumePlace>;

export const VolumeTrouble = z.object({
  job: z.string(),
  place: VolumePlace,
  obstacle: Obstacle,
  /** `uid:gid` that the job runs as. */
  user: z.string(),
});
export type VolumeTrouble = z.infer<typeof VolumeTrouble>;

/** One sentence: what is in the way, and what it should be like. */
export function whatIsWrong({ job, place, obstacle, user }: VolumeTrouble): string {
  const { problem, path, folder } = obstacle;
  const there = `${place.type === 'volume' ? 'the volume' : 'checkpoint.dir'} ${place.name}`;
  const what = path === '' ? 'its top folder' : `the ${folder ? 'folder' : 'file'} ${path} in it`;
  const cannot = `the job "${job}" cannot use ${there}`;
  switch (problem.kind) {
    case 'denied':
      if (problem.owner === null)
        return `${cannot}: user ${user}, as whom it runs, may not look into ${what}`;
      if (problem.owner.split(':')[0] === user.split(':')[0])
        return `${cannot}: ${what} has mode ${problem.mode}, and its owner ${user}, as whom the job runs, must be able to ${folder ? 'read and change' : 'read'} it`;
      return `${cannot}: ${what} belongs to ${problem.owner} (mode ${problem.mode}), and must belong to ${user}, as whom the job runs`;
    case 'readOnly':
      return `${cannot}: it is mounted read-only, and checkpoints are written to it`;
    case 'full':
      return `${cannot}: it is full (${bytes(problem.free)} of ${bytes(problem.size)} are free), and no checkpoint can be written`;
    case 'noInodes':
      return `${cannot}: it has room for no more files (${problem.free} of ${problem.size} inodes are free), and no checkpoint can be written`;
    case 'odd':
      return `${cannot}: ${path} in it is no plain ${folder ? 'folder' : 'file'}, so ftc did not make it`;
    case 'tooLarge':
      return `${cannot}: the file ${path} in it has ${problem.bytes} bytes, and at most ${problem.most} are read, so ftc did not write it`;
    case 'failing':
      return `${cannot}: ${what} gives the error ${problem.code}`;
  }
}

/** What a person can do, with the commands. */
export function whatToDo({ job, place, obstacle, user }: VolumeTrouble): string {
  const { path, problem } = obstacle;
  const on = place.type === 'directory';
  const at = (inside: string): string => shellWord(`${place.name}${inside === '' ? '' : `/${inside}`}`);
  const run = `docker run --rm --user 0:0 --network none -v ${place.name}:/v --entrypoint`;
  const end = '. Then "ftc up" resumes from the newest checkpoint.';
  switch (problem.kind) {
    case 'denied': {
      const give = (where: string): string => `chown -R ${user} ${where} && chmod -R u+rwX ${where}`;
      const command = on
        ? `sudo sh -c ${shellWord(give(at('')))}`
        : `${run} sh ${place.image} -c '${give('/v')}'`;
      return `A volume that was restored or copied by another user belongs to that user. Give it back: ${command}${end}`;
    }
    case 'readOnly':
      return on
        ? `"findmnt -T ${at('')}" shows how it is mounted. Mount it writable, or name another folder with --checkpoint-dir.`
        : `"docker volume inspect ${place.name}" shows how it was made. Make it again without that option, or name another job with --name.`;
    case 'full':
    case 'noInodes': {
      const du = problem.kind === 'full' ? '-ah' : '-a --inodes';
      const command = on ? `du ${du} ${at('')}` : `${run} du ${place.image} ${du} /v`;
      return `Make room, or take a larger one. This shows what is there: ${command}${end}`;
    }
    case 'odd':
    case 'tooLarge': {
      const move = (where: string): string => `mv ${shellWord(where)} ${shellWord(`${where}.odd`)}`;
      const command = on
        ? move(`${place.name}/${path}`)
        : `${run} ${move(`/v/${path}`).replace(' ', ` ${place.image} `)}`;
      return `Look at it, and move it out of the way: ${command}${end}`;
    }
    case 'failing':
      return `The disk or the server behind it does not do its work: the engine's machine knows more ("dmesg"). "ftc up --name ${shellWord(`${job}-2`)}" takes another volume.`;
  }
}
