import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KnownValues } from "./known-values";

/** Values that are found in a text, with where they stand. */
function found(values: string[], text: string, changed: { start: number; end: number }[] = []) {
  const known = new KnownValues(
    values.map((value) => ({ kind: "phone", value, placeholder: `[${value}]` })),
  );
  const all = known.find(
    text,
    changed.map((one) => ({ ...one, text: "" })),
  );
  known.close();
  return all.map(({ value, start }) => `${value} at ${start}`);
}

describe("values that are known", () => {
  it("are found in any words, in ascending order", () => {
    expect(found(["010-1", "a@b.kr"], "xa@b.kr010-1 a@b.kr")).toEqual([
      "a@b.kr at 1",
      "010-1 at 7",
      "a@b.kr at 13",
    ]);
  });

  it("are none within a longer number, nor where the text changes already", () => {
    expect(found(["1.2.3.4"], "11.2.3.4 1.2.3.45 1.2.3.4")).toEqual(["1.2.3.4 at 18"]);
    expect(found(["ab-1"], "ab-1 ab-1", [{ start: 3, end: 6 }])).toEqual([]);
    expect(found(["ab-1"], "ab-1 ab-1", [{ start: 4, end: 5 }])).toEqual([
      "ab-1 at 0",
      "ab-1 at 5",
    ]);
  });

  it("are found where a plain search finds them", () => {
    const letters = fc.string({
      unit: fc.constantFrom("a", "b", "가"),
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(
        fc.array(letters, { minLength: 1, maxLength: 20 }),
        fc.string({ unit: fc.constantFrom("a", "b", "가", " "), maxLength: 60 }),
        (values, text) => {
          const all = found(values, text);
          expect(all.length > 0).toBe(values.some((value) => text.includes(value)));
          for (const one of all) {
            const [value, at] = one.split(" at ");
            expect(text.startsWith(value!, Number(at))).toBe(true);
          }
        },
      ),
    );
  });

  it("leave nothing of one search for the next", () => {
    found(["abc"], "abc");
    expect(found(["x"], "abc x")).toEqual(["x at 4"]);
  });
});
