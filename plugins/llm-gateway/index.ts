import { definePlugin } from "../../kong/define-plugin";
import type { Needs } from "../../stages/decision";
import { prepareStage } from "../../stages/stage";
import { stage as cache } from "../llm-cache/stage";
import { stage as models } from "../llm-models/stage";
import { identityNeeds } from "../llm-rate-limit/identity";
import { stage as rateLimit } from "../llm-rate-limit/stage";
import { stage as upstreamKey } from "../llm-upstream-key/stage";
import { attributionNeeds } from "../llm-usage/attribution";
import { stage as usage } from "../llm-usage/stage";
import { gatewayOptions } from "./schema";
import { stageOptions } from "./stage-options";
import { traps } from "./traps";

function together(one: Needs, other: Needs): Needs {
  const headers = [...new Set([...one.headers, ...other.headers])];
  return { headers, credential: one.credential || other.credential };
}

export const { Name, Version, Priority, Schema, Plugin } = definePlugin({
  name: "llm-gateway",
  alone: true,
  schema: gatewayOptions,
  traps,
  stages(config) {
    const options = stageOptions(config);
    return [
      prepareStage(usage, options.usage),
      prepareStage(models, options.models),
      prepareStage(rateLimit, options.rate_limit),
      prepareStage(cache, options.cache),
      prepareStage(upstreamKey, options.upstream_key),
    ];
  },
  secondTries: (config) => config.second_tries,
  mostBodyBytes: (config) => config.models.max_body_bytes,
  requiresConsumer: (config) => config.models.require_consumer,
  needs: (config) => together(identityNeeds(config.rate_limit), attributionNeeds(config.usage)),
});
