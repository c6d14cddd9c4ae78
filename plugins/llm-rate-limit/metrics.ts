// What the operator is told of decisions: in metrics, and of a dry run in the log.

import { LRUCache } from "lru-cache";
import { Counter } from "prom-client";
import { log } from "../../stages/log";
import type { IdentityKind } from "./identity";
import type { Limit } from "./limit";
import type { Settled } from "./unsettled";

const decisions = new Counter({
  name: "llm_rate_limit_decisions_total",
  help: "Requests by decision: allowed, refused, would_refuse (dry run), unlimited (no limit is set), uncounted or unavailable (Redis is down), unpriced (a budget in dollars, and no price); and by where they were counted",
  labelNames: ["decision", "policy"] as const,
});

const refusals = new Counter({
  name: "llm_rate_limit_refusals_total",
  help: "Refused requests, those of a dry run too, by the limit that they met first, and whose it is",
  labelNames: ["measure", "window", "level"] as const,
});

const fallbacks = new Counter({
  name: "llm_rate_limit_fallbacks_total",
  help: "Requests that went on as another model because the limit of theirs had no room",
  labelNames: ["to"] as const,
});

const moves = new Counter({
  name: "llm_rate_limit_on_share_total",
  help: "Requests that went on as a cheaper model because a share of a budget was used",
  labelNames: ["to"] as const,
});

const settles = new Counter({
  name: "llm_rate_limit_settles_total",
  help: "Reservations by what became of them: settled, later (Redis is down: when it is back) or unknown (settled before, expired or reset)",
  labelNames: ["result"] as const,
});

export type Decision =
  | "allowed"
  | "refused"
  | "would_refuse"
  | "unlimited"
  | "uncounted"
  | "unavailable"
  | "unpriced";

export function countDecision(decision: Decision, policy: "local" | "redis"): undefined {
  decisions.inc({ decision, policy });
}

/** @param kind whose limit it is */
export function countRefusal({ measure, window }: Limit, kind: IdentityKind): void {
  refusals.inc({ measure, window, level: kind.replace(" ", "_") });
}

export function countFallback(to: string): void {
  fallbacks.inc({ to });
}

export function countMove(to: string): void {
  moves.inc({ to });
}

export function countSettle(result: Settled): void {
  settles.inc({ result });
}

// A dry run under load would fill the log: one line a minute for each of these.
const told = new LRUCache<string, true>({ max: 10_000, ttl: 60_000 });

/** Says in the log what a dry run would have refused, once a minute for an identity and reason. */
export function logDryRun(identity: string, reason: string, requestId: string): void {
  const key = `${identity}\n${reason}`;
  if (told.has(key)) return;
  told.set(key, true);
  log.warn({ identity, reason, request_id: requestId }, "dry run: this request would be refused");
}
