// The config of a plugin as Kong hands it over: JSON that Lua wrote, with Kong's own keys mixed in.

import type { z } from "zod";

/** Throws a ZodError that names each option that is wrong. */
export function readConfig<Config>(options: z.ZodType<Config>, config: unknown): Config {
  const own = withoutKongKeys(config);
  const { error } = options.safeParse(own);
  // Lua has one empty table for both, and may write either.
  for (const issue of error?.issues ?? []) {
    if (issue.code !== "invalid_type") continue;
    if (issue.expected === "array") replaceEmpty(own, issue.path, []);
    if (issue.expected === "object" || issue.expected === "record") {
      replaceEmpty(own, issue.path, {});
    }
  }
  return options.parse(own);
}

// __plugin_id, __seq__, $refs at every level, ...; service_id, route_id and the like fall away with
// zod's unknown keys. By an explicit null Kong says "not set".
function withoutKongKeys(config: unknown): unknown {
  if (Array.isArray(config)) return config.map(withoutKongKeys);
  if (typeof config !== "object" || config === null) return config;
  return Object.fromEntries(
    Object.entries(config)
      .filter(([key, value]) => value !== null && key !== "$refs" && !key.startsWith("__"))
      .map(([key, value]) => [key, withoutKongKeys(value)]),
  );
}

function replaceEmpty(config: unknown, path: PropertyKey[], empty: object): void {
  const last = path.at(-1);
  let holder = config as Record<PropertyKey, unknown>;
  for (const step of path.slice(0, -1)) holder = holder[step] as typeof holder;
  if (last === undefined) return;
  const value = holder[last];
  const isEmpty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  if (isEmpty) holder[last] = empty;
}
