// What a limit promises when its Redis is frozen, dies and comes back while requests keep coming: no
// request waits for it for long, each policy does what it says, and the counts go on.

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  type Counted,
  type InsuredCounts,
  openCounts,
} from "../../plugins/llm-rate-limit/open-counts";
import { rateLimitOptions } from "../../plugins/llm-rate-limit/schema";
import { closeConnections, connectionTo, type RedisConnection } from "../../redis/connection";
import { log } from "../../stages/log";
import { startRedis, type TestRedis } from "../support/redis";
import { becomes } from "../support/redis-connection";

let redis: TestRedis;
beforeAll(async () => {
  log.level = "silent";
  redis = await startRedis();
});
afterAll(() => redis.stop());
afterEach(() => closeConnections());

// So long that a busy machine is not taken for a Redis that fails.
const where = () => ({ url: redis.url, connect_timeout_ms: 5000, command_timeout_ms: 2000 });

const most = 1_000_000_000;
const takes = [
  { limit: { measure: "tokens" as const, window: "month" as const, most }, amount: 1, each: 0 },
];

/** Requests that keep coming, and what became of each. */
class Load {
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
      const serial = ++this.serial;
      const counted = await this.counts.take("alice", `load-${serial}`, takes);
      this.answers.push({ serial, counted });
      await this.round();
    }
  }

  private round(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 3));
  }
}

/** How many commands have been sent so far: who sends one may have to wait for it. */
function commandsOf(connection: RedisConnection): () => number {
  let sent = 0;
  const { run } = connection;
  connection.run = (command) =>
    run.call(connection, (client) => {
      sent++;
      return command(client);
    }) as ReturnType<typeof command>;
  return () => sent;
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
    it("lets none wait any more for a Redis that has frozen or died, and counts there again", async () => {
      const options = rateLimitOptions.parse({
        ...{ policy: "redis", redis: where(), on_redis_failure: choice },
        namespace: `failure-${choice}`,
      });
      const connection = connectionTo(options.redis)!;
      await becomes(connection, "up");
      const asked = commandsOf(connection);
      const load = new Load(openCounts(options));
      const before = await load.next(200);
      expect(kinds(before)).toEqual(["counted redis"]);

      const frozen = becomes(connection, "down");
      redis.freeze();
      await frozen;
      const askedFrozen = asked();
      expect(kinds(await load.next(200))).toEqual([expected]);
      expect(asked()).toBe(askedFrozen);
      const thawed = becomes(connection, "up");
      redis.thaw();
      await thawed;
      const resumed = await load.next(200);
      expect(kinds(resumed)).toEqual(["counted redis"]);
      expect(used(resumed[0])).toBeGreaterThan(used(before.at(-1)));

      const dead = becomes(connection, "down");
      await redis.stop();
      await dead;
      const askedDead = asked();
      expect(kinds(await load.next(200))).toEqual([expected]);
      expect(asked()).toBe(askedDead);
      const back = becomes(connection, "up");
      await redis.restart();
      await back;
      expect(kinds(await load.next(200))).toEqual(["counted redis"]);

      await load.end();
    });
  });

  it("gives back what a frozen Redis takes later, when nobody waits for its answer", async () => {
    const options = rateLimitOptions.parse({
      ...{ policy: "redis", redis: where(), namespace: "failure-unsure" },
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
  });

  it("settles what ended while Redis was frozen, as soon as it is back", async () => {
    const options = rateLimitOptions.parse({
      ...{ policy: "redis", redis: where(), namespace: "failure-settle" },
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
  });
});
