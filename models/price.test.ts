import { describe, expect, it } from "vitest";
import { priceTable } from "./price";

const price = (model: string, usd: number) => ({
  ...{ model, input_usd_per_mtok: usd, output_usd_per_mtok: usd },
});

describe("price", () => {
  it("is that of the first pattern that matches", () => {
    const priceOf = priceTable([price("gpt-4.1-mini", 1), price("gpt-*", 8), price("*", 20)]);
    expect(
      ["gpt-4.1-mini", "gpt-4.1", "o3"].map((name) => priceOf(name)?.input_usd_per_mtok),
    ).toEqual([1, 8, 20]);
  });

  it("is that of a provider's models where it is the first that matches", () => {
    const priceOf = priceTable([price("b/gpt-*", 1), price("gpt-*", 8), price("c/*", 3)]);
    const asked = ["a", "b", "c", undefined];
    expect(asked.map((one) => priceOf("gpt-4.1", one)?.input_usd_per_mtok)).toEqual([8, 1, 8, 8]);
    expect(priceOf("o3", "c")?.input_usd_per_mtok).toBe(3);
  });

  it("is unknown for a model that no pattern matches", () => {
    expect(priceTable([price("gpt-4.1", 8)])("gpt-4.1-mini")).toBeUndefined();
  });
});
