// Money as it is counted: in whole billionths of a dollar, so that sums are exact.

/** Dollars in billionths, rounded up. */
export function billionths(usd: number): number {
  return Math.ceil(Math.round(usd * 1e12) / 1e3);
}

/** Billionths of a dollar as dollars, as short as it can be said: 0.000123. */
export function usd(amount: number): string {
  const [whole, fraction = ""] = (amount / 1e9).toFixed(9).split(".");
  const digits = fraction.replace(/0+$/, "");
  return digits === "" ? whole! : `${whole}.${digits}`;
}
