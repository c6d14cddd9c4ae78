import { describe, expect, it } from "vitest";
import { opensModels, otherModels } from "./request-models";

describe("openai", () => {
  describe("the models that a request names beside its own", () => {
    it.each([
      [{ model: "a" }, []],
      [{ models: ["a", "b", "a"] }, ["a", "b"]],
      [{ fallbacks: ["a", { model: "b", api_base: "x" }] }, ["a", "b"]],
      [{ fallbacks: [{ "gpt-4o": ["a", "b"] }] }, ["a", "b"]],
      [{ context_window_fallbacks: [{ a: ["b"] }], content_policy_fallbacks: ["c"] }, ["b", "c"]],
      [{ tools: [{ type: "image_generation", model: "a" }, { type: "function" }, null] }, ["a"]],
      [{ models: [1, null], tools: "x" }, []],
    ])("of %j are %j", (fields, models) => {
      expect(otherModels(fields)).toEqual(models);
    });

    it("are not known where a list of them is none", () => {
      expect(opensModels({ models: "default" })).toBe("models");
      expect(opensModels({ fallbacks: { a: ["b"] } })).toBe("fallbacks");
      expect(opensModels({ models: ["a"], fallbacks: null })).toBeUndefined();
    });
  });
});
