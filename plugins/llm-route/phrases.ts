// Finds the words of several lists in a text, in one pass and in time that grows with the text alone: no
// regular expression, and nothing is tried twice at one place but the few words that begin as it does.

/** Calls back for each word that stands there, in order: the number of its list, its own, its offset. */
export type Hit = (list: number, word: number, at: number) => void;

interface Entry {
  /** In lower case, without the star. */
  text: string;
  list: number;
  word: number;
  /** Another letter may follow. */
  isOpen: boolean;
}

const tableSize = 4096;

// Letters and figures of ASCII, and accented letters of Latin.
const latin = new Uint8Array(0x10000);
for (let unit = 0x30; unit < 0x250; unit++) latin[unit] = isLatin(unit) ? 1 : 0;

/**
 * Words of Latin letters are found from the beginning of a word to its end, in capitals too; a `*` at
 * the end leaves the end open (`optimi*`). All others, as those of Korean, are found wherever they
 * stand in a word, as particles and endings grow on them. A word has at least two letters.
 */
export class Phrases {
  private readonly begins = new Uint8Array(0x10000);
  private readonly table: Entry[][] = Array.from({ length: tableSize }, () => []);

  constructor(lists: readonly (readonly string[])[]) {
    let word = 0;
    lists.forEach((words, list) => {
      for (const written of words) {
        const isStarred = written.endsWith("*");
        const text = lowerCase(isStarred ? written.slice(0, -1) : written);
        if (text.length < 2) continue;
        const isOpen = isStarred || !isLatin(text.charCodeAt(text.length - 1));
        this.begins[text.charCodeAt(0)] = 1;
        this.begins[written.toUpperCase().charCodeAt(0)] = 1;
        this.table[slotOf(text.charCodeAt(0), text.charCodeAt(1))]!.push({
          ...{ text, list, word, isOpen },
        });
        word++;
      }
    });
  }

  /** @param end offset behind the last letter that is looked at */
  find(text: string, start: number, end: number, hit: Hit): void {
    let isAfterLatin = start > 0 ? latin[text.charCodeAt(start - 1)]! : 0;
    for (let at = start; at < end; at++) {
      const unit = text.charCodeAt(at);
      const isHere = latin[unit]!;
      // Most letters stand inside a word.
      if ((isHere & isAfterLatin) === 1) continue;
      isAfterLatin = isHere;
      if (this.begins[unit] === 0) continue;
      const entries = this.table[slotOf(lower(unit), lower(text.charCodeAt(at + 1)))]!;
      for (let i = 0; i < entries.length; i++) {
        const entry = entries[i]!;
        if (standsAt(text, at, end, entry)) hit(entry.list, entry.word, at);
      }
    }
  }
}

function standsAt(text: string, at: number, end: number, { text: sought, isOpen }: Entry): boolean {
  const after = at + sought.length;
  if (after > end) return false;
  for (let i = 0; i < sought.length; i++) {
    if (lower(text.charCodeAt(at + i)) !== sought.charCodeAt(i)) return false;
  }
  return isOpen || after === text.length || !isLatin(lower(text.charCodeAt(after)));
}

/** NaN behind the end of a text becomes 0. */
function slotOf(first: number, second: number): number {
  return (first * 131 + second) & (tableSize - 1);
}

function lower(unit: number): number {
  return unit >= 0x41 && unit <= 0x5a ? unit | 0x20 : unit;
}

function lowerCase(text: string): string {
  return String.fromCharCode(...Array.from(text, (_, at) => lower(text.charCodeAt(at))));
}

function isLatin(unit: number): boolean {
  return (
    (unit >= 0x61 && unit <= 0x7a) ||
    (unit >= 0x30 && unit <= 0x39) ||
    (unit >= 0x41 && unit <= 0x5a) ||
    (unit >= 0xc0 && unit <= 0x24f)
  );
}
