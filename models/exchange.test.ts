import { describe, expect, it } from "vitest";
import { exchanged, usdText } from "./exchange";

describe("models › a report's currency", () => {
  it("shows dollars with all their digits", () => {
    expect(usdText(12_000_000_001n)).toBe("12.000000001");
    expect(usdText(-500_000_000n)).toBe("-0.5");
    expect(usdText(20_000_000_000_000_000_001n)).toBe("20000000000.000000001");
  });

  it("rounds once, half up, to the places of the currency", () => {
    expect(exchanged(1_000_000_000n, { currency: "KRW", rate: 1388.5 })).toBe("1389");
    expect(exchanged(1_000_000_000n, { currency: "KRW", rate: 1388.4999 })).toBe("1388");
    expect(exchanged(1_000_000_000n, { currency: "EUR", rate: 0.925 })).toBe("0.93");
    expect(exchanged(-1_000_000_000n, { currency: "EUR", rate: 0.925 })).toBe("-0.93");
    expect(exchanged(-1n, { currency: "KRW", rate: 1400 })).toBe("0");
  });

  it("is exact beyond what a double holds", () => {
    const nano = 9_007_199_254_740_993_000_000_000n;
    expect(exchanged(nano, { currency: "USD", rate: 1 })).toBe("9007199254740993.00");
  });
});
