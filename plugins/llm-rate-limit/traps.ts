// Mistakes in the options of llm-rate-limit: limits that limit nothing, or that others make pointless.

import { error, type Mistake, redisMissing, shadowed, warning } from "../../stages/mistake";
import { measures } from "./limit";
import type { RateLimitOptions } from "./schema";
import { type Scope, scopesOf } from "./scopes";
import { softLimitTraps } from "./soft-limit-traps";
import { windows } from "./windows";

export function traps(options: RateLimitOptions): Mistake[] {
  return [
    ...limitsNothing(options),
    ...scopesOf(options).flatMap(widerIsTighter),
    ...unreachableLevels(options),
    ...unreachableTiers(options),
    ...softLimitTraps(options),
    ...shadowed("models", options.models, "match", "shadowed-limit"),
    ...shadowed("prices", options.prices ?? [], "model", "shadowed-price"),
    ...redisMissing(options),
  ];
}

/** An entry behind one of its kind that is for all of them. */
function unreachableLevels({ levels }: RateLimitOptions): Mistake[] {
  return levels.flatMap((level, index) => {
    const earlier = levels
      .slice(0, index)
      .find(({ by, names }) => by === level.by && names.length === 0);
    if (!earlier) return [];
    const message = `is never reached: an entry before it is for every ${level.by.replace("_", " ")}`;
    return [error(["levels", index], "shadowed-level", message)];
  });
}

/** Behind a tier that is for every consumer none is reached. */
function unreachableTiers({ tiers }: RateLimitOptions): Mistake[] {
  const forAll = tiers.findIndex(({ consumers }) => consumers.includes("*"));
  if (forAll < 0 || forAll === tiers.length - 1) return [];
  const message = `is never reached: tiers[${forAll}] before it is for every consumer`;
  return [error(["tiers", forAll + 1], "unreachable-tier", message)];
}

function limitsNothing(options: RateLimitOptions): Mistake[] {
  const amounts = scopesOf(options).flatMap(({ scope }) => measures.map((one) => scope[one] ?? {}));
  const isLimited = amounts.some((one) => typeof one === "number" || Object.keys(one).length > 0);
  if (isLimited) return [];
  const message = "sets no limit: give it requests, tokens or cost_usd";
  return [warning([], "limits-nothing", message)];
}

/** A month that allows less than a day. */
function widerIsTighter({ scope, path }: { scope: Scope; path: PropertyKey[] }): Mistake[] {
  return measures.flatMap((measure) => {
    const amounts = scope[measure];
    if (typeof amounts !== "object") return [];
    const set = windows.flatMap((window) => {
      const most = amounts[window];
      return most === undefined ? [] : [{ window, most }];
    });
    return set.slice(1).flatMap((wide, index) => {
      const narrow = set[index]!;
      if (wide.most >= narrow.most) return [];
      const message = `${narrow.most} is never reached: ${wide.window} allows only ${wide.most}`;
      return [warning([...path, measure, narrow.window], "never-reached", message)];
    });
  });
}
