// Who is told what of a decision: the client in headers or a refusal, the operator in metrics, the
// usage line and later stages in the ticket.

import { familyOf } from "../../families/endpoint";
import { nameInHeader } from "../../models/name";
import type { Answer, Exchange } from "../../stages/exchange";
import type { LimitState } from "./counts";
import { limitHeaders, tightest, toldLimits } from "./headers";
import { type Identity, isShared } from "./identity";
import { countDecision, countRefusal, type Decision, logDryRun } from "./metrics";
import type { Policy } from "./open-counts";
import { exceeded, unavailable, unnamed, unpriced } from "./refusals";
import type { RateLimitOptions } from "./schema";
import type { Attempt } from "./take";
import { showUsed } from "./used-ratio";

// A client may send a novel as its model's name.
const mostModelChars = 200;

/** Tells what came of an attempt; the refusal where the request shall not pass. */
export function tell(
  attempt: Attempt,
  exchange: Exchange,
  identity: Identity,
  options: RateLimitOptions,
): Answer | undefined {
  switch (attempt.result) {
    case "unlimited":
      return countDecision("unlimited", options.policy);
    case "uncounted": {
      const passes = attempt.choice === "allow" || options.dry_run;
      const decision = passes ? "uncounted" : "unavailable";
      countDecision(decision, options.policy);
      exchange.ticket.limit = { decision };
      return passes ? undefined : unavailable(exchange);
    }
    case "unpriced": {
      const refusal = { decision: "unpriced", policy: options.policy } as const;
      const { unpriced: model } = attempt;
      const by = `no price for the model ${model?.slice(0, mostModelChars) ?? "that is not named"}`;
      const answer = model === undefined ? unnamed(exchange) : unpriced(exchange, model);
      return refuse(answer, { ...refusal, by }, exchange, identity, options);
    }
  }
  const { counted, takes, demand } = attempt;
  const { limits, policy } = counted;
  const { consumer = "", model } = exchange.ticket;
  showUsed(identity, consumer, limits, model?.label);
  if (!options.hide_client_headers) showLimits(limits, exchange);
  if (attempt.result === "taken") {
    const { moved_by } = attempt;
    exchange.ticket.limit = { decision: "allowed", ...(moved_by && { moved_by }) };
    return countDecision("allowed", policy);
  }
  const { limit, who = identity } = tightest(limits);
  const level = limits.some((one) => one.who) ? who.kind : undefined;
  countRefusal(limit, who.kind);
  const refusal = { decision: "refused", policy } as const;
  const by = `${limit.measure} per ${limit.window}${level ? ` of ${level}` : ""}`;
  const answer = exceeded(exchange, identity, limits, takes, demand.output);
  return refuse(answer, { ...refusal, by }, exchange, who, options);
}

// What is left of a limit that others share would tell a client what they spend.
function showLimits(states: LimitState[], { ticket, responseHeaders }: Exchange): void {
  const limits = states.filter(({ who }) => !who || !isShared(who.kind));
  const family = familyOf(ticket.endpoint);
  Object.assign(
    responseHeaders,
    limitHeaders(limits),
    family.limitHeaders?.(toldLimits(limits), Date.now()),
  );
}

/** Where it is no dry run. @param by what refused, for the operator */
function refuse(
  answer: Answer,
  { decision, policy, by }: { decision: Decision; policy: Policy; by: string },
  exchange: Exchange,
  identity: Identity,
  { dry_run, hide_client_headers }: RateLimitOptions,
): Answer | undefined {
  const told = dry_run ? "would_refuse" : decision;
  countDecision(told, policy);
  exchange.ticket.limit = { decision: told, by };
  if (!dry_run) return answer;
  logDryRun(identity.key, by, exchange.request.id);
  if (!hide_client_headers) exchange.responseHeaders["X-RateLimit-Dry-Run"] = nameInHeader(by);
  return undefined;
}
