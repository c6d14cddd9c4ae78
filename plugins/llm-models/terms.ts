// What holds for a request to a model: the defaults, limits and peculiarities that the options give
// it. For the alias asked for before the model, for the model before all.

import { catalogue } from "../../models/catalogue";
import { modelGlob } from "../../models/glob";
import { nameGlobs } from "../../models/reasoning";
import type { Route } from "./resolve";
import type { ModelsOptions } from "./schema";

export interface Terms {
  /** The model that serves. */
  model: string;
  /** Undefined where none is to be sent. */
  temperature: number | undefined;
  /** Default bound of the answer's length in tokens; undefined where none is to be sent. */
  maxTokens: number | undefined;
  /** Highest bound in tokens; Infinity where there is none. */
  maxTokensLimit: number;
  /** Longest answer that the model is known to give, in tokens; Infinity where nobody knows. */
  maxOutput: number;
  /** Most tokens of prompt and answer together; Infinity where nobody knows. */
  context: number;
  /** That default is the operator's word for this alias or these models, not the one for all. */
  isOwnMaxTokens: boolean;
  /** It takes max_completion_tokens only. */
  completionTokens: boolean;
  /** It refuses to be told how to sample. */
  fixedTemperature: boolean;
  /** It thinks before it answers, and would spend the default bound for all on that. */
  reasons: boolean;
}

/** The terms of a served model, for a request whose name had these defaults. */
export type TermsOf = (served: string, defaults: Route["defaults"]) => Terms;

export function terms(options: ModelsOptions): TermsOf {
  const rules = options.model_rules.map((rule) => ({ rule, matches: modelGlob(rule.model) }));
  const completionTokens = nameGlobs(options.completion_tokens_models);
  const fixedTemperature = nameGlobs(options.fixed_temperature_models);
  const reasons = nameGlobs(options.reasoning_models);
  const termsOf: TermsOf = (served, defaults) => {
    const rule = rules.find(({ matches }) => matches(served))?.rule;
    const isFixed = fixedTemperature(served);
    const temperature = defaults.temperature ?? rule?.temperature ?? options.defaults.temperature;
    const ownMaxTokens = defaults.max_tokens ?? rule?.max_tokens;
    const maxTokens = ownMaxTokens ?? options.defaults.max_tokens;
    const limit = rule?.max_tokens_limit ?? options.max_tokens_limit;
    const known = catalogue().find(served);
    return {
      model: served,
      temperature: isFixed || temperature < 0 ? undefined : temperature,
      maxTokens: maxTokens === 0 ? undefined : maxTokens,
      isOwnMaxTokens: ownMaxTokens !== undefined,
      maxTokensLimit: limit === 0 ? Number.POSITIVE_INFINITY : limit,
      maxOutput: known?.max_output ?? Number.POSITIVE_INFINITY,
      context: known?.context ?? Number.POSITIVE_INFINITY,
      completionTokens: completionTokens(served),
      fixedTemperature: isFixed,
      reasons: reasons(served),
    };
  };
  return remembered(termsOf);
}

// Clients ask for the same few models again and again, and globs cost more than all else here.
const mostRemembered = 500;

function remembered(termsOf: TermsOf): TermsOf {
  const byDefaults = new WeakMap<Route["defaults"], Map<string, Terms>>();
  return (served, defaults) => {
    const known = byDefaults.get(defaults) ?? new Map<string, Terms>();
    byDefaults.set(defaults, known);
    const before = known.get(served);
    if (before) return before;
    const found = termsOf(served, defaults);
    if (known.size < mostRemembered && served.length <= 200) known.set(served, found);
    return found;
  };
}
