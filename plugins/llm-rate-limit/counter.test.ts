import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { neighbourStates } from "../../kong/host";
import { log } from "../../kong/log";
import { closeConnections, connectionTo } from "../../redis/connection";
import { startRedis, type TestRedis } from "../../test/redis";
import { openCounter } from "./counter";
import { type RateLimitOptions, rateLimitOptions } from "./schema";

let redis: TestRedis;
let tests = 0;

beforeAll(async () => {
  redis = await startRedis();
}, 60_000);
afterAll(() => redis.stop());
beforeEach(() => {
  tests++;
  vi.spyOn(log, "warn").mockImplementation(() => undefined);
  vi.spyOn(log, "info").mockImplementation(() => undefined);
});
afterEach(() => {
  closeConnections();
  vi.restoreAllMocks();
});

const take = [
  { limit: { measure: "requests" as const, window: "month" as const, most: 3 }, amount: 1 },
];

function optionsOf(on_redis_failure: RateLimitOptions["on_redis_failure"] = "local") {
  const timeouts = { connect_timeout_ms: 5000, command_timeout_ms: 250 };
  return rateLimitOptions.parse({
    policy: "redis",
    redis: { url: redis.url, ...timeouts },
    on_redis_failure,
    namespace: `test-${tests}`,
  });
}

function becomes(options: RateLimitOptions, state: "up" | "down"): Promise<void> {
  const connection = connectionTo(options.redis)!;
  return new Promise((resolve) => {
    connection.watch((changed) => {
      if (changed.state === state) resolve();
    });
  });
}

describe("llm-rate-limit", () => {
  describe("while Redis answers", () => {
    it("counts there for all nodes", async () => {
      const options = optionsOf();
      const counter = openCounter(options);
      expect(await counter.take("alice", take)).toMatchObject({ taken: true, policy: "redis" });

      const names = await connectionTo(options.redis)!.run((client) =>
        client.keys("kong-llm:limit:*"),
      );
      expect(names).toEqual([`kong-llm:limit:${options.namespace}:{alice}:requests:month:3`]);
    });
  });

  describe("when Redis does not answer", () => {
    it("keeps limiting with what this node has let through, and says so once in the log", async () => {
      const options = optionsOf("local");
      const counter = openCounter(options);
      await counter.take("alice", take);
      redis.freeze();
      try {
        const answers = await Promise.all([1, 2, 3].map(() => counter.take("alice", take)));

        expect(answers.map((answer) => "taken" in answer && answer.taken)).toEqual([
          true,
          true,
          false,
        ]);
        expect(answers[0]).toMatchObject({ policy: "local" });
        expect(vi.mocked(log.warn).mock.calls).toEqual([
          [
            { redis: `127.0.0.1:${redis.port}/0`, reason: "no answer within 250 ms" },
            "redis is down",
          ],
        ]);
      } finally {
        redis.thaw();
      }
    });

    it("lets every request pass where the operator allows it", async () => {
      const options = optionsOf("allow");
      const counter = openCounter(options);
      await counter.take("alice", take);
      const down = becomes(options, "down");
      await redis.stop();
      await down;
      try {
        expect(await counter.take("alice", take)).toEqual({ uncounted: "allow" });
      } finally {
        await redis.restart();
      }
    });

    it("refuses where the operator says so", async () => {
      const options = optionsOf("refuse");
      const counter = openCounter(options);
      await counter.take("alice", take);
      const down = becomes(options, "down");
      await redis.stop();
      await down;
      try {
        expect(await counter.take("alice", take)).toEqual({ uncounted: "refuse" });
      } finally {
        await redis.restart();
      }
    });

    it("counts in Redis again as soon as it is back, without a restart", async () => {
      const options = optionsOf();
      const counter = openCounter(options);
      await counter.take("alice", take);
      const down = becomes(options, "down");
      const upAgain = down.then(() => becomes(options, "up"));
      await redis.stop();
      await down;
      expect(await counter.take("alice", take)).toMatchObject({ policy: "local" });
      await redis.restart();
      await upAgain;

      expect(await counter.take("alice", take)).toMatchObject({ taken: true, policy: "redis" });
      expect(vi.mocked(log.warn)).toHaveBeenCalledTimes(1);
      expect(vi.mocked(log.info).mock.calls.map(([, message]) => message)).toEqual([
        "redis is up",
        "redis is up",
      ]);
    });
  });

  describe("with policy redis and no Redis named", () => {
    it("counts on this node, says so once in the log and in /readyz", async () => {
      const unnamed = rateLimitOptions.parse({ policy: "redis", namespace: `test-${tests}` });
      openCounter(unnamed);
      const counter = openCounter({ ...unnamed, on_redis_failure: "refuse" });

      expect(await counter.take("alice", take)).toMatchObject({ taken: true, policy: "local" });
      expect(vi.mocked(log.warn)).toHaveBeenCalledTimes(1);
      expect(neighbourStates()["redis for rate_limit"]).toMatchObject({ ok: false });
    });
  });
});
