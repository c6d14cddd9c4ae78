// What tests of taking have in common: limits, and requests of identities that nobody else has.

import type { Counting } from "../../plugins/llm-rate-limit/counts";
import type { Limit, Take } from "../../plugins/llm-rate-limit/limit";
import type { Window } from "../../plugins/llm-rate-limit/windows";
import { RedisConnection } from "../../redis/connection";
import { redisOptions, redisTarget } from "../../redis/options";
import type { TestRedis } from "./redis";

/** Of the keys in a Redis that other tests may use too. */
export const prefix = `test-take-${process.pid}`;

/** A connection with time for a machine that is busy with other tests. */
export function connectTo({ url }: TestRedis): RedisConnection {
  const patient = { connect_timeout_ms: 10_000, command_timeout_ms: 10_000 };
  const options = redisOptions.parse({ url, prefix, ...patient });
  return new RedisConnection(redisTarget(options)!, options);
}

export function limit(window: Window, most: number): Limit {
  return { measure: "tokens", window, most };
}

export function wants(limit: Limit, amount = 1, each = 0): Take {
  return { limit, amount, each };
}

let identities = 0;
export const newIdentity = () => `test:${++identities}`;

let requests = 0;
export const newId = () => `request-${++requests}`;

export const counting: Counting = { namespace: "test", leaseMs: 600_000 };
