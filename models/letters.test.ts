import { describe, expect, it } from "vitest";
import { lettersOf } from "./letters";

function textOf(text: string, start: number, end: number) {
  const { units, ...part } = lettersOf(text, start, end);
  const all = Array.from(units).slice(part.start - 1, part.end + 1);
  return [all[0], String.fromCharCode(...all.slice(1, -1)), all.at(-1)];
}

describe("letters", () => {
  it.each([
    ["a whole text, with 0 around it", "가b🙂", 0, 4, [0, "가b🙂", 0]],
    ["a part, with its neighbours", "abcde", 1, 4, [97, "bcd", 101]],
    ["a beginning", "abc", 0, 2, [0, "ab", 99]],
    ["an end", "가나다", 1, 3, [0xac00, "나다", 0]],
    ["nothing", "", 0, 0, [0, "", 0]],
  ])("are those of %s", (_, text, start, end, expected) => {
    textOf("x".repeat(100), 0, 100);
    expect(textOf(text, start, end)).toEqual(expected);
  });

  it("are all of a text that is longer than the room was", () => {
    const text = "가".repeat(10_000);
    expect(textOf(text, 0, text.length)).toEqual([0, text, 0]);
  });
});
