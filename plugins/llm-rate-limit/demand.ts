// What a request may take of each limit, before anybody knows what it will use: plain arithmetic between
// its body, the prices and the limits.

import { costOf, type Price } from "../../models/price";
import { estimateInputTokens, mostInputTokens } from "../../openai/estimate";
import { answersAsked, hasOutput, outputBound } from "../../openai/output-bound";
import type { Exchange } from "../../stages/exchange";
import { billionths } from "./dollars";
import { type Limit, noOutput, type Output, type Take } from "./limit";
import type { RateLimitOptions } from "./schema";

/** The most that one request can take. */
export interface Demand {
  /** As it is reserved: with hard_cap more than anybody would estimate. */
  inputTokens: number;
  /** Tokens of each answer. */
  output: Output;
  /** How many answers it asks for. */
  answers: number;
}

// OpenAI's responses take no lower bound, and fewer say nothing.
const leastOutputTokens = 16;

/** Of a request whose body nobody reads, or whose tokens nobody counts. */
export const noDemand: Demand = { inputTokens: 0, output: noOutput, answers: 1 };

type ReserveOptions = Pick<RateLimitOptions, "default_output_tokens" | "hard_cap">;

/** What a request demands whose body we read; nothing where we read none. */
export function demandOf({ body, ticket }: Exchange, options: ReserveOptions): Demand {
  if (!body) return noDemand;
  const { default_output_tokens, hard_cap } = options;
  const estimate = estimateInputTokens(body.value);
  const inputTokens = hard_cap ? Math.max(estimate, mostInputTokens(body.value)) : estimate;
  if (!hasOutput(ticket.endpoint)) return { ...noDemand, inputTokens };
  const wanted = outputBound(ticket.endpoint, body) ?? default_output_tokens;
  const least = hard_cap ? Math.min(wanted, leastOutputTokens) : wanted;
  return { inputTokens, output: { wanted, least }, answers: answersAsked(body) };
}

/** What a demand takes from each limit. @param price where a limit counts cost and it is known */
export function takesOf(limits: Limit[], demand: Demand, price: Price | undefined): Take[] {
  const { inputTokens, answers } = demand;
  return limits.map((limit): Take => {
    switch (limit.measure) {
      case "tokens":
        return { limit, amount: inputTokens, each: answers };
      case "input_tokens":
        return { limit, amount: inputTokens, each: 0 };
      case "output_tokens":
        return { limit, amount: 0, each: answers };
      case "cost_usd":
        return {
          limit,
          amount: price ? costInBillionths(inputTokens, 0, price) : 0,
          each: price ? costInBillionths(0, answers, price) : 0,
        };
      default:
        return { limit, amount: 1, each: 0 };
    }
  });
}

function costInBillionths(input_tokens: number, output_tokens: number, price: Price): number {
  const usage = { input_tokens, output_tokens, cached_input_tokens: 0 };
  return billionths(costOf(usage, { ...price, cached_input_usd_per_mtok: undefined }));
}
