// Numbers that a state gives to people and businesses: Korean resident, foreigner, business and licence
// numbers, passports, and the social security number of the USA. Each says at how many groups of a run it
// ends; 0 for none.

import { isBehindEscape, isInWord, isLetter, isUpper, isWord } from "./character";
import { digitIn, isBarcode, isBusiness, isResident } from "./checksum";
import { isOther, meaningBy } from "./near";
import { gap, type NumberRun, shapeOf } from "./number-run";
import { codeIn } from "./text";

const residentMeaning = meaningBy([
  "주민",
  "외국인",
  "거소",
  "등록번호",
  "rrn",
  "jumin",
  "resident",
  "alien reg",
]);

const birthAndSeven = shapeOf(6, 7);

/** A resident or foreigner number: date of birth, century and sex, six more. */
export function residentNumber(run: NumberRun, before: () => string): number {
  const { shapes } = run;
  const groups = shapes[2] === birthAndSeven ? 2 : shapes[1] === 13 ? 1 : 0;
  if (groups === 0 || !run.endsAfter(groups) || run.gaps[0] === gap.bracket) return 0;
  const digits = run.digits(groups);
  const born = birthOf(digits);
  if (born === undefined) return 0;
  const meaning = residentMeaning(before());
  if (meaning !== 0) return meaning > 0 ? groups : 0;
  // Milliseconds since 1970, and times of a day, read as births of people who would be very old.
  if (born < (groups === 1 ? 19_180_101 : 19_100_101)) return 0;
  // A change of October 2020 ended the check digit, and the places in the number.
  if (groups === 2 && born >= 20_201_001 && run.gaps[0]! < gap.other) return groups;
  if (!isResident(digits)) return 0;
  return groups === 1 && isBarcode(digits) ? 0 : groups;
}

const centuries = [1800, 1900, 1900, 2000, 2000, 1900, 1900, 2000, 2000, 1800];

const monthDays = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const today = () => Number(new Date().toISOString().slice(0, 10).replaceAll("-", ""));

/** The date of birth as a number, YYYYMMDD; undefined where there was no such day. */
function birthOf(digits: string): number | undefined {
  const pair = (at: number) => digitIn(digits, at) * 10 + digitIn(digits, at + 1);
  const [month, day] = [pair(2), pair(4)];
  if (month === 0 || day === 0 || day > (monthDays[month] ?? 0)) return undefined;
  const year = centuries[digitIn(digits, 6)]! + pair(0);
  if (month === 2 && day === 29 && (year % 4 !== 0 || year === 1900)) return undefined;
  const born = year * 10_000 + month * 100 + day;
  // Nobody is born tomorrow: what is clearly past needs no look at the calendar.
  return born < 20_260_101 || born <= today() ? born : undefined;
}

const businessMeaning = meaningBy([
  ...["사업자", "business reg", "business n", "biz reg", "biz no", "brn", "vat"],
]);

const threeTwoFive = shapeOf(3, 2, 5);

export function businessNumber(run: NumberRun, before: () => string): number {
  const groups = run.shapes[3] === threeTwoFive ? 3 : run.shapes[1] === 10 ? 1 : 0;
  if (groups === 0 || !run.endsAfter(groups) || !isBusiness(run.digits(groups))) return 0;
  if (groups === 3 && run.gapOf(3) === gap.hyphen) return isOther(before()) ? 0 : 3;
  return businessMeaning(before()) > 0 ? groups : 0;
}

const licenceMeaning = meaningBy(["면허", "licence", "license"], ["licen[cs]e[ _-]?(?:key|id)"]);
const licenceRegions =
  /(?:서울|부산|경기|경기남부|경기북부|강원|충북|충남|전북|전남|경북|경남|제주|대구|인천|광주|대전|울산)[ -]?$/;

const byNumber = shapeOf(2, 2, 6, 2);
const byName = shapeOf(2, 6, 2);

/** A Korean driving licence: region, year, six digits, two to check; or the region by its name. */
export function drivingLicence(run: NumberRun, before: () => string): number {
  if (run.shapes[4] === byNumber && run.endsAfter(4)) {
    const region = Number(run.digits(1));
    const isRegion = region >= 11 && region <= 28;
    if (isRegion && run.gapOf(4) === gap.hyphen && !isOther(before())) return 4;
    return licenceMeaning(before()) > 0 ? 4 : 0;
  }
  if (run.shapes[3] === byName && run.endsAfter(3)) {
    const words = before();
    return licenceRegions.test(words) || licenceMeaning(words) > 0 ? 3 : 0;
  }
  const isBare = (run.shapes[1] === 12 || run.shapes[1] === 10) && run.endsAfter(1);
  return isBare && licenceMeaning(before()) > 0 ? 1 : 0;
}

const capitalM = 0x4d;
const passportMeaning = meaningBy(["여권", "passport"]);

/**
 * A passport: a letter or two and digits behind a word for it; a Korean one of today, as in M123A4567,
 * also without one. @returns offsets, as letters belong to it
 */
export function passport(run: NumberRun, before: (at: number) => string) {
  const { text } = run;
  const first = run.starts[0]!;
  let start = first;
  while (start > first - 2 && isLetter(codeIn(text, start - 1))) start--;
  // Of \nM12345678 the first letter is the escape's.
  if (isBehindEscape(text, start + 1)) start++;
  if (start === first || isInWord(text, start)) return undefined;
  const length = run.lengthOf(0);
  const next = run.ends[0]!;
  if (length === 3 && start === first - 1 && isLetter(codeIn(text, next))) {
    const end = next + 5;
    const isNew = /^\d{4}$/.test(text.slice(next + 1, end)) && !isWord(codeIn(text, end));
    const isKorean = isNew && "MSROGD".includes(text.slice(start, start + 1).toUpperCase());
    if (!isKorean) return undefined;
    const words = before(start);
    const isSure =
      codeIn(text, start) === capitalM && isUpper(codeIn(text, next)) && !isOther(words);
    return isSure || passportMeaning(words) > 0 ? { start, end } : undefined;
  }
  if (length < 7 || length > 9 || !run.endsAfter(1)) return undefined;
  return passportMeaning(before(start)) > 0 ? { start, end: next } : undefined;
}

/** Of a country that numbers its passports without letters, behind a word for it. */
export function barePassport(run: NumberRun, before: () => string): number {
  return run.shapes[1] === 9 && run.endsAfter(1) && passportMeaning(before()) > 0 ? 1 : 0;
}

const ssnMeaning = meaningBy(["ssn", "social security", "사회보장"]);

const threeTwoFour = shapeOf(3, 2, 4);

/** https://www.ssa.gov/employer/randomization.html: what was never given out is none. */
export function socialSecurity(run: NumberRun, before: () => string): number {
  const groups = run.shapes[3] === threeTwoFour ? 3 : run.shapes[1] === 9 ? 1 : 0;
  if (groups === 0 || !run.endsAfter(groups)) return 0;
  const digits = run.digits(groups);
  if (/^(?:000|666|9)|^...00|0000$/.test(digits)) return 0;
  if (groups === 3 && run.gapOf(3) === gap.hyphen) return isOther(before()) ? 0 : 3;
  return ssnMeaning(before()) > 0 ? groups : 0;
}
