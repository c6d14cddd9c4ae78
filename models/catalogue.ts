// The catalogue of models: what is known about each, from catalogue.yaml beside this file or from a
// file of an operator's own in the same form. Parsed once; what is wrong with a file is told in full.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import {
  catalogueForm,
  isGlob,
  optionNames,
  type WrittenModel,
  type WrittenPrices,
  type WrittenRates,
} from "./catalogue-form";
import { modelGlob } from "./glob";
import {
  type ModelPrice,
  type Price,
  type PriceOf,
  priceTable,
  type Rates,
  type Step,
} from "./price";

/** Where a price is from: the page that states it, and the day on which it was seen to do so. */
export interface Origin {
  source: string;
  as_of: string;
  note?: string;
}

export interface CatalogueModel
  extends Pick<
    WrittenModel,
    "model" | "also" | "vendor" | "context" | "max_output" | "abilities" | "families" | "quirks"
  > {
  /** The price in force: that of the relay, else the list price. */
  price: Price & Origin;
  /** What the vendor's own page says, where it is known. */
  list?: Price & Origin;
}

export interface Catalogue {
  models: CatalogueModel[];
  /** All names that it spells out. */
  names: string[];
  find(name: string): CatalogueModel | undefined;
}

/**
 * Reads a catalogue.
 * @param name of the file, for the message
 * @throws Error that tells every fault with its place
 */
export function readCatalogue(text: string, name: string): Catalogue {
  const document = parseDocument(text);
  const [broken] = document.errors;
  if (broken) throw new Error(`${name} is no YAML: ${broken.message}`);
  const read = catalogueForm.safeParse(document.toJS());
  if (!read.success) {
    const faults = read.error.issues.map(
      ({ path, message }) => `${placeOf(path, document.toJS())}: ${message}`,
    );
    throw new Error([`${name} is no catalogue of models:`, ...faults].join("\n  "));
  }
  const { sources, models } = read.data;
  return catalogueOf(models.map((one) => modelOf(one, sources)));
}

let builtIn: Catalogue | undefined;

/** The models of catalogue.yaml as JSON, which a build has beside it: that is read a hundred times as fast. */
export const builtCatalogue = "catalogue.json";

/** The catalogue that comes with this version, read at the first call. */
export function catalogue(): Catalogue {
  // Asked several times for each request.
  builtIn ??= readBuiltIn();
  return builtIn;
}

function readBuiltIn(): Catalogue {
  const built = join(__dirname, builtCatalogue);
  if (existsSync(built)) {
    return catalogueOf(JSON.parse(readFileSync(built, "utf8")) as CatalogueModel[]);
  }
  const written = join(__dirname, "catalogue.yaml");
  return readCatalogue(readFileSync(written, "utf8"), written);
}

/**
 * Finds a model's price: the first of an operator's that matches, else that of his catalogue, else
 * that of the one that comes with this version.
 */
export function pricesOver(
  own: readonly ModelPrice[],
  file?: () => Catalogue | undefined,
): PriceOf {
  const priceOf = priceTable(own);
  const { find } = catalogue();
  return (model, provider) =>
    priceOf(model, provider) ?? (file?.()?.find(model) ?? find(model))?.price;
}

function catalogueOf(models: CatalogueModel[]): Catalogue {
  const exact = new Map<string, CatalogueModel>();
  for (const one of models) for (const name of [one.model, ...one.also]) exact.set(name, one);
  const globs = models.flatMap((model) =>
    model.also.filter(isGlob).map((pattern) => ({ model, matches: modelGlob(pattern) })),
  );
  return {
    models,
    names: [...exact.keys()].filter((name) => !isGlob(name)),
    find: (name) => exact.get(name) ?? globs.find(({ matches }) => matches(name))?.model,
  };
}

function modelOf(
  { price, list, ...facts }: WrittenModel,
  sources: Record<string, string>,
): CatalogueModel {
  const listed = list && priceOf(list, sources);
  return { ...facts, price: price ? priceOf(price, sources) : listed!, list: listed };
}

function priceOf(
  { steps, tiers, off_peak, source, as_of, note, ...written }: WrittenPrices,
  sources: Record<string, string>,
): Price & Origin {
  const base = ratesOf(written);
  return {
    ...{
      ...base,
      input_usd_per_mtok: written.input ?? 0,
      output_usd_per_mtok: written.output ?? 0,
    },
    ...(steps.length > 0 && {
      steps: steps.map(
        ({ above, ...rates }): Step => ({ above_input_tokens: above, ...ratesOf(rates) }),
      ),
    }),
    ...(tiers && { tiers }),
    ...(off_peak && { off_peak }),
    ...{ source: sources[source]!, as_of },
    ...(note !== undefined && { note }),
  };
}

/** The rates under the names that options have. */
function ratesOf(written: WrittenRates): Partial<Rates> {
  const kinds = Object.keys(written) as (keyof WrittenRates)[];
  return Object.fromEntries(kinds.map((kind) => [optionNames[kind], written[kind]]));
}

/** models.3.list is told by the model's name. */
function placeOf(path: PropertyKey[], written: unknown): string {
  const [list, index, ...rest] = path;
  const models = (written as { models?: { model?: unknown }[] } | null)?.models;
  const name = list === "models" && typeof index === "number" ? models?.[index]?.model : undefined;
  return (typeof name === "string" ? [name, ...rest] : path).join(".") || "the file";
}
