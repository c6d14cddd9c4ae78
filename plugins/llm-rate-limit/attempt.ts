// One try after the other to let a request take from its limits: as the model that was chosen for
// it, and where that model's own limits have no room, as its fallback.

import type { Price } from "../../models/price";
import type { Exchange } from "../../stages/exchange";
import { maySendAs, sendAs } from "../../stages/send-as";
import type { Counted, Counter } from "./counter";
import type { Identity } from "./identity";
import type { Limit, Take } from "./limit";
import { type Demand, demandOf, noDemand, takesOf } from "./reservation";
import type { RateLimitOptions } from "./schema";
import type { ModelRule, Rules } from "./tiers";

export interface Attempt {
  /** The model that it was tried as; undefined where the request names none. */
  model: string | undefined;
  demand: Demand;
  takes: Take[];
  /** Or: nothing limits this model; its cost is limited, and no price is known. */
  result: Counted | "unlimited" | "unpriced";
}

export interface Means {
  options: RateLimitOptions;
  priceOf(model: string): Price | undefined;
  counter: Counter;
}

/** Takes what the request demands, as the first model on its way whose limits have room. */
export async function attempt(
  exchange: Exchange,
  identity: Identity,
  rules: Rules,
  means: Means,
): Promise<Attempt> {
  const tried = new Set<string>();
  let model = servedModel(exchange);
  for (;;) {
    const rule = model === undefined ? undefined : rules.forModel(model);
    const made = await attemptAs(model, rule, exchange, identity, rules, means);
    const fallback = fallbackOf(made, rule);
    if (model === undefined || fallback === undefined || means.options.dry_run) return made;
    tried.add(model);
    if (tried.has(fallback) || !maySendAs(exchange, fallback)) return made;
    sendAs(exchange, fallback);
    model = fallback;
  }
}

/** The model that the request goes upstream as, by the stages before; else the one it names. */
export function servedModel({ ticket, body }: Exchange): string | undefined {
  const named = ticket.model?.served ?? body?.get("model");
  return typeof named === "string" ? named : undefined;
}

async function attemptAs(
  model: string | undefined,
  rule: ModelRule | undefined,
  exchange: Exchange,
  identity: Identity,
  { base }: Rules,
  { options, priceOf, counter }: Means,
): Promise<Attempt> {
  const limits = rule ? [...base, ...rule.limits] : base;
  if (limits.length === 0) return { model, demand: noDemand, takes: [], result: "unlimited" };
  const demand = limits.some(countsUsage) ? demandOf(exchange, options) : noDemand;
  const price = model === undefined ? undefined : priceOf(model);
  const takes = takesOf(limits, demand, price);
  const made = { model, demand, takes };
  if (!price && exchange.body && options.unpriced_models === "refuse" && limits.some(countsCost)) {
    return { ...made, result: "unpriced" };
  }
  const { id } = exchange.request;
  return { ...made, result: await counter.take(identity.key, id, takes, demand.output) };
}

/** The fallback of a model, where nothing but this model's own limits has refused. */
function fallbackOf({ result }: Attempt, rule: ModelRule | undefined): string | undefined {
  if (typeof result === "string" || "uncounted" in result || result.taken) return undefined;
  const full = result.limits.filter(({ waitMs }) => waitMs > 0);
  return full.every(({ limit }) => limit.model !== undefined) ? rule?.fallback : undefined;
}

function countsUsage({ measure }: Limit): boolean {
  return measure !== "requests" && measure !== "concurrency";
}

function countsCost({ measure }: Limit): boolean {
  return measure === "cost_usd";
}
