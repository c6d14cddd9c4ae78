// Who tells: of all nodes that see a share reached one, of one process the first. A claim is given up
// after a time, so that a node that dies leaves it to another; what was told stays told.

import { join } from "node:path";
import { LRUCache } from "lru-cache";
import type { RedisConnection } from "../../redis/connection";
import { loadScript } from "../../redis/script";

/** Long enough for an attempt and its answer. */
export const leaseMs = 60_000;

/** Milliseconds to wait until another one gives up: 0 to tell it now. */
export type Claim = "told" | number;

export interface Claims {
  /**
   * @param keptMs how long it is to be known that it was told
   * @throws RedisUnavailable
   */
  claim(name: string, share: number, keptMs: number): Promise<Claim>;
  /** It is told: nobody tells it again. @throws RedisUnavailable */
  confirm(name: string, share: number, keptMs: number): Promise<void>;
}

const claim = loadScript(join(__dirname, "claim.lua"));
const told = loadScript(join(__dirname, "told.lua"));

export function claimsInRedis(connection: RedisConnection, prefix: string): Claims {
  const keyOf = (name: string) => `${prefix}:limit:${name}`;
  return {
    async claim(name, share, keptMs) {
      const args = [share, leaseMs, Math.max(keptMs, leaseMs)];
      const wait = await connection.run((client) => claim(client, [keyOf(name)], args));
      return wait === -1 ? "told" : Number(wait);
    },
    async confirm(name, share, keptMs) {
      await connection.run((client) => told(client, [keyOf(name)], [share, Math.max(1, keptMs)]));
    },
  };
}

interface Known {
  told: number;
  /** By share, when its claim is given up. */
  claimed: Map<number, number>;
}

// Of the process: a config that Kong pushes again must not tell all again.
const known = new LRUCache<string, Known>({ max: 20_000 });

export const claimsInMemory: Claims = {
  async claim(name, share) {
    const { told, claimed } = known.get(name) ?? { told: 0, claimed: new Map() };
    if (told >= share) return "told";
    const now = Date.now();
    const givenUp = claimed.get(share) ?? 0;
    if (givenUp > now) return givenUp - now;
    known.set(name, { told, claimed: claimed.set(share, now + leaseMs) });
    return 0;
  },
  async confirm(name, share) {
    const { told, claimed } = known.get(name) ?? { told: 0, claimed: new Map() };
    known.set(name, { told: Math.max(told, share), claimed });
  },
};
