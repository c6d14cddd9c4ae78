// Which models a caller can ask for, as GET /v1/usage tells it beside their prices.

import type { Exchange } from "../../stages/exchange";
import type { Told } from "../../stages/told";
import type { MayUse } from "./access";
import { withChoices } from "./chosen";
import { openNames } from "./listing";
import type { Resolve } from "./resolve";

interface Open {
  names: string[];
  access: (caller: Exchange["consumer"]) => MayUse;
  resolve: Resolve;
}

/** The names that are open to it, and the models that may serve each first. */
export function tellModels({ consumer, ticket }: Exchange, open: Open): Told {
  const mayUse = open.access(consumer);
  const { names, resolve } = withChoices(ticket, open.names, open.resolve);
  const models = openNames(names, resolve, mayUse).map((id) => {
    const targets = resolve(id)?.targets ?? [];
    const open = targets.filter(({ model, weight }) => weight > 0 && mayUse(id, model));
    return { id, served_by: open.map(({ model }) => model) };
  });
  return { models };
}
