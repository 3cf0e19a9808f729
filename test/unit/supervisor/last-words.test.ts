import { describe, expect, it } from 'vitest';
import { lastLines, stackIn } from '../../../src/supervisor/last-words.ts';

const dump = (line: number): string => `Thread 0x00007f01 (most recent call first):
  File "/opt/ftc/ftc/link.py", line 180 in _serve
  ...

Current thread 0x00007f02 (most recent call first):
  File "/job/train.py", line ${line} in train
  File "/job/train.py", line 40 in <module>
`;

describe('what a log tells of a worker', () => {
  it('is the newest dump of its threads, whole, and nothing of what was printed around it', () => {
    const log = `step 1\n${dump(1)}step 2\n\rstep 3 |##  |\n${dump(24)}later\n`;
    expect(stackIn(log)).toBe(dump(24).trim());
    expect(stackIn('step 1\n  File "x", line 1 in f\n')).toBeNull();
    expect(stackIn('')).toBeNull();
  });

  it('is its last lines, of which none moves a cursor, and none is endless', () => {
    const lines = Array.from({ length: 30 }, (_, i) => `line ${i}`);
    expect(lastLines(`${lines.join('\n')}\n\n`).split('\n')).toEqual(lines.slice(10));
    expect(lastLines('\x1b[31mred\x1b[0m\r\n 10%|#\r 90%|#########\x07\n\u202eback\n')).toBe(
      'red\n 90%|#########\uFFFD\n\uFFFDback',
    );
    expect(lastLines('x'.repeat(5000)).length).toBeLessThan(400);
    expect(stackIn(dump(1).replace('line 40', `line 40${'0'.repeat(99_999)}`))?.length).toBeLessThan(17_000);
    expect(lastLines('\n \n')).toBe('');
  });
});
