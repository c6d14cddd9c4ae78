// What libraries.lua is made of: JSON, files and modules from them, LuaJIT's bit operations and OpenResty's
// ngx.balancer.

import { Failure, LuaError, type LuaValue } from "../lua-value";
import { decode, emptyArray, encode } from "./cjson";
import type { LuaEngine } from "./engine";
import { type LuaFunction, lua } from "./fengari";
import { fileFunctions } from "./file-functions";
import type { LuaModules } from "./modules";
import { type HostFunction, Returns } from "./run";
import { push, read } from "./values";

export function libraryFunctions(
  engine: LuaEngine,
  modules: LuaModules,
  packagePath: string,
): Record<string, LuaFunction> {
  return {
    ...hosted(engine, fileFunctions()),
    json_encode: engine.rawFunction((state) => {
      push(state, encode(state));
      return 1;
    }),
    json_decode: engine.rawFunction((state) => {
      const text = read(state, 1);
      if (typeof text !== "string") throw new LuaError("bad argument #1 to 'decode'");
      decode(state, text, lua.lua_type(state, 2) === lua.LUA_TTABLE ? 2 : undefined);
      return 1;
    }),
    empty_array: engine.hostFunction(() => emptyArray),
    package_path: engine.hostFunction(() => packagePath),
    find_module: engine.hostFunction((name) => {
      const found = modules.find(String(name));
      return found && new Returns([found.source, found.file]);
    }),
  };
}

/** LuaJIT's bit: 32 bits with a sign, as JavaScript's own operators. */
export function bitFunctions(engine: LuaEngine): Record<string, LuaFunction> {
  const folding = (fold: (one: number, other: number) => number): HostFunction => {
    return (...values) => values.map(bits).reduce(fold);
  };
  const functions: Record<string, HostFunction> = {
    tobit: (value) => bits(value),
    bnot: (value) => ~bits(value),
    band: folding((one, other) => one & other),
    bor: folding((one, other) => one | other),
    bxor: folding((one, other) => one ^ other),
    lshift: (value, count) => bits(value) << bits(count),
    rshift: (value, count) => (bits(value) >>> bits(count)) | 0,
    arshift: (value, count) => bits(value) >> bits(count),
    rol: (value, count) => (bits(value) << bits(count)) | (bits(value) >>> -bits(count)),
    ror: (value, count) => (bits(value) >>> bits(count)) | (bits(value) << -bits(count)),
    bswap(value) {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32LE(bits(value));
      return bytes.readInt32BE();
    },
    tohex(value, digits) {
      const count = digits === undefined ? 8 : bits(digits);
      const hex = (bits(value) >>> 0).toString(16).padStart(8, "0").slice(-Math.abs(count));
      return count < 0 ? hex.toUpperCase() : hex;
    },
  };
  return hosted(engine, functions);
}

/** ngx.balancer: only within the balancer phase, where a further try is prepared. */
export function balancerFunctions(engine: LuaEngine): Record<string, LuaFunction> {
  return hosted(engine, {
    recreate_request() {
      const { request, phase } = engine.run;
      if (!request) throw new LuaError("no request found");
      if (phase !== "balancer") return new Failure("API disabled in the current context");
      request.recreated = true;
      return true;
    },
    get_last_failure() {
      const last = engine.run.request?.balancer?.tries.findLast(({ state }) => state);
      return last ? new Returns([last.state, last.code]) : undefined;
    },
  });
}

function hosted(engine: LuaEngine, functions: Record<string, HostFunction>) {
  return Object.fromEntries(
    Object.entries(functions).map(([name, fn]) => [name, engine.hostFunction(fn)]),
  );
}

function bits(value: LuaValue): number {
  // Doubles beyond 32 bits wrap, as in LuaJIT.
  if (typeof value === "number") return value | 0;
  throw new LuaError(`number expected, got ${value === undefined ? "no value" : typeof value}`);
}
