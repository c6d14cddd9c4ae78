// What a request body gets that its client left out, and what it may not ask for: the bound of the
// answer's length, the temperature, the usage of a stream.

import { familyOf } from "../../families/endpoint";
import type { RequestBody } from "../../openai/request-body";
import { budgetOf, fitBudget, thinkingMembers, thinks } from "../../openai/thinking";
import type { Exchange } from "../../stages/exchange";
import { leaveOut, leftOut } from "./left-out";
import type { Terms } from "./terms";

/** A member that bounds the length and is no number of tokens; undefined when all are. */
export function badLength(endpoint: string, body: RequestBody): string | undefined {
  return familyOf(endpoint)
    .boundMembers(endpoint)
    .find((member) => {
      const value = body.get(member);
      return isBound(value) && !(Number.isInteger(value) && (value as number) >= 0);
    });
}

// A client that says one of them has said how to sample; Claude from Opus 4.1 and Sonnet 4.5 on
// refuses a temperature beside top_p. The later ones are of vLLM, llama.cpp, OpenRouter and Zhipu.
const samplers = [
  ...["temperature", "top_p", "top_k", "min_p", "top_a", "typical_p", "mirostat", "do_sample"],
  "use_beam_search",
];

/**
 * Changes the body to the terms of the model that serves it. Its lengths are known to be numbers.
 * @param isOther the client asked for another model: what it sent for that one, and this one is known
 *   to refuse, is left out
 */
export function fillIn(
  exchange: Exchange,
  body: RequestBody,
  terms: Terms,
  isOther: boolean,
): void {
  const { endpoint } = exchange.ticket;
  const family = familyOf(endpoint);
  const members = family.boundMembers(endpoint);
  if (members.length === 0) {
    // A count of tokens says how to think, too.
    if (isOther) leaveOut(body, terms);
    return;
  }
  boundLength(exchange, body, terms, members);
  // What it asks of other models beside this one is no longer either.
  if (Number.isFinite(terms.maxTokensLimit))
    family.boundOutput(endpoint, body, terms.maxTokensLimit);
  if (isOther) leaveOut(body, terms);
  if (family.refusesSamplers(exchange.request.anthropic_version)) return;
  const isSampled = samplers.some((member) => (body.get(member) ?? null) !== null);
  // Claude takes no temperature but 1 while it thinks.
  if (terms.temperature !== undefined && !isSampled && !thinks(body.value)) {
    body.set("temperature", terms.temperature);
  }
}

/** Takes back what was changed for a model that does not serve it after all. */
export function takeBack(endpoint: string, body: RequestBody): void {
  const changed = [...leftOut, ...thinkingMembers, ...familyOf(endpoint).boundMembers(endpoint)];
  for (const member of changed) body.restore(member);
}

function boundLength(
  exchange: Exchange,
  body: RequestBody,
  terms: Terms,
  members: readonly string[],
): void {
  const renames = terms.completionTokens && members.includes("max_completion_tokens");
  if (renames && isBound(body.get("max_tokens"))) {
    body.rename("max_tokens", "max_completion_tokens");
    // Under both names it is refused: the one that this model knows counts.
    if (isBound(body.get("max_completion_tokens"))) body.remove("max_tokens");
  }
  const given = members.filter((member) => isBound(body.get(member)));
  const isLowered = lower(exchange, body, given, terms.maxTokensLimit);

  const bound = Math.min(
    defaultBound(exchange.ticket.endpoint, body.value, terms),
    terms.maxTokensLimit,
  );
  const isMissing = given.length === 0 && Number.isFinite(bound);
  if (isMissing) body.set(renames ? "max_completion_tokens" : members[0]!, bound);
  if (isMissing || isLowered) fitBudget(body, isMissing ? bound : terms.maxTokensLimit);
  for (const member of members) if (isOpen(body.get(member))) body.remove(member);
}

/**
 * Lowers a bound above all that a model can write, which would be refused: for one that stands in for
 * another, whose client does not know it.
 */
export function lowerToModel(
  exchange: Exchange,
  body: RequestBody,
  { maxOutput: most }: Terms,
): void {
  const { endpoint } = exchange.ticket;
  const members = familyOf(endpoint).boundMembers(endpoint);
  if (lower(exchange, body, members, most)) fitBudget(body, most);
}

/** Lowers those bounds that are higher, and tells the client. @returns whether there were any */
function lower(
  exchange: Exchange,
  body: RequestBody,
  members: readonly string[],
  most: number,
): boolean {
  const tooHigh = members.filter((member) => Number(body.get(member)) > most);
  for (const member of tooHigh) body.set(member, most);
  if (tooHigh.length > 0) exchange.responseHeaders["X-LLM-Max-Tokens"] = String(most);
  return tooHigh.length > 0;
}

/**
 * Thoughts are a part of the answer: a default leaves them room, or sets no bound. Nor does it where the
 * prompt may leave it no room: APIs refuse a bound for which there is none, and need none then.
 */
function defaultBound(endpoint: string, body: RequestBody["value"], terms: Terms): number {
  const { maxTokens, isOwnMaxTokens, reasons, context, maxOutput } = terms;
  const budget = budgetOf(body);
  const isLeft = (reasons || thinks(body)) && budget === 0 && !isOwnMaxTokens;
  if (maxTokens === undefined || isLeft) return Number.POSITIVE_INFINITY;
  const bound = Math.min(maxTokens + budget, maxOutput);
  const hasRoom =
    context === Number.POSITIVE_INFINITY ||
    familyOf(endpoint).estimateInputTokens(body) * margin + bound <= context;
  return hasRoom ? bound : Number.POSITIVE_INFINITY;
}

// Code and figures are more tokens than their letters let expect.
const margin = 1.25;

// OpenAI's API takes an explicit null for "not given", llama.cpp and others -1 for "no bound", and -2 for
// "as much as there is room for".
function isBound(value: unknown): boolean {
  return value !== undefined && value !== null && !isOpen(value);
}

function isOpen(value: unknown): boolean {
  return value === -1 || value === -2;
}
