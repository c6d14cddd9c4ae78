// The options of llm-usage: the only source for Kong's schema, the README table and the types.

import { z } from "zod";

const usdPerMtok = z.number().min(0).max(1_000_000);

const modelPrice = z.object({
  model: z
    .string()
    .min(1)
    .max(200)
    .describe("Model of the upstream; `*` in it matches any text, as in `claude-sonnet-4*`."),
  input_usd_per_mtok: usdPerMtok.describe("US dollars for a million input tokens."),
  output_usd_per_mtok: usdPerMtok.describe("US dollars for a million output tokens."),
  cached_input_usd_per_mtok: usdPerMtok
    .optional()
    .describe(
      "US dollars for a million input tokens that the upstream read from its prompt cache; without it they cost as much as other input.",
    ),
});

export const usageOptions = z.object({
  log: z
    .boolean()
    .default(true)
    .describe(
      "Write one line of JSON for each request to the standard output of the plugin server: who, which model, how it ended, tokens, cost and times; never a prompt or a key.",
    ),
  prices: z
    .array(modelPrice)
    .default([
      flatPrice("gpt-4.1", 8),
      flatPrice("claude-sonnet-4*", 15),
      flatPrice("gemini-2.5-flash", 2.5),
      flatPrice("deepseek-v3.2", 0.42),
    ])
    .describe(
      "What tokens cost, by model; the first match wins. The cost of a model without a price is unknown and counted nowhere.",
    ),
  metrics_models: z
    .array(z.string().min(1).max(200))
    .default([])
    .describe(
      "Models that the metrics tell apart beside those named in llm-models and, without `*`, in `prices`; all others are counted as `other`.",
    ),
});

export type UsageOptions = z.infer<typeof usageOptions>;

function flatPrice(model: string, usd: number): z.infer<typeof modelPrice> {
  return {
    model,
    input_usd_per_mtok: usd,
    output_usd_per_mtok: usd,
    cached_input_usd_per_mtok: usd,
  };
}
