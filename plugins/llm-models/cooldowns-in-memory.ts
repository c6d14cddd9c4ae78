// What this process knows of models that fail. It outlives configs: a push must not wake a model.

import { LRUCache } from "lru-cache";
import type { Cooldown, Cooldowns, Failure, Tolerance } from "./cooldowns";
import {
  afterFailure,
  afterSuccess,
  type Health,
  healthOf,
  healthy,
  type Remembered,
} from "./health";
import type { AnswerKind, Pace } from "./pace";
import { Paces } from "./paces";

export class CooldownsInMemory implements Cooldowns {
  // One entry for each configured model of each service; the bound is for names that changed.
  private readonly known = new LRUCache<string, Remembered>({ max: 10_000 });

  readonly paces = new Paces();

  constructor(readonly now: () => number = () => Date.now()) {}

  of(target: string): Remembered {
    return this.known.get(target) ?? healthy;
  }

  healthOf(target: string): Health {
    return healthOf(this.of(target), this.now());
  }

  /** Takes over what others know. */
  adopt(target: string, known: Partial<Cooldown>): void {
    const before = this.of(target);
    const now = this.now();
    const isNews = (known.until ?? 0) > now && before.until <= now;
    this.known.set(target, { ...before, ...known, ...(isNews && { toldAt: now }) });
  }

  async look(targets: readonly string[]): Promise<Cooldown[]> {
    return targets.map((target) => this.of(target));
  }

  async takeProbe(target: string, leaseMs: number): Promise<number> {
    const now = this.now();
    const { until, probedUntil } = this.of(target);
    const busyMs = Math.max(until, probedUntil) - now;
    if (busyMs > 0) return busyMs;
    if (until > 0) this.adopt(target, { probedUntil: now + leaseMs });
    return 0;
  }

  async fail(target: string, failure: Failure, tolerance: Tolerance): Promise<boolean> {
    const before = this.of(target);
    const after = afterFailure(before, failure, tolerance);
    this.known.set(target, after);
    return after.until !== before.until;
  }

  async succeed(target: string, sentAt: number, endedAt: number): Promise<boolean> {
    const before = this.of(target);
    const after = afterSuccess(before, sentAt, endedAt);
    this.known.set(target, after);
    return after !== before;
  }

  async releaseProbe(target: string): Promise<void> {
    this.adopt(target, { probedUntil: 0 });
  }

  // Who shares this memory shares allowances.ts.
  async tell(): Promise<void> {}

  async measure(target: string, kind: AnswerKind, pace: Pace): Promise<undefined> {
    this.paces.hear(target, kind, pace);
  }

  entries(): IterableIterator<[string, Cooldown]> {
    return this.known.entries();
  }
}

/** What this process knows. */
export const knownHere = new CooldownsInMemory();
