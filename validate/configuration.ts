// A configuration as the checks see it, whether it was written for decK, for a DB-less Kong or for
// Kubernetes: the plugins, and the ways that a request can take through them.

import { order } from "../kong/order";
import type { StageName } from "../stages/stage-name";
import type { Located } from "./located";

export interface Configuration {
  /** What it was written for. */
  kind: "declarative" | "kubernetes";
  /** It stands as a text in another file, where no decK comes by: for a DB-less Kong. */
  embedded: boolean;
  /** The documents it was read from. */
  roots: Located[];
  services: Located[];
  routes: Located[];
  consumers: Located[];
  /** Of key-auth, in their consumers or outside; of Kubernetes none, where they are Secrets. */
  credentials: Located[];
  plugins: PluginEntry[];
  ways: Way[];
}

/** One plugin with one config, wherever it is written. */
export interface PluginEntry {
  name: string;
  at: Located;
  config: Located | undefined;
  enabled: boolean;
  /** What it is bound to; "" where it is bound to something that is not named. */
  scope: { service?: string; route?: string; consumer?: string };
}

/** A route with its service, and what a request on it meets. */
export interface Way {
  name: string;
  route: Located;
  paths: Located[];
  /** Kong's default is true, that of the Ingress Controller false. */
  stripsPath: boolean;
  buffersResponse: boolean;
  /** The upstream gets the Host of the client: Kong's default is false, that of the Ingress Controller true. */
  keepsHost: boolean;
  service?: { at: Located; path: string };
  /** The instances of each plugin, the most specific first: for a request only that one runs. */
  plugins: ReadonlyMap<string, PluginEntry[]>;
}

/** The instance of a plugin that runs on this way; undefined where none does. */
export function runningOn(way: Way, plugin: string): PluginEntry | undefined {
  const [first] = way.plugins.get(plugin) ?? [];
  return first;
}

/** Our own plugins that run on this way. */
export function oursOn(way: Way): PluginEntry[] {
  return [...way.plugins.keys()]
    .filter((name) => Object.hasOwn(order, name))
    .flatMap((name) => runningOn(way, name) ?? []);
}

/** The ways on which a plugin of ours that guards runs: not llm-usage, which only watches. */
export function llmWays({ ways }: Configuration): Way[] {
  return ways.filter((way) => oursOn(way).some(({ name }) => name !== "llm-usage"));
}

/** The options of one stage: llm-gateway's record of that name, or its own plugin's config. */
export function stageOptions({ name, config }: PluginEntry, stage: StageName): Located | undefined {
  if (name === "llm-gateway") return config?.get(stage);
  return name === `llm-${stage.replace("_", "-")}` ? config : undefined;
}

/** The plugins that run, grouped by name, the most specific first (plugins_iterator.lua, 3.9). */
export function bySpecificity(plugins: PluginEntry[]): Map<string, PluginEntry[]> {
  const grouped = new Map<string, PluginEntry[]>();
  // Which consumer asks is not known here: plugins of consumers are checked, but run on no way.
  const running = plugins.filter(({ enabled, scope }) => enabled && scope.consumer === undefined);
  const rank = ({ scope }: PluginEntry) =>
    (scope.route === undefined ? 0 : 2) + (scope.service === undefined ? 0 : 1);
  for (const plugin of running.sort((one, other) => rank(other) - rank(one))) {
    grouped.set(plugin.name, [...(grouped.get(plugin.name) ?? []), plugin]);
  }
  return grouped;
}
