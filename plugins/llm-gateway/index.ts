import { definePlugin } from "../../kong/define-plugin";
import type { Needs } from "../../stages/decision";
import { prepareStage } from "../../stages/stage";
import { stage as cache } from "../llm-cache/stage";
import { stage as models } from "../llm-models/stage";
import { stage as privacy } from "../llm-privacy/stage";
import { identityNeeds } from "../llm-rate-limit/identity";
import { stage as rateLimit } from "../llm-rate-limit/stage";
import { routeNeeds } from "../llm-route/needs";
import { stage as route } from "../llm-route/stage";
import { stage as upstreamKey } from "../llm-upstream-key/stage";
import { attributionNeeds } from "../llm-usage/attribution";
import { stage as usage } from "../llm-usage/stage";
import { gatewayOptions } from "./schema";
import { stageOptions } from "./stage-options";
import { traps } from "./traps";

function together(needs: Needs[]): Needs {
  const headers = [...new Set(needs.flatMap(({ headers }) => headers))];
  return { headers, credential: needs.some(({ credential }) => credential) };
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
      prepareStage(route, options.route),
      prepareStage(models, options.models),
      prepareStage(privacy, options.privacy),
      prepareStage(rateLimit, options.rate_limit),
      prepareStage(cache, options.cache),
      prepareStage(upstreamKey, options.upstream_key),
    ];
  },
  secondTries: (config) => config.second_tries,
  mostBodyBytes: (config) => config.models.max_body_bytes,
  requiresConsumer: (config) => config.models.require_consumer,
  needs: (config) =>
    together([
      identityNeeds(config.rate_limit),
      attributionNeeds(config.usage),
      routeNeeds(config.route),
    ]),
});
