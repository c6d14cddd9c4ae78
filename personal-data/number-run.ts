// A number as people write it: groups of digits with hyphens, spaces, dots or brackets between them. It
// is read once where it begins, and every recogniser of numbers looks at the same reading.

import {
  backslash,
  close,
  dot,
  hyphen,
  isDigit,
  isWord,
  open,
  percent,
  space,
  underscore,
} from "./character";
import { isNameFrom } from "./number-edge";
import { codeIn, Text } from "./text";

/**
 * What stands between two groups: a bracket of either kind; hyphens with blanks around them too. What
 * seldom stands within a number is one for whoever is sure without it: a slash and the like (`other`),
 * the end of a line or a tab (`line`).
 */
export const gap = {
  none: 0,
  hyphen: 1,
  space: 2,
  dot: 3,
  bracket: 4,
  other: 5,
  line: 6,
} as const;

const mostGroups = 6;
// The longest of all numbers that are looked for are cards of 19.
const mostDigits = 20;

/** The lengths of some groups as one number, to compare with `shape`. */
export function shapeOf(...lengths: number[]): number {
  return lengths.reduce((shape, length) => shape * 32 + length, 0);
}

export class NumberRun {
  text = new Text("");
  count = 0;
  /** How many digits all groups have. */
  total = 0;
  readonly starts = new Int32Array(mostGroups);
  readonly ends = new Int32Array(mostGroups);
  /** The gap behind each group. */
  readonly gaps = new Uint8Array(mostGroups);
  /** The shape of its first so many groups; 0 where there are fewer. */
  readonly shapes = new Int32Array(5);

  /** Before the first number of a text. */
  begin(text: Text): void {
    this.text = text;
    this.count = 0;
  }

  /**
   * Reads the number whose first digit stands at this offset. Where that is the second group of the
   * number before, which was none, its groups are known: each is read once.
   */
  read(start: number): void {
    if (this.count > 1 && this.starts[1] === start) this.dropFirst();
    else {
      this.count = 0;
      this.total = 0;
      this.add(start);
    }
    while (this.count < mostGroups && this.total <= mostDigits) {
      const at = this.next();
      if (at === 0) break;
      this.add(at);
    }
    this.compare();
  }

  private add(start: number): void {
    const { text, count } = this;
    let end = start + 1;
    while (isDigit(codeIn(text, end))) end++;
    this.starts[count] = start;
    this.ends[count] = end;
    this.gaps[count] = gap.none;
    this.total += end - start;
    this.count++;
  }

  private dropFirst(): void {
    const { starts, ends, gaps } = this;
    this.total -= ends[0]! - starts[0]!;
    this.count--;
    for (let n = 0; n < this.count; n++) {
      starts[n] = starts[n + 1]!;
      ends[n] = ends[n + 1]!;
      gaps[n] = gaps[n + 1]!;
    }
  }

  private compare(): void {
    const { shapes, starts, ends, count } = this;
    let shape = 0;
    for (let n = 0; n < 4; n++) {
      if (n < count) shape = shape * 32 + Math.min(ends[n]! - starts[n]!, 31);
      shapes[n + 1] = n < count ? shape : 0;
    }
  }

  /** Where the next group begins; 0 where there is none. */
  private next(): number {
    const { text, count } = this;
    const end = this.ends[count - 1]!;
    let code = codeIn(text, end);
    if (beginsGap[code] !== 1) return 0;
    let at = end;
    let kind: number = gap.none;
    if (beginsBlank[code] === 1) {
      at = behindBlanks(text, end);
      kind = isLine(text, end, at) ? gap.line : gap.space;
      code = codeIn(text, at);
    }
    // As Markdown escapes it.
    if (code === backslash) code = codeIn(text, ++at);
    if (code === hyphen || code === close || code === open) {
      // A line that begins with a hyphen is an item of a list.
      if (kind === gap.line) return 0;
      kind = code === hyphen ? gap.hyphen : gap.bracket;
      code = codeIn(text, ++at);
      if (beginsBlank[code] === 1) {
        at = behindBlanks(text, at);
        code = codeIn(text, at);
      }
      if (code === open || (code === hyphen && kind === gap.bracket)) {
        kind = gap.bracket;
        code = codeIn(text, ++at);
      }
    } else if (kind === gap.none) {
      if (code === dot) {
        kind = isDigit(codeIn(text, ++at)) ? gap.dot : gap.other;
        if (kind === gap.other) at = behindBlanks(text, at);
      } else if (otherGaps[code] === 1) {
        kind = gap.other;
        at++;
      } else {
        const spelt = spelledGap(text, at);
        if (spelt > 0) kind = isSpace(text, at, spelt) ? gap.space : gap.hyphen;
        at += spelt;
      }
      code = codeIn(text, at);
    }
    if (kind === gap.none || !isDigit(code)) return 0;
    this.gaps[count - 1] = kind;
    return at;
  }

