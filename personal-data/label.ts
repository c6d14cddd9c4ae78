// Words that stand right before a number, with a dot or nothing between: TEL.02-555-0123, HP010-1234-5678.

import { codeIn, dot, isDigit, isLetter, isWord } from "./character";

const labels = new Set("tel hp phone mobile mob cell fax card rrn ssn ip".split(" "));
// Letters that stand for one of them: they need their dot.
const initials = new Set("t m h p f c ph no h.p".split(" "));
const longest = Math.max(...[...labels].map((label) => label.length));

// Most names end with other letters.
const lasts = new Uint8Array(0x80);
for (const label of [...labels, ...initials]) lasts[label.charCodeAt(label.length - 1)] = 1;

/** Whether such a word ends there, and is no part of a longer one. @param end of it, or of its dot */
export function isLabelled(text: string, end: number): boolean {
  const hasDot = codeIn(text, end) === dot;
  const last = codeIn(text, end - 1);
  if (isDigit(last) || !(last < 0x80) || lasts[last | 0x20] !== 1) return false;
  let start = end - 1;
  while (end - start <= longest && isPart(codeIn(text, start - 1))) start--;
  if (isWord(codeIn(text, start - 1))) return false;
  const word = text.slice(start, end).toLowerCase();
  return labels.has(word) || (hasDot && initials.has(word));
}

function isPart(code: number): boolean {
  return code === dot || isLetter(code);
}
