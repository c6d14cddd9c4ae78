// How a request ended, as the stages learn it: from Lua's tap over the outcomes socket for what
// went upstream, from the plugin server itself for what it answered.

import type { KeyOfMany, Ticket } from "./ticket";

export interface Outcome {
  ticket: Ticket;
  /** The status the client got. */
  status: number;
  /**
   * Who made the answer: the upstream ("service"), Kong because the upstream failed ("error"),
   * Kong or another plugin ("exit"), our cache ("cache"), one of our refusals ("gateway").
   */
  source: "service" | "error" | "exit" | "cache" | "gateway";
  content_type: string;
  /** Of an upstream that compresses although it was asked not to. */
  content_encoding?: string;
  /** As the upstream sent them; read by retryAfterSeconds. */
  retry_after?: string;
  retry_after_ms?: string;
  /** What the upstream says is left of its own limits; read by allowanceOf. */
  left?: TellsLeft;
  /** Each try at an upstream, the last one last; undefined where there was one only. */
  tries?: Try[];
  /**
   * Where Kong made further tries of its own decision: those that failed, in their order, and which one
   * the answer is of: 0 for the first, else its place in the ticket's tries, from 1. `ticket` tells the
   * model and the provider of that one, `first_try` those of the first.
   */
  failed_tries?: FailedTry[];
  served_try?: number;
  first_try?: { label?: string; provider?: string };
  /** The span that went upstream as this request's parent (W3C Trace Context), where it was asked for. */
  trace_parent?: string;
  /** The answer as the client got it; only its last bytes when `truncated`. */
  body: Buffer;
  /** The last byte has passed: neither the client nor the upstream cut it. */
  complete: boolean;
  /**
   * Where it is not complete: who cut it. A client that left before the answer has status 499. Unknown
   * where nobody has told the end: then the status is 499 too.
   */
  cut_by?: "client" | "upstream" | "unknown";
  /** The answer was longer than what the tap keeps: `body` is its end. */
  truncated: boolean;
  /** Length of the whole answer; undefined where nobody counted: then `body` is all of it. */
  bytes?: number;
  /** Milliseconds since the epoch: request came, first byte of the answer, last byte. */
  started_at: number;
  first_byte_at: number;
  ended_at: number;
}

/** As the upstream sent them; empty where it did not. */
export interface TellsLeft {
  requests: string;
  requests_reset: string;
  tokens: string;
  tokens_reset: string;
}

/** One try at an upstream: what it ended with, where it failed. */
export interface Try {
  /** IP address and port. */
  address: string;
  /** Milliseconds since the epoch. */
  started_at?: number;
  /** "failed" or "next", as nginx has it (ngx.balancer get_last_failure). */
  state?: string;
  status?: number;
}

/** A try after which another one was made. */
export interface FailedTry {
  /** As `served_try` counts. */
  try: number;
  /** Absent where it was never asked, because its name is unknown. */
  status?: number;
  /** As the upstream sent them. */
  retry_after?: string;
  retry_after_ms?: string;
  left?: TellsLeft;
  /** With which key, where its provider has several, and whether another one was awake. */
  key?: KeyOfMany;
  other_key?: true;
}

/** nginx's status in the log for a client that closed its connection before it was answered. */
export const clientHasLeft = 499;

/**
 * How long the upstream wants to be left alone, in seconds from the end of the answer; undefined where
 * it does not say. Seconds, with decimals too, a duration as in `850ms` or `1m30s`, or a date: of HTTP in
 * any form (RFC 9110, sections 5.6.7 and 10.2.3), of RFC 3339, or in seconds since the epoch;
 * retry-after-ms, as Azure sends it, before all. Without such a header what Google says in the body.
 */
export function retryAfterSeconds(
  told: Pick<Outcome, "retry_after" | "retry_after_ms" | "ended_at"> &
    Partial<Pick<Outcome, "body">>,
): number | undefined {
  const { retry_after = "", retry_after_ms = "", ended_at, body } = told;
  if (retry_after === "" && retry_after_ms === "") return body && retryDelayIn(body);
  if (/^\d{1,12}(?:\.\d{1,9})?$/.test(retry_after_ms.trim())) return Number(retry_after_ms) / 1000;
  const text = retry_after.trim();
  if (/^\d{1,9}(?:\.\d{1,9})?$/.test(text)) return Number(text);
  const seconds = durationSeconds(text);
  if (seconds !== undefined) return seconds;
  // All three forms are in GMT; C's asctime, the oldest, does not say so.
  const isAsctime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/.test(text);
  const isDate = text.endsWith("GMT") || /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(text);
  const isEpoch = /^\d{10}(?:\.\d{1,9})?$/.test(text);
  const date = isEpoch
    ? Number(text) * 1000
    : Date.parse(isAsctime ? `${text} GMT` : isDate ? text : "");
  return Number.isNaN(date) ? undefined : Math.max(0, (date - ended_at) / 1000);
}

// google.rpc.RetryInfo, in the details of an error: its quotes would be escaped in a text that it repeats.
const mostErrorBytes = 16_384;

function retryDelayIn(body: Buffer): number | undefined {
  const text = body.toString("latin1", 0, mostErrorBytes);
  const delay = /"retryDelay"\s*:\s*"(\d{1,9}(?:\.\d{1,9})?s)"/.exec(text)?.[1];
  return delay === undefined ? undefined : durationSeconds(delay);
}

const unitSeconds: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** Of a duration as in `850ms` or `1m30s`; undefined where it is none. */
export function durationSeconds(text: string): number | undefined {
  if (!/^(?:\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h)){1,4}$/.test(text)) return undefined;
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ms|s|m|h)/g)) {
    seconds += Number(amount) * unitSeconds[unit!]!;
  }
  return seconds;
}

/**
 * Where Kong's workers deliver outcomes: the path of a unix socket. Undefined where nobody takes them,
 * as under kong-js-pluginserver: then no request that went upstream is ever heard of again.
 */
export const delivery: { socket?: string } = {};
