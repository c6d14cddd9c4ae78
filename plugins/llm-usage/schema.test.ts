import { describe, expect, it } from "vitest";
import type { KongField } from "../../kong/schema-fields";
import { Name, Priority, Schema } from ".";
import { usageOptions } from "./schema";

function described(fields: Record<string, KongField>[]): [string, KongField][] {
  return fields.flatMap((one) =>
    Object.entries(one).flatMap(([name, field]) => [
      [name, field] as [string, KongField],
      ...described(field.fields ?? field.elements?.fields ?? []),
    ]),
  );
}

describe("llm-usage", () => {
  it("stands before all plugins of ours that may refuse", () => {
    expect([Name, Priority]).toEqual(["llm-usage", 945]);
  });

  it("works without any option, with the prices of the guides", () => {
    const { log, prices, metrics_models } = usageOptions.parse({});
    expect([log, metrics_models]).toEqual([true, []]);
    expect(prices.map(({ model, output_usd_per_mtok }) => [model, output_usd_per_mtok])).toEqual([
      ["gpt-4.1", 8],
      ["claude-sonnet-4*", 15],
      ["gemini-2.5-flash", 2.5],
      ["deepseek-v3.2", 0.42],
    ]);
  });

  it("describes every option in a length that Kong takes", () => {
    for (const [name, { description = "" }] of described(Schema)) {
      expect(description.length, name).toBeGreaterThanOrEqual(10);
      expect(description.length, name).toBeLessThanOrEqual(500);
    }
  });

  // An incomplete record in a default array shows up in every deck diff.
  it("gives every default price all its members", () => {
    const prices = described(Schema).find(([name]) => name === "prices")?.[1];
    const members = prices?.elements?.fields?.flatMap((one) => Object.keys(one));
    const given = prices?.default as object[] | undefined;
    expect(given?.map((price) => Object.keys(price))).toEqual(Array(4).fill(members));
  });

  it.each([
    [
      "a negative price",
      { prices: [{ model: "*", input_usd_per_mtok: -1, output_usd_per_mtok: 1 }] },
    ],
    ["a price without a model", { prices: [{ input_usd_per_mtok: 1, output_usd_per_mtok: 1 }] }],
    ["an empty model name", { metrics_models: [""] }],
  ])("refuses %s", (_, config) => {
    expect(usageOptions.safeParse(config).success).toBe(false);
  });
});
