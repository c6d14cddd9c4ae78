import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeConnections, connectionTo } from "../../redis/connection";
import { redisOptions } from "../../redis/options";
import { startRedis, type TestRedis } from "../../test/support/redis";
import { amountNames, amountsOf, type Entry, type Ledger, type RowName } from "./ledger";
import { dayIn } from "./ledger-day";
import { type Keeping, ledgerInMemory } from "./ledger-in-memory";
import { ledgerInRedis } from "./ledger-in-redis";

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
}, 60_000);
afterAll(async () => {
  closeConnections();
  await redis.stop();
});

const keeping: Keeping = { retainDays: 400, mostRows: 3, dayOf: dayIn("UTC") };
let ledgers = 0;

function inRedis(): Ledger {
  const patient = { connect_timeout_ms: 20_000, command_timeout_ms: 20_000 };
  const options = redisOptions.parse({ url: redis.url, prefix: `l${++ledgers}`, ...patient });
  return ledgerInRedis(connectionTo(options)!, options.prefix, keeping);
}

const row: RowName = {
  team: "team-x",
  end_user: null,
  model: "gpt-4.1",
  provider: "llm-upstream",
  endpoint: "chat/completions",
  tags: {},
};
const coarse: RowName = { ...row, model: "other" };
const day = dayIn("UTC")(Date.now());
let ids = 0;

function entry(change: Partial<Entry> = {}): Entry {
  return {
    ...{ id: `id-${++ids}`, day, started_at: Date.now(), consumer: "team-a", row, coarse },
    amounts: { requests: 1, input_tokens: 10, cost: 7 },
    ...change,
  };
}

describe.each<[string, () => Ledger]>([
  ["in memory", () => ledgerInMemory(keeping)],
  ["in Redis", inRedis],
])("llm-usage › a ledger %s", (_, open) => {
  const today = { from: day, to: day };

  it("sums up what equal rows were entered with", async () => {
    const ledger = open();
    await Promise.all([ledger.enter(entry()), ledger.enter(entry({ amounts: { requests: 1 } }))]);
    await ledger.enter(entry({ amounts: { requests: 1, saved_by_routing: -3 } }));
    const amounts = { requests: 3, input_tokens: 10, cost: 7, saved_by_routing: -3 };
    expect(await ledger.read(today)).toEqual([
      { day, consumer: "team-a", ...row, amounts: { ...amountsOf([]), ...amounts } },
    ]);
  });

  it("is exact where sums are beyond what text of floating point numbers shows", async () => {
    const ledger = open();
    const amounts = { cost: 4_000_000_000_000_001, input_tokens: 1e15 };
    for (let n = 0; n < 2; n++) await ledger.enter(entry({ amounts }));
    const [found] = await ledger.read(today);
    expect(found?.amounts).toMatchObject({ cost: 8_000_000_000_000_002, input_tokens: 2e15 });
  });

  it("enters a request once, however often and fast its end is told", async () => {
    const ledger = open();
    const one = entry();
    const told = await Promise.all(Array.from({ length: 20 }, () => ledger.enter(one)));
    expect(told.filter((result) => result === "entered")).toHaveLength(1);
    expect(await ledger.enter({ ...one, day: "2020-01-01", consumer: "x" })).toBe("again");
    const [found] = await ledger.read(today);
    expect(found?.amounts.requests).toBe(1);
  });

  it("tells apart days, consumers, models and tags, whatever they are called", async () => {
    const ledger = open();
    const odd = 'a"}: {b} 한국|\\u0000 \ud83d\ude00';
    await ledger.enter(entry({ consumer: odd, row: { ...row, model: odd, tags: { odd } } }));
    await ledger.enter(entry({ row: { ...row, tags: { feature: "search" } } }));
    await ledger.enter(entry());
    const found = await ledger.read(today);
    const names = found.map(({ consumer, model, tags }) => [consumer, model, tags]);
    expect(names).toHaveLength(3);
    expect(names).toEqual(
      expect.arrayContaining([
        [odd, odd, { odd }],
        ["team-a", "gpt-4.1", { feature: "search" }],
        ["team-a", "gpt-4.1", {}],
      ]),
    );
    expect((await ledger.read({ ...today, consumer: odd })).map((one) => one.consumer)).toEqual([
      odd,
    ]);
  });

  it("reads the days of a span, over months", async () => {
    const ledger = open();
    const days = ["2026-01-31", "2026-02-01", "2026-02-28", "2026-03-01", "2026-03-02"].map(
      (date) => date.replace("2026", day.slice(0, 4)),
    );
    for (const date of days) await ledger.enter(entry({ day: date }));
    const span = { from: days[1]!, to: days[3]! };
    expect((await ledger.read(span)).map((one) => one.day).sort()).toEqual(days.slice(1, 4));
  });

  it("gives a consumer no more rows than it may have, and loses nothing of the rest", async () => {
    const ledger = open();
    for (let n = 0; n < 10; n++) {
      await ledger.enter(entry({ row: { ...row, model: `made-up-${n}` } }));
    }
    await ledger.enter(entry({ consumer: "team-b" }));
    const found = await ledger.read({ ...today, consumer: "team-a" });
    expect(found.map(({ model, amounts }) => [model, amounts.requests]).sort()).toEqual([
      ["made-up-0", 1],
      ["made-up-1", 1],
      ["made-up-2", 1],
      ["other", 7],
    ]);
    expect(await ledger.read({ ...today, consumer: "team-b" })).toHaveLength(1);
  });

  it("keeps every amount under its own name", async () => {
    const ledger = open();
    const amounts = amountsOf(amountNames.map((_name, at) => at + 1));
    await ledger.enter(entry({ amounts }));
    expect((await ledger.read(today))[0]?.amounts).toEqual(amounts);
  });
});
