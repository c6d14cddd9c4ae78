// The top-level members of a JSON object, by where they stand in its text.

import {
  closeBrace,
  closeBracket,
  comma,
  openBrace,
  openBracket,
  quote,
  scalarEnd,
  space,
  stringEnd,
} from "./json-text";

export type BodyProblem = { problem: string };

/** Offsets in the text of a member's name, with its quotes, and of its value. */
export interface Member {
  nameStart: number;
  nameEnd: number;
  start: number;
  end: number;
  /** Its name as the client sent it; its value, where it is another one now. */
  field: string;
  original?: { value: unknown };
  /** What stands there instead, spelt as JSON. */
  name?: string;
  value?: string;
  removed?: boolean;
  /** Parts of its value that are spelt otherwise now, in ascending order. */
  parts?: Change[];
}

/** What stands in place of a part of a text. */
export interface Change {
  start: number;
  end: number;
  text: string;
}

// Far above what a JSON schema in a tool definition needs, far below what overflows a stack here or
// in an upstream (Python's json gives up near 1000).
const mostDepth = 256;

export const notJson: BodyProblem = {
  problem: "it is not valid JSON; send a JSON object, uncompressed",
};

/**
 * The top-level members of a JSON object, in one pass over the text. It need not be valid: what is
 * said of an invalid text means nothing, and JSON.parse has the last word.
 */
export function membersOf(text: string): Map<string, Member> | BodyProblem {
  let at = skipSpace(text, 0);
  if (text.charCodeAt(at) !== openBrace) {
    return { problem: "it must be a JSON object, sent uncompressed" };
  }
  const members = new Map<string, Member>();
  const otherwise: string[] = [];
  at = skipSpace(text, at + 1);
  while (text.charCodeAt(at) === quote) {
    const nameStart = at;
    const nameEnd = stringEnd(text, at);
    const name = unescaped(text.slice(nameStart, nameEnd));
    if (name === undefined) return notJson;
    if (members.has(name)) return { problem: `it has the member ${shown(name)} twice` };
    const start = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const end = valueEnd(text, start);
    if (end === undefined) return { problem: `it is nested more than ${mostDepth} levels deep` };
    members.set(name, { field: name, nameStart, nameEnd, start, end });
    if (/[^a-z0-9_]/.test(name)) otherwise.push(name);
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === comma) at = skipSpace(text, at + 1);
  }
  return foldedProblem(otherwise, members) ?? members;
}

// Upstreams in Go take a member in any case (encoding/json folds these two letters, too): what is decided
// here by `model` would be another one's.
function foldedProblem(
  names: readonly string[],
  members: ReadonlyMap<string, Member>,
): BodyProblem | undefined {
  if (names.length === 0) return undefined;
  const seen = new Set<string>();
  for (const name of names) {
    const plain = name.replaceAll("\u017F", "s").toLowerCase();
    const isTwice = seen.has(plain) || (plain !== name && members.has(plain));
    if (isTwice)
      return { problem: `it has the member ${shown(plain)} twice, once in other letters` };
    if (plain !== name && deciding.has(plain)) {
      return { problem: `it has the member ${shown(name)}, which is to be spelt ${shown(plain)}` };
    }
    seen.add(plain);
  }
  return undefined;
}

/** Members by which it is decided who is asked, for how much, and what it may cost. */
const deciding = new Set([
  ...["model", "models", "fallbacks", "stream", "n", "best_of", "max_tokens", "tools", "input"],
  ...["max_completion_tokens", "max_output_tokens", "messages", "prompt", "instructions", "system"],
]);

/**
 * What is wrong with the members of `extra_body`, which an SDK puts beside the others, and LiteLLM does
 * where a client has sent it as it stands: one that decides would count in place of what was read.
 */
export function extraProblem({ extra_body }: Record<string, unknown>): BodyProblem | undefined {
  if (typeof extra_body !== "object" || extra_body === null) return undefined;
  const hidden = Object.keys(extra_body).find((name) => deciding.has(name.toLowerCase()));
  return hidden === undefined
    ? undefined
    : { problem: `its member "extra_body" has ${shown(hidden)}, which is to stand beside it` };
}

// Upstreams differ in which of two members of one name counts, and "m\u006fdel" is "model" too.
function unescaped(name: string): string | undefined {
  if (!name.includes("\\")) return name.slice(1, -1);
  try {
    return JSON.parse(name) as string;
  } catch {
    return undefined;
  }
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}

/** The offset behind the value that starts there; undefined where it is nested too deep. */
export function valueEnd(text: string, start: number): number | undefined {
  const first = text.charCodeAt(start);
  if (first === quote) return stringEnd(text, start);
  if (first !== openBrace && first !== openBracket) return scalarEnd(text, start);
  // The body's own braces are the first level.
  let depth = 1;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = stringEnd(text, at) - 1;
    else if (code === openBrace || code === openBracket) {
      if (++depth > mostDepth) return undefined;
    } else if ((code === closeBrace || code === closeBracket) && --depth === 1) return at + 1;
  }
  return text.length;
}

/** The offset of the next character that is no space. */
export function skipSpace(text: string, start: number): number {
  let at = start;
  while (text.charCodeAt(at) <= space) at++;
  return at;
}
