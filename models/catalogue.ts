// The catalogue of models: what is known about each, from catalogue.yaml beside this file or from a
// file of an operator's own in the same form. Parsed once; what is wrong with a file is told in full.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { modelGlob } from "./glob";
import { hoursOf } from "./off-peak";
import { type ModelPrice, type Price, priceTable, type Rates, type Step } from "./price";

const usd = z.number().min(0).max(1_000_000);
const factor = z
  .number()
  .positive()
  .max(100)
  .refine((times) => Number.isInteger(times * 1000), "must have at most three decimal places");

/** US dollars for a million tokens; image, second and request: for one. */
const rates = {
  input: usd.optional(),
  cached_input: usd.optional(),
  cache_write: usd.optional(),
  cache_write_1h: usd.optional(),
  output: usd.optional(),
  audio_input: usd.optional(),
  audio_output: usd.optional(),
  image: usd.optional(),
  second: usd.optional(),
  request: usd.optional(),
};

const step = z.strictObject({ above: z.int().min(1), ...rates });

const prices = z.strictObject({
  ...rates,
  steps: z.array(step).default([]),
  tiers: z.record(z.string(), factor).optional(),
  off_peak: z
    .strictObject({
      times: factor,
      hours: z
        .array(
          z
            .string()
            .refine((text) => hoursOf(text) !== undefined, "must be as mon-fri 10:00-24:00"),
        )
        .min(1),
    })
    .optional(),
  source: z.string(),
  as_of: z.iso.date(),
  note: z.string().optional(),
});

const model = z.strictObject({
  model: z.string().min(1).max(200),
  also: z.array(z.string().min(1).max(200)).default([]),
  vendor: z.string().min(1),
  price: prices.optional(),
  list: prices.optional(),
  context: z.int().min(1).optional(),
  max_output: z.int().min(1).optional(),
  abilities: z.array(z.enum(["tools", "images", "json_schema", "reasoning"])).default([]),
  families: z.array(z.enum(["openai", "anthropic"])).default(["openai"]),
  quirks: z.array(z.enum(["no_temperature", "max_completion_tokens"])).default([]),
});

const file = z
  .strictObject({ sources: z.record(z.string(), z.url()), models: z.array(model).min(1) })
  .superRefine(({ sources, models }, context) => {
    const issue = (path: PropertyKey[], message: string) =>
      context.addIssue({ code: "custom", path: ["models", ...path], message });
    const matchers = models.map(({ model, also }) => [model, ...also].map(modelGlob));
    models.forEach((one, index) => {
      if (!one.price && !one.list) issue([index], "has neither a price nor a list price");
      for (const kind of ["price", "list"] as const) {
        for (const fault of one[kind] ? faultsOf(one[kind], sources) : []) {
          issue([index, kind], fault);
        }
      }
      for (const name of namesOf(one)) {
        const other = matchers.findIndex(
          (matches, at) => at !== index && matches.some((matches) => matches(name)),
        );
        if (other >= 0) issue([index], `${name} is also matched by ${models[other]!.model}`);
      }
    });
  });

type WrittenPrices = z.output<typeof prices>;
type WrittenModel = z.output<typeof model>;

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
  const read = file.safeParse(document.toJS());
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

/** The catalogue that comes with this version, read at the first call. */
export function catalogue(): Catalogue {
  const path = join(__dirname, "catalogue.yaml");
  builtIn ??= readCatalogue(readFileSync(path, "utf8"), path);
  return builtIn;
}

/**
 * Finds a model's price: the first of an operator's that matches, else that of his catalogue, else
 * that of the one that comes with this version.
 */
export function pricesOver(
  own: readonly ModelPrice[],
  file?: () => Catalogue | undefined,
): (model: string) => Price | undefined {
  const priceOf = priceTable(own);
  const { find } = catalogue();
  return (model) => priceOf(model) ?? (file?.()?.find(model) ?? find(model))?.price;
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

type WrittenRates = Partial<Record<keyof typeof rates, number>>;

/** The rates under the names that options have. */
function ratesOf(written: WrittenRates): Partial<Rates> {
  const named = Object.entries(written).map(([kind, amount]) => [
    ["image", "second", "request"].includes(kind) ? `${kind}_usd` : `${kind}_usd_per_mtok`,
    amount,
  ]);
  return Object.fromEntries(named);
}

function faultsOf(written: WrittenPrices, sources: Record<string, string>): string[] {
  const { source, steps } = written;
  const named = (one: WrittenRates) => Object.keys(rates).filter((kind) => kind in one);
  const lacking = steps.filter((step) => named(step).join() !== named(written).join());
  const dearer = [written, ...steps].filter(
    ({ input = 0, cached_input = 0 }) => cached_input > input,
  );
  return [
    ...(named(written).length === 0 ? ["names no price"] : []),
    ...(Object.hasOwn(sources, source) ? [] : [`its source ${source} is not among the sources`]),
    ...(lacking.length > 0 ? ["its steps must name what it names itself"] : []),
    ...(dearer.length > 0 ? ["cached_input is more than input"] : []),
  ];
}

function namesOf({ model, also }: WrittenModel): string[] {
  return [model, ...also].filter((name) => !isGlob(name));
}

function isGlob(name: string): boolean {
  return name.includes("*");
}

/** models.3.list is told by the model's name. */
function placeOf(path: PropertyKey[], written: unknown): string {
  const [list, index, ...rest] = path;
  const models = (written as { models?: { model?: unknown }[] } | null)?.models;
  const name = list === "models" && typeof index === "number" ? models?.[index]?.model : undefined;
  return (typeof name === "string" ? [name, ...rest] : path).join(".") || "the file";
}
