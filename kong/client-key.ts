// llm-client-key: the one plugin of ours that is Lua alone (lua/client-key.lua) and asks no plugin
// server. What Kong is told of it, and what tools check configurations by.

import { z } from "zod";
import packageJson from "../package.json";
import type { Mistake } from "../stages/mistake";
import type { PluginDescription } from "./dump";
import { clientKeyPriority } from "./order";

const description: PluginDescription = {
  name: "llm-client-key",
  version: packageJson.version,
  priority: clientKeyPriority,
  phases: ["access"],
  schema: [],
};

export const clientKey = {
  ...description,
  /** It has no options. */
  Options: z.object({}),
  mistakesIn: (): Mistake[] => [],
};
