// Carries values between JavaScript and the Lua stack.

import { Handle, LuaError, type LuaTable, type LuaValue } from "../lua-value";
import { type LuaState, lauxlib, lua } from "./fengari";

const deepest = 200;

export function push(state: LuaState, value: LuaValue): void {
  if (value === undefined) lua.lua_pushnil(state);
  else if (value === null) lua.lua_pushlightuserdata(state, null);
  else if (typeof value === "boolean") lua.lua_pushboolean(state, value);
  else if (typeof value === "number") lua.lua_pushnumber(state, value);
  else if (typeof value === "string") {
    lua.lua_pushlstring(state, Buffer.from(value, "latin1"), value.length);
  } else if (value instanceof Handle) lua.lua_pushlightuserdata(state, value);
  else if (Array.isArray(value)) pushArray(state, value);
  else pushMembers(state, value instanceof Map ? [...value] : Object.entries(value));
}

/** @throws LuaError for what has no plain value: functions, coroutines, cycles */
export function read(state: LuaState, index: number, depth = 0): LuaValue {
  const type = lua.lua_type(state, index);
  switch (type) {
    case lua.LUA_TNIL:
      return undefined;
    case lua.LUA_TBOOLEAN:
      return lua.lua_toboolean(state, index);
    case lua.LUA_TNUMBER:
      return lua.lua_tonumber(state, index);
    case lua.LUA_TSTRING:
      return latin1(lua.lua_tolstring(state, index));
    case lua.LUA_TLIGHTUSERDATA:
      return lua.lua_touserdata(state, index) as Handle | null;
    case lua.LUA_TTABLE:
      return readTable(state, index, depth);
    default:
      throw new LuaError(`a ${latin1(lua.lua_typename(state, type))} has no plain value`);
  }
}

export function readAll(state: LuaState): LuaValue[] {
  const values: LuaValue[] = [];
  const count = lua.lua_gettop(state);
  for (let index = 1; index <= count; index++) values.push(read(state, index));
  return values;
}

/** The value on top as Lua's tostring shows it; removes it. */
export function popText(state: LuaState): string {
  const text = latin1(lauxlib.luaL_tolstring(state, -1));
  lua.lua_pop(state, 2);
  return text;
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function pushArray(state: LuaState, items: LuaValue[]): void {
  lauxlib.luaL_checkstack(state, roomPerLevel, null);
  lua.lua_createtable(state, items.length, 0);
  items.forEach((item, index) => {
    push(state, item);
    lua.lua_rawseti(state, -2, index + 1);
  });
}

function pushMembers(state: LuaState, members: [LuaValue, LuaValue][]): void {
  lauxlib.luaL_checkstack(state, roomPerLevel, null);
  lua.lua_createtable(state, 0, members.length);
  for (const [name, value] of members) {
    push(state, name);
    push(state, value);
    lua.lua_rawset(state, -3);
  }
}

// A name, a value and what reading them takes: a table in a table in a table needs more than Lua's 20.
const roomPerLevel = 4;

// A table is an array when its keys are 1 to n and nothing else, as lua-messagepack and cjson see it.
function readTable(state: LuaState, index: number, depth: number): LuaValue {
  if (depth > deepest) throw new LuaError("a table is nested too deeply or holds itself");
  const table = index < 0 ? lua.lua_gettop(state) + index + 1 : index;
  lauxlib.luaL_checkstack(state, roomPerLevel, null);
  const members: [LuaValue, LuaValue][] = [];
  lua.lua_pushnil(state);
  while (lua.lua_next(state, table)) {
    members.push([read(state, -2, depth + 1), read(state, -1, depth + 1)]);
    lua.lua_pop(state, 1);
  }
  if (members.every(([name]) => isPosition(name, members.length))) {
    const items: LuaValue[] = new Array(members.length);
    for (const [name, value] of members) items[(name as number) - 1] = value;
    return items;
  }
  if (members.some(([name]) => typeof name !== "string")) return new Map(members);
  return Object.fromEntries(members as [string, LuaValue][]) satisfies LuaTable;
}

function isPosition(name: LuaValue, length: number): boolean {
  return typeof name === "number" && Number.isInteger(name) && name >= 1 && name <= length;
}
