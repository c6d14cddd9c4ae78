// The Lua side of one Kong worker: its environment, and the phases of pre- and post-function and of
// Lua plugins run in it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KongRequest } from "../kong-request";
import { bytesOf, deepBytesOf, type LuaValue } from "../lua-value";
import type { PdkFunction } from "../pdk/pdk-function";
import { CosocketPool } from "./cosocket-pool";
import { checkDialect } from "./dialect";
import { LuaEngine } from "./engine";
import { hostFunctions, type LogLine } from "./host-functions";
import { balancerFunctions, bitFunctions, libraryFunctions } from "./library-functions";
import { LuaModules } from "./modules";
import { pdkBindings } from "./pdk-bindings";
import { type LuaPlugin, LuaPlugins } from "./plugins";
import {
  type Argument,
  Kept,
  LuaFunctions,
  type Reference,
  type RunPlugin,
  type RunTables,
} from "./run";
import { LuaTimers } from "./timers";

/** What runs in one phase of a plugin's config, and for which plugin. */
export interface PhaseFunction {
  fn: Reference;
  args: Argument[];
  plugin?: RunPlugin;
}

interface WorkerSettings {
  /** Kong's lua_package_path: a directory, or DIR/?.lua;; as Lua writes it. */
  packagePath?: string;
  /** kong.configuration */
  configuration?: Record<string, string | number | boolean>;
  /** ngx.worker.pid() */
  pid?: number;
}

export class LuaWorker {
  private readonly engine = new LuaEngine();
  private readonly timers: LuaTimers;
  private readonly sockets = new CosocketPool();
  private readonly compiler: Reference;
  private readonly plugins: LuaPlugins;

  constructor(
    pdk: ReadonlyMap<string, PdkFunction>,
    private readonly log: LogLine,
    { packagePath = "", configuration = {}, pid = process.pid }: WorkerSettings = {},
  ) {
    const { engine, sockets } = this;
    const modules = new LuaModules(packagePath);
    this.timers = new LuaTimers(engine, (error) => this.report("timer", error));
    engine.evaluate(this.chunk("luajit.lua"));
    const host = hostFunctions({ engine, timers: this.timers, sockets, log, pid });
    const environment = engine.evaluate(this.chunk("environment.lua"), [
      new LuaFunctions(host),
      new LuaFunctions(pdkBindings(engine, pdk)),
      deepBytesOf(configuration),
    ]);
    engine.evaluate(this.chunk("libraries.lua"), [
      new LuaFunctions(libraryFunctions(engine, modules, packagePath)),
      new LuaFunctions(bitFunctions(engine)),
      new LuaFunctions(balancerFunctions(engine)),
      new Kept(environment),
    ]);
    this.compiler = engine.evaluate(this.chunk("sandbox.lua"), [
      new Kept(environment),
      new LuaFunctions({ check: engine.hostFunction(check) }),
    ]);
    this.plugins = new LuaPlugins(engine, modules, engine.evaluate(this.chunk("plugins.lua")));
  }

  /** @throws LuaError when a snippet does not parse */
  compile(snippets: string[], plugin?: RunPlugin): PhaseFunction {
    const fn = this.engine.evaluate(this.compiler, [snippets.map(bytesOf)]);
    return { fn, args: [], plugin };
  }

  /** The Lua plugin of a name, if there is one. @throws LuaError when it cannot be loaded */
  plugin(name: string): LuaPlugin | undefined {
    return this.plugins.find(name);
  }

  /** The phases of a Lua plugin with a config: its handler's functions. */
  phasesOf(plugin: RunPlugin, config: object): Map<string, PhaseFunction> {
    return this.plugins.phasesOf(plugin, config);
  }

  /**
   * Runs init_worker and configure of the plugins that have been found.
   * @param configs those of each plugin, made by phasesOf before
   */
  start(): void {
    this.plugins.start((name, phase, error) => this.report(`${phase} of ${name}`, error));
  }

  /** Runs an access phase, which may wait. @throws LuaError, or Exit when it has answered */
  access({ fn, args, plugin }: PhaseFunction, request: KongRequest): Promise<void> {
    const { tables } = request;
    return this.engine.call(fn, args, { request, tables, phase: "access", plugin });
  }

  /** Runs a phase that cannot wait. @throws LuaError, or Exit when it has ended the phase */
  filter({ fn, args, plugin }: PhaseFunction, request: KongRequest): void {
    const { tables, phase } = request;
    this.engine.callNow(fn, args, { request, tables, phase, plugin });
  }

  /**
   * Asks the request's retry callback for the next target.
   * @returns whether it gave one
   * @throws LuaError when it failed
   */
  retry(request: KongRequest): boolean {
    const { tables, phase, retryCallback } = request;
    if (retryCallback === undefined) return true;
    return this.engine.callNow(retryCallback, [], { request, tables, phase });
  }

  /** kong.ctx.shared[name] or ngx.ctx[name]. @throws LuaError when it has no plain value */
  getMember({ tables }: KongRequest, table: "ctx" | "shared", name: LuaValue): LuaValue {
    const reference = tables[table];
    return reference === undefined ? undefined : this.engine.getField(reference, name);
  }

  setMember(
    { tables }: { tables: RunTables },
    table: "ctx" | "shared",
    name: LuaValue,
    value: LuaValue,
  ): undefined {
    tables[table] ??= this.engine.newTable();
    this.engine.setField(tables[table], name, value);
  }

  /** A request has ended: what it holds in Lua may go. */
  forget({ tables, retryCallback }: KongRequest): void {
    this.engine.forget(tables);
    if (retryCallback !== undefined) this.engine.release(retryCallback);
  }

  /** The worker has been told to exit, and ends what it has begun. */
  beginExit(): void {
    this.timers.beginExit();
  }

  /** Its last request has ended: lets the timers that run end, and closes all sockets. */
  async exit(): Promise<void> {
    await this.timers.exit();
    this.sockets.close();
  }

  private chunk(name: string): Reference {
    return this.engine.load(readFileSync(join(__dirname, name), "latin1"), `=${name}`);
  }

  private report(what: string, error: unknown): void {
    this.log("err", `failed to run ${what}: ${(error as Error).message}`, undefined);
  }
}

function check(source: LuaValue): undefined {
  checkDialect(String(source));
  return undefined;
}
