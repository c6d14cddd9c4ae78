import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeConnections, connectionTo } from "../../redis/connection";
import { redisOptions } from "../../redis/options";
import { startRedis, type TestRedis } from "../../test/support/redis";
import type { Entry, RowName } from "./ledger";
import { dayIn } from "./ledger-day";
import { closedMonths, closeMonth, ledgerInRedis } from "./ledger-in-redis";

const row: RowName = {
  ...{ team: "", end_user: null, model: "gpt-4.1", provider: "p", endpoint: "messages" },
  tags: {},
};
const keeping = { retainDays: 30, mostRows: 100, dayOf: dayIn("UTC") };
const now = Date.parse("2026-03-02T12:00:00Z");

let redis: TestRedis;
let client: Redis;
beforeAll(async () => {
  redis = await startRedis();
  client = new Redis(redis.url);
}, 60_000);
afterAll(async () => {
  closeConnections();
  client.disconnect();
  await redis.stop();
});

let ids = 0;
function entry(day: string, change: Partial<Entry> = {}): Entry {
  return {
    ...{ id: `id-${++ids}`, day, started_at: now, consumer: "team-a", row, coarse: row },
    amounts: { requests: 1, cost: 7 },
    ...change,
  };
}

let prefixes = 0;
function fresh() {
  const patient = { connect_timeout_ms: 20_000, command_timeout_ms: 20_000 };
  const options = redisOptions.parse({ url: redis.url, prefix: `p${++prefixes}`, ...patient });
  const connection = connectionTo(options)!;
  const { prefix } = options;
  return {
    prefix,
    ledger: ledgerInRedis(connection, prefix, keeping, () => now),
    close: (month: string, at = "then") => closeMonth(connection, prefix, month, at, 30),
    closed: () => closedMonths(connection, prefix),
  };
}

describe("llm-usage › the ledger in Redis", () => {
  it("writes no key that does not expire, and all of them in one slot", async () => {
    const { ledger, close, prefix } = fresh();
    await ledger.enter(entry("2026-03-02"));
    await close("2026-02");
    await ledger.enter(entry("2026-02-28", { consumer: "late" }));
    const keys = await client.keys(`${prefix}:*`);
    const kinds = keys.filter((key) => key !== `${prefix}:alive`).sort();
    expect(kinds.map((key) => key.split(":")[2])).toEqual([
      ...["closed", "ids", "rows", "rows", "who"],
    ]);
    for (const key of kinds) {
      expect(key).toContain("{ledger}");
      const seconds = await client.ttl(key);
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(key.includes(":ids:") ? 86_400 : 30 * 86_400);
    }
  });

  it("enters what comes in one turn with one command for each consumer", async () => {
    const { ledger } = fresh();
    await ledger.enter(entry("2026-03-02"));
    const before = await scriptCalls();
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        ledger.enter(entry("2026-03-02", { consumer: `c${n % 2}` })),
      ),
    );
    expect((await scriptCalls()) - before).toBe(2);
  });

  it("books in the running month what comes of a closed one, and tells it there", async () => {
    const { ledger, close, closed } = fresh();
    await ledger.enter(entry("2026-02-27"));
    expect(await close("2026-02", "2026-03-01 09:00")).toBe("2026-03-01 09:00");
    const before = await ledger.read({ from: "2026-02-01", to: "2026-02-28" });
    expect(await ledger.enter(entry("2026-02-28"))).toBe("late");
    expect(await ledger.enter(entry("2026-03-01"))).toBe("entered");

    expect(await ledger.read({ from: "2026-02-01", to: "2026-02-28" })).toEqual(before);
    const march = await ledger.read({ from: "2026-03-01", to: "2026-03-31" });
    const told = march.map(({ day, amounts }) => [
      ...[day, amounts.requests, amounts.cost, amounts.late_requests, amounts.late_cost],
    ]);
    expect(told.sort()).toEqual([
      ["2026-03-01", 1, 7, 0, 0],
      ["2026-03-02", 1, 7, 1, 7],
    ]);
    expect(await close("2026-02", "later")).toBe("2026-03-01 09:00");
    expect(await closed()).toEqual({ "2026-02": "2026-03-01 09:00" });
  });

  it("enters a late request once", async () => {
    const { ledger, close } = fresh();
    await close("2026-02");
    const late = entry("2026-02-28");
    expect([await ledger.enter(late), await ledger.enter(late)]).toEqual(["late", "again"]);
  });

  it("forgets ids sooner where there are many", async () => {
    const { ledger, prefix } = fresh();
    const many = Array.from({ length: 5001 }, () => ledger.enter(entry("2026-03-02")));
    await Promise.all(many);
    const [ids] = await client.keys(`${prefix}:*:ids:*`);
    expect(await client.ttl(ids!)).toBeLessThanOrEqual(7200);
  });

  it("takes an id of any text", async () => {
    const { ledger } = fresh();
    const odd = entry("2026-03-02", { id: '\ud800"\u0000' });
    expect([await ledger.enter(odd), await ledger.enter(odd)]).toEqual(["entered", "again"]);
  });

  it("fails what it cannot write for its consumer, and nothing else of the same turn", async () => {
    const { ledger } = fresh();
    const results = await Promise.allSettled([
      ledger.enter(entry("2026-03-02", { consumer: "\ud800" })),
      ledger.enter(entry("2026-03-02")),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
  });
});

async function scriptCalls(): Promise<number> {
  const stats = await client.info("commandstats");
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}
