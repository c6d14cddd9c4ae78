// The values that were masked, wherever else they stand in a request: an answer gives them back in other
// words, and in the next turn nothing beside an account says that it is one. All are sought at once, in
// time by the text's length alone (A. Aho and M. Corasick, "Efficient String Matching", 1975).

import type { Change } from "../../openai/request-body";
import { codeIn, Text } from "../../personal-data/text";

export interface KnownValue {
  kind: string;
  value: string;
  placeholder: string;
}

interface FoundValue extends KnownValue {
  start: number;
  end: number;
}

// What is longer is told by its form wherever it stands.
const longest = 64;
const mostNodes = 200_000;
const few = 8;
// The place of each character in the alphabet of all values, from 1; 0 for none. One search at a time.
const alphabet = new Uint16Array(0x10000);

/** Finds values in one text after the other, until it is closed. */
export class KnownValues {
  readonly #letters: number[] = [];
  readonly #next = new Map<number, number>();
  readonly #depths = [0];
  readonly #fails = [0];
  /** The value that ends with a node, and the node with the next shorter end of one. */
  readonly #ends: (KnownValue | undefined)[] = [undefined];
  readonly #shorter = [0];

  /** So few that each is sought for itself. */
  readonly #few: readonly KnownValue[];

  constructor(values: readonly KnownValue[]) {
    const sought = values.filter(({ value }) => value.length <= longest);
    this.#few = sought.length <= few ? sought : [];
    if (sought.length <= few) return;
    for (const { value } of sought) this.#learn(value);
    const parents: [node: number, letter: number][] = [[0, 0]];
    for (const one of sought) this.#add(one, parents);
    const byDepth = [...parents.keys()].sort((a, b) => this.#depths[a]! - this.#depths[b]!);
    for (const node of byDepth) if (this.#depths[node]! > 0) this.#link(node, parents[node]!);
  }

  #learn(value: string): void {
    for (let at = 0; at < value.length; at++) {
      const code = value.charCodeAt(at);
      if (alphabet[code] !== 0) continue;
      this.#letters.push(code);
      alphabet[code] = this.#letters.length;
    }
  }

  #key(node: number, letter: number): number {
    return node * (this.#letters.length + 1) + letter;
  }

  #add(known: KnownValue, parents: [number, number][]): void {
    let node = 0;
    if (this.#ends.length > mostNodes) return;
    for (let at = 0; at < known.value.length; at++) {
      const letter = alphabet[known.value.charCodeAt(at)]!;
      let next = this.#next.get(this.#key(node, letter));
      if (next === undefined) {
        next = this.#ends.length;
        this.#next.set(this.#key(node, letter), next);
        parents.push([node, letter]);
        this.#depths.push(this.#depths[node]! + 1);
        this.#fails.push(0);
        this.#shorter.push(0);
        this.#ends.push(undefined);
      }
      node = next;
    }
    this.#ends[node] ??= known;
  }

  #link(node: number, [parent, letter]: [number, number]): void {
    const fail = parent === 0 ? 0 : this.#step(this.#fails[parent]!, letter);
    this.#fails[node] = fail;
    this.#shorter[node] = this.#ends[fail] ? fail : this.#shorter[fail]!;
  }

  #step(from: number, letter: number): number {
    for (let node = from; ; node = this.#fails[node]!) {
      const next = this.#next.get(this.#key(node, letter));
      if (next !== undefined) return next;
      if (node === 0) return 0;
    }
  }

  /** All of them in a text, beside what is changed there already; in ascending order. */
  find(text: string, changed: readonly Change[]): FoundValue[] {
    const found: FoundValue[] = [];
    if (this.#letters.length === 0) return this.#findFew(text, changed);
    const read = new Text(text);
    let node = 0;
    for (let at = 0; at < text.length; at++) {
      const letter = alphabet[codeIn(read, at)]!;
      node = letter === 0 ? 0 : this.#step(node, letter);
      if (node !== 0) this.#take(node, at + 1, text, changed, found);
    }
    return found;
  }

  #findFew(text: string, changed: readonly Change[]): FoundValue[] {
    const found: FoundValue[] = [];
    for (const known of this.#few) {
      const { length } = known.value;
      let at = text.indexOf(known.value);
      for (; at >= 0; at = text.indexOf(known.value, at + length)) {
        const isFree = !overlaps(changed, at, at + length) && !overlaps(found, at, at + length);
        if (!isFree || !isWhole(text, at, at + length)) continue;
        found.push({ start: at, end: at + length, ...known });
      }
      found.sort((one, other) => one.start - other.start);
    }
    return found;
  }

  /** Takes the longest value that ends there and may be taken. */
  #take(
    node: number,
    end: number,
    text: string,
    changed: readonly Change[],
    found: FoundValue[],
  ): void {
    const free = found.at(-1)?.end ?? 0;
    for (let last = node; last !== 0; last = this.#shorter[last]!) {
      const known = this.#ends[last];
      if (!known) continue;
      const start = end - known.value.length;
      if (start < free || overlaps(changed, start, end) || !isWhole(text, start, end)) continue;
      found.push({ start, end, ...known });
      return;
    }
  }

  close(): void {
    for (const code of this.#letters) alphabet[code] = 0;
  }
}

type Place = Pick<Change, "start" | "end">;

/** Whether one of the changes, which stand in ascending order, changes some of it. */
function overlaps(changed: readonly Place[], start: number, end: number): boolean {
  let [low, high] = [0, changed.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (changed[middle]!.start < end) low = middle + 1;
    else high = middle;
  }
  return low > 0 && changed[low - 1]!.end > start;
}

/** A number is no part of a longer one. */
function isWhole(text: string, start: number, end: number): boolean {
  const isDigit = (at: number) => /\d/.test(text[at] ?? "");
  return !(isDigit(start) && isDigit(start - 1)) && !(isDigit(end - 1) && isDigit(end));
}
