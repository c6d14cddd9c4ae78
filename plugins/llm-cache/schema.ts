// The options of llm-cache: the only source for Kong's schema, the README table and the types.

import { z } from "zod";
import { modelEndpoints } from "../../families/endpoint";
import { redisOptions } from "../../redis/options";
import { encodings } from "./compression";

export const cacheOptions = z.object({
  enabled: z
    .boolean()
    .default(true)
    .describe("False: nothing is looked up or stored, and no header tells of a cache."),
  policy: z
    .enum(["local", "redis"])
    .default("local")
    .describe(
      "Where answers are kept: `local` in the plugin server's memory, `redis` in a Redis that all nodes share.",
    ),
  redis: redisOptions
    .prefault({})
    .describe("Where the Redis of policy `redis` is; without one the answers are kept locally."),
  ttl_seconds: z
    .int()
    .min(1)
    .max(31_536_000)
    .default(3600)
    .describe("How long an answer may be replayed after it was stored, in seconds."),
  endpoint_ttls: z
    .array(
      z.object({
        endpoint: z.enum(modelEndpoints).describe("The endpoint, as the end of its path."),
        ttl_seconds: z
          .int()
          .min(1)
          .max(31_536_000)
          .describe("How long an answer of this endpoint may be replayed, in seconds."),
      }),
    )
    .default([])
    .describe("Endpoints whose answers live shorter or longer than ttl_seconds; the first counts."),
  scope: z
    .enum(["consumer", "tag", "shared"])
    .default("consumer")
    .describe(
      "Who may get an answer that was made for another: nobody (`consumer`), consumers with the same team tags (`tag`), or everybody (`shared`).",
    ),
  tag_prefix: z
    .string()
    .min(1)
    .max(100)
    .default("team-")
    .describe(
      "With scope `tag`: the tags of a consumer that begin with this text name its team; a consumer without such a tag shares with nobody.",
    ),
  endpoints: z
    .array(z.enum(modelEndpoints))
    .default(["chat/completions", "completions", "embeddings", "messages"])
    .describe("Endpoints whose answers are cached, as the end of their path."),
  max_temperature: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe(
      "Cache only requests whose temperature is at most this (0: only what is asked to be deterministic); a request without one has 1. Not set: any temperature. Embeddings are always cached.",
    ),
  ignore_fields: z
    .array(z.string().min(1).max(200))
    .default(["user", "metadata", "safety_identifier", "prompt_cache_key"])
    .describe(
      "Members of the request body that do not change the answer: requests that differ only in them share an entry.",
    ),
  cache_control: z
    .boolean()
    .default(true)
    .describe(
      "Obey no-store, no-cache, max-age and only-if-cached in the Cache-Control header of a request.",
    ),
  single_flight: z
    .boolean()
    .default(true)
    .describe(
      "Of equal requests that come at once only the first asks the model; the others wait for its answer, a stream until its end.",
    ),
  wait_ms: z
    .int()
    .min(1)
    .max(45_000)
    .default(10_000)
    .describe(
      "How long equal requests wait for the first one, in milliseconds from its start; after that each asks the model itself. Keep it below the plugin server's event timeout.",
    ),
  max_entry_bytes: z
    .int()
    .min(1024)
    .max(33_554_432)
    .default(1_048_576)
    .describe("Largest answer in bytes that is stored; a larger one streams through unstored."),
  compression: z
    .enum(["none", ...encodings])
    .default("none")
    .describe("How answers are made smaller with policy `redis`; they are sent as they came."),
  compression_level: z
    .int()
    .min(1)
    .max(9)
    .default(6)
    .describe("Effort of the compression, from 1 (fastest) to 9 (smallest)."),
  local_max_bytes: z
    .int()
    .min(1_048_576)
    .max(17_179_869_184)
    .default(67_108_864)
    .describe(
      "Memory in bytes for answers kept with policy `local`; all configs of a plugin server share one store, bounded by the largest of their values.",
    ),
});

export type CacheOptions = z.infer<typeof cacheOptions>;
