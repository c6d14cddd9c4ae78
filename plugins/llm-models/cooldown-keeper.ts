// Where cooldowns are kept: in this process, and in a Redis where nodes share them. A node decides by
// its own view, which a request renews when it is a second old: so the requests of a second cost one
// round trip together, and one more only to probe. Without Redis the view goes on by itself.

import { join } from "node:path";
import { type RedisConnection, RedisUnavailable } from "../../redis/connection";
import { loadScript, type Script } from "../../redis/script";
import { redisNeighbour } from "../../stages/redis-neighbour";
import {
  type Cooldowns,
  cooldowns,
  type Failure,
  type Health,
  healthOf,
  type Tolerance,
} from "./cooldown";
import type { ModelsOptions } from "./schema";

/** The keeper that the options ask for. */
export function openKeeper({ policy, redis }: ModelsOptions): CooldownKeeper {
  const connection = policy === "redis" ? redisNeighbour("models", redis) : undefined;
  return new CooldownKeeper(cooldowns, connection, redis.prefix);
}

const look = scriptNamed("look");
const fail = scriptNamed("fail");
const succeed = scriptNamed("succeed");
const probe = scriptNamed("probe");

const freshMs = 1000;

export class CooldownKeeper {
  // By the targets that were looked at together; there are as many as chains of fallbacks.
  private readonly seenAt = new Map<string, number>();
  private readonly looking = new Map<string, Promise<void>>();

  /**
   * @param view what this node knows, kept up to date here
   * @param connection the Redis of all nodes; without one the view is all there is
   */
  constructor(
    private readonly view: Cooldowns,
    private readonly connection: RedisConnection | undefined,
    private readonly prefix: string,
    readonly now: () => number = () => Date.now(),
  ) {}

  /** Brings the view of these targets up to date, where it is older than a second. */
  async refresh(targets: readonly string[]): Promise<void> {
    const together = targets.join("\n");
    if (!this.connection) return;
    if (this.now() - (this.seenAt.get(together) ?? 0) < freshMs) return;
    const looking = this.looking.get(together) ?? this.look(together, targets);
    this.looking.set(together, looking);
    await looking;
  }

  healthOf(target: string): Health {
    return healthOf(this.view.of(target), this.now());
  }

  /** When the target's cooldown ends, or has ended; 0 where it is healthy. */
  endOf(target: string): number {
    return this.view.of(target).until;
  }

  /** Takes the one probe of a target that is due; false where any node has it. */
  async takeProbe(target: string, leaseMs: number): Promise<boolean> {
    if (!this.view.takeProbe(target, this.now(), leaseMs)) return false;
    const wait = Number((await this.run(probe, target, [leaseMs])) ?? 0);
    if (wait === 0) return true;
    this.view.set(target, { ...this.view.of(target), probedUntil: this.now() + wait });
    return false;
  }

  /** True when the target begins to cool by this failure. */
  async fail(target: string, failure: Failure, tolerance: Tolerance): Promise<boolean> {
    const { sentAt, endedAt, coolMs, atOnce } = failure;
    const here = this.view.fail(target, failure, tolerance);
    const reply = await this.run(fail, target, [
      ...this.ages(sentAt, endedAt),
      ...[Math.round(coolMs), atOnce ? 1 : 0, tolerance.failures, tolerance.windowMs],
    ]);
    this.seenAt.clear();
    return reply === undefined ? here : reply === 1;
  }

  /** True when the target comes back by this success. */
  async succeed(target: string, sentAt: number, endedAt: number): Promise<boolean> {
    const here = this.view.succeed(target, sentAt, endedAt);
    const reply = await this.run(succeed, target, this.ages(sentAt, endedAt));
    this.seenAt.clear();
    return reply === undefined ? here : reply === 1;
  }

  /** Gives the probe back, because its request has told nothing. */
  async releaseProbe(target: string): Promise<void> {
    this.view.releaseProbe(target);
    const [key] = this.keysOf(target);
    // Deletes a field and never makes a key, which would have no expiry.
    await this.ask((connection) => connection.run((client) => client.hdel(key, "probed")));
  }

  private async look(together: string, targets: readonly string[]): Promise<void> {
    try {
      const keys = targets.map((target) => this.keysOf(target)[0]);
      const reply = await this.ask((connection) =>
        connection.run((client) => look(client, keys, [])),
      );
      if (reply !== undefined) this.adopt(targets, reply as LookReply);
    } finally {
      this.seenAt.set(together, this.now());
      this.looking.delete(together);
    }
  }

  // The clocks of Redis and of this node may differ, so times are carried over as distances.
  private adopt(targets: readonly string[], [redisNow, ...states]: LookReply): void {
    const ahead = this.now() - redisNow;
    const here = (time: string | null) => (time === null ? 0 : Number(time) + ahead);
    for (const [i, target] of targets.entries()) {
      const [since, until, probed] = states[i]!;
      this.view.set(target, {
        failures: this.view.of(target).failures,
        since: here(since),
        until: here(until),
        probedUntil: here(probed),
      });
    }
  }

  /** How long ago a request was sent and ended, which means the same by every clock. */
  private ages(sentAt: number, endedAt: number): number[] {
    const now = this.now();
    return [now - sentAt, now - endedAt].map((age) => Math.max(0, Math.round(age)));
  }

  private run(script: Script, target: string, args: number[]): Promise<unknown> {
    const keys = this.keysOf(target);
    return this.ask((connection) => connection.run((client) => script(client, keys, args)));
  }

  /** Undefined without a Redis that answers: then the view of this node decides alone. */
  private async ask(question: (connection: RedisConnection) => Promise<unknown>): Promise<unknown> {
    if (!this.connection) return undefined;
    try {
      return await question(this.connection);
    } catch (error) {
      if (error instanceof RedisUnavailable) return undefined;
      throw error;
    }
  }

  // One slot for all, as a node looks at several targets at once.
  private keysOf(target: string): [state: string, failures: string] {
    const state = `${this.prefix}:{cooldown}:${target}`;
    return [state, `${state}:failures`];
  }
}

/** The reply of look.lua. */
type LookReply = [
  now: number,
  ...states: [since: string | null, until: string | null, probed: string | null][],
];

function scriptNamed(name: string): Script {
  return loadScript(join(__dirname, `${name}.lua`));
}
