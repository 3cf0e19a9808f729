import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownImage, pulledImage } from '../../../../scripts/setup/base-image.mjs';
import { ownBaseImage, usualBaseImage } from '../../../../src/runtime/docker/base-image.ts';
import { lacksBaseImage, makeBaseImage } from '../../../../src/runtime/docker/make-base-image.ts';

const host = { url: 'unix:///test.sock', source: 'a test', certificates: null };
const withImages = (...names: string[]) => ({
  docker: {
    getImage: (name: string) => ({
      inspect: () =>
        names.includes(name) ? Promise.resolve({}) : Promise.reject(new Error('no such image')),
    }),
  } as unknown as Docker,
});

it('has the same names as the set-up script', () => {
  expect([ownBaseImage, usualBaseImage]).toEqual([ownImage, pulledImage]);
});

it.each([
  [undefined, [], true],
  [undefined, [usualBaseImage], false],
  [ownBaseImage, [usualBaseImage], true],
  [ownBaseImage, [ownBaseImage], false],
  ['mine:1', [], false],
])('with FTC_BASE_IMAGE %s and %j there, lacks one: %s', async (named, there, lacks) => {
  expect(await lacksBaseImage(withImages(...there), named)).toBe(lacks);
});

describe('making it', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'ftctest-base-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const script = (body: string) => {
    const path = join(folder, 'base-image.mjs');
    writeFileSync(path, `export async function ensureBaseImage({ wanted, env, report }) { ${body} }`);
    return path;
  };

  it('uses the engine that was found, and shows what it does', async () => {
    const lines: string[] = [];
    const path = script(
      "return report.step('make it', 'no registry', async () => `${wanted}|${env.DOCKER_HOST}`);",
    );
    const made = await makeBaseImage({ host }, undefined, line => lines.push(line), path);
    expect(made).toBe('|unix:///test.sock');
    expect(lines).toEqual(['make it (no registry)']);
  });

  it('says what to do where there is none to be had', async () => {
    const path = script(
      "throw Object.assign(new Error('no way'), { name: 'SetupProblem', hint: 'do this' });",
    );
    await expect(makeBaseImage({ host }, undefined, () => undefined, path)).rejects.toMatchObject({
      code: 'FTC_NO_BASE_IMAGE',
      exitCode: 3,
      message: 'no way',
      hint: 'do this',
    });
  });

  it('leaves a defect one', async () => {
    const path = script("throw new TypeError('ours');");
    await expect(makeBaseImage({ host }, undefined, () => undefined, path)).rejects.toThrow(TypeError);
  });
});
