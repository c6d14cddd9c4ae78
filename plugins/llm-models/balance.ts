// By what the targets of an alias share its requests, as the operator asks for it: by weight alone, or
// first by who answers soonest or costs least.

import type { Exchange } from "../../stages/exchange";
import type { Prices } from "../../stages/prices";
import type { Balance } from "./alias-options";
import { byLeastCost } from "./least-cost";
import { answerKindOf, bySoonest } from "./least-latency";
import type { NodeCooldowns } from "./open-cooldowns";
import type { Target } from "./providers";

interface Balancing {
  cooldowns: NodeCooldowns;
  prices: Prices;
  nameOf(target: Target): string;
  leaseMs: number;
}

/** What puts targets that are not spent into groups of equals, best first; undefined where all are equal. */
export function balanced(
  exchange: Exchange,
  balance: Balance | undefined,
  { cooldowns, prices, nameOf, leaseMs }: Balancing,
): ((open: Target[]) => Target[][]) | undefined {
  switch (balance) {
    case "least_latency": {
      const kind = answerKindOf(exchange.ticket);
      const asking = { kind, leaseMs, now: Date.now(), chance: Math.random() };
      return (open) => bySoonest(cooldowns, open, nameOf, asking);
    }
    case "least_cost":
      return (open) => byLeastCost(exchange, open, prices);
    default:
      return undefined;
  }
}
