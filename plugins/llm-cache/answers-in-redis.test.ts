import { register } from "prom-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeConnections, connectionTo, type RedisClient } from "../../redis/connection";
import { entryOf, everyByte, read, wish } from "../../test/support/answers";
import { startRedis, type TestRedis } from "../../test/support/redis";
import type { Answers } from "./answers";
import { openAnswers } from "./open-answers";
import { type CacheOptions, cacheOptions } from "./schema";

async function failures(reason: string): Promise<number> {
  const { values } = await register.getSingleMetric("llm_cache_store_failures_total")!.get();
  return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
}

describe("llm-cache", () => {
  describe("answers in Redis", () => {
    const prefix = "cache-test";
    let redis: TestRedis;
    let options: CacheOptions;
    let answers: Answers;

    /** What the server itself answers. */
    const ask = <T>(question: (client: RedisClient) => Promise<T>) =>
      connectionTo(options.redis)!.run(question);

    beforeAll(async () => {
      redis = await startRedis();
      const patient = { connect_timeout_ms: 20_000, command_timeout_ms: 20_000 };
      options = cacheOptions.parse({
        policy: "redis",
        redis: { url: redis.url, prefix, ...patient },
      });
      answers = openAnswers(options);
    });
    afterAll(async () => {
      closeConnections();
      await redis.stop();
    });

    it("stores every entry with its expiry, below the prefix", async () => {
      await answers.keep("k1", entryOf("{}"), 60_000);
      const keys = await ask((client) => client.keys("*k1*"));
      expect(keys).toEqual([`${prefix}:cache:{k1}`]);
      const left = await ask((client) => client.pttl(keys[0]!));
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(60_000);
    });

    it("gives every lease its expiry, in the slot of its entry", async () => {
      await answers.look("k3", wish("r1", 5000));
      const [lease] = await ask((client) => client.keys("*k3*"));
      expect(lease).toBe(`${prefix}:lease:{k3}`);
      expect(await ask((client) => client.pttl(lease!))).toBeGreaterThan(0);
    });

    it("asks once for each lookup, the lease included", async () => {
      await answers.look("k4", wish("r1"));
      await ask((client) => client.config("RESETSTAT"));
      await answers.look("k1", wish("r1"));
      await answers.look("k5", wish("r1"));
      await answers.look("k5", wish("r2"));
      const stats = await ask((client) => client.info("commandstats"));
      expect(stats).toMatch(/cmdstat_evalsha:calls=3,/);
      expect(stats).not.toMatch(/cmdstat_eval:/);
    });

    it("takes garbage for a miss, counts it, and writes over it", async () => {
      const before = await failures("garbage");
      await ask((client) => client.set(`${prefix}:cache:{g}`, "not an entry"));
      expect(await answers.look("g", wish("r1"))).toEqual({ state: "leads", older: false });
      expect(await failures("garbage")).toBe(before + 1);
      await answers.keep("g", entryOf("{}"), 60_000, "r1");
      expect(await read(answers, "g")).toEqual(entryOf("{}"));
    });

    it("takes half an entry for a miss and counts it", async () => {
      const before = await failures("garbage");
      await answers.keep("cut", entryOf("{}"), 60_000);
      await ask((client) => client.setrange(`${prefix}:cache:{cut}`, 12, "x"));
      expect(await read(answers, "cut")).toBeUndefined();
      expect(await failures("garbage")).toBe(before + 1);
    });

    it("takes a key of another type for a miss, counts it, and writes over it", async () => {
      const before = await failures("garbage");
      await ask((client) => client.lpush(`${prefix}:cache:{list}`, "x"));
      expect(await answers.look("list", wish("r1"))).toEqual({ state: "leads", older: false });
      expect(await failures("garbage")).toBe(before + 1);
      await answers.keep("list", entryOf("{}"), 60_000, "r1");
      expect(await read(answers, "list")).toEqual(entryOf("{}"));
    });

    it("takes a lease of another type for a miss and counts it", async () => {
      const before = await failures("refused");
      await ask((client) => client.lpush(`${prefix}:lease:{odd}`, "x"));
      expect(await answers.look("odd", wish("r1"))).toEqual({ state: "none", older: false });
      expect(await failures("refused")).toBe(before + 1);
    });

    it.each(["gzip", "deflate", "brotli"] as const)(
      "stores an answer smaller with compression %s, and gives it back to the byte",
      async (compression) => {
        const small = openAnswers({ ...options, compression });
        const body = Buffer.concat([
          Buffer.alloc(1_048_576 - everyByte.byteLength, "안녕 "),
          everyByte,
        ]);
        await small.keep(compression, entryOf(body), 60_000);
        const stored = await ask((client) => client.strlen(`${prefix}:cache:{${compression}}`));
        expect(stored).toBeLessThan(20_000);
        const found = await read(answers, compression);
        expect(found?.body.equals(body)).toBe(true);
      },
    );
  });
});
