import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Limit } from "../plugins/llm-rate-limit/limit";
import { openCounts } from "../plugins/llm-rate-limit/open-counts";
import { rateLimitOptions } from "../plugins/llm-rate-limit/schema";
import { closeConnections } from "../redis/connection";
import { log } from "../stages/log";
import { startRedis, type TestRedis } from "../test/support/redis";
import { addLimits } from "./limits";

let redis: TestRedis;
const prefix = `command-${process.pid}`;

beforeAll(async () => {
  log.level = "silent";
  redis = await startRedis({ shared: true });
}, 60_000);
afterAll(() => redis.stop());

async function run(...words: string[]): Promise<string> {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    const program = new Command().exitOverride();
    addLimits(program);
    const flags = ["--redis-url", redis.url, "--prefix", prefix];
    await program.parseAsync(["limits", ...words, ...flags], { from: "user" });
    return write.mock.calls.map(([text]) => text).join("");
  } finally {
    write.mockRestore();
  }
}

async function take(identity: string): Promise<void> {
  const limits: Limit[] = [
    { measure: "requests", window: "month", most: 10 },
    { measure: "cost_usd", window: "month", most: 2e9, model: "gpt-4*" },
    { measure: "concurrency", window: "lease", most: 3 },
  ];
  const amounts = [1, 500_000_000, 1];
  const takes = limits.map((limit, i) => ({ limit, amount: amounts[i]!, each: 0 }));
  const slow = { connect_timeout_ms: 10_000, command_timeout_ms: 10_000 };
  const counts = openCounts(
    rateLimitOptions.parse({ policy: "redis", redis: { url: redis.url, prefix, ...slow } }),
  );
  await counts.take(identity, "id", takes);
  closeConnections();
}

describe("llm-rate-limit", () => {
  describe("kong-llm limits", () => {
    it("shows what a consumer has taken, and nobody else", async () => {
      await take("consumer:al%5Bi%5Dce");
      await take("consumer:bob");
      const shown = JSON.parse(await run("show", "al[i]ce"));
      const month = { namespace: "default", window: "month" };
      const free_in_seconds = expect.any(Number);
      expect(shown).toEqual([
        {
          ...{ namespace: "default", measure: "concurrency", window: "lease", model: null },
          ...{ limit: null, used: 1, remaining: null, free_in_seconds: null },
        },
        {
          ...{ ...month, measure: "cost_usd", model: "gpt-4*" },
          ...{ limit: 2, used: 0.5, remaining: 1.5, free_in_seconds },
        },
        {
          ...{ ...month, measure: "requests", model: null },
          ...{ limit: 10, used: 1, remaining: 9, free_in_seconds },
        },
      ]);
    });

    it("resets one consumer, and nobody else", async () => {
      await take("consumer:carol");
      await take("consumer:dave");
      expect(await run("reset", "carol")).toBe("reset 3 limits\n");
      expect(JSON.parse(await run("show", "carol"))).toEqual([]);
      expect(JSON.parse(await run("show", "dave"))).toHaveLength(3);
    });

    it("finds those who are limited by something else", async () => {
      await take("ip:203.0.113.7");
      expect(JSON.parse(await run("show", "203.0.113.7", "--by", "ip"))).toHaveLength(3);
      expect(JSON.parse(await run("show", "203.0.113.7"))).toEqual([]);
    });

    it("says what to do without a Redis", async () => {
      const program = new Command().exitOverride();
      addLimits(program);
      vi.stubEnv("REDIS_URL", "");
      await expect(
        program.parseAsync(["limits", "show", "alice"], { from: "user" }),
      ).rejects.toThrow(/give --redis-url or set REDIS_URL/);
      vi.unstubAllEnvs();
    });
  });
});
