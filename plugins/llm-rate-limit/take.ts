// Takes what a request demands from its limits: as the model that was chosen for it, and where that
// model's own limits have no room, as its fallback.

import { asksNoModel, familyOf } from "../../families/endpoint";
import { nameInHeader } from "../../models/name";
import type { Price } from "../../models/price";
import type { Exchange } from "../../stages/exchange";
import { maySendAs, sendAs } from "../../stages/send-as";
import type { Taken } from "./counts";
import { type Demand, demandOf, noDemand, takesOf } from "./demand";
import type { Identity } from "./identity";
import { type Limit, type Take, tallyName } from "./limit";
import type { Limiter } from "./limiter";
import { countFallback, countMove } from "./metrics";
import { areSame, type Move } from "./on-share";
import type { Policy } from "./open-counts";
import { otherChoice } from "./other-choice";
import { demandOfAll, heldTo, isMore, limitsAs, pricesOfOthers, type Whose } from "./other-tries";
import type { ModelRule, Rules } from "./rules";

/** What came of it, as the last model that was tried; undefined where the request names none. */
export type Attempt = {
  model: string | undefined;
  /** The budget whose share has moved it to that model. */
  moved_by?: string | undefined;
} & (
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
  const { onShare, options } = limiter;
  const limitsOf = (model: string | undefined) => limitsAs(model, exchange, rules, limiter);
  const tried = new Set<string>();
  let model = servedModel(exchange);
  let met = limitsOf(model);
  let moved_by: string | undefined;
  const goOnAs = (other: string) => {
    if (model !== undefined) tried.add(model);
    sendAs(exchange, other);
    model = other;
    met = limitsOf(other);
  };

  const foreseen =
    model === undefined ? undefined : onShare?.foreseen(exchange, model, identity, met);
  if (foreseen) {
    goOnAs(foreseen.model);
    moved_by = foreseen.by;
  }
  for (;;) {
    const attempt: Attempt = {
      moved_by,
      ...(await takeForAll(model, met, exchange, identity, rules, limiter)),
    };
    const move = moveSeen(attempt, exchange, identity, limiter);
    if (move && moved_by === undefined) {
      if (attempt.result === "taken") {
        // What was taken for the dearer one is enough, where it was taken from the same limits.
        if (!areSame(met, limitsOf(move.model))) return attempt;
        sendAs(exchange, move.model);
        return { ...attempt, model: move.model, moved_by: move.by };
      }
      goOnAs(move.model);
      moved_by = move.by;
      continue;
    }
    const rule = model === undefined ? undefined : rules?.forModel(model);
    const fallback = fallbackOf(attempt, rule) ?? chosenInstead(attempt, exchange, limiter, tried);
    if (fallback === undefined || options.dry_run) return attempt;
    if (fallback === model || tried.has(fallback) || !maySendAs(exchange, fallback)) return attempt;
    goOnAs(fallback);
  }
}

/** Takes for all tries of a request; where there is no room for that, for its first alone. */
async function takeForAll(
  model: string | undefined,
  met: Whose[],
  exchange: Exchange,
  identity: Identity,
  rules: Rules | undefined,
  limiter: Limiter,
): Promise<Attempt> {
  if (exchange.others?.length) exchange.others = heldTo(met, exchange, rules, limiter);
  const attempt = await takeAs(model, met, exchange, identity, limiter);
  if (attempt.result !== "refused" || !attempt.isRaised) return attempt;
  exchange.others = [];
  return takeAs(model, met, exchange, identity, limiter);
}

/** Where a request goes instead, by what a decision has seen of its budgets. */
function moveSeen(
  attempt: Attempt,
  exchange: Exchange,
  identity: Identity,
  { onShare }: Limiter,
): Move | undefined {
  const { model } = attempt;
  if (!onShare || model === undefined || !("counted" in attempt)) return undefined;
  const { counted, takes } = attempt;
  const isTaken = attempt.result === "taken";
  const taken = takes.map(({ amount, each }) => (isTaken ? amount + each * counted.output : 0));
  return onShare.seen(exchange, model, identity, counted.limits, taken);
}

