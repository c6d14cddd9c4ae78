// The running instances: a plugin with one config. Kong's workers each start their own, and close
// one only when its config changes; what a gone worker left behind is dropped after long idleness.

import { LRUCache } from "lru-cache";
import { log } from "../stages/log";
import { tellConfigError } from "./discreet";
import { firstIdOfProcess, idAfter } from "./ids";
import { counts } from "./metrics";
import type { Handlers, LoadedPlugin } from "./plugins";
import { noteRefused, watchConfigs } from "./refused-configs";

export interface Instance {
  id: number;
  plugin: LoadedPlugin;
  handlers: Handlers;
  /** JSON text as Kong sent it; holds secrets. */
  config: string;
  /** Seconds since the epoch. */
  startTime: number;
}

export interface InstanceOptions {
  /** Seconds without an event after which an instance is dropped. Kong starts it anew if it must. */
  idleSeconds: number;
  /** Beyond these the longest unused is dropped. */
  most: number;
  /** Only for replays of recordings. */
  firstId?: number;
}

const defaultInstanceOptions: InstanceOptions = { idleSeconds: 3600, most: 50_000 };

/** What Kong asked for cannot be done; the message is the answer. */
export class RpcError extends Error {}

/** A plugin cannot start with its config: an operator must mend it, asking again is of no use. */
export class RefusedConfig extends RpcError {
  constructor(
    readonly plugin: string,
    message: string,
  ) {
    super(message);
    log.error({ plugin }, message);
    noteRefused(plugin, message);
  }
}

export class Instances {
  readonly #running: LRUCache<number, Instance>;
  readonly #sweeper: NodeJS.Timeout;
  #nextId: number;

  constructor(
    readonly plugins: ReadonlyMap<string, LoadedPlugin>,
    options: Partial<InstanceOptions> = {},
  ) {
    const { idleSeconds, most, firstId } = { ...defaultInstanceOptions, ...options };
    this.#nextId = firstId ?? firstIdOfProcess();
    watchConfigs(plugins.keys());
    this.#running = new LRUCache({
      max: most,
      ttl: idleSeconds * 1000,
      ttlResolution: Math.min(1000, Math.ceil(idleSeconds * 10)),
      updateAgeOnGet: true,
      dispose: () => counts.instances--,
    });
    this.#sweeper = setInterval(
      () => this.#running.purgeStale(),
      Math.min(idleSeconds, 60) * 1000,
    ).unref();
  }

  get size(): number {
    return this.#running.size;
  }

  /** Starts an instance. An RpcError says which option is wrong, never what a secret was. */
  start(name: unknown, configText: unknown): Instance {
    const plugin = this.plugin(name);
    const config = parseConfig(plugin.name, configText);
    const instance: Instance = {
      id: this.#nextId,
      plugin,
      handlers: construct(plugin, config),
      config: configText as string,
      startTime: Date.now() / 1000,
    };
    this.#nextId = idAfter(this.#nextId);
    this.#running.set(instance.id, instance);
    counts.instances++;
    log.info({ plugin: plugin.name, instance: instance.id }, "instance started");
    return instance;
  }

  /** Kong starts a new instance when the error says "no plugin instance" (mp_rpc.lua, 3.9). */
  find(id: unknown): Instance {
    const instance = typeof id === "number" ? this.#running.get(id) : undefined;
    if (!instance) throw new RpcError(`no plugin instance #${typeof id === "number" ? id : "?"}`);
    return instance;
  }

  close(id: unknown): Instance {
    const instance = this.find(id);
    this.#running.delete(instance.id);
    log.info({ plugin: instance.plugin.name, instance: instance.id }, "instance closed");
    return instance;
  }

  of(plugin: LoadedPlugin): Instance[] {
    return [...this.#running.values()].filter((instance) => instance.plugin === plugin);
  }

  plugin(name: unknown): LoadedPlugin {
    const plugin = typeof name === "string" ? this.plugins.get(name) : undefined;
    if (!plugin) throw new RpcError(`no plugin of that name here: ${`${name}`.slice(0, 60)}`);
    return plugin;
  }

  stop(): void {
    clearInterval(this.#sweeper);
    this.#running.clear();
  }
}

function parseConfig(name: string, text: unknown): unknown {
  try {
    return JSON.parse(text as string);
  } catch {
    throw new RefusedConfig(name, `plugin ${name}: its config is not JSON`);
  }
}

function construct(plugin: LoadedPlugin, config: unknown): Handlers {
  try {
    return new plugin.Plugin(config);
  } catch (error) {
    const told = `plugin ${plugin.name} refuses its config: ${tellConfigError(error, config)}`;
    throw new RefusedConfig(plugin.name, told);
  }
}
