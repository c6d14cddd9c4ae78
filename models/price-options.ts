// How prices stand in the options of every plugin that counts dollars: one source, so that bills and
// budgets agree. What they do not name is priced by the catalogue.

import { z } from "zod";

const usdPerMtok = z.number().min(0).max(1_000_000);
const usd = z.number().min(0).max(1_000_000);

export const modelPrices = z.array(
  z.object({
    model: z
      .string()
      .min(1)
      .max(200)
      .describe(
        "Model of the upstream; `*` in it matches any text, as in `claude-sonnet-4*`. Where one provider of several has a price of its own, `provider/model`, before a price for all.",
      ),
    input_usd_per_mtok: usdPerMtok.describe("US dollars for a million input tokens."),
    output_usd_per_mtok: usdPerMtok.describe("US dollars for a million output tokens."),
    cached_input_usd_per_mtok: usdPerMtok
      .optional()
      .describe(
        "US dollars for a million input tokens that the upstream read from its prompt cache; without it they cost as much as other input.",
      ),
    cache_write_usd_per_mtok: usdPerMtok
      .optional()
      .describe(
        "US dollars for a million input tokens that the upstream wrote to its prompt cache; without it they cost as much as other input.",
      ),
    cache_write_1h_usd_per_mtok: usdPerMtok
      .optional()
      .describe("The same for those kept for an hour; without it they cost as much as the others."),
    audio_input_usd_per_mtok: usdPerMtok
      .optional()
      .describe(
        "US dollars for a million input tokens of sound; without it they cost as much as other input.",
      ),
    audio_output_usd_per_mtok: usdPerMtok
      .optional()
      .describe(
        "US dollars for a million output tokens of sound; without it they cost as much as other output.",
      ),
    image_usd: usd
      .optional()
      .describe("US dollars for a picture that is made, beside the price of its tokens."),
    request_usd: usd.optional().describe("US dollars for a request, beside all else."),
    second_usd: usd
      .optional()
      .describe(
        "US dollars for a second of sound that is read, where the endpoint counts no tokens.",
      ),
    web_search_usd: usd
      .optional()
      .describe("US dollars for a search of the web that the upstream makes by itself."),
    characters_usd_per_million: usd
      .optional()
      .describe("US dollars for a million letters that are spoken, where those are counted."),
  }),
);

export const catalogueFileOption = z
  .string()
  .max(4096)
  .optional()
  .describe(
    "File with a catalogue of models of your own, as the plugin server sees it; it stands before the one that comes along, and is read again when it changes. `kong-llm prices check` checks it.",
  );