/** Sends the request on as the model that it was taken as, where that is a fallback. */
export function serveAs({ model, moved_by }: Attempt, exchange: Exchange): void {
  const { ticket, body, responseHeaders } = exchange;
  const left = servedModel(exchange);
  if (model === undefined || left === undefined || model === left) return;
  body?.set("model", model);
  const fallback_from = ticket.model?.fallback_from ?? left;
  const requested = ticket.model?.requested ?? left;
  const moved = moved_by !== undefined && { moved_from: left };
  ticket.model = { requested, served: model, label: model, fallback_from, ...moved };
  responseHeaders["X-LLM-Model"] = nameInHeader(model);
  responseHeaders["X-LLM-Fallback"] = nameInHeader(fallback_from);
  if (moved_by === undefined) {
    countFallback(model);
    return;
  }
  responseHeaders["X-LLM-Fallback-Reason"] = "budget-share";
  countMove(model);
}

async function takeAs(
  model: string | undefined,
  whose: Whose[],
  exchange: Exchange,
  identity: Identity,
  { options, priceOf, counts }: Limiter,
): Promise<Attempt> {
  const those = takesUsage(exchange) ? whose : whose.filter(({ limit }) => !countsUsage(limit));
  const met = eachOnce(those, identity);
  if (met.length === 0) return { model, result: "unlimited" };
  const limits = met.map(({ limit }) => limit);
  const prices: Price[] = [];
  for (const billed of limits.some(countsCost) ? modelsBilled(model, exchange) : []) {
    const provider = billed === model ? exchange.ticket.provider : undefined;
    const price = billed === undefined ? undefined : priceOf(billed, provider);
    if (price) prices.push(price);
    else if (exchange.body && options.unpriced_models === "refuse") {
      return { model, result: "unpriced", unpriced: billed };
    }
  }
  const first = limits.some(countsUsage) ? demandOf(exchange, options) : noDemand;
  const demand = demandOfAll(first, exchange, options.hard_cap);
  const others = limits.some(countsCost) ? pricesOfOthers(exchange, priceOf) : [];
  const takes = takesOf(met, demand, [...prices, ...others]);
  const isForOthers = demand !== first || others.length > 0;
  const isRaised = isForOthers && isMore(takes, takesOf(met, first, prices), demand, first);
  const counted = await counts.take(identity.key, exchange.request.id, takes, demand.output);
  if ("uncounted" in counted) return { model, result: "uncounted", choice: counted.uncounted };
  return { model, result: counted.taken ? "taken" : "refused", counted, demand, takes, isRaised };
}

/**
 * One tally is taken from once: a consumer may be limited as `limit_by` and as a level, and of two limits
 * of one measure and window the smaller holds.
 */
function eachOnce(whose: Whose[], { key }: Identity): Whose[] {
  if (!whose.some(({ who }) => who?.key === key)) return whose;
  const once = new Map<string, Whose>();
  for (const one of whose) {
    const name = tallyName("", one.who?.key ?? key, one.limit);
    const before = once.get(name);
    if (!before || one.limit.most < before.limit.most) once.set(name, one);
  }
  return [...once.values()];
}

/** To count the tokens of a prompt costs nothing, so no budget that is spent closes it. */
function takesUsage({ ticket }: Exchange): boolean {
  return !asksNoModel(ticket.endpoint);
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

/** Another model of the choice that was made for the request. */
function chosenInstead(
  attempt: Attempt,
  exchange: Exchange,
  limiter: Limiter,
  tried: ReadonlySet<string>,
): string | undefined {
  if (attempt.result !== "refused" || attempt.model === undefined) return undefined;
  const { model, demand, counted } = attempt;
  const full = counted.limits.filter(({ waitMs }) => waitMs > 0).map(({ limit }) => limit);
  return otherChoice({ model, demand, full }, exchange, limiter, tried);
}

function countsUsage({ measure }: Limit): boolean {
  return measure !== "requests" && measure !== "concurrency";
}

function countsCost({ measure }: Limit): boolean {
  return measure === "cost_usd";
}
