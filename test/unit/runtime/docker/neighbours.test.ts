import { describe, expect, it } from 'vitest';
import { inTheWay, neighbourError, type Thing } from '../../../../src/runtime/docker/neighbours.ts';

const project = 'com.docker.compose.project';
const own = { 'io.ftc.job': 'exp', [project]: 'exp' };
const thing = (kind: Thing['kind'], name: string, labels: Thing['labels'] = {}): Thing => ({
  kind,
  name,
  labels,
});
const names = (...things: Thing[]): string[] => inTheWay('exp', things).map(({ name }) => name);

describe('what is in the way of a job', () => {
  it('is none of its own', () => {
    const parts = [
      thing('container', 'exp-worker-1', own),
      thing('container', 'renamed', own),
      thing('network', 'exp_default', own),
      thing('volume', 'exp_checkpoints', own),
    ];
    expect(names(...parts)).toEqual([]);
  });

  it('is everything else in the Compose project of that name', () => {
    const labels = { [project]: 'exp' };
    expect(
      names(
        thing('container', 'exp-db-1', labels),
        thing('network', 'n', labels),
        thing('volume', 'v', labels),
      ),
    ).toEqual(['exp-db-1', 'n', 'v']);
    expect(
      names(thing('container', 'x', { ...labels, 'io.ftc.job': 'other', 'io.ftc.role': 'worker' })),
    ).toEqual(['x']);
  });

  it('is a container or network under a name that it needs, whoever made it', () => {
    expect(names(thing('container', 'exp-worker-7'), thing('network', 'exp_default'))).toEqual([
      'exp-worker-7',
      'exp_default',
    ]);
    const others = { 'io.ftc.job': 'exp', [project]: 'other' };
    expect(names(thing('container', 'exp-master-1', others))).toEqual(['exp-master-1']);
  });

  it('is no neighbour with a longer or shorter name', () => {
    const near = ['exp-2-worker-1', 'exp-worker-x', 'my-exp-worker-1', 'exp-web-1', 'exp'];
    expect(names(...near.map(name => thing('container', name)), thing('network', 'exp_backend'))).toEqual([]);
  });

  it('is a volume of another project, and none that was made by hand for the job', () => {
    expect(names(thing('volume', 'exp_checkpoints'), thing('volume', 'exp_data'))).toEqual([]);
    expect(names(thing('volume', 'exp_checkpoints', { [project]: 'old' }))).toEqual(['exp_checkpoints']);
  });
});

describe('the refusal', () => {
  it('names a project of somebody else, and how to list it', () => {
    const error = neighbourError('exp', [thing('container', 'exp-db-1', { [project]: 'exp' })]);
    expect(error).toMatchObject({ code: 'FTC_NOT_OURS', exitCode: 3 });
    expect(error.message).toContain('the Compose project "exp" is somebody else\'s');
    expect(error.message).toContain('the container exp-db-1');
    expect(error.hint).toContain('docker ps --all --filter label=com.docker.compose.project=exp');
    expect(error.hint).toContain('--name exp-2');
  });

  it('says how to remove what has a name that is needed', () => {
    const error = neighbourError('exp', [
      thing('network', 'exp_default'),
      thing('container', 'exp-worker-1'),
    ]);
    expect(error.hint).toContain('docker network rm exp_default; docker rm exp-worker-1');
  });

  it('proposes a valid name for the longest one', () => {
    const long = 'a'.repeat(63);
    expect(neighbourError(long, [thing('network', `${long}_default`)]).hint).toContain(
      `--name ${'a'.repeat(61)}-2 `,
    );
  });
});
