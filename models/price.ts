// What a model costs, as an operator or a vendor writes it down, and which of several prices is that
// of a model. What comes of it is cost.ts' business.

import { modelGlob } from "./glob";

/** US dollars: for a million tokens, or for each of what is named. */
export interface Rates {
  input_usd_per_mtok: number;
  output_usd_per_mtok: number;
  /** Input that the upstream read from its prompt cache; without it, the input price. */
  cached_input_usd_per_mtok?: number;
  /** Input that it wrote there for 5 minutes; without it, the input price. */
  cache_write_usd_per_mtok?: number;
  /** Input that it wrote there for 1 hour; without it, that for 5 minutes. */
  cache_write_1h_usd_per_mtok?: number;
  /** Input that was sound; without it, the input price. */
  audio_input_usd_per_mtok?: number;
  /** Output that is sound; without it, the output price. */
  audio_output_usd_per_mtok?: number;
  /** A picture that was made, beside its tokens. */
  image_usd?: number;
  /** A request, beside all else. */
  request_usd?: number;
  /** A second of sound that was read, where an endpoint counts those. */
  second_usd?: number;
  /** A search of the web that the upstream made by itself. */
  web_search_usd?: number;
  /** A million letters of a text that was spoken, where an endpoint counts those. */
  characters_usd_per_million?: number;
}

/** Prices of a whole request whose prompt is longer; what they do not name is as without them. */
export interface Step extends Partial<Rates> {
  above_input_tokens: number;
}

export interface Price extends Rates {
  steps?: Step[];
  /** By the tier that the answer names, what all prices are multiplied by; others: 1. */
  tiers?: Record<string, number>;
  /** What all prices are multiplied by in these hours, as hoursOf reads them. */
  off_peak?: { times: number; hours: string[] };
}

/** A price for every model whose name matches the glob. */
export interface ModelPrice extends Price {
  model: string;
}

/**
 * The price of a model; undefined for one without.
 * @param provider who serves it, where several do: a price may be for its models alone
 */
export type PriceOf = (model: string, provider?: string) => Price | undefined;

/** Finds a model's price: the first that matches it by its name or by `provider/model` wins. */
export function priceTable(prices: readonly ModelPrice[]): PriceOf {
  const compiled = prices.map((price) => ({ price, matches: modelGlob(price.model) }));
  return (model, provider) => {
    const full = provider === undefined ? model : `${provider}/${model}`;
    return compiled.find(({ matches }) => matches(model) || matches(full))?.price;
  };
}
