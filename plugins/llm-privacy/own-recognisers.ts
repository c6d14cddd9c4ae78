// What an operator adds to the recognisers: patterns, in time by a text's length alone as RE2 promises it,
// and lists of words.

import { RE2JS } from "re2js";
import type { PrivacyOptions } from "./schema";

export interface OwnFound {
  kind: string;
  start: number;
  end: number;
}

/** Finds what one of them is for. */
type OwnRecogniser = (text: string) => OwnFound[];

export interface OwnRecognisers {
  name: string;
  find: OwnRecogniser;
}

export function ownRecognisers({
  patterns,
  lists,
}: Pick<PrivacyOptions, "patterns" | "lists">): OwnRecognisers[] {
  return [
    ...patterns.map(({ name, pattern }) => ({ name, find: byPattern(name, compile(pattern)) })),
    ...lists
      .filter(({ words }) => words.length > 0)
      .map(({ name, words }) => ({ name, find: byWords(name, words) })),
  ];
}

/** Throws for what is no pattern of RE2. Letters in parts are put together, as those of texts are. */
export function compile(pattern: string): RE2JS {
  return RE2JS.compile(pattern.normalize("NFC"));
}

function byPattern(kind: string, pattern: RE2JS): OwnRecogniser {
  return (text) => {
    const found: OwnFound[] = [];
    const matcher = pattern.matcher(text);
    while (matcher.find()) {
      const [start, end] = [matcher.start(), matcher.end()];
      if (end > start) found.push({ kind, start, end });
    }
    return found;
  };
}

type Node = Map<string, Node | true>;
const ends = "";

// Words by their letters: all are sought together, each from where its first letter stands.
function byWords(kind: string, words: readonly string[]): OwnRecogniser {
  const root: Node = new Map();
  for (const word of words) {
    let node = root;
    for (const letter of word.normalize("NFC").toLowerCase()) {
      const next = node.get(letter);
      const known = next instanceof Map ? next : new Map();
      node.set(letter, known);
      node = known;
    }
    node.set(ends, true);
  }
  return (text) => {
    const lower = lowered(text);
    const found: OwnFound[] = [];
    for (let start = 0; start < lower.length; start++) {
      const end = root.has(lower[start]!) ? wordEnd(root, lower, start) : 0;
      if (end === 0 || !isWhole(lower, start, end)) continue;
      found.push({ kind, start, end });
      start = end - 1;
    }
    return found;
  };
}

/** In lower case with the same offsets: a few capitals become two letters, and stay. */
function lowered(text: string): string {
  const lower = text.toLowerCase();
  if (lower.length === text.length) return lower;
  return [...text]
    .map((one) => (one.toLowerCase().length === one.length ? one.toLowerCase() : one))
    .join("");
}

/** The end of the longest word that begins there; 0 for none. Bounded by the longest word. */
function wordEnd(root: Node, text: string, start: number): number {
  let node = root;
  let end = 0;
  for (let at = start; at < text.length; at++) {
    const next = node.get(text[at]!);
    if (!(next instanceof Map)) break;
    node = next;
    if (node.has(ends)) end = at + 1;
  }
  return end;
}

// Part of a longer Latin word is another word; behind a Korean one stands its particle.
function isWhole(text: string, start: number, end: number): boolean {
  const isLatin = (at: number) => /[a-z0-9_]/.test(text[at] ?? "");
  return !(isLatin(start) && isLatin(start - 1)) && !(isLatin(end - 1) && isLatin(end));
}
