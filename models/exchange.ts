// Dollars in the currency of a report. Sums are exact, in nano-dollars; what is shown is rounded once,
// half up, so that a sum may differ from the sum of its rounded parts, and is the true one.

import { exactUsdText, scaled } from "./money";

/** How much of a currency a dollar is. */
export interface Exchange {
  /** ISO 4217, as in KRW. */
  currency: string;
  rate: number;
}

const nanoPlaces = 9;
const ratePlaces = 9;

/** Nano-dollars as decimal dollars, with all their digits. */
export function usdText(nano: bigint): string {
  return nano < 0n ? `-${exactUsdText(-nano, nanoPlaces)}` : exactUsdText(nano, nanoPlaces);
}

/** Nano-dollars as a decimal number of the currency, rounded to the places that it has. */
export function exchanged(nano: bigint, { currency, rate }: Exchange): string {
  const places = placesOf(currency);
  const exact = (nano < 0n ? -nano : nano) * scaled(rate, ratePlaces);
  const unit = 10n ** BigInt(nanoPlaces + ratePlaces - places);
  const rounded = (exact + unit / 2n) / unit;
  const digits = `${rounded}`.padStart(places + 1, "0");
  const text = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
  return nano < 0n && rounded > 0n ? `-${text}` : text;
}

/** How many decimal places the currency has, as bills show them. */
function placesOf(currency: string): number {
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  return format.resolvedOptions().maximumFractionDigits ?? 2;
}
