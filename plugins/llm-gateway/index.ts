import { definePlugin } from "../../kong/define-plugin";
import { prepareStage } from "../../stages/stage";
import { stage as cache } from "../llm-cache/stage";
import { stage as models } from "../llm-models/stage";
import { identityNeeds } from "../llm-rate-limit/identity";
import { stage as rateLimit } from "../llm-rate-limit/stage";
import { stage as upstreamKey } from "../llm-upstream-key/stage";
import { stage as usage } from "../llm-usage/stage";
import { gatewayOptions } from "./schema";
import { traps } from "./traps";

export const { Name, Version, Priority, Schema, Plugin } = definePlugin({
  name: "llm-gateway",
  alone: true,
  schema: gatewayOptions,
  traps,
  stages: (config) => [
    prepareStage(usage, config.usage),
    prepareStage(models, config.models),
    // Bills and budgets agree: what the limits do not say of prices is as in `usage`.
    prepareStage(rateLimit, {
      prices: config.usage.prices,
      catalogue_file: config.usage.catalogue_file,
      ...config.rate_limit,
    }),
    prepareStage(cache, config.cache),
    prepareStage(upstreamKey, config.upstream_key),
  ],
  mostBodyBytes: (config) => config.models.max_body_bytes,
  requiresConsumer: (config) => config.models.require_consumer,
  needs: (config) => identityNeeds(config.rate_limit),
});
