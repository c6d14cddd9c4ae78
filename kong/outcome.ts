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
  /** Seconds, or an HTTP date, as the upstream sent it. */
  retry_after?: string;
  /** The answer as the client got it; only its last bytes when `truncated`. */
  body: Buffer;
  /** The last byte has passed: neither the client nor the upstream cut it. */
  complete: boolean;
  /** The answer was longer than what the tap keeps: `body` is its end. */
  truncated: boolean;
  /** Milliseconds since the epoch: request came, first byte of the answer, last byte. */
  started_at: number;
  first_byte_at: number;
  ended_at: number;
}
