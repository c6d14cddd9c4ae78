// The route of a request for which llm-route has chosen: the first of its models in place of an alias's
// target, the others in place of its fallbacks. Who may be used and who is well is asked here, as of all.

import { chooseAgain, decisiveChoice, foundIn, keepOnly } from "../../stages/choice";
import type { Exchange } from "../../stages/exchange";
import type { Ticket } from "../../stages/ticket";
import type { MayUse } from "./access";
import type { Target } from "./providers";
import type { Resolve, Route } from "./resolve";

/** The name that was asked for, and who may serve it; undefined where nothing was chosen. */
export function chosenRoute(
  exchange: Exchange,
  mayUse: MayUse,
  resolve: Resolve,
): { requested: string; route: Route | undefined } | undefined {
  const { choice } = exchange.ticket;
  if (!choice) return undefined;
  const { requested } = choice;
  keepOnly(exchange, (model) => mayUse(requested, model), "access");
  const kept = decisiveChoice(exchange.ticket);
  if (!kept) return undefined;
  const [first, ...others] = kept.models.map(([model]) => model);
  if (first === undefined) return { requested, route: undefined };
  const defaults = resolve(requested)?.defaults ?? noDefaults;
  const targets = [{ model: first, weight: 1 }];
  return { requested, route: { targets, fallbacks: others, defaults } };
}

// One object, as what is known of it is known once.
const noDefaults: Route["defaults"] = {};

/** The model that is well serves, and who is not takes nothing over later. */
export function settleChoice(
  exchange: Exchange,
  { model, provider }: Target,
  isWell: (name: string) => boolean,
): void {
  const found = foundIn(exchange.ticket.choice, model, provider?.provider);
  if (!found) return;
  const [served] = found;
  chooseAgain(exchange, served, "cooldown");
  keepOnly(exchange, (name) => name === served || isWell(name), "cooldown");
}

/** The names of models in metrics: who can be chosen is configured, too. */
export function labelsOf(ticket: Ticket, labelOf: (model: string) => string): typeof labelOf {
  return decisiveChoice(ticket) ? (model) => model : labelOf;
}

/** Names that are choices, beside those that the options know; and what they resolve to. */
export function withChoices(
  { choices = [] }: Ticket,
  names: string[],
  resolve: Resolve,
): { names: string[]; resolve: Resolve } {
  if (choices.length === 0) return { names, resolve };
  const chosen = new Map(choices.map(({ name, models }) => [name, models]));
  return {
    names: [...new Set([...chosen.keys(), ...names])],
    resolve(name) {
      const models = chosen.get(name);
      if (!models) return resolve(name);
      const targets = models.map((model) => ({ model, weight: 1 }));
      return { targets, fallbacks: [], defaults: noDefaults };
    },
  };
}
