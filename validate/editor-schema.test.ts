import { describe, expect, it } from "vitest";
import { z } from "zod";
import { editorSchemas } from "./editor-schema";

const options = z.object({
  policy: z.enum(["local", "redis"]).default("local").describe("Where it is kept."),
  aliases: z.array(z.object({ name: z.string() })).default([]),
});
const schemas = editorSchemas(new Map([["llm-some", options]]));
// zod reads JSON Schema back, all but the conditions by which a plugin's name chooses its options.
const unconditional = editorSchemas(new Map());
const kongYaml = z.fromJSONSchema(unconditional["kong.schema.json"] as never);
const kongPlugin = z.fromJSONSchema(unconditional["kongplugin.schema.json"] as never);

describe("kong", () => {
  describe("the schemas for editors", () => {
    const withField = (field: object) => ({
      _format_version: "3.0",
      services: [{ name: "a", url: "http://a", routes: [{ paths: ["/"], ...field }] }],
    });

    it("take what Kong takes, and no field that it does not know", () => {
      expect(kongYaml.safeParse(withField({ strip_path: false })).success).toBe(true);
      expect(kongYaml.safeParse(withField({ strip_paht: false })).success).toBe(false);
      expect(kongYaml.safeParse({ services: [] }).success).toBe(false);
    });

    it("describe the options of a plugin where it is named, at every level closed", () => {
      const { $defs } = schemas["kong.schema.json"] as unknown as {
        $defs: { plugin: { allOf: unknown[] } };
      };
      expect($defs.plugin.allOf).toEqual([
        {
          if: { properties: { name: { const: "llm-some" } }, required: ["name"] },
          // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so
          then: {
            properties: {
              config: {
                type: "object",
                properties: {
                  policy: {
                    type: "string",
                    enum: ["local", "redis"],
                    default: "local",
                    description: "Where it is kept.",
                  },
                  aliases: {
                    type: "array",
                    default: [],
                    items: {
                      type: "object",
                      properties: { name: { type: "string" } },
                      required: ["name"],
                      additionalProperties: false,
                    },
                  },
                },
                additionalProperties: false,
              },
            },
          },
        },
      ]);
    });

    it("let the metadata of Kubernetes alone", () => {
      const object = {
        apiVersion: "v1",
        kind: "KongPlugin",
        metadata: {},
        plugin: "x",
        config: {},
      };
      expect(kongPlugin.safeParse(object).success).toBe(true);
    });
  });
});
