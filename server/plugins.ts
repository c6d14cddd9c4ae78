// Loads the plugins of a directory. Any plugin of kong-pdk's contract will do: a file, or a folder
// with an index, that exports Plugin, Schema, Version, Priority and perhaps Name. Ours also export Checks.

import { existsSync, readdirSync, statSync } from "node:fs";
import { extname, join, parse, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { PluginDescription } from "../kong/dump";

/** An instance of a plugin: its phases are methods. */
export type Handlers = Record<string, ((kong: unknown) => unknown) | undefined>;

export interface LoadedPlugin extends PluginDescription {
  Plugin: new (config: unknown) => Handlers;
}

/** The phases that Kong knows for an external plugin, in the order in which it runs them. */
const knownPhases = ["certificate", "rewrite", "access", "response", "preread", "log"];
const extensions = [".js", ".cjs", ".ts"];

/**
 * Loads every plugin. Throws an Error that names the plugin when one cannot be loaded: Kong would
 * let requests through without it.
 */
export async function loadPlugins(directory: string): Promise<Map<string, LoadedPlugin>> {
  const plugins = new Map<string, LoadedPlugin>();
  for (const file of entriesOf(resolve(directory))) {
    const plugin = await loadPlugin(file);
    if (plugins.has(plugin.name)) {
      throw new Error(`two plugins are named ${plugin.name}; the second is ${file}`);
    }
    plugins.set(plugin.name, plugin);
  }
  if (plugins.size === 0) throw new Error(`no plugin found in ${directory}`);
  return plugins;
}

function entriesOf(directory: string): string[] {
  if (!existsSync(directory)) throw new Error(`the plugins directory ${directory} does not exist`);
  return readdirSync(directory)
    .filter((entry) => !entry.startsWith(".") && entry !== "node_modules")
    .sort()
    .flatMap((entry) => mainFileOf(join(directory, entry)));
}

function mainFileOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return isPluginFile(path) ? [path] : [];
  const index = extensions.map((extension) => join(path, `index${extension}`)).find(existsSync);
  if (!index) throw new Error(`plugin ${path} has no index.js; move it away or give it one`);
  return [index];
}

function isPluginFile(path: string): boolean {
  return extensions.includes(extname(path)) && !/\.(test|spec|d)\.[a-z]+$/.test(path);
}

async function loadPlugin(file: string): Promise<LoadedPlugin> {
  let loaded: Record<string, unknown>;
  try {
    loaded = await load(file);
  } catch (error) {
    throw new Error(`plugin ${file} cannot be loaded: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const { Plugin, Schema, Checks, Version, Priority, Name } = loaded;
  if (typeof Plugin !== "function") throw new Error(`plugin ${file} exports no class Plugin`);
  const phases = knownPhases.filter((phase) => typeof Plugin.prototype?.[phase] === "function");
  if (phases.length === 0) throw new Error(`plugin ${file} has none of ${knownPhases.join(", ")}`);
  return {
    name: (typeof Name === "string" ? Name : nameOf(file)).toLowerCase(),
    version: typeof Version === "string" ? Version : "0.0.0",
    priority: typeof Priority === "number" ? Priority : 0,
    phases,
    schema: Array.isArray(Schema) ? Schema : [],
    checks: Array.isArray(Checks) ? Checks : [],
    Plugin: Plugin as LoadedPlugin["Plugin"],
  };
}

// By import, not require: both find the modules that the server itself has loaded (host, log,
// metrics), and import also runs where the server was loaded as an ES module.
async function load(file: string): Promise<Record<string, unknown>> {
  const module: Record<string, unknown> = await import(pathToFileURL(file).href);
  return module.Plugin ? module : ((module.default ?? module) as Record<string, unknown>);
}

function nameOf(file: string): string {
  const { dir, name } = parse(file);
  return name === "index" ? parse(dir).base : name;
}
