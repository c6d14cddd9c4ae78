// What holds for a request to a model: the defaults, limits and peculiarities that the options give
// it. For the alias asked for before the model, for the model before all.

import { modelGlob } from "../../models/glob";
import type { Route } from "./resolve";
import type { ModelsOptions } from "./schema";

export interface Terms {
  /** Undefined where none is to be sent. */
  temperature: number | undefined;
  /** Default bound of the answer's length in tokens; undefined where none is to be sent. */
  maxTokens: number | undefined;
  /** Highest bound in tokens; Infinity where there is none. */
  maxTokensLimit: number;
  /** It takes max_completion_tokens only. */
  completionTokens: boolean;
}

/** The terms of a served model, for a request whose name had these defaults. */
export type TermsOf = (served: string, defaults: Route["defaults"]) => Terms;

export function terms(options: ModelsOptions): TermsOf {
  const rules = options.model_rules.map((rule) => ({ rule, matches: modelGlob(rule.model) }));
  const completionTokens = options.completion_tokens_models.map(modelGlob);
  const fixedTemperature = options.fixed_temperature_models.map(modelGlob);
  return (served, defaults) => {
    const rule = rules.find(({ matches }) => matches(served))?.rule;
    const isFixed = fixedTemperature.some((matches) => matches(served));
    const temperature = defaults.temperature ?? rule?.temperature ?? options.defaults.temperature;
    const maxTokens = defaults.max_tokens ?? rule?.max_tokens ?? options.defaults.max_tokens;
    const limit = rule?.max_tokens_limit ?? options.max_tokens_limit;
    return {
      temperature: isFixed || temperature < 0 ? undefined : temperature,
      maxTokens: maxTokens === 0 ? undefined : maxTokens,
      maxTokensLimit: limit === 0 ? Number.POSITIVE_INFINITY : limit,
      completionTokens: completionTokens.some((matches) => matches(served)),
    };
  };
}
