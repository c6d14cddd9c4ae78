// How prices stand in the options of every plugin that counts dollars, and those that hold where an
// operator has set none: one source, so that bills and budgets agree.

import { z } from "zod";
import type { ModelPrice } from "./price";

const usdPerMtok = z.number().min(0).max(1_000_000);

export const modelPrices = z.array(
  z.object({
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
  }),
);

export const defaultPrices: ModelPrice[] = [
  flatPrice("gpt-4.1", 8),
  flatPrice("claude-sonnet-4*", 15),
  flatPrice("gemini-2.5-flash", 2.5),
  flatPrice("deepseek-v3.2", 0.42),
];

function flatPrice(model: string, usd: number): ModelPrice {
  return {
    model,
    input_usd_per_mtok: usd,
    output_usd_per_mtok: usd,
    cached_input_usd_per_mtok: usd,
  };
}
