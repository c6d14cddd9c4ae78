// May this request be looked up, may this outcome be stored: pure decisions.
// Request directives: RFC 9111, section 5.2.1.

import { isUtf8 } from "node:buffer";
import { isWholeStream } from "../../openai/stream";
import type { Outcome } from "../../stages/outcome";

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
 * True for a request whose answer depends on more than its body: OpenAI's Responses API continues
 * a conversation that grows, and answers a background request before its work is done.
 */
export function dependsOnState(body: Readonly<Record<string, unknown>>): boolean {
  return (body.conversation ?? null) !== null || body.background === true;
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
export type Unstorable = "not_ok" | "cut" | "too_large" | "not_whole";

/** Undefined when the outcome may be replayed to others: a whole answer of the upstream with 200. */
export function whyUnstorable(outcome: Outcome, maxEntryBytes: number): Unstorable | undefined {
  if (outcome.status !== 200 || outcome.source !== "service") return "not_ok";
  if (!outcome.complete) return "cut";
  if (outcome.truncated || outcome.body.byteLength > maxEntryBytes) return "too_large";
  return isWhole(outcome) ? undefined : "not_whole";
}

// A body that is not UTF-8 would not come out of Kong as it went in: answers cross as text.
function isWhole({ content_type, body }: Outcome): boolean {
  if (!isUtf8(body)) return false;
  if (/^text\/event-stream\b/i.test(content_type)) return isWholeStream(body);
  return /^application\/json\b/i.test(content_type) && isAnswer(body.toString());
}

// In the Responses API every answer has both members: error is null, and status tells whether the
// work is done. Other answers have neither; an error with status 200 is some upstreams' habit.
function isAnswer(text: string): boolean {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return false;
  }
  if (typeof answer !== "object" || answer === null) return false;
  const { error = null, status = "completed" } = answer as { error?: unknown; status?: unknown };
  return error === null && (status === "completed" || status === "incomplete");
}
