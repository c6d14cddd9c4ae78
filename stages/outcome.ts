// How a request ended, as the stages learn it: from Lua's tap over the outcomes socket for what
// went upstream, from the plugin server itself for what it answered.

import type { Ticket } from "./ticket";

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
  /** Seconds, or an HTTP date, as the upstream sent it; and milliseconds, where it sent those. */
  retry_after?: string;
  retry_after_ms?: string;
  /** Each try at an upstream, the last one last; undefined where there was one only. */
  tries?: Try[];
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

/** One try at an upstream: what it ended with, where it failed. */
export interface Try {
  /** IP address and port. */
  address: string;
  /** "failed" or "next", as nginx has it (ngx.balancer get_last_failure). */
  state?: string;
  status?: number;
}

/** nginx's status in the log for a client that closed its connection before it was answered. */
export const clientHasLeft = 499;

/**
 * The upstream's Retry-After in seconds from the end of the answer; undefined where it sent none.
 * It is a number of seconds or an HTTP date (RFC 9110, section 10.2.3), which always is in GMT.
 */
export function retryAfterSeconds({ retry_after = "", ended_at }: Outcome): number | undefined {
  if (/^\d{1,9}$/.test(retry_after)) return Number(retry_after);
  const date = retry_after.endsWith("GMT") ? Date.parse(retry_after) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, (date - ended_at) / 1000);
}

/**
 * Where Kong's workers deliver outcomes: the path of a unix socket. Undefined where nobody takes them,
 * as under kong-js-pluginserver: then no request that went upstream is ever heard of again.
 */
export const delivery: { socket?: string } = {};
