import { describe, expect, it } from "vitest";
import { billionths, usd } from "./dollars";

describe("llm-rate-limit", () => {
  describe("money", () => {
    it.each([
      [0.42, 420_000_000],
      [0.07, 70_000_000],
      [1_000_000, 1e15],
      [0.0000000001, 1],
    ])("counts $%s as %i billionths, rounded up", (usd, billion) => {
      expect(billionths(usd)).toBe(billion);
    });

    it.each([
      [0, "0"],
      [123_000, "0.000123"],
      [2_500_000_000, "2.5"],
      [1e15, "1000000"],
    ])("shows %i billionths as $%s", (amount, shown) => {
      expect(usd(amount)).toBe(shown);
    });
  });
});
