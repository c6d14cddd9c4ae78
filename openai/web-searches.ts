// How many searches of the web an upstream made by itself for an answer: each of them is billed.

import { member } from "./usage-statement";

/**
 * @param answer a whole one, or the event of a stream that has all of it. OpenAI counts its searches
 * nowhere: to open a page is none. OpenRouter, Perplexity and xAI say a number.
 */
export function webSearchesIn(answer: Readonly<Record<string, unknown>>): number {
  const usage = answer.usage ?? member(answer.response, "usage");
  const told =
    member(member(usage, "server_tool_use"), "web_search_requests") ??
    member(usage, "num_search_queries") ??
    callsOfXai(member(usage, "server_side_tool_usage_details"));
  return isCount(told) ? told : callsIn(answer.output ?? member(answer.response, "output"));
}

/** It searches the web and its own posts, at one price. */
function callsOfXai(details: unknown): number | undefined {
  const calls = ["web_search_calls", "x_search_calls"].map((name) => member(details, name));
  const counted = calls.filter(isCount);
  return counted.length === 0 ? undefined : counted.reduce((sum, one) => sum + one);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function callsIn(output: unknown): number {
  return Array.isArray(output) ? output.filter(isSearch).length : 0;
}

function isSearch(item: unknown): boolean {
  const action = member(member(item, "action"), "type") ?? "search";
  return member(item, "type") === "web_search_call" && action === "search";
}
