// Where a decision is counted: in Redis for all nodes, or on this node. And what becomes of it while
// Redis does not answer: the operator's choice for requests; settlements wait until it is back.

import { RedisUnavailable } from "../../redis/connection";
import { redisNeighbour } from "../../stages/redis-neighbour";
import { type Calendar, calendarOf } from "./calendar";
import type { Correction, SeeSpent, Taken } from "./counts";
import { countsInMemory } from "./counts-in-memory";
import { countsInRedis } from "./counts-in-redis";
import { noOutput, type Output, settles, type Take } from "./limit";
import type { RateLimitOptions } from "./schema";
import { type Settled, settleWhenItCan } from "./unsettled";
import { tallyAt } from "./windows";

export type Policy = "local" | "redis";

export type Counted =
  | (Taken & { policy: Policy })
  /** Redis is down, and the operator chose not to count without it. */
  | { uncounted: "allow" | "refuse" };

/** Counts of a contract that always answers: see counts.ts. */
export interface InsuredCounts {
  take(identity: string, id: string, takes: Take[], output?: Output): Promise<Counted>;
  /** @param where it was counted */
  settle(
    identity: string,
    id: string,
    corrections: Correction[],
    where: Policy,
    see?: SeeSpent,
  ): Promise<Settled>;
}

/** The counts that the options ask for. */
export function openCounts(options: RateLimitOptions): InsuredCounts {
  const { namespace, lease_seconds, on_redis_failure, redis, time_zone, month_day } = options;
  const calendar = calendarOf(time_zone, month_day);
  const counting = { namespace, leaseMs: lease_seconds * 1000, calendar };
  const here = countsInMemory(counting);
  const connection = options.policy === "redis" ? redisNeighbour("rate_limit", redis) : undefined;
  const shared = connection && countsInRedis(connection, redis.prefix, counting, here.running);
  return {
    async take(identity, id, takes, output = noOutput) {
      const takeHere = async () =>
        ({ policy: "local", ...(await here.take(identity, id, takes, output)) }) as const;
      if (!shared) return takeHere();
      try {
        const taken = await shared.take(identity, id, takes, output);
        if (taken.taken) here.count(identity, id, takes, taken.output);
        return { policy: "redis", ...taken };
      } catch (error) {
        if (!(error instanceof RedisUnavailable)) throw error;
        const corrections = error.asked ? givingBack(takes, output, calendar) : [];
        if (corrections.length > 0) {
          void settleWhenItCan(connection, () => shared.settle(identity, id, corrections));
        }
        return on_redis_failure === "local" ? takeHere() : { uncounted: on_redis_failure };
      }
    },

    async settle(identity, id, corrections, where, see) {
      const isHere = where === "local" || !shared;
      const known = await here.settle(identity, id, corrections, isHere ? see : undefined);
      if (isHere) return known ? "settled" : "unknown";
      return settleWhenItCan(connection, () => shared.settle(identity, id, corrections, see));
    },
  };
}

/**
 * What nobody has confirmed may have been taken all the same: it is given back as soon as Redis
 * answers, as far as it would be settled. Its buckets are those of our clock; where Redis' differ,
 * it stays taken.
 */
function givingBack(takes: Take[], { least }: Output, calendar: Calendar): Correction[] {
  const now = Date.now();
  return takes.flatMap((take): Correction[] => {
    if (!settles(take, least)) return [];
    const { limit, who, amount, each } = take;
    const { window } = limit;
    const start = window === "lease" ? 0 : tallyAt(window, undefined, now, calendar).start;
    return [{ limit, who: who?.key, start, change: -(amount + each * least) }];
  });
}
