// The Lua engine, set up so that it counts like LuaJIT: fengari is Lua 5.3, whose 32-bit integers
// would wrap (2147483647 + 1) and print floats as "3.0". Every number read from source or text
// becomes a double here, and doubles print without ".0".

import { createRequire } from "node:module";

/** An opaque lua_State or thread of fengari. */
export type LuaState = { readonly luaState: unique symbol };

export type LuaFunction = (state: LuaState) => number;

interface Lua {
  LUA_OK: number;
  LUA_YIELD: number;
  LUA_REGISTRYINDEX: number;
  LUA_TNIL: number;
  LUA_TBOOLEAN: number;
  LUA_TLIGHTUSERDATA: number;
  LUA_TNUMBER: number;
  LUA_TSTRING: number;
  LUA_TTABLE: number;
  lua_concat(state: LuaState, count: number): void;
  lua_createtable(state: LuaState, items: number, members: number): void;
  lua_error(state: LuaState): number;
  lua_getmetatable(state: LuaState, index: number): boolean;
  lua_gettop(state: LuaState): number;
  lua_newthread(state: LuaState): LuaState;
  lua_next(state: LuaState, index: number): number;
  lua_pop(state: LuaState, count: number): void;
  lua_pushboolean(state: LuaState, value: boolean): void;
  lua_pushcfunction(state: LuaState, fn: LuaFunction): void;
  lua_pushlightuserdata(state: LuaState, value: unknown): void;
  lua_pushlstring(state: LuaState, bytes: Uint8Array, length: number): void;
  lua_pushnil(state: LuaState): void;
  lua_pushvalue(state: LuaState, index: number): void;
  lua_pushnumber(state: LuaState, value: number): void;
  lua_rawequal(state: LuaState, one: number, other: number): boolean;
  lua_rawget(state: LuaState, index: number): number;
  lua_rawgeti(state: LuaState, index: number, key: number): number;
  lua_rawset(state: LuaState, index: number): void;
  lua_rawseti(state: LuaState, index: number, key: number): void;
  lua_rawlen(state: LuaState, index: number): number;
  lua_resume(state: LuaState, from: LuaState | null, args: number): number;
  lua_setmetatable(state: LuaState, index: number): void;
  lua_settop(state: LuaState, index: number): void;
  lua_toboolean(state: LuaState, index: number): boolean;
  lua_tonumber(state: LuaState, index: number): number;
  lua_tolstring(state: LuaState, index: number): Uint8Array;
  lua_touserdata(state: LuaState, index: number): unknown;
  lua_type(state: LuaState, index: number): number;
  lua_typename(state: LuaState, type: number): Uint8Array;
  lua_xmove(from: LuaState, to: LuaState, count: number): void;
  lua_yield(state: LuaState, results: number): number;
}

interface Fengari {
  lua: Lua;
  lauxlib: {
    luaL_newstate(): LuaState;
    luaL_checkstack(state: LuaState, slots: number, message: null): void;
    luaL_loadbufferx(
      state: LuaState,
      source: Uint8Array,
      size: number,
      name: Uint8Array,
      mode: Uint8Array,
    ): number;
    luaL_ref(state: LuaState, index: number): number;
    luaL_unref(state: LuaState, index: number, reference: number): void;
    luaL_tolstring(state: LuaState, index: number): Uint8Array;
    luaL_where(state: LuaState, level: number): void;
  };
  lualib: { luaL_openlibs(state: LuaState): void };
}

interface LuaNumber {
  value: number;
  ttisinteger(): boolean;
  setfltvalue(value: number): void;
}

// fengari reads this once, when it is loaded.
process.env.FENGARICONF = JSON.stringify({ LUA_COMPAT_FLOATSTRING: true });
const load = createRequire(__filename);
const fengari = load("fengari") as Fengari;
const numbers = load("fengari/src/lobject.js") as {
  luaO_str2num(text: Uint8Array, into: LuaNumber): number;
};

const readNumber = numbers.luaO_str2num;
numbers.luaO_str2num = (text, into) => {
  const read = readNumber(text, into);
  if (read !== 0 && into.ttisinteger()) into.setfltvalue(unwrapped(into.value, text));
  return read;
};

// A hexadecimal number of 32 bits has been read as a negative integer.
function unwrapped(value: number, text: Uint8Array): number {
  const isHexadecimal = text.includes(0x78) || text.includes(0x58);
  return isHexadecimal && value < 0 ? value >>> 0 : value;
}

export const { lua, lauxlib, lualib } = fengari;
