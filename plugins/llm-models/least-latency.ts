// Which target answers soonest, and who is asked in its place to find out whether it does better by now:
// nobody stays behind for what was long ago.

import { Gauge } from "prom-client";
import type { Exchange } from "../../stages/exchange";
import { knownHere } from "./cooldowns-in-memory";
import { partsOf } from "./fallback";
import { grouped } from "./grouped";
import type { NodeCooldowns } from "./open-cooldowns";
import { type AnswerKind, isStale, meanOf } from "./pace";

export function answerKindOf({ stream }: Pick<Exchange["ticket"], "stream">): AnswerKind {
  return stream ? "stream" : "whole";
}

// Closer than a tenth, or than these milliseconds, is chance: equals share the requests, so that not all
// of them leave one for the other at once.
const [margin, marginMs] = [0.1, 20] as const;

// So many of the requests find out how soon somebody answers who was not heard of late.
const staleShare = 1 / 20;

interface Asking {
  kind: AnswerKind;
  /** How long a request may take to find out until another one is sent. */
  leaseMs: number;
  now: number;
  /** From 0 up to 1. */
  chance: number;
}

/**
 * In groups of equals, best first. Who was never heard is last, but for one request at a time that finds
 * out: it is before all, and so is now and then one for who was not heard of late.
 * @param all of whom none is spent
 */
export function bySoonest<One>(
  cooldowns: Pick<NodeCooldowns, "paces" | "healthOf">,
  all: readonly One[],
  nameOf: (one: One) => string,
  { kind, leaseMs, now, chance }: Asking,
): One[][] {
  const { paces } = cooldowns;
  const paceOf = (one: One) => paces.of(nameOf(one), kind);
  const isToTry = (one: One) => {
    const pace = paceOf(one);
    if (!isStale(pace, now) || (pace && chance >= staleShare)) return false;
    const health = cooldowns.healthOf(nameOf(one));
    if (health !== "healthy" && health !== "due") return false;
    return paces.takeTry(nameOf(one), kind, leaseMs, now);
  };
  const tried = all.find(isToTry);
  const others = all.filter((one) => one !== tried);
  const meanMs = (one: One) => {
    const pace = paceOf(one);
    return pace ? meanOf(pace) : Number.POSITIVE_INFINITY;
  };
  const groups = grouped(others, meanMs, (best) => Math.max(best * (1 + margin), best + marginMs));
  return tried === undefined ? groups : [[tried], ...groups];
}

// What was heard longer ago tells an operator nothing of now.
const shownMs = 600_000;

new Gauge({
  name: "llm_model_first_byte_seconds",
  help: "Mean time to the first byte of late, by which least_latency balances the targets of an alias, of streams and of whole answers; of the last ten minutes, of all nodes where policy is redis",
  labelNames: ["service", "model", "answer"] as const,
  collect() {
    this.reset();
    const since = Date.now() - shownMs;
    for (const { target, kind, pace } of knownHere.paces.entries()) {
      if (pace.at < since) continue;
      this.set({ ...partsOf(target), answer: kind }, meanOf(pace) / 1000);
    }
  },
});
