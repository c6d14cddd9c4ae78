import { describe, expect, it } from "vitest";
import { halfLifeMs, isStale, meanOf, paceOf, together } from "./pace";
import { measureArguments, paceIn, pacesIn } from "./pace-in-redis";
import { Paces } from "./paces";

describe("llm-models", () => {
  describe("how soon a target answers", () => {
    it("is the mean of its times, in which one counts half as much after a half-life", () => {
      const first = paceOf(400, 1000);
      expect(meanOf(together(first, paceOf(200, 1000))!)).toBe(300);
      const later = together(first, paceOf(100, 1000 + halfLifeMs))!;
      expect(meanOf(later)).toBe(200);
      expect(later.at).toBe(1000 + halfLifeMs);
    });

    it("is the same whatever the order, and whoever heard it", () => {
      const heard = [paceOf(100, 5000), paceOf(900, 1000), paceOf(300, 20_000)];
      const [one, two, three] = heard;
      const here = together(together(one, two), three)!;
      const there = together(three, together(two, one))!;
      expect(there.sum).toBeCloseTo(here.sum, 9);
      expect(there.weight).toBeCloseTo(here.weight, 9);
      expect(there.at).toBe(here.at);
    });

    it("stays a number after a long silence, and follows what is heard then", () => {
      const month = 30 * 86_400_000;
      expect(meanOf(together(paceOf(9000, 0), paceOf(50, month))!)).toBe(50);
      expect(meanOf(together(paceOf(50, month), paceOf(9000, 0))!)).toBe(50);
    });

    it("is no less than nothing where two clocks disagree", () => {
      expect(meanOf(paceOf(-20, 1000))).toBe(0);
    });

    it("is not known any more after a minute", () => {
      expect(isStale(undefined, 0)).toBe(true);
      expect(isStale(paceOf(1, 1000), 60_999)).toBe(false);
      expect(isStale(paceOf(1, 1000), 61_000)).toBe(true);
    });
  });

  describe("what nodes tell each other of it", () => {
    it("is told as a distance, and read by the clock of the node", () => {
      const pace = { sum: 500, weight: 2.5, at: 1000 };
      expect(measureArguments("stream", pace, 3000)).toEqual(["stream", 500, 2.5, 2000]);
      expect(paceIn("500.000 2.500000 1000", 250)).toEqual({ ...pace, at: 1250 });
      expect(pacesIn(["stream 500 2.5 1000", "whole 9 1 7"], 0)).toEqual([
        ["stream", pace],
        ["whole", { sum: 9, weight: 1, at: 7 }],
      ]);
    });

    it.each([
      "",
      "stream",
      "stream 1 1",
      "stream x 1 1",
      "stream 1 0 1",
      "stream -1 1 1",
      "cut 1 1 1",
    ])("is left out where it cannot be read: %j", (field) => {
      expect(pacesIn([field], 0)).toEqual([]);
    });
  });

  describe("what a node remembers of it", () => {
    it("is what all know and what it has not told yet, for each kind of answer", () => {
      const paces = new Paces();
      paces.hear("t", "stream", paceOf(100, 1000));
      paces.adopt("t", "stream", paceOf(300, 1000));
      expect(meanOf(paces.of("t", "stream")!)).toBe(200);
      expect(paces.of("t", "whole")).toBeUndefined();
      expect(paces.takeOwn("t", "stream")).toEqual(paceOf(100, 1000));
      expect(paces.takeOwn("t", "stream")).toBeUndefined();
      expect(meanOf(paces.of("t", "stream")!)).toBe(300);
      const entry = { target: "t", kind: "stream", pace: paceOf(300, 1000) };
      expect(paces.entries()).toEqual([entry]);
    });
  });
});
