// Lets a request pass only while every limit has room for it, tells the client what is left, and
// corrects what was taken for it when it has ended.

import type { z } from "zod";
import { priceTable } from "../../models/price";
import { defaultPrices } from "../../models/price-options";
import { boundOutput } from "../../openai/output-bound";
import type { Answer, Exchange } from "../../stages/exchange";
import type { Outcome } from "../../stages/outcome";
import type { Decided, Stage } from "../../stages/stage";
import { exceeded, unavailable, unpriced } from "./answers";
import { type Attempt, attempt, type Means, servedModel } from "./attempt";
import { showUsed } from "./closeness";
import { openCounter } from "./counter";
import { limitHeaders, tightest } from "./headers";
import { type Identity, identify } from "./identity";
import { tallyName } from "./limit";
import type { Taken } from "./local-counts";
import { countDecision, countFallback, countRefusal, countSettle, logDryRun } from "./reports";
import { correctionsOf, type Reservation, reservation, reservedOf } from "./reservation";
import type { RateLimitOptions } from "./schema";
import { rulesOf } from "./tiers";

interface Prepared extends Means {
  /** Undefined where nothing limits anybody. */
  rulesFor: ReturnType<typeof rulesOf>;
}

type Noted = Decided<z.input<typeof reservation>>;

export const stage: Stage<RateLimitOptions, Prepared, typeof reservation> = {
  name: "rate_limit",
  note: reservation,
  guards: true,
  prepare: (options) => ({
    options,
    rulesFor: rulesOf(options),
    priceOf: priceTable(options.prices ?? defaultPrices),
    counter: openCounter(options),
  }),
  decide,
  learn,
};

async function decide(exchange: Exchange, prepared: Prepared): Promise<Noted> {
  const { options, rulesFor } = prepared;
  const rules = rulesFor?.(exchange.consumer);
  if (!rules) return countDecision("unlimited", options.policy);

  const identity = identify(exchange, options);
  const made = await attempt(exchange, identity, rules, prepared);
  const { result, model = "" } = made;
  if (result === "unpriced") {
    const reason = `no price for the model ${model}`;
    const refusal = { decision: "unpriced" as const, reason, answer: unpriced(exchange, model) };
    return refuse(refusal, exchange, { identity, options });
  }
  if (result !== "unlimited" && "uncounted" in result) {
    return uncounted(result.uncounted, made, exchange, options);
  }
  if (result === "unlimited") {
    serveAs(made.model, exchange);
    return countDecision("unlimited", options.policy);
  }
  return carryOut(result, made, exchange, { identity, options });
}

interface Context {
  identity: Identity;
  options: RateLimitOptions;
}

/** What was counted becomes headers, and then a refusal or a reservation. */
function carryOut(
  counted: Taken & { policy: "local" | "redis" },
  { model, demand, takes }: Attempt,
  exchange: Exchange,
  context: Context,
): Noted {
  const { identity, options } = context;
  if (identity.kind === "consumer") showUsed(exchange.ticket.consumer ?? "", counted.limits);
  if (!options.hide_client_headers) {
    Object.assign(exchange.responseHeaders, limitHeaders(counted.limits));
  }
  if (!counted.taken) {
    const { limit } = tightest(counted.limits);
    countRefusal(limit);
    const reason = `${limit.measure} per ${limit.window}`;
    const answer = exceeded(exchange, identity, counted.limits, takes, demand);
    return refuse({ decision: "refused", reason, answer }, exchange, context, counted.policy);
  }

  countDecision("allowed", counted.policy);
  serveAs(model, exchange);
  const { body, ticket } = exchange;
  ticket.limit = { decision: "allowed" };
  const isCapped = options.hard_cap && !options.dry_run && takes.some(({ each }) => each > 0);
  if (isCapped && body) boundOutput(ticket.endpoint, body, counted.output);
  const reserved = reservedOf(takes, counted.output, counted.limits);
  if (reserved.length === 0) return undefined;
  const { policy } = counted;
  const { inputTokens: input_tokens } = demand;
  return { note: { policy, identity: identity.key, model: model ?? null, input_tokens, reserved } };
}

interface Refusal {
  decision: "refused" | "unpriced";
  /** For the operator of a dry run. */
  reason: string;
  answer: Answer;
}

function refuse(
  { decision, reason, answer }: Refusal,
  exchange: Exchange,
  { identity, options }: Context,
  policy = options.policy,
): Noted {
  const told = options.dry_run ? "would_refuse" : decision;
  countDecision(told, policy);
  exchange.ticket.limit = { decision: told, by: reason };
  if (!options.dry_run) return { answer };
  logDryRun(identity.key, reason, exchange.request.id);
  if (!options.hide_client_headers) exchange.responseHeaders["X-RateLimit-Dry-Run"] = reason;
  return undefined;
}

function uncounted(
  choice: "allow" | "refuse",
  { model }: Attempt,
  exchange: Exchange,
  { dry_run, policy }: RateLimitOptions,
): Noted {
  const passes = choice === "allow" || dry_run;
  const decision = passes ? "uncounted" : "unavailable";
  countDecision(decision, policy);
  exchange.ticket.limit = { decision };
  if (!passes) return { answer: unavailable(exchange) };
  serveAs(model, exchange);
  return undefined;
}

/** Sends the request on as its fallback, where it was taken as that. */
function serveAs(model: string | undefined, exchange: Exchange): void {
  const { ticket, body, responseHeaders } = exchange;
  const left = servedModel(exchange);
  if (model === undefined || left === undefined || model === left) return;
  body?.set("model", model);
  ticket.model = {
    requested: ticket.model?.requested ?? left,
    served: model,
    label: model,
    fallback_from: ticket.model?.fallback_from ?? left,
  };
  responseHeaders["X-LLM-Model"] = model;
  responseHeaders["X-LLM-Fallback"] = ticket.model.fallback_from!;
  countFallback(model);
}

async function learn(
  outcome: Outcome,
  reservation: Reservation | undefined,
  { options, priceOf, counter }: Prepared,
): Promise<void> {
  if (!reservation) return;
  const { identity, model, policy } = reservation;
  const price = model === null ? undefined : priceOf(model);
  const corrections = correctionsOf(outcome, reservation, price, options.hard_cap, (limit) =>
    tallyName(options.namespace, identity, limit),
  );
  countSettle(await counter.settle(identity, outcome.ticket.id, corrections, policy));
}
