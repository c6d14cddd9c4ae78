// A plugin's schema as its schema.lua returns it, in the form that a dump has.

import { LuaError, type LuaValue, textOf } from "./lua-value";
import type { PluginSchema } from "./plugin-schema";

/** @throws LuaError when it is no schema of a plugin */
export function schemaOf(name: string, table: LuaValue): PluginSchema {
  const schema = plain(table) as Partial<PluginSchema>;
  if (schema.name !== name || !Array.isArray(schema.fields)) {
    throw new LuaError(`its schema must have the name "${name}" and a list of fields`);
  }
  return { ...schema, name, fields: schema.fields };
}

// An empty table is a list here; where a map or a record is meant, its type says so.
function plain(value: LuaValue): unknown {
  if (typeof value === "string") return textOf(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [name, plain(member)]);
  const field = Object.fromEntries(members) as Record<string, unknown>;
  const holdsMembers = field.type === "map" || field.type === "record";
  const isEmpty = Array.isArray(field.default) && field.default.length === 0;
  return holdsMembers && isEmpty ? { ...field, default: {} } : field;
}
