// Where a decision is counted: in Redis for all nodes, by one run of take.lua, or on this node. The
// only place that knows the positions of the script's arguments and reply.

import { join } from "node:path";
import { redisNeighbour } from "../../kong/redis-neighbour";
import { type RedisConnection, RedisUnavailable } from "../../redis/connection";
import { loadScript } from "../../redis/script";
import { type Take, tallyName } from "./limit";
import { countLocally, type LimitState, type Taken, takeLocally } from "./local-counts";
import type { RateLimitOptions } from "./schema";

export type Counted =
  | (Taken & { policy: "local" | "redis" })
  /** Redis is down, and the operator chose not to count without it. */
  | { uncounted: "allow" | "refuse" };

export interface Counter {
  /** Takes every amount from its limit, or nothing from any. One round trip at most. */
  take(identity: string, takes: Take[]): Promise<Counted>;
}

/** The counter that the options ask for. */
export function openCounter(options: RateLimitOptions): Counter {
  const connection =
    options.policy === "redis" ? redisNeighbour("rate_limit", options.redis) : undefined;
  return {
    async take(identity, takes) {
      const names = takes.map(({ limit }) => tallyName(options.namespace, identity, limit));
      if (!connection) return { ...takeLocally(names, takes), policy: "local" };
      try {
        const taken = await takeInRedis(connection, options.redis.prefix, names, takes);
        if (taken.taken) countLocally(names, takes);
        return { ...taken, policy: "redis" };
      } catch (error) {
        if (!(error instanceof RedisUnavailable)) throw error;
        if (options.on_redis_failure !== "local") return { uncounted: options.on_redis_failure };
        return { ...takeLocally(names, takes), policy: "local" };
      }
    },
  };
}

const take = loadScript(join(__dirname, "take.lua"));

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
): Promise<Taken> {
  const keys = names.map((name) => `${prefix}:limit:${name}`);
  const reply = await connection.run((client) => take(client, keys, takeArguments(takes)));
  return readTaken(reply as number[], takes);
}

/** ARGV of take.lua. */
export function takeArguments(takes: Take[]): (string | number)[] {
  return takes.flatMap(({ limit, amount }) => [limit.window, limit.most, amount]);
}

/** The reply of take.lua. */
export function readTaken([taken, at, ...states]: number[], takes: Take[]): Taken {
  const limits = takes.map(({ limit }, i): LimitState => {
    const [remaining, resetMs, waitMs] = states.slice(3 * i, 3 * i + 3) as [number, number, number];
    return { limit, remaining, resetMs, waitMs: waitMs === -1 ? Number.POSITIVE_INFINITY : waitMs };
  });
  return { taken: taken === 1, at: at!, limits };
}
