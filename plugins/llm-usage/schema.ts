// The options of llm-usage: the only source for Kong's schema, the README table and the types.

import { z } from "zod";
import { catalogueFileOption, modelPrices } from "../../models/price-options";
import { ledgerOptions, tagOptions } from "./ledger-options";

export const usageOptions = z.object({
  log: z
    .boolean()
    .default(true)
    .describe(
      "Write one line of JSON for each request to the standard output of the plugin server: who, which model, how it ended, tokens, cost and times; never a prompt or a key.",
    ),
  prices: modelPrices
    .default([])
    .describe(
      "What models cost, in place of the catalogue of models; the first match wins. The cost of a model that neither knows is unknown and counted nowhere.",
    ),
  catalogue_file: catalogueFileOption,
  metrics_models: z
    .array(z.string().min(1).max(200))
    .default([])
    .describe(
      "Models that the metrics tell apart beside those named in llm-models, in the catalogue of models and, without `*`, in `prices`; all others are counted as `other`.",
    ),
  tags: tagOptions,
  ledger: ledgerOptions,
});

export type UsageOptions = z.infer<typeof usageOptions>;
