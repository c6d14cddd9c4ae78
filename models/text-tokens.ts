// How many tokens a text is, where nobody has counted them. No tokenizer: it must cost microseconds
// and fit every model.

// OpenAI's rule of thumb for English: a token is about four characters.
const asciiTokensPerChar = 1 / 4;
// Chinese, Japanese, Korean: about a token for a character.
const cjkTokensPerChar = 1;
// Accented Latin, Cyrillic, Arabic, Indic and others: between the two.
const otherTokensPerChar = 1 / 2;

/** Tokens of a text, not rounded. */
export function textTokens(text: string): number {
  if (!/[\u0080-\uffff]/.test(text)) return text.length * asciiTokensPerChar;
  let tokens = 0;
  for (let at = 0; at < text.length; at++) tokens += unitTokens(text.charCodeAt(at));
  return tokens;
}

function unitTokens(unit: number): number {
  if (unit < 0x80) return asciiTokensPerChar;
  return isCjk(unit) ? cjkTokensPerChar : otherTokensPerChar;
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
