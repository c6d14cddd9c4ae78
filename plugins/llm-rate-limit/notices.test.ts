import { register } from "prom-client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RedisUnavailable } from "../../redis/connection";
import { log } from "../../stages/log";
import { type Claims, claimsInMemory } from "./claims";
import type { Delivered, Message } from "./deliver";
import type { Reached } from "./notice";
import { Queue } from "./notices";

const receiver = {
  url: "http://127.0.0.1:1/hook?token=hidden",
  format: "json",
  secret: "",
} as const;
const options = { namespace: "default", time_zone: "UTC" };
const start = Date.UTC(2026, 10, 1);
let consumers = 0;

/** A share that nobody has been told of. */
function reached(share = 0.8, who = `consumer:${++consumers}`): Reached {
  return {
    limit: { measure: "cost_usd", window: "month", most: 1000 },
    ...{ who, share, used: 1000 * share, isFull: false },
    window: { start, end: Date.UTC(2026, 11, 1) },
  };
}

/** A queue whose receiver answers so, one after the other, and then takes all. */
function queue(answers: Delivered[] = [], claims: Claims = claimsInMemory) {
  const tried: { message: Message; at: number }[] = [];
  const told = new Queue(receiver, options, claims, async (_, message) => {
    tried.push({ message, at: Date.now() });
    return answers[tried.length - 1] ?? { result: "delivered" };
  });
  return { add: (one: Reached) => told.add(one), tried };
}

async function dropped(reason: string): Promise<number> {
  const { values } = await register.getSingleMetric("llm_rate_limit_notices_dropped_total")!.get();
  return values.find(({ labels }) => labels.reason === reason)!.value;
}

const later = (afterMs?: number): Delivered => ({
  result: "later",
  reason: "status 503",
  ...(afterMs !== undefined && { afterMs }),
});
const minute = 60_000;
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

let warned: ReturnType<typeof vi.spyOn>;
let failed: ReturnType<typeof vi.spyOn>;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 10, 20) });
  warned = vi.spyOn(log, "warn").mockImplementation(() => undefined);
  failed = vi.spyOn(log, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("llm-rate-limit", () => {
  describe("a share that is reached", () => {
    it("is told once, however often it is seen", async () => {
      const { add, tried } = queue();
      const one = reached();
      for (let i = 0; i < 100; i++) add(one);
      await pass(minute);
      add(one);
      add({ ...one, share: 0.5, used: 510 });
      await pass(minute);
      expect(tried).toHaveLength(1);
    });

    it("is told again where it is another share, limit or window", async () => {
      const { add, tried } = queue();
      const one = reached(0.5);
      for (const more of [
        one,
        { ...one, share: 0.8 },
        { ...one, limit: { ...one.limit, most: 2000 } },
        { ...one, window: { start: one.window.end, end: one.window.end + 1 } },
      ]) {
        add(more);
        await pass(10);
      }
      expect(new Set(tried.map(({ message }) => message.id)).size).toBe(4);
    });

    it("is told once after the receiver was down for a minute", async () => {
      const down = Array.from({ length: 7 }, () => later());
      const { add, tried } = queue(down);
      add(reached());
      await pass(10 * minute);
      expect(tried.length).toBe(8);
      expect(tried.at(-1)!.at - tried[0]!.at).toBeGreaterThan(minute);
      expect(new Set(tried.map(({ message }) => message.id)).size).toBe(1);
      // The log says so once, and not where it is.
      expect(warned).toHaveBeenCalledTimes(1);
      expect(JSON.stringify(warned.mock.calls)).not.toContain("hidden");
    });

    it("waits as long as the receiver says", async () => {
      const { add, tried } = queue([later(5 * minute)]);
      add(reached());
      await pass(5 * minute - 1000);
      expect(tried).toHaveLength(1);
      await pass(minute);
      expect(tried).toHaveLength(2);
    });

    it("is told with the largest share, where the smaller one still waits", async () => {
      const { add, tried } = queue([later()]);
      const one = reached(0.5);
      add(one);
      await pass(100);
      add({ ...one, share: 0.8, used: 800 });
      await pass(minute);
      expect(tried.map(({ message }) => JSON.parse(message.body).data.share)).toEqual([0.5, 0.8]);
    });

    it("does not keep others waiting while it is not taken", async () => {
      const { add, tried } = queue([later(10 * minute)]);
      add(reached());
      add(reached());
      await pass(minute);
      expect(tried).toHaveLength(2);
    });

    it("is given up, and counted, where the receiver will never take it", async () => {
      const before = await dropped("refused");
      const { add, tried } = queue([{ result: "refused", reason: "status 404" }]);
      add(reached());
      await pass(10 * minute);
      expect(tried).toHaveLength(1);
      expect(await dropped("refused")).toBe(before + 1);
      expect(failed).toHaveBeenCalledTimes(1);
    });

    it("is given up after a day", async () => {
      const before = await dropped("too_old");
      const { add, tried } = queue(Array.from({ length: 5000 }, () => later()));
      add(reached());
      await pass(25 * 60 * minute);
      const attempts = tried.length;
      expect(await dropped("too_old")).toBe(before + 1);
      await pass(60 * minute);
      expect(tried).toHaveLength(attempts);
    });

    it("is dropped, and counted, where a thousand wait; and told when it is seen again", async () => {
      const before = await dropped("queue_full");
      const { add, tried } = queue(Array.from({ length: 1000 }, () => later(minute)));
      for (let i = 0; i < 1000; i++) add(reached());
      const late = reached();
      add(late);
      expect(await dropped("queue_full")).toBe(before + 1);
      await pass(2 * minute);
      add(late);
      await pass(minute);
      expect(tried).toHaveLength(2001);
    });
  });

  describe("of several who see the same share", () => {
    it("one tells it, and another one when that one gives up", async () => {
      const never = queue(Array.from({ length: 5000 }, () => later(60 * minute)));
      const other = queue();
      const one = reached();
      never.add(one);
      await pass(100);
      other.add(one);
      await pass(30_000);
      expect([never.tried.length, other.tried.length]).toEqual([1, 0]);
      await pass(minute);
      expect([never.tried.length, other.tried.length]).toEqual([1, 1]);
      await pass(120 * minute);
      expect([never.tried.length, other.tried.length]).toEqual([1, 1]);
    });

    it("none tells it while Redis cannot say who, and one when it can", async () => {
      let isDown = true;
      const away = new RedisUnavailable("away", false);
      const claims: Claims = {
        claim: async (...args) => {
          if (isDown) throw away;
          return claimsInMemory.claim(...args);
        },
        confirm: (...args) => claimsInMemory.confirm(...args),
      };
      const nodes = [queue([], claims), queue([], claims)];
      const one = reached();
      for (const { add } of nodes) add(one);
      await pass(minute);
      expect(nodes.flatMap(({ tried }) => tried)).toHaveLength(0);
      isDown = false;
      await pass(minute);
      expect(nodes.flatMap(({ tried }) => tried)).toHaveLength(1);
    });

    it("nobody tells it twice where Redis is away when it has been told", async () => {
      let confirmed = 0;
      const claims: Claims = {
        claim: claimsInMemory.claim,
        confirm: async (...args) => {
          if (++confirmed < 5) throw new RedisUnavailable("away", false);
          return claimsInMemory.confirm(...args);
        },
      };
      const { add, tried } = queue([], claims);
      add(reached());
      await pass(10 * minute);
      expect(confirmed).toBe(5);
      expect(tried).toHaveLength(1);
    });
  });
});
