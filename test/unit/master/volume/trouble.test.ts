import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import {
  type Obstacle,
  type VolumePlace,
  type VolumeTrouble,
  whatIsWrong,
  whatToDo,
} from '../../../../src/api/volume.ts';

const image = 'ftc-control:1.2.3';
const volume: VolumePlace = { type: 'volume', name: 'a-job_checkpoints', image };
const directory: VolumePlace = { type: 'directory', name: "./it's here", image };
const said = (obstacle: Partial<Obstacle>, place = volume): [string, string] => {
  const trouble: VolumeTrouble = {
    job: 'a-job',
    place,
    user: '10001:10001',
    obstacle: { path: 'a-job', folder: true, problem: { kind: 'readOnly' }, ...obstacle },
  };
  return [whatIsWrong(trouble), whatToDo(trouble)];
};

describe('a folder of another user', () => {
  const problem = { kind: 'denied', owner: '0:0', mode: '0755' } as const;

  it('is named with its owner, whose it must be, and the command that gives it back', () => {
    const [wrong, todo] = said({ problem });
    expect(wrong).toBe(
      'the job "a-job" cannot use the volume a-job_checkpoints: the folder a-job in it belongs to 0:0 (mode 0755), and must belong to 10001:10001, as whom the job runs',
    );
    expect(todo).toContain(
      "docker run --rm --user 0:0 --network none -v a-job_checkpoints:/v --entrypoint sh ftc-control:1.2.3 -c 'chown -R 10001:10001 /v && chmod -R u+rwX /v'",
    );
  });

  it('of the host is given back by a command that the shell takes as it is', () => {
    const [wrong, todo] = said({ problem, path: '' }, directory);
    expect(wrong).toContain("checkpoint.dir ./it's here: its top folder belongs to 0:0");
    const command = /sudo (sh -c .*)\. Then/.exec(todo)?.[1] ?? '';
    const shown = execFileSync('sh', ['-c', `set -- ${command}; printf '%s\\n' "$@"`], { encoding: 'utf8' });
    expect(shown.trimEnd().split('\n')).toEqual([
      'sh',
      '-c',
      "chown -R 10001:10001 './it'\\''s here' && chmod -R u+rwX './it'\\''s here'",
    ]);
  });

  it('that is the job’s own is named with its mode', () => {
    const own = { ...problem, owner: '10001:0', mode: '0000' };
    expect(said({ problem: own })[0]).toContain('has mode 0000, and its owner 10001:10001');
    expect(said({ problem: { ...own, owner: null, mode: null } })[0]).toContain('may not look into');
  });
});

it('each kind says what is wrong, and has something to do', () => {
  const problems: [Obstacle['problem'], string, string][] = [
    [{ kind: 'readOnly' }, 'mounted read-only', 'docker volume inspect a-job_checkpoints'],
    [
      { kind: 'full', free: 0, size: 4_194_304 },
      'is full (0 B of 4.2 MB are free)',
      'du ftc-control:1.2.3 -ah /v',
    ],
    [{ kind: 'noInodes', free: 1, size: 8 }, '1 of 8 inodes are free', 'du ftc-control:1.2.3 -a --inodes /v'],
    [{ kind: 'odd' }, 'no plain folder', 'mv ftc-control:1.2.3 /v/a-job /v/a-job.odd'],
    [{ kind: 'tooLarge', bytes: 5, most: 4 }, 'has 5 bytes, and at most 4', '.odd'],
    [{ kind: 'failing', code: 'EIO' }, 'the error EIO', '--name a-job-2'],
  ];
  for (const [problem, wrong, todo] of problems) {
    expect(said({ problem })).toEqual([expect.stringContaining(wrong), expect.stringContaining(todo)]);
    expect(said({ problem }, directory)[0]).toContain('checkpoint.dir');
  }
});
