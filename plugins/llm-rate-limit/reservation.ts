// What a request may take of tokens and dollars, before anybody knows, and what it has taken in the
// end: plain arithmetic between the body, the prices and the usage.

import { costOf, type Price } from "../../models/price";
import type { Usage } from "../../models/usage";
import { estimateInputTokens, mostInputTokens } from "../../openai/estimate";
import { answersAsked, hasOutput, outputBound } from "../../openai/output-bound";
import type { Exchange } from "../../stages/exchange";
import { clientHasLeft, type Outcome } from "../../stages/outcome";
import { usageOfOutcome } from "../../stages/outcome-usage";
import { isRecord, type Json } from "../../stages/ticket";
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
import { type Window, windows } from "./windows";

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

/** What must be known again to settle: it travels in the ticket. */
export interface Reservation {
  /** Where it was counted. */
  policy: "local" | "redis";
  identity: string;
  model?: string;
  /** Estimated, for an answer that states no usage. */
  inputTokens: number;
  reserved: Reserved[];
}

/** The amount that was taken from a limit in the bucket that starts at `start`. */
export interface Reserved {
  limit: Limit;
  start: number;
  amount: number;
}

/** What was reserved by a decision that has taken, of that which is to be settled. */
export function reservedOf(takes: Take[], output: number, states: LimitState[]): Reserved[] {
  return takes.flatMap((take, i) => {
    if (!settles(take, output)) return [];
    const { limit, amount, each } = take;
    return [{ limit, start: states[i]!.start, amount: amount + each * output }];
  });
}

/**
 * What each tally must be corrected by, now that the request has ended. What was cut off from its
 * statement of usage counts at least as reserved where nothing may be passed, or the most is unseen.
 */
export function correctionsOf(
  outcome: Outcome,
  { reserved, inputTokens }: Reservation,
  price: Price | undefined,
  hardCap: boolean,
  nameOf: (limit: Limit) => string,
): Correction[] {
  // For a client that left before its answer the upstream may have worked, and bills it.
  const isLeft = outcome.status === clientHasLeft;
  const usage = isLeft ? undefined : usageOfOutcome(outcome, inputTokens);
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

/** As it goes into the ticket. */
export function writeReservation(reservation: Reservation): Json {
  const { policy, identity, model, inputTokens, reserved } = reservation;
  const limits = reserved.map(
    ({ limit: { measure, window, most, model = null }, start, amount }) => [
      ...[measure, window, most, model],
      ...[start, amount],
    ],
  );
  return { policy, identity, model: model ?? null, input_tokens: inputTokens, reserved: limits };
}

/** Reads what came back over a socket; undefined for what is no reservation. */
export function readReservation(note: Json | undefined): Reservation | undefined {
  if (!isRecord(note)) return undefined;
  const { policy, identity, model, input_tokens, reserved } = note;
  if (policy !== "local" && policy !== "redis") return undefined;
  if (typeof identity !== "string" || !Array.isArray(reserved) || !isAmount(input_tokens)) {
    return undefined;
  }
  const read = reserved.map(readReserved);
  if (!read.every((one) => one !== undefined)) return undefined;
  return {
    ...{ policy, identity, inputTokens: input_tokens, reserved: read },
    model: typeof model === "string" ? model : undefined,
  };
}

function readReserved(value: Json): Reserved | undefined {
  if (!Array.isArray(value)) return undefined;
  const [measure, window, most, model, start, amount] = value;
  if (!isOneOf(measures, measure) || !isOneOf<Window | "lease">([...windows, "lease"], window)) {
    return undefined;
  }
  if (!isAmount(most) || !isAmount(start) || !isAmount(amount)) return undefined;
  const limit = { measure, window, most, model: typeof model === "string" ? model : undefined };
  return { limit, start, amount };
}

function isAmount(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isOneOf<T extends string>(values: readonly T[], value: Json | undefined): value is T {
  return (values as readonly (Json | undefined)[]).includes(value);
}
