// Mistakes in the options of llm-route: names that are never reached, tiers that do not exist, models of
// which nobody knows what they cost or can do.

import { catalogue, pricesOver } from "../../models/catalogue";
import { modelGlob } from "../../models/glob";
import { error, type Mistake, shadowed, warning } from "../../stages/mistake";
import type { ChoiceOptions, RouteOptions } from "./schema";

export function traps(options: RouteOptions): Mistake[] {
  return [
    ...shadowed("choices", options.choices, "name", "shadowed-choice"),
    ...options.choices.flatMap((choice, index) =>
      [
        ...unknownTiers(choice),
        ...unreachedTiers(choice),
        ...standTwice(choice),
        ...(options.catalogue_file === undefined ? unknownModels(choice, options) : []),
      ].map((mistake) => ({ ...mistake, path: ["choices", index, ...mistake.path] })),
    ),
  ];
}

function unknownTiers({ tiers, rules, wishes }: ChoiceOptions): Mistake[] {
  const names = tiers.map(({ name }) => name);
  const message = (tier: string) => `"${tier}" is no tier: there are ${names.join(", ")}`;
  return [
    ...rules.flatMap(({ tier }, rule) =>
      names.includes(tier)
        ? []
        : [error(["rules", rule, "tier"], "unknown-tier", `${message(tier)}; the rule is skipped`)],
    ),
    ...wishes.flatMap(({ tiers: wished }, wish) =>
      wished.flatMap((glob, at) =>
        names.some(modelGlob(glob))
          ? []
          : [error(["wishes", wish, "tiers", at], "unknown-tier", message(glob))],
      ),
    ),
  ];
}

/** A tier gets what is above the one before it. */
function unreachedTiers({ tiers }: ChoiceOptions): Mistake[] {
  let highest = -1;
  return tiers.flatMap(({ name, difficulty_up_to: own }, tier) => {
    const upTo = own ?? Math.floor(((tier + 1) * 100) / tiers.length);
    const isNamedBefore = tiers.findIndex((other) => other.name === name) < tier;
    const isReached = upTo > highest || tier === tiers.length - 1;
    highest = Math.max(highest, upTo);
    if (isNamedBefore) {
      return [error(["tiers", tier, "name"], "tier-twice", `"${name}" stands here twice`)];
    }
    if (isReached) return [];
    const message = `is never reached by difficulty: a tier before it goes up to ${highest}`;
    return [error(["tiers", tier, "difficulty_up_to"], "unreached-tier", message)];
  });
}

function standTwice({ tiers }: ChoiceOptions): Mistake[] {
  const seen = new Set<string>();
  return tiers.flatMap(({ candidates }, tier) =>
    candidates.flatMap(({ model }, candidate) => {
      const path = ["tiers", tier, "candidates", candidate, "model"];
      if (seen.has(model)) {
        return [warning(path, "candidate-twice", `"${model}" stands before: it counts there`)];
      }
      seen.add(model);
      return [];
    }),
  );
}

function unknownModels(
  { tiers, baseline }: ChoiceOptions,
  { prices = [] }: RouteOptions,
): Mistake[] {
  const priceOf = pricesOver(prices);
  const { models, find } = catalogue();
  const ofCandidates = tiers.flatMap(({ candidates }, tier) =>
    candidates.flatMap(({ model, abilities }, candidate): Mistake[] => {
      const path = ["tiers", tier, "candidates", candidate, "model"];
      if (model.includes("*")) {
        if (models.some((one) => modelGlob(model)(one.model))) return [];
        return [error(path, "no-candidate", `matches no model of the catalogue`)];
      }
      if (!priceOf(model)) {
        const message = `has no price: it is chosen behind all others of its tier; name it in prices`;
        return [warning(path, "unpriced-candidate", message)];
      }
      if (find(model) || abilities.length > 0) return [];
      const message = "is not in the catalogue: say its abilities, or it gets nothing but text";
      return [warning(path, "unknown-candidate", message)];
    }),
  );
  if (baseline === "" || priceOf(baseline)) return ofCandidates;
  const message = "has no price: what is saved against it cannot be told";
  return [...ofCandidates, warning(["baseline"], "unpriced-baseline", message)];
}
