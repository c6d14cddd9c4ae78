import { describe, expect, it } from "vitest";
import { lettersOf } from "../../models/letters";
import { Phrases } from "./phrases";
import { SignReader } from "./signs";
import { defaultWords, lists, wordsOf } from "./words";

const none = { hard: [], work: [], easy: [], constraints: [], mathematics: [], code: [] };
const all = { head: 1000, tail: 500 };
const read = (text: string, words = defaultWords()) => new SignReader(words).read([text], all);

describe("signs", () => {
  it.each([
    ["letters by their script", "abc 가나 漢", { latin: 3, hangul: 2, others: 1, seen: 8 }],
    ["questions, of full width too", "왜? なぜ？", { questions: 2 }],
    ["points of a list, at the beginning of a line", "- a\n* b\n1. c\nd - e", { points: 3 }],
    ["blocks of code", "```\nx\n```", { fences: 2 }],
    ["marks of code and of formulas", "a[i] = {x^2}; ∑", { codeMarks: 6, mathMarks: 2 }],
  ])("count %s", (_, text, expected) => {
    expect(read(text)).toMatchObject(expected);
  });

  it("count each word once, however often it stands there", () => {
    expect(read("prove and prove and PROVE").hard).toBe(1);
    expect(read("증명하고 또 증명").hard).toBe(1);
  });

  it("count no word of what a simple order is about", () => {
    expect(read("Translate: prove the theorem").hard).toBe(0);
    expect(read("Prove the theorem: translate").hard).toBe(2);
  });

  it("leave out the middle of a long text, and estimate its tokens by the rest", () => {
    const text = `${"word ".repeat(1000)}prove${" word".repeat(1000)}`;
    expect(read(text)).toMatchObject({ hard: 0, seen: 1500 });
    expect(read(text).tokens).toBeCloseTo(text.length / 4, 0);
  });

  it("are read by an operator's own words, and by the shipped ones of each list that he leaves empty", () => {
    const words = wordsOf({ ...none, hard: ["frobnicate"] });
    expect(read("Frobnicate it", words).hard).toBe(1);
    expect(read("prove it", words).hard).toBe(0);
    expect(words.work).toEqual(defaultWords().work);
  });
});

/** How often the search looks at a letter of a text. */
function looks(phrases: Phrases, text: string): number {
  let count = 0;
  const { units, ...part } = lettersOf(text, 0, text.length);
  const counted = new Proxy(units, {
    get(letters, at) {
      count++;
      return letters[Number(at)];
    },
  });
  phrases.find({ ...part, units: counted }, () => {});
  return count;
}

describe("the search for words", () => {
  const words = defaultWords();
  const phrases = new Phrases(lists.map((list) => words[list]));
  const stems = lists.flatMap((list) => words[list].map((word) => word.replace("*", "")));

  it("looks at no letter of any text more than a few times", () => {
    // Beginnings of listed words, as whoever wants it slow would write them.
    const hostile = stems.flatMap((word) => [word.slice(0, -1), word.slice(0, 3), word]);
    for (const unit of [...new Set(hostile), "a", " ", "가"]) {
      const text = `${unit} `.repeat(Math.ceil(1000 / (unit.length + 1)));
      expect(looks(phrases, text) / text.length, unit).toBeLessThan(25);
    }
  });

  it.each(["pro ", "step by ste ", "단계", "a", "복잡"])(
    "looks twice as often at twice as many letters of %s",
    (unit) => {
      const [once, twice] = [unit.repeat(500), unit.repeat(1000)].map((text) =>
        looks(phrases, text),
      );
      expect(twice).toBeLessThanOrEqual(2 * once! + 100);
    },
  );
});
