import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { render } from '../../../compose/render.ts';
import type { FtcError } from '../../../src/errors.ts';
import { type Hook, parseHooks, urlProblem } from '../../../src/job/hooks.ts';
import { loadJob, type LoadedJob } from '../../../src/job/load.ts';
import { runJob } from '../../../src/trial/project.ts';

const TOKEN = 'T0canaryB0canary';
const URL_ = `https://hooks.example.com/services/${TOKEN}`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftctest-hooks-'));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

const load = (hooks: string): LoadedJob => {
  writeFileSync(join(folder, 'ftc.yaml'), `name: mine\nhooks: ${hooks}\n`);
  return loadJob({}, {}, folder);
};
const problem = (hooks: string): FtcError => {
  try {
    load(hooks);
  } catch (error) {
    return error as FtcError;
  }
  throw new Error('nothing was found wrong');
};
/** As tests can compare them. */
const plain = (hooks: readonly Hook[]) =>
  hooks.map(hook => (hook.kind === 'url' ? { ...hook, url: hook.url.reveal() } : hook));

describe('hooks', () => {
  it('are none without a word', () => {
    const none = { onFailure: [], onRecovery: [], onSuccess: [], caBundle: null };
    for (const said of ['null', '{}', '{onFailure: null}']) expect(load(said).job.hooks).toEqual(none);
  });

  it.each<[string, Hook | object]>([
    [URL_, { kind: 'url', url: URL_ }],
    [`{url: "${URL_}"}`, { kind: 'url', url: URL_ }],
    ['{urlFile: secrets/url}', { kind: 'urlFile', path: 'secrets/url' }],
    ['{urlEnv: SLACK_URL}', { kind: 'urlEnv', name: 'SLACK_URL' }],
    ['./tell.sh "$FTC_HOOK_TEXT"', { kind: 'command', command: './tell.sh "$FTC_HOOK_TEXT"' }],
    ['{command: "a b"}', { kind: 'command', command: 'a b' }],
    ['{command: [a, "b c"]}', { kind: 'command', command: ['a', 'b c'] }],
    [`[curl, -d, x, "${URL_}"]`, { kind: 'command', command: ['curl', '-d', 'x', URL_] }],
  ])('are written as %s', (text, expected) => {
    const [hook] = plain(load(`\n  onFailure: ${text}`).job.hooks.onFailure);
    const path = (expected as { path?: string }).path;
    expect(hook).toEqual(path === undefined ? expected : { ...expected, path: join(folder, path) });
  });

  it('are several in a list', () => {
    const { hooks } = load(`{onSuccess: ["${URL_}", {urlEnv: B}, {command: [a]}]}`).job;
    expect(hooks.onSuccess.map(({ kind }) => kind)).toEqual(['url', 'urlEnv', 'command']);
  });

  it.each([
    ['{onFailur: x}', 'ftc.yaml:2:9: hooks.onFailur is no key of a job file; did you mean "onFailure"?'],
    ['{onFailure: 5}', 'hooks.onFailure takes a URL, a command, or a group with one of the keys url'],
    ['{onFailure: {uri: x}}', 'hooks.onFailure takes a URL, a command'],
    ['{onFailure: {url: "https://a/", command: x}}', 'hooks.onFailure takes a URL, a command'],
    ['{onFailure: []}', 'hooks.onFailure is an empty list'],
    ['{onFailure: ""}', 'hooks.onFailure has an empty command'],
    ['{onFailure: [sleep, 5]}', 'hooks.onFailure has a command whose word 2 is no text: put it in quotes'],
    [
      '{onFailure: ["https://a/", echo]}',
      'has an item 2 that is a plain text: in a list a command is written as',
    ],
    [
      '{onFailure: ["https://a/", {urlEnv: "A B"}]}',
      'has an item 2 that gives urlEnv something that is no name',
    ],
    [`{onFailure: [${'"https://a/",'.repeat(9)}]}`, 'has 9 URLs and commands: the most are 8'],
    ['{onFailure: "http://localhost:9000/"}', 'leads to the container of the master itself'],
    ['{onFailure: "http://127.1.2.3/"}', 'leads to the container of the master itself'],
    ['{onFailure: "http://[::1]:80/"}', 'leads to the container of the master itself'],
    ['{caBundle: nowhere.pem}', 'hooks.caBundle nowhere.pem does not exist'],
  ])('are refused where they are wrong: %s', (text, message) => {
    expect(problem(text).message).toContain(message);
    expect(problem(text).exitCode).toBe(2);
  });

  it.each([
    `{onFailure: "htps://hooks.example.com/${TOKEN}"}`,
    `{onFailure: "https://${TOKEN}:x@ bad/"}`,
    `{onFailure: {url: "hooks.example.com/${TOKEN}"}}`,
    `{onFailure: {urlEnv: "https://hooks.example.com/${TOKEN}"}}`,
    `{onFailure: ["https://a/", "${TOKEN}"]}`,
    `{onFailure: {url: "https://a/${TOKEN}${'x'.repeat(3000)}"}}`,
    `{onFailure: {urlFile: {url: "${TOKEN}"}}}`,
  ])('are not repeated where they are wrong: %s', text => {
    const { message, hint } = problem(text);
    expect(`${message} ${hint ?? ''}`).not.toContain(TOKEN);
  });

  it('never give a URL away, whatever is made of the job', () => {
    const loaded = load(`{onFailure: "${URL_}", onSuccess: {urlFile: url}}`);
    const { yaml } = render(loaded);
    expect(yaml).toContain('FTC_HOOKS: onFailure,onSuccess');
    expect(yaml).toContain('file: ${FTC_HOOKS_FILE:-/dev/null}');
    expect(yaml).toContain('# FTC_HOOKS_FILE names the file with the URLs');
    for (const text of [yaml, JSON.stringify(loaded), inspect(loaded, { depth: 20, showHidden: true })])
      expect(text).not.toContain(TOKEN);
  });

  it('leave no trace in a project whose hooks are commands, or which is a trial', () => {
    const { job, ...rest } = load(`{onFailure: ./tell.sh, onSuccess: "${URL_}"}`);
    const trial = render({ job: runJob(job, 'mine-verify-1', 2, 0), ...rest }).yaml;
    const commands = render(load('{onFailure: ./tell.sh}')).yaml;
    for (const yaml of [trial, commands]) expect(yaml).not.toMatch(/HOOKS|secrets|extra_hosts|tell/);
    expect(render(load('{}')).yaml).toBe(commands);
  });

  it('hide the file of a URL from the script', () => {
    writeFileSync(join(folder, 'train.py'), 'import ftc\n');
    writeFileSync(join(folder, 'webhook'), URL_);
    writeFileSync(join(folder, 'ftc.yaml'), 'script: train.py\nhooks: {onFailure: {urlFile: webhook}}\n');
    expect(loadJob({}, {}, folder).hidden?.script).toEqual([{ path: 'webhook', kind: 'file' }]);
  });
});

it('what is parsed never throws, and what is wrong never repeats a value', () => {
  const word = fc.constantFrom(
    'canary',
    'https://canary.example/',
    'htp://canary',
    '',
    'a\0canary',
    'http://localhost/canary',
  );
  const value = fc.oneof(
    word,
    fc.integer(),
    fc.constant(null),
    fc.array(word),
    fc.constant({ canary: 'canary' }),
  );
  const group = fc.dictionary(fc.constantFrom('url', 'urlFile', 'urlEnv', 'command', 'canary'), value);
  const given = fc.oneof(value, group, fc.array(fc.oneof(value, group)));
  fc.assert(
    fc.property(given, input => {
      const parsed = parseHooks(input);
      if (parsed.problem !== null) expect(parsed.problem).not.toContain('canary');
      else
        for (const hook of parsed.hooks)
          if (hook.kind === 'url') expect(urlProblem(hook.url.reveal())).toBeNull();
    }),
    { numRuns: 2000 },
  );
});
