// Which store of answers the options choose. Nothing that happens to it reaches a client: what cannot
// be read is a miss, what cannot be written is dropped, and both are a metric.

import { RedisUnavailable } from "../../redis/connection";
import { redisNeighbour } from "../../stages/redis-neighbour";
import type { Answers, Found } from "./answers";
import { answersInMemory } from "./answers-in-memory";
import { answersInRedis, countFailure } from "./answers-in-redis";
import type { CacheOptions } from "./schema";

/** The store that the options choose; the one in memory where policy redis names no Redis. */
export function openAnswers(options: CacheOptions): Answers {
  const { policy, redis, local_max_bytes } = options;
  const connection = policy === "redis" ? redisNeighbour("cache", redis) : undefined;
  return connection
    ? insured(answersInRedis(connection, options))
    : answersInMemory(local_max_bytes);
}

function insured({ policy, look, keep, release }: Answers): Answers {
  const nothing: Found = { state: "none", older: false };
  return {
    policy,
    look: (...how) => look(...how).catch(orElse(nothing)),
    keep: (...what) => keep(...what).catch(orElse(undefined)),
    release: (...whose) => release(...whose).catch(orElse(undefined)),
  };
}

function orElse<T>(otherwise: T): (error: unknown) => T {
  return (error) => {
    countFailure(error instanceof RedisUnavailable ? "unavailable" : "refused");
    return otherwise;
  };
}
