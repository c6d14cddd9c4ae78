// Which models may serve a name: a pure question over the configured aliases, the access of the
// caller and the weights of a canary.

import { modelGlob } from "../../models/glob";
import type { MayUse } from "./access";
import type { Balance } from "./alias-options";
import { targetFor, type WeightedTarget } from "./canary";
import type { ModelsOptions } from "./schema";

/** What the configuration says about a name. */
export interface Route {
  /** The alias as it is configured, which all names share that it matches. */
  alias?: string;
  targets: WeightedTarget[];
  /**
   * By what the targets share the requests: who cannot serve gives way to the others. Absent where each
   * is for its own callers: several models, as of a canary.
   */
  shared?: Balance;
  fallbacks: string[];
  defaults: { temperature?: number; max_tokens?: number };
}

/** The route of a requested name; undefined when it is unknown and rejected. */
export type Resolve = (requested: string) => Route | undefined;

// One object for all names without an alias: what is known of it is known once.
const noDefaults: Route["defaults"] = {};

/** @param bare a model's name without its provider */
export function resolver(
  options: ModelsOptions,
  bare: (name: string) => string = (name) => name,
): Resolve {
  const aliases = options.aliases.map((alias) => ({
    matches: modelGlob(alias.name),
    route: {
      alias: alias.name,
      targets: sharesOf(alias),
      ...(areShared(alias, bare) && { shared: alias.balance }),
      fallbacks: alias.fallbacks,
      defaults: alias.defaults,
    },
  }));
  const configured = new Set(upstreamModels(options));
  return (requested) => {
    const alias = aliases.find(({ matches }) => matches(requested));
    if (alias) return alias.route;
    if (options.unknown_models === "reject" && !configured.has(requested)) return undefined;
    return { targets: [{ model: requested, weight: 1 }], fallbacks: [], defaults: noDefaults };
  };
}

/** Every model of the upstream that the options name, each once: targets, fallbacks, models. */
export function upstreamModels({ aliases, models }: ModelsOptions): string[] {
  const targets = aliases.flatMap((alias) => sharesOf(alias).map(({ model }) => model));
  return [...new Set([...targets, ...aliases.flatMap(({ fallbacks }) => fallbacks), ...models])];
}

/** Models that others can stand in for, or that can for others. @param bare a model's name without its provider */
export function modelsInChains(
  { aliases }: ModelsOptions,
  bare: (name: string) => string = (name) => name,
): Set<string> {
  const chained = aliases.filter((alias) => alias.fallbacks.length > 0 || areShared(alias, bare));
  const targets = chained.flatMap((alias) => sharesOf(alias).map(({ model }) => model));
  return new Set([...targets, ...chained.flatMap(({ fallbacks }) => fallbacks)].map(bare));
}

/** Models of which it matters how soon they answer. @param bare a model's name without its provider */
export function timedModels(
  { aliases }: ModelsOptions,
  bare: (name: string) => string = (name) => name,
): Set<string> {
  const timed = aliases.filter(({ balance }) => balance === "least_latency");
  return new Set(timed.flatMap(({ targets }) => targets.map(({ model }) => bare(model))));
}

/** The name of a served model in metrics: bounded to what is configured. */
export function labels(
  options: ModelsOptions,
  bare: (name: string) => string = (name) => name,
): (served: string) => string {
  const configured = new Set(upstreamModels(options).map(bare));
  return (served) => (configured.has(served) ? served : "other");
}

/**
 * The models that may serve a request, best first: the target of this caller, those that share the
 * requests with it, then the fallbacks.
 * Empty when the caller may use no target; a fallback that it may not use is left out.
 */
export function candidates(
  { alias, targets, shared, fallbacks }: Route,
  requested: string,
  mayUse: MayUse,
  caller: string,
): string[] {
  const open = targets.filter(({ model }) => mayUse(requested, model));
  const target = targetFor(open, `${alias}\n${caller}`);
  if (target === undefined) return [];
  const substitutes = fallbacks.filter((model) => mayUse(requested, model));
  const peers = shared ? open.filter(({ weight }) => weight > 0).map(({ model }) => model) : [];
  return [...new Set([target, ...peers, ...substitutes])];
}

type Alias = ModelsOptions["aliases"][number];

/**
 * Whether an alias has targets that stand in for each other: one model at several providers, or several
 * that are balanced by more than weight. A canary's targets are each for its own callers.
 */
export function areShared(alias: Alias, bare: (name: string) => string): boolean {
  const targets = sharesOf(alias);
  if (targets.length < 2) return false;
  return alias.balance !== "weight" || new Set(targets.map(({ model }) => bare(model))).size === 1;
}

/** Of one with `target` that one, which gets all. */
export function sharesOf({ target, targets }: Alias): WeightedTarget[] {
  return target === "" ? targets : [{ model: target, weight: 1 }];
}
