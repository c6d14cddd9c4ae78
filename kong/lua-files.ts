// The Lua files that make our plugins plugins of Kong's own: a handler and a schema for each, and the
// modules that they share. Kong prefers them to a plugin server's plugin of the same name
// (kong/db/dao/plugins.lua, 3.9).

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { clientKey } from "./client-key";
import { dump, type PluginDescription } from "./dump";
import { refusalsLua } from "./own-answers";

/** In the sources as in the build. */
const sources = join(__dirname, "../lua");

/** Paths below the directory that lua_package_path names, and what stands there. */
export function luaFiles(plugins: Iterable<PluginDescription>): Map<string, string> {
  const files = new Map<string, string>();
  for (const file of moduleFiles()) {
    files.set(`kong_llm/${file}`, readFileSync(join(sources, file), "utf8"));
  }
  files.set("kong_llm/refusals.lua", refusalsLua());
  for (const plugin of plugins) {
    const { Name, Priority, Version, Schema } = dump(plugin);
    addPlugin(
      files,
      Name,
      Schema,
      `require("kong_llm.driver")("${Name}", ${Priority}, "${Version}")`,
    );
  }
  const keyPlugin = `{
  PRIORITY = ${clientKey.priority},
  VERSION = "${clientKey.version}",
  access = require("kong_llm.client-key"),
}`;
  addPlugin(files, clientKey.name, dump(clientKey).Schema, keyPlugin);
  return files;
}

/** The names of the modules that the handlers share. */
function moduleFiles(): string[] {
  return readdirSync(sources).filter((file) => file.endsWith(".lua"));
}

function addPlugin(
  files: Map<string, string>,
  name: string,
  schema: object,
  handler: string,
): void {
  const folder = `kong/plugins/${name}`;
  files.set(`${folder}/handler.lua`, `return ${handler}\n`);
  // As JSON: it is the schema that Kong reads of a plugin server, to the letter.
  const json = JSON.stringify(schema);
  files.set(`${folder}/schema.lua`, `return require("cjson").decode([==[${json}]==])\n`);
}
