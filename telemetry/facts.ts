// What spans and metrics say alike of a request that has ended.

import { familyOf } from "../families/endpoint";
import { clientHasLeft, type Outcome } from "../stages/outcome";
import { answerOfOutcome } from "../stages/outcome-answer";
import type { Ended } from "./ended";
import { operationAt, providerName } from "./semantics";

export interface Facts {
  /** Undefined where no model does anything: lists, and what is no endpoint. */
  operation: string | undefined;
  provider: string;
  /** It was sent to a provider, whatever came of it. */
  wentUpstream: boolean;
  /** A class of error, from a bounded set; undefined for what went well, and for a client that left. */
  error: string | undefined;
  /** Seconds, for a stream that was answered well. */
  timeToFirstChunk: number | undefined;
  seconds: number;
}

export function factsOf({ outcome }: Ended): Facts {
  const { ticket, source, status, started_at, first_byte_at, ended_at } = outcome;
  const isStream = ticket.stream && status === 200;
  return {
    operation: operationAt(ticket.endpoint),
    provider: providerName(ticket.provider, familyOf(ticket.endpoint).name),
    wentUpstream: source === "service" || source === "error",
    error: errorOf(outcome),
    timeToFirstChunk: isStream ? secondsBetween(started_at, first_byte_at) : undefined,
    seconds: secondsBetween(started_at, ended_at),
  };
}

// A status, or what is wrong with an answer whose status is well.
function errorOf(outcome: Outcome): string | undefined {
  const { status, cut_by } = outcome;
  if (status === clientHasLeft || cut_by === "client") return undefined;
  if (status >= 400 || status === 0) return `${status || "_OTHER"}`;
  if (cut_by === "upstream") return "cut_by_upstream";
  const state = answerOfOutcome(outcome)?.state;
  if (state === "error") return "error_in_answer";
  return state === "empty" ? "empty_answer" : undefined;
}

function secondsBetween(from: number, to: number): number {
  return Math.max(0, to - from) / 1000;
}
