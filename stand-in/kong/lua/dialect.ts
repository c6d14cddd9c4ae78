// Refuses what the engine's Lua 5.3 accepts and Kong's LuaJIT does not: the operators // & | ~ << >>.
// Without it a snippet could work here and stop a real Kong from starting.

import { LuaError } from "../lua-value";

const token =
  /--\[(=*)\[[\s\S]*?\]\1\]|--[^\n]*|\[(=*)\[[\s\S]*?\]\2\]|"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|~=|\/\/|<<|>>|[&|~]/g;

const strangers = new Set(["//", "<<", ">>", "&", "|", "~"]);

/** @throws LuaError as LuaJIT words it */
export function checkDialect(source: string): void {
  for (const match of source.matchAll(token)) {
    if (!strangers.has(match[0])) continue;
    const line = source.slice(0, match.index).split("\n").length;
    throw new LuaError(`line ${line}: unexpected symbol near '${match[0]}'`);
  }
}
