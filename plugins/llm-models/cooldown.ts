// When a model that fails is left alone, and how it comes back: the rules, over plain values and a
// given clock, and what this process knows. A model is healthy; fails often enough and cools; is due
// when that time is over; then one request probes it, and its outcome decides for all.

import { LRUCache } from "lru-cache";

/** What is known of one model of one service. Times in milliseconds since the epoch. */
export interface Cooldown {
  /** Ends of the latest failures, oldest first. */
  failures: number[];
  /** When it last began to cool or came back: requests that were sent before tell nothing new. */
  since: number;
  /** It cools until then, and is due after that; 0 while it is healthy. */
  until: number;
  /** Until then one request probes it; 0 while none does. */
  probedUntil: number;
}

export type Health = "healthy" | "cooling" | "due" | "probed";

/** A failed request: when it was sent and when it ended, and how long the model shall cool. */
export interface Failure {
  sentAt: number;
  endedAt: number;
  coolMs: number;
  /** The upstream said itself how long it wants to be left alone. */
  atOnce: boolean;
}

/** How many failures within how many milliseconds make a model cool. */
export interface Tolerance {
  failures: number;
  windowMs: number;
}

const healthy: Cooldown = { failures: [], since: 0, until: 0, probedUntil: 0 };

export function healthOf({ until, probedUntil }: Cooldown, now: number): Health {
  if (until === 0) return "healthy";
  if (until > now) return "cooling";
  return probedUntil > now ? "probed" : "due";
}

/** What follows from a failure. A model that has not come back yet needs only one to cool again. */
export function afterFailure(known: Cooldown, failure: Failure, tolerance: Tolerance): Cooldown {
  const { sentAt, endedAt, coolMs, atOnce } = failure;
  if (sentAt < known.since) return known;
  const failures = [...known.failures, endedAt].slice(-tolerance.failures);
  const often =
    failures.length === tolerance.failures && endedAt - failures[0]! <= tolerance.windowMs;
  if (!often && !atOnce && known.until === 0) return { ...known, failures };
  return { failures: [], since: endedAt, until: endedAt + coolMs, probedUntil: 0 };
}

/** What follows from a request that was served: a model that cooled, or was probed, is back. */
export function afterSuccess(known: Cooldown, sentAt: number, endedAt: number): Cooldown {
  if (known.until === 0 || sentAt < known.since) return known;
  return { ...healthy, since: endedAt };
}

/** What one process knows of all targets. It outlives configs: a push must not wake a model. */
export class Cooldowns {
  // One entry for each configured model of each service; the bound is for names that changed.
  private readonly known = new LRUCache<string, Cooldown>({ max: 10_000 });

  of(target: string): Cooldown {
    return this.known.get(target) ?? healthy;
  }

  set(target: string, cooldown: Cooldown): void {
    this.known.set(target, cooldown);
  }

  /** Takes the one probe of a target that is due; false where another request has it. */
  takeProbe(target: string, now: number, leaseMs: number): boolean {
    const known = this.of(target);
    if (healthOf(known, now) !== "due") return false;
    this.set(target, { ...known, probedUntil: now + leaseMs });
    return true;
  }

  /** True when the target begins to cool by this failure. */
  fail(target: string, failure: Failure, tolerance: Tolerance): boolean {
    const before = this.of(target);
    const after = afterFailure(before, failure, tolerance);
    this.set(target, after);
    return after.until !== before.until;
  }

  /** True when the target comes back by this success. */
  succeed(target: string, sentAt: number, endedAt: number): boolean {
    const before = this.of(target);
    const after = afterSuccess(before, sentAt, endedAt);
    this.set(target, after);
    return after !== before;
  }

  /** Gives the probe back, because its request has told nothing. */
  releaseProbe(target: string): void {
    this.set(target, { ...this.of(target), probedUntil: 0 });
  }

  entries(): IterableIterator<[string, Cooldown]> {
    return this.known.entries();
  }
}

/** What this process knows. */
export const cooldowns = new Cooldowns();
