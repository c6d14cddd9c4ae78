import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeConnections, connectionTo } from "../../redis/connection";
import { redisOptions } from "../../redis/options";
import { startRedis, type TestRedis } from "../../test/support/redis";
import type { Cooldowns, Failure } from "./cooldowns";
import { CooldownsInMemory } from "./cooldowns-in-memory";
import { cooldownsInRedis } from "./cooldowns-in-redis";
import { healthOf } from "./health";

const tolerance = { failures: 3, windowMs: 10_000 };
const leaseMs = 5000;

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
}, 60_000);
afterAll(async () => {
  closeConnections();
  await redis.stop();
});

function inRedis(): Cooldowns {
  const patient = { connect_timeout_ms: 20_000, command_timeout_ms: 20_000 };
  const options = redisOptions.parse({ url: redis.url, ...patient });
  return cooldownsInRedis(connectionTo(options)!, options.prefix);
}

let targets = 0;

describe.each<[string, () => Cooldowns]>([
  ["in memory", () => new CooldownsInMemory()],
  ["in Redis", inRedis],
])("llm-models cooldown %s", (_, open) => {
  /** A target on which requests failed and succeeded so many milliseconds ago. */
  function target() {
    const cooldowns = open();
    const name = `service:model-${++targets}`;
    return {
      fail: (agoMs: number, more: Partial<Failure> = {}) => {
        const at = Date.now() - agoMs;
        const failure = { sentAt: at, endedAt: at, coolMs: 30_000, atOnce: true, ...more };
        return cooldowns.fail(name, failure, tolerance);
      },
      succeed: (agoMs: number) => {
        const at = Date.now() - agoMs;
        return cooldowns.succeed(name, at, at);
      },
      probe: () => cooldowns.takeProbe(name, leaseMs),
      releaseProbe: () => cooldowns.releaseProbe(name),
      health: async () => healthOf((await cooldowns.look([name]))[0]!, Date.now()),
    };
  }

  it("begins with the third failure within the window", async () => {
    const { fail, health } = target();
    const rare = { atOnce: false };
    expect(await health()).toBe("healthy");
    expect([await fail(3000, rare), await fail(2000, rare)]).toEqual([false, false]);
    expect(await fail(1000, rare)).toBe(true);
    expect(await health()).toBe("cooling");
  });

  it("does not begin while failures are rare", async () => {
    const { fail, health } = target();
    for (const ago of [40_000, 20_000, 9900, 50]) {
      expect(await fail(ago, { atOnce: false })).toBe(false);
    }
    expect(await health()).toBe("healthy");
  });

  it("begins at once where the upstream names a time, and is over when that is", async () => {
    const { fail, health } = target();
    expect(await fail(10_000, { coolMs: 60_000 })).toBe(true);
    expect(await health()).toBe("cooling");
    const other = target();
    expect(await other.fail(10_000, { coolMs: 5000 })).toBe(true);
    expect(await other.health()).toBe("due");
  });

  it("lets exactly one of 50 requests probe when it is over, and tells the others when to ask again", async () => {
    const { fail, probe, health } = target();
    await fail(10_000, { coolMs: 5000 });
    const waits = await Promise.all(Array.from({ length: 50 }, probe));
    expect(waits.filter((waitMs) => waitMs === 0)).toHaveLength(1);
    for (const waitMs of waits) expect(waitMs).toBeLessThanOrEqual(leaseMs);
    expect(await health()).toBe("probed");
  });

  it("lets nobody probe before it is over", async () => {
    const { fail, probe } = target();
    await fail(0, { coolMs: 60_000 });
    expect(await probe()).toBeGreaterThan(50_000);
  });

  it("goes on to another request when the probe has told nothing", async () => {
    const { fail, probe, releaseProbe } = target();
    await fail(10_000, { coolMs: 5000 });
    await probe();
    await releaseProbe();
    expect(await probe()).toBe(0);
  });

  it("begins anew when the probe fails, however seldom failures are", async () => {
    const { fail, probe, health } = target();
    await fail(100_000, { coolMs: 5000 });
    await probe();
    expect(await fail(0, { atOnce: false })).toBe(true);
    expect(await health()).toBe("cooling");
  });

  it("is over for all when a request is served, once", async () => {
    const { fail, succeed, health } = target();
    await fail(10_000, { coolMs: 60_000 });
    expect(await succeed(100)).toBe(true);
    expect(await health()).toBe("healthy");
    expect(await succeed(0)).toBe(false);
  });

  it("is neither prolonged nor ended by requests that were sent before it", async () => {
    const { fail, succeed, health } = target();
    await fail(5000, { coolMs: 60_000 });
    expect(await fail(6000)).toBe(false);
    expect(await succeed(6000)).toBe(false);
    expect(await health()).toBe("cooling");
  });
});
