// Which cooldowns the options choose: those of this process, or those that nodes share in a Redis. A
// node decides by what it knows itself, which a request renews when it is a second old: so the requests
// of a second cost one round trip together, and one more only to probe. While Redis does not answer, a
// node goes on by itself.

import { RedisUnavailable } from "../../redis/connection";
import { redisNeighbour } from "../../stages/redis-neighbour";
import type { Cooldown, Cooldowns, Failure, Tolerance } from "./cooldowns";
import { type CooldownsInMemory, knownHere } from "./cooldowns-in-memory";
import { cooldownsInRedis } from "./cooldowns-in-redis";
import type { Health } from "./health";
import type { ModelsOptions } from "./schema";

/** The cooldowns that the options ask for. */
export function openCooldowns({ policy, redis }: ModelsOptions): NodeCooldowns {
  const connection = policy === "redis" ? redisNeighbour("models", redis) : undefined;
  return connection
    ? new SharedCooldowns(knownHere, cooldownsInRedis(connection, redis.prefix))
    : knownHere;
}

/** Cooldowns as a node decides by them. */
export interface NodeCooldowns extends Cooldowns {
  /** As far as this node knows; asks nobody. */
  healthOf(target: string): Health;
}

const freshMs = 1000;

/** What this node knows, kept up to date with what all know. */
export class SharedCooldowns implements NodeCooldowns {
  // By the targets that were looked at together; there are as many as chains of fallbacks.
  private readonly seenAt = new Map<string, number>();
  private readonly looking = new Map<string, Promise<void>>();

  constructor(
    private readonly here: CooldownsInMemory,
    private readonly shared: Cooldowns,
  ) {}

  healthOf(target: string): Health {
    return this.here.healthOf(target);
  }

  async look(targets: readonly string[]): Promise<Cooldown[]> {
    const together = targets.join("\n");
    if (this.here.now() - (this.seenAt.get(together) ?? 0) >= freshMs) {
      const looking = this.looking.get(together) ?? this.refresh(together, targets);
      this.looking.set(together, looking);
      await looking;
    }
    return this.here.look(targets);
  }

  async takeProbe(target: string, leaseMs: number): Promise<number> {
    const waitMs = await this.here.takeProbe(target, leaseMs);
    if (waitMs > 0) return waitMs;
    const takenMs = (await ifUp(this.shared.takeProbe(target, leaseMs))) ?? 0;
    if (takenMs > 0) this.here.adopt(target, { probedUntil: this.here.now() + takenMs });
    return takenMs;
  }

  async fail(target: string, failure: Failure, tolerance: Tolerance): Promise<boolean> {
    const alone = await this.here.fail(target, failure, tolerance);
    const cools = await ifUp(this.shared.fail(target, failure, tolerance));
    this.seenAt.clear();
    return cools ?? alone;
  }

  async succeed(target: string, sentAt: number, endedAt: number): Promise<boolean> {
    const alone = await this.here.succeed(target, sentAt, endedAt);
    const back = await ifUp(this.shared.succeed(target, sentAt, endedAt));
    this.seenAt.clear();
    return back ?? alone;
  }

  async releaseProbe(target: string): Promise<void> {
    await this.here.releaseProbe(target);
    await ifUp(this.shared.releaseProbe(target));
  }

  private async refresh(together: string, targets: readonly string[]): Promise<void> {
    try {
      const seen = await ifUp(this.shared.look(targets));
      for (const [i, known] of (seen ?? []).entries()) this.here.adopt(targets[i]!, known);
    } finally {
      this.seenAt.set(together, this.here.now());
      this.looking.delete(together);
    }
  }
}

/** Undefined where Redis does not answer: then this node decides alone. */
async function ifUp<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof RedisUnavailable) return undefined;
    throw error;
  }
}
