import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Entry, RowName } from "../plugins/llm-usage/ledger";
import { dayIn } from "../plugins/llm-usage/ledger-day";
import { ledgerInRedis } from "../plugins/llm-usage/ledger-in-redis";
import { closeConnections, connectionTo } from "../redis/connection";
import { redisOptions } from "../redis/options";
import { startRedis, type TestRedis } from "../test/support/redis";
import { addUsage } from "./usage";

let redis: TestRedis;
const prefix = `command-${process.pid}`;
const keeping = { retainDays: 400, mostRows: 1000, dayOf: dayIn("UTC") };

let ids = 0;
function entry(day: string, consumer: string, model: string, cost: number, feature = ""): Entry {
  const row: RowName = {
    ...{ team: "team-x", end_user: null, model, provider: "p", endpoint: "messages" },
    tags: {},
    ...(feature !== "" && { tags: { feature } }),
  };
  const amounts = { requests: 1, input_tokens: 1000, output_tokens: 10, cost, list_cost: 2 * cost };
  return { id: `${++ids}`, day, started_at: 0, consumer, row, coarse: row, amounts };
}

beforeAll(async () => {
  redis = await startRedis({ shared: true });
  const slow = { connect_timeout_ms: 10_000, command_timeout_ms: 10_000 };
  const options = redisOptions.parse({ url: redis.url, prefix, ...slow });
  const ledger = ledgerInRedis(connectionTo(options)!, prefix, keeping);
  await ledger.enter(entry("2026-01-30", "app", "gpt-4.1", 12_000_000, "=search()"));
  await ledger.enter(entry("2026-01-30", "app", "gpt-4.1", 1));
  await ledger.enter(entry("2026-01-31", "bot", "deepseek", 630_000, "chat"));
  await ledger.enter(entry("2026-02-01", "app", "deepseek", 1_000_000_000));
  closeConnections();
}, 60_000);
afterAll(() => redis.stop());

async function run(...words: string[]): Promise<string> {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
    addUsage(program);
    for (const command of program.commands) command.exitOverride();
    const flags = ["--redis-url", redis.url, "--prefix", prefix];
    await program.parseAsync(["usage", ...words, ...flags], { from: "user" });
    return write.mock.calls.map(([text]) => text).join("");
  } finally {
    write.mockRestore();
  }
}

const january = ["--from", "2026-01-01", "--to", "2026-01-31"];

describe("llm-usage › kong-llm usage", () => {
  it("prints who has used what, the dearest first, and the sum", async () => {
    expect(await run(...january)).toBe(
      [
        "2026-01-01 to 2026-01-31",
        "consumer  model     requests  input  output       cost $  at list price $",
        "app       gpt-4.1          2   2000      20  0.012000001      0.024000002",
        "bot       deepseek         1   1000      10      0.00063          0.00126",
        "total                      3   3000      30  0.012630001      0.025260002",
        "",
      ].join("\n"),
    );
  });

  it("tells apart what is asked for, by time where that is first", async () => {
    const span = ["--from", "2026-01-01", "--to", "2026-02-28"];
    const months = await run(...span, "--by", "month,team", "--consumer", "app");
    expect(months.match(/^2026-0\d +\S+ +\d/gm)).toEqual([
      "2026-01  team-x         2",
      "2026-02  team-x         1",
    ]);
    const features = JSON.parse(await run(...january, "--by", "tag:feature", "--format", "json"));
    expect(features.rows).toMatchObject([
      { "tag:feature": "=search()", requests: 1, cost_usd: "0.012" },
      { "tag:feature": "chat", cost_usd: "0.00063" },
      { "tag:feature": "", cost_usd: "0.000000001" },
    ]);
    expect(features.total).toMatchObject({ requests: 3, cost_usd: "0.012630001" });
  });

  it("finds no tag that nobody has sent, whatever its name", async () => {
    const rows = JSON.parse(await run(...january, "--by", "tag:constructor", "--format", "json"));
    expect(rows.rows).toMatchObject([{ "tag:constructor": "" }]);
  });

  it("is a spreadsheet's CSV, in which nothing that a client wrote is a formula", async () => {
    const csv = await run(...january, "--by", "consumer,tag:feature", "--format", "csv");
    const [head, first] = csv.split("\r\n");
    expect(head).toMatch(/^consumer,tag:feature,requests,failed,hits,.*,cost_usd,list_cost_usd,/);
    expect(first).toMatch(/^app,'=search\(\),1,0,0,.*,0\.012,0\.024,/);
  });

  it("shows the cost in another currency, rounded once", async () => {
    const krw = ["--currency", "KRW", "--rate", "1400"];
    const shown = await run(...january, "--by", "day", ...krw);
    expect(shown).toContain("1 USD = 1400 KRW");
    expect(shown).toMatch(/^total .* 18$/m);
    await expect(run(...january, "--currency", "KRW")).rejects.toThrow("--rate 1400");
  });

  it("closes a month that has ended, once", async () => {
    expect(await run("close", "2026-01")).toBe("2026-01 is closed\n");
    expect(await run("close", "2026-01")).toMatch(/^2026-01 is closed since \d{4}-/);
    expect(await run(...january)).toContain("2026-01 is closed since ");
    const thisMonth = dayIn("UTC")(Date.now()).slice(0, 7);
    await expect(run("close", thisMonth)).rejects.toThrow(`${thisMonth} has not ended yet`);
  });

  it("says what is wrong with a flag", async () => {
    await expect(run("--from", "2026-02-30")).rejects.toThrow("give it as 2026-01-31");
    for (const days of ["abc", "0", "-1", "1e3"]) {
      const closing = run("close", "2020-01", "--retain-days", days);
      await expect(closing).rejects.toThrow("give a number of days");
    }
    await expect(run("--by", "consumer,price")).rejects.toThrow("there is no price");
    await expect(run("--from", "2026-02-01", "--to", "2026-01-01")).rejects.toThrow("is after");
  });
});
