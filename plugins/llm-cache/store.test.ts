import { register } from "prom-client";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { closeConnections, connectionTo, type RedisClient } from "../../redis/connection";
import { startRedis, type TestRedis } from "../../test/support/redis";
import type { Entry } from "./entry";
import { type CacheOptions, cacheOptions } from "./schema";
import { openStore, type Store } from "./store";

function entryOf(body: string | Buffer): Entry {
  return {
    status: 200,
    content_type: "text/event-stream; charset=utf-8",
    stored_at: 1_700_000_000_000,
    model: "gpt-4.1",
    consumer: "alice",
    body: Buffer.from(body as string),
  };
}

// Every byte there is, and text whose characters take one to four of them.
const bytes = Buffer.concat([
  Buffer.from("data: héllo 안녕 😀\r\n\n\0"),
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
]);

/** The entry that a request without any wish finds. */
async function read(store: Store, key: string): Promise<Entry | undefined> {
  const found = await store.look(key, { after: 0, id: "reader", leaseMs: 0 });
  return found.state === "entry" ? found.entry : undefined;
}

/** How a request looks that would lead. */
const wish = (id: string, leaseMs = 10_000) => ({ after: 0, id, leaseMs });

let serial = 0;
/** A key of its own for each test, as all share the store of this process. */
const freshKey = () => `key ${++serial}`;

function itLetsOneLead(open: () => Store): void {
  describe("of equal requests", () => {
    it("that look at once lets exactly one lead, and tells the others who", async () => {
      const [store, key] = [open(), freshKey()];
      const ids = Array.from({ length: 100 }, (_, at) => `r${at}`);
      const found = await Promise.all(ids.map((id) => store.look(key, wish(id))));
      const leaders = ids.filter((_, at) => found[at]!.state === "leads");
      expect(leaders).toHaveLength(1);
      const others = found.flatMap((each) => (each.state === "follows" ? [each] : []));
      expect(others.map(({ leader }) => leader)).toEqual(Array(99).fill(leaders[0]));
      for (const { leftMs } of others) {
        expect(leftMs).toBeGreaterThan(0);
        expect(leftMs).toBeLessThanOrEqual(10_000);
      }
    });

    it("lets a request that looks twice not follow itself", async () => {
      const [store, key] = [open(), freshKey()];
      await store.look(key, wish("r1"));
      expect(await store.look(key, wish("r1"))).toEqual({ state: "leads", older: false });
    });

    it("lets one that only looks not lead", async () => {
      const [store, key] = [open(), freshKey()];
      expect(await store.look(key, wish("r1", 0))).toEqual({ state: "none", older: false });
      expect(await store.look(key, wish("r2"))).toMatchObject({ state: "leads" });
      expect(await store.look(key, wish("r1", 0))).toMatchObject({ state: "follows" });
    });

    it("ends a lease with the answer", async () => {
      const [store, key] = [open(), freshKey()];
      await store.look(key, wish("r1"));
      await store.keep(key, entryOf("{}"), 60_000, "r1");
      expect(await store.look(key, wish("r2"))).toMatchObject({ state: "entry" });
      const newer = { ...wish("r2"), after: entryOf("{}").stored_at };
      expect(await store.look(key, newer)).toEqual({ state: "leads", older: true });
    });

    it("ends a lease without an answer", async () => {
      const [store, key] = [open(), freshKey()];
      await store.look(key, wish("r1"));
      await store.release(key, "r1");
      expect(await store.look(key, wish("r2"))).toEqual({ state: "leads", older: false });
    });

    it("never ends another's lease", async () => {
      const [store, key] = [open(), freshKey()];
      await store.look(key, wish("r2"));
      await store.release(key, "r1");
      await store.keep(key, entryOf("{}"), 60_000, "r1");
      await store.keep(key, entryOf("{}"), 60_000);
      const newer = { ...wish("r3"), after: entryOf("{}").stored_at };
      expect(await store.look(key, newer)).toMatchObject({ state: "follows", leader: "r2" });
    });

    it("lets another lead when a leader's time is over", async () => {
      const [store, key] = [open(), freshKey()];
      await store.look(key, wish("dead", 1));
      await expect.poll(() => store.look(key, wish("r2"))).toMatchObject({ state: "leads" });
    });
  });
}

