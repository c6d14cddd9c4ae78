// Configurations that were refused of late: their routes answer 503 though the plugin server is well, so an
// operator must see it in /readyz and in a metric, not in the log alone.

import { LRUCache } from "lru-cache";
import { Counter } from "prom-client";
import { showNeighbour } from "../stages/neighbours";

const refused = new Counter({
  name: "llm_configs_refused_total",
  help: "Configurations that a plugin refused: every request on their routes is answered with 503",
  labelNames: ["plugin"] as const,
});

// Kong's workers tell a refused config again with every request.
const ofLate = new LRUCache<string, string>({ max: 100, ttl: 300_000 });

/** Shows how it stands with the configs of these plugins, before any of them is told. */
export function watchConfigs(plugins: Iterable<string>): void {
  // A series that begins with its first refusal has not increased, as Prometheus sees it.
  for (const plugin of plugins) refused.inc({ plugin }, 0);
  showNeighbour("configs", configsState);
}

/** @param why what is wrong, as the log has it: never a secret */
export function noteRefused(plugin: string, why: string): void {
  refused.inc({ plugin });
  ofLate.set(plugin, why);
}

function configsState() {
  const [first] = [...ofLate.values()];
  return first === undefined
    ? { ok: true, detail: "No configuration was refused in the last five minutes." }
    : { ok: false, detail: `${first}. Its routes answer 503 until it is mended.` };
}
