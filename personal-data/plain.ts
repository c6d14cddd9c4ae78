// A text as its reader sees it: full-width forms, odd spaces and dashes as plain ones, letters put
// together of their parts (as macOS spells Hangul), and without the characters that have no width. Whoever
// hides a number in those hides it from nobody but a program.

import { codeIn, Text } from "./text";

const gone = 0;
const same = 1;
const part = 2;
const tag = 0xdb40;

// Replacement by code: 0 for none at all, 1 for the character itself, 2 for what it is with the one before.
const forms = new Uint16Array(0x10000).fill(same);
for (let code = 0xff01; code <= 0xff5e; code++) forms[code] = code - 0xfee0;
// Accents, and the vowels and last consonants of Hangul.
for (const [from, to] of [
  [0x300, 0x36f],
  [0x1161, 0x1175],
  [0x11a8, 0x11c2],
] as const) {
  for (let code = from; code <= to; code++) forms[code] = part;
}
for (let digit = 0; digit < 10; digit++) {
  // Arabic-Indic digits, and those of Persian and Urdu.
  forms[0x660 + digit] = forms[0x6f0 + digit] = 0x30 + digit;
}
for (let code = 0x2000; code <= 0x200a; code++) forms[code] = 0x20;
// The last of them are blanks that have letters' places: the filler of Hangul and of Braille.
for (const code of [0xa0, 0x1680, 0x202f, 0x205f, 0x3000, 0x3164, 0xffa0, 0x2800]) {
  forms[code] = 0x20;
}
for (const code of [0x85, 0x2028, 0x2029]) forms[code] = 0x0a;
for (let code = 0x2010; code <= 0x2015; code++) forms[code] = 0x2d;
// What people type for a dash: the vowel eu, a long vowel's mark, a line of a box.
for (const code of [0x2212, 0xfe58, 0xfe63, 0x3161, 0x30fc, 0x2500, 0x2501]) forms[code] = 0x2d;
for (const code of [0xb7, 0x2024, 0x2027, 0x2219, 0x3002, 0x30fb, 0x318d, 0xff61]) {
  forms[code] = 0x2e;
}
// The last but one makes a key's cap of a digit, the last is the first half of tags that nobody sees.
for (const code of [0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x180e, 0xfeff, 0x20e3, tag]) {
  forms[code] = gone;
}
for (const [from, to] of [
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0xfe00, 0xfe0f],
] as const) {
  for (let code = from; code <= to; code++) forms[code] = gone;
}

/** Whether this character has a plain form, or no width. */
export function isOdd(code: number): boolean {
  return forms[code] !== same;
}

/** Whether a text has such a character: else it is as its reader sees it. */
export function hasOdd(string: string): boolean {
  const text = new Text(string);
  for (let at = 0; at < text.length; at++) if (isOdd(codeIn(text, at))) return true;
  return false;
}

export interface Plain {
  text: string;
  /** Where each character of it stands in the text that it was made of, and that text's length. */
  places: Uint32Array;
  /** Where each of them ends there: what has no width behind it stays. */
  ends: Uint32Array;
}

/** Where a piece of the plain text stands in the one that it was made of. */
export function placeOf({ places, ends }: Plain, start: number, end: number) {
  return { start: places[start]!, end: ends[end - 1]! };
}

export function plainOf(string: string): Plain {
  const text = new Text(string);
  const codes = new Uint16Array(text.length);
  const places = new Uint32Array(text.length + 1);
  const ends = new Uint32Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const code = codeIn(text, at);
    const form = forms[code]!;
    if (form === gone) {
      if (code === tag) at++;
      continue;
    }
    if (form === part) {
      const whole = length > 0 ? withPart(codes[length - 1]!, code) : 0;
      if (whole === 0) continue;
      codes[length - 1] = whole;
      ends[length - 1] = at + 1;
      continue;
    }
    codes[length] = form === same ? code : form;
    ends[length] = at + 1;
    places[length++] = at;
  }
  places[length] = text.length;
  return { text: Buffer.from(codes.buffer, 0, length * 2).toString("utf16le"), places, ends };
}

/** The letter that a letter and a part make; 0 where they make none, as an underlined digit. */
function withPart(letter: number, code: number): number {
  const whole = String.fromCharCode(letter, code).normalize("NFC");
  return whole.length === 1 ? whole.charCodeAt(0) : 0;
}
