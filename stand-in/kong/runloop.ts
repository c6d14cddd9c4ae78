// Runs the plugins of a request through their phases, in order of priority, as kong/init.lua 3.9
// does: what answers in access skips the others, which still see the answer pass.

import { DeclarativeError } from "../../kong/declarative-error";
import type { Entities } from "./config";
import type { ExternalPlugin } from "./external-plugin";
import { authenticate, type KeyAuthConfig } from "./key-auth";
import type { KongRequest } from "./kong-request";
import type { LogLine } from "./lua/host-functions";
import { Exit } from "./lua/run";
import type { LuaWorker, PhaseFunction } from "./lua/worker";
import { LuaError } from "./lua-value";
import type { ConfiguredPlugin } from "./plugin-configs";
import { mostSpecific } from "./plugin-scopes";

const snippetPhases = ["rewrite", "access", "header_filter", "body_filter", "log"] as const;

interface Parts {
  plugins: ConfiguredPlugin[];
  entities: Entities;
  lua: LuaWorker;
  externals: ReadonlyMap<string, ExternalPlugin>;
  log: LogLine;
}

export class Runloop {
  /** The instances of each plugin, in the order in which plugins run. */
  private readonly groups: ConfiguredPlugin[][];
  /** What snippets and Lua plugins run, by the plugin's id and the phase. */
  private readonly code = new Map<string, PhaseFunction>();

  /** @throws DeclarativeError when a snippet does not parse */
  constructor(private readonly parts: Parts) {
    const names = [...new Set(parts.plugins.map(({ name }) => name))];
    this.groups = names.map((name) => parts.plugins.filter((plugin) => plugin.name === name));
    for (const plugin of parts.plugins) {
      if (plugin.kind === "serverless") this.compile(plugin);
      if (plugin.kind !== "lua") continue;
      const phases = parts.lua.phasesOf(plugin, plugin.config);
      for (const [phase, fn] of phases) this.code.set(`${plugin.id}:${phase}`, fn);
    }
  }

  /** The rewrite phase runs before routing, so only for global plugins. */
  async rewrite(request: KongRequest): Promise<void> {
    for (const plugin of this.globals()) {
      const fn = this.code.get(`${plugin.id}:rewrite`);
      if (fn !== undefined) await this.parts.lua.access(fn, request);
    }
  }

  /** Leaves an answer in the request when a plugin gave one, or when one failed. */
  async access(request: KongRequest): Promise<void> {
    request.plugins = [];
    for (const instances of this.groups) {
      const plugin = mostSpecific(instances, request);
      if (!plugin) continue;
      request.plugins.push(plugin);
      if (request.answer) continue;
      await this.accessOf(plugin, request);
    }
  }

  /** @throws LuaError when a snippet fails, which ends the connection */
  headerFilter(request: KongRequest): void {
    request.phase = "header_filter";
    try {
      for (const plugin of this.pluginsOf(request)) this.filter(plugin, request);
    } catch (error) {
      if (!(error instanceof Exit)) throw error;
    }
  }

  /** @throws LuaError when a snippet fails, which ends the connection */
  bodyFilter(request: KongRequest): void {
    request.phase = "body_filter";
    for (const plugin of this.pluginsOf(request)) this.filter(plugin, request);
  }

  async log(request: KongRequest): Promise<void> {
    request.phase = "log";
    for (const plugin of this.pluginsOf(request)) {
      try {
        if (plugin.kind !== "external") this.filter(plugin, request);
        else if (plugin.phases.includes("log")) await this.external(plugin, request);
      } catch (error) {
        this.failed(plugin, error, request);
      }
    }
    this.parts.lua.forget(request);
    request.body.forget();
  }

  /**
   * The balancer phase before a further try: asks the retry callback, as Kong does for a name.
   * @returns false when there is no further try
   */
  nextTry(request: KongRequest): boolean {
    if (request.balancer?.type !== "name") return true;
    request.phase = "balancer";
    try {
      if (this.parts.lua.retry(request)) return true;
      this.parts.log("err", "retry handler failed: false", request);
    } catch (error) {
      this.parts.log("err", `retry handler failed: ${(error as Error).message}`, request);
    }
    return false;
  }

  private async accessOf(plugin: ConfiguredPlugin, request: KongRequest): Promise<void> {
    try {
      await this.runAccess(plugin, request);
    } catch (error) {
      if (error instanceof Exit) return;
      this.failed(plugin, error, request);
      request.unexpected = true;
      request.answer = { status: 500, body: undefined, headers: {} };
    }
  }

  private async runAccess(plugin: ConfiguredPlugin, request: KongRequest): Promise<void> {
    const { entities, lua } = this.parts;
    if (plugin.kind === "key-auth") {
      authenticate(plugin.config as unknown as KeyAuthConfig, entities, request);
    } else if (plugin.kind === "external") {
      if (plugin.phases.includes("access")) await this.external(plugin, request);
    } else {
      const fn = this.code.get(`${plugin.id}:access`);
      if (fn !== undefined) await lua.access(fn, request);
    }
  }

  private async external(plugin: ConfiguredPlugin, request: KongRequest): Promise<void> {
    await this.parts.externals.get(plugin.name)?.handle(plugin, request.phase, request);
  }

  private filter(plugin: ConfiguredPlugin, request: KongRequest): void {
    const fn = this.code.get(`${plugin.id}:${request.phase}`);
    if (fn !== undefined) this.parts.lua.filter(fn, request);
  }

  /** A request that found no route meets the global plugins only. */
  private pluginsOf(request: KongRequest): ConfiguredPlugin[] {
    return request.plugins ?? this.globals();
  }

  private globals(): ConfiguredPlugin[] {
    return this.parts.plugins.filter(({ scope }) => Object.keys(scope).length === 0);
  }

  private compile(plugin: ConfiguredPlugin): void {
    for (const phase of snippetPhases) {
      const sources = plugin.config[phase] as string[];
      if (sources.length === 0) continue;
      try {
        this.code.set(`${plugin.id}:${phase}`, this.parts.lua.compile(sources, plugin));
      } catch (error) {
        if (!(error instanceof LuaError)) throw error;
        const where = `plugin "${plugin.name}": config.${phase}`;
        throw new DeclarativeError(`${where}: error parsing ${plugin.name}: ${error.message}`);
      }
    }
  }

  private failed(plugin: ConfiguredPlugin, error: unknown, request: KongRequest): void {
    this.parts.log("err", `[${plugin.name}] ${(error as Error).message}`, request);
  }
}
