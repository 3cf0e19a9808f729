/** Fields that messages of both directions have, and the bounds of the link itself. */
import { z } from 'zod';
import { MOST, name, text } from './bounds.ts';

export const PROTOCOL_VERSION = 2;

/** A line longer than this closes the link. Bytes, without the newline. */
export const MAX_LINE_BYTES = 1 << 20;

export const id = name(128);
export const step = z.int().nonnegative().max(MOST);
export const generation = z.int().nonnegative().max(MOST);
/** For people, in events. */
export const sentence = text(4096);
export const time = z.number();
export const port = z.int().min(1).max(65535);
