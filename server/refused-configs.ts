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
let shown = false;

/** @param why what is wrong, as the log has it: never a secret */
export function noteRefused(plugin: string, why: string): void {
  refused.inc({ plugin });
  ofLate.set(plugin, why);
  if (shown) return;
  shown = true;
  showNeighbour("configs", () => {
    const [first] = [...ofLate.values()];
    return first === undefined
      ? { ok: true, detail: "No configuration was refused in the last five minutes." }
      : { ok: false, detail: `${first}. Its routes answer 503 until it is mended.` };
  });
}
