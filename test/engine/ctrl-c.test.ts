/** Whoever interrupts `npm test` keeps nothing of it: on an engine of its own, because the runner clears away what other runs have. */
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { dockerAt } from './harness.ts';
import { OwnEngine, whyNone } from './own-engine/own-engine.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const RUNNER = ['scripts/test.mjs', '--only', 'engine', 'test/engine/interrupt.test.ts'];
const why = await whyNone();
if (why !== null) console.warn(`left out: the tests are interrupted. ${why}`);

describe.skipIf(why !== null)('Ctrl+C ends the tests', () => {
  let engine: OwnEngine;
  beforeAll(async () => {
    engine = await OwnEngine.start();
    return () => engine.close();
  });

  /** What is on the engine, one a line. */
  async function everything(): Promise<string> {
    const lists = [
      ['ps', '--all', '--format', '{{.Names}}'],
      ['network', 'ls', '--filter', 'type=custom', '--format', '{{.Name}}'],
      ['volume', 'ls', '--format', '{{.Name}}'],
    ];
    const found = await Promise.all(lists.map(list => dockerAt(engine.env, ...list)));
    return found
      .map(({ stdout }) => stdout)
      .join('\n')
      .trim();
  }

  async function until<T>(look: () => Promise<T | null> | T | null): Promise<T> {
    for (;;) {
      const found = await look();
      if (found !== null) return found;
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }

  it.each([
    ['while a job is made', (found: string) => found.includes('_default')],
    ['while a job trains', (found: string) => found.includes('-worker-3')],
  ])('%s: no container, network or volume is left', async (_, isTime) => {
    const folder = mkdtempSync(join(engine.folder, 'run-'));
    const at = (name: string): string => join(folder, name);
    // A terminal sends the signal to all of a process group; this one's first process only tells how it ended.
    const script = 'trap : INT; cd "$0"; echo $$ >"$OUT/group"; "$@"; echo $? >"$OUT/code"';
    const asked = ['sh', '-c', script, ROOT, process.execPath, ...RUNNER];
    const env = [`OUT=${folder}`, `TMPDIR=${folder}`, 'VITEST=', 'VITEST_POOL_ID='];
    await engine.run(
      'sh',
      '-c',
      'exec setsid --fork "$@" >"$0" 2>&1 </dev/null',
      at('log'),
      'env',
      ...env,
      ...asked,
    );
    await until(async () => {
      if (existsSync(at('code')))
        throw new Error(`the tests ended before:\n${readFileSync(at('log'), 'utf8')}`);
      const found = await everything();
      return isTime(found) ? found : null;
    });
    await engine.run('bash', '-c', `kill -INT -- -${readFileSync(at('group'), 'utf8').trim()}`);
    const code = await until(() => (existsSync(at('code')) ? readFileSync(at('code'), 'utf8').trim() : null));
    const log = readFileSync(at('log'), 'utf8');
    expect([code, await everything()], log).toEqual(['130', '']);
    expect(log).toMatch(/interrupted; removed \d+ of what the tests had started/);
    expect(existsSync(at('ftc-test.lock'))).toBe(false);
  });
});
