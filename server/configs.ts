// The configs that drivers ask under: a plugin with one config, found by the name that the driver gives
// it. Kong's workers tell a config once; one that is not known here is asked for again, so a restart and
// a bound cost nobody anything.

import { LRUCache } from "lru-cache";
import type { StagedPlugin } from "../kong/define-plugin";
import { type Instances, RefusedConfig } from "./instances";
import type { Handlers } from "./plugins";

const mostConfigs = 1000;

export class Configs {
  readonly #known = new LRUCache<string, StagedPlugin>({ max: mostConfigs });

  constructor(readonly instances: Instances) {}

  find(id: string): StagedPlugin | undefined {
    return this.#known.get(id);
  }

  /** Learns a config. A RefusedConfig says which option is wrong, never what a secret was. */
  learn(id: string, plugin: string, config: string): StagedPlugin {
    const known = this.#known.get(id);
    if (known) return known;
    if (!this.instances.plugins.has(plugin)) {
      // What a peer calls it is no label of a metric.
      throw new RefusedConfig("other", `no plugin of that name here: ${plugin.slice(0, 60)}`);
    }
    const { handlers } = this.instances.start(plugin, config);
    if (!isStaged(handlers)) {
      throw new RefusedConfig(plugin, `plugin ${plugin} takes no questions of a driver`);
    }
    this.#known.set(id, handlers);
    return handlers;
  }
}

function isStaged(handlers: unknown): handlers is StagedPlugin & Handlers {
  return typeof (handlers as Partial<StagedPlugin>).rule === "function";
}
