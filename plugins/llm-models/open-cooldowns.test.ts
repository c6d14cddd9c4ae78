import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { closeConnections, connectionTo, type RedisConnection } from "../../redis/connection";
import { redisOptions } from "../../redis/options";
import { roomIn } from "../../stages/allowance";
import { allowancesAt, type Heard } from "../../stages/allowances";
import type { KeyOfMany } from "../../stages/ticket";
import { startRedis, type TestRedis } from "../../test/support/redis";
import { CooldownsInMemory } from "./cooldowns-in-memory";
import { cooldownsInRedis } from "./cooldowns-in-redis";
import { sharedCooldowns } from "./open-cooldowns";
import { halfLifeMs, meanOf, paceOf, together } from "./pace";

const tolerance = { failures: 3, windowMs: 10_000 };
const leaseMs = 5000;

let redis: TestRedis;
let connection: RedisConnection;
let targets = 0;

beforeAll(async () => {
  redis = await startRedis();
  connection = connectionTo(
    redisOptions.parse({ url: redis.url, connect_timeout_ms: 20_000, command_timeout_ms: 20_000 }),
  )!;
}, 60_000);

afterAll(async () => {
  closeConnections();
  await redis.stop();
});

/** A node with a clock of its own, which a test can turn on. */
function node({ aheadMs = 0 } = {}) {
  let ahead = aheadMs;
  const now = () => Date.now() + ahead;
  const inRedis = cooldownsInRedis(connection, "kong-llm", now);
  const cooldowns = sharedCooldowns(new CooldownsInMemory(now), inRedis);
  return {
    cooldowns,
    now,
    pass: (ms: number) => {
      ahead += ms;
    },
    /** A request that was sent and ended so many milliseconds ago. */
    fail: (target: string, agoMs: number, more: { coolMs?: number; atOnce?: boolean } = {}) => {
      const at = now() - agoMs;
      return cooldowns.fail(
        target,
        { sentAt: at, endedAt: at, coolMs: 30_000, atOnce: true, ...more },
        tolerance,
      );
    },
    succeed: (target: string) => cooldowns.succeed(target, now(), now()),
    see: async (target: string) => {
      await cooldowns.look([target]);
      return cooldowns.healthOf(target);
    },
  };
}

const newTarget = () => `service:model-${++targets}`;

