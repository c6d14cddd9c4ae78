// Money as it is counted: in whole billionths of a dollar, so that sums are exact; models/money.ts says
// why in these.

import { nanoUsd } from "../../models/money";

/** Dollars in billionths, rounded up. */
export const billionths = nanoUsd;

/** Billionths of a dollar as dollars, as short as it can be said: 0.000123. */
export function usd(amount: number): string {
  const shortest = `${amount / 1e9}`;
  if (amount < 1e15 && !shortest.includes("e")) return shortest;
  const [whole, fraction = ""] = (amount / 1e9).toFixed(9).split(".");
  const digits = fraction.replace(/0+$/, "");
  return digits === "" ? whole! : `${whole}.${digits}`;
}
