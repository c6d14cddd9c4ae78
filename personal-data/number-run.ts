// A number as people write it: groups of digits with hyphens, spaces, dots or brackets between them. It
// is read once where it begins, and every recogniser of numbers looks at the same reading.

import { close, codeIn, dot, hyphen, isDigit, isWord, open, space } from "./character";

/** What stands between two groups: a bracket of either kind; hyphens with spaces around them too. */
export const gap = { none: 0, hyphen: 1, space: 2, dot: 3, bracket: 4 } as const;

const mostGroups = 6;
// The longest of all numbers that are looked for are cards of 19.
const mostDigits = 20;
// No number that is looked for has fewer in its first four groups, but an IP address.
const fewestInFour = 6;

const fewestInTwo = 3;

/** The lengths of some groups as one number, to compare with `shape`. */
export function shapeOf(...lengths: number[]): number {
  return lengths.reduce((shape, length) => shape * 32 + length, 0);
}

export class NumberRun {
  text = "";
  count = 0;
  /** How many digits all groups have. */
  total = 0;
  readonly starts = new Int32Array(mostGroups);
  readonly ends = new Int32Array(mostGroups);
  /** The gap behind each group. */
  readonly gaps = new Uint8Array(mostGroups);
  /** The shape of its first so many groups; 0 where there are fewer. */
  readonly shapes = new Int32Array(5);

  /** Reads the number whose first digit stands at this offset. */
  read(text: string, start: number): void {
    this.text = text;
    this.count = 0;
    this.total = 0;
    const { shapes } = this;
    shapes[1] = shapes[2] = shapes[3] = shapes[4] = 0;
    let shape = 0;
    for (let at = start; at > 0 || this.count === 0; ) {
      let end = at + 1;
      while (isDigit(codeIn(text, end))) end++;
      const n = this.count++;
      this.starts[n] = at;
      this.ends[n] = end;
      this.gaps[n] = gap.none;
      this.total += end - at;
      shape = shape * 32 + Math.min(end - at, 31);
      if (n < 4) shapes[n + 1] = shape;
      if (this.count === mostGroups || this.total > mostDigits) return;
      if (this.count === 4 && this.total < fewestInFour) return;
      if (this.count === 2 && this.total < fewestInTwo && this.gaps[0] !== gap.dot) return;
      at = this.next(n, end);
    }
  }

  /** Where the next group begins; 0 where there is none. */
  private next(n: number, end: number): number {
    const { text } = this;
    let at = end;
    let kind: number = gap.none;
    let code = codeIn(text, at);
    if (code === space) {
      kind = gap.space;
      code = codeIn(text, ++at);
    }
    if (code === hyphen || code === close || code === open) {
      kind = code === hyphen ? gap.hyphen : gap.bracket;
      code = codeIn(text, ++at);
      if (code === space || (code === hyphen && kind === gap.bracket)) code = codeIn(text, ++at);
    } else if (code === dot && kind === gap.none) {
      kind = gap.dot;
      code = codeIn(text, ++at);
    }
    if (kind === gap.none || !isDigit(code)) return 0;
    this.gaps[n] = kind;
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

  /** The digits of its first so many groups, from one of them on. */
  digits(groups: number, from = 0): string {
    let digits = "";
    for (let n = from; n < groups; n++) {
      digits += this.text.slice(this.starts[n]!, this.ends[n]!);
    }
    return digits;
  }

  /** Whether it ends with its first so many groups: nothing goes on there that is part of it. */
  endsAfter(groups: number): boolean {
    const end = this.ends[groups - 1]!;
    const code = codeIn(this.text, end);
    if (isWord(code)) return false;
    return (code !== hyphen && code !== dot) || !isWord(codeIn(this.text, end + 1));
  }
}

/** Whether a number can begin there: not within a name, a longer number or a fraction. */
export function beginsAt(text: string, start: number): boolean {
  const before = codeIn(text, start - 1);
  if (isWord(before)) return false;
  return (before !== hyphen && before !== dot) || !isWord(codeIn(text, start - 2));
}
