// One spelling for every JSON text that means the same. Works on the text, because JSON.parse turns
// integers beyond 2^53 into their neighbours, and two different requests must never become equal.

import {
  closeBrace,
  closeBracket,
  colon,
  comma,
  openBrace,
  openBracket,
  quote,
  scalarEnd,
  space,
  stringEnd,
} from "../../openai/json-text";

interface Container {
  isObject: boolean;
  /** Spelt items in order; in an object names and values take turns. */
  items: string[];
}

const minus = 0x2d;
const [zero, nine] = [0x30, 0x39] as const;

/**
 * Spells a valid JSON text canonically: object members sorted by name, no insignificant space,
 * escapes only where needed, numbers as exact decimals. Array order stays. Members that stand twice
 * are both kept, as upstreams differ in which of them counts.
 *
 * @param ignored names of members of the outermost object to leave out
 * @param marks names of members to leave out wherever they stand, where their canonical value is such
 */
export function canonicalJson(
  text: string,
  ignored: readonly string[] = [],
  marks: ReadonlyMap<string, RegExp> = new Map(),
): string {
  const spelt = new Set(ignored.map((name) => JSON.stringify(name)));
  const marked = new Map([...marks].map(([name, value]) => [JSON.stringify(name), value]));
  const open: Container[] = [];
  for (let at = 0; at < text.length; ) {
    const first = text.charCodeAt(at);
    // Spaces, commas and colons say nothing that the order of the items does not say.
    if (first <= space || first === comma || first === colon) {
      at++;
    } else if (first === openBrace || first === openBracket) {
      open.push({ isObject: first === openBrace, items: [] });
      at++;
    } else {
      const closes = first === closeBrace || first === closeBracket;
      const end = closes ? at + 1 : first === quote ? stringEnd(text, at) : scalarEnd(text, at);
      const value = closes
        ? spellContainer(open.pop()!, open.length === 0 ? spelt : nothing, marked)
        : spellScalar(text.slice(at, end), first);
      const container = open.at(-1);
      if (!container) return value;
      container.items.push(value);
      at = end;
    }
  }
  throw new Error("the text is not valid JSON");
}

const nothing: ReadonlySet<string> = new Set();

function spellContainer(
  { isObject, items }: Container,
  ignored: ReadonlySet<string>,
  marks: ReadonlyMap<string, RegExp>,
): string {
  if (!isObject) return `[${joined(items)}]`;
  const members: { name: string; value: string }[] = [];
  for (let at = 0; at < items.length; at += 2) {
    const [name, value] = [items[at]!, items[at + 1]!];
    if (!ignored.has(name) && !marks.get(name)?.test(value)) members.push({ name, value });
  }
  members.sort(byName);
  return `{${joined(members.map(({ name, value }) => `${name}:${value}`))}}`;
}

function byName(one: { name: string }, other: { name: string }): number {
  return one.name < other.name ? -1 : one.name > other.name ? 1 : 0;
}

// Joins with `+`, which links strings without copying them: nesting costs no more than length.
function joined(spelt: string[]): string {
  let text = spelt[0] ?? "";
  for (let at = 1; at < spelt.length; at++) text += `,${spelt[at]}`;
  return text;
}

function spellScalar(token: string, first: number): string {
  if (first === quote) return spellText(token);
  return first === minus || isDigit(first) ? spellNumber(token) : token;
}

// All escapes but these two are spelt in one way only, and most texts have neither.
function spellText(token: string): string {
  return /\\[u/]/.test(token) ? JSON.stringify(JSON.parse(token)) : token;
}

function isDigit(code: number): boolean {
  return code >= zero && code <= nine;
}

/** Digits that a double holds exactly, so that equal numbers, and no others, print alike. */
const exactDigits = 15;

function spellNumber(token: string): string {
  if (token.length <= exactDigits) {
    if (isInteger(token)) return token;
    if (!/[eE]/.test(token)) return String(Number(token));
  }
  const [, sign, whole, fraction = "", power = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token)!;
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  if (digits === "") return "0";
  const significant = withoutTrailingZeros(digits);
  const exponent = Number(power) - fraction.length + digits.length - significant.length;
  if (significant.length <= exactDigits && Math.abs(exponent) < 250) return String(Number(token));
  // Beyond this a double no longer counts in ones; no such number is meant to equal another.
  return Number.isSafeInteger(exponent) ? `${sign}${significant}e${exponent}` : token;
}

// Only digits; valid JSON has no zero in front of others.
function isInteger(token: string): boolean {
  for (let at = 0; at < token.length; at++) if (!isDigit(token.charCodeAt(at))) return false;
  return true;
}

// A regular expression for zeros at the end takes quadratic time on many zeros before another digit.
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === "0") end--;
  return digits.slice(0, end);
}
