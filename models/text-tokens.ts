// How many tokens a text is, where nobody has counted them. No tokenizer: it must cost microseconds
// and fit every model.

import { lettersOf } from "./letters";

// In quarters of a token. OpenAI's rule of thumb for English: a token is about four characters.
const ascii = 1;
// Chinese, Japanese, Korean: about a token for a character.
const cjk = 4;
// Accented Latin, Cyrillic, Arabic, Indic and others: between the two.
const other = 2;

const quarters = new Uint8Array(0x10000).map((_, unit) => quartersOf(unit));

// So long a part of a text stays where a processor finds it at once.
const part = 4000;

/** Tokens of a text, not rounded. */
export function textTokens(text: string): number {
  if (!/[\u0080-\uffff]/.test(text)) return (text.length * ascii) / 4;
  let sum = 0;
  for (let begin = 0; begin < text.length; begin += part) {
    const { units, start, end } = lettersOf(text, begin, Math.min(begin + part, text.length));
    for (let at = start; at < end; at++) sum += quarters[units[at]!]!;
  }
  return sum / 4;
}

function quartersOf(unit: number): number {
  if (unit < 0x80) return ascii;
  return isCjk(unit) ? cjk : other;
}

// Hangul Jamo; CJK radicals, Kana, ideographs; Hangul syllables; surrogates (an emoji is two of them
// and about two tokens); compatibility ideographs; full-width forms.
function isCjk(unit: number): boolean {
  return (
    (unit >= 0x1100 && unit <= 0x11ff) ||
    (unit >= 0x2e80 && unit <= 0xa4cf) ||
    (unit >= 0xac00 && unit <= 0xdfff) ||
    (unit >= 0xf900 && unit <= 0xfaff) ||
    (unit >= 0xff00 && unit <= 0xffef)
  );
}
