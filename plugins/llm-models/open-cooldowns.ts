// Which cooldowns the options choose: those of this process, or those that nodes share in a Redis. A
// node decides by what it knows itself, which a request renews when it is a second old: so the requests
// of a second cost one round trip together, and one more only to probe. While Redis does not answer, a
// node goes on by itself.

import { LRUCache } from "lru-cache";
import { roomIn } from "../../stages/allowance";
import { adopt } from "../../stages/allowances";
import { redisNeighbour } from "../../stages/redis-neighbour";
import { freshMs, ifUp, SharedView } from "../../stages/shared-view";
import type { Cooldowns } from "./cooldowns";
import { type CooldownsInMemory, knownHere } from "./cooldowns-in-memory";
import { cooldownsInRedis } from "./cooldowns-in-redis";
import type { Health } from "./health";
import type { Paces } from "./paces";
import type { ModelsOptions } from "./schema";

/** The cooldowns that the options ask for. */
export function openCooldowns({ policy, redis }: ModelsOptions): NodeCooldowns {
  const connection = policy === "redis" ? redisNeighbour("models", redis) : undefined;
  return connection
    ? sharedCooldowns(knownHere, cooldownsInRedis(connection, redis.prefix))
    : knownHere;
}

/** Cooldowns as a node decides by them. */
export interface NodeCooldowns extends Cooldowns {
  /** As far as this node knows; asks nobody. */
  healthOf(target: string): Health;
  /** How soon targets answer, as far as this node knows. */
  paces: Paces;
}

/** What this node knows, kept up to date with what all know. */
export function sharedCooldowns(here: CooldownsInMemory, shared: Cooldowns): NodeCooldowns {
  // Of whom the others were told within the second, as they do not look more often.
  const told = new LRUCache<string, true>({ max: 10_000, ttl: freshMs, ttlResolution: 0 });

  const view = new SharedView(async (targets) => {
    const seen = await shared.look(targets);
    for (const [i, { heard = [], paces = [], ...known }] of seen.entries()) {
      const target = targets[i]!;
      here.adopt(target, known);
      for (const one of heard) adopt(target, one);
      for (const [kind, pace] of paces) here.paces.adopt(target, kind, pace);
    }
  }, here.now);

  /** What all say, and this node where they do not: then it looks again. */
  async function learned(alone: Promise<boolean>, together: Promise<boolean>): Promise<boolean> {
    const said = await ifUp(together);
    view.forget();
    return said ?? alone;
  }

  return {
    paces: here.paces,
    healthOf: (target) => here.healthOf(target),

    async look(targets) {
      await view.renew(targets);
      return here.look(targets);
    },

    async takeProbe(target, leaseMs) {
      const waitMs = await here.takeProbe(target, leaseMs);
      if (waitMs > 0) return waitMs;
      const takenMs = (await ifUp(shared.takeProbe(target, leaseMs))) ?? 0;
      if (takenMs > 0) here.adopt(target, { probedUntil: here.now() + takenMs });
      return takenMs;
    },

    fail: (...failed) => learned(here.fail(...failed), shared.fail(...failed)),
    async succeed(target, sentAt, endedAt) {
      if (sentAt < here.of(target).toldAt) return false;
      const served = [target, sentAt, endedAt] as const;
      return learned(here.succeed(...served), shared.succeed(...served));
    },

    async releaseProbe(target) {
      await here.releaseProbe(target);
      await ifUp(shared.releaseProbe(target));
    },

    async tell(target, heard) {
      const name = `${target}#${heard.key[0]}`;
      const isSpent = roomIn(heard.allowance, here.now()) === 0;
      if (!isSpent && told.has(name)) return;
      told.set(name, true);
      await ifUp(shared.tell(target, heard));
    },

    async measure(target, kind, pace) {
      await here.measure(target, kind, pace);
      const name = `${target}#${kind}`;
      if (told.has(name)) return undefined;
      told.set(name, true);
      const own = here.paces.takeOwn(target, kind);
      const all = own && (await ifUp(shared.measure(target, kind, own)));
      if (all) here.paces.adopt(target, kind, all);
      else if (own) here.paces.hear(target, kind, own);
      return all;
    },
  };
}
