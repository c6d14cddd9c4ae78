// The counts of this node, by the rules of take.lua. They belong to the process: Kong makes new
// instances for each worker, route and push of a config, and none of them may start from zero.

import { LRUCache } from "lru-cache";
import type { Take } from "./limit";
import { resetOf, type Tally, tallyAt, usedOf, waitFor } from "./windows";

/** What one limit says about a decision. Times in milliseconds. */
export interface LimitState {
  limit: Take["limit"];
  /** What is left of it, after what was taken. */
  remaining: number;
  /** Until all of it is free again. */
  resetMs: number;
  /** Until the amount fits: 0 when it did, Infinity when it never will. */
  waitMs: number;
}

export interface Taken {
  /** All amounts were taken; otherwise none was. */
  taken: boolean;
  /** When, in milliseconds since the epoch, by the clock that decided. */
  at: number;
  limits: LimitState[];
}

// Some 30 MB when full. Whoever was not seen for longest is forgotten first.
const tallies = new LRUCache<string, Tally>({ max: 100_000 });

/** Takes all amounts, or none. `names` are those of the tallies, in the order of `takes`. */
export function takeLocally(names: string[], takes: Take[], now = Date.now()): Taken {
  const found = takes.map(({ limit }, i) => tallyAt(limit.window, tallies.get(names[i]!), now));
  const waits = takes.map(({ limit, amount }, i) =>
    waitFor(limit.window, found[i]!, amount, limit.most, now),
  );
  const taken = waits.every((wait) => wait === 0);
  const limits = takes.map(({ limit, amount }, i) => {
    const tally = taken ? add(names[i]!, found[i]!, amount) : found[i]!;
    return {
      limit,
      remaining: Math.max(0, limit.most - usedOf(limit.window, tally, now)),
      resetMs: resetOf(limit.window, tally, now),
      waitMs: waits[i]!,
    };
  });
  return { taken, at: now, limits };
}

/** Counts what was taken elsewhere, so that this node knows its own share should it be alone. */
export function countLocally(names: string[], takes: Take[], now = Date.now()): void {
  takes.forEach(({ limit, amount }, i) => {
    add(names[i]!, tallyAt(limit.window, tallies.get(names[i]!), now), amount);
  });
}

function add(name: string, tally: Tally, amount: number): Tally {
  if (amount === 0) return tally;
  const counted = { ...tally, count: tally.count + amount };
  tallies.set(name, counted);
  return counted;
}
