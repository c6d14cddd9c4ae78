import { definePlugin } from "../../kong/define-plugin";
import { prepareStage } from "../../stages/stage";
import { modelsOptions } from "./schema";
import { stage } from "./stage";
import { traps } from "./traps";

export const { Name, Version, Priority, Schema, Plugin } = definePlugin({
  name: "llm-models",
  schema: modelsOptions,
  traps,
  stages: (config) => [prepareStage(stage, config)],
  mostBodyBytes: (config) => config.max_body_bytes,
  requiresConsumer: (config) => config.require_consumer,
});
