import { definePlugin } from "../../kong/define-plugin";
import { prepareStage } from "../../stages/stage";
import { privacyOptions } from "./schema";
import { stage } from "./stage";
import { traps } from "./traps";

export const { Name, Version, Priority, Schema, Plugin } = definePlugin({
  name: "llm-privacy",
  schema: privacyOptions,
  traps,
  stages: (config) => [prepareStage(stage, config)],
});
