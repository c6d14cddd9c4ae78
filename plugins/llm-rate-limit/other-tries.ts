// What is taken for a request that Kong may try again as another model: enough for the dearest of its tries.
// A model with limits of its own is no try of a request that was taken as another one: it serves from the
// next request on, when these limits are asked.

import { familyOf } from "../../families/endpoint";
import type { Price } from "../../models/price";
import type { Exchange } from "../../stages/exchange";
import { sendAs } from "../../stages/send-as";
import type { OtherTry } from "../../stages/upstream";
import type { Demand } from "./demand";
import { type Take, tallyName } from "./limit";
import type { Limiter } from "./limiter";
import type { Rules } from "./rules";

/** A limit, and whose it is where it is not that of the identity that asks. */
export type Whose = Pick<Take, "limit" | "who">;

/** What limits a request as this model. */
export function limitsAs(
  model: string | undefined,
  exchange: Exchange,
  rules: Rules | undefined,
  { levelsFor }: Pick<Limiter, "levelsFor">,
): Whose[] {
  const rule = model === undefined ? undefined : rules?.forModel(model);
  const own = [...(rules?.base ?? []), ...(rule?.limits ?? [])].map((limit) => ({ limit }));
  return [...own, ...(levelsFor?.(exchange, model) ?? [])];
}

/** Those of the other tries that the limits of the first hold for, and whose cost can be told. */
export function heldTo(
  first: readonly Whose[],
  exchange: Exchange,
  rules: Rules | undefined,
  { levelsFor, options, priceOf }: Limiter,
): OtherTry[] {
  const known = new Set(first.map(nameOf));
  const needsPrice =
    options.unpriced_models === "refuse" && first.some(({ limit }) => limit.measure === "cost_usd");
  return (exchange.others ?? []).filter((other) => {
    const provider = other.upstream?.provider ?? exchange.ticket.provider;
    const as = { ...exchange, ticket: { ...exchange.ticket, provider } };
    const limits = limitsAs(other.model, as, rules, { levelsFor });
    return (
      limits.every((one) => known.has(nameOf(one))) &&
      (!needsPrice || priceOf(other.model, provider))
    );
  });
}

/** The demand of all tries together: with the longest answer that one of them may give. */
export function demandOfAll(first: Demand, exchange: Exchange, hardCap: boolean): Demand {
  if (first.output.wanted === 0 || !exchange.others?.length) return first;
  const bounds = exchange.others.map((other) => boundOf(exchange, other) ?? 0);
  const wanted = Math.max(first.output.wanted, ...bounds);
  return { ...first, output: { wanted, least: hardCap ? first.output.least : wanted } };
}

/** What the other tries may be billed at, as far as it is known. */
export function pricesOfOthers(
  { others = [], ticket }: Exchange,
  priceOf: Limiter["priceOf"],
): Price[] {
  return others.flatMap(
    ({ model, upstream }) => priceOf(model, upstream?.provider ?? ticket.provider) ?? [],
  );
}

/** Whether more is taken than for the first try alone. */
export function isMore(all: Take[], alone: Take[], { output }: Demand, first: Demand): boolean {
  const isDearer = all.some(
    ({ amount, each }, i) => amount > alone[i]!.amount || each > alone[i]!.each,
  );
  return isDearer || output.wanted > first.output.wanted;
}

function boundOf(exchange: Exchange, { model }: OtherTry): number | undefined {
  const { ticket } = exchange;
  const body = exchange.body!.copy();
  const apart = { body, responseHeaders: {}, upstreamHeaders: {}, ticket: { ...ticket } };
  sendAs({ ...exchange, ...apart }, model);
  return familyOf(ticket.endpoint).outputBound(ticket.endpoint, body);
}

function nameOf({ limit, who }: Whose): string {
  return tallyName("", who?.key ?? "", limit);
}
