// Where a number can begin and end in a text: what stands there may be a part of a name, of a longer number,
// a label before it, or a mark of Markdown around it.

import {
  dot,
  hyphen,
  isBehindEscape,
  isDigit,
  isInWord,
  isLetter,
  isWord,
  underscore,
} from "./character";
import { isLabelled } from "./label";
import { codeIn, type Text } from "./text";

/** Whether a number can begin there: not within a name, a longer number or a fraction. */
export function beginsAt(text: Text, start: number): boolean {
  const before = codeIn(text, start - 1);
  if (before === underscore) return !isNameTo(text, start);
  if (isWord(before)) {
    return (
      (isDigit(codeIn(text, start + 1)) && isLabelled(text, start)) || isBehindEscape(text, start)
    );
  }
  if (before !== hyphen && before !== dot) return true;
  return !isWord(codeIn(text, start - 2)) || (before === dot && isLabelled(text, start - 1));
}

/** Whether one letter or two stand before it, as in a passport's number or an IBAN. */
export function isBehindLetters(text: Text, at: number): boolean {
  if (!isLetter(codeIn(text, at - 1))) return false;
  if (!isInWord(text, at - 1)) return true;
  return isLetter(codeIn(text, at - 2)) && !isInWord(text, at - 2);
}

// Italics of Markdown have one around them, bold letters two.
const mostUnderscores = 3;

/** Whether these underscores join what is before them to a name. */
function isNameTo(text: Text, to: number): boolean {
  let at = to - 1;
  while (to - at <= mostUnderscores && codeIn(text, at) === underscore) at--;
  return isInWord(text, at + 1);
}

/** Whether underscores from there on join what is behind them to it. */
export function isNameFrom(text: Text, from: number): boolean {
  let at = from;
  while (at - from < mostUnderscores && codeIn(text, at) === underscore) at++;
  return isWord(codeIn(text, at));
}
