// Which provider serves a model: the one that stands before its name, else the first whose models it is
// among. Without providers the service of the route is the only one, and names are what they are.

import type { Family } from "../../families/family";
import { anyGlob } from "../../models/glob";
import type { GatheredRequest } from "../../stages/exchange";
import type { Upstream } from "../../stages/upstream";
import type { ProviderOptions } from "./provider-options";
import { type Origin, originIn, pathAt } from "./provider-url";

export interface Provider extends Omit<Upstream, "path"> {
  origin: Origin;
  speaks(family: Family["name"]): boolean;
  serves(model: string): boolean;
}

/** What serves a request: a model, by its name there. */
export interface Target {
  model: string;
  /** Undefined where the options name none. */
  provider?: Provider;
}

export interface Providers {
  /** The target of a name; undefined where no provider serves it to this family. */
  locate(name: string, family: Family["name"]): Target | undefined;
  /** All names by which rules may speak of the model of a name. */
  spellings(name: string): string[];
  /** The name of a model without that of its provider. */
  bare(name: string): string;
  /** Where requests go that name no model. */
  first(family: Family["name"]): Provider | undefined;
}

const none: Providers = {
  locate: (model) => ({ model }),
  spellings: (name) => [name],
  bare: (name) => name,
  first: () => undefined,
};

export function providersOf(options: readonly ProviderOptions[]): Providers {
  if (options.length === 0) return none;
  const all = options.map(providerOf);
  const split = (name: string) => {
    const slash = name.indexOf("/");
    const named = all.find(({ provider }) => provider === name.slice(0, Math.max(0, slash)));
    return named && { named, model: name.slice(slash + 1) };
  };
  const locate: Providers["locate"] = (name, family) => {
    const { named, model } = split(name) ?? { model: name };
    const candidates = named ? [named] : all;
    const provider = candidates.find((one) => one.speaks(family) && one.serves(model));
    return provider && { model, provider };
  };
  return {
    locate,
    spellings(name) {
      const targets = [locate(name, "openai"), locate(name, "anthropic")];
      const found = targets.filter((target) => target !== undefined);
      return [...new Set([name, ...found.flatMap((one) => [one.model, fullName(one)])])];
    },
    bare: (name) => split(name)?.model ?? name,
    first: (family) => all.find((one) => one.speaks(family)) ?? all[0],
  };
}

/** A target as rules and clients may name it. */
export function fullName({ model, provider }: Target): string {
  return provider ? `${provider.provider}/${model}` : model;
}

/** Where a request goes that this provider serves. */
export function upstreamAt(
  { origin, speaks: _speaks, serves: _serves, ...provider }: Provider,
  { path }: GatheredRequest,
): Upstream {
  return { ...provider, path: pathAt(origin, path) };
}

function providerOf(options: ProviderOptions): Provider {
  const { name, url, models, families, tls_verify, ...timeouts } = options;
  // The schema takes no other addresses.
  const origin = originIn(url)!;
  const { scheme, host, port } = origin;
  const { connect_timeout_ms, write_timeout_ms, read_timeout_ms } = timeouts;
  return {
    provider: name,
    ...{ scheme, host, port, origin },
    verifies_tls: tls_verify,
    ...{ connect_timeout_ms, write_timeout_ms, read_timeout_ms },
    speaks: (family) => families.includes(family),
    serves: anyGlob(models),
  };
}
