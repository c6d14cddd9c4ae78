// Lets a request pass only while every limit has room for it, tells the client what is left, and
// corrects what was taken for it when it has ended.

import { familyOf } from "../../families/endpoint";
import type { Exchange } from "../../stages/exchange";
import type { Outcome } from "../../stages/outcome";
import type { Decided, Stage } from "../../stages/stage";
import "./budget-metrics";
import { identify } from "./identity";
import { type Limiter, limiterOf } from "./limiter";
import { countDecision, countSettle } from "./metrics";
import { tellLimits } from "./own-limits";
import { type ReservationNote, reservation, reservationIn, reserve } from "./reservation";
import type { RateLimitOptions } from "./schema";
import { settle } from "./settle";
import { serveAs, type TakenAttempt, take } from "./take";
import { tell } from "./tell";

export const stage: Stage<RateLimitOptions, Limiter, typeof reservation> = {
  name: "rate_limit",
  guards: true,
  note: reservation,
  prepare: limiterOf,
  decide,
  tell: tellLimits,
  learn,
};

/** Who asks, which rules hold, what can be taken as which model, and who is told what of it. */
async function decide(exchange: Exchange, limiter: Limiter): Promise<Decided<ReservationNote>> {
  const { options, rulesFor, levelsFor, notices } = limiter;
  if (!rulesFor && !levelsFor) return countDecision("unlimited", options.policy);
  const identity = identify(exchange, options);
  const rules = rulesFor?.(exchange.consumer);
  const attempt = await take(exchange, identity, rules, limiter);
  if (notices && "counted" in attempt) {
    notices.decided(identity, attempt.counted.limits, attempt.result === "refused");
  }
  const refusal = tell(attempt, exchange, identity, options);
  if (refusal) return { answer: refusal };

  serveAs(attempt, exchange);
  if (attempt.result !== "taken") return undefined;
  if (options.hard_cap && !options.dry_run) cap(exchange, attempt);
  return { note: reserve(attempt, identity) };
}

/** The reservation becomes what was used. */
async function learn(
  outcome: Outcome,
  note: ReservationNote | undefined,
  limiter: Limiter,
): Promise<void> {
  if (note) countSettle(await settle(outcome, reservationIn(note), limiter));
}

/** Lets the answer be no longer than what was taken for. */
function cap(exchange: Exchange, { counted, takes }: TakenAttempt): void {
  const { ticket, body } = exchange;
  const isCounted = takes.some(({ each }) => each > 0);
  if (!isCounted || !body) return;
  exchange.outputCap = counted.output;
  familyOf(ticket.endpoint).boundOutput(ticket.endpoint, body, counted.output);
}
