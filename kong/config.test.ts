import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readConfig } from "./config";

const options = z.object({
  names: z.array(z.string()).default(["a"]),
  rules: z.array(z.object({ models: z.array(z.string()).default([]) })).default([]),
  inner: z.object({ size: z.int().default(1) }).prefault({}),
  limit: z.int().optional(),
});

describe("a config as Kong hands it over", () => {
  it("loses Kong's own keys at every level", () => {
    const config = {
      ...{ __plugin_id: "1", __seq__: 7, $refs: { names: "{vault://env/x}" }, service_id: "2" },
      inner: { $refs: {}, size: 3 },
    };
    expect(readConfig(options, config)).toEqual({ names: ["a"], rules: [], inner: { size: 3 } });
  });

  it("takes an explicit null for not set", () => {
    expect(readConfig(options, { limit: null, names: null })).toEqual(readConfig(options, {}));
  });

  it("takes Lua's empty table for an empty array and for an empty record", () => {
    const config = { names: {}, rules: [{ models: {} }], inner: [] };
    expect(readConfig(options, config)).toEqual({
      names: [],
      rules: [{ models: [] }],
      inner: { size: 1 },
    });
  });

  it("does not take a table that holds something for an array", () => {
    expect(() => readConfig(options, { names: { a: "b" } })).toThrow("expected array");
    expect(() => readConfig(options, 7)).toThrow("expected object");
  });
});
