// What may serve a request, before anybody asks who is well: models that its caller may use, at providers
// that speak its API.

import { familyOf } from "../../families/endpoint";
import type { Exchange } from "../../stages/exchange";
import type { MayUse } from "./access";
import { fullName, type Providers, type Target } from "./providers";
import { candidates, type Route } from "./resolve";

export interface Asked {
  requested: string;
  route: Route;
  mayUse: MayUse;
}

/** What may serve a request, best first: models that its caller may use, where its API is spoken. */
export function targetsOf(
  exchange: Exchange,
  asked: Asked,
  { providers }: { providers: Providers },
): Target[] {
  const { requested, route, mayUse } = asked;
  const family = familyOf(exchange.ticket.endpoint).name;
  const isOpen: MayUse = (name, model) =>
    mayUse(name, model) && providers.locate(model, family) !== undefined;
  const models = candidates(route, requested, isOpen, whoseWeight(exchange, route));
  return models.map((model) => providers.locate(model, family)!);
}

/** How many of the first are the targets of an alias that share its requests. */
export function peersIn(targets: Target[], route: Route, { spellings }: Providers): number {
  if (!route.shared) return 1;
  const names = new Set(route.targets.flatMap(({ model }) => spellings(model)));
  return targets.filter((target) => names.has(fullName(target))).length;
}

/**
 * Who always gets the same target of several that are equal: a caller, by a name that is the same on every
 * node. Where the soonest is wanted, a request, so that equals share also what one caller asks.
 */
function whoseWeight({ consumer, request }: Exchange, { shared }: Route): string {
  if (shared === "least_latency") return request.id;
  return consumer?.username ?? consumer?.custom_id ?? consumer?.id ?? request.client_ip;
}
