// Answers leave together, after all questions of one turn of the event loop are read: Kong's worker is
// then woken once for all of them. A write that wakes a sleeping process costs more than all else that
// an answer costs us.

import type { Socket } from "node:net";

const filled: Outbox[] = [];

export class Outbox {
  #messages: Buffer[] = [];

  constructor(readonly socket: Socket) {}

  /** Sends the message before the event loop waits again. */
  put(message: Buffer): void {
    if (this.#messages.push(message) > 1) return;
    if (filled.push(this) === 1) setImmediate(emptyAll);
  }

  /** A peer that does not read its answers is not read either, until it does. */
  empty(): void {
    const messages = this.#messages;
    this.#messages = [];
    if (this.socket.destroyed) return;
    const message = messages.length === 1 ? messages[0]! : Buffer.concat(messages);
    if (!this.socket.write(message)) this.socket.pause();
  }
}

function emptyAll(): void {
  for (const outbox of filled.splice(0)) outbox.empty();
}
