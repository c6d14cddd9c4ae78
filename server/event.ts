// One event: one phase of one plugin for one request. The handler calls the PDK when it likes, Kong
// asks when it likes; this is where a call and a question meet, one at a time and in order.

import { log } from "../stages/log";
import { handlerFailed, unavailable } from "../stages/refusals";
import { callResult, type Result, returnResult } from "./answers";
import { tell } from "./discreet";
import { requestOf } from "./heard";
import type { Instance } from "./instances";
import { kongObject, type PdkMethod, pdkMethod } from "./kong-object";
import { counts, forgottenEvents, phaseDurations, refusedEvents } from "./metrics";

export type Refusal = "handler_failed" | "too_slow" | "overloaded" | "stopping";

/** A message of Kong's that is owed exactly one answer. */
export interface Question {
  answer(result: Result): void;
  fail(text: string): void;
  /** Who is told when Kong closes the connection before it has the answer. */
  asker: { questionGone(question: Question): void } | undefined;
}

/** What a handler gets from the PDK when Kong no longer listens to this event. */
class EventOver extends Error {
  override name = "EventOver";
}

/** A PDK call that Kong answered with an error. */
class PdkError extends Error {
  override name = "PDKError";
}

interface Call {
  method: PdkMethod;
  args: unknown[];
  /** What hands this call to Kong; encoded when the call is made, where a handler can catch it. */
  result: Result;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

const exit = pdkMethod("kong.response.exit");
// Phases in which Kong can still answer the client itself (kong/pdk/response.lua, Kong 3.9).
const refusable = new Set(["rewrite", "access", "response"]);

export class Event {
  /** The tick of the sweep in which it last moved; see events.ts. */
  movedAt: number;
  readonly #startedAt = performance.now();
  readonly #queue: Call[] = [];
  /** What Kong has answered so far; only looked at when something fails. */
  readonly #heard: unknown[] = [];
  #question: Question | undefined;
  /** The call that Kong is carrying out now. */
  #handedOut: Call | undefined;
  #returned = false;
  #over = false;

  constructor(
    readonly id: number,
    readonly instance: Instance,
    readonly phase: string,
    readonly registry: { tick: number; forget(event: Event): void },
  ) {
    this.movedAt = registry.tick;
  }

  /** Kong waits for us, not we for Kong. */
  get questioned(): boolean {
    return this.#question !== undefined;
  }

  /** Runs the handler; the question is answered by its first PDK call, or by its end. */
  start(question: Question): void {
    this.#ask(question);
    void this.#run();
  }

  /** Refuses the request without running any code of the plugin. */
  turnAway(question: Question): void {
    this.refuse("overloaded");
    this.#ask(question);
    this.#meet();
  }

  /** Kong brings the result of the call it was handed, and asks for the next. */
  step(data: unknown, failed: boolean, question: Question): void {
    const call = this.#handedOut;
    if (!call) {
      question.fail(`event ${this.id} did not wait for a step`);
      return;
    }
    this.#handedOut = undefined;
    this.movedAt = this.registry.tick;
    this.#ask(question);
    this.#heard.push(call.method.name, call.args, data);
    if (failed) call.reject(new PdkError(`PDK method ${call.method.name} failed: ${data}`));
    else call.resolve(data ?? undefined);
    this.#meet();
  }

  /** Refuses the request while Kong still listens; a phase that cannot refuse just ends. */
  refuse(reason: Refusal): void {
    if (this.#over) return;
    this.#dropQueue(`was refused: ${reason}`);
    if (refusable.has(this.phase)) {
      refusedEvents.inc({ reason });
      this.#queue.push(this.#callOf(exit, refusalArguments(reason)));
    } else {
      this.#returned = true;
    }
    this.#meet();
  }

  /** Kong will not come back: whatever the handler waits for fails, so that it lets go. */
  forget(reason: "connection_lost" | "not_stepped" | "stopped"): void {
    if (this.#over) return;
    forgottenEvents.inc({ reason });
    this.#end(`is over: ${reason}`);
  }

  #ask(question: Question): void {
    this.#question = question;
    question.asker = this;
  }

  questionGone(question: Question): void {
    if (this.#question === question) this.forget("connection_lost");
  }

  async #run(): Promise<void> {
    const { handlers } = this.instance;
    try {
      const handler = handlers[this.phase];
      if (!handler) throw new TypeError(`the plugin has no phase ${this.phase}`);
      await handler.call(handlers, kongObject(this.#call));
      this.#returned = true;
      this.#meet();
    } catch (error) {
      this.#report(error);
      this.refuse("handler_failed");
    }
  }

  readonly #call = (method: PdkMethod, args: unknown[]): Promise<unknown> => {
    if (this.#over) return failedSoftly(this.#isOver(method));
    return new Promise((resolve, reject) => {
      const call = this.#callOf(method, args, resolve, reject);
      this.#queue.push(call);
      // What a plugin does after kong.response.exit still runs, as under kong-pdk.
      if (method.isLast) resolve(undefined);
      this.#meet();
    });
  };

  #callOf(
    method: PdkMethod,
    args: unknown[],
    resolve: Call["resolve"] = () => {},
    reject: Call["reject"] = () => {},
  ): Call {
    const result = callResult(method.head, args, this.id);
    return { method, args, result, resolve, reject };
  }

  // Hands the next call to Kong if Kong asks and no call is under way.
  #meet(): void {
    const question = this.#question;
    if (!question || this.#over) return;
    const call = this.#queue.shift();
    if (!call && !this.#returned) return;
    this.#question = undefined;
    this.movedAt = this.registry.tick;
    if (!call) {
      this.#end("has returned");
      question.answer(returnResult(this.id));
      return;
    }
    counts.pdkCalls++;
    if (call.method.isLast) this.#end("has answered the request");
    else this.#handedOut = call;
    question.answer(call.result);
  }

  #end(how: string): void {
    this.#over = true;
    this.#dropQueue(how);
    this.#handedOut?.reject(this.#isOver(this.#handedOut.method, how));
    this.#handedOut = undefined;
    this.#question = undefined;
    phaseDurations.observe(
      { plugin: this.instance.plugin.name, phase: this.phase },
      (performance.now() - this.#startedAt) / 1000,
    );
    this.registry.forget(this);
  }

  #dropQueue(how: string): void {
    while (this.#queue.length > 0) {
      const call = this.#queue.shift()!;
      call.reject(this.#isOver(call.method, how));
    }
  }

  #isOver(method: PdkMethod, how = "is over"): EventOver {
    return new EventOver(`${method.name}: event ${this.id} ${how}`);
  }

  #report(error: unknown): void {
    // A handler that goes on after its event was over has nothing left to guard.
    const level = this.#over && error instanceof EventOver ? "debug" : "error";
    log[level](
      {
        plugin: this.instance.plugin.name,
        instance: this.instance.id,
        phase: this.phase,
        ...requestOf(this.#heard),
        error: tell(error, [this.#heard, this.instance.config]),
      },
      "a handler failed",
    );
  }
}

// The rejection belongs to a handler whose request is long gone; when nobody looks at it, it must
// not count as unhandled.
function failedSoftly(error: Error): Promise<never> {
  const failed = Promise.reject(error);
  failed.catch(() => {});
  return failed;
}

function refusalArguments(reason: Refusal): unknown[] {
  const { status, headers, body } =
    reason === "stopping" || reason === "overloaded" ? unavailable : handlerFailed;
  return [status, body, headers];
}
