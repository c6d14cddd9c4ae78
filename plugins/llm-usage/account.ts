// What a request took and cost, and under which names it is counted: values in, values out, so that
// the metrics and the usage line say the same.

import { costOf } from "../../models/cost";
import type { PriceOf } from "../../models/price";
import { noUsage, type Usage } from "../../models/usage";
import type { AskedUnits } from "../../openai/asked-units";
import type { Outcome } from "../../stages/outcome";
import { usageOfHit, usageOfOutcome } from "../../stages/outcome-usage";
import type { Ended } from "../../telemetry/ended";

/** What telemetry is told of it, too. */
export type Account = Ended["account"];

/** What the stage knew of the request before it went upstream. */
export interface Asked {
  model?: string;
  /** Estimated input tokens. */
  tokens?: number;
  /** What it asks for beside tokens. */
  units?: AskedUnits;
}

export interface Books {
  priceOf: PriceOf;
  /** Models that may become labels. */
  labels: ReadonlySet<string>;
}

export function accountOf(outcome: Outcome, asked: Asked, books: Books): Account {
  const named = outcome.ticket.model;
  const model = named?.served ?? asked.model;
  const { provider } = outcome.ticket;
  const served = { model, provider };
  const usage = usageOfOutcome(outcome, asked.tokens ?? 0, asked.units);
  return {
    requested_model: named?.requested ?? asked.model,
    model,
    label: labelOf(named?.label, model, books.labels),
    usage,
    cost_usd: costBy(usage, served, outcome, books),
    saved_usd: costBy(usageOfHit(outcome), served, outcome, books),
  };
}

/** What a usage costs at a model's price, at its provider; undefined where either is not known. */
export function costBy(
  usage: Usage | undefined,
  { model, provider }: { model: string | undefined; provider?: string },
  { ended_at }: Pick<Outcome, "ended_at">,
  { priceOf }: Pick<Books, "priceOf">,
): number | undefined {
  if (usage === noUsage) return 0;
  const priceAt = (name: string) => priceOf(name, provider);
  const price = model === undefined ? undefined : priceAt(model);
  return usage && price ? costOf(usage, price, ended_at, priceAt) : undefined;
}

function labelOf(given: string | undefined, model: string | undefined, labels: Books["labels"]) {
  if (given !== undefined && given !== "other") return given;
  return model !== undefined && labels.has(model) ? model : "other";
}
