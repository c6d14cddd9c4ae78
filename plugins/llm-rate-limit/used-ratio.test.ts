import { register } from "prom-client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LimitState } from "./counts";
import "./budget-metrics";
import { showUsed, usedLimits } from "./used-ratio";

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

function state(remaining: number, resetMs: number, limit: Partial<LimitState["limit"]> = {}) {
  const whole = { measure: "cost_usd", window: "month", most: 100, ...limit } as const;
  return { limit: whole, remaining, resetMs, waitMs: 0, start: 0 } as LimitState;
}

const consumer = (name: string) => ({ kind: "consumer", key: `consumer:${name}` }) as const;

async function shown(): Promise<string[]> {
  const text = await register.getSingleMetricAsString("llm_rate_limit_used_ratio");
  return text.split("\n").filter((line) => line.startsWith("llm_"));
}

describe("llm-rate-limit", () => {
  describe("shows how near a consumer is to a limit", () => {
    it("as of the last decision, until all of it is free again", async () => {
      showUsed(consumer("team-a"), "team-a", [state(60, 5000)]);
      showUsed(consumer("team-a"), "team-a", [state(20, 5000)]);
      expect(await shown()).toEqual([
        'llm_rate_limit_used_ratio{consumer="team-a",measure="cost_usd",window="month",model="*"} 0.8',
      ]);
      vi.advanceTimersByTime(5001);
      expect(await shown()).toEqual([]);
    });

    it("and how near a team is, beside it", async () => {
      const team = { kind: "team", key: "team:team-%EB%B6%84%EC%84%9D" } as const;
      const address = { kind: "client address", key: "ip:10.0.0.1" } as const;
      showUsed(address, "", [state(50, 5000), { ...state(25, 5000), who: team }]);
      expect(await register.getSingleMetricAsString("llm_rate_limit_level_used_ratio")).toContain(
        '{level="team",name="team-분석",measure="cost_usd",window="month"} 0.75',
      );
      expect(await shown()).toEqual([]);
    });

    it("and how near a model is, where an operator or the catalogue names it", async () => {
      const model = (name: string) => ({ kind: "model", key: `model:${name}` }) as const;
      const seen = (name: string, label?: string) =>
        showUsed(consumer("a"), "a", [{ ...state(25, 5000), who: model(name) }], label);
      seen("gpt-4.1");
      seen("house-model", "house-model");
      seen("made-up-1", "other");
      seen("made-up-2");
      const text = await register.getSingleMetricAsString("llm_rate_limit_level_used_ratio");
      const names = [...text.matchAll(/level="model",name="([^"]*)"/g)].map(([, name]) => name);
      expect(names.sort()).toEqual(["gpt-4.1", "house-model"]);
    });

    it("with the amounts in their own units, the nearest first, for the operators' page; dollars as gauges too", async () => {
      const team = { kind: "team", key: "team:team-b" } as const;
      showUsed(consumer("team-a"), "team-a", [
        state(75e9, 5000, { most: 100e9 }),
        { ...state(10, 9000, { measure: "tokens", window: "day" }), who: team },
      ]);
      const found = usedLimits().filter(({ free_at }) => free_at > Date.now());
      expect(found.slice(0, 1)).toEqual([
        {
          ...{ of: "team", name: "team-b", measure: "tokens", window: "day", model: "*" },
          ...{ ratio: 0.9, limit: 100, used: 90, free_at: Date.now() + 9000 },
        },
      ]);
      const budgets = await Promise.all(
        ["llm_budget_usd", "llm_budget_spent_usd", "llm_budget_ends_timestamp_seconds"].map(
          (name) => register.getSingleMetricAsString(name),
        ),
      );
      const named = '{level="consumer",name="team-a",window="month",model="*"}';
      const ends = Math.ceil((Date.now() + 5000) / 1000);
      for (const [at, value] of [100, 25, ends].entries()) {
        expect(budgets[at]?.split("\n").map((line) => line.replace(/^\w+/, ""))).toContain(
          `${named} ${value}`,
        );
        // Tokens are no dollars.
        expect(budgets[at]).not.toContain("team-b");
      }
      expect(found.find(({ name }) => name === "team-a")).toMatchObject({
        ...{ of: "consumer", measure: "cost_usd", ratio: 0.25, limit: 100, used: 25 },
      });
      showUsed(consumer("team-a"), "team-a", [state(100e9, 0, { most: 100e9 })]);
    });

    it("apart for each limit, and not for requests under way", async () => {
      const lease = { measure: "concurrency", window: "lease", most: 2 } as const;
      const some = { measure: "tokens", window: "minute", model: "gpt-4*" } as const;
      showUsed(consumer("team-b"), "team-b", [
        state(1, 1000, lease),
        state(0, 1000, some),
        state(100, 0),
      ]);
      expect(await shown()).toEqual([
        'llm_rate_limit_used_ratio{consumer="team-b",measure="tokens",window="minute",model="gpt-4*"} 1',
      ]);
    });
  });
});
