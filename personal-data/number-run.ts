// A number as people write it: groups of digits with hyphens, spaces, dots or brackets between them. It
// is read once where it begins, and every recogniser of numbers looks at the same reading.

import { close, codeIn, dot, hyphen, isDigit, isWord, open, space } from "./character";

/** What stands between two groups: a bracket of either kind; hyphens with spaces around them too. */
export const gap = { none: 0, hyphen: 1, space: 2, dot: 3, bracket: 4 } as const;

const mostGroups = 6;
// The longest of all numbers that are looked for are cards of 19.
const mostDigits = 20;

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

  /** Before the first number of a text. */
  begin(text: string): void {
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
    let at = this.ends[count - 1]!;
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
