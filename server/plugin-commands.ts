// Commands that plugins bring to the command line: a plugin with a file `command` beside its index
// exports addCommand from it. So the server need not know what a plugin's commands work on, and a
// plugin need not be started for them.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Command } from "commander";

interface CommandModule {
  addCommand(program: Command): void;
}

/**
 * Adds the commands of all plugins in a directory (ours, never one that a flag names), unless a
 * command of the program itself is asked for: `serve` and Kong's `schema` shall start at once.
 */
export async function addPluginCommands(
  program: Command,
  directory: string,
  asked: string | undefined,
): Promise<void> {
  if (program.commands.some((command) => command.name() === asked)) return;
  const files = readdirSync(directory)
    .sort()
    .flatMap((plugin) => ["command.js", "command.ts"].map((file) => join(directory, plugin, file)))
    .filter(existsSync);
  for (const file of files) (await load(file)).addCommand(program);
}

// An ES module's view of a CommonJS one may hold its exports as the default.
async function load(file: string): Promise<CommandModule> {
  const module: Partial<CommandModule> & { default?: CommandModule } = await import(
    pathToFileURL(file).href
  );
  return module.addCommand ? (module as CommandModule) : module.default!;
}
