// What a limit promises when its Redis is frozen, dies and comes back while requests keep coming: no
// request waits for it for long, each policy does what it says, and the counts go on.

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  type Counted,
  type InsuredCounts,
  openCounts,
} from "../../plugins/llm-rate-limit/open-counts";
import { rateLimitOptions } from "../../plugins/llm-rate-limit/schema";
import { closeConnections, connectionTo } from "../../redis/connection";
import { log } from "../../stages/log";
import { startRedis, type TestRedis } from "../support/redis";
import { becomes } from "../support/redis-connection";

let redis: TestRedis;
beforeAll(async () => {
  log.level = "silent";
  redis = await startRedis();
}, 60_000);
afterAll(() => redis.stop());
afterEach(() => closeConnections());

const most = 1_000_000_000;
const takes = [
  { limit: { measure: "tokens" as const, window: "month" as const, most }, amount: 1, each: 0 },
];

/** Requests that keep coming, and what became of each. */
class Load {
  longestMs = 0;
  private answers: { serial: number; counted: Counted }[] = [];
  private readonly loops: Promise<void>[];
  private ended = false;
  private serial = 0;

  constructor(private readonly counts: InsuredCounts) {
    this.loops = Array.from({ length: 20 }, () => this.keepAsking());
  }

  /** Waits until so many requests that began after this call are answered. */
  async next(count: number): Promise<Counted[]> {
    const last = this.serial;
    const since = () => this.answers.filter(({ serial }) => serial > last);
    this.answers = [];
    while (since().length < count) await this.round();
    return since().map(({ counted }) => counted);
  }

  async end(): Promise<void> {
    this.ended = true;
    await Promise.all(this.loops);
  }

  private async keepAsking(): Promise<void> {
    while (!this.ended) {
      const began = performance.now();
      const serial = ++this.serial;
      const counted = await this.counts.take("alice", `load-${serial}`, takes);
      this.longestMs = Math.max(this.longestMs, performance.now() - began);
      this.answers.push({ serial, counted });
      await this.round();
    }
  }

  private round(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 3));
  }
}

function kinds(answers: Counted[]): string[] {
  const kind = (one: Counted) => ("uncounted" in one ? one.uncounted : `counted ${one.policy}`);
  return [...new Set(answers.map(kind))];
}

function used(answer: Counted | undefined): number {
  return answer && "limits" in answer ? most - answer.limits[0]!.remaining : Number.NaN;
}

describe("llm-rate-limit", () => {
  describe.each([
    ["local", "counted local"],
    ["allow", "allow"],
    ["refuse", "refuse"],
  ] as const)("with on_redis_failure %s, while requests keep coming", (choice, expected) => {
    it("answers each within 250 ms when Redis freezes or dies, and counts there again", async () => {
      const options = rateLimitOptions.parse({
        ...{ policy: "redis", redis: { url: redis.url }, on_redis_failure: choice },
        namespace: `failure-${choice}`,
      });
      const connection = connectionTo(options.redis)!;
      await becomes(connection, "up");
      const load = new Load(openCounts(options));
      const before = await load.next(200);
      expect(kinds(before)).toEqual(["counted redis"]);

      const frozen = becomes(connection, "down");
      redis.freeze();
      await frozen;
      expect(kinds(await load.next(200))).toEqual([expected]);
      const thawed = becomes(connection, "up");
      redis.thaw();
      await thawed;
      const resumed = await load.next(200);
      expect(kinds(resumed)).toEqual(["counted redis"]);
      expect(used(resumed[0])).toBeGreaterThan(used(before.at(-1)));

      const dead = becomes(connection, "down");
      await redis.stop();
      await dead;
      expect(kinds(await load.next(200))).toEqual([expected]);
      const back = becomes(connection, "up");
      await redis.restart();
      await back;
      expect(kinds(await load.next(200))).toEqual(["counted redis"]);

      await load.end();
      expect(load.longestMs).toBeLessThan(250);
    }, 30_000);
  });

  it("gives back what a frozen Redis takes later, when nobody waits for its answer", async () => {
    const options = rateLimitOptions.parse({
      ...{ policy: "redis", redis: { url: redis.url }, namespace: "failure-unsure" },
    });
    const connection = connectionTo(options.redis)!;
    await becomes(connection, "up");
    const counts = openCounts(options);
    await counts.take("alice", "before", [{ ...takes[0]!, amount: 7 }]);
    redis.freeze();
    const unsure = await counts.take("alice", "unsure", [{ ...takes[0]!, amount: 1000 }]);
    expect(unsure).toMatchObject({ taken: true, policy: "local" });
    const up = becomes(connection, "up");
    redis.thaw();
    await up;
    const look = [{ ...takes[0]!, amount: 0 }];
    await expect.poll(async () => used(await counts.take("alice", "look", look))).toBe(7);
  }, 30_000);

  it("settles what ended while Redis was frozen, as soon as it is back", async () => {
    const options = rateLimitOptions.parse({
      ...{ policy: "redis", redis: { url: redis.url }, namespace: "failure-settle" },
    });
    const connection = connectionTo(options.redis)!;
    await becomes(connection, "up");
    const counts = openCounts(options);
    const reserved = [{ ...takes[0]!, amount: 1000 }];
    const taken = await counts.take("alice", "settled-late", reserved);
    const [state] = "limits" in taken ? taken.limits : [];
    const corrections = [{ limit: takes[0]!.limit, start: state!.start, change: -990 }];

    const down = becomes(connection, "down");
    redis.freeze();
    expect(await counts.settle("alice", "settled-late", corrections, "redis")).toBe("later");
    await down;
    const up = becomes(connection, "up");
    redis.thaw();
    await up;
    const look = [{ ...takes[0]!, amount: 0 }];
    await expect.poll(async () => used(await counts.take("alice", "look", look))).toBe(10);
    expect(await counts.settle("alice", "settled-late", corrections, "redis")).toBe("unknown");
  }, 30_000);
});
