// Which requests go on as a cheaper model, because a share of a budget of dollars is used: by what this node
// was told of the budget last, so that no request asks Redis for it.

import { LRUCache } from "lru-cache";
import { rowOf } from "../../families/endpoint";
import { modelGlob } from "../../models/glob";
import type { Price } from "../../models/price";
import type { Exchange } from "../../stages/exchange";
import { maySendAs } from "../../stages/send-as";
import { canServe } from "./can-serve";
import type { LimitState, Spent } from "./counts";
import { demandOf, likelyCost } from "./demand";
import { type Identity, isShared } from "./identity";
import type { Limit, Take } from "./limit";
import type { RateLimitOptions } from "./schema";

export interface Move {
  model: string;
  /** The budget that is nearly used, for the operator. */
  by: string;
}

/** A budget, and how much of it was used before this request. */
interface Used {
  limit: Limit;
  who: Identity;
  share: number;
}

export interface OnShare {
  /** Where a request for this model goes instead, by what is known here of the budgets that it meets. */
  foreseen(exchange: Exchange, model: string, identity: Identity, whose: Whose[]): Move | undefined;
  /** The same by what a decision says of them. @param taken what it took of each */
  seen(
    exchange: Exchange,
    model: string,
    identity: Identity,
    states: LimitState[],
    taken: number[],
  ): Move | undefined;
  settled(spent: Spent[]): void;
}

type Whose = Pick<Take, "limit" | "who">;

/** Undefined where nothing is moved. */
export function onShareOf(
  options: RateLimitOptions,
  priceOf: (model: string) => Price | undefined,
): OnShare | undefined {
  // In a dry run a request stays what it is.
  if (options.on_share.length === 0 || options.dry_run) return undefined;
  const moves = [...options.on_share]
    .sort((one, other) => other.share - one.share)
    .map(({ share, model, match }) => ({ share, model, matches: modelGlob(match) }));
  const known = new LRUCache<string, { share: number; until: number }>({ max: 20_000 });

  function moveFrom(exchange: Exchange, model: string, budgets: Used[]): Move | undefined {
    const [nearest] = budgets.sort((one, other) => other.share - one.share);
    if (!nearest || !rowOf(exchange.ticket.endpoint)?.bounded) return undefined;
    const move = moves.find(
      (one) =>
        nearest.share >= one.share &&
        one.matches(model) &&
        isCheaper(one.model, model, exchange) &&
        canServe(one.model, exchange) &&
        maySendAs(exchange, one.model),
    );
    return move && { model: move.model, by: nameOf(nearest) };
  }

  function isCheaper(model: string, than: string, exchange: Exchange): boolean {
    const [one, other] = [priceOf(model), priceOf(than)];
    if (!one || !other) return false;
    const demand = demandOf(exchange, options);
    return likelyCost(one, demand) < likelyCost(other, demand);
  }

  return {
    foreseen(exchange, model, identity, whose) {
      const now = Date.now();
      const budgets = whose.filter(({ limit }) => limit.measure === "cost_usd");
      const used = budgets.flatMap(({ limit, who = identity }): Used[] => {
        const { share, until } = known.get(keyOf(limit, who.key)) ?? { share: 0, until: 0 };
        return until > now ? [{ limit, who, share }] : [];
      });
      return moveFrom(exchange, model, used);
    },

    seen(exchange, model, identity, states, taken) {
      const used = states.flatMap((state, i): Used[] => {
        const { limit, who = identity, remaining, resetMs } = state;
        if (limit.measure !== "cost_usd") return [];
        const after = limit.most - remaining;
        known.set(keyOf(limit, who.key), {
          share: after / limit.most,
          until: Date.now() + resetMs,
        });
        return [{ limit, who, share: (after - taken[i]!) / limit.most }];
      });
      return moveFrom(exchange, model, used);
    },

    settled(spent) {
      for (const { limit, who, used } of spent) {
        const key = keyOf(limit, who);
        const before = known.get(key);
        if (before && limit.most > 0) known.set(key, { ...before, share: used / limit.most });
      }
    },
  };
}

function keyOf({ window, model = "" }: Limit, who: string): string {
  return `${window}:${who}|${model}`;
}

/** As limited_by of the usage line names a limit. */
function nameOf({ limit: { measure, window }, who: { kind } }: Used): string {
  return `${measure} per ${window}${isShared(kind) ? ` of ${kind}` : ""}`;
}

/** Whether two models meet the same limits, so that what is taken for one holds for the other. */
export function areSame(some: Whose[], others: Whose[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ limit, who }, i) => {
      const other = others[i]!;
      return limit === other.limit && who?.key === other.who?.key;
    })
  );
}
