// What single characters are, by their UTF-16 code: asked for once for each character of a long text, so
// they are looked up and not compared.

import { codeIn, type Text } from "./text";

export const hyphen = 0x2d;
export const dot = 0x2e;
export const space = 0x20;
export const open = 0x28;
export const close = 0x29;
export const plus = 0x2b;
export const colon = 0x3a;
export const at = 0x40;
export const underscore = 0x5f;
export const backslash = 0x5c;
export const percent = 0x25;

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

export function isUpper(code: number): boolean {
  return code >= 0x41 && code <= 0x5a;
}

/** An ASCII letter. */
export function isLetter(code: number): boolean {
  return isUpper(code) || (code >= 0x61 && code <= 0x7a);
}

/** A letter with an accent, or a Greek or Cyrillic one: of people who write spaces between words. */
export function isForeignLetter(code: number): boolean {
  if (code < 0xc0 || code > 0x52f) return false;
  return code < 0x250 ? code !== 0xd7 && code !== 0xf7 : code >= 0x370;
}

/** An ASCII letter or digit. NaN, behind the end of a text, is none. */
export function isAlphanumeric(code: number): boolean {
  return isDigit(code) || isLetter(code);
}

/** A character of a name as programs spell it: what stands in one is no number of its own. */
export function isWord(code: number): boolean {
  return isAlphanumeric(code) || code === underscore;
}

/**
 * Whether the escape of a character ends before an offset, as in a piece of JSON, of code or of a URL that
 * stands in a text: behind \n, \ud55c or %20 a word begins.
 */
export function isBehindEscape(text: Text, at: number): boolean {
  const last = codeIn(text, at - 1);
  if (codeIn(text, at - 2) === backslash) return escapes[last] === 1;
  if (!isHex(last)) return false;
  if (codeIn(text, at - 3) === percent) return isHex(codeIn(text, at - 2));
  return codeIn(text, at - 6) === backslash && escapeEnd(text, at - 1) === at;
}

const escapes = new Uint8Array(0x80);
for (const letter of "bfnrt") escapes[letter.charCodeAt(0)] = 1;
const smallU = 0x75;

/** Where the escape by number ends (\ud55c) in which this character stands; 0 for none. */
export function escapeEnd(text: Text, at: number): number {
  for (let back = 1; back <= 4; back++) {
    const code = codeIn(text, at - back);
    if (code === smallU && codeIn(text, at - back - 1) === backslash) return at - back + 5;
    if (!isHex(code)) return 0;
  }
  return 0;
}

/** Whether a name goes on there that has begun before. */
export function isInWord(text: Text, at: number): boolean {
  return isWord(codeIn(text, at - 1)) && !isBehindEscape(text, at);
}

export function isHex(code: number): boolean {
  return isDigit(code) || (code >= 0x61 && code <= 0x66) || (code >= 0x41 && code <= 0x46);
}

export function isHangul(code: number): boolean {
  return code >= 0xac00 && code <= 0xd7a3;
}
