// The options of llm-rate-limit: the only source for Kong's schema, the README table and the types.

import { z } from "zod";
import { redisOptions } from "../../redis/options";

function most(period: string) {
  return z
    .int()
    .min(1)
    .max(1_000_000_000)
    .optional()
    .describe(`Most requests ${period}; without it there is no such limit.`);
}

export const rateLimitOptions = z.object({
  requests: z
    .object({
      second: most("in any second (sliding)"),
      minute: most("in any minute (sliding)"),
      hour: most("in any hour (sliding)"),
      day: most("on a day of the calendar, in UTC"),
      month: most("in a month of the calendar, in UTC"),
    })
    .prefault({})
    .describe(
      "How many requests one may make; a request must fit all limits, or it takes nothing.",
    ),
  limit_by: z
    .enum(["consumer", "ip", "route", "service"])
    .default("consumer")
    .describe(
      "Who shares a limit: requests of the same consumer, client address, route or service. A request without a consumer or service is counted by its client address.",
    ),
  policy: z
    .enum(["local", "redis"])
    .default("local")
    .describe(
      "Where requests are counted: `local` in the plugin server's memory, each node for itself, `redis` in a Redis for all nodes together.",
    ),
  redis: redisOptions
    .prefault({})
    .describe(
      "Where the Redis of policy `redis` is; without one the requests are counted locally.",
    ),
  on_redis_failure: z
    .enum(["local", "allow", "refuse"])
    .default("local")
    .describe(
      "While Redis does not answer: `local` limits with the counts of this node, `allow` lets every request pass, `refuse` answers 503.",
    ),
  namespace: z
    .string()
    .min(1)
    .max(100)
    .regex(/^[^{}]*$/, "must not hold braces: they choose the slot of a key in Redis")
    .default("default")
    .describe(
      "Configs with the same namespace and the same limit count together, on whichever route they are; another name counts apart.",
    ),
  hide_client_headers: z
    .boolean()
    .default(false)
    .describe(
      "Send no headers that tell limits and what remains of them; Retry-After is sent all the same.",
    ),
});

export type RateLimitOptions = z.output<typeof rateLimitOptions>;
