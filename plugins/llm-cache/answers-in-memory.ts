// Answers in the memory of this process, bounded by bytes; the longest unused leave first.

import { LRUCache } from "lru-cache";
import type { Answers, Entry, Found, Look } from "./answers";

// One for all configs: Kong makes new instances at every push, and entries outlive them.
let entries = entriesWithin(1_048_576);

// Which request leads, by the key of what is asked. Not an LRUCache: that one clears all of its
// arrays each time its last entry goes, which here is the usual case.
const leases = new Map<string, { leader: string; until: number }>();

/** The store in this process. It grows to the largest bound asked for, and keeps what it holds. */
export function answersInMemory(maxBytes: number): Answers {
  if (maxBytes > entries.maxSize) {
    const held = entries.dump();
    entries = entriesWithin(maxBytes);
    entries.load(held);
  }
  return {
    policy: "local",
    look: async (key, wish) => look(key, wish),
    // A copy: the body is often a slice of a batch of outcomes, which it would keep in memory.
    keep: async (key, entry, ttlMs, leader) => {
      entries.set(key, { ...entry, body: Buffer.from(entry.body) }, { ttl: ttlMs });
      release(key, leader);
    },
    release: async (key, leader) => release(key, leader),
  };
}

function look(key: string, { after, id, leaseMs }: Look): Found {
  const entry = entries.get(key);
  if (entry && entry.stored_at > after) return { state: "entry", entry };
  const older = entry !== undefined;
  const now = performance.now();
  const lease = leases.get(key);
  if (lease && lease.until > now && lease.leader !== id) {
    return { state: "follows", older, leader: lease.leader, leftMs: lease.until - now };
  }
  if (leaseMs === 0) return { state: "none", older };
  dropExpired(now);
  leases.delete(key);
  leases.set(key, { leader: id, until: now + leaseMs });
  return { state: "leads", older };
}

function release(key: string, leader: string | undefined): void {
  if (leader !== undefined && leases.get(key)?.leader === leader) leases.delete(key);
}

// Leases whose leader was never heard of again: the oldest stand first.
function dropExpired(now: number): void {
  for (const [key, { until }] of leases) {
    if (until > now) return;
    leases.delete(key);
  }
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
