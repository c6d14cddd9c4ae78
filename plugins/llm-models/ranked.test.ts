import { describe, expect, it } from "vitest";
import { adopt } from "../../stages/allowances";
import { ranked } from "./ranked";

let serial = 0;

/** Candidates of which so many requests are left; undefined: nothing is known. */
function rank(
  left: Record<string, number | undefined>,
  peers: number,
  groupsOf?: (open: string[]) => string[][],
) {
  const prefix = `ranked-${++serial}`;
  for (const [name, requests] of Object.entries(left)) {
    if (requests === undefined) continue;
    const allowance = { requests: { left: requests, resetAt: 2000 }, heardAt: 1000 };
    adopt(`${prefix}:${name}`, { key: [0, 1], allowance });
  }
  const nameOf = (name: string) => `${prefix}:${name}`;
  const { all, preferred } = ranked(Object.keys(left), peers, nameOf, groupsOf, 1500);
  return [all.join(" "), preferred];
}

describe("llm-models", () => {
  describe("what upstreams say is left", () => {
    it("orders the providers of one model, and neither target nor fallbacks", () => {
      expect(rank({ a: 5, b: 50, c: 10, fallback: 100 }, 3)).toEqual(["b c a fallback", "b"]);
      expect(rank({ target: 5, fallback: 50 }, 1)).toEqual(["target fallback", "target"]);
    });

    it("leaves weights alone where one of them has not told", () => {
      expect(rank({ a: 5, b: undefined }, 2)).toEqual(["a b", "a"]);
    });

    it("comes after what targets are balanced by, but for who has nothing", () => {
      const byName = (open: string[]) => [
        open.filter((name) => name < "c"),
        open.filter((name) => name >= "c"),
      ];
      expect(rank({ d: 0, c: 90, a: 5, b: 9, fallback: 100 }, 4, byName)).toEqual([
        "b a c fallback d",
        "b",
      ]);
    });

    it("puts who has nothing behind all others, and still says what was preferred", () => {
      expect(rank({ target: 0, fallback: undefined }, 1)).toEqual(["fallback target", "target"]);
      expect(rank({ a: 0, b: 0, fallback: 3 }, 2)).toEqual(["fallback a b", "a"]);
      expect(rank({ a: 0, b: 1, fallback: 3 }, 2)).toEqual(["b fallback a", "b"]);
    });
  });
});
