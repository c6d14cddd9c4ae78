// The Lua side of one Kong worker: the environment of snippets, and the phases of pre- and
// post-function run in it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KongRequest } from "../kong-request";
import { bytesOf, LuaError, type LuaValue } from "../lua-value";
import type { PdkFunction } from "../pdk/pdk-function";
import { CosocketPool } from "./cosocket";
import { checkDialect } from "./dialect";
import { Kept, LuaEngine, LuaFunctions, type Reference, type RunTables } from "./engine";
import { hostFunctions, type LogLine } from "./host-functions";
import { LuaTimers } from "./timers";

/** The function of one phase, compiled once for a plugin config. */
export type PhaseFunction = Reference;

export class LuaWorker {
  private readonly engine = new LuaEngine();
  private readonly timers: LuaTimers;
  private readonly sockets = new CosocketPool();
  private readonly compiler: Reference;

  constructor(
    pdk: ReadonlyMap<string, PdkFunction>,
    private readonly log: LogLine,
  ) {
    const { engine, sockets } = this;
    this.timers = new LuaTimers(engine, (error) => this.report("timer", error, undefined));
    engine.evaluate(this.chunk("luajit.lua"));
    const environment = engine.evaluate(this.chunk("environment.lua"), [
      new LuaFunctions(hostFunctions({ engine, timers: this.timers, sockets, log })),
      new LuaFunctions(this.pdkBindings(pdk)),
    ]);
    this.compiler = engine.evaluate(this.chunk("sandbox.lua"), [
      new Kept(environment),
      new LuaFunctions({ check: engine.hostFunction(check) }),
    ]);
  }

  /** @throws LuaError when a snippet does not parse */
  compile(snippets: string[]): PhaseFunction {
    return this.engine.evaluate(this.compiler, [snippets.map(bytesOf)]);
  }

  /** Runs an access phase, which may wait. @throws LuaError, or Exit when it has answered */
  access(fn: PhaseFunction, request: KongRequest): Promise<void> {
    return this.engine.call(fn, [], { request, tables: request.tables, phase: "access" });
  }

  /** Runs a phase that cannot wait. @throws LuaError, or Exit when it has ended the phase */
  filter(fn: PhaseFunction, request: KongRequest): void {
    const { tables, phase } = request;
    this.engine.callNow(fn, [], { request, tables, phase });
  }

  /** kong.ctx.shared[name] or ngx.ctx[name]. @throws LuaError when it has no plain value */
  getMember({ tables }: KongRequest, table: keyof RunTables, name: LuaValue): LuaValue {
    const reference = tables[table];
    return reference === undefined ? undefined : this.engine.getField(reference, name);
  }

  setMember(
    { tables }: KongRequest,
    table: keyof RunTables,
    name: LuaValue,
    value: LuaValue,
  ): undefined {
    tables[table] ??= this.engine.newTable();
    this.engine.setField(tables[table], name, value);
  }

  /** A request has ended: its tables may go. */
  forget(request: KongRequest): void {
    this.engine.forget(request.tables);
  }

  /** Runs the timers that wait, as a worker does that exits, and closes all sockets. */
  async exit(): Promise<void> {
    await this.timers.exit();
    this.sockets.close();
  }

  private chunk(name: string): Reference {
    return this.engine.load(readFileSync(join(__dirname, name), "latin1"), `=${name}`);
  }

  private pdkBindings(pdk: ReadonlyMap<string, PdkFunction>) {
    const { engine } = this;
    return Object.fromEntries(
      [...pdk].map(([name, fn]) => [
        name,
        engine.hostFunction((...args) => fn(runningRequest(engine), ...args)),
      ]),
    );
  }

  private report(phase: string, error: unknown, request: KongRequest | undefined): void {
    this.log("err", `failed to run ${phase}: ${(error as Error).message}`, request);
  }
}

function runningRequest({ run }: LuaEngine): KongRequest {
  if (run.request) return run.request;
  throw new LuaError("no phase in ngx.ctx.KONG_PHASE");
}

function check(source: LuaValue): undefined {
  checkDialect(String(source));
  return undefined;
}
