// Mistakes in the options of llm-models: names and rules that can never be reached, or serve nobody.

import {
  error,
  hiddenPrices,
  type Mistake,
  redisMissing,
  shadowed,
  warning,
} from "../../stages/mistake";
import { balanceTraps } from "./balance-traps";
import { providerTraps } from "./provider-traps";
import type { ModelsOptions } from "./schema";

export function traps(options: ModelsOptions): Mistake[] {
  return [
    ...shadowed("aliases", options.aliases, "name", "shadowed-alias"),
    ...chainedAliases(options),
    ...globbedTargets(options),
    ...ownFallbacks(options),
    ...providerTraps(options),
    ...balanceTraps(options),
    ...hiddenPrices(options.prices ?? [], options.providers),
    ...nothingKnown(options),
    ...unreachableRules(options),
    ...defaultAboveLimit(options),
    ...noConsumerNeeded(options),
    ...redisMissing(options),
  ];
}

/** Aliases are followed once. */
function chainedAliases({ aliases }: ModelsOptions): Mistake[] {
  const names = new Set(aliases.map(({ name }) => name));
  return aliases.flatMap(({ name, target, targets }, index) => {
    const models = [
      { model: target, path: ["target"] },
      ...targets.map(({ model }, place) => ({ model, path: ["targets", place, "model"] })),
    ];
    return models
      .filter(({ model }) => names.has(model) && model !== name)
      .map(({ model, path }) =>
        error(
          ["aliases", index, ...path],
          "chained-alias",
          `"${model}" is an alias itself, and goes upstream as it is: name its model`,
        ),
      );
  });
}

/** A name of the upstream, where only a client's name may be a pattern. */
function globbedTargets({ aliases }: ModelsOptions): Mistake[] {
  return aliases.flatMap(({ target, targets, fallbacks }, index) =>
    [
      { model: target, path: ["target"] },
      ...targets.map(({ model }, place) => ({ model, path: ["targets", place, "model"] })),
      ...fallbacks.map((model, place) => ({ model, path: ["fallbacks", place] })),
    ]
      .filter(({ model }) => model.includes("*"))
      .map(({ model, path }) => {
        const message = `"${model}" goes upstream with its asterisk: name one model`;
        return error(["aliases", index, ...path], "target-is-pattern", message);
      }),
  );
}

function ownFallbacks({ aliases }: ModelsOptions): Mistake[] {
  return aliases.flatMap(({ target, fallbacks }, index) =>
    fallbacks.flatMap((fallback, place) => {
      if (fallback !== target) return [];
      const path = ["aliases", index, "fallbacks", place];
      return [error(path, "own-fallback", `"${target}" cannot take over from itself`)];
    }),
  );
}

/** With unknown_models: reject every request is a 404 when no name is known. */
function nothingKnown({ unknown_models, aliases, models }: ModelsOptions): Mistake[] {
  if (unknown_models !== "reject" || aliases.length > 0 || models.length > 0) return [];
  const message = "every model is unknown: name some in aliases or models";
  return [error(["unknown_models"], "nothing-known", message)];
}

function unreachableRules({ access }: ModelsOptions): Mistake[] {
  const forAll = access.findIndex(
    ({ consumers, tags }) => consumers.length + tags.length === 0 || consumers.includes("*"),
  );
  const message = `is never reached: access[${forAll}] before it is for everybody`;
  return access.flatMap((_, index) => {
    const isHidden = forAll >= 0 && index > forAll;
    return isHidden ? [error(["access", index], "unreachable-rule", message)] : [];
  });
}

function defaultAboveLimit({ defaults, max_tokens_limit }: ModelsOptions): Mistake[] {
  if (max_tokens_limit === 0 || defaults.max_tokens <= max_tokens_limit) return [];
  const message = `is lowered to max_tokens_limit, which is ${max_tokens_limit}`;
  return [warning(["defaults", "max_tokens"], "default-above-limit", message)];
}

function noConsumerNeeded({ require_consumer }: ModelsOptions): Mistake[] {
  if (require_consumer) return [];
  const message = "should key-auth ever be left out, requests without a key pass: leave it true";
  return [warning(["require_consumer"], "require-consumer", message)];
}
