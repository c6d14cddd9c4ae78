import { describe, expect, it } from "vitest";
import { modelGlob } from "./glob";

describe("model-glob", () => {
  it.each([
    ["gpt-4", "gpt-4", true],
    ["gpt-4", "gpt-4.1", false],
    ["gpt-4", "GPT-4", false],
    ["claude*", "claude", true],
    ["claude*", "claude-sonnet-4", true],
    ["claude*", "my-claude", false],
    ["*-mini", "gpt-4.1-mini", true],
    ["*-mini", "-min", false],
    ["gpt-*-mini", "gpt-4.1-mini", true],
    ["gpt-*-mini", "gpt-mini", false],
    ["*flash*", "gemini-2.5-flash-lite", true],
    ["a*b*a", "aba", true],
    ["a*b*a", "ab", false],
    ["ab*ba", "aba", false],
    ["*a*ab*b", "aabb", true],
    ["*", "", true],
    ["**", "anything", true],
    ["", "", true],
    ["", "gpt-4", false],
    ["gpt.4", "gptx4", false],
    ["(a+)+$", "(a+)+$", true],
    ["[a-z]?\\d", "a1", false],
  ])("%j against %j is %s", (pattern, name, expected) => {
    expect(modelGlob(pattern)(name)).toBe(expected);
  });

  it("answers a hostile pattern on a hostile name without trying twice", () => {
    const matches = modelGlob(`${"*a".repeat(2000)}*b*`);
    expect(matches("a".repeat(100_000))).toBe(false);
  });
});
