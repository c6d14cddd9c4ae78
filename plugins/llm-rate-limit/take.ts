// Takes what a request demands from its limits: as the model that was chosen for it, and where that
// model's own limits have no room, as its fallback.

import { familyOf, rowOf } from "../../families/endpoint";
import { nameInHeader } from "../../models/name";
import type { Price } from "../../models/price";
import type { Exchange } from "../../stages/exchange";
import { maySendAs, sendAs } from "../../stages/send-as";
import type { Taken } from "./counts";
import { type Demand, demandOf, noDemand, takesOf } from "./demand";
import type { Identity } from "./identity";
import type { Limit, Take } from "./limit";
import type { Limiter } from "./limiter";
import { countFallback } from "./metrics";
import type { Policy } from "./open-counts";
import type { ModelRule, Rules } from "./rules";

/** What came of it, as the last model that was tried; undefined where the request names none. */
export type Attempt = { model: string | undefined } & (
  | { result: "unlimited" }
  /** Its cost is limited, and no price is known of this model. */
  | { result: "unpriced"; unpriced: string | undefined }
  /** Redis is down, and the operator chose not to count without it. */
  | { result: "uncounted"; choice: "allow" | "refuse" }
  | ({ result: "refused" } & Asked)
  | ({ result: "taken" } & Asked)
);

/** What was asked of the counts, and what they say. */
interface Asked {
  demand: Demand;
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
    const own = [...(rules?.base ?? []), ...(rule?.limits ?? [])].map((limit) => ({ limit }));
    const others = limiter.levelsFor?.(exchange, model) ?? [];
    const attempt = await takeAs(model, [...own, ...others], exchange, identity, limiter);
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
  whose: Pick<Take, "limit" | "who">[],
  exchange: Exchange,
  identity: Identity,
  { options, priceOf, counts }: Limiter,
): Promise<Attempt> {
  const met = takesUsage(exchange) ? whose : whose.filter(({ limit }) => !countsUsage(limit));
  if (met.length === 0) return { model, result: "unlimited" };
  const limits = met.map(({ limit }) => limit);
  const prices: Price[] = [];
  for (const billed of limits.some(countsCost) ? modelsBilled(model, exchange) : []) {
    const price = billed === undefined ? undefined : priceOf(billed);
    if (price) prices.push(price);
    else if (exchange.body && options.unpriced_models === "refuse") {
      return { model, result: "unpriced", unpriced: billed };
    }
  }
  const demand = limits.some(countsUsage) ? demandOf(exchange, options) : noDemand;
  const takes = takesOf(met, demand, prices);
  const counted = await counts.take(identity.key, exchange.request.id, takes, demand.output);
  if ("uncounted" in counted) return { model, result: "uncounted", choice: counted.uncounted };
  return { model, result: counted.taken ? "taken" : "refused", counted, demand, takes };
}

/** To count the tokens of a prompt costs nothing, so no budget that is spent closes it. */
function takesUsage({ ticket }: Exchange): boolean {
  return rowOf(ticket.endpoint)?.counts !== "nothing";
}

/** At whose prices it may be billed: the upstream may call some models beside the one that serves. */
function modelsBilled(model: string | undefined, { body, ticket }: Exchange) {
  const beside = body ? familyOf(ticket.endpoint).modelsBeside(body.value) : [];
  return [model, ...beside];
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
