// May this request be looked up, may this outcome be stored: pure decisions.
// Request directives: RFC 9111, section 5.2.1.

import { isUtf8 } from "node:buffer";
import { familyOf } from "../../families/endpoint";
import { isEventStream, isJson } from "../../openai/answer-form";
import type { Outcome } from "../../stages/outcome";
import { answerOfOutcome } from "../../stages/outcome-answer";

/** What a client asked of the cache. */
export interface Directives {
  noStore: boolean;
  onlyIfCached: boolean;
  /** Oldest answer that the client takes, in seconds; no-cache is 0. */
  maxAgeSeconds: number;
}

export function readDirectives(cacheControl = ""): Directives {
  const given = cacheControl
    .toLowerCase()
    .split(",")
    .map((directive) => directive.trim());
  const maxAge = given.map((directive) => /^max-age="?(\d+)"?$/.exec(directive)?.[1]);
  const ages = maxAge.filter((age) => age !== undefined).map(Number);
  return {
    noStore: given.includes("no-store"),
    onlyIfCached: given.includes("only-if-cached"),
    maxAgeSeconds: given.includes("no-cache") ? 0 : Math.min(Number.POSITIVE_INFINITY, ...ages),
  };
}

/**
 * True for a request that is likely to be answered otherwise when asked again: its temperature is
 * above that bound. One without a temperature has 1, as with OpenAI; embeddings do not vary.
 */
export function varies(
  endpoint: string,
  body: Readonly<Record<string, unknown>>,
  maxTemperature: number,
): boolean {
  if (endpoint === "embeddings") return false;
  const temperature = body.temperature ?? 1;
  return typeof temperature !== "number" || temperature > maxTemperature;
}

/** Why an outcome is not stored; names a label of a metric. */
type Unstorable = "not_ok" | "cut" | "too_large" | "not_whole";

/** Undefined when the outcome may be replayed to others: a whole answer of the upstream with 200. */
export function whyUnstorable(outcome: Outcome, maxEntryBytes: number): Unstorable | undefined {
  if (outcome.status !== 200 || outcome.source !== "service") return "not_ok";
  if (!outcome.complete) return "cut";
  if (outcome.truncated || outcome.body.byteLength > maxEntryBytes) return "too_large";
  return isWhole(outcome) ? undefined : "not_whole";
}

// A body that is not UTF-8 would not come out of Kong as it went in: answers cross as text. A stream
// must have come to its own end, so that whoever replays it knows that it has.
function isWhole(outcome: Outcome): boolean {
  const { content_type, body, ticket } = outcome;
  const { state, isUnfinished } = answerOfOutcome(outcome) ?? {};
  if (!isUtf8(body) || state !== "whole" || isUnfinished) return false;
  return isEventStream(content_type)
    ? familyOf(ticket.endpoint).endsItself(body)
    : isJson(content_type);
}
