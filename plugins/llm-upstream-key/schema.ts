// The options of llm-upstream-key: the only source for Kong's schema, the README table and the types.

import { z } from "zod";
import { redisOptions } from "../../redis/options";
import { providerName } from "../../stages/provider-name";
import { accountOptions } from "./account-options";

export const upstreamKeyOptions = accountOptions.extend({
  policy: z
    .enum(["local", "redis"])
    .default("local")
    .describe(
      "Where it is kept which of several keys rest: `local` in the plugin server's memory, each node for itself, `redis` in a Redis for all nodes together.",
    ),
  redis: redisOptions
    .prefault({})
    .describe(
      "Where the Redis of policy `redis` is; without one each node lets keys rest by itself.",
    ),
  providers: z
    .array(
      z.object({
        name: providerName.describe("Its name in the `providers` of llm-models."),
        ...accountOptions.shape,
      }),
    )
    .default([])
    .describe(
      "The same for each provider of llm-models: a request that goes to one of them gets its keys and headers, and never those above.",
    ),
});

export type UpstreamKeyOptions = z.infer<typeof upstreamKeyOptions>;
