// ngx.timer.at: runs Lua functions later, each as a coroutine of its own. When the worker exits,
// those that wait run at once and are told that it is premature.

import { Failure } from "../lua-value";
import type { LuaEngine, Reference, Result } from "./engine";

type Failed = (error: unknown) => void;

// Kong's lua_max_pending_timers.
const mostPending = 16384;
const exitSeconds = 10;

export class LuaTimers {
  private readonly pending = new Map<NodeJS.Timeout, Reference>();
  private readonly running = new Set<Promise<void>>();
  exiting = false;

  constructor(
    private readonly engine: LuaEngine,
    private readonly failed: Failed,
  ) {}

  /** @param delay seconds */
  at(delay: number, fn: Reference): Result {
    const refusal = this.refusal(delay);
    if (refusal) {
      this.engine.release(fn);
      return refusal;
    }
    const timer = setTimeout(() => this.fire(timer, this.exiting), delay * 1000);
    this.pending.set(timer, fn);
    return true;
  }

  /** The worker exits: everything that waits runs now. Settles when nothing runs any more. */
  async exit(): Promise<void> {
    this.exiting = true;
    const deadline = Date.now() + exitSeconds * 1000;
    while ((this.pending.size > 0 || this.running.size > 0) && Date.now() < deadline) {
      for (const timer of [...this.pending.keys()]) this.fire(timer, true);
      await Promise.race([...this.running, pause(deadline - Date.now())]);
    }
  }

  private refusal(delay: number): Failure | undefined {
    if (this.exiting && delay > 0) return new Failure("process exiting");
    return this.pending.size >= mostPending ? new Failure("too many pending timers") : undefined;
  }

  private fire(timer: NodeJS.Timeout, premature: boolean): void {
    const fn = this.pending.get(timer);
    if (fn === undefined) return;
    clearTimeout(timer);
    this.pending.delete(timer);
    const run = this.run(fn, premature).finally(() => this.running.delete(run));
    this.running.add(run);
  }

  private async run(fn: Reference, premature: boolean): Promise<void> {
    const tables = {};
    try {
      await this.engine.call(fn, [premature], { tables, phase: "timer" });
    } catch (error) {
      this.failed(error);
    } finally {
      this.engine.release(fn);
      this.engine.forget(tables);
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.max(0, milliseconds)).unref();
  });
}
