// Runs Lua functions later, each as a coroutine of its own. Two kinds: nginx's own timers
// (_G.native_timer_at), which run at once and are told that it is premature when the worker exits;
// and those of Kong's timer library (ngx.timer.at), which has stopped by then and runs nothing more.

import { Failure } from "../lua-value";
import type { LuaEngine } from "./engine";
import type { Reference, Result } from "./run";

type Failed = (error: unknown) => void;

interface Pending {
  fn: Reference;
  native: boolean;
}

// Kong's lua_max_pending_timers.
const mostPending = 16384;
const exitSeconds = 10;

export class LuaTimers {
  private readonly pending = new Map<NodeJS.Timeout, Pending>();
  private readonly running = new Set<Promise<void>>();
  exiting = false;

  constructor(
    private readonly engine: LuaEngine,
    private readonly failed: Failed,
  ) {}

  /** ngx.timer.at. In a worker that exits it says yes and never runs. @param delay seconds */
  at(delay: number, fn: Reference): Result {
    if (this.exiting) {
      this.engine.release(fn);
      return true;
    }
    return this.start(delay, { fn, native: false });
  }

  /** nginx's own: a worker that exits takes those without a delay. @param delay seconds */
  nativeAt(delay: number, fn: Reference): Result {
    if (this.exiting && delay > 0) {
      this.engine.release(fn);
      return new Failure("process exiting");
    }
    return this.start(delay, { fn, native: true });
  }

  /** The worker has been told to exit: of what waits only nginx's own timers run, at once. */
  beginExit(): void {
    this.exiting = true;
    for (const [timer, { fn, native }] of [...this.pending]) {
      if (native) {
        this.fire(timer, true);
        continue;
      }
      clearTimeout(timer);
      this.pending.delete(timer);
      this.engine.release(fn);
    }
  }

  /** Settles when nothing runs any more, or has run on for too long. */
  async exit(): Promise<void> {
    this.beginExit();
    const deadline = Date.now() + exitSeconds * 1000;
    while ((this.pending.size > 0 || this.running.size > 0) && Date.now() < deadline) {
      for (const timer of [...this.pending.keys()]) this.fire(timer, true);
      await Promise.race([...this.running, pause(deadline - Date.now())]);
    }
  }

  private start(delay: number, pending: Pending): Result {
    if (this.pending.size >= mostPending) {
      this.engine.release(pending.fn);
      return new Failure("too many pending timers");
    }
    const timer = setTimeout(() => this.fire(timer, this.exiting), delay * 1000);
    this.pending.set(timer, pending);
    return true;
  }

  private fire(timer: NodeJS.Timeout, premature: boolean): void {
    const found = this.pending.get(timer);
    if (!found) return;
    clearTimeout(timer);
    this.pending.delete(timer);
    const run = this.run(found.fn, premature).finally(() => this.running.delete(run));
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
