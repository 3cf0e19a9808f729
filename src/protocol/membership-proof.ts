/**
 * How the members of a job prove to each other that they are. Each job has one secret, which the master makes and keeps. From
 * it come one key for each role, and the master's own key pair:
 *
 * - a worker, or the supervisor, proves what it is by an HMAC with its role's key;
 * - the master proves that it is the master by a signature (Ed25519), which nobody else can make.
 *
 * So a training script, which can read what its worker can read, can act as a worker, and as nobody else. Both proofs are over
 * what both sides have just drawn by chance, so none can be used again. images/worker/ftc/membership_proof.py is the other
 * half; test/vectors/membership-proof.json holds both to the same bytes.
 */
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import { z } from 'zod';

export const roles = ['worker', 'supervisor'] as const;
export type MemberRole = (typeof roles)[number];

/** 32 bytes as 64 hexadecimal digits: a nonce, a role's key, a public key, an HMAC. */
export const Hex32 = z.string().regex(/^[0-9a-f]{64}$/);
/** A signature. */
export const Hex64 = z.string().regex(/^[0-9a-f]{128}$/);

/** What a member reads from the file that the master has written for its role. */
export const MemberKey = z.object({ version: z.literal(1), role: z.enum(roles), key: Hex32, master: Hex32 });
export type MemberKey = z.infer<typeof MemberKey>;

/** Who speaks with whom, and what both have drawn for it. */
export interface Meeting {
  readonly job: string;
  readonly role: MemberRole;
  readonly id: string;
  /** The master's nonce. */
  readonly challenge: string;
  /** The member's. */
  readonly nonce: string;
}

export const newNonce = (): string => randomBytes(32).toString('hex');

/** What the member says with its hello. */
export function memberProof(key: string, meeting: Meeting): string {
  return createHmac('sha256', Buffer.from(key, 'hex')).update(transcript('hello', meeting)).digest('hex');
}

/** Whether the master's signature is there under its welcome, or its refusal. */
export function isMaster(
  key: Pick<MemberKey, 'master'>,
  what: 'welcome' | 'refused',
  meeting: Meeting,
  proof: string,
): boolean {
  if (!Hex64.safeParse(proof).success) return false;
  const raw = Buffer.concat([SPKI, Buffer.from(key.master, 'hex')]);
  const publicKey = createPublicKey({ key: raw, format: 'der', type: 'spki' });
  return verify(null, transcript(what, meeting), publicKey, Buffer.from(proof, 'hex'));
}

/** The master's: everything follows from the job's secret. */
export class MasterKeys {
  readonly #secret: Buffer;
  readonly #own: KeyObject;

  /** @param secret 32 bytes */
  constructor(secret: Buffer) {
    this.#secret = secret;
    const seed = this.#derive('ftc master');
    this.#own = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
  }

  memberKey(role: MemberRole): MemberKey {
    const master = createPublicKey(this.#own).export({ format: 'der', type: 'spki' }).subarray(-32);
    return { version: 1, role, key: this.#roleKey(role), master: master.toString('hex') };
  }

  /** Whether whoever said this hello has the key of its role. It takes the same time whatever is wrong. */
  knows(meeting: Meeting, proof: string): boolean {
    const expected = Buffer.from(memberProof(this.#roleKey(meeting.role), meeting), 'hex');
    const found = Hex32.safeParse(proof).success ? Buffer.from(proof, 'hex') : Buffer.alloc(32);
    return timingSafeEqual(expected, found);
  }

  sign(what: 'welcome' | 'refused', meeting: Meeting): string {
    return sign(null, transcript(what, meeting), this.#own).toString('hex');
  }

  #roleKey(role: MemberRole): string {
    return this.#derive(`ftc ${role}`).toString('hex');
  }

  #derive(purpose: string): Buffer {
    return createHmac('sha256', this.#secret).update(purpose).digest();
  }
}

/** What is proven: each field on a line of its own, and none of them can hold a line's end. */
function transcript(what: 'hello' | 'welcome' | 'refused', m: Meeting): Buffer {
  return Buffer.from(`ftc ${what} 2\n${m.job}\n${m.role}\n${m.id}\n${m.challenge}\n${m.nonce}\n`);
}

/** What stands before the 32 bytes of an Ed25519 key in DER (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
