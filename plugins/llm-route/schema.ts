// The options of llm-route: the only source for Kong's schema, the README table and the types.

import { z } from "zod";
import { usuallyExpected } from "../../models/expected-cost";
import { catalogueFileOption, modelPrices } from "../../models/price-options";
import { ruleOptions } from "./rule-options";

const name = z.string().min(1).max(200);
const globs = z.array(name);

const tierName = z
  .string()
  .min(1)
  .max(40)
  .regex(/^[a-z0-9_-]+$/, "must be of small letters, figures, `-` and `_`");

const candidate = z.object({
  model: name.describe(
    "Model of the upstream, or a pattern of names in the catalogue of models, as in `gpt-5*-mini`.",
  ),
  abilities: z
    .array(z.enum(["text", "tools", "images", "json_schema", "reasoning", "audio"]))
    .default([])
    .describe(
      "What it can do, in place of what the catalogue says; `text` for nothing else. Of a model that neither knows, nothing but text is expected.",
    ),
  context_tokens: z
    .int()
    .min(1)
    .max(100_000_000)
    .optional()
    .describe(
      "Longest prompt and answer together, in tokens, in place of what the catalogue says.",
    ),
  max_output_tokens: z
    .int()
    .min(1)
    .max(100_000_000)
    .optional()
    .describe("Longest answer in tokens, in place of what the catalogue says."),
  families: z
    .array(z.enum(["openai", "anthropic"]))
    .default([])
    .describe("Whose API serves it, in place of what the catalogue says; else `openai`."),
});

const tier = z.object({
  name: tierName.describe("Name of the tier, for rules, wishes, headers and metrics."),
  candidates: z
    .array(candidate)
    .min(1)
    .describe("Models that a request of this tier may get: of those that can, the cheapest."),
  difficulty_up_to: z
    .int()
    .min(0)
    .max(100)
    .optional()
    .describe(
      "Highest difficulty, from 0 to 100, of requests that get this tier; the last tier takes all above. Without it the tiers share the scale evenly: 33 and 66 for three.",
    ),
});

const wish = z.object({
  consumers: globs
    .default([])
    .describe("Consumers who may wish, by username or custom_id; `*` matches any text."),
  tags: globs
    .default([])
    .describe(
      "Tags of consumers who may wish; `*` matches any text. A rule without consumers and tags is for everybody.",
    ),
  tiers: globs.default(["*"]).describe("Tiers that they may wish for."),
});

const choice = z.object({
  name: name.describe(
    "Name that clients ask for, as in `auto`; `*` in it matches any text. The first match wins.",
  ),
  tiers: z.array(tier).min(1).max(9).describe("The tiers, from the smallest to the strongest."),
  rules: z
    .array(ruleOptions)
    .default([])
    .describe("Requests whose tier is given: the first rule that matches decides."),
  wishes: z
    .array(wish)
    .default([])
    .describe(
      "Who may choose a tier by the header X-LLM-Tier or the member `llm_tier` of the body; the first rule that is for a consumer decides. Without rules nobody may.",
    ),
  sticky: z
    .boolean()
    .default(true)
    .describe(
      "The turns of a conversation stay with one model, so that the upstream's prompt cache pays; they move to a higher tier when a turn asks for it, and seldom back: the first turn and the newest are looked at. Without it each request is read by its last turn.",
    ),
  baseline: z
    .string()
    .max(200)
    .default("")
    .describe(
      "Model that would serve all requests of this name without the choice: what is saved is told against it.",
    ),
  expected_output_tokens: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(usuallyExpected.output)
    .describe("How long an answer is expected to be, in tokens, when costs are compared."),
  expected_thinking_tokens: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(usuallyExpected.thinking)
    .describe("How many tokens a model that thinks before it answers is expected to add to that."),
  dry_run: z
    .boolean()
    .default(false)
    .describe(
      "Decide and report, and change nothing: the request goes on under the name that the client sent.",
    ),
});

const words = (what: string) =>
  z
    .array(z.string().min(2).max(100))
    .default([])
    .describe(`${what}, in place of the list that comes along; empty: that list.`);

export const routeOptions = z.object({
  choices: z
    .array(choice)
    .default([])
    .describe("Names that stand for a choice among several models. Without one nothing is chosen."),
  words: z
    .object({
      hard: words("Words that ask for thought"),
      work: words("Words of work that a middling model does well"),
      easy: words("Words of what every model does"),
      constraints: words("Words that bind the answer"),
      mathematics: words("Words of mathematics"),
      code: words("Words of programming"),
    })
    .prefault({})
    .describe(
      "The words by which difficulty is read. Latin words match whole, `*` at their end leaves it open; those of Korean match wherever they stand.",
    ),
  prices: modelPrices
    .optional()
    .describe(
      "What models cost, in place of the catalogue of models; the first match wins. In llm-gateway the prices of `usage` hold where this is left out.",
    ),
  catalogue_file: catalogueFileOption,
});

export type RouteOptions = z.infer<typeof routeOptions>;
export type ChoiceOptions = RouteOptions["choices"][number];
