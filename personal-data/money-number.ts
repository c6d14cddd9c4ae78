// Numbers by which money is had: payment cards, IBANs, and accounts of Korean banks where a bank is named.

import {
  hyphen,
  isAlphanumeric,
  isDigit,
  isHex,
  isInWord,
  isLetter,
  isWord,
  space,
} from "./character";
import { digitIn, ibanHead, ibanRest } from "./checksum";
import { meaningBy } from "./near";
import { gap, type NumberRun, shapeOf } from "./number-run";
import { codeIn, type Text } from "./text";

// Beginning and length of what the networks give out; 9 are cards that are good in Korea alone.
const issued =
  /^(?:4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}|9\d{15})$/;
const cardMeaning = meaningBy(["카드", "card", "visa", "mastercard", "amex"]);

const fours = shapeOf(4, 4, 4, 4);
const foursToThree = shapeOf(4, 4, 4, 3);
const amex = shapeOf(4, 6, 5);
const diners = shapeOf(4, 6, 4);

/** @returns how many groups of the run it has; 0 for none */
export function card(run: NumberRun, before: () => string): number {
  const groups = cardGroups(run);
  if (groups === 0 || !mayBeIssued(run)) return 0;
  // What stands behind four groups may be its last digits, or when it ends: 4111 1111 1111 1111 12/27.
  const found = isCardOf(run, groups) ? groups : groups === 5 && isCardOf(run, 4) ? 4 : 0;
  if (found === 0 || (found === 4 && isInRow(run))) return 0;
  // Cards of 13 digits are no longer given out, and numbers of products have as many.
  const least = run.shapes[1] === 13 ? 1 : 0;
  return cardMeaning(before()) >= least ? found : 0;
}

function isCardOf(run: NumberRun, groups: number): boolean {
  return run.endsAfter(groups) && isCard(run.digits(groups));
}

function isCard(digits: string): boolean {
  return isLuhn(digits) && issued.test(digits);
}

const fewestInRow = 5;
const foursBefore = /(?:(?<!\d)\d{4} ){1,5}$/;
const foursBehind = /^(?: \d{4}(?!\d)){1,5}/;

/** Whether four groups stand in a longer row of such numbers, and no card stands beside them there. */
function isInRow({ text, starts, ends }: NumberRun): boolean {
  const [start, end] = [starts[0]!, ends[3]!];
  const before = foursBefore.exec(text.slice(Math.max(0, start - 26), start))?.[0] ?? "";
  const behind = foursBehind.exec(text.slice(end, end + 26))?.[0] ?? "";
  if ((before.length + behind.length) / 5 < fewestInRow) return false;
  const beside = [before.slice(-20), behind.slice(0, 20)].map((row) => row.replaceAll(" ", ""));
  return !beside.some(isCard);
}

/** Cheap, as most numbers of that length begin otherwise: 2 to 6, and 9. */
function mayBeIssued(run: NumberRun): boolean {
  const first = codeIn(run.text, run.starts[0]!) - 48;
  return (first >= 2 && first <= 6) || first === 9;
}

/** By its last digit (ISO/IEC 7812-1, annex B). */
function isLuhn(digits: string): boolean {
  let sum = 0;
  let doubled = false;
  for (let at = digits.length - 1; at >= 0; at--, doubled = !doubled) {
    const digit = digitIn(digits, at);
    sum += doubled ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
  }
  return sum % 10 === 0;
}

function cardGroups(run: NumberRun): number {
  const length = run.lengthOf(0);
  if (length >= 13) return 1;
  if (length !== 4) return 0;
  const { shapes } = run;
  const groups =
    shapes[4] === fours
      ? run.count > 4 && run.lengthOf(4) <= 3 && run.gaps[3] === run.gaps[0]
        ? 5
        : 4
      : shapes[4] === foursToThree
        ? 4
        : shapes[3] === amex || shapes[3] === diners
          ? 3
          : 0;
  // Columns of numbers are no card: one end of a line may stand in it.
  const isApart = run.countGaps(groups, gap.bracket) + run.countGaps(groups, gap.line) > 0;
  return isApart && !isWrapped(run, groups) ? 0 : groups;
}

function isWrapped(run: NumberRun, groups: number): boolean {
  return run.countGaps(groups, gap.line) === 1 && run.countGaps(groups, gap.bracket) === 0;
}

const bankMeaning = meaningBy(
  [
    ..."은행 뱅크 계좌 예금주 농협 수협 신협 새마을 우체국 국민 신한 카뱅 환불 이체".split(" "),
    ...["입금", "송금", "account", "acct", "bank", "shinhan", "kookmin", "woori", "nonghyup"],
    "(?<![a-z])(?:kb|nh|ibk|hana)(?![a-z])",
  ],
  [
    ..."금액 잔액 입금액 송금액 환불액 이체액 전화 연락처 코드 등기 택배 소포 swift balance expires".split(
      " ",
    ),
    ..."일시 일자 날짜 입금일 송금일 환불일 이체일".split(" "),
    ...[
      "(?:account|acct|bank)[ _-]?(?:id|code)",
      "(?:created|updated)[ _-]?(?:at|on)",
      "aws account",
    ],
  ],
);
// Names of banks that are everyday words as well: they count right before the number.
const bankBefore =
  /(?:우리|하나|기업|토스|카카오|씨티|제일|산업|부산|대구|광주|전북|경남|제주)[ :]{0,2}$/;
