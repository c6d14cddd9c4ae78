// The form of a catalogue of models, as catalogue.yaml describes it: what may be written, and what of it
// must agree. What is read from it is catalogue.ts' business.

import { z } from "zod";
import { modelGlob } from "./glob";
import { hoursOf } from "./off-peak";
import type { Rates } from "./price";

const usd = z.number().min(0).max(1_000_000);
const factor = z
  .number()
  .positive()
  .max(100)
  .refine(
    (times) => /^\d+(\.\d{1,3})?$/.test(`${times}`),
    "must have at most three decimal places",
  );

/** US dollars for a million tokens or characters; image, second, search and request: for one. */
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
  search: usd.optional(),
  characters: usd.optional(),
  request: usd.optional(),
};

/** The same under the names that options have. */
export const optionNames = {
  input: "input_usd_per_mtok",
  cached_input: "cached_input_usd_per_mtok",
  cache_write: "cache_write_usd_per_mtok",
  cache_write_1h: "cache_write_1h_usd_per_mtok",
  output: "output_usd_per_mtok",
  audio_input: "audio_input_usd_per_mtok",
  audio_output: "audio_output_usd_per_mtok",
  image: "image_usd",
  second: "second_usd",
  search: "web_search_usd",
  characters: "characters_usd_per_million",
  request: "request_usd",
} as const satisfies Record<keyof typeof rates, keyof Rates>;

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
            .refine(
              (text) => hoursOf(text) !== undefined,
              "must be as mon-fri 10:00-24:00; what is past midnight is a range of its own",
            ),
        )
        .min(1),
    })
    .optional(),
  source: z.string(),
  as_of: z.iso.date(),
  note: z.string().optional(),
});

export const abilities = ["tools", "images", "json_schema", "reasoning"] as const;

/** What a model can do beside writing text. */
export type Ability = (typeof abilities)[number];

const model = z.strictObject({
  model: z.string().min(1).max(200),
  also: z.array(z.string().min(1).max(200)).default([]),
  vendor: z.string().min(1),
  price: prices.optional(),
  list: prices.optional(),
  context: z.int().min(1).optional(),
  max_output: z.int().min(1).optional(),
  abilities: z.array(z.enum(abilities)).default([]),
  families: z.array(z.enum(["openai", "anthropic"])).default(["openai"]),
  quirks: z.array(z.enum(["no_temperature", "max_completion_tokens"])).default([]),
});

/** A whole file; issues tell where a fault is and what to do. */
export const catalogueForm = z
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

export type WrittenPrices = z.output<typeof prices>;
export type WrittenModel = z.output<typeof model>;

export type WrittenRates = Partial<Record<keyof typeof rates, number>>;

function faultsOf(written: WrittenPrices, sources: Record<string, string>): string[] {
  const { source, steps } = written;
  const named = (one: WrittenRates) => Object.keys(rates).filter((kind) => kind in one);
  const tokens = (one: WrittenRates) =>
    Object.entries(optionNames).filter(([kind, name]) => kind in one && name.endsWith("_mtok"));
  const lacking = steps.filter((step) => `${tokens(step)}` !== `${tokens(written)}`);
  const dearer = [written, ...steps].filter(
    ({ input = 0, cached_input = 0 }) => cached_input > input,
  );
  return [
    ...(named(written).length === 0 ? ["names no price"] : []),
    ...(Object.hasOwn(sources, source) ? [] : [`its source ${source} is not among the sources`]),
    ...(lacking.length > 0 ? ["its steps must name the kinds of tokens that it names itself"] : []),
    ...(dearer.length > 0 ? ["cached_input is more than input"] : []),
  ];
}

function namesOf({ model, also }: WrittenModel): string[] {
  return [model, ...also].filter((name) => !isGlob(name));
}

export function isGlob(name: string): boolean {
  return name.includes("*");
}
