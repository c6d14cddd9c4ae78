// All open events of this process. An event that can never be stepped again leaves at once (exit,
// return, lost connection) or by the sweep (Kong failed in between): nothing stays behind.

import { log } from "../stages/log";
import { Event, type Question } from "./event";
import { firstIdOfProcess, idAfter } from "./ids";
import type { Instance } from "./instances";
import { counts } from "./metrics";

export interface EventOptions {
  /**
   * Seconds after which Kong has given up: the read timeout of its connection to us, 60 s
   * (lua_socket_read_timeout, Kong 3.9). A handler is refused a little earlier, so that Kong still
   * hears it and does not let the request through.
   */
  timeoutSeconds: number;
  /** Events beyond these are refused at once. */
  most: number;
  /** Only for replays of recordings. */
  firstId?: number;
}

export const defaultEventOptions: EventOptions = { timeoutSeconds: 60, most: 50_000 };

const ticksInTimeout = 12;
const ticksForHandler = 10;

export class Events {
  tick = 0;
  readonly #open = new Map<number, Event>();
  readonly #options: EventOptions;
  readonly #sweeper: NodeJS.Timeout;
  #nextId: number;
  #whenEmpty: (() => void)[] = [];
  #unknownSteps = 0;

  constructor(options: Partial<EventOptions> = {}) {
    this.#options = { ...defaultEventOptions, ...options };
    this.#nextId = this.#options.firstId ?? firstIdOfProcess();
    const period = (this.#options.timeoutSeconds * 1000) / ticksInTimeout;
    this.#sweeper = setInterval(() => this.#sweep(), period).unref();
  }

  get size(): number {
    return this.#open.size;
  }

  /** Starts a phase; when too many are open, the request is refused instead. */
  start(instance: Instance, phase: string, question: Question): void {
    const event = new Event(this.#nextId, instance, phase, this);
    this.#nextId = idAfter(this.#nextId);
    const full = this.#open.size >= this.#options.most;
    this.#open.set(event.id, event);
    counts.openEvents++;
    if (full) event.turnAway(question);
    else event.start(question);
  }

  step(id: unknown, data: unknown, failed: boolean, question: Question): void {
    const event = typeof id === "number" ? this.#open.get(id) : undefined;
    if (event) {
      event.step(data, failed, question);
    } else {
      this.#unknownSteps++;
      question.fail("no such event: it ended, or timed out");
    }
  }

  forget(event: Event): void {
    if (!this.#open.delete(event.id)) return;
    counts.openEvents--;
    if (this.#open.size === 0) for (const wake of this.#whenEmpty.splice(0)) wake();
  }

  /** Settles when no event is open. */
  async drained(): Promise<void> {
    if (this.#open.size > 0) await new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
  }

  /** Refuses what is still open, and ends the sweep. */
  stop(): void {
    clearInterval(this.#sweeper);
    for (const event of this.#open.values()) {
      event.refuse("stopping");
      event.forget("stopped");
    }
  }

  #sweep(): void {
    this.tick++;
    for (const event of this.#open.values()) {
      const age = this.tick - event.movedAt;
      if (event.questioned && age > ticksForHandler) event.refuse("too_slow");
      else if (age > ticksInTimeout) event.forget("not_stepped");
    }
    if (this.#unknownSteps > 0) {
      log.debug({ steps: this.#unknownSteps }, "steps for events that are not open");
      this.#unknownSteps = 0;
    }
  }
}
