// The options of llm-gateway: one record for each stage, the same as that stage's own plugin takes; and what
// several of them read.

import { z } from "zod";
import { cacheOptions } from "../llm-cache/schema";
import { providerOptions } from "../llm-models/provider-options";
import { modelsOptions } from "../llm-models/schema";
import { privacyOptions } from "../llm-privacy/schema";
import { rateLimitOptions } from "../llm-rate-limit/schema";
import { routeOptions } from "../llm-route/schema";
import { accountOptions } from "../llm-upstream-key/account-options";
import { upstreamKeyOptions } from "../llm-upstream-key/schema";
import { usageOptions } from "../llm-usage/schema";

const secondTries = z.object({
  most: z
    .int()
    .min(0)
    .max(3)
    .default(0)
    .describe(
      "How often Kong sends a request again in place of an error, to a fallback that is well or with another key; 0 for never. Kong's proxy_next_upstream says after which errors: docs/retries.md.",
    ),
  unanswered: z
    .boolean()
    .default(false)
    .describe(
      "Also where the upstream got the request and then said nothing: it may have worked on it, and bill it.",
    ),
});

export const gatewayOptions = z.object({
  providers: z
    .array(z.object({ ...providerOptions.shape, ...accountOptions.shape }))
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
      message: "must have one entry for each name",
    })
    .default([])
    .describe(
      "Hosts that serve models in place of the route's service: aliases and clients name a model of one as `name/model`. Without them the service is the only one.",
    ),
  second_tries: secondTries
    .prefault({})
    .describe("What happens in the same request when a try fails before its first byte."),
  route: routeOptions
    .prefault({})
    .describe("Names that stand for the cheapest model that can do it: see llm-route."),
  models: modelsOptions
    .omit({ providers: true })
    .prefault({})
    .describe("Which model serves a request: see llm-models."),
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
    .omit({ providers: true })
    .prefault({})
    .describe("The bearer key of the upstream: see llm-upstream-key."),
  usage: usageOptions.prefault({}).describe("What is counted and logged: see llm-usage."),
});

export type GatewayOptions = z.output<typeof gatewayOptions>;