describe("llm-models cooldown", () => {
  describe("with a Redis that two nodes share", () => {
    const heard = (left: number, heardAt: number, key: KeyOfMany = [0, 1]): Heard => {
      const resetAt = heardAt + 60_000;
      return { key, allowance: { requests: { left, resetAt }, heardAt } };
    };

    it("tells all what an upstream says is left for each key, by the clock of each", async () => {
      const target = newTarget();
      const [a, b] = [node(), node({ aheadMs: 3_600_000 })];
      await a.cooldowns.tell(target, heard(7, a.now(), [1, 2]));
      await b.see(target);
      const [first, second] = allowancesAt(target);
      expect(first).toBeUndefined();
      expect(second?.requests?.left).toBe(7);
      expect(second?.tokens).toBeUndefined();
      expect(roomIn(second, b.now())).toBe(7);
      expect(roomIn(second, b.now() + 61_000)).toBeUndefined();
    });

    it("keeps the latest of it, for no longer than it holds, and no cooldown is cut short", async () => {
      const target = newTarget();
      const inRedis = cooldownsInRedis(connection, "kong-llm");
      const leftOf = async () => (await inRedis.look([target]))[0]?.heard?.[0]?.allowance.requests;
      const expires = () =>
        connection.run((client) => client.pttl(`kong-llm:{cooldown}:${target}`));
      await inRedis.tell(target, heard(7, Date.now() - 2000));
      await inRedis.tell(target, heard(9, Date.now() - 5000));
      expect((await leftOf())?.left).toBe(7);
      expect(await expires()).toBeGreaterThan(0);
      expect(await expires()).toBeLessThanOrEqual(60_000);
      await node().fail(target, 0, { coolMs: 300_000 });
      await inRedis.tell(target, heard(3, Date.now() - 1000));
      expect((await leftOf())?.left).toBe(3);
      expect(await expires()).toBeGreaterThan(60_000);
    });

    it("tells of one key no more than once a second, but for that nothing is left", async () => {
      const target = newTarget();
      const { cooldowns, now } = node();
      const left = async () =>
        (await cooldownsInRedis(connection, "kong-llm").look([target]))[0]?.heard?.[0]?.allowance
          .requests?.left;
      await cooldowns.tell(target, heard(7, now() - 3000));
      await cooldowns.tell(target, heard(6, now() - 2000));
      expect(await left()).toBe(7);
      await cooldowns.tell(target, heard(0, now() - 1000));
      expect(await left()).toBe(0);
    });

    it("tells all how soon a target answers, by the clock of each, in the look that is made anyway", async () => {
      const target = newTarget();
      const [a, b] = [node(), node({ aheadMs: 3_600_000 })];
      await a.cooldowns.measure(target, "stream", paceOf(300, a.now()));
      const run = vi.spyOn(connection, "run");
      await b.see(target);
      expect(run).toHaveBeenCalledTimes(1);
      run.mockRestore();
      const known = b.cooldowns.paces.of(target, "stream")!;
      expect(meanOf(known)).toBe(300);
      expect(Math.abs(known.at - b.now())).toBeLessThan(5000);
      expect(b.cooldowns.paces.of(target, "whole")).toBeUndefined();
    });

    it("takes the mean of what both have heard, each once, and tells of it once a second", async () => {
      vi.useFakeTimers({ toFake: ["Date"] });
      const target = newTarget();
      const [a, b] = [node(), node()];
      const run = vi.spyOn(connection, "run");
      for (const ms of [100, 200, 300]) {
        await a.cooldowns.measure(target, "whole", paceOf(ms, a.now()));
      }
      expect(run).toHaveBeenCalledTimes(1);
      run.mockRestore();
      await b.cooldowns.measure(target, "whole", paceOf(500, b.now()));
      // The second and third are this node's own as yet.
      expect(meanOf(b.cooldowns.paces.of(target, "whole")!)).toBeCloseTo(300, 0);
      expect(meanOf(a.cooldowns.paces.of(target, "whole")!)).toBeCloseTo(200, 0);
      await a.see(target);
      expect(meanOf(a.cooldowns.paces.of(target, "whole")!)).toBeCloseTo(275, 0);
      vi.useRealTimers();
    });

    it("keeps how soon a target answers for a while, and no cooldown is cut short by it", async () => {
      const target = newTarget();
      const expires = () =>
        connection.run((client) => client.pttl(`kong-llm:{cooldown}:${target}`));
      const inRedis = cooldownsInRedis(connection, "kong-llm");
      await inRedis.measure(target, "whole", paceOf(1, Date.now()));
      expect(await expires()).toBeGreaterThan(0);
      expect(await expires()).toBeLessThanOrEqual(600_000);
      await node().fail(target, 0, { coolMs: 900_000 });
      await inRedis.measure(target, "whole", paceOf(1, Date.now()));
      expect(await expires()).toBeGreaterThan(600_000);
    });

    it("lets a time count half as much after a half-life, as a node does by itself", async () => {
      const target = newTarget();
      const inRedis = cooldownsInRedis(connection, "kong-llm");
      const [before, now] = [paceOf(900, Date.now() - halfLifeMs), paceOf(300, Date.now())];
      await inRedis.measure(target, "stream", before);
      const all = await inRedis.measure(target, "stream", now);
      expect(meanOf(all!)).toBeCloseTo(meanOf(together(before, now)!), 0);
    });

    it("lets a model cool on both when it fails on one", async () => {
      const target = newTarget();
      const [a, b] = [node(), node()];
      expect(await b.see(target)).toBe("healthy");
      expect(await a.fail(target, 0)).toBe(true);
      expect(a.cooldowns.healthOf(target)).toBe("cooling");

      b.pass(1000);
      expect(await b.see(target)).toBe("cooling");
    });

    it("tells the same remaining time to a node whose clock is an hour ahead", async () => {
      const target = newTarget();
      const [a, b] = [node(), node({ aheadMs: 3_600_000 })];
      await a.fail(target, 0);
      const [known] = await b.cooldowns.look([target]);

      const remaining = known!.until - b.now();
      expect(remaining).toBeGreaterThan(25_000);
      expect(remaining).toBeLessThanOrEqual(30_000);
    });

    it("counts the failures of both together", async () => {
      const target = newTarget();
      const [a, b] = [node(), node()];
      expect(await a.fail(target, 3000, { atOnce: false })).toBe(false);
      expect(await b.fail(target, 2000, { atOnce: false })).toBe(false);
      expect(await a.fail(target, 1000, { atOnce: false })).toBe(true);
      expect(await a.see(target)).toBe("cooling");
    });

    it("does not count failures together that are too far apart", async () => {
      const target = newTarget();
      const [a, b] = [node(), node()];
      await a.fail(target, 12_000, { atOnce: false });
      await b.fail(target, 1900, { atOnce: false });
      expect(await b.fail(target, 1800, { atOnce: false })).toBe(false);
      expect(await a.fail(target, 1700, { atOnce: false })).toBe(true);
    });

    it("gives the probe to exactly one of 50 requests on both", async () => {
      const target = newTarget();
      const [a, b] = [node(), node()];
      await a.fail(target, 10_000, { coolMs: 5000 });
      expect([await a.see(target), await b.see(target)]).toEqual(["due", "due"]);

      const takes = Array.from({ length: 50 }, (_, i) =>
        (i % 2 ? a : b).cooldowns.takeProbe(target, leaseMs),
      );
      expect((await Promise.all(takes)).filter((waitMs) => waitMs === 0)).toHaveLength(1);
      expect([a, b].map(({ cooldowns }) => cooldowns.healthOf(target))).toEqual([
        "probed",
        "probed",
      ]);
    });

    it("lets another node probe when the first gives the probe back", async () => {
      const target = newTarget();
      const [a, b] = [node(), node()];
      await a.fail(target, 10_000, { coolMs: 5000 });
      await a.see(target);
      expect(await a.cooldowns.takeProbe(target, leaseMs)).toBe(0);
      expect(await b.see(target)).toBe("probed");

      await a.cooldowns.releaseProbe(target);
      b.pass(1000);
      expect(await b.see(target)).toBe("due");
      expect(await b.cooldowns.takeProbe(target, leaseMs)).toBe(0);
    });

    it("lets a model cool on after a failed probe, and brings it back on both after a good one", async () => {
      const target = newTarget();
      const [a, b] = [node(), node()];
      await a.fail(target, 20_000, { coolMs: 1000 });
      await b.see(target);
      expect(await b.fail(target, 10_000, { atOnce: false, coolMs: 1000 })).toBe(true);
      expect(await a.see(target)).toBe("due");

      expect(await a.succeed(target)).toBe(true);
      b.pass(1000);
      expect(await b.see(target)).toBe("healthy");
      expect(await b.succeed(target)).toBe(false);
    });

    it("does not believe requests that were sent before the cooldown", async () => {
      const target = newTarget();
      const [a, b] = [node(), node()];
      await a.fail(target, 5000);
      expect(await b.fail(target, 6000)).toBe(false);
      expect(await b.cooldowns.succeed(target, b.now() - 6000, b.now())).toBe(false);
      expect(await b.see(target)).toBe("cooling");
    });

    it("does not believe what a node had sent before it was told of the cooldown", async () => {
      const target = newTarget();
      const [a, b] = [node(), node()];
      await a.fail(target, 500);
      const sentAt = b.now() - 200;
      expect(await b.see(target)).toBe("cooling");
      expect(await b.cooldowns.succeed(target, sentAt, b.now())).toBe(false);
      expect(await a.see(target)).toBe("cooling");

      expect(await b.succeed(target)).toBe(true);
      a.pass(1000);
      expect(await a.see(target)).toBe("healthy");
    });

    it("asks Redis once a second, however many requests there are", async () => {
      vi.useFakeTimers({ toFake: ["Date"] });
      const target = newTarget();
      const { cooldowns, pass } = node();
      const run = vi.spyOn(connection, "run");
      await Promise.all(Array.from({ length: 500 }, () => cooldowns.look([target])));
      expect(run).toHaveBeenCalledTimes(1);
      pass(999);
      await cooldowns.look([target]);
      expect(run).toHaveBeenCalledTimes(1);
      pass(1);
      await cooldowns.look([target]);
      expect(run).toHaveBeenCalledTimes(2);
      run.mockRestore();
      vi.useRealTimers();
    });

    it("leaves no key without an expiry", async () => {
      const target = newTarget();
      const { fail, succeed, cooldowns, see } = node();
      await fail(target, 0, { atOnce: false });
      await fail(newTarget(), 0);
      await fail(target, 9000, { coolMs: 5000 });
      await see(target);
      await cooldowns.takeProbe(target, leaseMs);
      await succeed(target);
      await cooldowns.releaseProbe(newTarget());

      const expiries = await connection.run(async (client) => {
        const keys = await client.keys("kong-llm:{cooldown}:*");
        return Promise.all(keys.map((key) => client.pttl(key)));
      });
      expect(expiries.length).toBeGreaterThan(1);
      for (const ms of expiries) expect(ms).toBeGreaterThan(0);
    });
  });

  it("goes on by its own outcomes while Redis is down, and shares again after that", async () => {
    const target = newTarget();
    const [a, b] = [node(), node()];
    const down = new Promise<void>((resolve) => connection.watch(() => resolve()));
    await redis.stop();
    await down;
    expect(await a.fail(target, 10_000, { coolMs: 5000 })).toBe(true);
    expect(await a.see(target)).toBe("due");
    expect(await a.cooldowns.takeProbe(target, leaseMs)).toBe(0);
    expect(await a.cooldowns.takeProbe(target, leaseMs)).toBeGreaterThan(0);
    expect(await a.fail(target, 0)).toBe(true);
    expect(await b.see(target)).toBe("healthy");
    await a.cooldowns.measure(target, "whole", paceOf(100, a.now()));
    expect(meanOf(a.cooldowns.paces.of(target, "whole")!)).toBe(100);

    const up = new Promise<void>((resolve) =>
      connection.watch(({ state }) => state === "up" && resolve()),
    );
    await redis.restart();
    await up;
    expect(await a.fail(newTarget(), 0)).toBe(true);
    await a.fail(target, 0);
    b.pass(1000);
    expect(await b.see(target)).toBe("cooling");
    const meanAtOther = async () => {
      await a.cooldowns.measure(target, "whole", paceOf(100, a.now()));
      b.pass(1000);
      await b.see(target);
      return meanOf(b.cooldowns.paces.of(target, "whole")!);
    };
    await expect.poll(meanAtOther).toBeCloseTo(100, 0);
  });
});
