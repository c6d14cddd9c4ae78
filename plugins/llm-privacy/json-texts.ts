// All texts in a piece of JSON, wherever they stand: values, names of members, numbers, and the texts in
// JSON that is itself a text, as arguments and results of tools are. What a reader changes of a text
// becomes changes to the JSON, which stays byte for byte as it is everywhere else.

import {
  closeBrace,
  closeBracket,
  colon,
  openBrace,
  openBracket,
  quote,
  scalarEnd,
  space,
  stringEnd,
} from "../../openai/json-text";
import type { Change } from "../../openai/request-body";

/**
 * What shall change of a text, in ascending order and in its own offsets.
 * @param name of the member that it is the value of, or stands in; "" where there is none
 */
export type Reader = (text: string, name: string) => Change[];

const mostNested = 4;
// A number of fewer digits is nothing that is looked for.
const leastNumber = 9;
// What APIs want as a number: any of its digits would do.
const numbersOfTheFormat = new Set(["seed", "created", "created_at"]);

/** The changes to a piece of JSON that is valid. */
export function changesIn(
  json: string,
  start: number,
  end: number,
  reader: Reader,
  name = "",
  nested = 0,
): Change[] {
  const changes: Change[] = [];
  const names: string[] = [];
  let own = name;
  let backslash = -1;
  for (let at = start; at < end; at++) {
    const code = json.charCodeAt(at);
    if (code === quote) {
      const after = stringEnd(json, at);
      if (backslash < at) backslash = indexOrEnd(json, at);
      const isPlain = backslash >= after;
      const text = isPlain ? json.slice(at + 1, after - 1) : unescaped(json.slice(at, after));
      const isName = isFollowedByColon(json, after);
      if (isName) own = text;
      const found = changesOf(text, isName ? "" : own, reader, nested);
      if (found.length > 0) addSpelt(changes, found, json, at + 1, isPlain);
      at = after - 1;
    } else if (code === openBrace || code === openBracket) names.push(own);
    else if (code === closeBrace || code === closeBracket) own = names.pop() ?? name;
    else if (isNumber(code)) {
      const after = scalarEnd(json, at);
      const isRead = after - at >= leastNumber && !numbersOfTheFormat.has(own);
      if (isRead) addNumber(changes, json, at, after, reader, own);
      at = after - 1;
    }
  }
  return changes;
}

function indexOrEnd(json: string, from: number): number {
  const found = json.indexOf("\\", from);
  return found < 0 ? json.length : found;
}

function unescaped(spelt: string): string {
  return JSON.parse(spelt) as string;
}

function isFollowedByColon(json: string, from: number): boolean {
  let at = from;
  while (json.charCodeAt(at) <= space) at++;
  return json.charCodeAt(at) === colon;
}

function isNumber(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2d;
}

function changesOf(text: string, name: string, reader: Reader, nested: number): Change[] {
  const isNested = nested < mostNested && isJson(text);
  return isNested ? changesIn(text, 0, text.length, reader, name, nested + 1) : reader(text, name);
}

/** An object or an array as a text. Most texts are told by their first letter. */
function isJson(text: string): boolean {
  if (!/^\s*[{[]/.test(text) || !/[}\]]\s*$/.test(text.slice(-20))) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What was one number becomes a text, where all of it changes. */
function addNumber(
  changes: Change[],
  json: string,
  start: number,
  end: number,
  reader: Reader,
  name: string,
): void {
  const text = json.slice(start, end);
  const [change] = reader(text, name);
  if (change?.start !== 0 || change.end !== text.length) return;
  changes.push({ start, end, text: JSON.stringify(change.text) });
}

/** @param start of the text's first character in the JSON */
function addSpelt(
  changes: Change[],
  found: readonly Change[],
  json: string,
  start: number,
  isPlain: boolean,
): void {
  let read = 0;
  let place = start;
  let escaped = isPlain ? json.length : indexOrEnd(json, start);
  const placeOf = (offset: number) => {
    while (read + escaped - place < offset) {
      read += escaped - place + 1;
      place = behindEscape(json, escaped);
      escaped = indexOrEnd(json, place);
    }
    place += offset - read;
    read = offset;
    return place;
  };
  for (const change of found) {
    const from = placeOf(change.start);
    changes.push({ start: from, end: placeOf(change.end), text: spelt(change.text) });
  }
}

// A placeholder has none of these, which are escaped.
const escapes = /[^ -~]|["\\]/;

function spelt(text: string): string {
  return escapes.test(text) ? JSON.stringify(text).slice(1, -1) : text;
}

/** The offset behind one UTF-16 unit that is escaped. */
function behindEscape(json: string, at: number): number {
  return json[at + 1] === "u" ? at + 6 : at + 2;
}
