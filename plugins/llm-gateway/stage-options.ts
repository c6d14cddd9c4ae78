// What each stage of llm-gateway gets of its options: its own record, and its part of what is said once.

import { providersOption } from "../llm-models/provider-options";
import type { GatewayOptions } from "./schema";

export function stageOptions(config: GatewayOptions) {
  const { providers, usage, route, models, privacy, rate_limit, cache, upstream_key } = config;
  // Bills, budgets and choices agree: what the others do not say of prices is as in `usage`.
  const bills = { prices: usage.prices, catalogue_file: usage.catalogue_file };
  return {
    ...{ usage, privacy, cache },
    route: { ...bills, ...route },
    // Parsed again, so that no key is in the options of who needs none.
    models: { ...bills, ...models, providers: providersOption.parse(providers) },
    rate_limit: { ...bills, ...rate_limit },
    upstream_key: { ...upstream_key, providers },
  };
}
