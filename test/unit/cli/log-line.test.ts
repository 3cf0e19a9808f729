import fc from 'fast-check';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { shown } from '../../../src/cli/print.ts';
import { logLines } from '../../../src/cli/view/log-line.ts';
import { nasty } from '../shared/nasty.ts';

const plain = logLines({ raw: false, colour: false });
const printed = (line: string, form = { raw: false, colour: false }): string[] =>
  logLines(form)(line).map(shown);
const entry = (msg: string): string =>
  JSON.stringify({ level: 'info', time: '2026-01-02T03:04:05.678Z', name: 'master', job: 'j', msg, step: 3 });

describe('a line of the logs', () => {
  it('is readable where master or supervisor wrote it as JSON', () => {
    for (const who of ['master-1     | ', 'supervisor-1 | '])
      expect(plain(`${who}${entry('hello')}`)).toEqual([
        expect.stringMatching(/^(master|supervisor)-1 +\| \[.*INFO: hello/),
      ]);
    expect(printed(`master-1 | ${entry('hello')}`, { raw: true, colour: false })).toEqual([
      `master-1 | ${entry('hello')}`,
    ]);
  });

  it("is a worker's, whatever it looks like", () => {
    const line = `worker-1     | ${entry('the job succeeded')}`;
    expect(plain(line)).toEqual([line]);
    expect(printed(`worker-2 | \u001b[2K\rsupervisor-1 | ${entry('x')}\u0008\u000e\u001b_`)).toEqual([
      'worker-2 | \\x1b[2K',
      `worker-2 | supervisor-1 | ${entry('x')}\\x08\\x0e\\x1b_`,
    ]);
    expect(printed('worker-1 | 10%\r 20%\r 30%\r')).toEqual([
      'worker-1 | 10%',
      'worker-1 |  20%',
      'worker-1 |  30%',
    ]);
    expect(printed('worker-1 | a\tb')).toEqual(['worker-1 | a    b']);
  });

  it('stays behind its container, without what a terminal obeys', () => {
    for (const raw of [false, true]) {
      for (const who of ['worker-1', 'master-1', 'supervisor-1']) {
        fc.assert(
          fc.property(nasty, fc.boolean(), (text, json) => {
            const line = `${who}     | ${json ? entry(text) : text.replaceAll('\n', '')}`;
            for (const out of printed(line, { raw, colour: true })) {
              const bare = stripVTControlCharacters(out);
              expect(bare.startsWith(`${who}     | `)).toBe(true);
              expect(bare).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
            }
          }),
        );
      }
    }
  });
});
