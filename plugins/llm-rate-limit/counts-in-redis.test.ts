import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RedisConnection } from "../../redis/connection";
import { expectAsModelled, Model } from "../../test/support/exact-limits";
import { startRedis, type TestRedis } from "../../test/support/redis";
import {
  connectTo,
  counting,
  limit,
  newId,
  newIdentity,
  prefix,
  wants,
} from "../../test/support/taking";
import type { Correction, Counts } from "./counts";
import { countsInMemory } from "./counts-in-memory";
import { countsInRedis } from "./counts-in-redis";
import { type Limit, markName, noOutput, reservationName, type Take, tallyName } from "./limit";
import { windows } from "./windows";

let redis: TestRedis;
let client: Redis;
let connection: RedisConnection;
let counts: Counts;

/** A decision about a request. */
const ask = (identity: string, takes: Take[], id = newId(), by = counts) =>
  by.take(identity, id, takes, noOutput);

beforeAll(async () => {
  redis = await startRedis({ shared: true });
  client = new Redis(redis.url);
  connection = connectTo(redis);
  counts = countsInRedis(connection, prefix, counting);
}, 60_000);

afterAll(async () => {
  connection.close();
  client.disconnect();
  await redis.stop();
});

/**
 * The slot of a key on a Cluster: CRC16 (XMODEM) of what its first braces hold, else of all of it. Only
 * a server with cluster support would tell (redis.io, cluster specification, key distribution model).
 */
function slotOf(key: string): number {
  const [, hashed = key] = /^[^{]*\{([^}]+)\}/.exec(key) ?? [];
  let crc = 0;
  for (const byte of Buffer.from(hashed)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  }
  return (crc & 0xffff) % 16_384;
}

