import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Allowance, allowanceOf, byRoom, roomIn } from "./allowance";

const at = Date.UTC(2026, 0, 1);
const nothing = { requests: "", requests_reset: "", tokens: "", tokens_reset: "" };

function told(left: object, source: "service" | "error" = "service"): Allowance | undefined {
  return allowanceOf({ source, left: { ...nothing, ...left }, first_byte_at: at });
}

describe("what an upstream says is left", () => {
  it.each([
    ["6m0s", 360_000],
    ["17ms", 17],
    ["1h2m3.5s", 3_723_500],
    ["12", 12_000],
    [String(at / 1000 + 30), 30_000],
    [String(at + 30_000), 30_000],
    ["2026-01-01T00:00:05Z", 5000],
    ["2026-01-01T09:00:05+09:00", 5000],
    ["", 60_000],
    ["soon", 60_000],
    ["720h", 86_400_000],
  ])("holds until %j, which is %i ms", (requests_reset, ms) => {
    expect(told({ requests: "3", requests_reset })).toEqual({
      requests: { left: 3, resetAt: at + ms },
      heardAt: at,
    });
  });

  it("is read of tokens beside requests, and below nothing is nothing", () => {
    const left = { requests: "10", requests_reset: "1s", tokens: "-5", tokens_reset: "2s" };
    expect(told(left)).toEqual({
      requests: { left: 10, resetAt: at + 1000 },
      tokens: { left: 0, resetAt: at + 2000 },
      heardAt: at,
    });
  });

  it.each(["", "many", "1e9", "0x10", "9".repeat(40), "1,000"])("is not read from %j", (text) => {
    expect(told({ requests: text, tokens: text })).toBeUndefined();
  });

  it("is nothing that Kong says of an upstream that failed", () => {
    expect(told({ requests: "1" }, "error")).toBeUndefined();
    expect(allowanceOf({ source: "service", first_byte_at: at })).toBeUndefined();
  });

  it("throws at no text, and holds for a day at most", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (requests, requests_reset) => {
        const { requests: read } = told({ requests, requests_reset }) ?? {};
        if (!read) return;
        expect(read.left).toBeGreaterThanOrEqual(0);
        expect(read.resetAt).toBeLessThanOrEqual(at + 86_400_000);
      }),
    );
    expect(told({ requests: "1", requests_reset: "9".repeat(15) })?.requests?.resetAt).toBe(
      at + 86_400_000,
    );
  });
});

describe("the room in it", () => {
  const both = told({ requests: "9", requests_reset: "1s", tokens: "2000", tokens_reset: "10s" });

  it("is that of the tighter limit, a request being reckoned as 1,000 tokens", () => {
    expect(roomIn(both, at)).toBe(2);
    expect(roomIn(told({ requests: "1", tokens: "2000" }), at)).toBe(1);
  });

  it("is not known once its limits are whole again", () => {
    expect(roomIn(both, at + 1000)).toBe(2);
    expect(roomIn(both, at + 10_000)).toBeUndefined();
    expect(roomIn(undefined, at)).toBeUndefined();
  });

  it("is none where one of the two is spent", () => {
    expect(roomIn(told({ requests: "0", tokens: "9000" }), at)).toBe(0);
    expect(roomIn(told({ requests: "9", tokens: "0" }), at)).toBe(0);
  });
});

describe("who is asked first", () => {
  const left = (requests: number, requests_reset = "60s") =>
    told({ requests: String(requests), requests_reset });
  const rank = (known: Record<string, (Allowance | undefined)[]>, now = at) =>
    byRoom(Object.keys(known), (name) => known[name]!, now);

  it("has most left; equals are one rank", () => {
    const known = { a: [left(5)], b: [left(50)], c: [left(5)] };
    expect(rank(known)).toEqual({ open: [["b"], ["a", "c"]], spent: [] });
  });

  it("is whoever has weight where one of them has not told", () => {
    expect(rank({ a: [left(5)], b: [undefined], c: [left(50)] }).open).toEqual([["a", "b", "c"]]);
  });

  it("is nobody that said zero, before its reset; the first to have room again is the last resort", () => {
    const known = { a: [left(0, "60s")], b: [left(0, "20s")], c: [undefined] };
    expect(rank(known)).toEqual({ open: [["c"]], spent: ["b", "a"] });
    expect(rank(known, at + 20_000).spent).toEqual(["a"]);
    expect(rank(known, at + 60_000)).toEqual({ open: [["a", "b", "c"]], spent: [] });
  });

  it("has it with all its keys together, and is spent when all of them are", () => {
    const known = { a: [left(6)], b: [left(4), left(4)], c: [left(0), left(0)] };
    expect(rank(known)).toEqual({ open: [["b"], ["a"]], spent: ["c"] });
    expect(rank({ a: [left(0), undefined] })).toEqual({ open: [["a"]], spent: [] });
  });
});
