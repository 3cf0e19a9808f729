import { describe, expect, it } from 'vitest';
import { credentialsFor } from '../../../compose/credentials.ts';
import { composeFile, toYaml } from '../../../compose/render.ts';
import { resolveJob } from '../../../src/job/resolve.ts';
import { runJob } from '../../../src/verify/project.ts';

const place = { projectDir: '/home/me/job', packageRoot: '/opt/ftc', version: '1.2.3', user: '10001:10001' };
const render = (credentials: string | null) => {
  const s3 = { bucket: 'runs', endpoint: 'https://s3.example.com', prefix: 'a/b', keep: 5, credentials };
  return composeFile(resolveJob([{ name: 'mine', checkpoint: { s3 } }], null), place);
};

describe('credentials for S3', () => {
  it('are names of variables, for the master alone', () => {
    const { services, secrets } = render(null);
    expect(services.master['environment']).toMatchObject({
      AWS_ACCESS_KEY_ID: null,
      AWS_SECRET_ACCESS_KEY: null,
      AWS_SESSION_TOKEN: null,
      FTC_S3_BUCKET: 'runs',
      FTC_S3_PREFIX: 'a/b',
      FTC_S3_ENDPOINT: 'https://s3.example.com',
      FTC_S3_PATH_STYLE: 'true',
      FTC_S3_KEEP: '5',
    });
    expect(secrets).toBeUndefined();
    expect(JSON.stringify([services.worker, services.supervisor])).not.toMatch(/AWS_|FTC_S3/);
  });

  it('are a file that is mounted as a secret', () => {
    const { services, secrets } = render('/home/me/job/keys/aws');
    expect(secrets).toEqual({ 'checkpoint-s3': { file: './keys/aws' } });
    expect(services.master).toMatchObject({
      secrets: ['checkpoint-s3'],
      environment: { AWS_SHARED_CREDENTIALS_FILE: '/run/secrets/checkpoint-s3', AWS_PROFILE: null },
    });
    expect(services.master['environment']).not.toHaveProperty('AWS_ACCESS_KEY_ID');
  });

  it('are a secret that another Compose file defines', () => {
    const { services, secrets } = render('secret:mine');
    expect(secrets).toBeUndefined();
    expect(services.master).toMatchObject({
      secrets: ['mine'],
      environment: { AWS_SHARED_CREDENTIALS_FILE: '/run/secrets/mine' },
    });
  });

  it('are not what the environment holds when the project is rendered', () => {
    const before = process.env['AWS_SECRET_ACCESS_KEY'];
    process.env['AWS_SECRET_ACCESS_KEY'] = 'hunter2canary';
    try {
      expect(toYaml(render(null))).not.toContain('hunter2canary');
    } finally {
      if (before === undefined) delete process.env['AWS_SECRET_ACCESS_KEY'];
      else process.env['AWS_SECRET_ACCESS_KEY'] = before;
    }
  });

  it('are nobody’s in a job that asks for nothing, and in the runs of a verification', () => {
    const plain = resolveJob([{ name: 'mine' }], null);
    const asks = resolveJob([{ name: 'mine', checkpoint: { s3: { bucket: 'runs' } } }], null);
    for (const job of [plain, runJob(asks, 'mine-verify-1', 2, 0)])
      expect(toYaml(composeFile(job, place))).not.toMatch(/AWS_|S3|secrets/);
  });

  it('can be given to any service under a name of its own', () => {
    expect(credentialsFor('/elsewhere/keys', 'data-s3', place)).toMatchObject({
      secrets: ['data-s3'],
      definitions: { 'data-s3': { file: '/elsewhere/keys' } },
    });
  });
});
