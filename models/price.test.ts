import { describe, expect, it } from "vitest";
import { costOf, priceTable } from "./price";

const price = (model: string, usd: number) => ({
  model,
  input_usd_per_mtok: usd,
  output_usd_per_mtok: usd,
});
const usage = { input_tokens: 1000, output_tokens: 500, cached_input_tokens: 400 };

describe("price", () => {
  it("is that of the first pattern that matches", () => {
    const priceOf = priceTable([price("gpt-4.1-mini", 1), price("gpt-*", 8), price("*", 20)]);
    expect(
      ["gpt-4.1-mini", "gpt-4.1", "o3"].map((name) => priceOf(name)?.input_usd_per_mtok),
    ).toEqual([1, 8, 20]);
  });

  it("is unknown for a model that no pattern matches", () => {
    expect(priceTable([price("gpt-4.1", 8)])("gpt-4.1-mini")).toBeUndefined();
  });

  it("makes the cost of each kind of token, per million", () => {
    const prices = {
      input_usd_per_mtok: 2,
      output_usd_per_mtok: 8,
      cached_input_usd_per_mtok: 0.5,
    };
    expect(costOf(usage, prices)).toBe((600 * 2 + 400 * 0.5 + 500 * 8) / 1e6);
  });

  it("takes cached input at the input price where it has none of its own", () => {
    expect(costOf(usage, price("gpt-4.1", 8))).toBe(0.012);
  });

  it("gives numbers that read well", () => {
    const three = { input_tokens: 3, output_tokens: 0, cached_input_tokens: 0 };
    expect(3 * 0.1).not.toBe(0.3);
    expect(costOf(three, price("small", 0.1))).toBe(0.0000003);
  });
});
