// The limits of a caller and what is left of them, as GET /v1/usage tells it: one look, nothing is taken.

import type { Exchange } from "../../stages/exchange";
import type { OwnLimit, Told } from "../../stages/told";
import type { LimitState } from "./counts";
import { usd } from "./dollars";
import { type Identity, identify, isShared } from "./identity";
import type { Take } from "./limit";
import type { Limiter } from "./limiter";
import { limitsOf } from "./rules";

/** Those that it shares with others are left out: what remains of them tells what others spend. */
export async function tellLimits(exchange: Exchange, limiter: Limiter): Promise<Told> {
  const { options, rulesFor, levelsFor, counts } = limiter;
  if (options.hide_client_headers) return {};
  const identity = identify(exchange, options);
  const ofModels = options.models.flatMap((rule) => limitsOf(rule, rule.match));
  const own = [...(rulesFor?.(exchange.consumer).base ?? []), ...ofModels];
  const others = levelsFor?.(exchange, undefined) ?? [];
  const whose = [
    ...own.map((limit) => ({ limit })),
    ...others.filter(({ who }) => !isShared(who.kind)),
  ];
  if (whose.length === 0) return { limits: [] };
  const takes = whose.map((one): Take => ({ ...one, amount: 0, each: 0 }));
  const counted = await counts.take(identity.key, exchange.request.id, takes);
  if ("uncounted" in counted) return {};
  return { limits: counted.limits.map((state) => ownLimit(state, identity)) };
}

function ownLimit({ limit, who, remaining, resetMs }: LimitState, identity: Identity): OwnLimit {
  const { measure, window, model = null, most } = limit;
  const shown = (amount: number) => (measure === "cost_usd" ? Number(usd(amount)) : amount);
  return {
    of: (who ?? identity).kind,
    ...{ measure, window, model },
    limit: shown(most),
    used: shown(most - remaining),
    remaining: shown(remaining),
    free_in_seconds: window === "lease" ? null : Math.ceil(resetMs / 1000),
  };
}
