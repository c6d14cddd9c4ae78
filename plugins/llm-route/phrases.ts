// Finds the words of several lists in a text, in one pass and in time that grows with the text alone: no
// regular expression, and nothing is tried twice at one place but the few words that begin as it does.

import type { Letters } from "../../models/letters";

/** Calls back for each word that stands there, in order: the number of its list, its own, its place. */
export type Hit = (list: number, word: number, at: number) => void;

// Two to the power of 13: a slot is the first 13 bits of 32.
const tableSize = 8192;

// Of each code unit: whether it is a letter or figure of Latin, and whether a word begins with it, and
// one of two letters.
const [inWord, begin, shortBegin] = [1, 2, 4];

/**
 * Words of Latin letters are found from the beginning of a word to its end, in capitals too; a `*` at
 * the end leaves the end open (`optimi*`). All others, as those of Korean, are found wherever they
 * stand in a word, as particles and endings grow on them. A word has at least two letters.
 */
export class Phrases {
  private readonly kinds = new Uint8Array(0x10000);
  /** By their first three letters: where the words begin that begin so; the next slot's end them. */
  private readonly slots = new Uint32Array(tableSize + 1);
  /** Of each word, in the order of the slots: its list, its number, whether another letter may follow. */
  private readonly lists: Uint32Array;
  private readonly words: Uint32Array;
  private readonly open: Uint8Array;
  /** Where its letters begin; the next one's end them. In lower case, without the star. */
  private readonly begins: Uint32Array;
  private readonly letters: Uint16Array;

  constructor(lists: readonly (readonly string[])[]) {
    for (let unit = 0; unit < 0x250; unit++) this.kinds[unit] = isLatin(unit) ? inWord! : 0;
    let number = 0;
    const entries = lists.flatMap((written, list) =>
      written.map((word) => ({ list, word: number++, ...entryOf(word) })),
    );
    const usable = entries.filter(({ text }) => text.length >= 2);
    usable.sort((one, other) => one.slot - other.slot);
    this.lists = Uint32Array.from(usable, ({ list }) => list);
    this.words = Uint32Array.from(usable, ({ word }) => word);
    this.open = Uint8Array.from(usable, ({ isOpen }) => (isOpen ? 1 : 0));
    this.begins = new Uint32Array(usable.length + 1);
    const all = usable.map(({ text }) => text).join("");
    this.letters = Uint16Array.from({ length: all.length }, (_, at) => all.charCodeAt(at));
    usable.forEach(({ text, slot }, place) => {
      this.begins[place + 1] = this.begins[place]! + text.length;
      const kind = text.length === 2 ? begin! | shortBegin! : begin!;
      for (const unit of [text.charCodeAt(0), upper(text.charCodeAt(0))]) this.kinds[unit]! |= kind;
      this.slots[slot + 1] = place + 1;
    });
    for (let slot = 1; slot <= tableSize; slot++) {
      this.slots[slot] = Math.max(this.slots[slot]!, this.slots[slot - 1]!);
    }
  }

  find({ units, start, end }: Letters, hit: Hit): void {
    const { kinds, slots } = this;
    let before = kinds[units[start - 1]!]!;
    // A word has two letters.
    for (let at = start; at < end - 1; at++) {
      const unit = units[at]!;
      const kind = kinds[unit]!;
      // Most letters stand inside a word.
      const isInside = (kind & before & inWord!) !== 0;
      before = kind;
      if (isInside || (kind & begin!) === 0) continue;
      const [first, second] = [lower(unit), lower(units[at + 1]!)];
      const slot = slotOf(first, second, lower(units[at + 2]!));
      if (slots[slot]! < slots[slot + 1]!) this.compare(units, at, end, slot, hit);
      // Behind a text's end the third is 0, and its slot was looked at.
      if ((kind & shortBegin!) === 0 || units[at + 2] === 0) continue;
      this.compare(units, at, end, slotOf(first, second, 0), hit);
    }
  }

  private compare(units: Letters["units"], at: number, end: number, slot: number, hit: Hit): void {
    const last = this.slots[slot + 1]!;
    for (let place = this.slots[slot]!; place < last; place++) {
      if (this.standsAt(units, at, end, place)) hit(this.lists[place]!, this.words[place]!, at);
    }
  }

  private standsAt(units: Letters["units"], at: number, end: number, place: number): boolean {
    const { letters, begins } = this;
    const first = begins[place]!;
    const length = begins[place + 1]! - first;
    if (at + length > end) return false;
    for (let i = 0; i < length; i++) {
      if (lower(units[at + i]!) !== letters[first + i]) return false;
    }
    return this.open[place] === 1 || (this.kinds[units[at + length]!]! & inWord!) === 0;
  }
}

function entryOf(written: string) {
  const isStarred = written.endsWith("*");
  const text = lowerCase(isStarred ? written.slice(0, -1) : written);
  return {
    text,
    isOpen: isStarred || !isLatin(text.charCodeAt(text.length - 1)),
    slot: slotOf(
      text.charCodeAt(0),
      text.charCodeAt(1),
      text.length === 2 ? 0 : text.charCodeAt(2),
    ),
  };
}

/** @param third 0 for a word of two letters */
function slotOf(first: number, second: number, third: number): number {
  const mixed =
    Math.imul(first, 0x9e3779b1) + Math.imul(second, 0x85ebca6b) + Math.imul(third, 0xc2b2ae35);
  return mixed >>> 19;
}

function lower(unit: number): number {
  return unit >= 0x41 && unit <= 0x5a ? unit | 0x20 : unit;
}

function upper(unit: number): number {
  return unit >= 0x61 && unit <= 0x7a ? unit & ~0x20 : unit;
}

function lowerCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function isLatin(unit: number): boolean {
  return (
    (unit >= 0x61 && unit <= 0x7a) ||
    (unit >= 0x30 && unit <= 0x39) ||
    (unit >= 0x41 && unit <= 0x5a) ||
    (unit >= 0xc0 && unit <= 0x24f)
  );
}
