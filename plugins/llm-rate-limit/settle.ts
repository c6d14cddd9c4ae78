// What a request has used in the end, and so what each of its limits is corrected by.

import { billOf, isPriced } from "../../models/cost";
import type { Price, PriceOf } from "../../models/price";
import type { Usage } from "../../models/usage";
import { clientHasLeft, type Outcome } from "../../stages/outcome";
import { mayBeMore, usageOfOutcome } from "../../stages/outcome-usage";
import type { Correction, Spent } from "./counts";
import type { Measure } from "./limit";
import type { Limiter } from "./limiter";
import type { Reservation } from "./reservation";
import type { Settled } from "./unsettled";

/** Corrects what was reserved for a request by what it has used, once. */
export function settle(
  outcome: Outcome,
  reservation: Reservation,
  { options, priceOf, counts, notices, onShare }: Limiter,
): Promise<Settled> {
  const { identity, model, policy } = reservation;
  // Of the try that served: it may be another model than the one that was taken for.
  const { tries, model: named, provider } = outcome.ticket;
  const served = tries && named ? named.served : model;
  const priceAt = (name: string) => priceOf(name, provider);
  const price = served === null ? undefined : priceAt(served);
  const corrections = correctionsOf(outcome, reservation, price, options.hard_cap, priceAt);
  const see =
    notices || onShare
      ? (spent: Spent[]) => {
          notices?.settled(spent);
          onShare?.settled(spent);
        }
      : undefined;
  return counts.settle(identity, outcome.ticket.id, corrections, policy, see);
}

/**
 * What each tally must be corrected by, now that the request has ended. What was cut off from its
 * statement of usage counts at least as reserved where nothing may be passed, or the most is unseen.
 */
export function correctionsOf(
  outcome: Outcome,
  { reserved, input_tokens, units }: Reservation,
  price: Price | undefined,
  hardCap: boolean,
  priceOf?: PriceOf,
): Correction[] {
  // For a client that left before its answer the upstream may have worked, and bills it.
  const isLeft = outcome.status === clientHasLeft;
  const usage = isLeft ? undefined : usageOfOutcome(outcome, input_tokens, units);
  const isUnseen = outcome.truncated || mayBeMore(outcome);
  const atLeast = usage?.estimated === true && (hardCap || isUnseen);
  const cost = (reserved: number) => {
    if (!usage || !price) return 0;
    if (!isPriced(usage, price)) return reserved;
    return billOf(usage, price, outcome.ended_at, priceOf).nano_usd;
  };
  return reserved.map(({ limit, who, start, amount }) => {
    const used = usage === undefined ? amount : usedOf(limit.measure, usage, () => cost(amount));
    const change = (atLeast ? Math.max(used, amount) : used) - amount;
    return { limit, ...(who !== undefined && { who }), start, change };
  });
}

function usedOf(measure: Measure, usage: Usage, cost: () => number): number {
  switch (measure) {
    case "tokens":
      return usage.input_tokens + usage.output_tokens;
    case "input_tokens":
      return usage.input_tokens;
    case "output_tokens":
      return usage.output_tokens;
    case "cost_usd":
      return cost();
    default:
      return 0;
  }
}
