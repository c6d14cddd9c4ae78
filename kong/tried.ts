// What lua/retry.lua and lua/tries.lua tell of the tries of a request: which failed, and which one served.
// It comes over a socket, so nothing about it is trusted.

import { z } from "zod";
import type { FailedTry, Outcome, TellsLeft, Try } from "../stages/outcome";
import type { Ticket } from "../stages/ticket";

const text = z.string().max(200).optional();

const failed = z
  .array(
    z.object({
      try: z.int().min(0).max(10),
      status: z.int().min(100).max(599).optional(),
      retry_after: text,
      retry_after_ms: text,
      left: text,
    }),
  )
  .max(10);

/** As report.lua writes it. */
export interface ToldTries {
  /** Which of the decision's further tries the answer is of, from 1. */
  servedTry?: number;
  /** The tries that failed before it, as JSON. */
  failedTries?: string;
}

type Retried = Required<Pick<Outcome, "failed_tries" | "served_try" | "first_try">>;

/** Undefined where the first try served, or what is told fits no decision. */
export function furtherTries(
  { servedTry, failedTries }: ToldTries,
  ticket: Ticket,
): Retried | undefined {
  const { tries = [], model, provider } = ticket;
  if (servedTry === undefined || servedTry < 1 || servedTry > tries.length) return undefined;
  const read = failed.safeParse(jsonIn(failedTries));
  const first_try = { label: model?.label, provider };
  const failed_tries = (read.data ?? []).map(({ left, ...one }): FailedTry => {
    const { key, other_key } = (one.try === 0 ? ticket : tries[one.try - 1]) ?? {};
    return {
      ...one,
      ...(left !== undefined && { left: leftIn(left) }),
      ...(key && { key }),
      ...(other_key && { other_key }),
    };
  });
  return { served_try: servedTry, failed_tries, first_try };
}

/** One a line, as lua/left.lua places them. */
export function leftIn(text: string): TellsLeft {
  const [requests = "", requests_reset = "", tokens = "", tokens_reset = ""] = text.split("\n");
  return { requests, requests_reset, tokens, tokens_reset };
}

/** The ticket of a request whose answer is that of a further try, from 1. */
export function ticketOfTry(ticket: Ticket, served: number): Ticket {
  const one = ticket.tries![served - 1]!;
  const { served: model, label, fallback_from, provider, key, other_key } = one;
  const requested = ticket.model?.requested ?? model;
  const { key: _first, other_key: _its, ...others } = ticket;
  return {
    ...others,
    model: { requested, served: model, label, fallback_from },
    ...(provider !== undefined && { provider }),
    ...(key && { key }),
    ...(other_key && { other_key }),
  };
}

/**
 * The balancer's tries by their address, port, when each began, and how it failed, as in
 * "10.0.0.1 443 1764172800000 failed 429, 10.0.0.2 443 1764172800250".
 */
export function triesIn(text: string): Try[] {
  return text.split(", ").map((one) => {
    const [ip = "", port = "", start = "", state, code] = one.split(" ");
    return {
      address: `${ip}:${port}`,
      ...(/^\d{1,15}$/.test(start) && { started_at: Number(start) }),
      ...(state !== undefined && { state }),
      ...(code !== undefined && { status: Number(code) }),
    };
  });
}

function jsonIn(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
