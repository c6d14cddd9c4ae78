// The models among which a choice chooses: what the options and the catalogue say of each, and why one
// cannot serve a request. What nobody knows of a model is not expected of it, but for its length.

import type { Need } from "../../models/asked";
import type { Catalogue, CatalogueModel } from "../../models/catalogue";
import { likelyUsd } from "../../models/cost";
import { type ExpectedTokens, expectedOutput } from "../../models/expected-cost";
import { modelGlob } from "../../models/glob";
import type { Price } from "../../models/price";
import { reasons } from "../../models/reasoning";
import type { Reading } from "./reading";
import type { ChoiceOptions } from "./schema";

export interface Candidate {
  model: string;
  /** Place of its tier, the smallest 0. */
  tier: number;
  abilities: ReadonlySet<string>;
  /** Tokens; infinite where nobody knows. */
  context: number;
  maxOutput: number;
  families: readonly string[];
  /** Undefined where nobody knows it: then it stands behind all that have one. */
  price: Price | undefined;
  /** It thinks by itself, and that is paid for as output. */
  thinks: boolean;
}

export interface Known {
  catalogues: readonly Catalogue[];
  priceOf(model: string): Price | undefined;
}

/** Every candidate of a choice once, in its lowest tier: patterns are the names that match. */
export function candidatesOf({ tiers }: Pick<ChoiceOptions, "tiers">, known: Known): Candidate[] {
  const found = new Map<string, Candidate>();
  tiers.forEach(({ candidates }, tier) => {
    for (const options of candidates) {
      for (const model of modelsLike(options.model, known.catalogues)) {
        if (!found.has(model)) found.set(model, candidateOf(model, tier, options, known));
      }
    }
  });
  return [...found.values()];
}

/** A pattern names the models of the catalogues by their first names, so that none is there twice. */
function modelsLike(pattern: string, catalogues: readonly Catalogue[]): string[] {
  if (!pattern.includes("*")) return [pattern];
  const matches = modelGlob(pattern);
  const names = catalogues.flatMap(({ models }) => models.map(({ model }) => model));
  return [...new Set(names.filter(matches))];
}

type Options = ChoiceOptions["tiers"][number]["candidates"][number];

function candidateOf(
  model: string,
  tier: number,
  { abilities, context_tokens, max_output_tokens, families }: Options,
  { catalogues, priceOf }: Known,
): Candidate {
  const known = firstOf(catalogues, model);
  return {
    ...{ model, tier },
    abilities: new Set(abilities.length > 0 ? abilities : (known?.abilities ?? [])),
    context: context_tokens ?? known?.context ?? Number.POSITIVE_INFINITY,
    maxOutput: max_output_tokens ?? known?.max_output ?? Number.POSITIVE_INFINITY,
    families: families.length > 0 ? families : (known?.families ?? ["openai"]),
    price: priceOf(model),
    thinks: reasons(model),
  };
}

function firstOf(catalogues: readonly Catalogue[], model: string): CatalogueModel | undefined {
  for (const { find } of catalogues) {
    const known = find(model);
    if (known) return known;
  }
  return undefined;
}

/** Why a candidate cannot serve a request, in one word; undefined where it can. */
export type WhyNot = "family" | "context" | "output" | Need;

// An estimate of tokens is off by about so much.
const margin = 1.15;

export function whyNot(candidate: Candidate, reading: Reading, family: string): WhyNot | undefined {
  if (!candidate.families.includes(family)) return "family";
  const { tokens, outputBound = 0, needs } = reading;
  if (outputBound > candidate.maxOutput) return "output";
  if (tokens * margin + outputBound > candidate.context) return "context";
  for (let i = 0; i < needs.length; i++) {
    if (!candidate.abilities.has(needs[i]!)) return needs[i];
  }
  return undefined;
}

/**
 * What a request is likely to cost with a candidate, in US dollars; infinite where its price is unknown.
 * @param inputTokens of the whole prompt, or of that with which the conversation began
 */
export function expectedUsd(
  { price, thinks }: Candidate,
  inputTokens: number,
  { outputBound: bound, answers, asked }: Reading,
  expected: ExpectedTokens,
): number {
  if (!price) return Number.POSITIVE_INFINITY;
  const length = { thinks: thinks || asked.effort !== undefined, bound, answers };
  return likelyUsd(price, inputTokens, expectedOutput(expected, length));
}
