import { describe, expect, it } from "vitest";
import { amountsOf, type Entry, type Row } from "../plugins/llm-usage/ledger";
import { dayIn } from "../plugins/llm-usage/ledger-day";
import { ledgerInMemory } from "../plugins/llm-usage/ledger-in-memory";
import type { OpenLedger } from "../plugins/llm-usage/open-ledger";
import { RedisUnavailable } from "../redis/connection";
import { useOf } from "./use";

const now = Date.parse("2026-03-03T16:00:00Z");

function ledger(change: Partial<OpenLedger> = {}): OpenLedger {
  const dayOf = dayIn("Asia/Seoul");
  const kept = ledgerInMemory({ retainDays: 400, mostRows: 5000, dayOf }, () => now);
  return {
    ...{ read: kept.read, parts: kept.parts, dayOf, timeZone: "Asia/Seoul", policy: "local" },
    place: "here",
    async enter(entry) {
      await kept.enter(entry);
    },
    ...change,
  };
}

let ids = 0;

function entry(day: string, consumer: string, amounts: Entry["amounts"], name = {}): Entry {
  const row = {
    ...{ team: "team-a", end_user: null, model: "gpt-4.1", provider: "s", endpoint: "chat" },
    ...{ tags: {}, ...name },
  };
  return { id: `${++ids}`, day, started_at: now, consumer, row, coarse: row, amounts };
}

describe("the use on the page", () => {
  it("is that of today and of the month by the ledger's own days, the dearest first", async () => {
    const one = ledger();
    // In Seoul it is the fourth already.
    await one.enter(entry("2026-03-04", "app-a", { requests: 1, cost: 2_000_000_001 }));
    await one.enter(entry("2026-03-01", "app-a", { requests: 2, cost: 1_000_000_000 }));
    await one.enter(entry("2026-03-02", "app-b", { requests: 9, cost: 7 }, { team: "" }));
    await one.enter(entry("2026-02-28", "app-b", { requests: 100, cost: 100 }));
    const use = await useOf([one], now);
    if (use.state !== "known") throw new Error(use.state);
    expect(use).toMatchObject({ day: "2026-03-04", month: "2026-03", time_zone: "Asia/Seoul" });
    expect(use.total.today).toMatchObject({ requests: 1, cost_usd: 2.000000001 });
    expect(use.total.month).toMatchObject({ requests: 12, cost_usd: 3.000000008 });
    expect(use.days.map(({ day, requests }) => [day, requests])).toEqual([
      ["2026-03-01", 2],
      ["2026-03-02", 9],
      ["2026-03-03", 0],
      ["2026-03-04", 1],
    ]);
    expect(use.by.consumer.map(({ name, month }) => [name, month.requests])).toEqual([
      ["app-a", 3],
      ["app-b", 9],
    ]);
    expect(use.by.team.map(({ name }) => name)).toEqual(["team-a", ""]);
    expect(use.by.model.map(({ name, today }) => [name, today.cost_usd])).toEqual([
      ["gpt-4.1", 2.000000001],
    ]);
  });

  it("tells what was saved, routing that cost more included", async () => {
    const one = ledger();
    const saved = { saved_by_cache: 5, saved_by_routing: -3, list_cost: 20, cost: 10, hits: 1 };
    await one.enter(entry("2026-03-04", "app", { requests: 1, ...saved }));
    const use = await useOf([one], now);
    expect(use.state === "known" && use.total.month).toMatchObject({
      ...{ saved_by_cache_usd: 5e-9, saved_by_routing_usd: -3e-9, list_cost_usd: 2e-8, hits: 1 },
    });
  });

  it("counts rows of one place once, and those of two places together", async () => {
    const [one, two] = [ledger(), ledger({ place: "there" })];
    await one.enter(entry("2026-03-04", "app", { requests: 1 }));
    await two.enter(entry("2026-03-04", "app", { requests: 2 }));
    const use = await useOf([one, { ...one, timeZone: "UTC" }, two], now);
    expect(use.state === "known" && use.total.today.requests).toBe(3);
  });

  it("is not known without a ledger, or while its Redis is away", async () => {
    expect(await useOf([], now)).toEqual({ state: "none" });
    const away = ledger({
      async *parts(): AsyncGenerator<Row[]> {
        yield [];
        throw new RedisUnavailable("away", true);
      },
    });
    expect(await useOf([away], now)).toEqual({ state: "unavailable" });
    const broken = ledger({
      async *parts(): AsyncGenerator<Row[]> {
        yield [{} as Row];
      },
    });
    await expect(useOf([broken], now)).rejects.toThrow();
  });

  it("lets requests go on between the books of many consumers", async () => {
    const amounts = amountsOf([1]);
    let isReading = true;
    const many = ledger({
      async *parts(): AsyncGenerator<Row[]> {
        for (let n = 0; n < 50; n++) {
          yield [
            { ...entry("2026-03-04", "", {}).row, day: "2026-03-04", consumer: `${n}`, amounts },
          ];
        }
        isReading = false;
      },
    });
    const use = useOf([many], now);
    await new Promise(setImmediate);
    expect(isReading).toBe(true);
    expect((await use).state).toBe("known");
  });
});