  lengthOf(n: number): number {
    return n < this.count ? this.ends[n]! - this.starts[n]! : 0;
  }

  /** The gap that stands between all of its first so many groups; none where they differ. */
  gapOf(groups: number): number {
    const first = this.gaps[0]!;
    for (let n = 1; n < groups - 1; n++) if (this.gaps[n] !== first) return gap.none;
    return first;
  }

  /** Whether a bracket stands between its first so many groups. */
  hasBracket(groups: number): boolean {
    for (let n = 0; n < groups - 1; n++) if (this.gaps[n] === gap.bracket) return true;
    return false;
  }

  /** How many of the gaps between its first so many groups are of a kind. */
  countGaps(groups: number, kind: number): number {
    let count = 0;
    for (let n = 0; n < groups - 1; n++) if (this.gaps[n] === kind) count++;
    return count;
  }

  /** The digits of its first so many groups, from one of them on. */
  digits(groups: number, from = 0): string {
    let digits = "";
    for (let n = from; n < groups; n++) {
      digits += this.text.slice(this.starts[n]!, this.ends[n]!);
    }
    return digits;
  }

  /**
   * Whether it ends with its first so many groups: nothing goes on there that is part of it. A word
   * behind a dot is another sentence, or says what a file is.
   */
  endsAfter(groups: number): boolean {
    const { text } = this;
    const end = this.ends[groups - 1]!;
    const code = codeIn(text, end);
    if (code === hyphen) return !isWord(codeIn(text, end + 1));
    if (code === dot) return !isDigit(codeIn(text, end + 1));
    return code === underscore ? !isNameFrom(text, end) : !isWord(code);
  }
}

const mostBlanks = 4;
const beginsBlank = markedOf(" \t\n\r");
const otherGaps = markedOf("/~_+");
const beginsGap = markedOf(" \t\n\r/~_+-().\\%&");

function markedOf(characters: string): Uint8Array {
  const marked = new Uint8Array(0x10000);
  for (const character of characters) marked[character.charCodeAt(0)] = 1;
  return marked;
}

/** Behind spaces and tabs, and one end of a line. */
function behindBlanks(text: Text, from: number): number {
  let at = from;
  let lines = 0;
  for (; at < from + mostBlanks; at++) {
    const code = codeIn(text, at);
    if (code === 0x0a && ++lines > 1) break;
    if (beginsBlank[code] !== 1) break;
  }
  return at;
}

function isLine(text: Text, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (codeIn(text, at) !== space) return true;
  return false;
}

/** The length of a hyphen or a blank as a URL or HTML spells it: %20, &nbsp;, &#45; and the like; else 0. */
function spelledGap(text: Text, at: number): number {
  const [first, next] = [codeIn(text, at), codeIn(text, at + 1)];
  if (first === percent) {
    const last = codeIn(text, at + 2) | 0x20;
    return next === 0x32 && (last === 0x30 || last === 0x64) ? 3 : 0;
  }
  if (next === 0x23) {
    return text.has("45;", at + 2) ? 5 : text.has("160;", at + 2) ? 6 : 0;
  }
  return text.has("&nbsp;", at) ? 6 : text.has("&ndash;", at) ? 7 : 0;
}

/** Whether that is a blank: %20, &#160; or &nbsp; */
function isSpace(text: Text, at: number, length: number): boolean {
  return length === 6 || (length === 3 && codeIn(text, at + 2) === 0x30);
}
