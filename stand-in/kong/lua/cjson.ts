// lua-cjson as OpenResty builds it: JSON of Lua values and back. Strings are bytes both ways, numbers
// have 14 digits, and a table is an array by its metatable or by its keys.

import { Handle, LuaError } from "../lua-value";
import { type LuaState, lauxlib, lua } from "./fengari";
import { latin1, push } from "./values";

class EmptyArray extends Handle {}

/** cjson.empty_array: an empty table that is an array. */
export const emptyArray: Handle = new EmptyArray();

const deepest = 1000;
const digits = 14;
// Beyond ten items a list may have at most every second place empty.
const [sparseRatio, sparseSafe] = [2, 10];

/** Where the encoder's arguments stand on the stack. */
const at = { value: 1, emptyAsObject: 2, arrayMetatable: 3, emptyArrayMetatable: 4 };

/**
 * The JSON of the value at the bottom of the stack, above which stand whether an empty table is an
 * object, and the two metatables that mark arrays.
 * @throws LuaError for what has no JSON
 */
export function encode(state: LuaState): string {
  return encoded(state, at.value, 0);
}

/**
 * Pushes what a JSON text says.
 * @param marked push arrays with the metatable that stands at this index of the stack
 * @throws LuaError when it is no JSON
 */
export function decode(state: LuaState, text: string, marked: number | undefined): void {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(escapes, unescaped));
  } catch {
    throw new LuaError("Expected value but found invalid token");
  }
  pushDecoded(state, value, marked, 0);
}

function encoded(state: LuaState, index: number, depth: number): string {
  switch (lua.lua_type(state, index)) {
    case lua.LUA_TNIL:
      return "null";
    case lua.LUA_TBOOLEAN:
      return String(lua.lua_toboolean(state, index));
    case lua.LUA_TNUMBER:
      return number(lua.lua_tonumber(state, index));
    case lua.LUA_TSTRING:
      return string(latin1(lua.lua_tolstring(state, index)));
    case lua.LUA_TTABLE:
      return table(state, index, depth + 1);
    case lua.LUA_TLIGHTUSERDATA: {
      const value = lua.lua_touserdata(state, index);
      if (value === null) return "null";
      if (value === emptyArray) return "[]";
    }
  }
  const type = latin1(lua.lua_typename(state, lua.lua_type(state, index)));
  throw new LuaError(`Cannot serialise ${type}: type not supported`);
}

function table(state: LuaState, index: number, depth: number): string {
  if (depth > deepest) {
    throw new LuaError(`Cannot serialise, excessive depth (${depth})`);
  }
  lauxlib.luaL_checkstack(state, 4, null);
  const own = index < 0 ? lua.lua_gettop(state) + index + 1 : index;
  if (hasMetatable(state, own, at.arrayMetatable)) {
    return array(state, own, lua.lua_rawlen(state, own), depth);
  }
  const length = arrayLength(state, own);
  if (length > 0) return array(state, own, length, depth);
  if (length === 0) {
    const isObject = lua.lua_toboolean(state, at.emptyAsObject);
    return isObject && !hasMetatable(state, own, at.emptyArrayMetatable) ? "{}" : "[]";
  }
  return object(state, own, depth);
}

function hasMetatable(state: LuaState, index: number, metatable: number): boolean {
  if (!lua.lua_getmetatable(state, index)) return false;
  const same = lua.lua_rawequal(state, -1, metatable);
  lua.lua_pop(state, 1);
  return same;
}

/** The largest key, or -1 when some key is no position. */
function arrayLength(state: LuaState, index: number): number {
  let largest = 0;
  let count = 0;
  lua.lua_pushnil(state);
  while (lua.lua_next(state, index)) {
    lua.lua_pop(state, 1);
    const isNumber = lua.lua_type(state, -1) === lua.LUA_TNUMBER;
    const key = isNumber ? lua.lua_tonumber(state, -1) : 0;
    if (!Number.isInteger(key) || key < 1) {
      lua.lua_pop(state, 1);
      return -1;
    }
    largest = Math.max(largest, key);
    count++;
  }
  if (largest > sparseSafe && largest > count * sparseRatio) {
    throw new LuaError("Cannot serialise table: excessively sparse array");
  }
  return largest;
}

function array(state: LuaState, index: number, length: number, depth: number): string {
  const items: string[] = [];
  for (let position = 1; position <= length; position++) {
    lua.lua_rawgeti(state, index, position);
    items.push(encoded(state, -1, depth));
    lua.lua_pop(state, 1);
  }
  return `[${items.join(",")}]`;
}

function object(state: LuaState, index: number, depth: number): string {
  const members: string[] = [];
  lua.lua_pushnil(state);
  while (lua.lua_next(state, index)) {
    members.push(`${key(state)}:${encoded(state, -1, depth)}`);
    lua.lua_pop(state, 1);
  }
  return `{${members.join(",")}}`;
}

function key(state: LuaState): string {
  const type = lua.lua_type(state, -2);
  if (type === lua.LUA_TNUMBER) return `"${number(lua.lua_tonumber(state, -2))}"`;
  if (type === lua.LUA_TSTRING) return string(latin1(lua.lua_tolstring(state, -2)));
  throw new LuaError("Cannot serialise table: table key must be a number or string");
}

function string(bytes: string): string {
  return JSON.stringify(bytes).replaceAll("/", "\\/").replaceAll("\x7f", "\\u007f");
}

/** As C's %.14g. */
function number(value: number): string {
  if (!Number.isFinite(value)) {
    throw new LuaError("Cannot serialise number: must not be NaN or Infinity");
  }
  const [mantissa = "", exponent = "0"] = value.toExponential(digits - 1).split("e");
  const power = Number(exponent);
  if (power >= -4 && power < digits) return String(Number(value.toPrecision(digits)));
  const sign = power < 0 ? "-" : "+";
  return `${Number(mantissa)}e${sign}${String(Math.abs(power)).padStart(2, "0")}`;
}

const escapes =
  /\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|.)/g;

// Escapes beyond ASCII become UTF-8; a surrogate that stands alone is an error.
function unescaped(whole: string, high?: string, low?: string, single?: string): string {
  const units = high && low ? [high, low] : single ? [single] : [];
  const codes = units.map((unit) => Number.parseInt(unit, 16));
  if (codes.length === 0 || codes[0]! < 0x80) return whole;
  if (single && codes[0]! >= 0xd800 && codes[0]! < 0xe000) return "\\x";
  return Buffer.from(String.fromCharCode(...codes)).toString("latin1");
}

function pushDecoded(
  state: LuaState,
  value: unknown,
  marked: number | undefined,
  depth: number,
): void {
  if (typeof value !== "object" || value === null) {
    push(state, value as string | number | boolean | null);
    return;
  }
  if (depth > deepest) throw new LuaError("Found too many nested data structures (1001)");
  lauxlib.luaL_checkstack(state, 4, null);
  if (!Array.isArray(value)) {
    lua.lua_createtable(state, 0, 0);
    for (const [name, member] of Object.entries(value)) {
      push(state, name);
      pushDecoded(state, member, marked, depth + 1);
      lua.lua_rawset(state, -3);
    }
    return;
  }
  lua.lua_createtable(state, value.length, 0);
  value.forEach((item, index) => {
    pushDecoded(state, item, marked, depth + 1);
    lua.lua_rawseti(state, -2, index + 1);
  });
  if (marked === undefined) return;
  lua.lua_pushvalue(state, marked);
  lua.lua_setmetatable(state, -2);
}
