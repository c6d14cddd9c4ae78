import { describe, expect, it } from "vitest";
import type { Price } from "../../models/price";
import type { Exchange } from "../../stages/exchange";
import type { Choice } from "../../stages/ticket";
import { choosing } from "../../test/support/choosing";
import type { Limit } from "./limit";
import { otherChoice } from "./other-choice";

const usd: Record<string, number> = { cheap: 1, middling: 5, dear: 10 };
const priceOf = (model: string): Price | undefined => {
  const rate = usd[model];
  if (rate === undefined) return undefined;
  return { input_usd_per_mtok: rate, output_usd_per_mtok: rate };
};

const exchangeOf = (names: string[], more: Partial<Choice> = {}) =>
  choosing(
    names.map((name) => [name, "tier"]),
    more,
  );

const dollars: Limit = { measure: "cost_usd", window: "month", most: 1 };
const requests: Limit = { measure: "requests", window: "minute", most: 1 };
const all = ["dear", "unpriced", "middling", "cheap"];

function otherFor(
  full: Limit[],
  {
    exchange = exchangeOf(all),
    model = "dear",
    tried = [] as string[],
  }: { exchange?: Exchange; model?: string; tried?: string[] } = {},
) {
  const output = { wanted: 100, least: 100 };
  const demand = { inputTokens: 100, output, answers: 1 };
  return otherChoice({ model, demand, full }, exchange, { priceOf }, new Set(tried));
}

describe("llm-rate-limit", () => {
  describe("behind a choice, where a limit is full", () => {
    it("goes on with the next model that costs less where dollars are lacking", () => {
      expect(otherFor([dollars])).toBe("middling");
      expect(otherFor([dollars], { tried: ["middling"] })).toBe("cheap");
    });

    it("goes on with the next of all where only the model's own limit is full", () => {
      expect(otherFor([{ ...requests, model: "dear" }])).toBe("unpriced");
    });

    it.each([
      ["none costs less", [dollars], { model: "cheap" }],
      ["the limit counts requests of all models", [requests], {}],
      ["one of several limits does", [dollars, requests], {}],
      ["all were tried", [dollars], { tried: all }],
      ["the choice only reports", [dollars], { exchange: exchangeOf(all, { dry_run: true }) }],
    ])("refuses where %s", (_, full, more) => {
      expect(otherFor(full, more)).toBeUndefined();
    });
  });
});
