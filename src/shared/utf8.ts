/** Text files that people write, on any system: UTF-8, with a byte order mark or without. Pure. */

export type Decoded =
  { readonly text: string; readonly problem: null } | { readonly text: null; readonly problem: string };

/** What a person does about a `problem`. */
export const saveAsUtf8 =
  "Save it as UTF-8: every editor can (in Windows' Notepad: Save as, Encoding UTF-8).";

/** The text, without its byte order mark; or what is wrong, as the rest of a sentence that begins with the file's name. */
export function decodeUtf8(bytes: Uint8Array): Decoded {
  const wide = wideEncoding(bytes);
  if (wide !== null) return { text: null, problem: `is written in ${wide}, and is read as UTF-8` };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), problem: null };
  } catch {
    return { text: null, problem: `is no UTF-8 text: ${wrongAt(bytes)}` };
  }
}

/** UTF-16 or UTF-32, by their marks or by the zero bytes that no text in UTF-8 has; null where it is neither. */
export function wideEncoding(bytes: Uint8Array): string | null {
  const [a, b, c, d] = bytes;
  if ((a === 0xff && b === 0xfe && c === 0 && d === 0) || (a === 0 && b === 0 && c === 0xfe && d === 0xff))
    return 'UTF-32';
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) return 'UTF-16';
  const pair = a === 0 || b === 0;
  return pair && bytes.length > 1 && bytes.includes(0) ? 'UTF-16 (or is no text at all)' : null;
}

/** `the byte 0xe4 in line 3 begins no character`. */
function wrongAt(bytes: Uint8Array): string {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  for (let from = 0; from < bytes.length; line += 1) {
    const end = bytes.indexOf(0x0a, from);
    const part = bytes.subarray(from, end === -1 ? bytes.length : end + 1);
    try {
      decoder.decode(part);
    } catch {
      const text = new TextDecoder('utf-8').decode(part);
      const at = new TextEncoder().encode(text.slice(0, text.indexOf('\uFFFD'))).length;
      return `the byte 0x${(part[at] ?? 0).toString(16)} in line ${line} begins no character`;
    }
    from += part.length;
  }
  return 'it ends in the middle of a character';
}
