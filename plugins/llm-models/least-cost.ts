// Which target a request is likely to cost least with: reckoned as llm-route compares its candidates.

import { familyOf } from "../../families/endpoint";
import { likelyUsd } from "../../models/cost";
import { expectedOutput, usuallyExpected } from "../../models/expected-cost";
import { reasons } from "../../models/reasoning";
import type { Exchange } from "../../stages/exchange";
import type { Prices } from "../../stages/prices";
import { grouped } from "./grouped";
import type { Target } from "./providers";

/** In groups of equals, best first. Who has no price is last. */
export function byLeastCost(
  exchange: Exchange,
  all: readonly Target[],
  prices: Pick<Prices, "priceOf">,
): Target[][] {
  const usdOf = likelyCosts(exchange, prices);
  return grouped(all, usdOf, (best) => best);
}

/** US dollars; infinite for a model without a price. */
function likelyCosts(
  { body, request, ticket: { endpoint } }: Exchange,
  { priceOf }: Pick<Prices, "priceOf">,
): (target: Target) => number {
  const family = familyOf(endpoint);
  const fields = body?.value ?? {};
  const inputTokens = family.estimateInputTokens(fields);
  const { seconds, ...units } = family.unitsAsked(endpoint, fields, request.bytes ?? 0);
  const isBounded = family.boundMembers(endpoint).length > 0;
  const bound = body && family.outputBound(endpoint, body);
  const answers = family.answersAsked(fields);
  const thinks = isBounded && family.askedOf(fields).effort !== undefined;
  return ({ model, provider }) => {
    const price = priceOf(model, provider?.provider);
    if (!price) return Number.POSITIVE_INFINITY;
    const asked = { thinks: thinks || reasons(model), bound, answers };
    const output = isBounded ? expectedOutput(usuallyExpected, asked) : 0;
    return likelyUsd(price, inputTokens, output, { ...units, audio_seconds: seconds });
  };
}
