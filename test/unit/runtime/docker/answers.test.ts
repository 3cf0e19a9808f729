import { expect, it } from 'vitest';
import { isMember, networkLost, toContainer } from '../../../../src/runtime/docker/answers.ts';

const labels = {
  'com.docker.compose.project': 'p',
  'com.docker.compose.container-number': '3',
  'io.ftc.job': 'j',
  'io.ftc.role': 'worker',
};
const inspection = (state: object = {}, more: object = {}) => ({
  Id: 'a'.repeat(64),
  Name: '/p-worker-3',
  Config: { Hostname: 'aaaaaaaaaaaa', Image: 'ftc-worker:1', Labels: labels, Tty: false },
  State: {
    Status: 'exited',
    Pid: 0,
    ExitCode: 137,
    OOMKilled: true,
    StartedAt: '2026-01-01T00:00:00.5Z',
    FinishedAt: '2026-01-01T00:00:02.123456789Z',
    ...state,
  },
  ...more,
});

it('reads what the engine says of a container', () => {
  expect(toContainer(inspection())).toMatchObject({
    name: 'p-worker-3',
    project: 'p',
    job: 'j',
    number: 3,
    exitCode: 137,
    oomKilled: true,
    pid: null,
    startedAt: Date.parse('2026-01-01T00:00:00.500Z'),
    finishedAt: Date.parse('2026-01-01T00:00:02.123Z'),
  });
});

it('gives no exit code to what runs, or never ran', () => {
  expect(toContainer(inspection({ Status: 'running', Pid: 7, ExitCode: 0 }))).toMatchObject({
    exitCode: null,
    pid: 7,
  });
  const never = { Status: 'created', StartedAt: '0001-01-01T00:00:00Z', FinishedAt: '0001-01-01T00:00:00Z' };
  expect(toContainer(inspection(never))).toMatchObject({ exitCode: null, startedAt: null, finishedAt: null });
});

it('reads published ports, and that there are none', () => {
  const ports = { '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: '7070' }], '9/tcp': null };
  expect(toContainer(inspection({}, { NetworkSettings: { Ports: ports } }))?.ports).toEqual({
    '8080/tcp': 7070,
  });
  expect(toContainer(inspection({}, { NetworkSettings: { Ports: null } }))?.ports).toEqual({});
});

it('sees that a container lost its network, and under which names it was known there', () => {
  const on = (NetworkMode: string, Networks: object | null, Labels: object = labels): unknown => ({
    ...inspection({}, { HostConfig: { NetworkMode }, NetworkSettings: { Networks } }),
    Config: { Hostname: 'aaaaaaaaaaaa', Image: 'ftc-worker:1', Labels },
  });
  const service = { ...labels, 'com.docker.compose.service': 'worker' };
  const aliases = ['p-worker-3', 'worker'];
  expect(networkLost(on('p_default', {}, service))).toEqual({ network: 'p_default', aliases });
  expect(networkLost(on('default', {}))).toEqual({ network: 'bridge', aliases: [] });
  expect(toContainer(on('p_default', {}))?.attached).toBe(false);
  for (const there of [on('p_default', { p_default: {} }), on('host', {}), on('none', {}), on('x', null)])
    expect(toContainer(there)?.attached).toBe(true);
});

it('knows ours from others', () => {
  expect(isMember(labels)).toBe(true);
  expect(isMember({ ...labels, 'com.docker.compose.oneoff': 'True' })).toBe(false);
  expect(isMember({ ...labels, 'io.ftc.role': 'visitor' })).toBe(false);
  expect(isMember(null)).toBe(false);
  expect(toContainer({ ...inspection(), Config: { Hostname: 'x', Image: 'y', Labels: null } })).toBeNull();
});
