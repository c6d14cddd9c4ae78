// Which keys rest on other nodes, where the options share that in a Redis. A node chooses by what it knows
// itself, which a request renews when it is a second old; a key that is the only one is chosen anyway, so
// nobody asks about it. What it learns while Redis is away it tells when Redis answers again.

import { LRUCache } from "lru-cache";
import { RedisUnavailable } from "../../redis/connection";
import { redisNeighbour } from "../../stages/redis-neighbour";
import { SharedView } from "../../stages/shared-view";
import { type KeyRing, restMs } from "./keys";
import { type RestsInRedis, restsInRedis } from "./rests-in-redis";
import type { UpstreamKeyOptions } from "./schema";

/** The keys of a service, or of a provider. */
export interface KeysOf {
  service: string;
  ring: KeyRing;
}

/** What the nodes share; undefined where each goes by itself. */
export function openRests({
  policy,
  redis,
}: Pick<UpstreamKeyOptions, "policy" | "redis">): SharedRests | undefined {
  const connection = policy === "redis" ? redisNeighbour("upstream_key", redis) : undefined;
  return connection && new SharedRests(restsInRedis(connection, redis.prefix));
}

/** Tells what was learned of the key with this name. Twice is as once: the scripts compare times. */
type Telling = (name: string) => Promise<void>;

// There is one entry for each key at most; the bound is for keys that change while Redis is away.
const mostUntold = 1000;

export class SharedRests {
  private readonly rings = new Map<string, KeyRing>();
  /** By the name of a key, the last that was learned of it and that Redis has not taken. */
  private readonly untold = new LRUCache<string, Telling>({ max: mostUntold });
  private readonly view: SharedView;

  constructor(
    private readonly shared: RestsInRedis,
    private readonly now: () => number = () => Date.now(),
  ) {
    this.view = new SharedView((services) => this.look(services), now);
  }

  /** Ends when this node knows what all know, at most a second old; undefined where it does. */
  renew(all: readonly KeysOf[]): Promise<void> | undefined {
    const several = all.filter(({ ring }) => ring.size > 1);
    if (several.length === 0) return undefined;
    for (const { service, ring } of several) this.rings.set(service, ring);
    return this.view.renew([...new Set(several.map(({ service }) => service))]);
  }

  /** Tells that the key at this place was refused, as this node knows already. */
  async rest(keys: KeysOf, place: number, refusedAt: number, seconds: number): Promise<void> {
    const telling: Telling = (name) => this.shared.rest(name, refusedAt, restMs(seconds));
    await this.tellOf(keys, place, telling);
  }

  /** Tells that it was taken again. */
  async wake(keys: KeysOf, place: number, sentAt: number, endedAt: number): Promise<void> {
    await this.tellOf(keys, place, (name) => this.shared.wake(name, sentAt, endedAt));
  }

  private async tellOf(keys: KeysOf, place: number, telling: Telling): Promise<void> {
    const mark = keys.ring.mark(place, keys.service);
    if (mark !== undefined) await this.tell(nameOf({ keys, place, mark }), telling);
  }

  private async tell(name: string, telling: Telling): Promise<void> {
    this.untold.set(name, telling);
    let isUp = true;
    try {
      await telling(name);
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      isUp = false;
    } finally {
      // What was learned later is told apart.
      if (isUp && this.untold.get(name) === telling) this.untold.delete(name);
    }
  }

  private async look(services: readonly string[]): Promise<void> {
    const there = services.flatMap((service) => {
      const keys = { service, ring: this.rings.get(service)! };
      const marks = keys.ring.marks(service, this.now());
      return marks.flatMap((mark, place) => (mark === undefined ? [] : [{ keys, place, mark }]));
    });
    if (there.length === 0) return;
    const known = await this.shared.look(there.map((one) => nameOf(one)));
    for (const [i, { keys, place, mark }] of there.entries()) {
      // Another key may have taken the place meanwhile.
      if (keys.ring.mark(place, keys.service) === mark) {
        keys.ring.adopt(place, known[i]!, this.now());
      }
    }
    const untold = [...this.untold.entries()];
    await Promise.all(untold.map(([name, telling]) => this.tell(name, telling)));
  }
}

interface Marked {
  keys: KeysOf;
  place: number;
  mark: string;
}

/** Of a key, for all nodes. */
function nameOf({ keys: { service }, place, mark }: Marked): string {
  return `${encodeURIComponent(service)}:${place}:${mark}`;
}