describe("llm-rate-limit", () => {
  describe("counts in Redis, by its own clock", () => {
    it("lets exactly 50 of 200 concurrent takes over 4 connections have a budget of 50", async () => {
      const takes = [wants(limit("day", 50))];
      const identity = newIdentity();
      const four = [1, 2, 3, 4].map(() => connectTo(redis));
      const nodes = four.map((one) => countsInRedis(one, prefix, counting));
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, i) => ask(identity, takes, newId(), nodes[i % 4]!)),
      );

      for (const one of four) one.close();
      expect(answers.filter(({ taken }) => taken)).toHaveLength(50);
    });

    it("tells a Redis that has counted nothing what it knows once, however late an answer comes", async () => {
      const fresh = { ...counting, namespace: newIdentity() };
      const here = countsInMemory(fresh);
      let held: Promise<unknown> | undefined;
      const late: RedisConnection = Object.assign(Object.create(connection), {
        async run(command: Parameters<typeof connection.run>[0]) {
          const until = held;
          const reply = await connection.run(command);
          await until;
          return reply;
        },
      });
      const node = countsInRedis(late, prefix, fresh, here.running);
      const takes = [wants(limit("month", 1000))];
      const identity = newIdentity();
      async function takeOne(): Promise<void> {
        const id = newId();
        const { output } = await ask(identity, takes, id, node);
        here.count(identity, id, takes, output);
      }
      let answer = () => {};
      held = new Promise<void>((resolve) => {
        answer = resolve;
      });
      const second = takeOne();
      held = undefined;
      await takeOne();
      answer();
      await second;

      const { limits } = await ask(identity, [wants(limit("month", 1000), 0)], newId(), node);
      expect(limits[0]!.remaining).toBe(998);
    });

    it("is one command a decision, whatever it takes from", async () => {
      const takes = windows.map((window) => wants(limit(window, 100)));
      const identity = newIdentity();
      const sent: string[] = [];
      await connection.run(async (connected) => {
        const client = connected as Redis;
        const { sendCommand } = client;
        client.sendCommand = function (command, stream) {
          sent.push(command.name);
          return sendCommand.call(this, command, stream);
        };
      });
      for (let i = 0; i < 3; i++) await ask(identity, takes);

      expect(sent).toHaveLength(3);
    });

    it("gives every key that it writes an expiry, no later than it means something", async () => {
      const takes = [
        ...windows.map((window) => wants(limit(window, 100), 3)),
        wants({ measure: "concurrency", window: "lease", most: 5 }),
      ];
      const identity = newIdentity();
      const short = countsInRedis(connection, prefix, { ...counting, leaseMs: 90_000 });
      const { limits } = await ask(identity, takes, "expiring", short);
      const keys = await client.keys(`${prefix}:limit:{test}:*:${identity}`);

      const written = limits.map(({ limit }) => tallyName("test", identity, limit));
      const all = written.map((name) => `${prefix}:limit:${name}`);
      expect(new Set(all).size).toBe(windows.length + 1);
      expect(all).toEqual(expect.arrayContaining(keys));
      const expiry = (name: string) => client.pttl(`${prefix}:limit:${name}`);
      for (const [at, { limit, resetMs }] of limits.entries()) {
        const left = await expiry(written[at]!);
        // It is gone (-2) where its time has passed meanwhile, and never without an expiry (-1).
        expect(left > 0 || (left === -2 && limit.window === "second")).toBe(true);
        expect(left).toBeLessThanOrEqual(limit.window === "lease" ? 90_000 : resetMs);
      }
      const reserved = await expiry(reservationName("test", "expiring"));
      expect(reserved).toBeGreaterThan(0);
      expect(reserved).toBeLessThanOrEqual(86_400_000);
    });

    it("leaves the expiry of what it settles as it was, and makes no key again", async () => {
      const month = limit("month", 100);
      const takes = [wants(month, 30)];
      const identity = newIdentity();
      const key = `${prefix}:limit:${tallyName("test", identity, month)}`;
      const { limits } = await ask(identity, takes, "first");
      const corrections: Correction[] = [{ limit: month, start: limits[0]!.start, change: -25 }];
      const expires = await client.pexpiretime(key);
      await counts.settle(identity, "first", corrections);
      expect(await client.hget(key, "count")).toBe("5");
      expect(await client.pexpiretime(key)).toBe(expires);

      await ask(identity, takes, "second");
      await client.del(key);
      expect(await counts.settle(identity, "second", corrections)).toBe(true);
      expect(await client.exists(key)).toBe(0);
    });

    it("writes nothing when it only looks, or refuses", async () => {
      const identity = newIdentity();
      for (const amount of [0, 6]) {
        await ask(identity, [wants(limit("minute", 5), amount)]);
      }

      expect(await client.keys(`${prefix}:limit:{test}:*:${identity}`)).toEqual([]);
    });

    it("keeps nothing for ever that a node whose clock is behind tells a Redis that was emptied", async () => {
      const namespace = "behind";
      const [identity, second] = [newIdentity(), limit("second", 100)];
      const name = tallyName(namespace, identity, second);
      const ended = Date.now() - 5000;
      const tally = { window: "second", start: ended - 2000, end: ended, count: 3 } as const;
      const behind = countsInRedis(connection, prefix, { ...counting, namespace }, () => [
        [name, tally],
      ]);
      await behind.take("other", "before", [wants(second)], noOutput);
      await client.del(`${prefix}:limit:${markName(namespace)}`);
      await behind.take("other", "after", [wants(second)], noOutput);

      // Gone, or about to go; -1 would be a key that never expires.
      expect(await client.pttl(`${prefix}:limit:${name}`)).not.toBe(-1);
    });

    it("gives a lease back once its request has ended, or its time has passed", async () => {
      const two: Limit = { measure: "concurrency", window: "lease", most: 2 };
      const takes = [wants(two)];
      const identity = newIdentity();
      const short = countsInRedis(connection, prefix, { ...counting, leaseMs: 1 });
      expect((await ask(identity, takes, "one")).taken).toBe(true);
      expect((await ask(identity, takes, "two")).limits[0]!.remaining).toBe(0);
      expect((await ask(identity, takes, "three")).limits[0]).toMatchObject({ waitMs: 1000 });
      await counts.settle(identity, "one", [{ limit: two, start: 0, change: -1 }]);
      expect((await ask(identity, takes, "three", short)).taken).toBe(true);
      await expect.poll(async () => (await ask(identity, takes, "four")).taken).toBe(true);
    });

    it("keeps all keys of one namespace in one slot, whosever they are", () => {
      const slots = (namespace: string, identity: string) => [
        ...windows.map((window) => tallyName(namespace, identity, limit(window, 1))),
        reservationName(namespace, "r"),
      ];
      const slotsOf = (names: string[]) => names.map((name) => slotOf(`${prefix}:limit:${name}`));

      expect(slotOf("{user1000}.following")).toBe(slotOf("user1000"));
      expect(slotOf("123456789")).toBe(0x31c3);
      const ours = [...slots("a", "consumer:alice"), ...slots("a", "everybody")];
      expect(new Set(slotsOf(ours)).size).toBe(1);
      expect(slotsOf(slots("b", "everybody"))[0]).not.toBe(slotsOf(ours)[0]);
    });

    it("passes exactly when it said, by the clock of Redis, and not before", async () => {
      const takes = [wants(limit("second", 3))];
      const identity = newIdentity();
      const model = new Model(takes[0]!.limit);
      let due: number | undefined;
      const waited: boolean[] = [];
      while (waited.length < 5) {
        const answer = await ask(identity, takes);
        expectAsModelled(answer, takes, [model], answer.at);
        if (due !== undefined) expect(answer.taken).toBe(answer.at >= due);
        if (answer.taken && due !== undefined) waited.push(true);
        due = answer.taken ? undefined : answer.at + answer.limits[0]!.waitMs;
      }
    });
  });
});
