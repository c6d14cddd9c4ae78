import { register } from "prom-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { closeConnections } from "../redis/connection";
import { redisOptions } from "../redis/options";
import { startRedis, type TestRedis } from "../test/support/redis";
import { log } from "./log";
import { neighbourStates } from "./neighbours";
import { redisNeighbour } from "./redis-neighbour";

let redis: TestRedis;

beforeAll(async () => {
  redis = await startRedis();
}, 60_000);
afterAll(() => redis.stop());
beforeEach(() => {
  vi.spyOn(log, "warn").mockImplementation(() => undefined);
  vi.spyOn(log, "info").mockImplementation(() => undefined);
});
afterEach(() => {
  closeConnections();
  vi.restoreAllMocks();
});

async function gauge(address: string): Promise<number | undefined> {
  const { values } = await register.getSingleMetric("llm_redis_up")!.get();
  return values.find(({ labels }) => labels.address === address)?.value;
}

describe("kong", () => {
  describe("a Redis", () => {
    it("shows its state in /readyz and as a gauge, and each change once in the log", async () => {
      const options = redisOptions.parse({ url: redis.url, connect_timeout_ms: 20_000 });
      const connection = redisNeighbour("rate_limit", options)!;
      expect(redisNeighbour("cache", options)).toBe(connection);
      const address = `127.0.0.1:${redis.port}/0`;
      const neighbour = `redis ${address}`;
      const changed = () => new Promise<void>((resolve) => connection.watch(() => resolve()));

      await changed();
      expect(neighbourStates()[neighbour]).toEqual({ ok: true, detail: "Redis is up." });
      expect(await gauge(address)).toBe(1);

      const down = changed();
      await redis.stop();
      await down;
      expect(neighbourStates()[neighbour]).toEqual({
        ok: false,
        detail: expect.stringMatching(/^Redis is down: the connection /),
      });
      expect(await gauge(address)).toBe(0);
      expect(log.info).toHaveBeenCalledTimes(1);
      expect(log.warn).toHaveBeenCalledTimes(1);
    });
  });

  describe("no Redis", () => {
    it("is said once for each stage that wants one", () => {
      const options = redisOptions.parse({});
      for (const stage of ["rate_limit", "rate_limit", "cache"] as const) {
        expect(redisNeighbour(stage, options)).toBeUndefined();
      }

      expect(vi.mocked(log.warn).mock.calls.map(([fields]) => fields)).toEqual([
        { stage: "rate_limit" },
        { stage: "cache" },
      ]);
      expect(neighbourStates()).toHaveProperty(["redis for cache", "ok"], false);
    });
  });
});
