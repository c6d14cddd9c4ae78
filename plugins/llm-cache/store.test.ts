import { register } from "prom-client";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { closeConnections, connectionTo, type RedisClient } from "../../redis/connection";
import { startRedis, type TestRedis } from "../../test/redis";
import { decodeEntry, type Entry, encodeEntry } from "./entry";
import { type CacheOptions, cacheOptions } from "./schema";
import { openStore, type Store } from "./store";

function entryOf(body: string | Buffer): Entry {
  return {
    status: 200,
    content_type: "text/event-stream; charset=utf-8",
    stored_at: 1_700_000_000_000,
    model: "gpt-4.1",
    body: Buffer.from(body as string),
  };
}

// Every byte there is, and text whose characters take one to four of them.
const bytes = Buffer.concat([
  Buffer.from("data: héllo 안녕 😀\r\n\n\0"),
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
]);

async function failures(reason: string): Promise<number> {
  const { values } = await register.getSingleMetric("llm_cache_store_failures_total")!.get();
  return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
}

describe("llm-cache", () => {
  describe("an entry in Redis", () => {
    it("is read as it was written, to the byte", () => {
      expect(decodeEntry(encodeEntry(entryOf(bytes)))).toEqual(entryOf(bytes));
    });

    const whole = encodeEntry(entryOf("{}")).toString();
    it.each([
      ["nothing", ""],
      ["foreign text", "hello"],
      ["foreign JSON", '{"status":200}\n{}'],
      ["another format", whole.replace("llm-cache/1", "llm-cache/2")],
      ["a head that is no JSON", "llm-cache/1 {\n{}"],
      ["a head that is no object", "llm-cache/1 null\n{}"],
      ["a head without its end", whole.replace("\n", " ")],
      ["a cut body", whole.slice(0, -1)],
      ["a longer body", `${whole}x`],
      ["another status", whole.replace("200", "500")],
      ["a time that is none", whole.replace("1700000000000", '"now"')],
      ["a header in the content type", whole.replace("charset=utf-8", "\\r\\nX-Admin: 1")],
    ])("is not found in %s", (_, value) => {
      expect(decodeEntry(Buffer.from(value))).toBeUndefined();
    });
  });

  describe("with policy local", () => {
    const open = (options: Partial<CacheOptions> = {}) => openStore(cacheOptions.parse(options));

    it("gives back what was stored, in every config", async () => {
      await open().write("shared", entryOf(bytes), 1000);
      expect(await open({ ttl_seconds: 9 }).read("shared")).toEqual(entryOf(bytes));
      expect(await open().read("another")).toBeUndefined();
    });

    it("forgets an entry when its time is over", async () => {
      const clock = vi.spyOn(performance, "now").mockReturnValue(5000);
      try {
        const store = open();
        await store.write("short", entryOf("{}"), 1000);
        clock.mockReturnValue(6000);
        expect(await store.read("short")).toBeDefined();
        clock.mockReturnValue(6001);
        expect(await store.read("short")).toBeUndefined();
      } finally {
        clock.mockRestore();
      }
    });

    it("keeps the bytes of its own, not those around them", async () => {
      const batch = Buffer.from('{"a":1}{"b":2}');
      const entry = { ...entryOf(""), body: batch.subarray(0, 7) };
      await open().write("slice", entry, 1000);
      batch.fill(0);
      expect((await open().read("slice"))?.body.toString()).toBe('{"a":1}');
    });

    it("stays below the largest bound in bytes, the oldest leaving first", async () => {
      const mebibyte = 1_048_576;
      const store = open({ local_max_bytes: 64 * mebibyte });
      open({ local_max_bytes: mebibyte });
      const body = Buffer.alloc(mebibyte, "x");
      for (let at = 0; at < 64; at++) await store.write(`big ${at}`, entryOf(body), 60_000);
      const kept = await Promise.all(
        Array.from({ length: 64 }, (_, at) => store.read(`big ${at}`)),
      );
      // Each entry takes a little more than its body.
      expect(kept.map((entry) => entry !== undefined)).toEqual([false, ...Array(63).fill(true)]);
    });

    it("keeps what it holds when a config asks for more", async () => {
      await open().write("kept", entryOf("{}"), 1000);
      const larger = open({ local_max_bytes: 128 * 1_048_576 });
      expect(await larger.read("kept")).toEqual(entryOf("{}"));
    });

    it("serves policy redis too where no Redis is named", () => {
      expect(open({ policy: "redis" }).policy).toBe("local");
    });
  });

  describe("with policy redis", () => {
    const prefix = "cache-test";
    let redis: TestRedis;
    let options: CacheOptions;
    let store: Store;

    /** What the server itself answers. */
    const ask = <T>(question: (client: RedisClient) => Promise<T>) =>
      connectionTo(options.redis)!.run(question);

    beforeAll(async () => {
      redis = await startRedis();
      options = cacheOptions.parse({ policy: "redis", redis: { url: redis.url, prefix } });
      store = openStore(options);
    });
    afterAll(async () => {
      closeConnections();
      await redis.stop();
    });

    it("gives back what was stored, to the byte", async () => {
      await store.write("k1", entryOf(bytes), 60_000);
      expect(await store.read("k1")).toEqual(entryOf(bytes));
      expect(await store.read("k2")).toBeUndefined();
    });

    it("stores every entry with its expiry, below the prefix", async () => {
      await store.write("k1", entryOf("{}"), 60_000);
      const keys = await ask((client) => client.keys("*k1"));
      expect(keys).toEqual([`${prefix}:cache:k1`]);
      const left = await ask((client) => client.pttl(keys[0]!));
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(60_000);
    });

    it("asks once for each lookup", async () => {
      await ask((client) => client.config("RESETSTAT"));
      await store.read("k1");
      await store.read("k2");
      const stats = await ask((client) => client.info("commandstats"));
      expect(stats.match(/(?<=cmdstat_)\w+:calls=\d+/g)).toEqual(["get:calls=2"]);
    });

    it("takes garbage for a miss, counts it, and writes over it", async () => {
      const before = await failures("garbage");
      await ask((client) => client.set(`${prefix}:cache:g`, "not an entry"));
      expect(await store.read("g")).toBeUndefined();
      expect(await failures("garbage")).toBe(before + 1);
      await store.write("g", entryOf("{}"), 1000);
      expect(await store.read("g")).toEqual(entryOf("{}"));
    });

    it("takes a key of another type for a miss and counts it", async () => {
      const before = await failures("refused");
      await ask((client) => client.lpush(`${prefix}:cache:list`, "x"));
      expect(await store.read("list")).toBeUndefined();
      expect(await failures("refused")).toBe(before + 1);
    });

    describe("when Redis is not well", () => {
      // Each fault is one of its own: a server just started, and no memory of the last one.
      beforeEach(async () => {
        closeConnections();
        await redis.restart();
        store = openStore(options);
        await store.write("k", entryOf("{}"), 60_000);
        expect(await store.read("k")).toBeDefined();
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
            expect(await store.read("k")).toBeUndefined();
            await store.write("k", entryOf("{}"), 1000);
            expect(await failures("unavailable")).toBe(before + 2);
          } finally {
            heal();
          }
        },
      );

      it("full, a write is dropped and counted", async () => {
        const before = await failures("unavailable");
        await ask((client) => client.config("SET", "maxmemory", "1"));
        await store.write("more", entryOf("{}"), 1000);
        expect(await failures("unavailable")).toBe(before + 1);
      });
    });
  });
});
