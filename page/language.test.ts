import { describe, expect, it } from "vitest";
import { preferredLanguage } from "./language";
import { words } from "./words";

describe("the page's language", () => {
  it.each([
    ["ko", "ko"],
    ["ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", "ko"],
    ["en-US,en;q=0.9,ko;q=0.8", "en"],
    ["fr, ko;q=0.5", "ko"],
    ["en;q=0.2, ko;q=0.3", "ko"],
    ["ko;q=0, en;q=0.1", "en"],
    ["fr", "en"],
    ["", "en"],
    [";;q=,", "en"],
    [undefined, "en"],
  ])("for %j is %s", (asked, expected) => {
    expect(preferredLanguage(asked)).toBe(expected);
  });

  it("says each thing in its own words", () => {
    const texts = (value: unknown): string[] =>
      typeof value === "string"
        ? [value]
        : typeof value === "function"
          ? [value("1", "2")]
          : Object.values(value as object).flatMap(texts);
    const both = texts(words.en).map((text, at): [string, string] => [text, texts(words.ko)[at]!]);
    expect(both.length).toBeGreaterThan(90);
    for (const [english, korean] of both) {
      // What the switch says is in the language that it leads to.
      if (english !== "한국어") expect(korean).toMatch(/[가-힣]/);
      if (korean !== "English") expect(korean).not.toBe(english);
    }
  });
});
