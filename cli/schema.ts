// kong-llm schema: prints what Kong's query_cmd must print. One line of anything else on stdout would
// stop Kong from starting.

import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { dump } from "../server/dump";
import { loadPlugins } from "../server/plugins";

/** Beside the server, in the sources as in the build. */
export const defaultPlugins = resolve(__dirname, "../plugins");

export function addSchema(program: Command): void {
  program
    .command("schema")
    .argument("[plugin]", "name of one plugin; without it, all of them")
    .description("print the plugin's description for Kong's pluginserver_<name>_query_cmd")
    .option("--plugins <dir>", "directory of plugins", defaultPlugins)
    .option("--dir <dir>", "write one file NAME.json for each plugin there instead")
    .action(async (name: string | undefined, options: { plugins: string; dir?: string }) => {
      const dumps = await dumpsOf(name, options.plugins);
      if (options.dir !== undefined) writeEach(dumps, options.dir);
      else process.stdout.write(`${JSON.stringify([...dumps.values()])}\n`);
    });
}

async function dumpsOf(name: string | undefined, directory: string): Promise<Map<string, object>> {
  const plugins = await loadPlugins(directory);
  if (name !== undefined && !plugins.has(name)) {
    throw new Error(`no plugin is named ${name}; there are ${[...plugins.keys()].join(", ")}`);
  }
  const chosen = [...plugins.values()].filter(
    (plugin) => name === undefined || plugin.name === name,
  );
  return new Map(chosen.map((plugin) => [plugin.name, dump(plugin)]));
}

function writeEach(dumps: Map<string, object>, directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, dumped] of dumps) {
    writeFileSync(join(directory, `${name}.json`), `${JSON.stringify([dumped])}\n`);
  }
}
