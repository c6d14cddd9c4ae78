import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { closeConnections, connectionTo, type RedisConnection } from "../../redis/connection";
import { redisOptions } from "../../redis/options";
import { log } from "../../stages/log";
import { startRedis, type TestRedis } from "../../test/support/redis";
import { KeyRing } from "./keys";
import { openRests, SharedRests } from "./open-rests";
import { restsInRedis } from "./rests-in-redis";

let redis: TestRedis;
let connection: RedisConnection;
let services = 0;

beforeAll(async () => {
  redis = await startRedis({ keeps: true });
  connection = connectionTo(
    redisOptions.parse({ url: redis.url, connect_timeout_ms: 20_000, command_timeout_ms: 20_000 }),
  )!;
}, 60_000);

afterAll(async () => {
  closeConnections();
  await redis.stop();
});

const newService = () => `service-${++services}`;

type Key = string | { file: string };

/** A node with keys and a clock of its own, which a test can turn on. */
function node(service: string, keys: Key[], { aheadMs = 0 } = {}) {
  let ahead = aheadMs;
  const now = () => Date.now() + ahead;
  const ring = new KeyRing(
    keys.map((key) => ({
      value: "",
      file: "",
      weight: 1,
      ...(isFile(key) ? key : { value: key }),
    })),
  );
  const rests = new SharedRests(restsInRedis(connection, "kong-llm", now), now);
  const own = { service, ring };
  return {
    ring,
    rests,
    now,
    pass: (ms: number) => {
      ahead += ms;
    },
    /** The upstream has just refused a request with this key. */
    refuse: async (place: number, seconds = 30, at = now()) => {
      const isNew = ring.rest(place, at, at, seconds);
      if (isNew) await rests.rest(own, place, at, seconds);
      return isNew;
    },
    /** And taken one that was sent just now. */
    take: async (place: number, sentAt = now()) => {
      const isBack = ring.serve(place, sentAt, now());
      if (isBack) await rests.wake(own, place, sentAt, now());
      return isBack;
    },
    awake: async () => {
      await rests.renew([own]);
      return ring.states(now());
    },
  };
}

function isFile(key: Key): key is { file: string } {
  return typeof key === "object";
}

async function stopRedis(): Promise<void> {
  const down = new Promise<void>((resolve) => connection.watch(() => resolve()));
  await redis.stop();
  await down;
}

async function restartRedis(): Promise<void> {
  const up = new Promise<void>((resolve) =>
    connection.watch(({ state }) => state === "up" && resolve()),
  );
  await redis.restart();
  await up;
}

const keysInRedis = () => connection.run((client) => client.keys("kong-llm:{rest}:*"));

