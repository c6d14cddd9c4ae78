// The Lua of pre- and post-function, for a Kong without our Lua files: the snippets of lua/snippets with
// the modules that they require written into them, as Kong's sandbox has no require.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { refusalsLua } from "./own-answers";

/** In the sources as in the build. */
const sources = join(__dirname, "../lua");

/** The snippets by name, as in `lua/snippets/gather.lua`. */
export const snippetNames = ["gather", "carry-out", "present", "tap", "report"] as const;

export type SnippetName = (typeof snippetNames)[number];

/**
 * The whole snippet.
 * @param guards the plugins of ours beside it, of which carry-out must find a decision
 */
export function snippet(name: SnippetName, guards: readonly string[]): string {
  const own = readFileSync(join(sources, "snippets", `${name}.lua`), "utf8");
  const names = guards.map((guard) => `"${guard}"`).join(", ");
  return inlined(own.replace(/^local EXPECTED = .*$/m, `local EXPECTED = { ${names} }`));
}

const call = /require\("kong_llm\.([a-z0-9-]+)"\)/g;

/** Each module becomes a function that runs where it is required. */
function inlined(lua: string): string {
  return lua.replace(call, (_whole, module: string) => {
    const text = module === "refusals" ? refusalsLua() : moduleText(module);
    const body = inlined(text)
      .trimEnd()
      .replace(/^(?=.)/gm, "  ");
    return `(function()\n${body}\nend)()`;
  });
}

function moduleText(module: string): string {
  return readFileSync(join(sources, `${module}.lua`), "utf8");
}
