// What Kong sends when the first try of a request has failed: for each of the others what a first try for
// its model would have sent, made from the body as all stages have left it.

import { familyOf } from "../families/endpoint";
import { nameInHeader } from "../models/name";
import type { RequestBody } from "../openai/request-body";
import { tellSecondTry } from "./choice";
import type { Edit, NextTry } from "./decision";
import type { Exchange } from "./exchange";
import { sendAs } from "./send-as";
import type { TicketTry } from "./ticket";
import { type OtherTry, targetOf } from "./upstream";

/** @param editsOf what was made of a copy of the body, as edits to the bytes that Kong has */
export function nextTries(exchange: Exchange, editsOf: (copy: RequestBody) => Edit[]): NextTry[] {
  return (exchange.others ?? []).map((other) => nextTry(exchange, other, editsOf));
}

/** What the ticket tells of them. */
export function ticketTries(others: readonly OtherTry[]): TicketTry[] {
  return others.map(({ model, label, fallback_from, upstream, key, other_key }) => ({
    ...{ served: model, label },
    ...(fallback_from !== undefined && { fallback_from }),
    ...(upstream && { provider: upstream.provider }),
    ...(key && { key }),
    ...(other_key && { other_key }),
  }));
}

/** The headers that tell a client which model answers, in place of those that told of another one. */
function modelHeaders(
  before: Readonly<Record<string, string>>,
  { model, fallback_from, upstream }: Pick<OtherTry, "model" | "fallback_from" | "upstream">,
): Record<string, string> {
  const { "X-LLM-Fallback": _left, "X-LLM-Max-Tokens": _bound, ...others } = before;
  return {
    ...others,
    "X-LLM-Model": nameInHeader(model),
    ...(upstream && { "X-LLM-Provider": upstream.provider }),
    ...(fallback_from !== undefined && { "X-LLM-Fallback": nameInHeader(fallback_from) }),
  };
}

function nextTry(
  exchange: Exchange,
  other: OtherTry,
  editsOf: (copy: RequestBody) => Edit[],
): NextTry {
  const { body, told } = bodyFor(exchange, other);
  return {
    ...(other.upstream && { target: targetOf(other.upstream) }),
    headers: otherHeaders(exchange, other),
    edits: editsOf(body),
    response_headers: { ...modelHeaders(exchange.responseHeaders, other), ...told },
    ...(other.isForKey && { for_key: true }),
  };
}

/** The body for its model, and what the client is told of its bounds. */
function bodyFor(exchange: Exchange, { model, upstream }: OtherTry) {
  const { ticket, outputCap } = exchange;
  const body = exchange.body!.copy();
  const told: Record<string, string> = {};
  // Whose model it is, for a stage that knows it by both names.
  const itsTicket = { ...ticket, ...(upstream && { provider: upstream.provider }) };
  const apart = { body, responseHeaders: told, upstreamHeaders: {}, ticket: itsTicket };
  const other = { ...exchange, ...apart };
  sendAs(other, model);
  tellSecondTry(other, ticket.choice);
  delete told["X-LLM-Provider"];
  body.set("model", model);
  if (outputCap !== undefined)
    familyOf(ticket.endpoint).boundOutput(ticket.endpoint, body, outputCap);
  return { body, told };
}

/** What stands in the first try's headers for its key alone must not go to another host. */
function otherHeaders({ keyHeaders = [] }: Exchange, { headers }: OtherTry): NextTry["headers"] {
  const gone = keyHeaders.filter((name) => headers[name] === undefined);
  return { ...Object.fromEntries(gone.map((name) => [name, false as const])), ...headers };
}
