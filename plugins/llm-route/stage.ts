// Which model serves a name that stands for a choice. It decides before llm-models, which asks of the
// chosen ones who may be used and is well. It guards: no upstream knows such a name.

import { z } from "zod";
import { asksNoModel, rowOf } from "../../families/endpoint";
import { nameInHeader } from "../../models/name";
import type { RequestBody } from "../../openai/request-body";
import { chooseAgain, tellChoice } from "../../stages/choice";
import type { Exchange } from "../../stages/exchange";
import { openPrices, type Prices } from "../../stages/prices";
import type { Decided, Stage } from "../../stages/stage";
import type { Choice } from "../../stages/ticket";
import { type Choosable, choosableBy } from "./choosable";
import { ranking, tierOf, whatKeeps } from "./choose";
import { countChoice } from "./metrics";
import { readingOf } from "./reading";
import { noneCan, noSuchTier } from "./refusals";
import type { RouteOptions } from "./schema";
import { SignReader } from "./signs";
import { wishMember, wishOf } from "./wish";
import { wordsOf } from "./words";

interface Prepared {
  choices: Choosable[];
  reader: SignReader;
  prices: Prices;
}

/** Estimated input tokens, for an answer that states no usage. */
const asked = z.object({ tokens: z.number() });

export const stage: Stage<RouteOptions, Prepared, typeof asked> = {
  name: "route",
  note: asked,
  guards: true,
  prepare(options) {
    const prices = openPrices(options);
    return {
      prices,
      choices: options.choices.map((choice) => choosableBy(choice, prices)),
      reader: new SignReader(wordsOf(options.words)),
    };
  },
  decide,
  adapt: (exchange, model) => chooseAgain(exchange, model, "budget"),
  learn(outcome, note, { choices, prices }) {
    const { choice } = outcome.ticket;
    const choosable = choices.find(({ options }) => options.name === choice?.name);
    if (note && choice && choosable) countChoice(outcome, choice, note.tokens, choosable, prices);
  },
};

function decide(
  exchange: Exchange,
  { choices, reader }: Prepared,
): Decided<z.output<typeof asked>> {
  const { body, ticket } = exchange;
  if (ticket.endpoint === "models" || ticket.endpoint === "usage") list(exchange, choices);
  const requested = body?.get("model");
  if (!body || typeof requested !== "string" || !writesText(ticket.endpoint)) return undefined;
  const choosable = choices.find(({ matches }) => matches(requested));
  const caller = callerOf(exchange);
  const wish = choosable && wishOf(choosable, caller.consumer, caller.headers, body);
  // Who names a model may have said it as well.
  if (choices.length > 0) body.remove(wishMember);
  if (!choosable) return undefined;
  if (wish && "unknown" in wish) {
    const names = choosable.options.tiers.map(({ name }) => name);
    return choosable.options.dry_run ? undefined : { answer: noSuchTier(wish.unknown, names) };
  }

  const reading = readingOf(ticket.endpoint, body, reader, choosable.options.sticky);
  const choosing = choosable.choosing();
  const { tier, reason } = tierOf(choosing, reading, caller, wish?.tier);
  const ranked = ranking(choosing, reading, tier, nameOf(exchange));
  const tierName = (place: number) => choosable.options.tiers[place]!.name;
  const [best] = ranked;
  if (!best) {
    const answer = noneCan(requested, whatKeeps(choosing.candidates, reading, tier));
    return choosable.options.dry_run ? undefined : { answer };
  }
  ticket.choice = {
    ...{ requested, name: choosable.options.name },
    models: ranked.map(({ candidate }) => [candidate.model, tierName(candidate.tier)]),
    tier: tierName(best.candidate.tier),
    reason: best.candidate.tier === tier ? reason : "ability",
    ...(choosable.options.baseline !== "" && { baseline: choosable.options.baseline }),
    ...(choosable.options.dry_run && { dry_run: true as const }),
  };
  serve(exchange, body, ticket.choice);
  return { note: { tokens: reading.tokens } };
}

/** Whether a model writes the answers of this endpoint, or counts tokens as if it did. */
function writesText(endpoint: string): boolean {
  const isWritten = rowOf(endpoint)?.bounded === true || endpoint === "responses/compact";
  return isWritten || asksNoModel(endpoint);
}

function serve(exchange: Exchange, body: RequestBody, choice: Choice): void {
  const { ticket, responseHeaders } = exchange;
  const model = choice.models[0]![0];
  tellChoice(exchange);
  if (choice.dry_run) return;
  body.set("model", model);
  ticket.model = { requested: choice.requested, served: model, label: model };
  responseHeaders["X-LLM-Model"] = nameInHeader(model);
}

/** The names that are choices, for who lists models. */
function list({ ticket }: Exchange, choices: readonly Choosable[]): void {
  const named = choices.filter(({ options }) => !options.name.includes("*") && !options.dry_run);
  ticket.choices = named.map(({ options, choosing }) => ({
    name: options.name,
    models: choosing().candidates.map(({ model }) => model),
  }));
}

function callerOf({ consumer, request }: Exchange) {
  return { consumer, headers: request.headers ?? {}, at: Date.now() };
}

/** A name that is the same on every node. */
function nameOf({ consumer, request }: Exchange): string {
  return consumer?.username ?? consumer?.custom_id ?? consumer?.id ?? request.client_ip;
}
