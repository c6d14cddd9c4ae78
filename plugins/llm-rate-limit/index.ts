import { definePlugin } from "../../kong/define-plugin";
import { prepareStage } from "../../stages/stage";
import { identityNeeds } from "./identity";
import { rateLimitOptions } from "./schema";
import { stage } from "./stage";
import { traps } from "./traps";

export const { Name, Version, Priority, Schema, Plugin } = definePlugin({
  name: "llm-rate-limit",
  schema: rateLimitOptions,
  traps,
  stages: (config) => [prepareStage(stage, config)],
  needs: identityNeeds,
});
