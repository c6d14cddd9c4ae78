// Budgets in dollars as gauges: how much they are, how much of them was spent at the last decision on this
// node, and when they begin anew. What a share of 0.9 means in dollars decides whom one calls.

import { Gauge } from "prom-client";
import { type UsedLimit, usedLimits } from "./used-ratio";

gauge(
  "llm_budget_usd",
  "US dollars of a budget per day or month, of a consumer or of those that share it (level, name); model is the glob of a budget for some models, else *",
  ({ limit }) => limit,
);
gauge(
  "llm_budget_spent_usd",
  "US dollars of it that were spent or reserved at the last decision on this node",
  ({ used }) => used,
);
gauge(
  "llm_budget_ends_timestamp_seconds",
  "When all of it is free again: the end of its day or month, in seconds since the epoch",
  ({ free_at }) => Math.ceil(free_at / 1000),
);

function gauge(name: string, help: string, shown: (budget: UsedLimit) => number): void {
  new Gauge({
    name,
    help,
    labelNames: ["level", "name", "window", "model"] as const,
    collect() {
      this.reset();
      for (const one of usedLimits()) {
        if (one.measure !== "cost_usd" || (one.window !== "day" && one.window !== "month"))
          continue;
        const { of: level, name, window, model } = one;
        this.set({ level, name, window, model }, shown(one));
      }
    },
  });
}
