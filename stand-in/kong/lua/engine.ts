// One Lua state, as one Kong worker has it. Runs Lua functions as coroutines that may wait for Node
// (sockets, request bodies, timers) without blocking it.

import { Failure, LuaError, type LuaValue } from "../lua-value";
import { type LuaFunction, type LuaState, lauxlib, lua, lualib } from "./fengari";
import {
  type Argument,
  Exit,
  type HostFunction,
  Kept,
  LuaFunctions,
  type Reference,
  type Result,
  Returns,
  type Run,
  type RunTables,
} from "./run";
import { popText, push, read, readAll } from "./values";

interface Thread {
  state: LuaState;
  anchor: Reference;
  waitsFor?: Promise<Result> | typeof forever;
}

const forever = Symbol("never resumed");
const textOnly = Buffer.from("t");

export class LuaEngine {
  readonly state: LuaState = lauxlib.luaL_newstate();
  private running: { run: Run; thread: Thread; mayWait: boolean } | undefined;

  constructor() {
    lualib.luaL_openlibs(this.state);
  }

  /** What the running code belongs to. */
  get run(): Run {
    if (!this.running) throw new Error("no Lua code is running");
    return this.running.run;
  }

  /**
   * Compiles a chunk.
   * @throws LuaError with Lua's message when it does not parse
   */
  load(source: string, name: string): Reference {
    const bytes = Buffer.from(source, "latin1");
    const label = Buffer.from(name, "latin1");
    const status = lauxlib.luaL_loadbufferx(this.state, bytes, bytes.length, label, textOnly);
    if (status !== lua.LUA_OK) throw new LuaError(popText(this.state));
    return this.keep(this.state);
  }

  /** Calls a function while nothing else runs, and keeps its first result. */
  evaluate(fn: Reference, args: Argument[] = []): Reference {
    const thread = this.start(fn, args);
    try {
      const end = this.resume({ tables: {}, phase: "init" }, thread, args.length, false);
      if (end !== "ended") throw new LuaError("the chunk did not end while it was loaded");
      lua.lua_settop(thread.state, 1);
      return this.keep(thread.state);
    } finally {
      this.release(thread.anchor);
    }
  }

  /** Runs a function to its end. @throws LuaError, or Exit when the code exited */
  async call(fn: Reference, args: Argument[], run: Run): Promise<void> {
    const thread = this.start(fn, args);
    let results = args.length;
    try {
      for (;;) {
        const end = this.resume(run, thread, results, true);
        if (end === "ended") return;
        if (end === "exited") throw new Exit();
        results = pushResult(thread.state, await end);
      }
    } finally {
      this.release(thread.anchor);
    }
  }

  /**
   * Runs a function that cannot wait.
   * @returns whether Lua takes its first result for true
   * @throws LuaError, or Exit when the code exited
   */
  callNow(fn: Reference, args: Argument[], run: Run): boolean {
    const thread = this.start(fn, args);
    try {
      const end = this.resume(run, thread, args.length, false);
      if (end === "exited") throw new Exit();
      if (end !== "ended") throw new LuaError("attempt to yield across C-call boundary");
      return lua.lua_gettop(thread.state) > 0 && lua.lua_toboolean(thread.state, 1);
    } finally {
      this.release(thread.anchor);
    }
  }

  /** Makes a function that works on plain values. */
  hostFunction(fn: HostFunction): LuaFunction {
    return this.rawFunction((state) => {
      const result = fn(...readAll(state));
      if (result instanceof Promise) return this.wait(state, result);
      return pushResult(state, result);
    });
  }

  /** Makes a function that works on the Lua stack; it returns how many results it has pushed. */
  rawFunction(fn: (state: LuaState) => number): LuaFunction {
    return (state) => {
      let thrown: Error;
      try {
        return fn(state);
      } catch (error) {
        // fengari's own throws (a yield, an error passing through) are no Error objects.
        if (!(error instanceof Error)) throw error;
        thrown = error;
      }
      if (thrown instanceof Exit) return this.wait(state, forever);
      return raise(state, thrown instanceof LuaError ? thrown.message : String(thrown.stack));
    };
  }

