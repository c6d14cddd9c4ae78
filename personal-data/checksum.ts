// Check digits: pure arithmetic over texts of digits.

import { codeIn, isDigit } from "./character";

const residentWeights = [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5];

/** Of Korean resident numbers, and with 2 more of those of foreigners, issued until October 2020. */
export function isResident(digits: string): boolean {
  const sum = weighted(digits, residentWeights);
  const own = codeIn(digits, 12) - 48;
  const check = (11 - (sum % 11)) % 10;
  const isForeign = "5678".includes(digits[6]!);
  return own === (isForeign ? (check + 2) % 10 : check);
}

const businessWeights = [1, 3, 7, 1, 3, 7, 1, 3, 5];

/** Of Korean business registration numbers, of ten digits. */
export function isBusiness(digits: string): boolean {
  const ninth = codeIn(digits, 8) - 48;
  const sum = weighted(digits, businessWeights) + Math.floor((ninth * 5) / 10);
  return (10 - (sum % 10)) % 10 === codeIn(digits, 9) - 48;
}

/** Of barcodes of 13 digits (EAN-13). */
export function isBarcode(digits: string): boolean {
  let sum = 0;
  for (let at = 0; at < 13; at++) sum += (codeIn(digits, at) - 48) * (at % 2 === 0 ? 1 : 3);
  return sum % 10 === 0;
}

/** The rest of an IBAN (ISO 13616, mod 97 by ISO 7064) that goes on with a letter, A as 10, or a digit. */
export function ibanRest(before: number, code: number): number {
  if (isDigit(code)) return (before * 10 + code - 48) % 97;
  return (before * 100 + (code | 0x20) - 87) % 97;
}

function weighted(digits: string, weights: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < weights.length; at++) sum += weights[at]! * (codeIn(digits, at) - 48);
  return sum;
}
