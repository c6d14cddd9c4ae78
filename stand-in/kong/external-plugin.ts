// One plugin of a plugin server, as Kong runs it: starts an instance for each config, hands it an
// event, and carries out the PDK calls that come back until it says "ret". Follows
// kong/runloop/plugin_servers/{plugin,rpc/mp_rpc}.lua 3.9, failing open where Kong does.

import { jsonBytes } from "./json";
import type { KongRequest } from "./kong-request";
import type { LogLine } from "./lua/host-functions";
import type { Result } from "./lua/run";
import type { LuaWorker } from "./lua/worker";
import { bytesOf, Failure, isTable, LuaError, type LuaTable, type LuaValue } from "./lua-value";
import { emptyMap, type Packable, Raw } from "./message-pack";
import type { PdkFunction } from "./pdk/pdk-function";
import { serialize } from "./pdk/serialize";
import type { ConfiguredPlugin } from "./plugin-configs";
import { type PluginServerSocket, RpcFailure } from "./plugin-server-socket";

const stepOf: Record<string, string> = {
  "kong.client.get_credential": "plugin.StepCredential",
  "kong.client.load_consumer": "plugin.StepConsumer",
  "kong.client.get_consumer": "plugin.StepConsumer",
  "kong.client.authenticate": "plugin.StepCredential",
  "kong.node.get_memory_stats": "plugin.StepMemoryStats",
  "kong.router.get_route": "plugin.StepRoute",
  "kong.router.get_service": "plugin.StepService",
  "kong.request.get_query": "plugin.StepMultiMap",
  "kong.request.get_headers": "plugin.StepMultiMap",
  "kong.response.get_headers": "plugin.StepMultiMap",
  "kong.service.response.get_headers": "plugin.StepMultiMap",
};

const maps = new Set(
  Object.keys(stepOf).filter((method) => stepOf[method] === "plugin.StepMultiMap"),
);
const rawBody = "kong.request.get_raw_body";

export class ExternalPlugin {
  private messages = 0;
  private readonly instances = new Map<string, Promise<LuaValue>>();

  constructor(
    private readonly name: string,
    private readonly socket: PluginServerSocket,
    private readonly lua: LuaWorker,
    private readonly pdk: ReadonlyMap<string, PdkFunction>,
    private readonly log: LogLine,
  ) {}

  /**
   * Hands an event to the plugin server and does what it asks for.
   * @throws LuaError when Kong would answer 500, Exit when the plugin has answered
   */
  async handle(plugin: ConfiguredPlugin, phase: string, request: KongRequest): Promise<void> {
    const instance = await this.instance(plugin);
    try {
      await this.event(instance, phase, request);
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      if (!error.message.toLowerCase().includes("no plugin instance")) {
        this.log("err", error.message, request);
        return;
      }
      this.instances.clear();
      this.log("warn", error.message, request);
      await this.handle(plugin, phase, request);
    }
  }

  // The first request starts the instance, the others wait for it. One that could not be started is
  // tried again by the next.
  private async instance(plugin: ConfiguredPlugin): Promise<LuaValue> {
    const known = this.instances.get(plugin.id);
    if (known) return known.catch(() => this.instance(plugin));
    const starting = this.startInstance(plugin);
    this.instances.set(plugin.id, starting);
    try {
      return await starting;
    } catch (error) {
      if (this.instances.get(plugin.id) === starting) this.instances.delete(plugin.id);
      const { message } = error as Error;
      this.log("err", `starting instance: ${message}`, undefined);
      throw new LuaError(message);
    }
  }

  private async startInstance(plugin: ConfiguredPlugin): Promise<LuaValue> {
    const Config = bytesOf(JSON.stringify(plugin.config));
    const status = await this.call("plugin.StartInstance", { Name: this.name, Config });
    if (!isTable(status)) throw new RpcFailure("attempt to index a nil value");
    return status.Id;
  }

  private async event(instance: LuaValue, phase: string, request: KongRequest): Promise<void> {
    const event = { InstanceId: instance, EventName: phase };
    let answer = await this.call("plugin.HandleEvent", event);
    const id = isTable(answer) ? answer.EventId : undefined;
    while (isTable(answer) && answer.Data !== "ret") {
      if (!isTable(answer.Data)) throw new LuaError("attempt to index field 'Data' (a nil value)");
      const method = String(answer.Data.Method);
      const result = await this.callPdk(method, answer.Data.Args, request);
      answer = await this.call(stepOf[method] ?? "plugin.Step", { EventId: id, Data: result });
    }
  }

  private call(method: string, argument: Packable): Promise<LuaValue> {
    this.messages += 1;
    return this.socket.call(this.messages, method, [argument]);
  }

  // Only the first result crosses: nil where the function failed.
  private async callPdk(method: string, args: LuaValue, request: KongRequest): Promise<Packable> {
    const list = Array.isArray(args) ? args : args === undefined ? [] : [args];
    const result = await this.resultOf(method, list, request);
    const value = result instanceof Failure ? undefined : (result as LuaValue);
    if (maps.has(method)) return multiMap(value);
    if (method !== rawBody) return value;
    if (typeof value !== "string") throw new LuaError("attempt to get length of a nil value");
    return new Raw(value);
  }

  private resultOf(
    method: string,
    args: LuaValue[],
    request: KongRequest,
  ): Result | Promise<Result> {
    const [, table, access] = /^kong\.(ctx\.shared\.|nginx\.)([gs]et)(?:_ctx)?$/.exec(method) ?? [];
    if (table && access) {
      const name = table === "nginx." ? "ctx" : "shared";
      if (access === "set") return this.lua.setMember(request, name, args[0], args[1]);
      const known = this.lua.getMember(request, name, args[0]);
      return known ?? (name === "ctx" ? contextId(request, args[0]) : undefined);
    }
    const level = /^kong\.log\.(debug|info|notice|warn|err|crit|alert|emerg)$/.exec(method)?.[1];
    if (level) {
      this.log(level, `[${this.name}] ${args.map(String).join("")}`, request);
      return undefined;
    }
    // Kong hands the table that Lua gets to a plugin server as JSON text.
    if (method === "kong.log.serialize") return jsonBytes(serialize(request));
    const fn = this.pdk.get(method);
    if (fn) return fn(request, ...args);
    this.log("err", `could not find pdk method: ${method}`, request);
    return undefined;
  }
}

// Seen on a real Kong: the id is in ngx.ctx from the log phase on, and not before.
function contextId(request: KongRequest, name: LuaValue): string | undefined {
  return name === "request_id" && request.phase === "log" ? request.id : undefined;
}

/** Header and query maps cross as lists of values; `true` as a list of none. */
function multiMap(value: LuaValue): Packable {
  if (!isTable(value)) throw new LuaError("bad argument #1 to 'pairs' (table expected, got nil)");
  const members = Object.entries(value as LuaTable).map(([name, one]) => {
    if (one === true) return [name, []];
    return [name, typeof one === "string" ? [one] : one];
  });
  return members.length === 0 ? emptyMap : (Object.fromEntries(members) as Packable);
}
