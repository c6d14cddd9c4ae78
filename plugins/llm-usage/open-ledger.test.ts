import { register } from "prom-client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { closeConnections } from "../../redis/connection";
import { startRedis, type TestRedis } from "../../test/support/redis";
import { amountsOf, type Entry } from "./ledger";
import { closeLedgers, openLedger, openLedgers } from "./open-ledger";
import { usageOptions } from "./schema";

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
}, 60_000);
afterEach(() => {
  closeLedgers();
  closeConnections();
});
afterAll(() => redis.stop());

const open = (ledger: object) => openLedger(usageOptions.parse({ ledger }).ledger);
const today = "2026-03-02";
const span = { from: today, to: today };
const row = {
  ...{ team: null, end_user: null, model: "m", provider: null, endpoint: null },
  tags: {},
};

let ids = 0;
const entry = (): Entry => ({
  ...{ id: `${++ids}`, day: today, started_at: 0, consumer: "a", row, coarse: row },
  amounts: { requests: 1 },
});

async function counted(result: string): Promise<number> {
  const { values } = await register.getSingleMetric("llm_ledger_entries_total")!.get();
  return values.find(({ labels }) => labels.result === result)!.value;
}

describe("llm-usage › the ledger that the options choose", () => {
  it("is none unless they ask for it", () => {
    expect(open({})).toBe(undefined);
    expect(openLedgers()).toEqual([]);
  });

  it("is shared by equal options, and by no others", () => {
    const one = open({ policy: "local" });
    expect(open({ policy: "local", by: ["model"] })).toBe(one);
    expect(open({ policy: "local", time_zone: "Asia/Seoul" })).not.toBe(one);
    expect(openLedgers()).toHaveLength(2);
  });

  it("is in memory where policy redis names no Redis", async () => {
    const ledger = open({ policy: "redis" });
    expect(ledger?.policy).toBe("local");
    await ledger?.enter(entry());
    expect(await ledger?.read(span)).toHaveLength(1);
  });

  it("keeps what comes while Redis is away, and enters it once when it is back", async () => {
    const patient = { connect_timeout_ms: 20_000, command_timeout_ms: 20_000 };
    const ledger = open({ policy: "redis", redis: { url: redis.url, ...patient } })!;
    await ledger.enter(entry());
    await redis.stop();
    const late = Array.from({ length: 500 }, entry);
    await Promise.all(late.map(ledger.enter));
    await Promise.all(late.slice(0, 10).map(ledger.enter));
    const before = await counted("entered");
    await redis.restart();
    await expect.poll(async () => (await counted("entered")) - before).toBe(500);
    const rows = await ledger.read(span);
    expect(rows.map(({ amounts }) => amounts)).toEqual([{ ...amountsOf([]), requests: 500 }]);
    await expect.poll(() => counted("again")).toBe(10);
  });
});
