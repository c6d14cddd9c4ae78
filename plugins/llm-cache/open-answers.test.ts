import { register } from "prom-client";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { closeConnections, connectionTo, type RedisClient } from "../../redis/connection";
import { entryOf, read, wish } from "../../test/support/answers";
import { startRedis, type TestRedis } from "../../test/support/redis";
import type { Answers } from "./answers";
import { openAnswers } from "./open-answers";
import { type CacheOptions, cacheOptions } from "./schema";

async function failures(reason: string): Promise<number> {
  const { values } = await register.getSingleMetric("llm_cache_store_failures_total")!.get();
  return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
}

describe("llm-cache", () => {
  it("keeps answers in memory for policy redis too where no Redis is named", () => {
    expect(openAnswers(cacheOptions.parse({ policy: "redis" })).policy).toBe("local");
  });

  describe("with policy redis", () => {
    const prefix = "cache-test";
    let redis: TestRedis;
    let options: CacheOptions;
    let answers: Answers;

    /** What the server itself answers. */
    const ask = <T>(question: (client: RedisClient) => Promise<T>) =>
      connectionTo(options.redis)!.run(question);

    beforeAll(async () => {
      redis = await startRedis();
      const patient = { connect_timeout_ms: 20_000, command_timeout_ms: 2000 };
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

    describe("when Redis is not well", () => {
      // Each fault is one of its own: a server just started, and no memory of the last one.
      beforeEach(async () => {
        closeConnections();
        await redis.restart();
        answers = openAnswers(options);
        await answers.keep("k", entryOf("{}"), 60_000);
        expect(await read(answers, "k")).toBeDefined();
      });

      it.each<[string, () => unknown, () => void]>([
        ["down", () => redis.stop(), () => undefined],
        ["silent", () => redis.freeze(), () => redis.thaw()],
      ])(
        "%s, a lookup is a miss, a write is dropped, and both are counted",
        async (_, ail, heal) => {
          const before = await failures("unavailable");
          await ail();
          try {
            expect(await read(answers, "k")).toBeUndefined();
            await answers.keep("k", entryOf("{}"), 1000);
            expect(await failures("unavailable")).toBe(before + 2);
          } finally {
            heal();
          }
        },
      );

      it("full, it still answers, drops writes, counts them, and is not taken for down", async () => {
        const [full, unavailable] = [await failures("full"), await failures("unavailable")];
        await ask((client) => client.config("SET", "maxmemory", "1"));
        expect(await answers.look("more", wish("r1"))).toEqual({ state: "none", older: false });
        await answers.keep("more", entryOf("{}"), 1000);
        expect(await failures("full")).toBe(full + 2);
        expect(await failures("unavailable")).toBe(unavailable);
        expect(await read(answers, "k")).toEqual(entryOf("{}"));
        expect(connectionTo(options.redis)!.state).toBe("up");
      });

      it("full, it ends the lease of a leader whose answer it cannot keep", async () => {
        await answers.look("led", wish("r1"));
        await ask((client) => client.config("SET", "maxmemory", "1"));
        await answers.keep("led", entryOf("{}"), 1000, "r1");
        await ask((client) => client.config("SET", "maxmemory", "0"));
        expect(await answers.look("led", wish("r2"))).toMatchObject({ state: "leads" });
      });
    });
  });
});
