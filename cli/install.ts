// kong-llm install: writes what Kong needs of us into a directory that its workers can read: the Lua
// files for lua_package_path, and the dumps for query_cmd, so that Kong's machine needs no Node.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { dump } from "../kong/dump";
import { luaFiles } from "../kong/lua-files";
import { loadPlugins } from "../server/plugins";
import { defaultPlugins } from "./schema";
import { shellWord } from "./shell-word";

export function addInstall(program: Command): void {
  program
    .command("install")
    .description("write the Lua files and dumps that Kong reads of the plugins")
    .requiredOption("--dir <dir>", "where; Kong's lua_package_path is then <dir>/?.lua;;")
    .action(async ({ dir }: { dir: string }) => {
      const written = await install(dir);
      const path = resolve(dir);
      process.stdout.write(
        `wrote ${written} files; for kong.conf: lua_package_path=${path}/?.lua;; and, for each plugin, ` +
          `pluginserver_<name>_query_cmd=cat ${shellWord(`${path}/dumps/`)}<name>.json\n`,
      );
    });
}

/** Writes all files, over those of another version; how many. */
async function install(directory: string): Promise<number> {
  const plugins = [...(await loadPlugins(defaultPlugins)).values()];
  const files = luaFiles(plugins);
  for (const plugin of plugins) {
    files.set(`dumps/${plugin.name}.json`, `${JSON.stringify([dump(plugin)])}\n`);
  }
  for (const [file, text] of files) {
    const path = join(directory, file);
    mkdirSync(dirname(path), { recursive: true });
    // Kong's workers run unprivileged, whatever the umask here says.
    writeFileSync(path, text, { mode: 0o644 });
  }
  return files.size;
}
