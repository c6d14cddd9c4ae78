// Decisions that Kong has and of which nobody has told the end yet. A worker that was killed tells none:
// what it had under way is then settled like a request whose client left before its answer, so that no
// reservation stays until its month ends, and it is counted.

import { Counter, Gauge } from "prom-client";
import { type NeighbourState, showNeighbour } from "./neighbours";
import { clientHasLeft, type Outcome } from "./outcome";
import type { Ticket } from "./ticket";

// Beyond these the oldest are forgotten, and counted: nobody can hold all of a stream of decisions.
const most = 200_000;
const sweepMs = 5000;

const unheard = new Counter({
  name: "llm_decisions_unheard_total",
  help: "Decisions of which no outcome came: a Kong worker was killed, or cannot reach the outcomes socket. Settled like requests whose client left before the answer",
});
unheard.inc(0);

/** By request id, in the order of their decisions. */
const open = new Map<string, { ticket: Ticket; decidedAt: number }>();

new Gauge({
  name: "llm_decisions_open",
  help: "Requests that were let through and of which no outcome has come yet",
  collect() {
    this.set(open.size);
  },
});

/** Waits for the end of a request that was let through. */
export function awaitOutcome(ticket: Ticket): void {
  decidedSince++;
  open.delete(ticket.id);
  open.set(ticket.id, { ticket, decidedAt: Date.now() });
  if (open.size > most) takeOldest();
}

/** What was noted of a request whose end nobody has told yet. */
export function openTicket(id: string): Ticket | undefined {
  return open.get(id)?.ticket;
}

/** When the last end was told, and how many requests were let through since. */
let heardAt = 0;
let decidedSince = 0;

/** The end of a request was told. */
export function heardOf(id: string): void {
  heardAt = Date.now();
  decidedSince = 0;
  open.delete(id);
}

/**
 * Gives up waiting after so many seconds, which no request may last.
 * @param giveUp learns how such a request is taken to have ended
 * @returns what ends it
 */
export function giveUpAfter(seconds: number, giveUp: (outcome: Outcome) => void): () => void {
  showNeighbour("outcomes", outcomesState);
  const sweeper = setInterval(() => {
    const before = Date.now() - seconds * 1000;
    for (const { decidedAt } of open.values()) {
      if (decidedAt > before) return;
      giveUp(outcomeNobodyTold(takeOldest()));
    }
  }, sweepMs).unref();
  return () => clearInterval(sweeper);
}

// Longer than nearly all answers take, also long streams, and more than those that take longer.
const quietMs = 300_000;
const fewDecisions = 10;

/** While requests are let through and no end of any of them is told, nothing is counted or cached. */
function outcomesState(): NeighbourState {
  const oldest = open.values().next().value;
  const since = Math.max(heardAt, oldest?.decidedAt ?? Number.POSITIVE_INFINITY);
  if (decidedSince < fewDecisions || Date.now() - since < quietMs)
    return { ok: true, detail: "Outcomes of requests arrive." };
  const detail = `No outcome has come for five minutes, though ${decidedSince} requests were let through: see that Kong's workers can reach the outcomes socket. Meanwhile nothing is counted, cached or settled.`;
  return { ok: false, detail };
}

function takeOldest(): Ticket {
  const [id, { ticket }] = open.entries().next().value!;
  open.delete(id);
  unheard.inc();
  return ticket;
}

/** Of a decision that did not reach who asked for it: nothing went upstream. */
export function outcomeNeverSent(id: string): Outcome | undefined {
  const ticket = openTicket(id);
  if (!ticket) return undefined;
  const ended = { complete: true, cut_by: undefined };
  return { ...outcomeNobodyTold(ticket), status: 503, source: "exit", ...ended };
}

function outcomeNobodyTold(ticket: Ticket): Outcome {
  const now = Date.now();
  return {
    ticket,
    status: clientHasLeft,
    source: "service",
    content_type: "",
    body: Buffer.alloc(0),
    complete: false,
    cut_by: "unknown",
    truncated: false,
    started_at: ticket.started_at,
    first_byte_at: now,
    ended_at: now,
  };
}
