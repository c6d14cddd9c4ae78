// Answers of another model than the one that was asked: a fallback gave them in the same request, and they
// stand under the key of what was asked. Who may not use that model does not get them here either.

import { nameInHeader } from "../../models/name";
import type { Exchange } from "../../stages/exchange";
import type { Outcome } from "../../stages/outcome";
import { maySendAs } from "../../stages/send-as";

/** The model of a further try; undefined where the first served. */
export function modelThatServed({ served_try = 0, ticket }: Outcome): string | undefined {
  return served_try > 0 ? ticket.model?.served : undefined;
}

/** Whether the caller may have an answer of this model. */
export function mayHave(exchange: Exchange, model: string): boolean {
  return isAsked(exchange, model) || maySendAs(exchange, model);
}

/** Tells whose answer it is that was kept. */
export function tellModel(exchange: Exchange, model: string): void {
  const { ticket, responseHeaders } = exchange;
  // Nobody is asked.
  delete responseHeaders["X-LLM-Provider"];
  if (isAsked(exchange, model) || !ticket.model) return;
  const { requested, served } = ticket.model;
  const fallback_from = ticket.model.fallback_from ?? served;
  ticket.model = { requested, served: model, label: model, fallback_from };
  responseHeaders["X-LLM-Model"] = nameInHeader(model);
  responseHeaders["X-LLM-Fallback"] = nameInHeader(fallback_from);
}

function isAsked({ ticket, body }: Exchange, model: string): boolean {
  const asked = ticket.model?.served ?? body?.get("model");
  return model === "" || typeof asked !== "string" || asked.slice(0, model.length) === model;
}
