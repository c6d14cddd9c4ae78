// What each stage of llm-gateway gets of its options: its own record, and its part of what is said once.

import { providersOption } from "../llm-models/provider-options";
import type { GatewayOptions } from "./schema";

export function stageOptions(config: GatewayOptions) {
  const { providers, usage, models, rate_limit, cache, upstream_key } = config;
  return {
    ...{ usage, cache },
    // Parsed again, so that no key is in the options of who needs none.
    models: { ...models, providers: providersOption.parse(providers) },
    // Bills and budgets agree: what the limits do not say of prices is as in `usage`.
    rate_limit: { prices: usage.prices, catalogue_file: usage.catalogue_file, ...rate_limit },
    upstream_key: { ...upstream_key, providers },
  };
}
