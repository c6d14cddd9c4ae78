// The stages by name, in the order in which they decide (llm-gateway chains them so, and their plugins
// stand so among Kong's: kong/order.ts).

export const stageNames = [
  "usage",
  "route",
  "models",
  "privacy",
  "rate_limit",
  "cache",
  "upstream_key",
] as const;

/** The name of a stage, and of its record of options in llm-gateway's config. */
export type StageName = (typeof stageNames)[number];
