// Telephone numbers as they are written: Korean ones of mobiles and of landlines, those of North America,
// and any that begins with a plus. Hotlines of businesses (1588-0000) are nobody's.

import { close, isBehindEscape, isDigit, isHangul, isWord, plus } from "./character";
import { isLabelled } from "./label";
import { isOther, meaningBy } from "./near";
import { gap, type NumberRun, shapeOf } from "./number-run";
import { codeIn, type Text } from "./text";

const meaning = meaningBy(
  [
    ..."전화 연락처 휴대폰 핸드폰 팩스".split(" "),
    ..."tel phone mobile cell call fax contact whatsapp".split(" "),
  ],
  ["(?:contact|call|phone|mobile|fax)[ _-]?id", "callback"],
);

/** @returns how many groups of the run it has; 0 for none */
export function phone(run: NumberRun, before: () => string): number {
  const first = codeIn(run.text, run.starts[0]!);
  const code = codeIn(run.text, run.starts[0]! - 1);
  if (code === plus && (!isSum(run) || meaning(before()) > 0)) return abroad(run, before);
  // As it is dialled from elsewhere.
  if (first === 0x30 && run.digits(1) === "0082") return domestic(run, 1, before);
  if (first === 0x30) return domestic(run, 0, before) || joined(run);
  if (first !== 0x38) return 0;
  return run.digits(1) === "82" ? domestic(run, 1, before) : joined(run);
}

/** Whether its plus adds it to what stands right before: 1234567890+9876543210, f(x)+4294967296. */
function isSum({ text, starts, gaps }: NumberRun): boolean {
  const at = starts[0]! - 1;
  if (codeIn(text, at - 1) === close) return gaps[0] === gap.none;
  return isWord(codeIn(text, at - 1)) && !isLabelled(text, at) && !isBehindEscape(text, at);
}

// Mobile numbers, then areas, voice over IP and personal numbers: what stands before the last two groups.
const mobile = /^01[016789]\d{7,8}$/;
const landline = /^(?:02|0[3-6][1-5]|070|050\d?|0130)[1-9]\d{6,7}$/;

/** In Korea. @param from 1 where the country's code stands before it: the 0 is gone then, or is kept */
function domestic(run: NumberRun, from: number, before: () => string): number {
  // At most 02)1234 - 5678 and the like: three groups.
  const most = Math.min(run.count, from + 3);
  for (let groups = most; groups > from; groups--) {
    if (!run.endsAfter(groups)) continue;
    const digits = nationalOf(run.digits(groups, from), from > 0);
    const isMobile = mobile.test(digits);
    if (!isMobile && !landline.test(digits)) continue;
    if (isLoose(run, groups) && !(isMobile && isParted(run, from, groups))) continue;
    if (!hasPhoneShape(run, from, groups)) continue;
    if (isMobile || groups > from + 1) return groups;
    // Ten digits that begin with an area are an order's number as well.
    return meaning(before()) > 0 ? groups : 0;
  }
  return 0;
}

/** Numbers in columns and fractions look like a landline's as well. */
function isLoose(run: NumberRun, groups: number): boolean {
  return run.countGaps(groups, gap.other) + run.countGaps(groups, gap.line) > 0;
}

/** As in 010/1234/5678, and no day in a path. */
function isParted(run: NumberRun, from: number, groups: number): boolean {
  return groups - from === 3 && run.lengthOf(from) >= (from > 0 ? 2 : 3);
}

const fours = shapeOf(4, 4, 4);
const joinedMobile = /^(?:00)?8210\d{8}$/;

/** A mobile number behind its country's code and nothing between: 821012345678, 8210-1234-5678. */
function joined(run: NumberRun): number {
  const groups = run.shapes[3] === fours ? 3 : run.lengthOf(0) >= 12 ? 1 : 0;
  return groups > 0 && run.endsAfter(groups) && joinedMobile.test(run.digits(groups)) ? groups : 0;
}

function nationalOf(digits: string, isAbroad: boolean): string {
  return isAbroad && !digits.startsWith("0") ? `0${digits}` : digits;
}

