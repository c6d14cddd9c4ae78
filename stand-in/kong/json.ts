// JSON as lua-cjson writes it, of values whose strings are bytes.

import type { LuaValue } from "./lua-value";

/** An empty table is an object, as lua-cjson writes it. */
export function jsonBytes(value: LuaValue): string {
  if (Array.isArray(value)) {
    return value.length === 0
      ? "{}"
      : `[${value.map((item) => jsonBytes(item ?? null)).join(",")}]`;
  }
  if (typeof value === "object" && value !== null) {
    const members = value instanceof Map ? [...value] : Object.entries(value);
    const spelt = members
      .filter(([, member]) => member !== undefined)
      .map(([name, member]) => `${JSON.stringify(String(name))}:${jsonBytes(member)}`);
    return `{${spelt.join(",")}}`;
  }
  return JSON.stringify(value ?? null);
}
