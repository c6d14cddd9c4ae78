// Second tries that Kong does not make as they are meant, and what else it then repeats.

import { type Configuration, llmWays, type PluginEntry, runningOn } from "../configuration";
import { type Finding, warning } from "../finding";
import { annotation } from "../kubernetes-objects";
import type { Located } from "../located";
import { isBySnippets } from "../snippets";
import { perRoute, type Trap } from "./trap";

/** Kong's own setting, where its words are not said. */
const defaultRetries = 5;

/** Only our Lua files can send a request again with another body. */
const withoutLuaFiles: Trap = (configuration) => {
  const ways = llmWays(configuration).filter(isBySnippets);
  return perRoute(ways, "second-tries-without-lua-files", (way) => {
    const gateway = runningOn(way, "llm-gateway");
    if (!gateway || !wantsTries(gateway)) return undefined;
    return {
      at: gateway.config!.get("second_tries")!,
      what: "is not carried out by snippets",
      todo: "give Kong our Lua files (kong-llm install), or leave it out",
    };
  }).map((finding): Finding => ({ ...finding, severity: "warning" }));
};

/** proxy_next_upstream holds for a whole Kong. */
const repeatedElsewhere: Trap = (configuration) => {
  if (!configuration.plugins.some(wantsTries)) return [];
  const ours = llmWays(configuration).map(({ service }) => service?.at);
  const isKubernetes = configuration.kind === "kubernetes";
  return servicesOf(configuration)
    .filter((service) => !ours.includes(service))
    .flatMap((service) => {
      const retries = isKubernetes ? annotation(service, "retries") : service.get("retries");
      if (Number(retries?.value ?? defaultRetries) === 0) return [];
      const what = "with proxy_next_upstream as second_tries want it Kong repeats its POSTs too";
      const todo = isKubernetes ? 'annotate it with konghq.com/retries: "0"' : "set retries: 0";
      return [warning(retries ?? service, "repeated-elsewhere", `${what}: ${todo}`)];
    });
};

/** Of a cluster, those that Kong sends something to. */
function servicesOf({ kind, services, ways }: Configuration): Located[] {
  if (kind !== "kubernetes") return services;
  const behind = new Set(ways.map(({ service }) => service?.at));
  return services.filter((service) => behind.has(service));
}

export function wantsTries({ name, config }: PluginEntry): boolean {
  const most = config?.get("second_tries")?.get("most")?.value;
  return name === "llm-gateway" && typeof most === "number" && most > 0;
}

export const tryTraps = [withoutLuaFiles, repeatedElsewhere];
