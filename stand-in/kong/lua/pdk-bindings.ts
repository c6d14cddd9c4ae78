// The PDK as Lua code calls it: the functions that it shares with external plugins, and those whose
// arguments or results are Lua's own.

import type { KongRequest } from "../kong-request";
import { LuaError } from "../lua-value";
import type { PdkFunction } from "../pdk/pdk-function";
import type { LuaEngine } from "./engine";
import { type LuaFunction, lua } from "./fengari";
import { latin1 } from "./values";

export function pdkBindings(
  engine: LuaEngine,
  pdk: ReadonlyMap<string, PdkFunction>,
): Record<string, LuaFunction> {
  const shared = [...pdk].map(([name, fn]): [string, LuaFunction] => [
    name,
    engine.hostFunction((...args) => fn(runningRequest(engine), ...args)),
  ]);
  return {
    ...Object.fromEntries(shared),
    "kong.service.set_target_retry_callback": setRetryCallback(engine),
  };
}

function setRetryCallback(engine: LuaEngine): LuaFunction {
  return engine.rawFunction((state) => {
    const request = runningRequest(engine);
    if (latin1(lua.lua_typename(state, lua.lua_type(state, 1))) !== "function") {
      throw new LuaError("retry_callback must be a function");
    }
    if (request.retryCallback !== undefined) engine.release(request.retryCallback);
    lua.lua_settop(state, 1);
    request.retryCallback = engine.keep(state);
    return 0;
  });
}

function runningRequest({ run }: LuaEngine): KongRequest {
  if (run.request) return run.request;
  throw new LuaError("no phase in ngx.ctx.KONG_PHASE");
}
