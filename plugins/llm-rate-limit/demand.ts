// What a request may take of each limit, before anybody knows what it will use: plain arithmetic between
// its body, the prices and the limits.

import { asksNoModel, familyOf } from "../../families/endpoint";
import { reserveOf } from "../../models/cost";
import type { Price } from "../../models/price";
import type { AskedUnits } from "../../openai/asked-units";
import type { Exchange } from "../../stages/exchange";
import { noOutput, type Output, type Take } from "./limit";
import type { RateLimitOptions } from "./schema";

/** The most that one request can take. */
export interface Demand {
  /** As it is reserved: with hard_cap more than anybody would estimate. */
  inputTokens: number;
  /** Tokens of each answer. */
  output: Output;
  /** How many answers it asks for. */
  answers: number;
  /** What it asks for beside tokens, and the service tier that it names. */
  units?: AskedUnits;
  tier?: string;
}

/** Of a request whose body nobody reads, or whose tokens nobody counts. */
export const noDemand: Demand = { inputTokens: 0, output: noOutput, answers: 1 };

type ReserveOptions = Pick<RateLimitOptions, "default_output_tokens" | "hard_cap">;

/** What a request demands whose body we read; nothing where we read none. */
export function demandOf({ body, request, ticket }: Exchange, options: ReserveOptions): Demand {
  const { endpoint } = ticket;
  if (!body || asksNoModel(endpoint)) return noDemand;
  const { default_output_tokens, hard_cap } = options;
  const family = familyOf(endpoint);
  const estimate = family.estimateInputTokens(body.value);
  const inputTokens = hard_cap ? Math.max(estimate, family.mostInputTokens(body.value)) : estimate;
  const units = family.unitsAsked(endpoint, body.value, request.bytes ?? 0);
  const tier = family.tierAsked(body.value);
  const beside = {
    ...(Object.keys(units).length > 0 && { units }),
    ...(tier !== undefined && { tier }),
  };
  if (family.boundMembers(endpoint).length === 0) return { ...noDemand, inputTokens, ...beside };
  const wanted = family.outputBound(endpoint, body) ?? default_output_tokens;
  const least = hard_cap ? Math.min(wanted, family.leastOutputBound(endpoint, body)) : wanted;
  const answers = family.answersAsked(body.value);
  return { inputTokens, output: { wanted, least }, answers, ...beside };
}

/**
 * What a demand takes from each limit.
 * @param prices at one of which it will be billed, as far as they are known: the dearest counts
 */
export function takesOf(
  limits: Pick<Take, "limit" | "who">[],
  demand: Demand,
  prices: readonly Price[],
): Take[] {
  const { inputTokens, answers } = demand;
  const cost = dearest(prices, demand);
  return limits.map((whose): Take => {
    const { measure } = whose.limit;
    switch (measure) {
      case "tokens":
        return { amount: inputTokens, each: answers, ...whose };
      case "input_tokens":
        return { amount: inputTokens, each: 0, ...whose };
      case "output_tokens":
        return { amount: 0, each: answers, ...whose };
      case "cost_usd":
        return { amount: cost.prompt, each: answers * cost.token, ...whose };
      default:
        return { amount: 1, each: 0, ...whose };
    }
  });
}

/** What a demand is likely to cost by a price, in nano-dollars, with answers as long as it wants. */
export function likelyCost(price: Price, demand: Demand): number {
  const { prompt, token } = costOf(price, demand);
  return prompt + token * demand.output.wanted * demand.answers;
}

/** One may ask more for the prompt, another one for the answer. */
function dearest(prices: readonly Price[], demand: Demand): { prompt: number; token: number } {
  const costs = prices.map((price) => costOf(price, demand));
  const most = (part: "prompt" | "token") => Math.max(0, ...costs.map((cost) => cost[part]));
  return { prompt: most("prompt"), token: most("token") };
}

/** For its prompt and all that it asks for beside tokens, and for each token of its answers. */
function costOf(price: Price, { inputTokens, units = {}, tier }: Demand) {
  const { seconds, ...things } = units;
  return reserveOf(price, inputTokens, { audio_seconds: seconds, service_tier: tier, ...things });
}
