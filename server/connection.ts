// One connection of a Kong worker. It keeps the order of bytes, not of events: the steps of one
// event may come over several connections, and those of several events over one.

import type { Socket } from "node:net";
import { log } from "../stages/log";
import { answerTo, errorTo, type Result } from "./answers";
import type { Question } from "./event";
import { FrameError, type FrameLimits, FrameSplitter, type TakeMessage } from "./frames";
import { counts, malformed } from "./metrics";
import { Outbox } from "./outbox";
import { type Rpc, readQuestion } from "./questions";

// A message that has begun and does not end: Kong writes it at once.
const unfinishedMs = 60_000;

/** Speaks the protocol on a fresh socket until it closes. Nothing that the peer sends throws. */
export function converse(
  socket: Socket,
  limits: FrameLimits,
  ask: (rpc: Rpc, question: Question) => void,
): void {
  const splitter = new FrameSplitter(limits);
  let unfinished = false;
  const open: OpenQuestion[] = [];
  const outbox = new Outbox(socket);
  counts.connections++;

  // Kong asks one thing at a time. One that was silent for 60 s to it (it was stopped, or the machine
  // was busy) goes back to its pool with the question open (mp_rpc.lua, Kong 3.9): whoever takes the
  // connection next must not get that answer.
  const take: TakeMessage = (...message) => {
    const rpc = readQuestion(...message);
    for (const earlier of open.splice(0)) earlier.giveUp();
    outbox.forget();
    ask(rpc, new OpenQuestion(rpc.id, outbox, open));
  };

  // How many bytes of the chunk count is said where it is a buffer that connections share.
  socket.on("data", (chunk: Buffer, length = chunk.length) => {
    try {
      splitter.push(chunk, take, length);
      if (splitter.unfinished !== unfinished) {
        unfinished = splitter.unfinished;
        socket.setTimeout(unfinished ? unfinishedMs : 0);
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      malformed.inc({ socket: "rpc" });
      log.warn(
        { reason: error.message },
        "connection closed: the peer does not speak as Kong does",
      );
      socket.destroy();
    }
  });
  socket.on("drain", () => socket.resume());
  socket.on("timeout", () => socket.destroy());
  socket.on("error", (error) => log.debug({ reason: error.message }, "connection failed"));
  socket.on("close", () => {
    counts.connections--;
    for (const question of open.splice(0)) question.giveUp();
  });
}

class OpenQuestion implements Question {
  asker: Question["asker"];

  /** @param open the question of its connection that is open now, if there is one */
  constructor(
    readonly id: number,
    readonly outbox: Outbox,
    readonly open: OpenQuestion[],
  ) {
    open.push(this);
  }

  answer(result: Result): void {
    if (this.#close()) this.outbox.put(answerTo(this.id, result));
  }

  fail(text: string): void {
    if (this.#close()) this.outbox.put(errorTo(this.id, text));
  }

  /** Nobody waits for its answer any more. It is no longer open. */
  giveUp(): void {
    this.asker?.questionGone(this);
  }

  #close(): boolean {
    if (this.open[0] !== this) return false;
    this.open.pop();
    return true;
  }
}
