// Takes what a request demands from its limits: as the model that was chosen for it, and where that
// model's own limits have no room, as its fallback.

import { nameInHeader } from "../../models/name";
import type { Exchange } from "../../stages/exchange";
import { maySendAs, sendAs } from "../../stages/send-as";
import type { Taken } from "./counts";
import { type Demand, demandOf, noDemand, takesOf } from "./demand";
import type { Identity } from "./identity";
import type { Limit, Take } from "./limit";
import type { Limiter } from "./limiter";
import { countFallback } from "./metrics";
import type { Policy } from "./open-counts";
import { demandOfAll, heldTo, isMore, limitsAs, type Whose } from "./other-tries";
import type { ModelRule, Rules } from "./rules";

/** What came of it, as the last model that was tried; undefined where the request names none. */
export type Attempt = { model: string | undefined } & (
  | { result: "unlimited" }
  /** Its cost is limited, and no price is known. */
  | { result: "unpriced" }
  /** Redis is down, and the operator chose not to count without it. */
  | { result: "uncounted"; choice: "allow" | "refuse" }
  | ({ result: "refused" } & Asked)
  | ({ result: "taken" } & Asked)
);

/** What was asked of the counts, and what they say. */
interface Asked {
  demand: Demand;
  /** More was asked for than the first try demands, for another one. */
  isRaised: boolean;
  takes: Take[];
  counted: Taken & { policy: Policy };
}

export type TakenAttempt = Extract<Attempt, { result: "taken" }>;

/** Takes as the first model on the request's way whose limits have room. */
export async function take(
  exchange: Exchange,
  identity: Identity,
  rules: Rules | undefined,
  limiter: Limiter,
): Promise<Attempt> {
  const tried = new Set<string>();
  let model = servedModel(exchange);
  for (;;) {
    const rule = model === undefined ? undefined : rules?.forModel(model);
    const whose = limitsAs(model, exchange, rules, limiter);
    if (exchange.others?.length) exchange.others = heldTo(whose, exchange, rules, limiter);
    let attempt = await takeAs(model, whose, exchange, identity, limiter);
    if (attempt.result === "refused" && attempt.isRaised) {
      // Rather one try than none.
      exchange.others = [];
      attempt = await takeAs(model, whose, exchange, identity, limiter);
    }
    const fallback = fallbackOf(attempt, rule);
    if (model === undefined || fallback === undefined || limiter.options.dry_run) return attempt;
    tried.add(model);
    if (tried.has(fallback) || !maySendAs(exchange, fallback)) return attempt;
    sendAs(exchange, fallback);
    model = fallback;
  }
}

/** Sends the request on as the model that it was taken as, where that is a fallback. */
export function serveAs(model: string | undefined, exchange: Exchange): void {
  const { ticket, body, responseHeaders } = exchange;
  const left = servedModel(exchange);
  if (model === undefined || left === undefined || model === left) return;
  body?.set("model", model);
  const fallback_from = ticket.model?.fallback_from ?? left;
  const requested = ticket.model?.requested ?? left;
  ticket.model = { requested, served: model, label: model, fallback_from };
  responseHeaders["X-LLM-Model"] = nameInHeader(model);
  responseHeaders["X-LLM-Fallback"] = nameInHeader(fallback_from);
  countFallback(model);
}

async function takeAs(
  model: string | undefined,
  whose: Whose[],
  exchange: Exchange,
  identity: Identity,
  { options, priceOf, counts }: Limiter,
): Promise<Attempt> {
  if (whose.length === 0) return { model, result: "unlimited" };
  const limits = whose.map(({ limit }) => limit);
  const price = model === undefined ? undefined : priceOf(model);
  if (!price && exchange.body && options.unpriced_models === "refuse" && limits.some(countsCost)) {
    return { model, result: "unpriced" };
  }
  const first = limits.some(countsUsage) ? demandOf(exchange, options) : noDemand;
  const demand = demandOfAll(first, exchange, options.hard_cap);
  const others = exchange.others ?? [];
  const takes = takesOf(whose, demand, price, ...others.map((other) => priceOf(other.model)));
  const isRaised = others.length > 0 && isMore(takes, takesOf(whose, first, price), demand, first);
  const counted = await counts.take(identity.key, exchange.request.id, takes, demand.output);
  if ("uncounted" in counted) return { model, result: "uncounted", choice: counted.uncounted };
  return { model, result: counted.taken ? "taken" : "refused", counted, demand, takes, isRaised };
}

/** The model that the request goes upstream as, by the stages before; else the one it names. */
function servedModel({ ticket, body }: Exchange): string | undefined {
  const named = ticket.model?.served ?? body?.get("model");
  return typeof named === "string" ? named : undefined;
}

/** The fallback of a model, where nothing but this model's own limits has refused. */
function fallbackOf(attempt: Attempt, rule: ModelRule | undefined): string | undefined {
  if (attempt.result !== "refused") return undefined;
  const full = attempt.counted.limits.filter(({ waitMs }) => waitMs > 0);
  return full.every(({ limit }) => limit.model !== undefined) ? rule?.fallback : undefined;
}

function countsUsage({ measure }: Limit): boolean {
  return measure !== "requests" && measure !== "concurrency";
}

function countsCost({ measure }: Limit): boolean {
  return measure === "cost_usd";
}