describe("llm-upstream-key, with a Redis that two nodes share", () => {
  it("lets a key rest on both that one of them was refused with", async () => {
    const service = newService();
    const [a, b] = [node(service, ["k1", "k2"]), node(service, ["k1", "k2"])];
    expect(await b.awake()).toEqual([true, true]);
    await a.refuse(0);
    expect(await b.awake()).toEqual([true, true]);
    b.pass(1000);
    expect(await b.awake()).toEqual([false, true]);
    expect(b.ring.choose(b.now(), 0)?.value).toBe("k2");
  });

  it("lets it rest for the same time where a clock is an hour ahead", async () => {
    const service = newService();
    const [a, b] = [node(service, ["k1", "k2"]), node(service, ["k1", "k2"], { aheadMs: 3.6e6 })];
    await a.refuse(0, 30);
    expect(await b.awake()).toEqual([false, true]);
    expect(b.ring.states(b.now() + 25_000)).toEqual([false, true]);
    expect(b.ring.states(b.now() + 30_001)).toEqual([true, true]);
  });

  it("wakes it on both when one of them is served with it", async () => {
    const service = newService();
    const [a, b] = [node(service, ["k1", "k2"]), node(service, ["k1", "k2"])];
    await a.refuse(0, 600, a.now() - 5000);
    expect(await b.awake()).toEqual([false, true]);
    expect(await b.take(0, b.now() - 10_000)).toBe(false);
    expect(await b.take(0)).toBe(true);
    a.pass(1000);
    expect(await a.awake()).toEqual([true, true]);
    const c = node(service, ["k1", "k2"]);
    expect(await c.awake()).toEqual([true, true]);
  });

  it("keeps the longest rest that was asked for, and none that is over", async () => {
    const service = newService();
    const [a, b, c] = [1, 2, 3].map(() => node(service, ["k1", "k2"]));
    await a!.refuse(0, 600);
    await b!.refuse(0, 5);
    await c!.refuse(1, 5, c!.now() - 6000);
    b!.pass(1000);
    await b!.awake();
    expect(b!.ring.states(b!.now() + 500_000)).toEqual([false, true]);
  });

  it("lets no key rest for what was said of another at its place", async () => {
    const service = newService();
    const before = node(service, ["k1", "k2"]);
    const after = node(service, ["k0", "k1", "k2"]);
    await before.refuse(0);
    await before.refuse(1);
    expect(await after.awake()).toEqual([true, true, true]);
    const other = node(newService(), ["k1", "k2"]);
    expect(await other.awake()).toEqual([true, true]);
  });

  it("lets a rotated key serve though a node that has the old one is refused", async () => {
    const directory = mkdtempSync(join(tmpdir(), "rests-"));
    try {
      const [late, early] = [join(directory, "late"), join(directory, "early")];
      for (const file of [late, early]) writeFileSync(file, "old");
      const service = newService();
      const a = node(service, [{ file: late }, "k2"]);
      const b = node(service, [{ file: early }, "k2"]);
      expect(await a.awake()).toEqual([true, true]);
      await b.awake();
      writeFileSync(early, "new");
      b.pass(1000);
      await b.awake();
      await a.refuse(0);
      b.pass(1000);
      expect(await b.awake()).toEqual([true, true]);

      writeFileSync(late, "new");
      a.pass(1000);
      expect(await a.awake()).toEqual([true, true]);
      await b.refuse(0);
      a.pass(1000);
      expect(await a.awake()).toEqual([false, true]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("tells of no key that is the only one, and asks about none", async () => {
    const service = newService();
    const { refuse, awake, rests, ring } = node(service, ["k1"]);
    await refuse(0);
    expect(rests.renew([{ service, ring }])).toBeUndefined();
    expect(await awake()).toEqual([false]);
    expect((await keysInRedis()).filter((key) => key.includes(service))).toEqual([]);
  });

  it("keeps nothing that a key could be guessed from, and nothing without an end", async () => {
    const service = newService();
    const { refuse, take } = node(service, ["sk-secret-1", "sk-secret-2"]);
    await refuse(0, 86_400, Date.now() - 1000);
    await refuse(1, 60);
    await take(0);
    const own = (await keysInRedis()).filter((key) => key.includes(service));
    expect(own.sort()).toEqual([
      expect.stringMatching(new RegExp(`^kong-llm:{rest}:${service}:0:[0-9a-f]{3}$`)),
      expect.stringMatching(new RegExp(`^kong-llm:{rest}:${service}:1:[0-9a-f]{3}$`)),
    ]);
    const kept = await connection.run((client) =>
      Promise.all(own.map(async (key) => [await client.hgetall(key), await client.pttl(key)])),
    );
    for (const [fields, ms] of kept as [Record<string, string>, number][]) {
      for (const field of Object.values(fields)) expect(field).toMatch(/^\d{13}$/);
      expect(ms).toBeGreaterThan(0);
      expect(ms).toBeLessThanOrEqual(3_600_000);
    }
    expect(Object.keys((kept[0] as [object])[0])).toEqual(["since"]);
  });

  it("rests no key by what a Redis holds that nobody of us wrote", async () => {
    const service = newService();
    const { ring, awake, pass } = node(service, ["k1", "k2"]);
    const name = `kong-llm:{rest}:${service}:0:${ring.mark(0, service)}`;
    await connection.run((client) => client.hset(name, "since", "soon", "until", "later"));
    expect(await awake()).toEqual([true, true]);
    await connection.run((client) => client.hset(name, "since", "1", "until", "9".repeat(40)));
    pass(1000);
    await awake();
    expect(ring.states(Date.now() + 3_700_000)).toEqual([true, true]);
    await connection.run((client) => client.del(name));
  });

  it("goes on by what each was answered while Redis is down, and shares again after that", async () => {
    const service = newService();
    const [a, b] = [node(service, ["k1", "k2"]), node(service, ["k1", "k2"])];
    await stopRedis();
    await a.refuse(0);
    expect(await a.awake()).toEqual([false, true]);
    expect(await b.awake()).toEqual([true, true]);

    await restartRedis();
    await a.refuse(1);
    b.pass(1000);
    expect(await b.awake()).toEqual([true, false]);
  });

  it("tells once what it has learned of a key while Redis was down, when Redis answers it", async () => {
    const service = newService();
    const [a, b] = [node(service, ["k1", "k2"]), node(service, ["k1", "k2"])];
    await stopRedis();
    await a.refuse(0);
    await restartRedis();
    expect(await b.awake()).toEqual([true, true]);
    await a.awake();
    b.pass(1000);
    expect(await b.awake()).toEqual([false, true]);

    const [name] = (await keysInRedis()).filter((key) => key.includes(`:${service}:`));
    await connection.run((client) => client.del(name!));
    a.pass(1000);
    expect(await a.awake()).toEqual([false, true]);
    expect((await keysInRedis()).filter((key) => key.includes(`:${service}:`))).toEqual([]);
  });

  it("tells then that a key is taken again, and not that it was refused before", async () => {
    const service = newService();
    const [a, b] = [node(service, ["k1", "k2"]), node(service, ["k1", "k2"])];
    await a.refuse(0, 600, a.now() - 5000);
    expect(await b.awake()).toEqual([false, true]);
    await stopRedis();
    await b.refuse(1);
    for (const place of [0, 1]) expect(await b.take(place, b.now() + 1)).toBe(true);
    await restartRedis();
    b.pass(1000);
    await b.awake();
    a.pass(1000);
    expect(await a.awake()).toEqual([true, true]);
  });

  it("tells nothing of a rest that is over when Redis is back", async () => {
    const service = newService();
    const a = node(service, ["k1", "k2"]);
    await stopRedis();
    await a.refuse(0, 5, a.now() - 6000);
    await restartRedis();
    await a.awake();
    expect((await keysInRedis()).filter((key) => key.includes(`:${service}:`))).toEqual([]);
  });
});

describe("the policy of llm-upstream-key", () => {
  it("shares nothing where it is local, or names no Redis", () => {
    const redis = redisOptions.parse({});
    expect(openRests({ policy: "local", redis: { ...redis, host: "localhost" } })).toBeUndefined();
    const warn = vi.spyOn(log, "warn").mockImplementation(() => undefined);
    expect(openRests({ policy: "redis", redis })).toBeUndefined();
    expect(warn).toHaveBeenCalledOnce();
    warn.mockRestore();
  });
});
