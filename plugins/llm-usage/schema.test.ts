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

  it("works without any option", () => {
    expect(usageOptions.parse({})).toEqual({ log: true, prices: [], metrics_models: [] });
  });

  it("describes every option in a length that Kong takes", () => {
    for (const [name, { description = "" }] of described(Schema)) {
      expect(description.length, name).toBeGreaterThanOrEqual(10);
      expect(description.length, name).toBeLessThanOrEqual(500);
    }
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
