import { LuaEngine } from "./engine";

const engine = new LuaEngine();
const find = engine.load("local text, pattern = ... return text:find(pattern)", "=match");

/** Whether Lua finds a pattern of its own in a text, as Kong's schemas ask it. */
export function matches(text: string, pattern: string): boolean {
  const bytes = Buffer.from(text).toString("latin1");
  return engine.callNow(find, [bytes, pattern], { tables: {}, phase: "init" });
}
