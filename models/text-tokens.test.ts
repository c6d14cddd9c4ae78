import { describe, expect, it } from "vitest";
import { textTokens } from "./text-tokens";

describe("text-tokens", () => {
  it.each([
    ["English: four characters", "four words of text..", 5],
    ["Korean: a character", "안녕하세요", 5],
    ["Japanese: a character", "こんにちは", 5],
    ["Russian: two characters", "да", 1],
    ["an emoji: two of them", "🎉", 2],
    ["nothing: none", "", 0],
  ])("takes a token for %s", (_, text, tokens) => {
    expect(textTokens(text)).toBe(tokens);
  });

  it("counts each script of a mixed text by its own rule", () => {
    expect(textTokens("hi, 세계")).toBe(1 + 2);
  });
});
