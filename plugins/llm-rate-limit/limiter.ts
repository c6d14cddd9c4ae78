// What the limits of one config work with, made once: its options, rules, prices and counts.

import type { Price } from "../../models/price";
import { openPrices } from "../../stages/prices";
import { levelsOf } from "./levels";
import { type InsuredCounts, openCounts } from "./open-counts";
import { rulesOf } from "./rules";
import type { RateLimitOptions } from "./schema";

export interface Limiter {
  options: RateLimitOptions;
  /** Undefined where nothing limits who asks. */
  rulesFor: ReturnType<typeof rulesOf>;
  /** Undefined where nothing limits others than who asks. */
  levelsFor: ReturnType<typeof levelsOf>;
  priceOf(model: string): Price | undefined;
  counts: InsuredCounts;
}

export function limiterOf(options: RateLimitOptions): Limiter {
  return {
    options,
    rulesFor: rulesOf(options),
    levelsFor: levelsOf(options),
    priceOf: openPrices(options).priceOf,
    counts: openCounts(options),
  };
}
