// What tokens cost, in US dollars for a million of them, by model.

import type { Usage } from "../models/usage";
import { modelGlob } from "./glob";

export interface Price {
  input_usd_per_mtok: number;
  output_usd_per_mtok: number;
  /** Input that the upstream read from its prompt cache; without it, the input price. */
  cached_input_usd_per_mtok?: number;
}

/** A price for every model whose name matches the glob. */
export interface ModelPrice extends Price {
  model: string;
}

/** Finds a model's price: the first that matches wins; undefined for a model without one. */
export function priceTable(prices: readonly ModelPrice[]): (model: string) => Price | undefined {
  const compiled = prices.map((price) => ({ price, matches: modelGlob(price.model) }));
  return (model) => compiled.find(({ matches }) => matches(model))?.price;
}

/**
 * What a usage costs in US dollars. Reasoning tokens are output tokens and already in there.
 * Rounded to a millionth of a millionth, far below a token's price, so that equal usage gives equal
 * numbers that read well (0.1 + 0.2 does not).
 */
export function costOf(
  usage: Pick<Usage, "input_tokens" | "output_tokens" | "cached_input_tokens">,
  price: Price,
): number {
  const { input_usd_per_mtok, output_usd_per_mtok } = price;
  const { cached_input_usd_per_mtok = input_usd_per_mtok } = price;
  const micros =
    (usage.input_tokens - usage.cached_input_tokens) * input_usd_per_mtok +
    usage.cached_input_tokens * cached_input_usd_per_mtok +
    usage.output_tokens * output_usd_per_mtok;
  return Math.round(micros * 1e6) / 1e12;
}
