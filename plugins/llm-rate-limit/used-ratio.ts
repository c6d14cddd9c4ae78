// Tells how much of their limits consumers have used, as a gauge: who is near a budget is to be known
// before the first refusal. Only limits of consumers: addresses and headers would be labels without
// bound.

import { LRUCache } from "lru-cache";
import { Gauge } from "prom-client";
import type { LimitState } from "./counts";

interface Used {
  labels: { consumer: string; measure: string; window: string; model: string };
  ratio: number;
  /** Milliseconds since the epoch when all of it is free again. */
  until: number;
}

// Those who asked last.
const used = new LRUCache<string, Used>({ max: 2000 });

new Gauge({
  name: "llm_rate_limit_used_ratio",
  help: "Share of a limit that its consumer had used up at the last decision on this node, from 0 to 1, until all of it is free again; model is the glob of a limit for some models, else *",
  labelNames: ["consumer", "measure", "window", "model"] as const,
  collect() {
    this.reset();
    for (const [key, { labels, ratio, until }] of [...used]) {
      if (until > Date.now()) this.set(labels, ratio);
      else used.delete(key);
    }
  },
});

/** Shows what a decision has seen of a consumer's limits. */
export function showUsed(consumer: string, limits: LimitState[]): void {
  for (const { limit, remaining, resetMs } of limits) {
    const { measure, window, model = "*" } = limit;
    const key = `${consumer}\n${measure}\n${window}\n${model}`;
    // Places of requests under way come and go within milliseconds.
    if (window === "lease") continue;
    const labels = { consumer, measure, window, model };
    used.set(key, {
      labels,
      ratio: (limit.most - remaining) / limit.most,
      until: Date.now() + resetMs,
    });
  }
}
