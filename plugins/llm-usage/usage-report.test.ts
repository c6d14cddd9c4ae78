import { describe, expect, it } from "vitest";
import { amountsOf, type Row } from "./ledger";
import { isReportMember, report, total } from "./usage-report";

function row(day: string, cost: number, tags: Record<string, string> = {}): Row {
  const names = { team: null, end_user: null, model: "m", provider: null, endpoint: null };
  const amounts = { ...amountsOf([]), requests: 1, cost };
  return { day, consumer: "app", ...names, tags, amounts };
}

describe("llm-usage › a report", () => {
  it("tells rows apart by a tag, whatever it is called", () => {
    const rows = [row("2026-01-01", 5, { constructor: "a" }), row("2026-01-01", 7)];
    expect(report(rows, ["tag:constructor"]).map(({ names }) => names)).toEqual([[""], ["a"]]);
    expect(isReportMember("tag:__proto__")).toBe(false);
  });

  it("has sums beyond what a number holds exactly", () => {
    const most = Number.MAX_SAFE_INTEGER;
    const rows = [row("2026-01-01", most), row("2026-01-02", most), row("2026-02-01", 1)];
    expect(total(rows).cost).toBe(2n * BigInt(most) + 1n);
    expect(report(rows, ["month"]).map(({ names, sums }) => [names[0], sums.cost])).toEqual([
      ["2026-01", 2n * BigInt(most)],
      ["2026-02", 1n],
    ]);
  });
});
