import { describe, expect, it } from "vitest";
import { standsForModel } from "./unnamed-model";

describe("openai", () => {
  describe("what stands for a model", () => {
    it.each([
      ["responses", { prompt: { id: "pmpt_1" } }, 'the stored prompt "pmpt_1"'],
      ["responses", { model: null, prompt: { id: "pmpt_1" } }, 'the stored prompt "pmpt_1"'],
      ["moderations", { input: "x" }, "the model that the API chooses"],
    ])("on %s with %j is %s", (endpoint, fields, words) => {
      expect(standsForModel(endpoint, fields)).toBe(words);
    });

    it.each([
      ["responses", { model: "gpt-4", prompt: { id: "pmpt_1" } }],
      ["responses", { model: "", prompt: { id: "pmpt_1" } }],
      ["responses", { prompt: { id: 1 } }],
      ["responses", { prompt: "pmpt_1" }],
      ["responses", { input: "x" }],
      ["chat/completions", { prompt: { id: "pmpt_1" } }],
      ["other", {}],
    ])("on %s with %j is nothing", (endpoint, fields) => {
      expect(standsForModel(endpoint, fields)).toBeUndefined();
    });
  });
});
