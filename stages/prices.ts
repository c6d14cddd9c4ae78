// The prices that a plugin's options ask for, the same for all that count dollars. Here because a
// catalogue file that cannot be read is told in the log.

import { type Catalogue, catalogue, pricesOver } from "../models/catalogue";
import { catalogueFile } from "../models/catalogue-file";
import type { ModelPrice, Price, PriceOf } from "../models/price";
import { log } from "./log";

export interface Prices {
  priceOf: PriceOf;
  /** What the vendor's own page says; undefined where a catalogue does not know it. */
  listPriceOf(model: string): Price | undefined;
  /** The models that the catalogues spell out, as they stand now. */
  names: string[];
  /** An operator's catalogue, where it can be read, before the one that comes along. */
  catalogues(): Catalogue[];
}

interface PriceOptions {
  prices?: ModelPrice[];
  catalogue_file?: string;
}

export function openPrices({ prices = [], catalogue_file }: PriceOptions): Prices {
  const own = catalogue_file
    ? catalogueFile(catalogue_file, (fault) => log.error(fault))
    : undefined;
  return {
    priceOf: pricesOver(prices, own),
    listPriceOf: (model) => (own?.()?.find(model) ?? catalogue().find(model))?.list,
    names: [...(own?.()?.names ?? []), ...catalogue().names],
    catalogues: () => [own?.(), catalogue()].filter((one) => one !== undefined),
  };
}
