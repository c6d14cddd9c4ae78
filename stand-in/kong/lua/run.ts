// What Lua code that runs here belongs to, what it is handed, and what it can hand back.

import type { KongRequest } from "../kong-request";
import type { Failure, LuaValue } from "../lua-value";
import { type LuaFunction, type LuaState, lua } from "./fengari";
import { push } from "./values";

/** A Lua value that JavaScript holds on to. */
export type Reference = number;

/** Several results of one function; anything else is one result. */
export class Returns {
  constructor(readonly values: LuaValue[]) {}
}

/** Ends the running Lua code for good, as kong.response.exit and ngx.exit do. */
export class Exit extends Error {}

export type Result = LuaValue | Returns | Failure;

/** A function that Lua code calls. It may answer later: the coroutine waits. */
export type HostFunction = (...args: LuaValue[]) => Result | Promise<Result>;

/** What the code that runs now belongs to. */
export interface Run {
  request?: KongRequest;
  tables: RunTables;
  /** What ngx.get_phase answers: access, header_filter, body_filter, log, timer, init, ... */
  phase: string;
  plugin?: RunPlugin;
}

export interface RunPlugin {
  name: string;
  /** kong.plugin.get_id() */
  id: string;
}

/** The tables behind ngx.ctx, kong.ctx.shared and kong.ctx.plugin, made when first asked for. */
export interface RunTables {
  ctx?: Reference;
  shared?: Reference;
  /** By the plugin's name. */
  plugins?: Map<string, Reference>;
}

/** A value that is kept in Lua, handed to a Lua chunk. */
export class Kept {
  constructor(readonly reference: Reference) {}
}

export type Argument = LuaValue | LuaFunctions | Kept;

/** A table of functions of ours, handed to a Lua chunk. */
export class LuaFunctions {
  constructor(private readonly functions: Record<string, LuaFunction>) {}

  push(state: LuaState): void {
    lua.lua_createtable(state, 0, 0);
    for (const [name, fn] of Object.entries(this.functions)) {
      push(state, name);
      lua.lua_pushcfunction(state, fn);
      lua.lua_rawset(state, -3);
    }
  }
}
