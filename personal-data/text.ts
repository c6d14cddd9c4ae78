// A text that is searched, with the UTF-16 codes of it in an array: to copy them out of the string at once,
// and to look there, is several times faster than to ask the string for each.

// As far as anybody looks before the beginning of a text, or behind its end, without asking for either.
const margin = 16;
const kept = 32 * 1024;
// What is shorter is copied character by character sooner than the call takes.
const short = 48;

const keptCodes = new Uint16Array(kept);
const keptBytes = Buffer.from(keptCodes.buffer);

/** One is read at a time: the next one that is made takes its codes' place. */
export class Text {
  readonly length: number;
  /** Between two margins of zeros. */
  readonly codes: Uint16Array;

  constructor(readonly string: string) {
    const { length } = string;
    const isKept = length + 2 * margin <= kept;
    const codes = isKept ? keptCodes : new Uint16Array(length + 2 * margin);
    if (length >= short) {
      const bytes = isKept ? keptBytes : Buffer.from(codes.buffer);
      bytes.write(string, margin * 2, "utf16le");
    } else {
      for (let at = 0; at < length; at++) codes[margin + at] = string.charCodeAt(at);
    }
    codes.fill(0, margin + length, margin + length + margin);
    this.length = length;
    this.codes = codes;
  }

  slice(from: number, to: number): string {
    return this.string.slice(from, to);
  }

  /** Whether these characters stand there. */
  has(characters: string, at: number): boolean {
    return this.string.startsWith(characters, at);
  }
}

/** The UTF-16 code there; 0 behind the end and before the beginning, a little further than that. */
export function codeIn(text: Text, at: number): number {
  return text.codes[at + margin]!;
}
