// Tells how much of their limits consumers, teams and all together have used, as gauges: who is near a
// budget is to be known before the first refusal. Only names that an operator gives: addresses, headers
// and end users would be labels without bound.

import { LRUCache } from "lru-cache";
import { Gauge } from "prom-client";
import type { LimitState } from "./counts";
import { type Identity, isShared } from "./identity";

interface Used<Labels> {
  labels: Labels;
  ratio: number;
  /** Milliseconds since the epoch when all of it is free again. */
  until: number;
}

interface OfConsumer {
  consumer: string;
  measure: string;
  window: string;
  model: string;
}

interface OfLevel {
  level: string;
  name: string;
  measure: string;
  window: string;
}

// Those who asked last.
const ofConsumers = new LRUCache<string, Used<OfConsumer>>({ max: 2000 });
const ofLevels = new LRUCache<string, Used<OfLevel>>({ max: 2000 });

new Gauge({
  name: "llm_rate_limit_used_ratio",
  help: "Share of a limit that its consumer had used up at the last decision on this node, from 0 to 1, until all of it is free again; model is the glob of a limit for some models, else *",
  labelNames: ["consumer", "measure", "window", "model"] as const,
  collect() {
    this.reset();
    for (const { labels, ratio } of running(ofConsumers)) this.set(labels, ratio);
  },
});

new Gauge({
  name: "llm_rate_limit_level_used_ratio",
  help: "The same of limits that several share: of everybody, a team, a model or a provider, by its name",
  labelNames: ["level", "name", "measure", "window"] as const,
  collect() {
    this.reset();
    for (const { labels, ratio } of running(ofLevels)) this.set(labels, ratio);
  },
});

function running<Labels extends object>(used: LRUCache<string, Used<Labels>>): Used<Labels>[] {
  for (const [key, { until }] of [...used]) if (until <= Date.now()) used.delete(key);
  return [...used.values()];
}

/** Shows what a decision has seen of the limits of who asked, and of those that it shares. */
export function showUsed(identity: Identity, consumer: string, limits: LimitState[]): void {
  for (const state of limits) {
    const { limit, who = identity } = state;
    const { measure, window, model = "*" } = limit;
    // Places of requests under way come and go within milliseconds.
    if (window === "lease") continue;
    if (who.kind === "consumer") {
      const labels = { consumer, measure, window, model };
      ofConsumers.set(`${consumer}\n${measure}\n${window}\n${model}`, usedOf(state, labels));
    } else if (isShared(who.kind)) {
      const name = decodeURIComponent(who.key.split(":")[1] ?? "*");
      const labels = { level: who.kind, name, measure, window };
      ofLevels.set(`${who.key}\n${measure}\n${window}`, usedOf(state, labels));
    }
  }
}

function usedOf<Labels>({ limit, remaining, resetMs }: LimitState, labels: Labels): Used<Labels> {
  return { labels, ratio: (limit.most - remaining) / limit.most, until: Date.now() + resetMs };
}
