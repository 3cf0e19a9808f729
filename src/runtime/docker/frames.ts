/**
 * What a container printed, out of the engine's frames: one byte that names the stream, three zeros, the length as
 * four bytes (big-endian), and the text. A frame that is cut off is given as far as it goes.
 */
export function unframe(data: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= data.length;) {
    const length = data.readUInt32BE(at + 4);
    parts.push(data.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(parts).toString('utf8');
}
