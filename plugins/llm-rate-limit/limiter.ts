// What the limits of one config work with, made once: its options, rules, prices and counts.

import type { PriceOf } from "../../models/price";
import { openPrices } from "../../stages/prices";
import { levelsOf } from "./levels";
import { type Notices, openNotices } from "./notices";
import { type OnShare, onShareOf } from "./on-share";
import { type InsuredCounts, openCounts } from "./open-counts";
import { rulesOf } from "./rules";
import type { RateLimitOptions } from "./schema";

export interface Limiter {
  options: RateLimitOptions;
  /** Undefined where nothing limits who asks. */
  rulesFor: ReturnType<typeof rulesOf>;
  /** Undefined where nothing limits others than who asks. */
  levelsFor: ReturnType<typeof levelsOf>;
  priceOf: PriceOf;
  counts: InsuredCounts;
  /** Undefined where nobody is to be told of shares. */
  notices: Notices | undefined;
  /** Undefined where no share of a budget moves requests to another model. */
  onShare: OnShare | undefined;
}

export function limiterOf(options: RateLimitOptions): Limiter {
  const { priceOf } = openPrices(options);
  return {
    options,
    rulesFor: rulesOf(options),
    levelsFor: levelsOf(options),
    priceOf,
    counts: openCounts(options),
    notices: openNotices(options),
    onShare: onShareOf(options, priceOf),
  };
}
