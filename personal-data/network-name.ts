// Names in networks that lead to a person: e-mail addresses and IP addresses.

import {
  backslash,
  colon,
  dot,
  hyphen,
  isAlphanumeric,
  isBehindEscape,
  isForeignLetter,
  isHangul,
  isHex,
  isLetter,
  isWord,
  percent,
  plus,
  underscore,
} from "./character";
import { gap, type NumberRun } from "./number-run";
import { codeIn, type Text } from "./text";

const mostLocal = 64;
const mostDomain = 255;

/**
 * The e-mail address around an @. @returns offsets
 * @param behind offset behind the @, which a URL spells %40
 */
export function email(text: Text, at: number, behind = at + 1) {
  let start = at;
  while (start > 0 && at - start < mostLocal && isLocal(text, start - 1)) start--;
  while (start < at && !isOfName(codeIn(text, start))) start++;
  // Of \nkim@example.com the first letter is the escape's.
  if (start < at - 1 && isBehindEscape(text, start + 1)) start++;
  if (start === at) start = koreanLocal(text, at);
  if (start === at || codeIn(text, at - 1) === dot) return undefined;
  const end = domainEnd(text, behind) || koreanDomainEnd(text, behind);
  // git@host:path names an account of a machine's; icon@2x.png is a picture.
  if (end === 0 || text.slice(start, at) === "git") return undefined;
  if (isCall.test(text.slice(end - 4, end + 12))) return undefined;
  const domain = text.slice(behind, end);
  return /^\dx\.\w+$/.test(domain) || domain.endsWith(ofMachines) ? undefined : { start, end };
}

// Who signs the URLs of Google's storage, with an address of a program's own.
const ofMachines = ".gserviceaccount.com";

// Matrices that Python multiplies, by a method of one: q@k.transpose(-2, -1). No domain of many people.
const isCall = /^(?!\.com|\.net|\.org|.\...).{4}\((?:\)|-?\d,|-\d\)|["']|\w+=)/;

function isOfName(code: number): boolean {
  return isWord(code) || isForeignLetter(code);
}

function isLocal(text: Text, at: number): boolean {
  const code = codeIn(text, at);
  // . _ % + - and the like
  if (isOfName(code) || code === dot || code === hyphen || code === plus) return true;
  if (code === percent) return !isSpeltAt(text, at);
  // o'brien; kim\_minsu, as Markdown escapes it
  if (code === 0x27)
    return isAlphanumeric(codeIn(text, at - 1)) && isAlphanumeric(codeIn(text, at + 1));
  return code === backslash && codeIn(text, at + 1) === underscore && isWord(codeIn(text, at - 1));
}

/** Whether an @ stands there as a URL spells it: %40. */
export function isSpeltAt(text: Text, percentAt: number): boolean {
  return codeIn(text, percentAt + 1) === 0x34 && codeIn(text, percentAt + 2) === 0x30;
}

const mostKorean = 20;

/** 홍길동@example.com: where a name in Hangul begins; the @ where there is none. */
function koreanLocal(text: Text, at: number): number {
  let start = at;
  while (at - start < mostKorean && isHangul(codeIn(text, start - 1))) start--;
  return start;
}

const koreanDomain = /^(?:[\w가-힣-]{1,30}\.){1,5}(?:한국|닷컴|닷넷|삼성|[a-z]{2,10})/i;

/** Of a domain that begins in Hangul, as in 예시.한국; 0 for none. */
function koreanDomainEnd(text: Text, start: number): number {
  if (!isHangul(codeIn(text, start))) return 0;
  const found = koreanDomain.exec(text.slice(start, start + 128))?.[0];
  return found === undefined ? 0 : start + found.length;
}

/** Where a domain ends that has a top level of letters; 0 for none. */
function domainEnd(text: Text, start: number): number {
  let end = 0;
  let label = start;
  for (let at = start; at < start + mostDomain; at++) {
    const code = codeIn(text, at);
    if (isAlphanumeric(code) || code === hyphen || isForeignLetter(code)) continue;
    if (at === label) break;
    if (label > start && isTopLevel(text, label, at)) end = at;
    if (code !== dot) break;
    label = at + 1;
  }
  return end;
}

function isTopLevel(text: Text, from: number, to: number): boolean {
  if (to - from < 2) return false;
  for (let at = from; at < to; at++) {
    const code = codeIn(text, at);
    if (!isLetter(code) && !isForeignLetter(code))
      return /^xn--[\w-]+$/i.test(text.slice(from, to));
  }
  return true;
}

const version =
  /version|버전|(?<![a-z])ver[. ]|(?<![a-z])v\.|release|릴리스|[=><~]=|(?:chrome|firefox|whale|opr|edg|yabrowser)\//;
// Right before it: what is numbered so, and what has versions.
const numbered =
  /(?:^|[^a-z가-힣])(?:제|표|그림|절|항|장|section|chapter|clause|step|figure|fig\.?|table|appendix|no\.?|oid|firmware|펌웨어|driver|드라이버|build|빌드|update|업데이트|macos|ios|android|안드로이드|windows(?: nt)?|kernel|커널|so\.|#+) ?$/;
const part = /^(?:(?:절|항|장)(?![가-힣])|(?: ?(?:버전|version|release|macos)))/i;
const slash = 0x2f;
// No chapter and no version of anything begins with more.
const mostOfVersions = 60;

type Bytes = [number, number, number, number];

/** Four numbers up to 255. What names no host but its own machine, a net or a mask is none. */
export function ipAddress(run: NumberRun, context: string): number {
  if (run.count < 4 || run.gapOf(4) !== gap.dot || !run.endsAfter(4)) return 0;
  for (let n = 0; n < 4; n++) if (!isByte(run, n)) return 0;
  const [first, second, third, last] = [0, 1, 2, 3].map((n) => byteOf(run, n)) as Bytes;
  const isNet = last === 0 && (codeIn(run.text, run.ends[3]!) === slash || second + third === 0);
  if (first === 0 || first === 127 || first >= 224 || isNet) return 0;
  const end = run.ends[3]!;
  // A name of four numbers and more is a host's, or a file's: 1.2.3.4.tar.gz.
  if (codeIn(run.text, end) === dot && isWord(codeIn(run.text, end + 1))) return 0;
  const words = wordsBefore(run, context);
  if (version.test(words)) return 0;
  const isNumbered = part.test(run.text.slice(end, end + 8)) || numbered.test(words);
  return isNumbered && first <= mostOfVersions ? 0 : 4;
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
export function ipv6Address(text: Text, at: number) {
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
  // Eight times two digits are the name of a port or a key, as 00:11:22:33:44:55:66:77.
  if (halves.length === 1) return count === 8 && groups.some(({ length }) => length > 2);
  // Names in code are no addresses (a::b::c), nor is ::1 anybody's.
  return count >= 2 && count < 8 && groups.some((group) => /\d/.test(group));
}
