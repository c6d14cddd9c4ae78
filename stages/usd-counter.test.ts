import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { UsdCounter } from "./usd-counter";

describe("llm-usage", () => {
  describe("a counter of dollars", () => {
    it("shows the sum to the last digit where doubles drift", async () => {
      const registry = new Registry();
      const counter = new UsdCounter({
        ...{ name: "spent_usd", help: "spent", registers: [registry] },
        labelNames: ["model"] as const,
      });
      let drifting = 0;
      for (let request = 0; request < 10_000; request++) {
        counter.incUsd({ model: "a" }, 0.000_000_1);
        drifting += 0.000_000_1;
      }
      counter.incUsd({ model: "b" }, 0.3);
      expect(drifting).not.toBe(0.001);
      expect(await registry.metrics()).toContain(
        'spent_usd{model="a"} 0.001\nspent_usd{model="b"} 0.3',
      );
    });
  });
});
