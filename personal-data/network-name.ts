// Names in networks that lead to a person: e-mail addresses and IP addresses.

import { codeIn, colon, dot, hyphen, isAlphanumeric, isDigit, isHex, isWord } from "./character";
import { gap, type NumberRun } from "./number-run";

const mostLocal = 64;
const mostDomain = 255;

/** The e-mail address around this @. @returns offsets */
export function email(text: string, at: number) {
  let start = at;
  while (start > 0 && at - start < mostLocal && isLocal(codeIn(text, start - 1))) start--;
  while (start < at && !isWord(codeIn(text, start))) start++;
  if (start === at || codeIn(text, at - 1) === dot) return undefined;
  const end = domainEnd(text, at + 1);
  if (end === 0) return undefined;
  // git@host:path names an account of a machine's; icon@2x.png is a picture.
  if (text.slice(start, at) === "git" && codeIn(text, end) === colon) return undefined;
  if (/^\dx\.\w+$/.test(text.slice(at + 1, end))) return undefined;
  return { start, end };
}

function isLocal(code: number): boolean {
  // . _ % + - and the like
  return isWord(code) || code === dot || code === hyphen || code === 0x25 || code === 0x2b;
}

/** Where a domain ends that has a top level of letters; 0 for none. */
function domainEnd(text: string, start: number): number {
  let end = 0;
  let label = start;
  for (let at = start; at < start + mostDomain; at++) {
    const code = codeIn(text, at);
    if (isAlphanumeric(code) || code === hyphen) continue;
    if (at === label) break;
    if (label > start && isTopLevel(text, label, at)) end = at;
    if (code !== dot) break;
    label = at + 1;
  }
  return end;
}

function isTopLevel(text: string, from: number, to: number): boolean {
  if (to - from < 2) return false;
  for (let at = from; at < to; at++) {
    const code = codeIn(text, at);
    if (isDigit(code) || !isAlphanumeric(code)) return /^xn--[\w-]+$/i.test(text.slice(from, to));
  }
  return true;
}

const version = /version|버전|ver[. ]|v\.|release|릴리스|==|chrome\//;

/** Four numbers up to 255. What names no host but its own machine, a net or a mask is none. */
export function ipAddress(run: NumberRun, context: string): number {
  if (run.count < 4 || run.gapOf(4) !== gap.dot || !run.endsAfter(4)) return 0;
  for (let n = 0; n < 4; n++) if (!isByte(run, n)) return 0;
  const [first, last] = [byteOf(run, 0), byteOf(run, 3)];
  const isNet = last === 0 && run.text[run.ends[3]!] === "/";
  if (first === 0 || first === 127 || first >= 224 || isNet) return 0;
  return version.test(wordsBefore(run, context)) ? 0 : 4;
}

function isByte(run: NumberRun, n: number): boolean {
  const length = run.lengthOf(n);
  if (length > 3 || (length > 1 && codeIn(run.text, run.starts[n]!) === 0x30)) return false;
  return byteOf(run, n) <= 255;
}

function byteOf({ text, starts, ends }: NumberRun, n: number): number {
  let value = 0;
  for (let at = starts[n]!; at < ends[n]!; at++) value = value * 10 + codeIn(text, at) - 48;
  return value;
}

// Marks count too: requests==2.31.0.1 has no letter near by.
function wordsBefore({ text, starts }: NumberRun, context: string): string {
  const own = text.slice(Math.max(0, starts[0]! - 12), starts[0]!).toLowerCase();
  return own.length < 12 ? `${context.toLowerCase()} ${own}`.slice(-12) : own;
}

const mostIpv6 = 45;

/** The IPv6 address whose first colon stands there (RFC 4291, section 2.2). @returns offsets */
export function ipv6Address(text: string, at: number) {
  const next = codeIn(text, at + 1);
  if (!isHex(next) && next !== colon) return undefined;
  let start = at;
  while (at - start < 5 && isHex(codeIn(text, start - 1))) start--;
  if (isWord(codeIn(text, start - 1)) || codeIn(text, start - 1) === colon) return undefined;
  let colons = 0;
  let end = at;
  for (let code = colon; end - start <= mostIpv6 && isPart(code); code = codeIn(text, ++end)) {
    if (code === colon) colons++;
  }
  if (colons < 3 || isWord(codeIn(text, end))) return undefined;
  const spelt = text.slice(start, end).replace(/\.+$|(?<!:):$/, "");
  return isIpv6(spelt) ? { start, end: start + spelt.length } : undefined;
}

function isPart(code: number): boolean {
  return isHex(code) || code === colon || code === dot;
}

function isIpv6(spelt: string): boolean {
  const halves = spelt.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  const isMapped = groups.at(-1)?.includes(".");
  if (isMapped && !/^(?:\d{1,3}\.){3}\d{1,3}$/.test(groups.pop()!)) return false;
  const count = groups.length + (isMapped ? 2 : 0);
  if (!groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return false;
  if (halves.length === 1) return count === 8;
  // Names in code are no addresses (a::b::c), nor is ::1 anybody's.
  return count >= 2 && count < 8 && groups.some((group) => /\d/.test(group));
}
