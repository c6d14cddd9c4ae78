// What a request may take of tokens and dollars, before anybody knows, and what it has taken in the
// end: plain arithmetic between the body, the prices and the usage.

import { z } from "zod";
import { costOf, type Price } from "../../models/price";
import type { Usage } from "../../models/usage";
import { estimateInputTokens, mostInputTokens } from "../../openai/estimate";
import { answersAsked, hasOutput, outputBound } from "../../openai/output-bound";
import type { Exchange } from "../../stages/exchange";
import { clientHasLeft, type Outcome } from "../../stages/outcome";
import { usageOfOutcome } from "../../stages/outcome-usage";
import {
  type Limit,
  type Measure,
  measures,
  noOutput,
  type Output,
  settles,
  type Take,
} from "./limit";
import type { Correction, LimitState } from "./local-counts";
import type { RateLimitOptions } from "./schema";
import { billionths } from "./tiers";
import { windows } from "./windows";

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

const count = z.int().nonnegative();

/** The amount that was taken from a limit in the bucket that starts at `start`. */
const reserved = z
  .tuple([
    z.enum(measures),
    z.enum([...windows, "lease"]),
    count,
    z.string().nullable(),
    count,
    count,
  ])
  .transform(([measure, window, most, model, start, amount]) => {
    const limit: Limit = { measure, window, most, model: model ?? undefined };
    return { limit, start, amount };
  });

/** What must be known again to settle: it travels in the ticket. */
export const reservation = z.object({
  /** Where it was counted. */
  policy: z.enum(["local", "redis"]),
  identity: z.string(),
  model: z.string().nullable(),
  /** Estimated, for an answer that states no usage. */
  input_tokens: count,
  reserved: z.array(reserved),
});
export type Reservation = z.output<typeof reservation>;
export type Reserved = z.input<typeof reserved>;

/** What was reserved by a decision that has taken, of that which is to be settled. */
export function reservedOf(takes: Take[], output: number, states: LimitState[]): Reserved[] {
  return takes.flatMap((take, i) => {
    if (!settles(take, output)) return [];
    const { limit, amount, each } = take;
    const { measure, window, most, model = null } = limit;
    return [[measure, window, most, model, states[i]!.start, amount + each * output]];
  });
}

/**
 * What each tally must be corrected by, now that the request has ended. What was cut off from its
 * statement of usage counts at least as reserved where nothing may be passed, or the most is unseen.
 */
export function correctionsOf(
  outcome: Outcome,
  { reserved, input_tokens }: Reservation,
  price: Price | undefined,
  hardCap: boolean,
  nameOf: (limit: Limit) => string,
): Correction[] {
  // For a client that left before its answer the upstream may have worked, and bills it.
  const isLeft = outcome.status === clientHasLeft;
  const usage = isLeft ? undefined : usageOfOutcome(outcome, input_tokens);
  const atLeast = usage?.estimated === true && (hardCap || outcome.truncated);
  return reserved.map(({ limit, start, amount }) => {
    const used = usage === undefined ? amount : usedOf(limit.measure, usage, price);
    const change = (atLeast ? Math.max(used, amount) : used) - amount;
    return { name: nameOf(limit), window: limit.window, start, change };
  });
}

function usedOf(measure: Measure, usage: Usage, price: Price | undefined): number {
  switch (measure) {
    case "tokens":
      return usage.input_tokens + usage.output_tokens;
    case "input_tokens":
      return usage.input_tokens;
    case "output_tokens":
      return usage.output_tokens;
    case "cost_usd":
      return price ? billionths(costOf(usage, price)) : 0;
    default:
      return 0;
  }
}
