// The outcomes socket: Kong's workers tell in batches how requests ended, and keep a batch until it is
// acknowledged. Nothing that comes over it is trusted; frames: kong/outcome-frame.ts.

import type { Socket } from "node:net";
import { LRUCache } from "lru-cache";
import { Counter } from "prom-client";
import { BatchError, type OutcomeRecord, outcomeOf, readBatch } from "../kong/outcome-frame";
import { learnFrom } from "../stages/learn";
import { log } from "../stages/log";
import { countLost } from "../stages/lost-outcomes";
import { statusLabel } from "../stages/status-label";
import { malformed } from "./metrics";
import { seeTries } from "./second-tries";

export interface OutcomesOptions {
  /** Largest batch in bytes. */
  maxBytes: number;
  /** The sender waits so long for us; what is learned later is learned all the same. */
  answerSeconds: number;
}

const standard: OutcomesOptions = { maxBytes: 64 * 1024 * 1024, answerSeconds: 5 };
// A batch that has begun and does not end: report.lua writes it at once.
const unfinishedMs = 60_000;

const kongAnswers = new Counter({
  name: "llm_kong_answers_total",
  help: "Answers that Kong made itself, before or instead of our stages",
  labelNames: ["status"] as const,
});
// A series that begins with its first answer has not increased, as Prometheus sees it.
kongAnswers.inc({ status: "503" }, 0);

const unanswered = new Counter({
  name: "llm_questions_unanswered_total",
  help: "Questions of drivers that got no answer: closed (the plugin server was ended in between) or silent (for 15 s; one that goes on takes nothing for what it reads then, and gives back what it had reserved). At most so many requests are counted in limits, with what was reserved for them, though nothing was sent for them, until their windows end",
  labelNames: ["reason"] as const,
});
for (const reason of ["closed", "silent"]) unanswered.inc({ reason }, 0);

const repeated = new Counter({
  name: "llm_outcomes_repeated_total",
  help: "Outcomes that were sent to a plugin server before, which ended without acknowledging them: what counts in Redis counts them once, their usage lines may stand twice, with the same request_id",
});

export class Outcomes {
  readonly #options: OutcomesOptions;
  /** Batches that are being learned. */
  readonly #underWay = new Set<Promise<void>>();
  #isEnding = false;

  constructor(options: Partial<OutcomesOptions> = {}) {
    this.#options = { ...standard, ...options };
  }

  /** Takes batches from a fresh socket until it closes. Nothing that the peer sends throws. */
  receive(socket: Socket): void {
    socket.on("timeout", () => socket.destroy());
    socket.on("error", (error) =>
      log.debug({ reason: error.message }, "outcomes connection failed"),
    );
    this.#takeBatches(socket).catch((error: unknown) => {
      socket.destroy();
      if (!(error instanceof BatchError)) return;
      malformed.inc({ socket: "outcomes" });
      log.warn({ reason: error.message }, "outcomes connection closed: no batch of report.lua");
    });
  }

  /**
   * Settles when what is being learned is learned and acknowledged. What comes after that is left to the
   * next plugin server: it would be learned here, and acknowledged no more.
   */
  async drained(): Promise<void> {
    this.#isEnding = true;
    await Promise.allSettled(this.#underWay);
  }

  // One batch after the other: while one is learned, the socket is not read.
  async #takeBatches(socket: Socket): Promise<void> {
    for await (const batch of batchesOf(socket, this.#options.maxBytes)) {
      if (this.#isEnding) return;
      const taking = takeBatch(socket, batch, this.#options.answerSeconds);
      this.#underWay.add(taking);
      await taking.finally(() => this.#underWay.delete(taking));
    }
  }
}

async function takeBatch(socket: Socket, batch: Buffer, seconds: number): Promise<void> {
  const records = readBatch(batch);
  await Promise.race([takeOnce(records), expired(seconds)]);
  const acknowledgement = Buffer.allocUnsafe(4);
  acknowledgement.writeUInt32BE(records.length);
  socket.write(acknowledgement);
}

// A worker sends a batch again, as it is, when its acknowledgement was lost.
const taken = new LRUCache<string, Promise<unknown>>({ max: 10_000 });
const mostNameChars = 200;

/** Learns of a batch that has come before no second time: its counts would be counted twice. */
function takeOnce(records: OutcomeRecord[]): Promise<unknown> {
  const head = records.find(({ batch }) => batch !== undefined);
  const name = head?.batch;
  if (name === undefined || name.length > mostNameChars) return Promise.all(records.map(take));
  const before = taken.get(name);
  if (before) return before;
  if (head?.sentBefore) repeated.inc(records.filter(({ ticket }) => ticket !== undefined).length);
  const taking = Promise.all(records.map(take)).then(() => undefined);
  taken.set(name, taking);
  return taking;
}

async function* batchesOf(socket: Socket, maxBytes: number): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let bytes = 0;
  let wanted = 4;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    held.push(chunk);
    bytes += chunk.length;
    while (bytes >= wanted) {
      const all = held.length === 1 ? held[0]! : Buffer.concat(held);
      wanted = 4 + all.readUInt32BE(0);
      if (wanted > maxBytes + 4) throw new BatchError(`a batch is over ${maxBytes} bytes`);
      held = [all];
      if (bytes < wanted) break;
      const rest = all.subarray(wanted);
      yield all.subarray(4, wanted);
      held = rest.length > 0 ? [rest] : [];
      bytes = rest.length;
      wanted = 4;
    }
    socket.setTimeout(bytes > 0 ? unfinishedMs : 0);
  }
}

async function take(record: OutcomeRecord): Promise<void> {
  if (record.dropped) countLost("queue_full", record.dropped);
  if (record.unansweredClosed) unanswered.inc({ reason: "closed" }, record.unansweredClosed);
  if (record.unansweredSilent) unanswered.inc({ reason: "silent" }, record.unansweredSilent);
  if (record.ticket === undefined) {
    const { status, answers = 0 } = record;
    if (status !== undefined) kongAnswers.inc({ status: statusLabel(status) }, answers);
    return;
  }
  const outcome = outcomeOf(record);
  if (!outcome) return countLost("unreadable", 1);
  seeTries(outcome);
  await learnFrom(outcome);
}

async function expired(seconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000).unref());
}