async function failures(reason: string): Promise<number> {
  const { values } = await register.getSingleMetric("llm_cache_store_failures_total")!.get();
  return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
}

describe("llm-cache", () => {
  describe("with policy local", () => {
    const open = (options: Partial<CacheOptions> = {}) => openStore(cacheOptions.parse(options));

    it("gives back what was stored, in every config", async () => {
      await open().keep("shared", entryOf(bytes), 1000);
      expect(await read(open({ ttl_seconds: 9 }), "shared")).toEqual(entryOf(bytes));
      expect(await read(open(), "another")).toBeUndefined();
    });

    it("forgets an entry when its time is over", async () => {
      const clock = vi.spyOn(performance, "now").mockReturnValue(5000);
      try {
        const store = open();
        await store.keep("short", entryOf("{}"), 1000);
        clock.mockReturnValue(6000);
        expect(await read(store, "short")).toBeDefined();
        clock.mockReturnValue(6001);
        expect(await read(store, "short")).toBeUndefined();
      } finally {
        clock.mockRestore();
      }
    });

    it("keeps the bytes of its own, not those around them", async () => {
      const batch = Buffer.from('{"a":1}{"b":2}');
      const entry = { ...entryOf(""), body: batch.subarray(0, 7) };
      await open().keep("slice", entry, 1000);
      batch.fill(0);
      expect((await read(open(), "slice"))?.body.toString()).toBe('{"a":1}');
    });

    it("stays below the largest bound in bytes, the oldest leaving first", async () => {
      const mebibyte = 1_048_576;
      const store = open({ local_max_bytes: 64 * mebibyte });
      open({ local_max_bytes: mebibyte });
      const body = Buffer.alloc(mebibyte, "x");
      for (let at = 0; at < 64; at++) await store.keep(`big ${at}`, entryOf(body), 60_000);
      const kept = await Promise.all(
        Array.from({ length: 64 }, (_, at) => read(store, `big ${at}`)),
      );
      // Each entry takes a little more than its body.
      expect(kept.map((entry) => entry !== undefined)).toEqual([false, ...Array(63).fill(true)]);
    });

    it("keeps what it holds when a config asks for more", async () => {
      await open().keep("kept", entryOf("{}"), 1000);
      const larger = open({ local_max_bytes: 128 * 1_048_576 });
      expect(await read(larger, "kept")).toEqual(entryOf("{}"));
    });

    it("serves policy redis too where no Redis is named", () => {
      expect(open({ policy: "redis" }).policy).toBe("local");
    });

    itLetsOneLead(open);
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
      await store.keep("k1", entryOf(bytes), 60_000);
      expect(await read(store, "k1")).toEqual(entryOf(bytes));
      expect(await read(store, "k2")).toBeUndefined();
    });

    it("stores every entry with its expiry, below the prefix", async () => {
      await store.keep("k1", entryOf("{}"), 60_000);
      const keys = await ask((client) => client.keys("*k1*"));
      expect(keys).toEqual([`${prefix}:cache:{k1}`]);
      const left = await ask((client) => client.pttl(keys[0]!));
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(60_000);
    });

    it("gives every lease its expiry, in the slot of its entry", async () => {
      await store.look("k3", wish("r1", 5000));
      const [lease] = await ask((client) => client.keys("*k3*"));
      expect(lease).toBe(`${prefix}:lease:{k3}`);
      expect(await ask((client) => client.pttl(lease!))).toBeGreaterThan(0);
    });

    it("asks once for each lookup, the lease included", async () => {
      await store.look("k4", wish("r1"));
      await ask((client) => client.config("RESETSTAT"));
      await store.look("k1", wish("r1"));
      await store.look("k5", wish("r1"));
      await store.look("k5", wish("r2"));
      const stats = await ask((client) => client.info("commandstats"));
      expect(stats).toMatch(/cmdstat_evalsha:calls=3,/);
      expect(stats).not.toMatch(/cmdstat_eval:/);
    });

    it("takes garbage for a miss, counts it, and writes over it", async () => {
      const before = await failures("garbage");
      await ask((client) => client.set(`${prefix}:cache:{g}`, "not an entry"));
      expect(await store.look("g", wish("r1"))).toEqual({ state: "leads", older: false });
      expect(await failures("garbage")).toBe(before + 1);
      await store.keep("g", entryOf("{}"), 1000, "r1");
      expect(await read(store, "g")).toEqual(entryOf("{}"));
    });

    it("takes half an entry for a miss and counts it", async () => {
      const before = await failures("garbage");
      await store.keep("cut", entryOf("{}"), 60_000);
      await ask((client) => client.setrange(`${prefix}:cache:{cut}`, 12, "x"));
      expect(await read(store, "cut")).toBeUndefined();
      expect(await failures("garbage")).toBe(before + 1);
    });

    it("takes a key of another type for a miss, counts it, and writes over it", async () => {
      const before = await failures("garbage");
      await ask((client) => client.lpush(`${prefix}:cache:{list}`, "x"));
      expect(await store.look("list", wish("r1"))).toEqual({ state: "leads", older: false });
      expect(await failures("garbage")).toBe(before + 1);
      await store.keep("list", entryOf("{}"), 1000, "r1");
      expect(await read(store, "list")).toEqual(entryOf("{}"));
    });

    it("takes a lease of another type for a miss and counts it", async () => {
      const before = await failures("refused");
      await ask((client) => client.lpush(`${prefix}:lease:{odd}`, "x"));
      expect(await store.look("odd", wish("r1"))).toEqual({ state: "none", older: false });
      expect(await failures("refused")).toBe(before + 1);
    });

    it.each(["gzip", "deflate", "brotli"] as const)(
      "stores an answer smaller with compression %s, and gives it back to the byte",
      async (compression) => {
        const small = openStore({ ...options, compression });
        const body = Buffer.concat([Buffer.alloc(1_048_576 - bytes.byteLength, "안녕 "), bytes]);
        await small.keep(compression, entryOf(body), 60_000);
        const stored = await ask((client) => client.strlen(`${prefix}:cache:{${compression}}`));
        expect(stored).toBeLessThan(20_000);
        const found = await read(store, compression);
        expect(found?.body.equals(body)).toBe(true);
      },
    );

    itLetsOneLead(() => store);

    describe("when Redis is not well", () => {
      // Each fault is one of its own: a server just started, and no memory of the last one.
      beforeEach(async () => {
        closeConnections();
        await redis.restart();
        store = openStore(options);
        await store.keep("k", entryOf("{}"), 60_000);
        expect(await read(store, "k")).toBeDefined();
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
            expect(await read(store, "k")).toBeUndefined();
            await store.keep("k", entryOf("{}"), 1000);
            expect(await failures("unavailable")).toBe(before + 2);
          } finally {
            heal();
          }
        },
      );

      it("full, it still answers, drops writes, counts them, and is not taken for down", async () => {
        const [full, unavailable] = [await failures("full"), await failures("unavailable")];
        await ask((client) => client.config("SET", "maxmemory", "1"));
        expect(await store.look("more", wish("r1"))).toEqual({ state: "none", older: false });
        await store.keep("more", entryOf("{}"), 1000);
        expect(await failures("full")).toBe(full + 2);
        expect(await failures("unavailable")).toBe(unavailable);
        expect(await read(store, "k")).toEqual(entryOf("{}"));
        expect(connectionTo(options.redis)!.state).toBe("up");
      });

      it("full, it ends the lease of a leader whose answer it cannot keep", async () => {
        await store.look("led", wish("r1"));
        await ask((client) => client.config("SET", "maxmemory", "1"));
        await store.keep("led", entryOf("{}"), 1000, "r1");
        await ask((client) => client.config("SET", "maxmemory", "0"));
        expect(await store.look("led", wish("r2"))).toMatchObject({ state: "leads" });
      });
    });
  });
});
