// One spelling for every JSON text that means the same. Works on the text, because JSON.parse turns
// integers beyond 2^53 into their neighbours, and two different requests must never become equal.

interface Container {
  opener: "{" | "[";
  /** Spelt items in order; in an object names and values take turns. */
  items: string[];
}

/**
 * Spells a valid JSON text canonically: object members sorted by name, no insignificant space,
 * escapes only where needed, numbers as exact decimals. Array order stays. Members that stand twice
 * are both kept, as upstreams differ in which of them counts.
 *
 * @param ignored names of members of the outermost object to leave out
 */
export function canonicalJson(text: string, ignored: readonly string[] = []): string {
  const spelt = new Set([...ignored].map((name) => JSON.stringify(name)));
  const open: Container[] = [];
  for (const token of tokens(text)) {
    if (token === "," || token === ":") continue;
    if (token === "{" || token === "[") {
      open.push({ opener: token, items: [] });
      continue;
    }
    const closes = token === "}" || token === "]";
    const value = closes
      ? spellContainer(open.pop()!, open.length === 0 ? spelt : nothing)
      : spellScalar(token);
    const container = open.at(-1);
    if (!container) return value;
    container.items.push(value);
  }
  throw new Error("the text is not valid JSON");
}

const nothing: ReadonlySet<string> = new Set();

// Joins with `+`, which links strings without copying them: nesting costs no more than length.
function spellContainer({ opener, items }: Container, ignored: ReadonlySet<string>): string {
  if (opener === "[") return `[${joined(items)}]`;
  const members: { name: string; value: string }[] = [];
  for (let at = 0; at < items.length; at += 2) {
    const name = items[at]!;
    if (!ignored.has(name)) members.push({ name, value: items[at + 1]! });
  }
  members.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return `{${joined(members.map(({ name, value }) => `${name}:${value}`))}}`;
}

function joined(spelt: string[]): string {
  return spelt.reduce((text, item) => (text === "" ? item : `${text},${item}`), "");
}

function spellScalar(token: string): string {
  const first = token[0]!;
  if (first === '"') return spellText(token);
  return first === "-" || (first >= "0" && first <= "9") ? spellNumber(token) : token;
}

// All escapes but these two are spelt in one way only, and most texts have neither.
function spellText(token: string): string {
  return /\\[u/]/.test(token) ? JSON.stringify(JSON.parse(token)) : token;
}

/** Digits that a double holds exactly, so that equal numbers, and no others, print alike. */
const exactDigits = 15;

function spellNumber(token: string): string {
  if (token.length <= exactDigits && !/[eE]/.test(token)) return String(Number(token));
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

// A regular expression for zeros at the end takes quadratic time on many zeros before another digit.
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === "0") end--;
  return digits.slice(0, end);
}

function* tokens(text: string): Generator<string> {
  const space = /\s+/y;
  for (let at = 0; at < text.length; ) {
    const first = text[at]!;
    if (first <= " ") {
      space.lastIndex = at;
      space.test(text);
      at = space.lastIndex;
      continue;
    }
    const end = tokenEnd(text, at, first);
    yield text.slice(at, end);
    at = end;
  }
}

const bare = /[^\s,\]}]+/y;

function tokenEnd(text: string, start: number, first: string): number {
  if (first === '"') return stringEnd(text, start);
  if ("{}[],:".includes(first)) return start + 1;
  bare.lastIndex = start;
  bare.test(text);
  return bare.lastIndex;
}

/** The offset behind the closing quote of the string that opens at `start`. */
function stringEnd(text: string, start: number): number {
  let at = text.indexOf('"', start + 1);
  for (;;) {
    let backslashes = 0;
    while (text[at - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return at + 1;
    at = text.indexOf('"', at + 1);
  }
}
