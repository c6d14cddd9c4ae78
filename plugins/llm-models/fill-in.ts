// What a request body gets that its client left out, and what it may not ask for: the bound of the
// answer's length, the temperature, the usage of a stream.

import { membersOf } from "../../openai/output-bound";
import type { RequestBody } from "../../openai/request-body";
import type { Exchange } from "../../stages/exchange";
import type { Terms } from "./terms";

/** A member that bounds the length and is no number of tokens; undefined when all are. */
export function badLength(endpoint: string, body: RequestBody): string | undefined {
  return membersOf(endpoint).find((member) => {
    const value = body.get(member);
    return isGiven(body, member) && !(Number.isInteger(value) && (value as number) >= 0);
  });
}

/** Changes the body to the terms of the model that serves it. Its lengths are known to be numbers. */
export function fillIn(exchange: Exchange, body: RequestBody, terms: Terms): void {
  const members = membersOf(exchange.ticket.endpoint);
  if (members.length === 0) return;
  boundLength(exchange, body, terms, members);
  if (terms.temperature !== undefined && !isGiven(body, "temperature")) {
    body.set("temperature", terms.temperature);
  }
}

/** Takes back what was filled in for a model that does not serve it after all. */
export function takeBack(endpoint: string, body: RequestBody): void {
  for (const member of ["temperature", ...membersOf(endpoint)]) body.withdraw(member);
}

function boundLength(
  exchange: Exchange,
  body: RequestBody,
  terms: Terms,
  members: readonly string[],
): void {
  const renames = terms.completionTokens && members.includes("max_completion_tokens");
  if (renames && isGiven(body, "max_tokens")) body.rename("max_tokens", "max_completion_tokens");

  const given = members.filter((member) => isGiven(body, member));
  const tooHigh = given.filter((member) => (body.get(member) as number) > terms.maxTokensLimit);
  for (const member of tooHigh) body.set(member, terms.maxTokensLimit);
  if (tooHigh.length > 0) {
    exchange.responseHeaders["X-LLM-Max-Tokens"] = String(terms.maxTokensLimit);
  }

  const bound = Math.min(terms.maxTokens ?? Number.POSITIVE_INFINITY, terms.maxTokensLimit);
  if (given.length === 0 && Number.isFinite(bound)) {
    body.set(renames ? "max_completion_tokens" : members[0]!, bound);
  }
}

/** Asks for the usage at the end of a stream, unless the client says something about it. */
export function askForUsage({ ticket }: Exchange, body: RequestBody): void {
  const isAskable = ticket.endpoint === "chat/completions" || ticket.endpoint === "completions";
  if (!isAskable || !ticket.stream) return;
  const given = body.get("stream_options") ?? {};
  // What is no object the upstream shall refuse, as it would without us.
  if (typeof given !== "object" || Array.isArray(given) || "include_usage" in given) return;
  body.set("stream_options", { ...given, include_usage: true });
}

// OpenAI's API takes an explicit null for "not given".
function isGiven(body: RequestBody, member: string): boolean {
  return (body.get(member) ?? null) !== null;
}
