import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exactUsdText, nanoUsd, nanoUsdOfExact, scaled, usdOfNano } from "./money";

describe("money", () => {
  it.each([
    [0.42, 9, 420_000_000n],
    [0.003625, 9, 3_625_000n],
    [1e-7, 9, 100n],
    [1.5e21, 0, 1_500_000_000_000_000_000_000n],
    [0.0000000001, 9, 1n],
    [0, 9, 0n],
  ])("takes the digits of %d as they are written, in 10^-%i", (value, places, expected) => {
    expect(scaled(value, places)).toBe(expected);
  });

  it("takes no binary fraction for a decimal one", () => {
    expect(0.1 + 0.2).not.toBe(0.3);
    expect(scaled(0.1, 21) + scaled(0.2, 21)).toBe(scaled(0.3, 21));
  });

  it("rounds up to whole nano-dollars, and never twice", () => {
    expect(nanoUsdOfExact(1n)).toBe(1);
    expect(nanoUsdOfExact(10n ** 12n)).toBe(1);
    expect(nanoUsdOfExact(10n ** 12n + 1n)).toBe(2);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e15 }), (nano) => {
        expect(nanoUsd(usdOfNano(nano))).toBe(nano);
      }),
    );
  });

  it("stops where a counter in Redis would no longer be exact", () => {
    expect(nanoUsdOfExact(10n ** 40n)).toBe(Number.MAX_SAFE_INTEGER);
  });

  it("writes an exact sum with all its digits and none more", () => {
    expect(exactUsdText(0n)).toBe("0");
    expect(exactUsdText(10n ** 21n)).toBe("1");
    expect(exactUsdText(scaled(0.0000042, 21))).toBe("0.0000042");
    expect(exactUsdText(1n)).toBe("0.000000000000000000001");
  });
});
