// Edits to a body, as lua/carry-out.lua carries them out: for a plugin that reads what an earlier one has
// made of a body that Kong still has as it was sent.

import type { Edit } from "../stages/decision";

/** The body after all lists of edits, one list after the other. Offsets and lengths are in bytes. */
export function edited(body: string, lists: readonly Edit[][]): string {
  let bytes = Buffer.from(body);
  for (const edits of lists) {
    const parts: Buffer[] = [];
    let at = 0;
    for (const [offset, length, text] of edits) {
      parts.push(bytes.subarray(at, offset), Buffer.from(text));
      at = offset + length;
    }
    bytes = Buffer.concat([...parts, bytes.subarray(at)]);
  }
  return bytes.toString();
}
