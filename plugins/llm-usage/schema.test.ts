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
    expect(usageOptions.parse({})).toMatchObject({
      ...{ log: true, prices: [], metrics_models: [], tags: [] },
      ledger: { policy: "none", retain_days: 400, time_zone: "UTC" },
    });
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
    ["a tag that nobody can say", { tags: [{ name: "feature" }] }],
    ["a tag twice", { tags: ["x-a", "x-b"].map((header) => ({ name: "a", header })) }],
    ["a tag within a tag within a tag", { tags: [{ name: "a", member: "a.b.c" }] }],
    ["a place that is none", { ledger: { time_zone: "Asia/Nowhere" } }],
    ["a policy that YAML reads as false", { ledger: { policy: "off" } }],
  ])("refuses %s", (_, config) => {
    expect(usageOptions.safeParse(config).success).toBe(false);
  });
});
