// What can be seen of a text without understanding it: how long it is, of what letters, and which of
// the listed words stand in it. One pass over its beginning and its end, where people say what they
// want; what is pasted between is material, and only its length counts.

import { Phrases } from "./phrases";
import { type List, lists, type Words } from "./words";

/** Signs of one text. Words are counted once each, however often they stand there. */
export interface Signs extends Record<List, number> {
  /** Tokens of all of it, estimated by what was looked at. */
  tokens: number;
  /** Letters that were looked at. */
  seen: number;
  hangul: number;
  latin: number;
  /** Letters of other scripts. */
  others: number;
  questions: number;
  /** Points of lists: `-`, `*`, `1.` at the beginning of a line. */
  points: number;
  /** Braces, semicolons, operators; and what only formulas have. */
  codeMarks: number;
  mathMarks: number;
  /** ``` that open or close a block of code. */
  fences: number;
}

/** How many letters are looked at, from a text's beginning and before its end. */
export interface Window {
  head: number;
  tail: number;
}

const [hangul, latin, codeMark, mathMark, question, fence, point, other] = [1, 2, 3, 4, 5, 6, 7, 8];

const classes = new Uint8Array(0x10000);
for (let unit = 0x80; unit < 0x10000; unit++) classes[unit] = other!;
for (let unit = 0xac00; unit <= 0xd7a3; unit++) classes[unit] = hangul!;
for (let unit = 0xc0; unit <= 0x24f; unit++) classes[unit] = latin!;
for (const letter of "abcdefghijklmnopqrstuvwxyz") {
  classes[letter.charCodeAt(0)] = classes[letter.toUpperCase().charCodeAt(0)] = latin!;
}
for (const mark of "{};=<>[]_|&$") classes[mark.charCodeAt(0)] = codeMark!;
for (const mark of "^∑∏∫√≤≥≠≈∂∞∈∉⊂∀∃→⇒×÷±λθπσεδΣ") classes[mark.charCodeAt(0)] = mathMark!;
for (const mark of "?？") classes[mark.charCodeAt(0)] = question!;
classes["`".charCodeAt(0)] = fence!;
for (const mark of "-*•·") classes[mark.charCodeAt(0)] = point!;

const [newline, space, dot, colon, zero, nine] = [0x0a, 0x20, 0x2e, 0x3a, 0x30, 0x39];

/** Reads texts by one set of words. */
export class SignReader {
  private readonly phrases: Phrases;
  /** Which words were seen in the text that is being read: the number of that text. */
  private readonly seenIn: Uint32Array;
  private reading = 0;

  constructor(words: Words) {
    this.phrases = new Phrases(lists.map((list) => words[list]));
    this.seenIn = new Uint32Array(lists.reduce((sum, list) => sum + words[list].length, 0));
  }

  /** @param pieces of one text, in their order */
  read(pieces: readonly string[], window: Window): Signs {
    this.reading++;
    const signs = noSigns();
    let length = 0;
    let left = window.head + window.tail;
    let order = orderEnd(pieces[0] ?? "");
    for (const piece of pieces) {
      length += piece.length;
      const head = Math.min(piece.length, window.head, left);
      this.look(piece, 0, head, order, signs);
      const tail = Math.min(piece.length - head, window.tail, left - head);
      this.look(piece, piece.length - tail, piece.length, order, signs);
      left -= head + tail;
      order = 0;
    }
    const { seen } = signs;
    const wide = signs.hangul + signs.others;
    // Letters of Latin and marks are about four to a token, those of others about one.
    signs.tokens = seen === 0 ? 0 : ((wide + (seen - wide) / 4) * length) / seen;
    return signs;
  }

  private look(text: string, start: number, end: number, order: number, signs: Signs): void {
    if (start >= end) return;
    const found = count(text, start, end);
    signs.seen += end - start;
    signs.hangul += found[hangul!]!;
    signs.latin += found[latin!]!;
    signs.codeMarks += found[codeMark!]!;
    signs.mathMarks += found[mathMark!]!;
    signs.questions += found[question!]!;
    signs.fences += Math.floor(found[fence!]! / 3);
    signs.points += found[0]!;
    signs.others += found[other!]!;
    this.phrases.find(text, start, end, (list, word, at) => {
      if (this.seenIn[word] === this.reading) return;
      // What is to be translated or sorted says nothing of how difficult that is.
      if (signs.easy > 0 && at >= order) return;
      this.seenIn[word] = this.reading;
      signs[lists[list]!]++;
    });
  }
}

// An order is short, where something follows that it is about.
const longestOrder = 200;

/** Where a text's first sentence ends: at a colon, a full stop or a line. */
function orderEnd(text: string): number {
  const most = Math.min(text.length, longestOrder);
  for (let at = 0; at < most; at++) {
    const unit = text.charCodeAt(at);
    if (unit === newline) return at;
    if (unit !== colon && unit !== dot) continue;
    const next = text.charCodeAt(at + 1);
    if (next === space || next === newline) return at;
  }
  return text.length;
}

const counts = new Uint32Array(9);

/** How many letters there are of each class; at 0, how many lines begin as points of a list. */
function count(text: string, start: number, end: number): Uint32Array {
  counts.fill(0);
  let [points, latins, hanguls] = [0, 0, 0];
  let isLineStart = start === 0;
  for (let at = start; at < end; at++) {
    const unit = text.charCodeAt(at);
    if (unit === newline) {
      isLineStart = true;
      continue;
    }
    const kind = classes[unit]!;
    // Nearly all are one of these.
    if (kind === latin) latins++;
    else if (kind === hangul) hanguls++;
    else counts[kind]!++;
    if (!isLineStart || unit === space) continue;
    isLineStart = false;
    const next = text.charCodeAt(at + 1);
    const isNumber = unit >= zero! && unit <= nine! && (next === dot || next === 0x29);
    if (isNumber || (kind === point && next === space)) points++;
  }
  counts[0] = points;
  counts[latin!] = latins;
  counts[hangul!] = hanguls;
  return counts;
}

function noSigns(): Signs {
  return {
    ...{ tokens: 0, seen: 0, hangul: 0, latin: 0, others: 0, questions: 0, points: 0 },
    ...{ codeMarks: 0, mathMarks: 0, fences: 0 },
    ...{ hard: 0, work: 0, easy: 0, constraints: 0, mathematics: 0, code: 0 },
  };
}
