// What Kong 3.9.3 and decK ask of every plugin's schema, as observed on a real Kong.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { PluginModule } from "../kong/define-plugin";
import { order } from "../kong/order";
import type { KongField } from "../kong/schema-fields";

const directory = join(__dirname, "../plugins");
const names = readdirSync(directory);

interface Named {
  path: string;
  field: KongField;
}

function allFields(fields: Record<string, KongField>[], prefix = ""): Named[] {
  return fields.flatMap((entry) =>
    Object.entries(entry).flatMap(([name, field]) => [
      { path: prefix + name, field },
      ...allFields(field.fields ?? [], `${prefix}${name}.`),
      ...allFields(field.elements?.fields ?? [], `${prefix}${name}[].`),
    ]),
  );
}

describe("every plugin's folder", () => {
  it("has a place in the order, and the other way round", () => {
    expect(names).toEqual(Object.keys(order).sort());
  });
});

describe.each(names)("the schema of %s", async (name) => {
  const plugin: PluginModule = await import(join(directory, name, "index.ts"));
  const fields = allFields(plugin.Schema);

  it("belongs to the plugin of its folder", () => {
    expect(plugin.Name).toBe(name);
    expect(plugin.Version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it("describes every option in 10 to 500 characters", () => {
    const wrong = fields.filter(({ field }) => {
      const length = field.description?.length ?? 0;
      return length < 10 || length > 500;
    });
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  it("calls no option what YAML turns into a boolean", () => {
    const last = fields.map(({ path }) => path.replace(/.*\./, "").replace("[]", ""));
    expect(last.filter((option) => /^(y|n|on|off|yes|no)$/i.test(option))).toEqual([]);
  });

  it("gives every option a static default, or lets it be left out, or demands it", () => {
    const unset = fields.filter(({ field }) => field.required === undefined);
    expect(unset.map(({ path }) => path)).toEqual([]);
    const records = fields.filter(({ field }) => field.type === "record" || field.type === "map");
    expect(records.filter(({ field }) => field.default !== undefined)).toEqual([]);
  });

  it("has no default over 14 significant digits, which decK would see as a difference", () => {
    for (const { field } of fields) {
      if (typeof field.default !== "number") continue;
      expect(Number(field.default.toPrecision(14))).toBe(field.default);
    }
  });
});