// The last group has four digits, seven or eight where there is only a prefix before, or it is all.
function hasPhoneShape(run: NumberRun, from: number, groups: number): boolean {
  const last = run.lengthOf(groups - 1);
  const count = groups - from;
  if (count === 1) return true;
  if (count === 2) return last === 4 || last === 7 || last === 8;
  return last === 4 && run.lengthOf(groups - 2) >= 3;
}

/** Behind a plus: a country's code and eight digits or more (ITU-T E.164: fifteen in all). */
function abroad(run: NumberRun, before: () => string): number {
  if (run.digits(1).startsWith("0")) return 0;
  // What has a shape of its own ends with it, whatever number stands behind.
  const own = run.digits(1) === "82" ? domestic(run, 1, before) : americanPhone(run, before);
  if (own > 0) return own;
  for (let groups = run.count; groups > 0; groups--) {
    if (!run.endsAfter(groups) || isLoose(run, groups)) continue;
    // A zero in brackets is not dialled: +44 (0)20.
    const digits = run.digits(groups);
    if (digits.length < 9 || digits.length > 16) continue;
    return groups;
  }
  return 0;
}

/** As in (212) 555-0123: of the USA, Canada and the Caribbean. */
export function americanPhone(run: NumberRun, before: () => string): number {
  const from = run.shapes[1] === 1 && run.digits(1) === "1" ? 1 : 0;
  const groups = from + 3;
  const isGrouped =
    run.lengthOf(from) === 3 && run.lengthOf(from + 1) === 3 && run.lengthOf(from + 2) === 4;
  if (isGrouped && run.endsAfter(groups)) {
    if (!/^[2-9]/.test(run.digits(groups, from)) || isOther(before())) return 0;
    if (meaning(before()) > 0) return groups;
    if (isLoose(run, groups)) return 0;
    return from === 1 || run.gaps[groups - 2] !== gap.space || run.gaps[from] === gap.bracket
      ? groups
      : 0;
  }
  const isBare = run.shapes[1] === 10 && run.endsAfter(1) && /^[2-9]..[2-9]/.test(run.digits(1));
  return isBare && meaning(before()) > 0 ? 1 : 0;
}

// 공일공 일이삼사 오육칠팔: a mobile number as it is spoken, and written down with some figures.
const spokenDigits = new Map([
  ...[..."공영일이삼사오육륙칠팔구"].map((name, at) => [name, "001234566789"[at]!] as const),
  ...[..."0123456789"].map((digit) => [digit, digit] as const),
]);
// By code, from 1; 0 for what is none.
const spoken = new Uint8Array(0x10000);
for (const [name, digit] of spokenDigits) spoken[name.charCodeAt(0)] = Number(digit) + 1;
// Between groups people say a dash (다시) or a pause (에).
const pauses = new Set([..." .,-\t다시에의"].map((pause) => pause.charCodeAt(0)));
const spokenMobile = /^01[016789]\d{7,8}$/;
const beginsMobile = /^01[016789]/;
const mostSpoken = 48;

/** Where a mobile number ends of which digits are written as Korean words; 0 for none. */
export function spokenPhone(text: Text, start: number): number {
  let digits = "";
  let end = start;
  let isSpoken = false;
  for (let at = start; at < text.length && at < start + mostSpoken; at++) {
    const digit = spoken[codeIn(text, at)]!;
    if (digit > 0) {
      digits += String(digit - 1);
      isSpoken ||= !isDigit(codeIn(text, at));
      end = at + 1;
      if (digits.length === 3 && !beginsMobile.test(digits)) return 0;
    } else if (!pauses.has(codeIn(text, at))) break;
    if (digits.length === 11) break;
  }
  return isSpoken && spokenMobile.test(digits) && !isSpokenOn(text, end) ? end : 0;
}

const spokenTwo = "이".charCodeAt(0);

/** Whether a further digit stands there: 팔이에요 is an eight and a verb. */
function isSpokenOn(text: Text, at: number): boolean {
  const code = codeIn(text, at);
  const isVerb =
    code === spokenTwo && isHangul(codeIn(text, at + 1)) && !spoken[codeIn(text, at + 1)];
  return spoken[code]! > 0 && !isVerb;
}
