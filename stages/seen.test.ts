import { describe, expect, it } from "vitest";
import { Seen } from "./seen";

describe("names that came lately", () => {
  it("are seen from their second time on", () => {
    const seen = new Seen(10);
    expect(["a", "b", "a"].map((name) => seen.isSeen(name))).toEqual([false, false, true]);
  });

  it("are remembered for as many names as asked for, and no more than twice as many", () => {
    const seen = new Seen(100);
    const names = Array.from({ length: 1000 }, (_, n) => `${n}`);
    for (const name of names) seen.isSeen(name);
    expect(names.slice(-100).every((name) => seen.isSeen(name))).toBe(true);
    expect(seen.isSeen(names[700]!)).toBe(false);
  });
});
