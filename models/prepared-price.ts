// A price as integers, made once for each: what one of each kind costs at each step of the prompt's
// length, and what tiers and hours multiply it by. cost.ts alone multiplies.

import { exactPlaces, scaled } from "./money";
import { type Hours, hoursOf } from "./off-peak";
import type { Price, Rates } from "./price";

/** What a bill has a line for. */
export type Part =
  | "input"
  | "cached_input"
  | "cache_write"
  | "cache_write_1h"
  | "audio_input"
  | "output"
  | "audio_output"
  | "image"
  | "second"
  | "web_search"
  | "character"
  | "request";

/**
 * A price as integers: of 10^-15 dollars for each token, thing and thousandth of a second, and two
 * factors of thousandths, which make 10^-21.
 */
interface Prepared {
  /** The longest prompts first; the last one holds for all. */
  steps: { above: number; rates: Rates; units: Record<Part, bigint>; isFree: boolean }[];
  tiers: ReadonlyMap<string, bigint>;
  times: bigint;
  isOffPeak: Hours;
}

const factorPlaces = 3;
/** The factor that changes nothing. */
export const one = 10n ** BigInt(factorPlaces);
const unitPlaces = exactPlaces - 2 * factorPlaces;

const prepared = new WeakMap<Price, Prepared>();

export function preparedOf(price: Price): Prepared {
  const known = prepared.get(price);
  if (known) return known;
  const made = prepare(price);
  prepared.set(price, made);
  return made;
}

function prepare(price: Price): Prepared {
  const { steps = [], tiers = {}, off_peak, ...base } = price;
  const hours = (off_peak?.hours ?? []).flatMap((text) => hoursOf(text) ?? []);
  return {
    steps: [{ above_input_tokens: -1 }, ...steps]
      .map(({ above_input_tokens: above, ...step }) => {
        const rates = { ...base, ...step };
        const units = unitsOf(rates);
        const isFree = Object.values(units).every((unit) => unit === 0n);
        return { above, rates, units, isFree };
      })
      .sort((one, other) => other.above - one.above),
    tiers: new Map(
      Object.entries(tiers).map(([name, times]) => [name, scaled(times, factorPlaces)]),
    ),
    times: scaled(off_peak?.times ?? 1, factorPlaces),
    isOffPeak: (at) => hours.some((within) => within(at)),
  };
}

function unitsOf(rates: Rates): Record<Part, bigint> {
  const { input_usd_per_mtok: input, output_usd_per_mtok: output } = rates;
  const { cache_write_usd_per_mtok: write = input } = rates;
  const tokens = (usdPerMillion: number) => scaled(usdPerMillion, unitPlaces - 6);
  const things = (usd = 0) => scaled(usd, unitPlaces);
  return {
    input: tokens(input),
    cached_input: tokens(rates.cached_input_usd_per_mtok ?? input),
    cache_write: tokens(write),
    cache_write_1h: tokens(rates.cache_write_1h_usd_per_mtok ?? write),
    audio_input: tokens(rates.audio_input_usd_per_mtok ?? input),
    output: tokens(output),
    audio_output: tokens(rates.audio_output_usd_per_mtok ?? output),
    image: things(rates.image_usd),
    second: scaled(rates.second_usd ?? 0, unitPlaces - 3),
    web_search: things(rates.web_search_usd),
    character: tokens(rates.characters_usd_per_million ?? 0),
    request: things(rates.request_usd),
  };
}
