// The values that Lua code, the PDK and the MessagePack protocol exchange. Strings are byte strings
// throughout, as in Lua: one character for each byte (latin1), so no byte is lost or re-encoded.

/** undefined is Lua's nil, null is cjson.null. A Map is a table whose keys are not all strings. */
export type LuaValue =
  | undefined
  | null
  | boolean
  | number
  | string
  | LuaValue[]
  | { [name: string]: LuaValue }
  | Map<LuaValue, LuaValue>
  | Handle;

export type LuaTable = { [name: string]: LuaValue };

/** Something of ours that Lua code holds and hands back, and cannot look into. */
export class Handle {
  protected readonly opaque = true;
}

/** An error as Lua code raises it with `error`. */
export class LuaError extends Error {}

/** What a PDK function returns for `nil, message`. */
export class Failure {
  constructor(readonly message: string) {}
}

/** The bytes of a text in UTF-8. */
export function bytesOf(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** The text that UTF-8 bytes spell. */
export function textOf(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** Turns every string in a JSON-like value from text into bytes. */
export function deepBytesOf(value: unknown): LuaValue {
  if (typeof value === "string") return bytesOf(value);
  if (Array.isArray(value)) return value.map(deepBytesOf);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [bytesOf(k), deepBytesOf(v)]));
  }
  return value as LuaValue;
}

export function isTable(value: unknown): value is LuaTable {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Map || value instanceof Handle)
  );
}
