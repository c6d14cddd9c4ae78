// Words that stand right before a number, with a dot or nothing between: TEL.02-555-0123, HP010-1234-5678.

import { dot, isDigit, isLetter, isWord } from "./character";
import { codeIn, type Text } from "./text";

const names = "tel hp phone mobile mob cell fax card rrn ssn ip".split(" ");
// Letters that stand for one of them: they need their dot.
const initialNames = "t m h p f c ph no h.p".split(" ");
const longest = Math.max(...names.map((name) => name.length));

// Each as one number, five bits a letter: asked for at many numbers, it costs no text.
const labels = new Set(names.map(packed));
const initials = new Set(initialNames.map(packed));

function packed(word: string): number {
  let key = 0;
  for (let at = word.length - 1; at >= 0; at--) key = withPart(key, word.charCodeAt(at));
  return key;
}

/** A word as a number with one more character before it: a letter of either case, or a dot. */
function withPart(key: number, code: number): number {
  return key * 32 + (code === dot ? 27 : code & 0x1f);
}

// Most names end with other letters.
const lasts = new Uint8Array(0x80);
for (const name of [...names, ...initialNames]) lasts[name.charCodeAt(name.length - 1)] = 1;

/** Whether such a word ends there, and is no part of a longer one. @param end of it, or of its dot */
export function isLabelled(text: Text, end: number): boolean {
  let code = codeIn(text, end - 1);
  if (isDigit(code) || !(code < 0x80) || lasts[code | 0x20] !== 1) return false;
  let key = 0;
  let at = end - 1;
  for (; end - at <= longest && isPart(code); code = codeIn(text, --at)) key = withPart(key, code);
  if (code === dot || isWord(code)) return false;
  return labels.has(key) || (codeIn(text, end) === dot && initials.has(key));
}

function isPart(code: number): boolean {
  return code === dot || isLetter(code);
}
