import { describe, expect, it } from "vitest";
import { pricesOver } from "../../models/catalogue";
import type { Price } from "../../models/price";
import type { Outcome } from "../../stages/outcome";
import type { Choice, Ticket } from "../../stages/ticket";
import { accountOf } from "./account";
import { dayIn } from "./ledger-day";
import { entryOf } from "./ledger-entry";
import { type LedgerOptions, ledgerMembers } from "./ledger-options";

const price = (usd: number): Price => ({ input_usd_per_mtok: usd, output_usd_per_mtok: usd });
const own = [
  { model: "cheap", ...price(0.42) },
  { model: "dear", ...price(8) },
];
const books = { priceOf: pricesOver(own), labels: new Set(["cheap"]) };
const listed: Record<string, Price> = { cheap: price(2) };
const usage = {
  ...{ prompt_tokens: 1000, completion_tokens: 500 },
  prompt_tokens_details: { cached_tokens: 200 },
  completion_tokens_details: { reasoning_tokens: 30 },
};

function entered(
  change: Partial<Outcome> = {},
  ticket: Partial<Ticket> = {},
  by: LedgerOptions["by"] = [...ledgerMembers],
) {
  const outcome: Outcome = {
    ticket: {
      ...{ id: "0123", started_at: 1000, method: "POST", endpoint: "chat/completions" },
      ...{ stream: false, consumer: "app", stages: {} },
      model: { requested: "best", served: "cheap", label: "cheap" },
      ...ticket,
    },
    ...{ status: 200, source: "service", content_type: "application/json" },
    body: Buffer.from(JSON.stringify({ usage })),
    ...{ complete: true, truncated: false },
    started_at: 1000,
    first_byte_at: 1500,
    ended_at: Date.parse("2026-01-31T16:00:00Z"),
    ...change,
  };
  const attributed = { team: "team-a", provider: "llm-upstream", tags: { feature: "search" } };
  return entryOf(outcome, accountOf(outcome, {}, books), attributed, {
    ...{ priceOf: books.priceOf, listPriceOf: (model: string) => listed[model], by },
    dayOf: dayIn("Asia/Seoul"),
  });
}

/** What is not 0. */
const amountsOf = (...asked: Parameters<typeof entered>) =>
  Object.fromEntries(Object.entries(entered(...asked).amounts).filter(([, amount]) => amount));

describe("llm-usage › an entry of the ledger", () => {
  it("says who has used what, on the day of the ledger's time zone", () => {
    expect(entered()).toMatchObject({
      ...{ id: "0123", day: "2026-02-01", started_at: 1000, consumer: "app" },
      row: {
        ...{ team: "team-a", end_user: "", model: "cheap", provider: "llm-upstream" },
        ...{ endpoint: "chat/completions", tags: { feature: "search" } },
      },
    });
  });

  it("tells apart what the options ask for, and no more", () => {
    expect(entered({}, {}, ["model"]).row).toEqual({
      ...{ team: null, end_user: null, model: "cheap", provider: null, endpoint: null },
      tags: {},
    });
  });

  it("has a coarse row without what clients can make up", () => {
    const model = { requested: "made-up", served: "made-up", label: "other" };
    expect(entered({}, { model }).coarse).toMatchObject({ model: "other", tags: {} });
  });

  it("counts tokens of each kind, the cost to the nano-dollar, and the list price", () => {
    expect(amountsOf()).toEqual({
      ...{ requests: 1, input_tokens: 1000, cached_input_tokens: 200 },
      ...{ output_tokens: 500, reasoning_tokens: 30 },
      ...{ cost: 630_000, list_cost: 3_000_000 },
    });
  });

  it("says of a model without a list price that nothing is saved against it", () => {
    const { cost, list_cost } = amountsOf(
      {},
      { model: { requested: "x", served: "dear", label: "x" } },
    );
    expect([cost, list_cost]).toEqual([12_000_000, 12_000_000]);
  });

  it("counts a hit and what it saved", () => {
    expect(amountsOf({ source: "cache" })).toEqual({
      ...{ requests: 1, hits: 1, saved_by_cache: 630_000 },
    });
  });

  it("counts what another choice of the model has saved, or cost", () => {
    const named = { requested: "auto", name: "auto", models: [], tier: "small" };
    const chosen: Choice = { ...named, reason: "difficulty" };
    expect(amountsOf({}, { choice: { ...chosen, baseline: "dear" } }).saved_by_routing).toBe(
      11_370_000,
    );
    const model = { requested: "x", served: "dear", label: "x" };
    expect(
      amountsOf({}, { model, choice: { ...chosen, baseline: "cheap" } }).saved_by_routing,
    ).toBe(-11_370_000);
    const dry = { choice: { ...chosen, baseline: "dear", dry_run: true } } as const;
    expect(amountsOf({}, dry).saved_by_routing).toBe(undefined);
  });

  it("says nothing of what is saved where the cost itself is not known", () => {
    const flex = Buffer.from(JSON.stringify({ usage, service_tier: "flex" }));
    const named = { requested: "auto", name: "auto", models: [], tier: "small" };
    const choice: Choice = { ...named, reason: "difficulty", baseline: "dear" };
    const { cost, list_cost, saved_by_routing, unpriced } = amountsOf({ body: flex }, { choice });
    expect([cost, list_cost, saved_by_routing, unpriced]).toEqual([
      ...[undefined, undefined, undefined, 1],
    ]);
    const model = { requested: "new", served: "new", label: "other" };
    expect(amountsOf({}, { model, choice })).not.toHaveProperty("saved_by_routing");
  });

  it("tells what failed, what was estimated and what has no price", () => {
    expect(amountsOf({ status: 429, source: "gateway" })).toEqual({ requests: 1, failed: 1 });
    const model = { requested: "new", served: "new", label: "other" };
    expect(amountsOf({}, { model })).toMatchObject({ unpriced: 1, input_tokens: 1000 });
    expect(amountsOf({ body: Buffer.from('{"choices":[{"text":"hello"}]}') })).toMatchObject({
      estimated: 1,
    });
  });
});
