// Check digits: pure arithmetic over texts of digits.

/** Luhn's, of payment cards (ISO/IEC 7812-1, annex B). */
export function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let at = digits.length - 1, doubled = false; at >= 0; at--, doubled = !doubled) {
    const digit = digits.charCodeAt(at) - 48;
    sum += doubled ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
  }
  return sum % 10 === 0;
}

const residentWeights = [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5];

/** Of Korean resident numbers, and with 2 more of those of foreigners, issued until October 2020. */
export function isResident(digits: string): boolean {
  const sum = weighted(digits, residentWeights);
  const own = digits.charCodeAt(12) - 48;
  const check = (11 - (sum % 11)) % 10;
  const isForeign = "5678".includes(digits[6]!);
  return own === (isForeign ? (check + 2) % 10 : check);
}

const businessWeights = [1, 3, 7, 1, 3, 7, 1, 3, 5];

/** Of Korean business registration numbers, of ten digits. */
export function isBusiness(digits: string): boolean {
  const ninth = digits.charCodeAt(8) - 48;
  const sum = weighted(digits, businessWeights) + Math.floor((ninth * 5) / 10);
  return (10 - (sum % 10)) % 10 === digits.charCodeAt(9) - 48;
}

/** Of barcodes of 13 digits (EAN-13). */
export function isBarcode(digits: string): boolean {
  let sum = 0;
  for (let at = 0; at < 13; at++) sum += (digits.charCodeAt(at) - 48) * (at % 2 === 0 ? 1 : 3);
  return sum % 10 === 0;
}

/** Of IBANs (ISO 13616, mod 97 by ISO 7064). @param text without spaces, in capitals */
export function isIban(text: string): boolean {
  let rest = 0;
  for (const character of text.slice(4) + text.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}

function weighted(digits: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, at) => sum + weight * (digits.charCodeAt(at) - 48), 0);
}
