/** A member's end of the control link, for tests: it answers the challenge as workers and supervisors do. */
import {
  memberProof,
  MasterKeys,
  type MemberRole,
  newNonce,
} from '../../../src/protocol/membership-proof.ts';

export const keys = new MasterKeys(Buffer.alloc(32, 's'));

interface Hello {
  readonly role: string;
  readonly job: string;
  readonly id: string;
}

/** This hello with what proves that a member says it. @param by whose key it has */
export function proven<H extends Hello>(
  hello: H,
  challenge: string,
  by: MasterKeys = keys,
  as = hello.role as MemberRole,
) {
  const nonce = newNonce();
  const { job, id } = hello;
  const meeting = { job, role: hello.role as MemberRole, id, challenge, nonce };
  return { ...hello, nonce, proof: memberProof(by.memberKey(as).key, meeting) };
}

/** Of the first line on a link. */
export function challengeIn(line: string): string {
  const { type, nonce } = JSON.parse(line) as { type: string; nonce: string };
  if (type !== 'challenge') throw new Error(`expected a challenge, got ${type}`);
  return nonce;
}
