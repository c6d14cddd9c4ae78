// What the metrics say of choices: how many of which tier and why, and what the models that were chosen
// cost beside the one that would have served.

import { Counter } from "prom-client";
import { costOf } from "../../models/cost";
import { choiceReasons, servedTier } from "../../stages/choice";
import type { Outcome } from "../../stages/outcome";
import { usageOfHit, usageOfOutcome } from "../../stages/outcome-usage";
import type { Prices } from "../../stages/prices";
import type { Choice } from "../../stages/ticket";
import { UsdCounter } from "../../stages/usd-counter";
import type { Choosable } from "./choosable";

const requests = new Counter({
  name: "llm_route_requests_total",
  help: "Requests for a name that stands for a choice, by the tier that served and the reason: wish, rule, difficulty; ability, access, cooldown, budget where another than the one asked for had to; dry_run where the choice only reports",
  labelNames: ["choice", "tier", "reason", "mode"] as const,
});

const usd = new UsdCounter({
  name: "llm_route_usd_total",
  help: "US dollars of those requests by the prices in force: as they were served, as the baseline would have cost, and in a dry run as the choice would have cost; a difference is what is saved",
  labelNames: ["choice", "tier", "as"] as const,
});

/** Counts one ended request. What came back in the ticket is counted under configured names alone. */
export function countChoice(
  outcome: Outcome,
  choice: Choice,
  inputTokens: number,
  { options }: Choosable,
  { priceOf }: Prices,
): void {
  const { name, baseline } = options;
  const served = servedTier(outcome.ticket);
  const tier = options.tiers.find((one) => one.name === served?.tier)?.name;
  const reason = choiceReasons.find((one) => one === served?.reason);
  if (tier === undefined || reason === undefined) return;
  const mode = choice.dry_run ? "dry_run" : "serving";
  requests.inc({ choice: name, tier, reason, mode });

  // A hit costs nothing whoever would have served.
  const usage = usageOfHit(outcome) ? undefined : usageOfOutcome(outcome, inputTokens);
  const cost = (model: string | undefined, provider?: string) => {
    const price = model === undefined ? undefined : priceOf(model, provider);
    return usage && price ? costOf(usage, price, outcome.ended_at) : undefined;
  };
  const asServed = cost(outcome.ticket.model?.served, outcome.ticket.provider);
  if (asServed === undefined) return;
  const dollars = {
    served: asServed,
    baseline: cost(baseline === "" ? undefined : baseline),
    chosen: cost(choice.dry_run && choice.models[0]?.[0]),
  };
  for (const [as, amount] of Object.entries(dollars)) {
    if (amount !== undefined) usd.incUsd({ choice: name, tier, as }, amount);
  }
}
