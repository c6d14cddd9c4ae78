import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lettersOf } from "../../models/letters";
import { Phrases } from "./phrases";

const found = (lists: string[][], text: string, start = 0, end = text.length) => {
  const hits: [number, number][] = [];
  new Phrases(lists).find(lettersOf(text, start, end), (list, word) => hits.push([list, word]));
  return hits;
};
const finds = (word: string, text: string) => found([[word]], text).length > 0;

describe("phrases", () => {
  it.each([
    ["a word of Latin letters from its beginning to its end", "prove", "Prove it", true],
    ["not inside another one", "art", "start the party", false],
    ["not where another letter follows", "class", "classic", false],
    ["with an open end where a star says so", "optimi*", "OPTIMISATION", true],
    ["before a particle of Korean", "api", "API를 고쳐", true],
    ["behind a word of Korean", "sql", "이SQL을", true],
    ["several words as one", "step by step", "think Step by step.", true],
    ["words of Korean wherever they stand", "복잡도", "시간복잡도를", true],
    ["at the very end", "proof", "the proof", true],
    ["behind an accented letter not at all", "clair", "éclair", false],
    ["a word of marks", "c++", "in C++ now", true],
  ])("finds %s", (_, word, text, expected) => {
    expect(finds(word, text)).toBe(expected);
  });

  it("tells the list and the number of each word, again where it stands again", () => {
    expect(found([["one", "two"], ["three"]], "two three two")).toEqual([
      ...[
        [0, 1],
        [1, 2],
        [0, 1],
      ],
    ]);
  });

  it("looks at the given part alone", () => {
    expect(found([["proof"]], "proof of proof", 1, 12)).toEqual([]);
  });

  it("finds what is there, whatever stands around it", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b", "가", "나", " ", ".") });
    fc.assert(
      fc.property(letters, letters, (before, after) => {
        expect(finds("ab 가", `${before} ab 가${after}`)).toBe(true);
      }),
    );
  });

  it("finds nothing that is not there", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b", "가", " ", "A") });
    fc.assert(
      fc.property(letters, (text) => {
        expect(finds("ab", text)).toBe(/(?<![a-z])ab(?![a-z])/i.test(text));
        expect(finds("가a", text)).toBe(/가a(?![a-z])/i.test(text));
      }),
    );
  });
});
