// How a choice among several models changes when a stage behind llm-route finds that another of them must
// serve (access, cooldowns, limits), and what is told of it. The first of its models is always the one
// that the request goes upstream as.

import { nameInHeader } from "../models/name";
import type { Exchange } from "./exchange";
import type { Choice, ChoiceReason, Ticket } from "./ticket";

/** Every reason, for who counts by it. */
export const choiceReasons: readonly ChoiceReason[] = [
  ...(["wish", "rule", "difficulty"] as const),
  ...(["ability", "access", "cooldown", "budget", "second_try"] as const),
];

/** The choice that decides which model serves; undefined where none was made, or it only reports. */
export function decisiveChoice({ choice }: Ticket): Choice | undefined {
  return choice?.dry_run ? undefined : choice;
}

/** The one of a choice that a model is: by its own name, or by that with its provider's (or service's) before. */
export function foundIn(
  choice: Choice | undefined,
  model: string | undefined,
  provider: string | undefined,
): Choice["models"][number] | undefined {
  const names = [model, `${provider}/${model}`];
  return choice?.models.find(([name]) => names.includes(name));
}

/** Takes out whom a stage finds unfit. Where the first is, the next one serves, for that reason. */
export function keepOnly(
  exchange: Exchange,
  isFit: (model: string) => boolean,
  reason: ChoiceReason,
): void {
  const { choice } = exchange.ticket;
  if (!choice) return;
  const [before] = choice.models;
  const models = choice.models.filter(([model]) => isFit(model));
  const [first] = models;
  if (!first || first[0] === before?.[0]) exchange.ticket.choice = { ...choice, models };
  else changeTo(exchange, { ...choice, models, tier: first[1], reason });
}

/**
 * The request goes on as another of the models; the one before it does not serve any more.
 * @param model by its name in the choice, or by its own where the ticket tells its provider
 */
export function chooseAgain(exchange: Exchange, model: string, reason: ChoiceReason): void {
  const choice = decisiveChoice(exchange.ticket);
  const found = foundIn(choice, model, exchange.ticket.provider);
  if (!choice || !found || found === choice.models[0]) return;
  const [, ...others] = choice.models;
  const models = [found, ...others.filter((other) => other !== found)];
  changeTo(exchange, { ...choice, models, tier: found[1], reason });
}

/** Of an exchange that is made for a second try: who serves then does so for that reason. */
export function tellSecondTry(exchange: Exchange, before: Choice | undefined): void {
  const { choice } = exchange.ticket;
  if (choice && choice !== before) changeTo(exchange, { ...choice, reason: "second_try" });
}

// Another object: a second try is made beside the first one, of a copy of the ticket that shares it.
function changeTo(exchange: Exchange, choice: Choice): void {
  exchange.ticket.choice = choice;
  tellChoice(exchange);
}

/** Tells the client which tier and model, and why; of a dry run, which it would have been. */
export function tellChoice({ ticket: { choice }, responseHeaders }: Exchange): void {
  if (!choice) return;
  const [first] = choice.models;
  const dry = choice.dry_run ? "; dry_run" : "";
  responseHeaders["X-LLM-Route"] =
    `tier=${choice.tier}; model=${nameInHeader(first?.[0] ?? "")}; reason=${choice.reason}${dry}`;
}

/** The tier that served in the end and why: a second try may have been another model's. */
export function servedTier({
  choice,
  model,
  provider,
}: Ticket): Pick<Choice, "tier" | "reason"> | undefined {
  if (!choice || choice.dry_run) return choice;
  const found = foundIn(choice, model?.served, provider);
  if (!found || found === choice.models[0]) return choice;
  return { tier: found[1], reason: "second_try" };
}
