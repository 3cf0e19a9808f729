import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  isMaster,
  MasterKeys,
  type Meeting,
  type MemberKey,
  memberProof,
} from '../../../src/protocol/membership-proof.ts';

interface Case {
  readonly key: MemberKey;
  readonly meeting: Meeting;
  readonly hello: string;
  readonly welcome: string;
  readonly refused: string;
}
const vectors = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../vectors/membership-proof.json'), 'utf8'),
) as { readonly secret: string; readonly cases: readonly Case[] };
const keys = new MasterKeys(Buffer.from(vectors.secret, 'hex'));

it.each(vectors.cases)('the $meeting.role proves itself as the vectors say', one => {
  const { key, meeting, hello, welcome, refused } = one;
  expect(keys.memberKey(meeting.role)).toEqual(key);
  expect(memberProof(key.key, meeting)).toBe(hello);
  expect(keys.knows(meeting, hello)).toBe(true);
  expect([keys.sign('welcome', meeting), keys.sign('refused', meeting)]).toEqual([welcome, refused]);
  expect([isMaster(key, 'welcome', meeting, welcome), isMaster(key, 'refused', meeting, refused)]).toEqual([
    true,
    true,
  ]);
});

it('whatever is another one, no proof is right', () => {
  const [one] = vectors.cases;
  if (one === undefined) throw new Error('there are two');
  const { key, meeting, hello, welcome } = one;
  const others: Meeting[] = [
    { ...meeting, job: 'fashion-mnis' },
    { ...meeting, role: 'supervisor' },
    { ...meeting, id: '3f2a9d' },
    { ...meeting, challenge: meeting.nonce, nonce: meeting.challenge },
    { ...meeting, nonce: 'f'.repeat(64) },
  ];
  for (const other of others) {
    expect(keys.knows(other, hello)).toBe(false);
    expect(isMaster(key, 'welcome', other, welcome)).toBe(false);
  }
  for (const wrong of ['', 'x', hello.toUpperCase(), hello.slice(1), `${hello}0`, '0'.repeat(64)])
    expect(keys.knows(meeting, wrong)).toBe(false);
  for (const wrong of ['', hello, one.refused, welcome.slice(2), '0'.repeat(128)])
    expect(isMaster(key, 'welcome', meeting, wrong)).toBe(false);
});
