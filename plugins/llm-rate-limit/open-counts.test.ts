import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { closeConnections, connectionTo } from "../../redis/connection";
import { log } from "../../stages/log";
import { neighbourStates } from "../../stages/neighbours";
import { startRedis, type TestRedis } from "../../test/support/redis";
import { becomes } from "../../test/support/redis-connection";
import type { Limit } from "./limit";
import { type Counted, openCounts } from "./open-counts";
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
  {
    limit: { measure: "requests" as const, window: "month" as const, most: 3 },
    amount: 1,
    each: 0,
  },
];

function optionsOf(on_redis_failure: RateLimitOptions["on_redis_failure"] = "local") {
  const timeouts = { connect_timeout_ms: 5000, command_timeout_ms: 2000 };
  return rateLimitOptions.parse({
    policy: "redis",
    redis: { url: redis.url, ...timeouts },
    on_redis_failure,
    namespace: `test-${tests}`,
  });
}

describe("llm-rate-limit", () => {
  describe("while Redis answers", () => {
    it("counts there for all nodes", async () => {
      const options = optionsOf();
      const counts = openCounts(options);
      expect(await counts.take("alice", "id", take)).toMatchObject({
        taken: true,
        policy: "redis",
      });

      const names = await connectionTo(options.redis)!.run((client) =>
        client.keys("kong-llm:limit:*"),
      );
      expect(names.filter((name) => !name.endsWith(":mark"))).toEqual([
        `kong-llm:limit:{${options.namespace}}:requests:month:alice`,
      ]);
    });
  });

  describe("in a Redis that is not a plain one", () => {
    const limits: Limit[] = [
      { measure: "tokens", window: "minute", most: 1000 },
      { measure: "cost_usd", window: "month", most: 1000, model: "gpt-4*" },
      { measure: "concurrency", window: "lease", most: 2 },
    ];
    const takes = limits.map((limit) => ({
      limit,
      amount: limit.window === "lease" ? 1 : 400,
      each: 0,
    }));

    /** Takes and settles whatever the scripts can do; says what is left after each. */
    async function takeAndSettle(redisOptions: object): Promise<number[][]> {
      const patient = { connect_timeout_ms: 10_000, command_timeout_ms: 10_000 };
      const options = rateLimitOptions.parse({
        ...{ policy: "redis", redis: { ...redisOptions, ...patient } },
        ...{ on_redis_failure: "refuse", namespace: `test-${tests}` },
      });
      const counts = openCounts(options);
      const remaining = (counted: Counted) =>
        "limits" in counted ? counted.limits.map((state) => state.remaining) : [];
      const first = await counts.take("alice", "one", takes);
      const starts = "limits" in first ? first.limits.map(({ start }) => start) : [];
      const corrections = limits.map((limit, i) => ({
        ...{ limit, start: starts[i]!, change: -390 },
      }));
      expect(await counts.settle("alice", "one", corrections, "redis")).toBe("settled");
      return [remaining(first), remaining(await counts.take("alice", "two", takes))];
    }

    const expected = [
      [600, 600, 1],
      [590, 590, 1],
    ];

    it("counts in a Cluster, where all keys of a script must be in one slot", async () => {
      const clustered = ["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"];
      const node = await startRedis({ arguments: clustered });
      const admin = new Redis(node.url);
      try {
        await admin.cluster("ADDSLOTSRANGE", 0, 16383);
        const state = async () => String(await admin.cluster("INFO"));
        await expect.poll(state).toContain("cluster_state:ok");
        const cluster_nodes = [`127.0.0.1:${node.port}`];
        expect(await takeAndSettle({ cluster_nodes })).toEqual(expected);
      } finally {
        admin.disconnect();
        await node.stop();
      }
    });

    it("needs no commands and keys but those that the README names", async () => {
      const readme = readFileSync(join(__dirname, "README.md"), "utf8");
      const [, named] = /The user in Redis needs the commands (.*) and, for a Cluster/.exec(
        readme,
      )!;
      const commands = [...named!.matchAll(/`(\w+)`/g)].map(([, command]) => `+${command}`);
      const admin = new Redis(redis.url);
      await admin.acl("SETUSER", "limiter", "on", ">secret", "~kong-llm:*", "-@all", ...commands);
      admin.disconnect();
      const access = { username: "limiter", password: "secret" };
      expect(await takeAndSettle({ url: redis.url, ...access })).toEqual(expected);
    });
  });

  describe("when Redis does not answer", () => {
    it("keeps limiting with what this node has let through, and says so once in the log", async () => {
      const options = optionsOf("local");
      const counts = openCounts(options);
      await counts.take("alice", "id", take);
      redis.freeze();
      try {
        const answers = await Promise.all([1, 2, 3].map(() => counts.take("alice", "id", take)));

        expect(answers.map((answer) => "taken" in answer && answer.taken)).toEqual([
          true,
          true,
          false,
        ]);
        expect(answers[0]).toMatchObject({ policy: "local" });
        expect(vi.mocked(log.warn).mock.calls).toEqual([
          [
            { redis: `127.0.0.1:${redis.port}/0`, reason: "no answer within 2000 ms" },
            "redis is down",
          ],
        ]);
      } finally {
        redis.thaw();
      }
    });

    it("lets every request pass where the operator allows it", async () => {
      const options = optionsOf("allow");
      const counts = openCounts(options);
      await counts.take("alice", "id", take);
      const down = becomes(connectionTo(options.redis)!, "down");
      await redis.stop();
      await down;
      try {
        expect(await counts.take("alice", "id", take)).toEqual({ uncounted: "allow" });
      } finally {
        await redis.restart();
      }
    });

    it("refuses where the operator says so", async () => {
      const options = optionsOf("refuse");
      const counts = openCounts(options);
      await counts.take("alice", "id", take);
      const down = becomes(connectionTo(options.redis)!, "down");
      await redis.stop();
      await down;
      try {
        expect(await counts.take("alice", "id", take)).toEqual({ uncounted: "refuse" });
      } finally {
        await redis.restart();
      }
    });

    it("counts in Redis again as soon as it is back, without a restart", async () => {
      const options = optionsOf();
      const counts = openCounts(options);
      await counts.take("alice", "id", take);
      const down = becomes(connectionTo(options.redis)!, "down");
      const upAgain = down.then(() => becomes(connectionTo(options.redis)!, "up"));
      await redis.stop();
      await down;
      expect(await counts.take("alice", "id", take)).toMatchObject({ policy: "local" });
      await redis.restart();
      await upAgain;

      expect(await counts.take("alice", "id", take)).toMatchObject({
        taken: true,
        policy: "redis",
      });
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
      openCounts(unnamed);
      const counts = openCounts({ ...unnamed, on_redis_failure: "refuse" });

      expect(await counts.take("alice", "id", take)).toMatchObject({
        taken: true,
        policy: "local",
      });
      expect(vi.mocked(log.warn)).toHaveBeenCalledTimes(1);
      expect(neighbourStates()["redis for rate_limit"]).toMatchObject({ ok: false });
    });
  });
});
