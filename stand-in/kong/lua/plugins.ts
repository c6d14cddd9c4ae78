// Lua plugins: kong.plugins.NAME.handler and .schema below lua_package_path, loaded once for a
// worker. Kong takes them before an external plugin of the same name.

import { isTable, LuaError, type LuaTable, type LuaValue } from "../lua-value";
import type { LuaEngine } from "./engine";
import type { LuaModules } from "./modules";
import { Kept, type Reference, type RunPlugin } from "./run";
import type { PhaseFunction } from "./worker";

export interface LuaPlugin {
  name: string;
  priority: number;
  version: string;
  /** The names of its handler's functions. */
  phases: string[];
  /** What its schema.lua returns. */
  schema: LuaTable;
}

type Failed = (name: string, phase: string, error: unknown) => void;

export class LuaPlugins {
  private readonly loaded = new Map<string, LuaPlugin>();
  private readonly configs = new Map<string, Reference[]>();
  private readonly functions: Record<"load" | "schema" | "config" | "run" | "list", Reference>;

  /** @param table what plugins.lua returns */
  constructor(
    private readonly engine: LuaEngine,
    private readonly modules: LuaModules,
    table: Reference,
  ) {
    const member = (name: string) => engine.memberOf(table, name);
    this.functions = {
      load: member("load"),
      schema: member("schema"),
      config: member("config"),
      run: member("run"),
      list: member("list"),
    };
  }

  /** @throws LuaError when the plugin is there and cannot be loaded */
  find(name: string): LuaPlugin | undefined {
    const known = this.loaded.get(name);
    if (known || !this.modules.has(`kong.plugins.${name}.handler`)) return known;
    if (!this.modules.has(`kong.plugins.${name}.schema`)) {
      throw new LuaError(`no configuration schema found for plugin: ${name}`);
    }
    const { priority, version, phases } = table(name, this.value("load", name));
    const schema = table(name, this.value("schema", name));
    if (typeof priority !== "number" || typeof version !== "string") {
      throw new LuaError(`plugin '${name}': its handler needs a PRIORITY and a VERSION`);
    }
    const plugin = { name, priority, version, phases: phases as string[], schema };
    this.loaded.set(name, plugin);
    return plugin;
  }

  phasesOf(plugin: RunPlugin, config: object): Map<string, PhaseFunction> {
    const { name } = plugin;
    const json = Buffer.from(JSON.stringify(config), "utf8").toString("latin1");
    const reference = this.engine.evaluate(this.functions.config, [json]);
    this.configs.set(name, [...(this.configs.get(name) ?? []), reference]);
    const phases = this.loaded.get(name)?.phases ?? [];
    return new Map(
      phases.map((phase) => [
        phase,
        { fn: this.functions.run, args: [name, phase, new Kept(reference)], plugin },
      ]),
    );
  }

  /** init_worker of all, then configure of all, as kong/init.lua 3.9. */
  start(failed: Failed): void {
    const plugins = [...this.loaded.values()].sort((one, other) => other.priority - one.priority);
    for (const { name, phases } of plugins) {
      if (phases.includes("init_worker")) this.run(name, "init_worker", undefined, failed);
    }
    for (const { name, phases } of plugins) {
      if (!phases.includes("configure")) continue;
      const configs = this.configs.get(name)?.map((config) => new Kept(config));
      const list = configs && new Kept(this.engine.evaluate(this.functions.list, configs));
      this.run(name, "configure", list, failed);
    }
  }

  private run(name: string, phase: string, argument: Kept | undefined, failed: Failed): void {
    const run = { tables: {}, phase: "init_worker", plugin: { name, id: "" } };
    try {
      this.engine.callNow(this.functions.run, [name, phase, argument], run);
    } catch (error) {
      failed(name, phase, error);
    } finally {
      this.engine.forget(run.tables);
    }
  }

  private value(fn: "load" | "schema", name: string): LuaValue {
    const reference = this.engine.evaluate(this.functions[fn], [name]);
    const value = this.engine.valueOf(reference);
    this.engine.release(reference);
    return value;
  }
}

function table(name: string, value: LuaValue): LuaTable {
  if (isTable(value)) return value;
  throw new LuaError(`plugin '${name}': handler.lua and schema.lua must return tables`);
}
