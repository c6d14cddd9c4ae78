// Where the parts of a JSON text end, for those who work on the text itself and not on what JSON.parse
// makes of it.

export const space = 0x20;
export const quote = 0x22;
export const comma = 0x2c;
export const colon = 0x3a;
export const openBracket = 0x5b;
export const closeBracket = 0x5d;
export const openBrace = 0x7b;
export const closeBrace = 0x7d;

/** The offset behind the closing quote of the string that opens at `start`. */
export function stringEnd(text: string, start: number): number {
  let found = text.indexOf('"', start + 1);
  while (found >= 0 && isEscaped(text, found)) found = text.indexOf('"', found + 1);
  return found < 0 ? text.length : found + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 1;
}

/** The offset behind the number, true, false or null that begins at `start`. */
export function scalarEnd(text: string, start: number): number {
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= space || code === comma || code === closeBrace || code === closeBracket) break;
  }
  return at;
}
