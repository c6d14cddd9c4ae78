import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byteOffsets } from "./byte-offsets";

describe("byte offsets", () => {
  it("are those of a text's UTF-8", () => {
    const letters = fc.constantFrom("a", "\u007f", "é", "\u07ff", "한", "\uffff", "😀");
    fc.assert(
      fc.property(fc.array(letters), (spelt) => {
        const bytesAt = byteOffsets(spelt.join(""));
        const asked = spelt.map((_, n) => spelt.slice(0, n).join(""));
        expect(asked.map((before) => bytesAt(before.length))).toEqual(
          asked.map((before) => Buffer.byteLength(before)),
        );
      }),
    );
  });
});
