// What a function of Kong's plugin development kit is here: one implementation that Lua snippets
// and external plugins share, as they do in Kong. Checks of phase and arguments follow kong/pdk 3.9.

import type { KongRequest, Phase } from "../kong-request";
import type { Result } from "../lua/run";
import { isTable, LuaError, type LuaValue } from "../lua-value";

/** Raises LuaError for misuse, Exit when it has ended the request's code. */
export type PdkFunction = (request: KongRequest, ...args: LuaValue[]) => Result | Promise<Result>;

const anyPhase: Phase[] = ["access", "header_filter", "body_filter", "log", "error"];
export const requestPhases: readonly Phase[] = anyPhase;
/** Functions that Kong lets a balancer's retry callback use too. */
export const accessAndBalancer: readonly Phase[] = ["access", "balancer"];
export const authPhases: readonly Phase[] = ["access", "header_filter", "body_filter", "log"];
export const responsePhases: readonly Phase[] = ["header_filter", "body_filter", "log", "error"];
export const headerPhases: readonly Phase[] = ["access", "header_filter", "error"];
export const accessPhase: readonly Phase[] = ["access"];

/** The functions of a module, each checking that it is called in one of its phases. */
export function within(
  phases: readonly Phase[],
  functions: Record<string, PdkFunction>,
): Record<string, PdkFunction> {
  return Object.fromEntries(
    Object.entries(functions).map(([name, fn]) => [
      name,
      (request, ...args) => {
        if (phases.includes(request.phase)) return fn(request, ...args);
        throw new LuaError(
          `function cannot be called in ${request.phase} phase (only in: ${phases.join(", ")})`,
        );
      },
    ]),
  );
}

export function text(value: LuaValue, complaint: string): string {
  if (typeof value === "string") return value;
  throw new LuaError(complaint);
}

function luaType(value: LuaValue): string {
  if (value === undefined) return "nil";
  if (value === null) return "userdata";
  return typeof value === "object" ? "table" : typeof value;
}

/** A header value as kong/pdk/private/checks.lua takes it: an empty one becomes a space. */
export function headerValue(name: LuaValue, value: LuaValue): [string, string | string[]] {
  if (typeof name !== "string") {
    throw new LuaError(
      `invalid header name "${String(name)}": got ${luaType(name)}, expected string`,
    );
  }
  if (Array.isArray(value)) {
    return [
      name,
      value.map((one) => {
        if (typeof one === "string") return one === "" ? " " : one;
        const type = luaType(one);
        throw new LuaError(`invalid header value in array "${name}": got ${type}, expected string`);
      }),
    ];
  }
  if (typeof value === "string") return [name, value === "" ? " " : value];
  if (typeof value === "number" || typeof value === "boolean") return [name, String(value)];
  throw new LuaError(
    `invalid header value for "${name}": got ${luaType(value)}, expected string, number, boolean ` +
      "or array of strings",
  );
}

export function headerValues(headers: LuaValue): [string, string | string[]][] {
  if (headers === undefined || (Array.isArray(headers) && headers.length === 0)) return [];
  if (!isTable(headers)) throw new LuaError("headers must be a table");
  return Object.entries(headers).map(([name, value]) => headerValue(name, value));
}
