// Money as integers, so that equal usage gives equal sums wherever it is added up. Prices and sums
// are exact, in zepto-dollars (10^-21); a request's cost is rounded up once, to whole nano-dollars
// (10^-9), and that number is what the usage line, the metrics and the limits count.
//
// Why nano-dollars: limits are counted in Redis' Lua, whose numbers are doubles and hold whole
// numbers up to 2^53. That is 9,007,199 dollars in nano-dollars, beyond the 1,000,000 that a limit
// may be, but only 9,007 in pico-dollars. Rounding up adds less than a dollar in a billion requests.

/** The decimal places of a sum that is exact. */
export const exactPlaces = 21;

const nanoPlaces = 9;
const exactInNano = 10n ** BigInt(exactPlaces - nanoPlaces);

/**
 * A decimal number as it is written, 0 or more, as a whole number of 10^-places. Exact: the digits of
 * the number are taken, not its binary fraction. What is finer is rounded up.
 */
export function scaled(value: number, places: number): bigint {
  const [mantissa = "0", exponent = "0"] = `${value}`.split("e");
  const [whole = "0", fraction = ""] = mantissa.split(".");
  const digits = BigInt(whole + fraction);
  const shift = places - fraction.length + Number(exponent);
  return shift >= 0 ? digits * 10n ** BigInt(shift) : dividedUp(digits, 10n ** BigInt(-shift));
}

/** Dollars in whole nano-dollars, rounded up. */
export function nanoUsd(usd: number): number {
  // Nearly all amounts are whole already; up to 15 digits no two of them are the same double.
  const nano = Math.round(usd * 10 ** nanoPlaces);
  if (nano < 1e15 && usdOfNano(nano) === usd) return nano;
  return bounded(scaled(usd, nanoPlaces));
}

/** An exact sum in whole nano-dollars, rounded up. */
export function nanoUsdOfExact(exact: bigint): number {
  return bounded(dividedUp(exact, exactInNano));
}

/** Nano-dollars in dollars: the double that prints as the decimal number that was meant. */
export function usdOfNano(nano: number): number {
  return nano / 10 ** nanoPlaces;
}

/** An exact sum in dollars, as a decimal number with all its digits and none more. */
export function exactUsdText(exact: bigint, places = exactPlaces): string {
  const digits = `${exact}`.padStart(places + 1, "0");
  const fraction = digits.slice(-places).replace(/0+$/, "");
  const whole = digits.slice(0, -places);
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

function dividedUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}

// No counter holds more; an upstream that states such usage is wrong, and its caller is stopped.
function bounded(nano: bigint): number {
  return nano > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(nano);
}