  /** Keeps the value on top of a stack, and removes it from there. */
  keep(state: LuaState): Reference {
    if (state !== this.state) lua.lua_xmove(state, this.state, 1);
    return lauxlib.luaL_ref(this.state, lua.LUA_REGISTRYINDEX);
  }

  release(reference: Reference): void {
    lauxlib.luaL_unref(this.state, lua.LUA_REGISTRYINDEX, reference);
  }

  /** Lets go of the tables of a request or a timer that has ended. */
  forget({ ctx, shared, plugins }: RunTables): void {
    for (const table of [ctx, shared, ...(plugins?.values() ?? [])]) {
      if (table !== undefined) this.release(table);
    }
  }

  pushReference(state: LuaState, reference: Reference): void {
    lua.lua_rawgeti(state, lua.LUA_REGISTRYINDEX, reference);
  }

  newTable(): Reference {
    lua.lua_createtable(this.state, 0, 0);
    return this.keep(this.state);
  }

  /** The plain value that is kept. @throws LuaError when it has none */
  valueOf(reference: Reference): LuaValue {
    this.pushReference(this.state, reference);
    const value = read(this.state, -1);
    lua.lua_pop(this.state, 1);
    return value;
  }

  /** Keeps a member of a table. */
  memberOf(table: Reference, name: string): Reference {
    this.pushReference(this.state, table);
    push(this.state, name);
    lua.lua_rawget(this.state, -2);
    const member = this.keep(this.state);
    lua.lua_pop(this.state, 1);
    return member;
  }

  getField(table: Reference, name: LuaValue): LuaValue {
    this.pushReference(this.state, table);
    push(this.state, name);
    lua.lua_rawget(this.state, -2);
    const value = read(this.state, -1);
    lua.lua_pop(this.state, 2);
    return value;
  }

  setField(table: Reference, name: LuaValue, value: LuaValue): void {
    this.pushReference(this.state, table);
    push(this.state, name);
    push(this.state, value);
    lua.lua_rawset(this.state, -3);
    lua.lua_pop(this.state, 1);
  }

  private start(fn: Reference, args: Argument[]): Thread {
    const state = lua.lua_newthread(this.state);
    const anchor = this.keep(this.state);
    this.pushReference(state, fn);
    for (const arg of args) {
      if (arg instanceof LuaFunctions) arg.push(state);
      else if (arg instanceof Kept) this.pushReference(state, arg.reference);
      else push(state, arg);
    }
    return { state, anchor };
  }

  private resume(
    run: Run,
    thread: Thread,
    args: number,
    mayWait: boolean,
  ): "ended" | "exited" | Promise<Result> {
    const outer = this.running;
    this.running = { run, thread, mayWait };
    const status = lua.lua_resume(thread.state, null, args);
    this.running = outer;
    if (status === lua.LUA_OK) return "ended";
    if (status !== lua.LUA_YIELD) {
      // A thread that has failed has no room left to work on its error.
      lua.lua_xmove(thread.state, this.state, 1);
      throw new LuaError(popText(this.state));
    }
    const { waitsFor } = thread;
    thread.waitsFor = undefined;
    if (waitsFor === forever) return "exited";
    return waitsFor ?? Promise.resolve(new Returns([]));
  }

  private wait(state: LuaState, until: Promise<Result> | typeof forever): number {
    const { thread, mayWait, run } = this.running!;
    if (until !== forever && !mayWait) {
      return raise(state, `API disabled in the context of ${run.phase}_by_lua*`);
    }
    if (state !== thread.state) {
      return raise(state, "the stand-in for Kong cannot wait or exit within a coroutine of yours");
    }
    thread.waitsFor = until;
    return lua.lua_yield(state, 0);
  }
}

/** Pushes what a function answers; how many values that is. */
export function pushResult(state: LuaState, result: Result): number {
  if (result instanceof Failure) return pushResult(state, new Returns([undefined, result.message]));
  const values = result instanceof Returns ? result.values : [result];
  for (const value of values) push(state, value);
  return values.length;
}

function raise(state: LuaState, message: string): number {
  lauxlib.luaL_where(state, 1);
  push(state, message);
  lua.lua_concat(state, 2);
  return lua.lua_error(state);
}
