// What a store of answers does, and which one the options choose. Nothing that happens to a store
// reaches a client: what cannot be read is a miss, with a metric.

import { redisNeighbour } from "../../stages/redis-neighbour";
import type { Entry } from "./entry";
import { localStore } from "./local-store";
import { redisStore } from "./redis-store";
import type { CacheOptions } from "./schema";

/** How a request looks. */
export interface Look {
  /** An entry counts where it was stored after this, in milliseconds since the epoch. */
  after: number;
  /** The id of the request. */
  id: string;
  /** For how many milliseconds it wants to lead where there is no entry; 0: it only looks. */
  leaseMs: number;
}

/** What it finds. `older`: there is an entry, but none that counts. */
export type Found =
  | { state: "entry"; entry: Entry }
  /** Equal requests that come now follow this one. */
  | { state: "leads"; older: boolean }
  /** Another request was the first; its lease ends in that many milliseconds at the latest. */
  | { state: "follows"; older: boolean; leader: string; leftMs: number }
  /** Nothing, or nothing that can be had now. */
  | { state: "none"; older: boolean };

export interface Store {
  policy: "local" | "redis";
  /** In one step, so that of requests that look at once only one leads. */
  look(key: string, look: Look): Promise<Found>;
  /**
   * Keeps an entry for so many milliseconds, and ends the lease of that leader. An entry that cannot
   * be kept is dropped.
   */
  keep(key: string, entry: Entry, ttlMs: number, leader?: string): Promise<void>;
  /** Ends the lease of a leader that brought no answer. */
  release(key: string, leader: string): Promise<void>;
}

/** The store that the options choose; the local one where policy redis names no Redis. */
export function openStore(options: CacheOptions): Store {
  const { policy, redis, local_max_bytes } = options;
  const connection = policy === "redis" ? redisNeighbour("cache", redis) : undefined;
  return connection ? redisStore(connection, options) : localStore(local_max_bytes);
}