const bankBehind =
  /^[ ,/:|]{0,2}[([]?(?:(?:국민|신한|우리|하나|기업|카카오|토스|케이|씨티|제일|산업|부산|대구|광주|전북|경남|제주|수출입|외환|한국)[ ]?(?:은행|뱅크)|농협|수협|신협|새마을|우체국|카뱅)/;
// They count behind groups.
const shortBehind =
  /^[ ,/:|]{0,2}[([]?(?:(?:kb|nh|ibk|sc)[ ]?[가-힣]|(?:신한|국민|카카오|토스)(?![가-힣]))/i;
// What is paid, and a day: 2024 01 05 50000.
const paid = /^ ?(?:원|만|달러|위안|엔|won|krw|usd)/i;
const day = /^(?:19|20)\d\d(?:0[1-9]|1[0-2])/;

/** @returns how many groups of the run it has; 0 for none */
export function bankAccount(run: NumberRun, before: () => string): number {
  const between = run.gaps[0]!;
  const isSpaced = between === gap.space;
  if (isSpaced && run.lengthOf(0) < 3) return 0;
  let groups = 1;
  let total = run.lengthOf(0);
  if (between === gap.hyphen || isSpaced) {
    while (groups < run.count && groups < 5 && run.gaps[groups - 1] === between) {
      total += run.lengthOf(groups++);
    }
  }
  if (total < 10 || total > 16 || !run.endsAfter(groups)) return 0;
  if (isSpaced && (groups < 3 || day.test(run.digits(2)))) return 0;
  const behind = run.text.slice(run.ends[groups - 1]!, run.ends[groups - 1]! + 12);
  if (groups === 1 && paid.test(behind)) return 0;
  const words = before();
  const meaning = bankMeaning(words);
  if (meaning > 0) return groups;
  if (groups === 1) {
    const isNamed = bankBehind.test(behind) && meaning === 0 && !day.test(run.digits(1));
    return isNamed ? 1 : 0;
  }
  if (isSpaced || groups < 3) return 0;
  const isNamed = bankBefore.test(words) || bankBehind.test(behind) || shortBehind.test(behind);
  return isNamed ? groups : 0;
}

// Length by country, of those that people here pay to. https://www.swift.com/standards/iban
const ibanLengths = lengthsByCountry({
  ...{ AD: 24, AE: 23, AL: 28, AT: 20, AZ: 28, BA: 20, BE: 16, BG: 22, BH: 22, BR: 29, BY: 28 },
  ...{ CH: 21, CR: 22, CY: 28, CZ: 24, DE: 22, DK: 18, DO: 28, EE: 20, EG: 29, ES: 24, FI: 18 },
  ...{ FO: 18, FR: 27, GB: 22, GE: 22, GI: 23, GL: 18, GR: 27, GT: 28, HR: 21, HU: 28, IE: 22 },
  ...{ IL: 23, IQ: 23, IS: 26, IT: 27, JO: 30, KW: 30, KZ: 20, LB: 28, LI: 21, LT: 20, LU: 20 },
  ...{ LV: 21, MC: 27, MD: 24, ME: 22, MK: 19, MR: 27, MT: 31, MU: 30, NL: 18, NO: 15, PK: 24 },
  ...{ PL: 28, PS: 29, PT: 25, QA: 29, RO: 24, RS: 22, SA: 24, SE: 24, SI: 19, SK: 24, SM: 27 },
  ...{ TN: 24, TR: 26, UA: 29, VA: 22, VG: 24, XK: 20 },
});

/** By both letters of the country: looked up at any two capitals before digits. */
function lengthsByCountry(lengths: Readonly<Record<string, number>>): Uint8Array {
  const table = new Uint8Array(26 * 26);
  for (const [country, length] of Object.entries(lengths)) {
    table[countryOf(country.charCodeAt(0), country.charCodeAt(1))] = length;
  }
  return table;
}

function countryOf(first: number, second: number): number {
  return (first - 0x41) * 26 + second - 0x41;
}

/** An IBAN whose check digits stand there, in one piece or in groups of four. @returns offsets */
export function iban(text: Text, digitsAt: number) {
  const start = digitsAt - 2;
  if (!isLetter(codeIn(text, start)) || !isLetter(codeIn(text, start + 1))) return undefined;
  // In capitals.
  const [first, second] = [codeIn(text, start) & ~0x20, codeIn(text, start + 1) & ~0x20];
  if (isInWord(text, start) || !isDigit(codeIn(text, digitsAt + 1))) return undefined;
  const length = ibanLengths[countryOf(first, second)]!;
  // A piece of a longer name, such as a UUID.
  const isPiece = codeIn(text, start - 1) === hyphen && isHex(codeIn(text, start - 2));
  if (length === 0 || isPiece) return undefined;
  const end = groupsEnd(text, start, length);
  return end > 0 && ibanRest(text, start, end) === 1 ? { start, end } : undefined;
}

/**
 * Where so many letters and digits end that stand in one piece, or in groups of fours with one mark between
 * all of them; 0 where they do not.
 */
function groupsEnd(text: Text, start: number, length: number): number {
  let at = start + ibanHead;
  let between = 0;
  for (let count = ibanHead; count < length; at++) {
    const code = codeIn(text, at);
    if (isAlphanumeric(code)) {
      count++;
      continue;
    }
    between ||= code;
    if ((code !== space && code !== hyphen) || code !== between || count % 4 !== 0) return 0;
  }
  const behind = codeIn(text, at) === hyphen ? at + 1 : at;
  return isWord(codeIn(text, behind)) ? 0 : at;
}
