// The options of llm-gateway: one record for each stage, the same as that stage's own plugin takes.

import { z } from "zod";
import { cacheOptions } from "../llm-cache/schema";
import { modelsOptions } from "../llm-models/schema";
import { privacyOptions } from "../llm-privacy/schema";
import { rateLimitOptions } from "../llm-rate-limit/schema";
import { routeOptions } from "../llm-route/schema";
import { upstreamKeyOptions } from "../llm-upstream-key/schema";
import { usageOptions } from "../llm-usage/schema";

export const gatewayOptions = z.object({
  route: routeOptions
    .prefault({})
    .describe("Names that stand for the cheapest model that can do it: see llm-route."),
  models: modelsOptions.prefault({}).describe("Which model serves a request: see llm-models."),
  // A plugin of its own is there because somebody wants it; here it is asked for.
  privacy: privacyOptions
    .extend({
      enabled: z
        .boolean()
        .default(false)
        .describe(privacyOptions.shape.enabled.description ?? ""),
    })
    .prefault({})
    .describe("Which personal data stays home: see llm-privacy."),
  rate_limit: rateLimitOptions
    .prefault({})
    .describe("How much a consumer may ask for: see llm-rate-limit."),
  cache: cacheOptions.prefault({}).describe("Which answers are replayed: see llm-cache."),
  upstream_key: upstreamKeyOptions
    .prefault({})
    .describe("The bearer key of the upstream: see llm-upstream-key."),
  usage: usageOptions.prefault({}).describe("What is counted and logged: see llm-usage."),
});
