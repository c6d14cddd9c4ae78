// Which models a caller can ask for, as GET /v1/usage tells it beside their prices.

import type { Exchange } from "../../stages/exchange";
import type { ServedBy, Told } from "../../stages/told";
import type { MayUse } from "./access";
import { withChoices } from "./chosen";
import { openNames } from "./listing";
import type { Providers } from "./providers";
import type { Resolve } from "./resolve";

interface Open {
  names: string[];
  access: (caller: Exchange["consumer"]) => MayUse;
  resolve: Resolve;
  providers: Providers;
}

/** The names that are open to it, and the models that may serve each first. */
export function tellModels({ consumer, ticket }: Exchange, open: Open): Told {
  const mayUse = open.access(consumer);
  const { names, resolve } = withChoices(ticket, open.names, open.resolve);
  const models = openNames(names, resolve, mayUse).map((id) => {
    const targets = resolve(id)?.targets ?? [];
    const usable = targets.filter(({ model, weight }) => weight > 0 && mayUse(id, model));
    return { id, served_by: usable.flatMap(({ model }) => servedBy(model, open.providers)) };
  });
  return { models };
}

/** Who serves a name, by any API: each is billed at a price of its own. */
function servedBy(name: string, { locate }: Providers): ServedBy[] {
  const found = [locate(name, "openai"), locate(name, "anthropic")].flatMap((one) => one ?? []);
  const byProvider = new Map(found.map((one) => [one.provider?.provider, one.model]));
  return [...byProvider].map(([provider, model]) => ({ model, ...(provider && { provider }) }));
}
