// kong-llm schema: prints what Kong's query_cmd must print. One line of anything else on stdout would
// stop Kong from starting.

import { resolve } from "node:path";
import type { Command } from "commander";
import { dump, type PluginDump } from "../kong/dump";
import { loadPlugins } from "../server/plugins";

/** Beside the server, in the sources as in the build. */
export const defaultPlugins = resolve(__dirname, "../plugins");

export function addSchema(program: Command): void {
  program
    .command("schema")
    .argument("[plugin]", "name of one plugin; without it, all of them")
    .description("print the plugin's description for Kong's pluginserver_<name>_query_cmd")
    .option("--plugins <dir>", "directory of plugins", defaultPlugins)
    .action(async (name: string | undefined, { plugins }: { plugins: string }) => {
      process.stdout.write(`${JSON.stringify(await dumpsOf(name, plugins))}\n`);
    });
}

async function dumpsOf(name: string | undefined, directory: string): Promise<PluginDump[]> {
  const plugins = await loadPlugins(directory);
  if (name !== undefined && !plugins.has(name)) {
    throw new Error(`no plugin is named ${name}; there are ${[...plugins.keys()].join(", ")}`);
  }
  return [...plugins.values()]
    .filter((plugin) => name === undefined || plugin.name === name)
    .map(dump);
}
