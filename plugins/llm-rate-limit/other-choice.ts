// Which other model a request may go on as that a choice was made for, where the limits have no room for
// the first: where dollars are lacking, one that costs less.

import { decisiveChoice } from "../../stages/choice";
import type { Exchange } from "../../stages/exchange";
import { type Demand, likelyCost } from "./demand";
import type { Limit } from "./limit";
import type { Limiter } from "./limiter";

/** An attempt that was refused: as which model, what it demanded, and which limits have no room. */
interface Refused {
  model: string;
  demand: Demand;
  full: readonly Limit[];
}

/** The next in the order of the choice; undefined where none would help. */
export function otherChoice(
  { model, demand, full }: Refused,
  { ticket }: Exchange,
  { priceOf }: Pick<Limiter, "priceOf">,
  tried: ReadonlySet<string>,
): string | undefined {
  const choice = decisiveChoice(ticket);
  if (!choice) return undefined;
  const ofAllModels = full.filter((limit) => limit.model === undefined);
  if (ofAllModels.some(({ measure }) => measure !== "cost_usd")) return undefined;

  const costOf = (name: string) => {
    const price = priceOf(name);
    return price ? likelyCost(price, demand) : Number.POSITIVE_INFINITY;
  };
  const mustCostLess = ofAllModels.length > 0;
  return choice.models
    .map(([name]) => name)
    .find((name) => {
      if (name === model || tried.has(name)) return false;
      return !mustCostLess || costOf(name) < costOf(model);
    });
}
