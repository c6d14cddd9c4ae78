// Whom the plugins tell of ended requests while somebody sends telemetry. Apart from all that needs
// OpenTelemetry's packages: those are loaded only where telemetry is on.

import type { Usage } from "../models/usage";
import { log } from "../stages/log";
import type { Outcome } from "../stages/outcome";

/** A request that has ended, with what it took. No prompt, no answer and no key goes on from here. */
export interface Ended {
  outcome: Outcome;
  /** What llm-usage accounts for. */
  account: {
    /** What the client asked for and what served it; undefined where no model was named. */
    requested_model: string | undefined;
    model: string | undefined;
    /** A configured name, else "other": the only form in which a model becomes a metric's label. */
    label: string;
    /** undefined: not known, because this endpoint's answers are not read. */
    usage: Usage | undefined;
    /** US dollars, in whole nano-dollars; undefined: not known, because the usage or the price is not. */
    cost_usd: number | undefined;
    /** US dollars that a hit would have cost upstream; undefined: no hit, or not known. */
    saved_usd: number | undefined;
  };
  /** What the client said that it is for. */
  tags: Readonly<Record<string, string>>;
  /** Kong's service, where the ticket names no provider. */
  service: string | undefined;
  /** As the client sent them; nothing about them is trusted. */
  trace: ClientTrace;
}

/** The trace that a client's request belongs to: headers of W3C Trace Context. */
export interface ClientTrace {
  parent?: string;
  state?: string;
}

/** The headers that say so, by their names in lower case. */
export const traceHeaders = ["traceparent", "tracestate"] as const;

let listener: ((ended: Ended) => void) | undefined;

/** Whether somebody wants to be told. */
export function isTelling(): boolean {
  return listener !== undefined;
}

/** Tells of a request that has ended. Never throws: what watches must not change what happens. */
export function tellOfEnd(ended: Ended): void {
  try {
    listener?.(ended);
  } catch (error) {
    log.error({ request_id: ended.outcome.ticket.id, err: error }, "telemetry failed");
  }
}

/** Has this function told of every request that ends; undefined: nobody. */
export function listenToEnds(listen: ((ended: Ended) => void) | undefined): void {
  listener = listen;
}
