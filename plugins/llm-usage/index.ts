import { definePlugin } from "../../kong/define-plugin";
import { prepareStage } from "../../stages/stage";
import { attributionNeeds } from "./attribution";
import { usageOptions } from "./schema";
import { stage } from "./stage";
import { traps } from "./traps";

export const { Name, Version, Priority, Schema, Plugin } = definePlugin({
  name: "llm-usage",
  schema: usageOptions,
  traps,
  stages: (config) => [prepareStage(stage, config)],
  needs: attributionNeeds,
});
