// Mistakes in second tries: none that Kong could make, or none in the same request.

import { type Mistake, warning } from "../../stages/mistake";
import { isWithinReach } from "../../stages/upstream";
import { providersOf, upstreamAt } from "../llm-models/providers";
import { modelsInChains } from "../llm-models/resolve";
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
  const { locate } = providersOf(options);
  const asked = { id: "", method: "POST", path: "/v1/x", client_ip: "" };
  const upstreamOf = (name: string) => {
    const { provider } = locate(name, "openai") ?? locate(name, "anthropic") ?? {};
    return provider && upstreamAt(provider, asked);
  };
  return aliases.flatMap(({ target, fallbacks }, index) => {
    const from = target === "" ? undefined : upstreamOf(target);
    return fallbacks.flatMap((name, place) => {
      const to = upstreamOf(name);
      if (!from || !to || isWithinReach(from, to)) return [];
      const why = "its provider has another scheme, path or tls_verify than that of the target";
      const message = `takes over from the next request on only: ${why}`;
      const path = ["models", "aliases", index, "fallbacks", place];
      return [warning(path, "out-of-reach", message)];
    });
  });
}
