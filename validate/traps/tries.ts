// Second tries that Kong does not make as they are meant, and what else it then repeats.

import { llmWays, type PluginEntry, runningOn } from "../configuration";
import { type Finding, warning } from "../finding";
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
  return configuration.services
    .filter((service) => !ours.includes(service))
    .flatMap((service) => {
      const retries = service.get("retries");
      if ((retries?.value ?? defaultRetries) === 0) return [];
      const todo = "with proxy_next_upstream as second_tries want it Kong repeats its POSTs too";
      return [warning(retries ?? service, "repeated-elsewhere", `${todo}: set retries: 0`)];
    });
};

export function wantsTries({ name, config }: PluginEntry): boolean {
  const most = config?.get("second_tries")?.get("most")?.value;
  return name === "llm-gateway" && typeof most === "number" && most > 0;
}

export const tryTraps = [withoutLuaFiles, repeatedElsewhere];
