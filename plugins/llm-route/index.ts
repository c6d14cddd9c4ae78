import { definePlugin } from "../../kong/define-plugin";
import { prepareStage } from "../../stages/stage";
import { routeNeeds } from "./needs";
import { routeOptions } from "./schema";
import { stage } from "./stage";
import { traps } from "./traps";

export const { Name, Version, Priority, Schema, Plugin } = definePlugin({
  name: "llm-route",
  schema: routeOptions,
  traps,
  stages: (config) => [prepareStage(stage, config)],
  needs: routeNeeds,
});
