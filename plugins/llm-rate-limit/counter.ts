// Where a decision is counted and settled: in Redis for all nodes, by one run of take.lua and one of
// settle.lua, or on this node. The only place that knows the positions of the scripts' arguments.

import { join } from "node:path";
import { type RedisConnection, RedisUnavailable } from "../../redis/connection";
import { loadScript } from "../../redis/script";
import { redisNeighbour } from "../../stages/redis-neighbour";
import { noOutput, type Output, reservationName, settles, type Take, tallyName } from "./limit";
import {
  type Correction,
  countLocally,
  type LimitState,
  settleLocally,
  type Taken,
  type Taker,
  takeLocally,
} from "./local-counts";
import type { RateLimitOptions } from "./schema";
import { settleWhenItCan } from "./unsettled";
import { tallyAt } from "./windows";

export type Counted =
  | (Taken & { policy: "local" | "redis" })
  /** Redis is down, and the operator chose not to count without it. */
  | { uncounted: "allow" | "refuse" };

export interface Counter {
  /** Takes every amount from its limit, or nothing from any. One round trip at most. */
  take(identity: string, id: string, takes: Take[], output?: Output): Promise<Counted>;
  /** Corrects what the request has taken, once. One round trip at most; kept while Redis is down. */
  settle(identity: string, id: string, corrections: Correction[], where: Where): Promise<Settled>;
}

type Where = "local" | "redis";

/** `unknown`: it was settled before, or its reservation is gone; then all that it took stays counted. */
export type Settled = "settled" | "unknown" | "later";

/** The counter that the options ask for. */
export function openCounter(options: RateLimitOptions): Counter {
  const { namespace, on_redis_failure, redis } = options;
  const connection = options.policy === "redis" ? redisNeighbour("rate_limit", redis) : undefined;
  const takerOf = (identity: string, id: string): Taker => ({
    id,
    reservation: reservationName(namespace, identity, id),
    leaseMs: options.lease_seconds * 1000,
  });
  return {
    async take(identity, id, takes, output = noOutput) {
      const names = takes.map(({ limit }) => tallyName(namespace, identity, limit));
      const taker = takerOf(identity, id);
      if (!connection) return { ...takeLocally(names, takes, taker, output), policy: "local" };
      try {
        const taken = await takeInRedis(connection, redis.prefix, names, takes, taker, output);
        if (taken.taken) countLocally(names, takes, taker, taken.output);
        return { ...taken, policy: "redis" };
      } catch (error) {
        if (!(error instanceof RedisUnavailable)) throw error;
        if (error.asked) giveBack(connection, redis.prefix, names, takes, taker, output);
        if (on_redis_failure !== "local") return { uncounted: on_redis_failure };
        return { ...takeLocally(names, takes, taker, output), policy: "local" };
      }
    },

    async settle(identity, id, corrections, where) {
      const taker = takerOf(identity, id);
      const known = settleLocally(taker, corrections);
      if (where === "local" || !connection) return known ? "settled" : "unknown";
      return settleWhenItCan(connection, () =>
        settleInRedis(connection, redis.prefix, corrections, taker),
      );
    },
  };
}

/**
 * What nobody has confirmed may have been taken all the same: it is given back as soon as Redis
 * answers, as far as it would be settled. Its buckets are those of our clock; where Redis' differ,
 * it stays taken.
 */
function giveBack(
  connection: RedisConnection,
  prefix: string,
  names: string[],
  takes: Take[],
  taker: Taker,
  { least }: Output,
): void {
  const now = Date.now();
  const corrections = takes.flatMap((take, i): Correction[] => {
    if (!settles(take, least)) return [];
    const { limit, amount, each } = take;
    const { window } = limit;
    const start = window === "lease" ? 0 : tallyAt(window, undefined, now).start;
    return [{ name: names[i]!, window, start, change: -(amount + each * least) }];
  });
  if (corrections.length === 0) return;
  void settleWhenItCan(connection, () => settleInRedis(connection, prefix, corrections, taker));
}

const take = loadScript(join(__dirname, "take.lua"));
const settle = loadScript(join(__dirname, "settle.lua"));

/**
 * Takes all amounts, or none, in one round trip.
 *
 * @throws RedisUnavailable where it is not known whether they were taken
 */
export async function takeInRedis(
  connection: RedisConnection,
  prefix: string,
  names: string[],
  takes: Take[],
  taker: Taker,
  output: Output = noOutput,
): Promise<Taken> {
  const isReserved = takes.some((take) => settles(take, output.wanted));
  const keys = keysOf(prefix, isReserved ? [...names, taker.reservation] : names);
  const args = takeArguments(takes, taker, output);
  const reply = await connection.run((client) => take(client, keys, args));
  return readTaken(reply as number[], takes);
}

/**
 * Corrects the tallies, if the reservation is still there, in one round trip.
 *
 * @returns false where it is gone: settled before, expired or reset
 * @throws RedisUnavailable where it is not known whether they were corrected; it may be done again
 */
export async function settleInRedis(
  connection: RedisConnection,
  prefix: string,
  corrections: Correction[],
  { id, reservation }: Pick<Taker, "id" | "reservation">,
): Promise<boolean> {
  const keys = keysOf(prefix, [...corrections.map(({ name }) => name), reservation]);
  const args = corrections.flatMap(({ window, start, change }) => [window, start, change]);
  return (await connection.run((client) => settle(client, keys, [id, ...args]))) === 1;
}

function keysOf(prefix: string, names: string[]): string[] {
  return names.map((name) => `${prefix}:limit:${name}`);
}

/** ARGV of take.lua. */
export function takeArguments(
  takes: Take[],
  { id, leaseMs }: Pick<Taker, "id" | "leaseMs">,
  { wanted, least }: Output,
): (string | number)[] {
  const limits = takes.flatMap(({ limit, amount, each }) => [
    ...[limit.window, limit.most],
    ...[amount, each],
  ]);
  return [id, leaseMs, wanted, least, ...limits];
}

/** The reply of take.lua. */
export function readTaken([taken, at, output, ...states]: number[], takes: Take[]): Taken {
  const limits = takes.map(({ limit }, i): LimitState => {
    const state = states.slice(4 * i, 4 * i + 4) as [number, number, number, number];
    const [remaining, resetMs, wait, start] = state;
    const waitMs = wait === -1 ? Number.POSITIVE_INFINITY : wait;
    return { limit, remaining, resetMs, waitMs, start };
  });
  return { taken: taken === 1, at: at!, output: output!, limits };
}
