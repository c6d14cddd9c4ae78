// Answers in a Redis that all nodes share, bounded by expiry. The only place that knows the
// positions of the scripts' arguments and replies.

import { join } from "node:path";
import { Counter } from "prom-client";
import type { RedisConnection } from "../../redis/connection";
import { loadScript } from "../../redis/script";
import type { Answers, Entry, Found } from "./answers";
import { decodeEntry, encodeEntry } from "./entry";
import type { CacheOptions } from "./schema";

const lookScript = loadScript(join(__dirname, "look.lua"), "bytes");
const keepScript = loadScript(join(__dirname, "keep.lua"));

const failures = new Counter({
  name: "llm_cache_store_failures_total",
  help: "Reads and writes of cached answers that failed (served as misses), and garbage found",
  labelNames: ["policy", "reason"] as const,
});

/** All keys of entries begin with this. */
export function entryPrefix(prefix: string): string {
  return `${prefix}:cache:`;
}

/** The store in a Redis. What it does rejects with RedisUnavailable, or where Redis refuses it. */
export function answersInRedis(
  connection: RedisConnection,
  options: Pick<CacheOptions, "redis" | "compression" | "compression_level">,
): Answers {
  const { prefix } = options.redis;
  // The braces put an entry and its lease into one slot of a Cluster.
  const named = (key: string) => [`${entryPrefix(prefix)}{${key}}`, `${prefix}:lease:{${key}}`];

  async function keep(key: string, entry: Entry | undefined, ttlMs: number, leader = "") {
    const bytes = entry ? await encodeEntry(entry, compressionOf(options)) : "";
    const reply = await connection.run((client) =>
      keepScript(client, named(key), [bytes, ttlMs, leader]),
    );
    if (reply === "OOM") countFailure("full");
  }

  return {
    policy: "redis",
    async look(key, { after, id, leaseMs }) {
      const reply = await connection.run((client) =>
        lookScript(client, named(key), [after, id, leaseMs]),
      );
      return readFound(reply as Reply);
    },
    keep,
    release: (key, leader) => keep(key, undefined, 0, leader),
  };
}

type Reply = [state: Buffer, value: Buffer, leaderOrRefusal?: Buffer, leftMs?: number];

/** The reply of look.lua. */
async function readFound([state, value, third, leftMs]: Reply): Promise<Found> {
  if (state.toString() === "entry") return foundEntry(value);
  const other = value.toString();
  if (other === "garbage") countFailure("garbage");
  const older = other === "older";
  switch (state.toString()) {
    case "leads":
      return { state: "leads", older };
    case "follows":
      return { state: "follows", older, leader: third!.toString(), leftMs: leftMs! };
    default:
      if (third!.toString() === "OOM") countFailure("full");
      return { state: "none", older };
  }
}

async function foundEntry(value: Buffer): Promise<Found> {
  const entry = await decodeEntry(value);
  if (entry) return { state: "entry", entry };
  countFailure("garbage");
  return { state: "none", older: false };
}

function compressionOf({
  compression,
  compression_level,
}: Pick<CacheOptions, "compression" | "compression_level">) {
  return compression === "none" ? undefined : { encoding: compression, level: compression_level };
}

/** Counts what went wrong with an answer on its way to the store or back. */
export function countFailure(reason: "unavailable" | "refused" | "garbage" | "full"): void {
  failures.inc({ policy: "redis", reason });
}
