import { describe, expect, it } from "vitest";
import { findIn } from "../../personal-data/find";
import { corpus, measure } from "./corpus";

// Told by a check digit: those must be surer.
const checked = ["resident_number", "business_number", "card", "iban"];

describe("the recognisers, by a corpus of people who do not exist", () => {
  const lines = corpus();
  const measures = measure(lines, (text) => findIn(text));

  it("are measured by at least 2,000 lines, half of which only look like it", () => {
    expect(lines.length).toBeGreaterThanOrEqual(2000);
    const traps = lines.filter(({ expected }) => expected.length === 0);
    expect(traps.length / lines.length).toBeGreaterThanOrEqual(0.5);
    expect(new Set(lines.map(({ text }) => text)).size).toBeGreaterThan(lines.length * 0.95);
  });

  it.each(measures)("$kind is right where it finds, and finds what is there", (measured) => {
    const [precision, recall] = checked.includes(measured.kind) ? [0.99, 0.97] : [0.97, 0.93];
    expect(measured.wanted).toBeGreaterThanOrEqual(70);
    expect(measured.precision).toBeGreaterThanOrEqual(precision);
    expect(measured.recall).toBeGreaterThanOrEqual(recall);
  });
});
