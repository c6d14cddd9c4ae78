// The counts of this node, by the rules of take.lua and settle.lua. They belong to the process: Kong
// makes new instances for each worker, route and push of a config, and none may start from zero.

import { LRUCache } from "lru-cache";
import { type Limit, noOutput, type Output, settles, type Take } from "./limit";
import { corrected, resetOf, type Tally, tallyAt, usedOf, type Window, waitFor } from "./windows";

/** What one limit says about a decision. Times in milliseconds. */
export interface LimitState {
  limit: Limit;
  /** What is left of it, after what was taken. */
  remaining: number;
  /** Until all of it is free again. */
  resetMs: number;
  /** Until the amount fits: 0 when it did, Infinity when it never will. */
  waitMs: number;
  /** Of the bucket that it was taken in, in milliseconds since the epoch. */
  start: number;
}

export interface Taken {
  /** All amounts were taken; otherwise none was. */
  taken: boolean;
  /** When, in milliseconds since the epoch, by the clock that decided. */
  at: number;
  /** Tokens of output that were taken for. */
  output: number;
  limits: LimitState[];
}

/** The request that takes. */
export interface Taker {
  id: string;
  /** Name of its reservation. */
  reservation: string;
  leaseMs: number;
}

/** What is corrected of one limit: `change` is what was used minus what was taken. */
export interface Correction {
  name: string;
  window: Window | "lease";
  start: number;
  change: number;
}

// Some 30 MB when full. Whoever was not seen for longest is forgotten first.
const tallies = new LRUCache<string, Tally>({ max: 100_000 });
/** Requests under way by tally: when the lease of each ends. */
const leases = new LRUCache<string, Map<string, number>>({ max: 100_000 });
/** Requests that are to be settled. One that is forgotten stays counted as it was taken. */
const reservations = new LRUCache<string, true>({ max: 100_000 });

const leaseRetryMs = 1000;

/** Takes all amounts, or none. `names` are those of the tallies, in the order of `takes`. */
export function takeLocally(
  names: string[],
  takes: Take[],
  taker: Taker,
  { wanted, least }: Output = noOutput,
  now = Date.now(),
): Taken {
  const found = takes.map(({ limit }, i) => find(names[i]!, limit, now));
  const waits = takes.map(({ limit, amount, each }, i) =>
    waitOf(limit, found[i]!, amount + each * least, now),
  );
  const taken = waits.every((wait) => wait === 0);
  const output = takes.reduce((most, { limit, amount, each }, i) => {
    if (each === 0) return most;
    return Math.min(most, Math.floor((limit.most - used(limit, found[i]!, now) - amount) / each));
  }, wanted);
  if (taken) reserve(takes, taker, output);
  const limits = takes.map(({ limit, amount, each }, i) => {
    const name = names[i]!;
    const tally = taken
      ? add(name, limit, found[i]!, amount + each * output, taker, now)
      : found[i]!;
    return {
      limit,
      remaining: Math.max(0, limit.most - used(limit, tally, now)),
      resetMs: limit.window === "lease" ? 0 : resetOf(limit.window, tally, now),
      waitMs: waits[i]!,
      start: tally.start,
    };
  });
  return { taken, at: now, output, limits };
}

/** Counts what was taken elsewhere, so that this node knows its own share should it be alone. */
export function countLocally(
  names: string[],
  takes: Take[],
  taker: Taker,
  output: number,
  now = Date.now(),
): void {
  reserve(takes, taker, output);
  takes.forEach(({ limit, amount, each }, i) => {
    const name = names[i]!;
    add(name, limit, find(name, limit, now), amount + each * output, taker, now);
  });
}

/** True when this call settled it; false when that was done, or the reservation is not known here. */
export function settleLocally(
  { id, reservation }: Pick<Taker, "id" | "reservation">,
  corrections: Correction[],
): boolean {
  const known = reservations.delete(reservation);
  for (const { name, window, start, change } of corrections) {
    if (window === "lease") {
      leases.get(name)?.delete(id);
    } else if (known && change !== 0) {
      const stored = tallies.get(name);
      const tally = stored && corrected(window, stored, start, change);
      if (tally) tallies.set(name, tally);
    }
  }
  return known;
}

function reserve(takes: Take[], { reservation }: Taker, output: number): void {
  if (takes.some((take) => settles(take, output))) reservations.set(reservation, true);
}

/** A lease's tally is the number of requests under way. */
function find(name: string, { window }: Limit, now: number): Tally {
  if (window !== "lease") return tallyAt(window, tallies.get(name), now);
  const underWay = leases.get(name);
  for (const [id, end] of underWay ?? []) if (end <= now) underWay!.delete(id);
  return { start: 0, count: underWay?.size ?? 0, previous: 0 };
}

function used({ window }: Limit, tally: Tally, now: number): number {
  return window === "lease" ? tally.count : usedOf(window, tally, now);
}

function waitOf({ window, most }: Limit, tally: Tally, amount: number, now: number): number {
  if (window !== "lease") return waitFor(window, tally, amount, most, now);
  return tally.count + amount <= most ? 0 : leaseRetryMs;
}

function add(
  name: string,
  { window }: Limit,
  tally: Tally,
  amount: number,
  { id, leaseMs }: Taker,
  now: number,
): Tally {
  if (amount === 0) return tally;
  const counted = { ...tally, count: tally.count + amount };
  if (window !== "lease") tallies.set(name, counted);
  else leases.set(name, (leases.get(name) ?? new Map()).set(id, now + leaseMs));
  return counted;
}
