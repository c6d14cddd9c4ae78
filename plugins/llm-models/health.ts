// When a model that fails is left alone, and how it comes back: the rules, over plain values and a
// given clock. fail.lua, succeed.lua and probe.lua have them too.

import type { Cooldown, Failure, Tolerance } from "./cooldowns";

export type Health = "healthy" | "cooling" | "due" | "probed";

/** As one process remembers it: the ends of its latest failures too, oldest first. */
export interface Remembered extends Cooldown {
  failures: number[];
  /** When others told that it cools: what this process had sent until then was no trial of it. */
  toldAt: number;
}

export const healthy: Remembered = { failures: [], since: 0, until: 0, probedUntil: 0, toldAt: 0 };

export function healthOf({ until, probedUntil }: Cooldown, now: number): Health {
  if (until === 0) return "healthy";
  if (until > now) return "cooling";
  return probedUntil > now ? "probed" : "due";
}

/** What follows from a failure. A model that has not come back yet needs only one to cool again. */
export function afterFailure(known: Remembered, failure: Failure, tolerance: Tolerance) {
  const { sentAt, endedAt, coolMs, atOnce } = failure;
  if (sentAt < known.since) return known;
  const failures = [...known.failures, endedAt].slice(-tolerance.failures);
  const often =
    failures.length === tolerance.failures && endedAt - failures[0]! <= tolerance.windowMs;
  if (!often && !atOnce && known.until === 0) return { ...known, failures };
  return { ...healthy, since: endedAt, until: endedAt + coolMs };
}

/** What follows from a request that was served: a model that cooled, or was probed, is back. */
export function afterSuccess(known: Remembered, sentAt: number, endedAt: number): Remembered {
  if (known.until === 0 || sentAt < Math.max(known.since, known.toldAt)) return known;
  return { ...healthy, since: endedAt };
}
