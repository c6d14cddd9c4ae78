// Mistakes in the options of llm-gateway are those of its stages.

import type { z } from "zod";
import { type Mistake, within } from "../../stages/mistake";
import { traps as cache } from "../llm-cache/traps";
import { traps as models } from "../llm-models/traps";
import { traps as rateLimit } from "../llm-rate-limit/traps";
import { traps as upstreamKey } from "../llm-upstream-key/traps";
import { traps as usage } from "../llm-usage/traps";
import type { gatewayOptions } from "./schema";

export function traps(options: z.output<typeof gatewayOptions>): Mistake[] {
  return [
    ...within("models", models(options.models)),
    ...within("rate_limit", rateLimit(options.rate_limit)),
    ...within("cache", cache(options.cache)),
    ...within("upstream_key", upstreamKey(options.upstream_key)),
    ...within("usage", usage(options.usage)),
  ];
}
