// The UTF-16 codes of a long text, a window at a time: to copy them out of the string once is several
// times faster than to ask the string for each.

import { codeIn } from "./character";

const window = 16 * 1024;
// What is shorter is copied character by character sooner than the call takes.
const short = 48;

const bytes = Buffer.alloc(window * 2);

/** What `readCodes` has read last: good until it reads again. */
export const codes = new Uint16Array(bytes.buffer, bytes.byteOffset, window);

/** Reads the codes from an offset on. @returns how many: to the end of the text, or what a window holds */
export function readCodes(text: string, from: number): number {
  const count = Math.min(text.length - from, window);
  if (count < short) for (let n = 0; n < count; n++) codes[n] = codeIn(text, from + n);
  else bytes.write(text.slice(from, from + count), 0, "utf16le");
  return count;
}
