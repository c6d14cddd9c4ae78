// Where answers are kept: in this process, bounded by bytes, or in Redis, bounded by expiry. Nothing
// that happens to a store reaches a client: what cannot be read is a miss, with a metric.

import { LRUCache } from "lru-cache";
import { Counter } from "prom-client";
import { redisNeighbour } from "../../kong/redis-neighbour";
import { type RedisConnection, RedisUnavailable } from "../../redis/connection";
import { decodeEntry, type Entry, encodeEntry } from "./entry";
import type { CacheOptions } from "./schema";

export interface Store {
  policy: "local" | "redis";
  /** The entry under a key; undefined when there is none, or none that can be had now. */
  read(key: string): Promise<Entry | undefined>;
  /** Keeps an entry for so many milliseconds; an entry that cannot be kept is dropped. */
  write(key: string, entry: Entry, ttlMs: number): Promise<void>;
}

const failures = new Counter({
  name: "llm_cache_store_failures_total",
  help: "Reads and writes of cached answers that failed (served as misses), and garbage found",
  labelNames: ["policy", "reason"] as const,
});

/** The store that the options choose; the local one where policy redis names no Redis. */
export function openStore({ policy, redis, local_max_bytes }: CacheOptions): Store {
  const connection = policy === "redis" ? redisNeighbour("cache", redis) : undefined;
  return connection ? redisStore(connection, redis.prefix) : localStore(local_max_bytes);
}

// One for all configs: Kong makes new instances at every push, and entries outlive them.
let entries = entriesWithin(1_048_576);

/** The store in this process. It grows to the largest bound asked for, and keeps what it holds. */
export function localStore(maxBytes: number): Store {
  if (maxBytes > entries.maxSize) {
    const held = entries.dump();
    entries = entriesWithin(maxBytes);
    entries.load(held);
  }
  return {
    policy: "local",
    read: async (key) => entries.get(key),
    // A copy: the body is often a slice of a batch of outcomes, which it would keep in memory.
    write: async (key, entry, ttlMs) => {
      entries.set(key, { ...entry, body: Buffer.from(entry.body) }, { ttl: ttlMs });
    },
  };
}

function entriesWithin(maxBytes: number): LRUCache<string, Entry> {
  // The key, the other members and the bookkeeping of an entry take about this much beside its body.
  const overheadBytes = 512;
  return new LRUCache({
    maxSize: maxBytes,
    // The clock is read at each lookup: cheaper than the timer by which it would be remembered.
    ttlResolution: 0,
    sizeCalculation: ({ body }) => body.byteLength + overheadBytes,
  });
}

/** The store in a Redis, under `<prefix>:cache:<key>`. */
export function redisStore(connection: RedisConnection, prefix: string): Store {
  const named = (key: string) => `${prefix}:cache:${key}`;
  return {
    policy: "redis",
    async read(key) {
      try {
        const value = await connection.run((client) => client.getBuffer(named(key)));
        if (value === null) return undefined;
        const entry = decodeEntry(value);
        if (!entry) failures.inc({ policy: "redis", reason: "garbage" });
        return entry;
      } catch (error) {
        count(error);
        return undefined;
      }
    },
    async write(key, entry, ttlMs) {
      try {
        const value = encodeEntry(entry);
        await connection.run((client) => client.set(named(key), value, "PX", ttlMs));
      } catch (error) {
        count(error);
      }
    },
  };
}

function count(error: unknown): void {
  const reason = error instanceof RedisUnavailable ? "unavailable" : "refused";
  failures.inc({ policy: "redis", reason });
}
