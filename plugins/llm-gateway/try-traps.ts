// Mistakes in second tries: none that Kong could make, or none in the same request.

import { type Mistake, warning } from "../../stages/mistake";
import { isWithinReach } from "../../stages/upstream";
import { providersOf, upstreamAt } from "../llm-models/providers";
import { areShared, modelsInChains, sharesOf } from "../llm-models/resolve";
import type { GatewayOptions } from "./schema";
import { stageOptions } from "./stage-options";

export function tryTraps(config: GatewayOptions): Mistake[] {
  if (config.second_tries.most === 0) return [];
  return [...nothingToTry(config), ...outOfReach(config)];
}

function nothingToTry(config: GatewayOptions): Mistake[] {
  const { upstream_key, providers } = config;
  const options = stageOptions(config).models;
  const hasFallback = modelsInChains(options, providersOf(options.providers).bare).size > 0;
  const hasKeys = [upstream_key, ...providers].some(({ keys }) => keys.length > 1);
  if (hasFallback || hasKeys) return [];
  const message =
    "has nothing to try: give aliases fallbacks or several providers, or a provider another key";
  return [warning(["second_tries", "most"], "nothing-to-try", message)];
}

/** Kong keeps the path, the scheme and the check of certificates of a request's first try. */
function outOfReach(config: GatewayOptions): Mistake[] {
  const { aliases, providers: options } = stageOptions(config).models;
  const { locate, bare } = providersOf(options);
  const asked = { id: "", method: "POST", path: "/v1/x", client_ip: "" };
  const upstreamOf = (name: string) => {
    const { provider } = locate(name, "openai") ?? locate(name, "anthropic") ?? {};
    return provider && upstreamAt(provider, asked);
  };
  return aliases.flatMap((alias, index) => {
    const targets = sharesOf(alias);
    const [first, ...others] = targets;
    const standIn = areShared(alias, bare) ? others : [];
    const isApart = (from: string | undefined, name: string) => {
      const [one, other] = [upstreamOf(from ?? ""), upstreamOf(name)];
      return one !== undefined && other !== undefined && !isWithinReach(one, other);
    };
    const warn = (of: string, ...path: PropertyKey[]) => {
      const why = `its provider has another scheme, path or tls_verify than that of ${of}`;
      const message = `takes over from the next request on only: ${why}`;
      return warning(["models", "aliases", index, ...path], "out-of-reach", message);
    };
    return [
      ...standIn.flatMap(({ model }) => {
        if (!isApart(first?.model, model)) return [];
        const place = alias.targets.findIndex((one) => one.model === model);
        return [warn("the first target", "targets", place, "model")];
      }),
      ...alias.fallbacks.flatMap((name, place) => {
        const from = targets.find(({ model }) => isApart(model, name));
        return from
          ? [warn(targets.length > 1 ? "a target" : "the target", "fallbacks", place)]
          : [];
      }),
    ];
  });
}
