import { describe, expect, it } from "vitest";
import { bareName, isModelName, nameInHeader, wellFormed } from "./name";

describe("models", () => {
  describe("the name of a model", () => {
    it.each([
      ["o3", "o3"],
      ["gpt-4.1", "gpt-4.1"],
      ["openai/o3", "o3"],
      ["openai/o3:free", "o3:free"],
      ["openrouter/openai/gpt-5-mini", "gpt-5-mini"],
      ["ft:o3-mini:team:tone:id", "o3-mini"],
      ["openai/ft:gpt-4o-2024-08-06:team::id", "gpt-4o-2024-08-06"],
      ["us.anthropic.claude-opus-4-7-v1:0", "claude-opus-4-7-v1:0"],
      ["us-gov.anthropic.claude-opus-4-7-v1:0", "claude-opus-4-7-v1:0"],
      ["openai:o3-mini", "o3-mini"],
      ["google-gla:gemini-2.5-pro", "gemini-2.5-pro"],
      ["gpt-oss:20b", "gpt-oss:20b"],
      ["deepseek-r1:7b", "deepseek-r1:7b"],
      ["accounts/fireworks/models/DeepSeek-R1", "deepseek-r1"],
      ["qwen2.5-coder", "qwen2.5-coder"],
      ["databricks-claude-opus-4-7", "claude-opus-4-7"],
      ["anthropic--claude-4.7-opus", "claude-4.7-opus"],
    ])("of %s is %s", (model, bare) => {
      expect(bareName(model)).toBe(bare);
    });

    it.each(["gpt-4.1", "深度求索/chat", "한국어 모델", "gpt-4（官方）", "a b", "x".repeat(200)])(
      "may be %j",
      (name) => {
        expect(isModelName(name)).toBe(true);
      },
    );

    it.each([
      ...["", " gpt", "gpt ", "gpt\n", "gpt\u0000", "gpt\u200b-4", "gpt\u00a04", "\ud800"],
      ...["ｇｐｔ-4.1", "gpt-４", "x".repeat(201), null, 4, undefined],
    ])("is not %j", (name) => {
      expect(isModelName(name)).toBe(false);
    });

    it.each([
      ["gpt-4.1", "gpt-4.1"],
      ["深度/chat", "%E6%B7%B1%E5%BA%A6/chat"],
      ["50%", "50%25"],
      ["a b", "a b"],
    ])("%s stands in a header as %s", (name, spelt) => {
      expect(nameInHeader(name)).toBe(spelt);
      expect(decodeURIComponent(spelt)).toBe(name);
    });

    it("stands in a header though it was cut in the middle of a character", () => {
      const cut = "a😀".slice(0, 2);
      expect(wellFormed(cut)).toBe("a\ufffd");
      expect(nameInHeader(cut)).toBe("a%EF%BF%BD");
      expect(wellFormed("a😀")).toBe("a😀");
    });
  });
});
