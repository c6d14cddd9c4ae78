// Of several instances of one plugin, only the most specific runs for a request. The order is that
// of kong/runloop/plugins_iterator.lua 3.9.

import type { KongRequest } from "./kong-request";
import type { ConfiguredPlugin } from "./plugin-configs";

type Part = "route" | "service" | "consumer";

const byPrecedence: Part[][] = [
  ["route", "service", "consumer"],
  ["route", "consumer"],
  ["service", "consumer"],
  ["route", "service"],
  ["consumer"],
  ["route"],
  ["service"],
  [],
];

/** The instance of a plugin that a request gets. Asked anew once key-auth has found a consumer. */
export function mostSpecific(
  instances: readonly ConfiguredPlugin[],
  request: KongRequest,
): ConfiguredPlugin | undefined {
  const of: Record<Part, string | undefined> = {
    route: request.route?.id,
    service: request.service?.id,
    consumer: request.consumer?.id,
  };
  for (const parts of byPrecedence) {
    const found = instances.find(({ scope }) =>
      (["route", "service", "consumer"] as const).every((part) =>
        parts.includes(part)
          ? of[part] !== undefined && scope[part] === of[part]
          : scope[part] === undefined,
      ),
    );
    if (found) return found;
  }
  return undefined;
}
