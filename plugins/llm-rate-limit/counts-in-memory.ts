// The counts of this node, by the rules of take.lua and settle.lua. They belong to the process: Kong
// makes new instances for each worker, route and push of a config, and none may start from zero.

import { LRUCache } from "lru-cache";
import type { Calendar } from "./calendar";
import type { Counting, Counts, Spent } from "./counts";
import { type Limit, type Output, reservationName, settles, type Take, tallyName } from "./limit";
import {
  corrected,
  resetOf,
  type Tally,
  tallyAt,
  usedOf,
  type Window,
  waitFor,
  windows,
} from "./windows";

/** With the most that the limit held then. */
type KeptTally = Tally & { most: number };

// Some 30 MB when full. Whoever was not seen for longest is forgotten first.
const tallies = new LRUCache<string, KeptTally>({ max: 100_000 });
/** Requests under way by tally: when the lease of each ends. */
const leases = new LRUCache<string, Map<string, number>>({ max: 100_000 });
/** Requests that are to be settled. One that is forgotten stays counted as it was taken. */
const reservations = new LRUCache<string, true>({ max: 100_000 });

const leaseRetryMs = 1000;

/** What this node knows of a bucket that goes on, or of a request under way. */
export interface RunningTally {
  window: Window | "lease";
  /** Of the bucket, in milliseconds since the epoch; of a lease the id of its request. */
  start: number | string;
  end: number;
  count: number;
}

interface CountsInMemory extends Counts {
  /** All that goes on of this namespace, by the names of the tallies. */
  running(): [name: string, tally: RunningTally][];
  /** Counts what was taken elsewhere, so that this node knows its own share should it be alone. */
  count(identity: string, id: string, takes: Take[], output: number): void;
}

export function countsInMemory(
  { namespace, leaseMs, calendar }: Counting,
  clock: () => number = () => Date.now(),
): CountsInMemory {
  const nameOf = (identity: string, { limit, who }: Pick<Take, "limit" | "who">) =>
    tallyName(namespace, who?.key ?? identity, limit);
  const find = (name: string, limit: Limit, now: number) => found(name, limit, now, calendar);

  function add(identity: string, id: string, take: Take, output: number, now: number): Tally {
    const { limit, amount, each } = take;
    const name = nameOf(identity, take);
    const tally = find(name, limit, now);
    const wanted = amount + each * output;
    if (wanted === 0) return tally;
    const { start, end, count, previous } = tally;
    const counted = { start, end, count: count + wanted, previous, most: limit.most };
    if (limit.window !== "lease") tallies.set(name, counted);
    else leases.set(name, (leases.get(name) ?? new Map()).set(id, now + leaseMs));
    return counted;
  }

  function count(identity: string, id: string, takes: Take[], output: number, now = clock()) {
    if (takes.some((take) => settles(take, output))) {
      reservations.set(reservationName(namespace, id), true);
    }
    return takes.map((take) => add(identity, id, take, output, now));
  }

  function running(): [string, RunningTally][] {
    const now = clock();
    const isOurs = (name: string) => name.startsWith(`{${namespace}}:`);
    const found: [string, RunningTally][] = [];
    for (const [name, { start, count }] of tallies.entries()) {
      const window = isOurs(name) ? windowIn(name) : undefined;
      if (!window) continue;
      const current = tallyAt(window, undefined, now, calendar);
      const end = now + resetOf(window, { ...current, count: 1 }, now, calendar);
      if (start >= current.start && count > 0) found.push([name, { window, start, end, count }]);
    }
    for (const [name, requests] of leases.entries()) {
      for (const [id, end] of isOurs(name) ? requests : []) {
        if (end > now) found.push([name, { window: "lease", start: id, end, count: 1 }]);
      }
    }
    return found;
  }

  return {
    count,
    running,

    async take(identity, id, takes, output) {
      const now = clock();
      const before = takes.map((take) => find(nameOf(identity, take), take.limit, now));
      const waits = takes.map((take, i) => waitOf(take, output, before[i]!, now, calendar));
      const taken = waits.every((wait) => wait === 0);
      const most = outputThatFits(takes, output, before, now);
      const tallies = taken ? count(identity, id, takes, most, now) : before;
      const limits = takes.map(({ limit, who }, i) => ({
        limit,
        ...(who && { who }),
        remaining: Math.max(0, limit.most - used(limit, tallies[i]!, now)),
        resetMs: limit.window === "lease" ? 0 : resetOf(limit.window, tallies[i]!, now, calendar),
        waitMs: waits[i]!,
        start: tallies[i]!.start,
      }));
      return { taken, at: now, output: most, limits };
    },

    async settle(identity, id, corrections, see) {
      const known = reservations.delete(reservationName(namespace, id));
      const spent: Spent[] = [];
      for (const { limit, who, start, change } of corrections) {
        const name = tallyName(namespace, who ?? identity, limit);
        if (limit.window === "lease") {
          leases.get(name)?.delete(id);
        } else if (known) {
          const stored = tallies.get(name);
          const tally = stored && corrected(limit.window, stored, start, change);
          if (!tally) continue;
          const { most } = stored;
          tallies.set(name, { most, ...tally });
          if (!see) continue;
          const used = usedOf(limit.window, tally, clock());
          spent.push({ limit: { ...limit, most }, who: who ?? identity, start: tally.start, used });
        }
      }
      see?.(spent);
      return known;
    },
  };
}

/** The window that a tally's name says. */
function windowIn(name: string): Window | undefined {
  const said = /^\{[^{}]*\}:\w+:(\w+):/.exec(name)?.[1];
  return windows.find((window) => window === said);
}

/** A lease's tally is the number of requests under way. */
function found(name: string, { window }: Limit, now: number, calendar?: Calendar): Tally {
  if (window !== "lease") return tallyAt(window, tallies.get(name), now, calendar);
  const underWay = leases.get(name);
  for (const [id, end] of underWay ?? []) if (end <= now) underWay!.delete(id);
  return { start: 0, count: underWay?.size ?? 0, previous: 0 };
}

function used({ window }: Limit, tally: Tally, now: number): number {
  return window === "lease" ? tally.count : usedOf(window, tally, now);
}

function waitOf(
  take: Take,
  { least }: Output,
  tally: Tally,
  now: number,
  calendar?: Calendar,
): number {
  const { window, most } = take.limit;
  const amount = take.amount + take.each * least;
  if (window !== "lease") return waitFor(window, tally, amount, most, now, calendar);
  return tally.count + amount <= most ? 0 : leaseRetryMs;
}

/** Of what is wanted, as many tokens of output as every limit has room for. */
function outputThatFits(takes: Take[], { wanted }: Output, found: Tally[], now: number): number {
  return takes.reduce((fits, { limit, amount, each }, i) => {
    if (each === 0) return fits;
    return Math.min(fits, Math.floor((limit.most - used(limit, found[i]!, now) - amount) / each));
  }, wanted);
}
