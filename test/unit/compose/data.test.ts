import { describe, expect, it } from 'vitest';
import { composeFile, toYaml } from '../../../compose/render.ts';
import { resolveJob } from '../../../src/job/resolve.ts';
import type { JobFile } from '../../../src/job/schema.ts';
import { labelled } from '../../../src/runtime/docker/job/labelled.ts';

const place = { projectDir: '/home/me/job', packageRoot: '/opt/ftc', version: '1.2.3', user: '10001:10001' };
const render = (data: JobFile['data'], checkpoint?: JobFile['checkpoint']) =>
  composeFile(resolveJob([{ name: 'mine', data, checkpoint }], null), place);

describe('a job that reads shards', () => {
  it('has a volume for them, which the workers alone see', () => {
    const { services, volumes } = render({ cache: '2g' });
    expect(services.worker['volumes']).toContain('cache:/cache');
    expect(services.worker['environment']).toMatchObject({
      FTC_DATA_CACHE: '/cache',
      FTC_DATA_CACHE_BYTES: '2g',
    });
    expect(JSON.stringify([services.master, services.supervisor])).not.toMatch(/cache|FTC_DATA/);
    expect(Object.keys(volumes)).toEqual(['checkpoints', 'master', 'worker-key', 'supervisor-key', 'cache']);
    expect(volumes['cache']).toEqual({ labels: { 'io.ftc.job': 'mine' } });
    expect(Object.keys(render({}, { dir: '/home/me/run' }).volumes)).toEqual([
      'master',
      'worker-key',
      'supervisor-key',
      'cache',
    ]);
  });

  it('logs in by names of variables only where there is a bucket', () => {
    const { services } = render({ s3: { endpoint: 'http://s3:9000', region: 'eu-west-1' } });
    expect(services.worker['environment']).toMatchObject({
      AWS_ACCESS_KEY_ID: null,
      AWS_SECRET_ACCESS_KEY: null,
      FTC_DATA_ENDPOINT: 'http://s3:9000',
      FTC_DATA_REGION: 'eu-west-1',
    });
    expect(services.master['environment']).not.toHaveProperty('AWS_ACCESS_KEY_ID');
    expect(toYaml(render({ cache: '2g' }))).not.toMatch(/AWS_|secrets/);
  });

  it('logs in by a file beside that of the checkpoints', () => {
    const s3 = { bucket: 'runs', credentials: '/home/me/job/keys/write' };
    const { services, secrets } = render({ s3: { credentials: '/home/me/job/keys/read' } }, { s3 });
    expect(secrets).toEqual({
      'checkpoint-s3': { file: './keys/write' },
      'data-s3': { file: './keys/read' },
    });
    expect([services.master['secrets'], services.worker['secrets']]).toEqual([
      ['checkpoint-s3'],
      ['data-s3'],
    ]);
    expect(services.worker['environment']).toMatchObject({
      AWS_SHARED_CREDENTIALS_FILE: '/run/secrets/data-s3',
    });
  });

  it('marks the volume of a verification as its own', () => {
    const { volumes } = labelled(render({}), { 'io.ftc.verify': 'mine' });
    for (const volume of Object.values(volumes))
      expect(volume['labels']).toMatchObject({ 'io.ftc.verify': 'mine' });
  });

  it('is as before without', () => {
    expect(toYaml(render(undefined))).not.toMatch(/cache|FTC_DATA|AWS_/);
  });
});
