// What Kong 3.9.3 and decK ask of every plugin's schema, as observed on a real Kong.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { PluginModule } from "../kong/define-plugin";
import { order } from "../kong/order";
import { entityChecks, type KongField, schemaFields } from "../kong/schema-fields";
import { gatewayOptions } from "../plugins/llm-gateway/schema";
import { rateLimitOptions } from "../plugins/llm-rate-limit/schema";
import { completeConfig } from "../stand-in/kong/plugin-schema";

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

describe("what options must be together", () => {
  const alias = (more: object) => ({ models: { aliases: [{ name: "a", ...more }] } });
  const limited = (more: object) => ({ rate_limit: { models: [{ match: "m", ...more }] } });
  const leveled = (more: object) => ({ rate_limit: { levels: [{ by: "everybody", ...more }] } });
  const tiered = (more: object) => ({ rate_limit: { tiers: [more] } });
  const redis = (more: object) => ({ cache: { redis: more } });
  const sentinels = { sentinel_nodes: ["s:26379"], sentinel_master: "m" };
  const cluster = { cluster_nodes: ["c:6379"] };

  it.each<[string, object]>([
    ["an alias without a model", alias({})],
    ["an alias with an empty target", alias({ target: "" })],
    ["an alias with both", alias({ target: "m", targets: [{ model: "m" }] })],
    ["a fallback without its model", limited({ on_exceeded: "fallback" })],
    ["a model for a fallback that is none", limited({ fallback: "m" })],
    ["a level that limits nothing", leveled({ names: ["a"], requests: {} })],
    ["a tier for everybody", tiered({ requests: { minute: 1 } })],
    ["limits by no header", { rate_limit: { limit_by: "header" } }],
    ["a header that limits nothing", { rate_limit: { header_name: "x-team" } }],
    ["two places of a Redis", redis({ ...sentinels, ...cluster })],
    ["a host beside a Cluster", redis({ host: "r", ...cluster })],
    ["Sentinels without a name", redis({ sentinel_nodes: ["s:26379"] })],
    ["a name without Sentinels", redis({ sentinel_master: "m" })],
    ["another database of a Cluster", redis({ ...cluster, database: 1 })],
  ])("is refused by Kong and by us: %s", (_, config) => {
    expect(gatewayOptions.safeParse(config).success).toBe(false);
    expect(() => completeConfig(schema(gatewayOptions), config)).toThrow();
  });

  it.each<[string, object]>([
    ["nothing at all", {}],
    ["a target", alias({ target: "m" })],
    ["targets", alias({ targets: [{ model: "m" }] })],
    ["a fallback with its model", limited({ on_exceeded: "fallback", fallback: "m" })],
    ["a level with one limit", leveled({ cost_usd: { month: 1 } })],
    ["a tier for a tag", tiered({ tags: ["gold"] })],
    ["limits by a header", { rate_limit: { limit_by: "header", header_name: "x-team" } }],
    ["Sentinels", redis(sentinels)],
    ["a Cluster", redis(cluster)],
    ["a database of a host", redis({ host: "r", database: 1 })],
  ])("is taken by both, and stays as it was written: %s", (_, config) => {
    expect(gatewayOptions.safeParse(config).success).toBe(true);
    const stored = completeConfig(schema(gatewayOptions), config);
    expect(stored).toMatchObject(config);
    expect(completeConfig(schema(gatewayOptions), stored)).toEqual(stored);
  });

  it("holds for options that are a plugin's whole config, too", () => {
    const config = { limit_by: "header" };
    expect(rateLimitOptions.safeParse(config).success).toBe(false);
    expect(() => completeConfig(schema(rateLimitOptions), config)).toThrow(/header_name must/);
  });
});

function schema(options: Parameters<typeof schemaFields>[0]) {
  return { fields: schemaFields(options), entity_checks: entityChecks(options) };
}
