// What the end of a request says about the models that it was tried with: those that failed before, and
// the one whose answer the client got.

import { Counter } from "prom-client";
import { z } from "zod";
import { asksNoModel } from "../../families/endpoint";
import { allowancesAt, hear, hearFailed, targetName } from "../../stages/allowances";
import { foundIn } from "../../stages/choice";
import { log } from "../../stages/log";
import type { FailedTry, Outcome } from "../../stages/outcome";
import type { Ticket } from "../../stages/ticket";
import type { Failure } from "./cooldowns";
import { answerKindOf } from "./least-latency";
import type { NodeCooldowns } from "./open-cooldowns";
import { paceOf } from "./pace";
import type { ModelsOptions } from "./schema";
import { failureOf, verdictOf } from "./verdict";

/** Which model was asked first, when (milliseconds since the epoch), and whether to find out if it is back. */
export const sent = z.object({
  /** Its provider, or the service. */
  service: z.string(),
  model: z.string(),
  sent_at: z.number(),
  probing: z.boolean(),
});
export type Sent = z.infer<typeof sent>;

export interface Watch {
  options: ModelsOptions;
  cooldowns: NodeCooldowns;
  /** Models of which it matters whether they fail. */
  watched: Set<string>;
  /** Models of which it matters how soon they answer. */
  timed: Set<string>;
}

/** Whether it matters if this model fails: others can stand in for it, or it for others. */
export function isWatched(
  { watched }: Pick<Watch, "watched">,
  ticket: Ticket,
  { service, model }: Pick<Sent, "service" | "model">,
): boolean {
  return watched.has(model) || foundIn(ticket.choice, model, service) !== undefined;
}

const fallbacks = new Counter({
  name: "llm_model_fallbacks_total",
  help: "Requests that a fallback got because the model before it was cooling down, had nothing left at the upstream, or failed in the same request",
  labelNames: ["from", "to"] as const,
});

export function countFallback(from: string, to: string): void {
  fallbacks.inc({ from, to });
}

export async function learn(outcome: Outcome, note: Sent | undefined, watch: Watch): Promise<void> {
  if (!note) return;
  if (asksNoModel(outcome.ticket.endpoint)) {
    if (note.probing) await watch.cooldowns.releaseProbe(targetName(note.service, note.model));
    return;
  }
  for (const failed of outcome.failed_tries ?? []) await learnFailed(failed, outcome, note, watch);
  await learnServed(outcome, note, watch);
}

async function learnFailed(
  failed: FailedTry,
  outcome: Outcome,
  note: Sent,
  watch: Watch,
): Promise<void> {
  const { cooldown } = watch.options;
  const tried = triedBy(failed.try, outcome, note);
  if (!tried) return;
  const target = targetName(tried.service, tried.model);
  const heard = hearFailed(target, failed, outcome);
  if (heard) await watch.cooldowns.tell(target, heard);
  if (!isWatched(watch, outcome.ticket, tried)) return;
  const { status, other_key } = failed;
  const isKeys = status === 429 && other_key === true;
  const isFailure = status === undefined || (cooldown.statuses.includes(status) && !isKeys);
  const ended_at = outcome.first_byte_at;
  if (isFailure) {
    await fail(tried, failureOf({ ...failed, ended_at }, note.sent_at, cooldown), status, watch);
  } else if (tried.probing) {
    await watch.cooldowns.releaseProbe(target);
  }
}

async function learnServed(outcome: Outcome, note: Sent, watch: Watch): Promise<void> {
  const { options, cooldowns } = watch;
  const tried = triedBy(outcome.served_try ?? 0, outcome, note);
  if (!tried) return;
  const { service, model, probing } = tried;
  const target = targetName(service, model);
  // A later stage may have sent the request to another model: its end says nothing about ours.
  const isOurs = outcome.ticket.model?.served === model;
  const heard = isOurs ? hear(target, outcome) : undefined;
  if (heard) await cooldowns.tell(target, heard);
  if (!isWatched(watch, outcome.ticket, tried)) return;
  const verdict = isOurs ? verdictOf(outcome, options.cooldown) : "nothing";
  if (verdict === "served" && watch.timed.has(model)) {
    const ms = outcome.first_byte_at - triedAt(outcome, note);
    const kind = answerKindOf(outcome.ticket);
    if (Number.isFinite(ms)) await cooldowns.measure(target, kind, paceOf(ms, Date.now()));
  }
  if (verdict === "failed") {
    const failure = failureOf(outcome, note.sent_at, options.cooldown);
    await fail(tried, failure, outcome.status, watch);
  } else if (verdict === "served" && (probing || cooldowns.healthOf(target) !== "healthy")) {
    const back = await cooldowns.succeed(target, note.sent_at, outcome.ended_at);
    const { status } = outcome;
    if (back) log.info({ stage: "models", service, model, status }, "model is back");
  } else if (probing) {
    await cooldowns.releaseProbe(target);
  }
}

async function fail(
  { service, model }: Sent,
  failure: Failure,
  status: number | undefined,
  { options: { cooldown }, cooldowns }: Watch,
): Promise<void> {
  const tolerance = { failures: cooldown.failures, windowMs: cooldown.window_seconds * 1000 };
  const cools = await cooldowns.fail(targetName(service, model), failure, tolerance);
  const facts = { stage: "models", service, model, status, cooldown_ms: failure.coolMs };
  if (cools) log.warn(facts, "model cools down");
}

/** Whether what is left of its limits matters although nobody can stand in for it: it has several keys. */
export function hasSeveralKeys(target: string): boolean {
  return allowancesAt(target).length > 1;
}

/**
 * When the try began whose answer the client got: neither what failed before is its time, nor that in which
 * a stage held the request back.
 */
function triedAt({ tries = [], ticket }: Outcome, { sent_at }: Sent): number {
  return Math.max(sent_at, ticket.held_until ?? 0, tries.at(-1)?.started_at ?? 0);
}

/** What a try was sent to: 0 is the first, the others are told by the ticket. */
function triedBy(at: number, { ticket }: Outcome, note: Sent): Sent | undefined {
  if (at === 0) return note;
  const one = ticket.tries?.[at - 1];
  if (!one) return undefined;
  return { ...note, service: one.provider ?? note.service, model: one.served, probing: false };
}
