import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { report } from '../../../src/cli/report.ts';
import { FtcError } from '../../../src/errors.ts';

function reported(error: unknown): { code: number; text: string } {
  let text = '';
  const code = report(error, more => (text += more));
  return { code, text };
}

describe('an error at its end', () => {
  it("is a sentence and what to do, where it is the person's", () => {
    const error = new FtcError('FTC_SCALE', 'one\ntwo', { hint: 'do this' });
    expect(reported(error)).toEqual({ code: 2, text: 'ftc: one\n     two\n     do this\n' });
    expect(reported(new FtcError('FTC_NO_ENGINE', 'none'))).toEqual({ code: 3, text: 'ftc: none\n' });
  });

  it('keeps its stack trace, where it is ours', () => {
    const { code, text } = reported(new TypeError('x is undefined'));
    expect(code).toBe(1);
    expect(text).toMatch(/defect in ftc[\s\S]*TypeError: x is undefined\n\s+at /);
    expect(reported('thrown').text).toContain('thrown');
  });

  it('is none, where it was asked for', () => {
    expect(reported(new CommanderError(0, 'commander.helpDisplayed', ''))).toEqual({ code: 0, text: '' });
    expect(reported(new CommanderError(1, 'commander.unknownCommand', ''))).toEqual({ code: 2, text: '' });
    expect(reported(AbortSignal.abort().reason)).toEqual({ code: 130, text: '' });
  });
});
