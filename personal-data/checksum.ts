// Check digits: pure arithmetic over texts of digits.

import { isDigit, isLetter } from "./character";
import { codeIn, type Text } from "./text";

const charCodeAt = String.prototype.charCodeAt;

/**
 * A digit as a number. As a call of a kept function: ioredis has a subclass of String, after which V8 looks
 * the method up at every call.
 */
export function digitIn(digits: string, at: number): number {
  return charCodeAt.call(digits, at) - 48;
}

const residentWeights = [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5];

/** Of Korean resident numbers, and with 2 more of those of foreigners, issued until October 2020. */
export function isResident(digits: string): boolean {
  const sum = weighted(digits, residentWeights);
  const own = digitIn(digits, 12);
  const check = (11 - (sum % 11)) % 10;
  const isForeign = "5678".includes(digits[6]!);
  return own === (isForeign ? (check + 2) % 10 : check);
}

const businessWeights = [1, 3, 7, 1, 3, 7, 1, 3, 5];

/** Of Korean business registration numbers, of ten digits. */
export function isBusiness(digits: string): boolean {
  const ninth = digitIn(digits, 8);
  const sum = weighted(digits, businessWeights) + Math.floor((ninth * 5) / 10);
  return (10 - (sum % 10)) % 10 === digitIn(digits, 9);
}

/** Of barcodes of 13 digits (EAN-13). */
export function isBarcode(digits: string): boolean {
  let sum = 0;
  for (let at = 0; at < 13; at++) sum += digitIn(digits, at) * (at % 2 === 0 ? 1 : 3);
  return sum % 10 === 0;
}

/** The country and the check digits of an IBAN, in one piece. */
export const ibanHead = 4;

/** What an IBAN leaves by 97 (ISO 13616, ISO/IEC 7064), a letter as two digits: 1 where it is one. */
export function ibanRest(text: Text, start: number, end: number): number {
  // What stands first counts last.
  const rest = restOf(text, start + ibanHead, end, 0);
  return restOf(text, start, start + ibanHead, rest);
}

function restOf(text: Text, from: number, to: number, before: number): number {
  let rest = before;
  for (let at = from; at < to; at++) {
    const code = codeIn(text, at);
    if (isDigit(code)) rest = (rest * 10 + code - 48) % 97;
    else if (isLetter(code)) rest = (rest * 100 + (code | 0x20) - 87) % 97;
  }
  return rest;
}

function weighted(digits: string, weights: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < weights.length; at++) sum += weights[at]! * digitIn(digits, at);
  return sum;
}
