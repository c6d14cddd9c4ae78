// What can be seen of a text without understanding it: how long it is, of what letters, and which of
// the listed words stand in it. One pass over its beginning and its end, where people say what they
// want; what is pasted between is material, and only its length counts.

import { type Letters, lettersOf } from "../../models/letters";
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
    for (let at = 0; at < pieces.length; at++) {
      const piece = pieces[at]!;
      length += piece.length;
      const head = Math.min(piece.length, window.head, left);
      this.look(piece, 0, head, at === 0, signs);
      const tail = Math.min(piece.length - head, window.tail, left - head);
      this.look(piece, piece.length - tail, piece.length, at === 0, signs);
      left -= head + tail;
    }
    const { seen } = signs;
    const wide = signs.hangul + signs.others;
    // Letters of Latin and marks are about four to a token, those of others about one.
    signs.tokens = seen === 0 ? 0 : ((wide + (seen - wide) / 4) * length) / seen;
    return signs;
  }

  /** @param hasOrder it may begin with a sentence that says what is to be done with what follows */
  private look(text: string, start: number, end: number, hasOrder: boolean, signs: Signs): void {
    if (start >= end) return;
    const letters = lettersOf(text, start, end);
    count(letters, signs);
    let order = hasOrder ? undefined : 0;
    this.phrases.find(letters, (list, word, at) => {
      if (this.seenIn[word] === this.reading) return;
      if (signs.easy > 0) {
        // What is to be translated or sorted says nothing of how difficult that is.
        order ??= orderEnd(text);
        if (at - letters.start + start >= order) return;
      }
      this.seenIn[word] = this.reading;
      signs[lists[list]!]++;
    });
  }
}

// An order is short, where something follows that it is about.
const longestOrder = 200;

/** Where a text's first sentence ends: at a colon, a full stop or a line. */
function orderEnd(text: string): number {
  const most = Math.min(text.length - 1, longestOrder);
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

/** Adds how many letters there are of each class, and how many lines begin as points of a list. */
function count({ units, start, end }: Letters, signs: Signs): void {
  counts.fill(0);
  let [points, latins, hanguls] = [0, 0, 0];
  let isLineStart = units[start - 1] === 0;
  for (let at = start; at < end; at++) {
    const unit = units[at]!;
    const kind = classes[unit]!;
    // Nearly all are one of these, and what is counted in a list is written there.
    if (kind === latin) latins++;
    else if (kind === hangul) hanguls++;
    else if (kind !== 0) counts[kind]!++;
    if (unit === newline) isLineStart = true;
    else if (isLineStart && unit !== space) {
      isLineStart = false;
      const next = units[at + 1]!;
      const isNumber = unit >= zero! && unit <= nine! && (next === dot || next === 0x29);
      if (isNumber || (kind === point && next === space)) points++;
    }
  }
  signs.seen += end - start;
  signs.hangul += hanguls;
  signs.latin += latins;
  signs.others += counts[other!]!;
  signs.codeMarks += counts[codeMark!]!;
  signs.mathMarks += counts[mathMark!]!;
  signs.questions += counts[question!]!;
  signs.fences += Math.floor(counts[fence!]! / 3);
  signs.points += points;
}

// One literal: what is spread has another shape each time, and each `++` then looks for its member.
function noSigns(): Signs {
  return {
    tokens: 0,
    seen: 0,
    hangul: 0,
    latin: 0,
    others: 0,
    questions: 0,
    points: 0,
    codeMarks: 0,
    mathMarks: 0,
    fences: 0,
    hard: 0,
    work: 0,
    easy: 0,
    constraints: 0,
    mathematics: 0,
    code: 0,
  };
}
