import { describe, expect, it } from 'vitest';
import { credentialsFor } from '../../../compose/credentials.ts';
import { composeFile, toYaml } from '../../../compose/render.ts';
import { resolveJob } from '../../../src/job/resolve.ts';
import { runJob } from '../../../src/trial/project.ts';

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
      environment: { AWS_SHARED_CREDENTIALS_FILE: '/run/secrets/checkpoint-s3' },
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

describe('certificates', () => {
  it('are a file that is mounted read-only, for who asks that store alone', () => {
    const mount = (name: string) => ({
      type: 'bind',
      source: './ca.pem',
      target: `/etc/ftc/${name}-ca.pem`,
      read_only: true,
      bind: { create_host_path: false },
    });
    const caBundle = '/home/me/job/ca.pem';
    const checkpoint = { s3: { bucket: 'runs', caBundle } };
    const both = composeFile(
      resolveJob([{ name: 'mine', checkpoint, data: { s3: { caBundle } } }], null),
      place,
    );
    const { master, worker, supervisor } = both.services;
    expect(master['environment']).toMatchObject({ AWS_CA_BUNDLE: '/etc/ftc/checkpoint-s3-ca.pem' });
    expect(master['volumes']).toContainEqual(mount('checkpoint-s3'));
    expect(worker['environment']).toMatchObject({ AWS_CA_BUNDLE: '/etc/ftc/data-s3-ca.pem' });
    expect(worker['volumes']).toContainEqual(mount('data-s3'));
    const alone = composeFile(resolveJob([{ name: 'mine', checkpoint }], null), place);
    for (const service of [supervisor, alone.services.worker])
      expect(JSON.stringify(service)).not.toContain('ca.pem');
  });
});

describe('a store beside the job', () => {
  const s3 = (more: object = {}) => {
    const group = { bucket: 'runs', endpoint: 'http://s3:9000', ...more };
    return composeFile(resolveJob([{ name: 'mine', checkpoint: { s3: group } }], null), place);
  };

  it('is there for who asks for it, behind a profile, with the job’s login and no more rights than others', () => {
    const { services, volumes } = s3({ credentials: '/home/me/job/keys' });
    expect(services.s3).toMatchObject({
      profiles: ['s3'],
      image: 'ftc-s3:1.2.3',
      user: '10001:10001',
      cap_drop: ['ALL'],
      read_only: true,
      ports: ['127.0.0.1:${FTC_S3_PORT:-0}:9000'],
      volumes: ['s3:/data'],
      secrets: ['checkpoint-s3'],
      environment: { FTC_S3_BUCKET: 'runs' },
      labels: { 'io.ftc.job': 'mine', 'io.ftc.role': 's3' },
    });
    expect(volumes).toMatchObject({ s3: { labels: { 'io.ftc.role': 's3' } } });
    expect(s3().services.s3).toMatchObject({ environment: { AWS_ACCESS_KEY_ID: null } });
    expect(services.master['depends_on']).toEqual({ s3: { condition: 'service_started', required: false } });
  });

  it.each([null, 'https://s3:9000', 'http://s3', 'http://s3:9001', 'http://minio:9000'])(
    'is not for %s',
    endpoint => expect(s3({ endpoint }).services.s3).toBeUndefined(),
  );

  it('can hold shards alone', () => {
    const data = { s3: { endpoint: 'http://s3:9000', credentials: '/home/me/job/keys' } };
    const { services } = composeFile(resolveJob([{ name: 'mine', data }], null), place);
    expect(services.s3).toMatchObject({ secrets: ['data-s3'] });
    expect(services.s3?.['environment']).not.toHaveProperty('FTC_S3_BUCKET');
  });
});
